"""The conflict catalogue: each row a test through the real edge and hub, with its one outcome.

Each test states what happened, what holds at both sides afterwards, the sentence that the
associate reads, what the customer is told, and who has to act until when. Which test shows which
row is the table in `tests/architecture/test_conflicts.py`.
"""

from dataclasses import fields

import pytest

from central_server.services.catalogue_intake import StockItem
from store_client.services.sales import examine, find_item, says
from sync.domain import operations as op
from sync.domain.errors import IllegalTransition
from sync.domain.flows import ALL_FLOWS, ALL_OPERATIONS
from sync.domain.fulfillment import ShortReason
from sync.domain.stock_operations import SkuUnits
from sync.protocol.lines import OperationRecord, chain, encode_line
from tests.support.central_world import World, whole_pickup
from tests.support.conflicts import (
    CANCELLED,
    PROOF,
    RECEIVED,
    agree,
    cancel,
    customer_reads,
    do,
    inbox,
    order_at,
    people,
    refused,
    sale_sentence,
    sentence,
)
from tests.support.store_side import POLICY, StoreSide

DAY_MS = 86_400_000
COUNTS = (
    "The order had ended at central, but the goods are with the customer: it counts as picked up."
)
PUT_BACK = "The order ended while you worked on it: put the goods back."
NOTHING = "The order had already ended at central: nothing changed."
TOO_LATE = "The promise had ended at central before the store confirmed it."
READY = "Order N is ready"
MOVED = "Order N: pick up at Store S002"


def test_cancelled_centrally_and_handed_over_offline(world: World, store: StoreSide):
    """The goods are with the customer: the fact wins, and a person voids the refund."""
    order_id, work = order_at(world, store)
    do(store, *whole_pickup(work)[:-1])
    store.settle()
    store.cut()
    do(store, whole_pickup(work)[-1])
    cancel(world, order_id)
    agree(world, store)
    assert world.order(order_id)["status"] == "fulfilled"
    assert sentence(store, work.id) == COUNTS
    assert customer_reads(world) == [READY, RECEIVED], "not that it is cancelled"
    assert people(world) == ["refund_to_void: central, within 24 hours"]


def test_what_stays_cancelled_of_an_order_that_was_handed_over_in_part_is_told(
    world: World, store: StoreSide
):
    """One unit went along before the cancellation was heard of, the other did not."""
    order_id, work = order_at(world, store)
    do(store, *whole_pickup(work)[:-1])
    store.settle()
    store.cut()
    do(store, op.HandedOver(work.id, (op.LineQuantity(1, 1),), PROOF))
    cancel(world, order_id)
    agree(world, store)
    assert world.order(order_id)["status"] == "fulfilled"
    assert sentence(store, work.id) == COUNTS
    assert customer_reads(world) == [CANCELLED, READY, RECEIVED]
    assert people(world) == [
        "put_back_due: store, within 8 hours", "refund_to_void: central, within 24 hours",
    ]  # fmt: skip


def test_cancelled_centrally_and_picked_offline(world: World, store: StoreSide):
    """The cancellation wins: the goods go back, and nothing is charged."""
    order_id, work = order_at(world, store)
    store.cut()
    do(store, op.LinePicked(work.id, 1, 2), op.Staged(work.id, "A1"))
    cancel(world, order_id)
    store.settle()
    (after,) = world.fulfillments(order_id)
    assert (after.total("cancelled"), after.total("to_put_back")) == (2, 2)
    assert sentence(store, work.id) == PUT_BACK
    assert people(world) == ["put_back_due: store, within 8 hours"]
    assert world.stock("S001") == (10, 2), "in our hands: not to be sold"
    do(store, op.PutBack(work.id, 1, 2))
    agree(world, store)
    assert world.stock("S001") == (10, 0)
    assert world.order(order_id)["status"] == "cancelled"
    assert customer_reads(world) == [CANCELLED, RECEIVED]
    assert any("Nothing is charged" in mail.text for mail in world.mails())
    assert people(world) == []


def test_the_ready_message_of_a_cancelled_order_is_never_sent(world: World, store: StoreSide):
    """A customer who cancelled is not told to come."""
    order_id, work = order_at(world, store)
    store.cut()
    do(store, *whole_pickup(work)[:-1])
    cancel(world, order_id)
    agree(world, store)
    assert sentence(store, work.id) == PUT_BACK
    assert customer_reads(world) == [CANCELLED, RECEIVED]
    assert people(world) == ["put_back_due: store, within 8 hours"]


def test_sold_on_the_floor_over_a_promise_is_moved(world: World, store: StoreSide):
    """Another store has it: the customer hears of the new place, nobody has to act."""
    order_id, _ = order_at(world, store, 8)
    store.cut()
    store.sell(3)
    agree(world, store)
    assert [one.location_id for one in world.fulfillments(order_id)] == ["S001", "S002"]
    assert sale_sentence(store) == "Store S002 takes over 1 piece; the customer is told."
    assert customer_reads(world) == [MOVED, RECEIVED]
    assert any("Your pickup code at Store S002" in mail.text for mail in world.mails())
    assert people(world) == []


def test_sold_on_the_floor_over_a_promise_that_nobody_else_can_keep(world: World, store: StoreSide):
    """No other store has one: somebody asks the customer, who is told that it is looked into."""
    order_id, work = order_at(world, store, 8)
    for place in ("S002", "S003"):
        world.parts.intake.stock([StockItem(place, "SKU-1", 0)], "count")
    store.cut()
    store.sell(3, breaks=work.id)
    agree(world, store)
    assert [one["unsourced"] for one in world.order(order_id)["lines"]] == [1]
    assert sale_sentence(store) == "No other store can give 1 piece: central asks the customer."
    assert customer_reads(world) == ["Order N: a part of it is missing", RECEIVED]
    assert people(world) == ["unsourced: central, within 4 hours"]


def test_a_promise_that_lapsed_and_is_confirmed_too_late(world: World, store: StoreSide):
    """Central had moved it: the units are the store's again, and nothing happens twice."""
    store.cut()
    world.clock.advance(POLICY.lease_ms * 9 // 10)
    placed = world.place(("SKU-1", 2))
    (work,) = world.fulfillments(placed.order_id)
    world.clock.advance(POLICY.lease_ms)
    assert world.parts.promises.run() == 1
    agree(world, store)
    first, second = world.fulfillments(placed.order_id)
    assert (first.total("open"), second.total("open")) == (0, 2)
    assert store.store.fulfillment(work.id) is not None
    assert world.stock("S001") == (10, 0)
    assert store.store.fates_of(work.id) == [], "nobody there had touched it"
    assert customer_reads(world) == [MOVED, RECEIVED]
    assert people(world) == []


def test_a_confirmation_that_was_under_way_when_the_promise_lapsed(world: World, store: StoreSide):
    """The confirmation was journaled and lost with the network; central decided in the meantime."""
    placed = world.place(("SKU-1", 2))
    (work,) = world.fulfillments(placed.order_id)
    store.daemon._pull(store.daemon._hello(), store.daemon._hello().heads)
    store.daemon._keeper.share_out()
    store.cut()
    world.clock.advance(3 * POLICY.lease_ms)
    assert world.parts.promises.run() == 1
    agree(world, store)
    first, second = world.fulfillments(placed.order_id)
    assert (first.total("open"), second.total("open")) == (0, 2)
    assert world.stock("S001") == (10, 0), "the units are the floor's again"
    assert sentence(store, work.id) == TOO_LATE
    assert customer_reads(world) == [MOVED, RECEIVED]
    assert people(world) == []


def test_both_stores_handed_over_the_same_order(world: World, store: StoreSide, neighbor):
    """The first was cut off and never confirmed: both facts stand, and a person settles it."""
    placed = world.place(("SKU-1", 2))
    (work,) = world.fulfillments(placed.order_id)
    hello = store.daemon._hello()
    store.daemon._pull(hello, hello.heads)
    store.cut()
    do(store, *whole_pickup(work))
    world.clock.advance(3 * POLICY.lease_ms)
    neighbor.clock.advance(3 * POLICY.lease_ms)
    neighbor.settle()
    world.parts.promises.run()
    neighbor.settle()
    (_, moved) = world.fulfillments(placed.order_id)
    do(neighbor, *whole_pickup(moved))
    neighbor.settle()
    agree(world, store, neighbor)
    assert sentence(store, work.id) == COUNTS
    assert sentence(neighbor, moved.id) == "", "its own order was as it should be"
    assert customer_reads(world) == [MOVED, RECEIVED]
    assert people(world) == ["double_fulfillment: central, within 24 hours"]


def test_a_confirmed_promise_is_kept_to_its_last_day_whoever_is_away(
    world: World, store: StoreSide
):
    """Days without a network: what central had confirmed waits and is handed over."""
    order_id, work = order_at(world, store)
    do(store, *whole_pickup(work)[:-1])
    store.settle()
    store.cut()
    for _ in range(4):
        world.clock.advance(DAY_MS)
        store.clock.advance(DAY_MS)
        store.round()
        world.parts.promises.run()
    do(store, whole_pickup(work)[-1])
    agree(world, store)
    assert world.order(order_id)["status"] == "fulfilled"
    assert sentence(store, work.id) == "", "as it should be: nothing has to be said"
    assert customer_reads(world) == [READY, RECEIVED]
    assert people(world) == []


def test_two_terminals_and_one_order(world: World, store: StoreSide):
    """One store has one journal: the second is told at once, without a network."""
    _, work = order_at(world, store)
    store.cut()
    do(store, op.LinePicked(work.id, 1, 2))
    with pytest.raises(IllegalTransition) as caught:
        store.store.perform(op.LinePicked(work.id, 1, 1), by="A2", dev="T2")
    assert refused(caught.value) == (
        "“picked” does not fit: the order stands at “Picked”. See the next step at the top."
    )
    agree(world, store)
    assert [one.total("picked") for one in world.fulfillments(work.order_id)] == [2]
    assert customer_reads(world) == [RECEIVED]
    assert people(world) == []


def test_two_tills_and_the_last_free_units(world: World, store: StoreSide):
    """One store has one journal: the second till reads at its scan that none is free any more."""
    store.cut()
    store.sell(2)
    (line,) = examine(store.store, [SkuUnits("SKU-1", 1)]).lines
    assert (line.free, line.over) == (0, 1)
    assert says(line, None, store.clock.now_ms()) == "1 of 1 may just have been promised online."
    agree(world, store)
    assert world.stock("S001") == (8, 0)
    assert customer_reads(world) == []
    assert people(world) == []


def test_a_line_that_the_store_gives_up_after_it_was_moved(world: World, store: StoreSide):
    """Central had sent the order elsewhere: the late rejection moves it no second time."""
    placed = world.place(("SKU-1", 2))
    (work,) = world.fulfillments(placed.order_id)
    store.daemon._pull(store.daemon._hello(), store.daemon._hello().heads)
    store.cut()
    do(store, op.FulfillmentAccepted(work.id))
    do(store, op.FulfillmentRejected(work.id, ShortReason.STORE_BUSY))
    world.clock.advance(3 * POLICY.lease_ms)
    assert world.parts.promises.run() == 1
    agree(world, store)
    first, second = world.fulfillments(placed.order_id)
    assert (first.total("open"), second.total("open")) == (0, 2)
    assert sentence(store, work.id) == NOTHING
    assert customer_reads(world) == [MOVED, RECEIVED]
    assert people(world) == []


def test_a_line_that_the_store_gives_up_after_it_was_cancelled(world: World, store: StoreSide):
    """Nothing happens twice: accepted, without an effect."""
    order_id, work = order_at(world, store)
    store.cut()
    do(store, op.LineShortPicked(work.id, 1, 2, ShortReason.STORE_BUSY))
    cancel(world, order_id)
    agree(world, store)
    assert len(world.fulfillments(order_id)) == 1
    assert sentence(store, work.id) == NOTHING
    assert customer_reads(world) == [CANCELLED, RECEIVED]
    assert people(world) == []


def test_a_clock_that_is_wrong_by_days(world: World, store: StoreSide):
    """The order of work is the journal's, deadlines are central's, and the offset is known."""
    order_id, work = order_at(world, store)
    store.clock.wall_ms += 400 * DAY_MS
    do(store, op.FulfillmentAccepted(work.id))
    store.clock.wall_ms -= 800 * DAY_MS
    do(store, *whole_pickup(work)[1:])
    agree(world, store)
    assert world.order(order_id)["status"] == "fulfilled"
    store.reboot("boot-2")
    store.settle()
    store.settle()
    assert abs(store.store.sync_state().clock_offset_ms) > 300 * DAY_MS
    assert inbox(store) == ["The clock of this store's machine is 576000 minutes slow."]
    assert customer_reads(world) == [RECEIVED]
    assert people(world) == ["clock_wrong: store, within 24 hours"]


def test_an_item_that_central_never_had_is_sold(world: World, store: StoreSide):
    """The sale counts on a row of its own; the till is told what it was taken for."""
    assert find_item(store.store, "SKU-GHOST").note == (
        "SKU-GHOST was sold and is not in the catalogue: kept as an item of that name."
    )
    store.sell(1, "SKU-GHOST")
    agree(world, store)
    assert world.stock("S001", "SKU-GHOST") == (-1, 0)
    assert sale_sentence(store) == ""
    assert customer_reads(world) == []
    assert people(world) == []


def test_a_poison_operation_holds_up_nothing(world: World, store: StoreSide):
    """Kept whole, in quarantine; work on other orders goes on, on this one it waits."""
    order_id, work = order_at(world, store)
    other_id, other = order_at(world, store)
    line = encode_line(
        OperationRecord("A1", "T1", "b", 1, 1, op.FulfillmentAccepted(work.id))
    ).replace(b"fulfillment_accepted", b"fulfillment_teleported")
    journal_raw(store, line, work.id)
    do(store, *whole_pickup(work))
    do(store, *whole_pickup(other))
    store.settle()
    assert world.order(other_id)["status"] == "fulfilled"
    assert world.order(order_id)["status"] == "open"
    assert store.store.sync_state().quarantined == 1 + len(whole_pickup(work))
    first, *behind = (one.text for one in store.store.fates_of(work.id) if one.text)
    assert first == (
        "Central cannot read this: it is kept whole there, and somebody looks into it."
    )
    assert set(behind) == {"an earlier step of this order is held back"}
    assert sentence(store, other.id) == ""
    assert customer_reads(world) == [RECEIVED, RECEIVED]
    assert people(world) == ["quarantined: central, within 4 hours"]


def journal_raw(store: StoreSide, line: bytes, aggregate: str) -> None:
    """Append a line that this version could not have made."""
    journal = store.store.journal
    with journal.writing():
        head = journal.head()
        journal._connection.execute(
            "INSERT INTO operations (epoch, seq, line, hash, kind, aggregate, actor, at_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (journal.identity.epoch, head.seq + 1, line, chain(head.hash, line),
             "fulfillment_teleported", aggregate, "A1", 1),
        )  # fmt: skip


def test_rows_of_the_catalogue_wait_for_their_flows():
    """A conflict of what does not exist cannot be played; whoever adds it adds its row here.

    Transfers and returns at the counter, counts of stock by associates, taxes and promotions,
    prices that begin at a date, a second version of a spoilt operation. Those of reservations
    and tenders are in `test_reservations.py`; transfers that central orders are above.
    """
    waiting = ("transfer", "return", "receive", "count", "tax", "promotion", "price", "fix")
    there = {"drawer_counted", "tender_returned"}
    """Money that is counted, and a tender that goes back: no goods."""
    kinds = {
        str(next(one.default for one in fields(kind) if one.name == "kind"))
        for kind in ALL_OPERATIONS
    }
    assert there < kinds
    names = {flow.name for flow in ALL_FLOWS} | (kinds - there)
    assert [name for name in sorted(names) if any(stem in name for stem in waiting)] == []
