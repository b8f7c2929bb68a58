"""What waits for people ends when its cause does, says how it stands, and leaves every store."""

from dataclasses import replace

import pytest

from central_server.records import ExceptionFilter
from central_server.services.catalogue_intake import StockItem
from central_server.services.idempotency import RequestIdentity
from central_server.services.promising import open_hours
from central_server.sourcing.calendar import promised_by
from central_server.sourcing.receipts import Receipt
from sync.domain import operations as op
from sync.domain import reserve_operations as res
from sync.domain.exceptions import ExceptionResolved
from sync.domain.fulfillment import PickupProof, ProofKind, ShortReason
from sync.domain.orders import PaymentPlace
from sync.domain.tenders import TenderKind
from tests.central_server.services.test_exceptions import at_store, listed, only
from tests.support.central_world import Device
from tests.support.parcels import CARRIERS, parcel_order

STORES = ("S001", "S002", "S003")
DAY_MS = 86_400_000


def ask(key: str) -> RequestIdentity:
    return RequestIdentity("test", key, "body")


def nobody_has(world, units=2):
    """Place an order that all stores give up; return its id and the devices of those that did."""
    order_id = world.place(("SKU-1", units)).order_id
    devices = {}
    for _ in STORES:
        (work,) = [one for one in world.fulfillments(order_id) if one.total("open")]
        device = devices[work.location_id] = world.device(work.location_id)
        device.do(op.FulfillmentRejected(work.id, ShortReason.DISPLAY_ONLY))
        device.push()
    assert ("unsourced", "central") in listed(world)
    return order_id, devices


def unsourced(world):
    wanted = ExceptionFilter(kind="unsourced")
    found, _ = world.parts.central.exceptions.page(wanted, None, 9)
    return found


def test_nobody_is_asked_after_an_order_that_was_cancelled(world):
    """The customer is told of that; nobody calls and gives the money back a second time."""
    order_id, _ = nobody_has(world)
    world.parts.central.cancelling.cancel(order_id, reason="", actor="web")
    assert listed(world) == []


@pytest.mark.parametrize("is_at_once", [True, False])
def test_nobody_is_asked_after_goods_that_were_handed_over_after_all(world, is_at_once):
    """The store gave them up, and hands them over: nothing is missing."""
    for place in ("S002", "S003"):
        world.parts.intake.stock([StockItem(place, "SKU-1", 0)], "count")
    placed = world.place(("SKU-1", 2))
    key = only(world, placed).id
    store = world.device("S001")
    store.do(
        op.LinePicked(key, 1, 2), op.Staged(key, "A1"), op.MarkedReady(key, 0, 7 * DAY_MS),
        op.FulfillmentRejected(key, ShortReason.STORE_BUSY),
    )  # fmt: skip
    if not is_at_once:
        store.push_all()
        assert unsourced(world)
    proof = PickupProof(ProofKind.ID_CHECK, "Jo")
    store.do(op.HandedOver(key, (op.LineQuantity(1, 2),), proof))
    store.push(1 if is_at_once else 5)
    assert world.order(placed.order_id)["status"] == "fulfilled"
    assert unsourced(world) == []


@pytest.mark.parametrize("is_known_there", [True, False])
def test_what_central_closes_leaves_the_store_that_it_was_given_to(world, is_known_there):
    """Also where a store closes what it still shows, and central closed long ago."""
    order_id, devices = nobody_has(world)
    (found,) = unsourced(world)
    desk, at = world.parts.central.exceptions, found["location_id"]
    desk.assign(found["id"], owner="store", assignee="")
    assert [one.id for one in at_store(world, at)] == [found["id"]]
    if is_known_there:
        world.parts.central.unfillable.cancel(order_id, None, by="Kim")
    else:  # as versions before did
        world.database.write(
            lambda unit: unit.exceptions.close([found["id"]], 0, by="Kim", note="x")
        )
        store = devices[at]
        store.do(ExceptionResolved(found["id"], "Called."))
        store.push(len(store.lines))
    assert at_store(world, at) == []


def test_the_clock_of_a_device_that_was_revoked_is_nobodys_worry(world):
    """The machine after it, whose clock is right, is not told to set it."""
    store = world.device("S001")
    world.parts.central.sessions.hello(store.hello_request(sent_at_ms=0))
    assert [kind for kind, _ in listed(world)] == ["clock_wrong"]
    world.parts.devices.revoke(store.replica_id)
    assert (listed(world), at_store(world)) == ([], [])


def paid_parcel(world) -> tuple[Device, str]:
    """Return a store that was paid 20 and 30 for two lines of a parcel that it packs."""
    world.parts.intake.carriers(CARRIERS)
    new = replace(parcel_order(("SKU-1", 2), ("SKU-2", 3)), payment=PaymentPlace.IN_STORE)
    order_id = world.parts.central.orders.place(new, ask("parcel")).order_id
    (work,) = world.fulfillments(order_id)
    store = world.device(work.location_id)
    store.do(
        op.LinePicked(work.id, 1, 2), op.LinePicked(work.id, 2, 3),
        res.TenderTaken(work.id, 1, TenderKind.CASH, 2000),
        res.TenderTaken(work.id, 2, TenderKind.CASH, 3000),
    )  # fmt: skip
    store.push()
    return store, work.id


def owed(world, store) -> list[str]:
    rows = at_store(world, store.location_id)
    return [one.text.split(": ")[1].split(" of ")[0] for one in rows if one.kind == "money_owed"]


def test_what_is_to_be_given_back_is_what_is_owed_now(world):
    """More is given up, a part is returned, and the rest: the store reads each sum."""
    store, key = paid_parcel(world)
    for operation, said in (
        (op.LineShortPicked(key, 1, 2, ShortReason.DAMAGED), ["20.00 USD"]),
        (op.LineShortPicked(key, 2, 3, ShortReason.DAMAGED), ["50.00 USD"]),
        (res.TenderReturned(key, 2), ["20.00 USD"]),
        (res.TenderReturned(key, 1), []),
    ):
        store.do(operation)
        store.push(len(store.lines))
        assert owed(world, store) == said


def test_what_is_owed_and_given_back_in_one_push_is_over(world):
    """It was open before, became more, and all of it was returned while the line was cut."""
    store, key = paid_parcel(world)
    store.do(op.LineShortPicked(key, 1, 2, ShortReason.DAMAGED))
    store.push(len(store.lines))
    first = len(store.lines) + 1
    store.do(
        op.LineShortPicked(key, 2, 3, ShortReason.DAMAGED),
        res.TenderReturned(key, 2), res.TenderReturned(key, 1),
    )  # fmt: skip
    store.push(first)
    assert owed(world, store) == []


def test_what_is_to_be_put_back_is_what_is_in_hand_now(world):
    """A unit is called off, then two, then all; one goes back to its shelf."""
    order_id = world.place(("SKU-1", 4)).order_id
    (work,) = world.fulfillments(order_id)
    store = world.device("S001")
    store.do(op.LinePicked(work.id, 1, 4))
    store.push()

    def said() -> str:
        (row,) = at_store(world)
        return row.text.rpartition(": ")[2]

    units = world.parts.central.cancelling_units
    for count, words in ((1, "1 to put back."), (2, "3 to put back.")):
        units.cancel(order_id, {1: count}, ask(f"u{count}"), reason="", actor="web")
        assert said() == words
    world.parts.central.cancelling.cancel(order_id, reason="", actor="web")
    assert said() == "4 to put back."
    store.do(op.PutBack(work.id, 1, 1))
    store.push(2)
    assert said() == "3 to put back."


def test_only_who_gave_an_order_up_last_tells_the_customer_where_it_is(world):
    """An order without an address moves twice: nobody names the place in the middle."""
    new = world.new_order(("SKU-1", 2), email="")
    order_id = world.parts.central.orders.place(new, ask("o")).order_id
    for _ in range(2):
        (work,) = [one for one in world.fulfillments(order_id) if one.total("open")]
        device = world.device(work.location_id)
        device.do(op.FulfillmentRejected(work.id, ShortReason.STORE_BUSY))
        device.push()
    (last,) = [one for one in world.fulfillments(order_id) if one.total("open")]
    rows = [row for place in STORES for row in at_store(world, place)]
    assert len(rows) == 1
    with world.database.read() as view:
        place = view.locations.get(last.location_id)
    assert f"{place.name} takes over" in rows[0].text
    world.parts.central.cancelling.cancel(order_id, reason="", actor="web")
    assert listed(world) == []


@pytest.mark.parametrize("is_at_once", [True, False])
@pytest.mark.parametrize("is_nowhere", [True, False])
def test_a_place_that_keeps_its_part_of_an_order_is_named_on(world, is_nowhere, is_at_once):
    """Two lines move one after the other: both places are named, or the one that there is."""
    world.parts.intake.stock([StockItem("S002", "SKU-2", 0)], "count")
    if is_nowhere:
        world.parts.intake.stock([StockItem("S003", "SKU-2", 0)], "count")
    new = world.new_order(("SKU-1", 1), ("SKU-2", 1), email="")
    order_id = world.parts.central.orders.place(new, ask("o")).order_id
    (work,) = world.fulfillments(order_id)
    store = world.device("S001")
    for line in (1, 2):
        store.do(op.LineShortPicked(work.id, line, 1, ShortReason.DAMAGED))
        if not is_at_once:
            store.push(line)
    if is_at_once:
        store.push_all()
    open_now = [one for one in world.fulfillments(order_id) if one.total("open")]
    with world.database.read() as view:
        names = {view.locations.get(one.location_id).name for one in open_now}
    texts = [one.text for one in at_store(world) if one.kind == "promise_broken"]
    assert len(open_now) == len(texts) == (1 if is_nowhere else 2)
    assert all(any(name in text for text in texts) for name in names)


def test_a_back_order_by_hand_is_promised_by_the_stores_own_time(world):
    """As the goods that it waits for would be by themselves."""
    with world.database.read() as view:
        place = view.locations.get("S001")
    slow = replace(place, pickup=replace(place.pickup, ready_minutes=600))
    world.parts.intake.locations([slow])
    order_id, _ = nobody_has(world)
    due_ms = world.clock.now_ms() + DAY_MS
    world.parts.central.supply.expect(Receipt("PO-1", "S001", "SKU-1", 50, due_ms))
    world.parts.central.unfillable.back_order(order_id, by="Kim")
    with world.database.read() as view:
        by_ms = view.supply.promised_by(order_id)
    assert by_ms == promised_by(open_hours(slow), due_ms, 600 * 60_000)
