"""The conflict catalogue: each row a test through the real edge and hub, with its one outcome.

Each test states what happened, what holds at both sides afterwards, the sentence
that the associate reads, and what the customer notices. Restores, clones and
revoked devices are in `test_recovery.py`; sales over promises in `test_sales.py`.
"""

from dataclasses import fields, replace
from typing import Any

import pytest

from central_server.records import ExceptionFilter, OrderFilter
from central_server.services.catalogue_intake import StockItem
from central_server.services.idempotency import RequestIdentity
from sync.domain import operations as op
from sync.domain.errors import IllegalTransition
from sync.domain.flows import ALL_FLOWS, ALL_OPERATIONS
from sync.domain.fulfillment import FulfillmentOrder, PickupProof, ProofKind, ShortReason
from sync.domain.inventory import StockReason
from sync.protocol.lines import OperationRecord, encode_line
from tests.central_server.services.test_promise_rules import ONLY_HERE
from tests.central_server.services.test_promise_rules import publish as publish_promises
from tests.support.central_world import World, whole_pickup
from tests.support.parcels import CARRIERS
from tests.support.store_side import POLICY, StoreSide, share_by_escrow

PROOF = PickupProof(ProofKind.PICKUP_CODE, "Jo")
DAY_MS = 86_400_000


def order_at(world: World, store: StoreSide, units: int = 2) -> tuple[str, FulfillmentOrder]:
    """Place an order and let the store hear of it; return order id and the store's work."""
    placed = world.place(("SKU-1", units))
    store.settle()
    (work,) = world.fulfillments(placed.order_id)
    return placed.order_id, work


def do(store: StoreSide, *operations: Any) -> None:
    for operation in operations:
        store.store.perform(operation, by="A1", dev="T1")


def cancel(world: World, order_id: str) -> None:
    world.parts.central.cancelling.cancel(order_id, reason="mind changed", actor="test")


def sentence(store: StoreSide, key: str) -> str:
    """Return what the associate reads of the last operation on an order."""
    return store.store.fates_of(key)[-1].text


def exceptions(world: World) -> list[str]:
    """Return the kinds of what waits for a person; each has an owner and a due time."""
    found = world.parts.central.exceptions.page(ExceptionFilter(), None, 50)[0]
    assert all(one["owner"] and one["due_at"] for one in found)
    return sorted(str(one["kind"]) for one in found)


def agree(world: World, *stores: StoreSide) -> None:
    for store in stores:
        store.settle()
        assert store.differences() == []
    world.check_books()


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
    assert exceptions(world) == ["refund_to_void"]
    assert "counts as picked up" in sentence(store, work.id)
    assert not any("is cancelled" in mail.subject for mail in world.mails())


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
    assert any("is cancelled" in mail.subject for mail in world.mails())


def test_cancelled_centrally_and_picked_offline(world: World, store: StoreSide):
    """The cancellation wins: the goods go back, and nothing is charged."""
    order_id, work = order_at(world, store)
    store.cut()
    do(store, op.LinePicked(work.id, 1, 2), op.Staged(work.id, "A1"))
    cancel(world, order_id)
    store.settle()
    (after,) = world.fulfillments(order_id)
    assert (after.total("cancelled"), after.total("to_put_back")) == (2, 2)
    assert "put the goods back" in sentence(store, work.id)
    assert world.stock("S001") == (10, 2), "in our hands: not to be sold"
    do(store, op.PutBack(work.id, 1, 2))
    agree(world, store)
    assert world.stock("S001") == (10, 0)
    assert world.order(order_id)["status"] == "cancelled"
    assert any("Nothing is charged" in mail.text for mail in world.mails())


def test_the_ready_message_of_a_cancelled_order_is_never_sent(world: World, store: StoreSide):
    """A customer who cancelled is not told to come."""
    order_id, work = order_at(world, store)
    store.cut()
    do(store, *whole_pickup(work)[:-1])
    cancel(world, order_id)
    agree(world, store)
    assert not any("is ready for you" in mail.text for mail in world.mails())


def test_sold_on_the_floor_over_a_promise_is_moved(world: World, store: StoreSide):
    """Another store has it: the customer hears of the new place, nobody has to act."""
    order_id, _ = order_at(world, store, 8)
    store.cut()
    store.sell(3)
    agree(world, store)
    assert [one.location_id for one in world.fulfillments(order_id)] == ["S001", "S002"]
    assert exceptions(world) == []
    assert any("Your pickup code at Store S002" in mail.text for mail in world.mails())


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
    assert any("Your pickup code at Store S002" in mail.text for mail in world.mails())


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
    assert "before the store confirmed it" in sentence(store, work.id)
    assert len(world.fulfillments(placed.order_id)) == 2


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
    assert exceptions(world) == ["double_fulfillment"]
    assert "it counts as picked up" in sentence(store, work.id)


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
    assert exceptions(world) == []


def test_two_terminals_and_one_order(world: World, store: StoreSide):
    """One store has one journal: the second is told at once, without a network."""
    _, work = order_at(world, store)
    store.cut()
    do(store, op.LinePicked(work.id, 1, 2))
    with pytest.raises(IllegalTransition):
        store.store.perform(op.LinePicked(work.id, 1, 1), by="A2", dev="T2")


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
    assert "nothing changed" in sentence(store, work.id)
    assert exceptions(world) == []


def test_a_line_that_the_store_gives_up_after_it_was_cancelled(world: World, store: StoreSide):
    """Nothing happens twice: accepted, without an effect."""
    order_id, work = order_at(world, store)
    store.cut()
    do(store, op.LineShortPicked(work.id, 1, 2, ShortReason.STORE_BUSY))
    cancel(world, order_id)
    agree(world, store)
    assert "nothing changed" in sentence(store, work.id)
    assert len(world.fulfillments(order_id)) == 1


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
    assert abs(store.store.sync_state().clock_offset_ms) > 300 * DAY_MS
    assert "clock_wrong" in exceptions(world)


def test_an_item_that_central_never_had_is_sold(world: World, store: StoreSide):
    """The sale counts on a row of its own."""
    store.sell(1, "SKU-GHOST")
    agree(world, store)
    assert world.stock("S001", "SKU-GHOST") == (-1, 0)


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
    assert set(exceptions(world)) == {"quarantined"}
    assert "held" in sentence(store, work.id).lower() or "wait" in sentence(store, work.id)


def journal_raw(store: StoreSide, line: bytes, aggregate: str) -> None:
    """Append a line that this version could not have made."""
    from sync.protocol.lines import chain

    journal = store.store.journal
    with journal.writing():
        head = journal.head()
        journal._connection.execute(
            "INSERT INTO operations (epoch, seq, line, hash, kind, aggregate, actor, at_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (journal.identity.epoch, head.seq + 1, line, chain(head.hash, line),
             "fulfillment_teleported", aggregate, "A1", 1),
        )  # fmt: skip


def transfer(world: World, store: StoreSide) -> str:
    """Let a customer order twelve at S001, which has ten; return the receipt of the rest."""
    share_by_escrow(world)
    agree(world, store)
    world.parts.intake.carriers(CARRIERS)
    new = replace(world.new_order(("SKU-1", 12)), transfer=True)
    world.parts.central.orders.place(new, RequestIdentity("test", "transfer", "body"))
    (receipt,) = world.parts.central.supply.coming("SKU-1")
    assert receipt["units"] == 2
    return str(receipt["id"])


@pytest.mark.parametrize(("came", "kinds"), [(2, []), (1, ["receipt_discrepancy", "unsourced"]),
                                             (0, ["receipt_discrepancy", "unsourced"]),
                                             (5, ["receipt_discrepancy"])])  # fmt: skip
def test_a_transfer_that_comes_short_or_over(
    world: World, store: StoreSide, came: int, kinds: list[str]
):
    """Stock is what was counted; a person finds out about the rest, and the customer is served."""
    receipt = transfer(world, store)
    publish_promises(world, ONLY_HERE)
    intake = world.parts.intake
    intake.stock([StockItem("S001", "SKU-1", 10 + came)], "transfer", StockReason.IMPORT)
    world.parts.central.supply.close(receipt, came)
    agree(world, store)
    world.parts.backorders.run()
    assert exceptions(world) == kinds
    agree(world, store)
    tied = 12 if came >= 2 else 0
    assert world.stock("S001") == (10 + came, tied)


def test_what_comes_short_for_two_is_granted_to_the_first(world: World, store: StoreSide):
    """Both wait for what the store grants; one has its goods then, of the other somebody hears."""
    receipt = transfer(world, store)
    world.clock.advance(1)
    new = replace(world.new_order(("SKU-1", 2)), transfer=True)
    world.parts.central.orders.place(new, RequestIdentity("test", "second", "body"))
    coming = {str(one["id"]) for one in world.parts.central.supply.coming("SKU-1")}
    (second,) = coming - {receipt}
    world.parts.intake.stock([StockItem("S001", "SKU-1", 12)], "transfer", StockReason.IMPORT)
    for one, came in ((receipt, 2), (second, 0)):
        world.parts.central.supply.close(one, came)
    agree(world, store)
    world.parts.backorders.run()
    agree(world, store)
    orders = world.parts.central.reading.search(OrderFilter(), None, 9)[0]
    paid = {str(one["number"]): world.fulfillments(str(one["id"])) for one in orders
            if not str(one["number"]).endswith("-T")}  # fmt: skip
    places = {number: [part.location_id for part in parts] for number, parts in paid.items()}
    assert (sorted(places.values()), exceptions(world)) == (
        [[], ["S001"]], ["receipt_discrepancy", "unsourced"],
    )  # fmt: skip


def test_a_transfer_to_a_store_that_is_cut_off(world: World, store: StoreSide):
    """Nobody can grant what came there: after a quarter of an hour somebody hears of it."""
    receipt = transfer(world, store)
    store.cut()
    order_id = str(world.parts.central.reading.search(OrderFilter(), None, 1)[0][0]["id"])
    world.parts.intake.stock([StockItem("S001", "SKU-1", 12)], "transfer", StockReason.IMPORT)
    world.parts.central.supply.close(receipt, 2)
    world.clock.advance(14 * 60_000)
    assert (world.parts.backorders.run(), world.fulfillments(order_id)) == (0, [])
    world.clock.advance(60_000)
    world.parts.backorders.run()
    assert world.fulfillments(order_id) == []
    assert exceptions(world) == ["unsourced"], "nobody else has twelve: somebody asks the customer"
    agree(world, store)
    world.parts.central.unfillable.route_again(order_id, by="Kim")
    agree(world, store)
    assert world.stock("S001") == (12, 12)


def test_a_transfer_that_is_received_twice(world: World, store: StoreSide):
    """The same told again changes nothing; another figure is somebody's to find out about."""
    receipt = transfer(world, store)
    supply, intake = world.parts.central.supply, world.parts.intake
    intake.stock([StockItem("S001", "SKU-1", 12)], "transfer", StockReason.IMPORT)
    for _ in range(2):
        supply.close(receipt)
        supply.close(receipt, 2)
    agree(world, store)
    world.parts.backorders.run()
    assert exceptions(world) == []
    for _ in range(2):
        supply.close(receipt, 4)
    assert exceptions(world) == ["receipt_discrepancy"]
    agree(world, store)
    assert world.stock("S001") == (12, 12)


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
