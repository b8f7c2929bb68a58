"""Units that nobody carries, worked off by two people, or a second time."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from central_server.records import OrderHold
from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import (
    NothingToAwait,
    NothingUnsourced,
    OrderChangeInvalid,
    ReservedInStore,
)
from central_server.services.idempotency import RequestIdentity
from central_server.services.parcels import Destination
from central_server.services.waiting_room import Change
from central_server.sourcing.receipts import Receipt
from central_server.sourcing.routing_rules import HoldKind, RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import ShortReason
from sync.domain.orders import PaymentPlace
from tests.central_server.services.test_parcels import exceptions, place
from tests.central_server.services.test_routing_rules import publish
from tests.central_server.services.test_waiting_room import GRACE, MINUTE_MS, unfillable
from tests.support.central_world import World
from tests.support.parcels import HOME, parcel_order

SERVE = RoutingRuleKind.SERVE
DAY_MS = 24 * 60 * MINUTE_MS


def claimed(world: World) -> dict[str, int]:
    with world.database.read() as view:
        return {one.id: one.claimed for one in view.supply.coming(["SKU-1"])}


def test_what_waits_for_a_receipt_is_not_worked_off_again(shipping):
    """Whose list is old does nothing to an order that somebody else has back-ordered."""
    order_id = unfillable(shipping)
    desk, supply = shipping.parts.central.unfillable, shipping.parts.central.supply
    due = shipping.clock.now_ms() + 8 * DAY_MS
    supply.expect(Receipt("PO-1", "S002", "SKU-1", 5, due))
    desk.back_order(order_id, by="Kim")
    for work in (
        lambda: desk.back_order(order_id, by="Lee"),
        lambda: desk.substitute(order_id, 1, "SKU-2", by="Lee"),
        lambda: desk.cancel(order_id, frozenset({1}), by="Lee"),
        lambda: desk.route_again(order_id, by="Lee"),
    ):
        with pytest.raises(NothingUnsourced):
            work()
        assert claimed(shipping) == {"PO-1": 2}


def pickup_of_nobody(world: World) -> str:
    """Return a pickup order that every store has rejected."""
    order_id = world.place(("SKU-1", 2), at="S001").order_id
    for _ in range(3):
        (current,) = [one for one in world.fulfillments(order_id) if one.total("open")]
        device = world.device(current.location_id)
        device.do(op.FulfillmentRejected(current.id, ShortReason.DISPLAY_ONLY))
        device.push()
    return order_id


def test_the_customer_of_a_pickup_that_is_routed_again_gets_its_new_code(shipping):
    """A store is found after all: where it is and the code are told, whatever was told before."""
    order_id = pickup_of_nobody(shipping)
    before = len(shipping.mails())
    shipping.parts.central.unfillable.route_again(order_id, by="Kim")
    (told,) = shipping.mails()[before:]
    (work,) = [one for one in shipping.fulfillments(order_id) if one.total("open")]
    assert f"Store {work.location_id}" in told.text
    assert "code" in told.text.lower()


def test_a_change_of_address_names_a_method_that_somebody_ships_by(shipping):
    """As a new order: one that nobody could ever send is not promised."""
    publish(shipping, GRACE)
    order_id, _ = place(shipping)
    room = shipping.parts.central.waiting
    with pytest.raises(OrderChangeInvalid):
        room.change(order_id, Change({}, Destination(HOME, "teleport", 39.9, -83.0)), by="shop")


def test_what_is_to_be_paid_in_its_store_is_not_given_away(shipping):
    """A reservation that its store cannot hold is cancelled; no other action makes it paid."""
    new = replace(shipping.new_order(("SKU-1", 2)), payment=PaymentPlace.IN_STORE)
    identity = RequestIdentity("test", "reserved", "b")
    order_id = shipping.parts.central.orders.place(new, identity).order_id
    (held,) = shipping.fulfillments(order_id)
    device = shipping.device("S001")
    device.do(op.FulfillmentRejected(held.id, ShortReason.DISPLAY_ONLY))
    device.push()
    desk = shipping.parts.central.unfillable
    due = shipping.clock.now_ms() + DAY_MS
    shipping.parts.central.supply.expect(Receipt("PO-1", "S001", "SKU-1", 5, due))
    for work in (
        lambda: desk.route_again(order_id, by="Kim"),
        lambda: desk.substitute(order_id, 1, "SKU-2", by="Kim"),
        lambda: desk.back_order(order_id, by="Kim"),
    ):
        with pytest.raises(ReservedInStore):
            work()
    assert [one.flow for one in shipping.fulfillments(order_id)] == [held.flow]
    assert desk.cancel(order_id, None, by="Kim")["status"] == "cancelled"


def test_the_customer_hears_that_nothing_is_left_of_an_order(shipping):
    """An order that ends as the last of it is given up ends like one that is cancelled: told."""
    order_id = unfillable(shipping)
    before = len(shipping.mails())
    assert (
        shipping.parts.central.unfillable.cancel(order_id, None, by="Kim")["status"] == "cancelled"
    )
    (told,) = shipping.mails()[before:]
    assert "cancelled" in told.subject


def not_found(world: World, *lines: tuple[str, int]) -> str:
    """Return a parcel order that only S001 had, and did not find: it is not asked for a day."""
    items = [StockItem(name, "SKU-1", 2 * (name == "S001")) for name in ("S001", "S002", "S003")]
    world.parts.intake.stock(items, "few")
    order_id, (part,) = place(world, *lines)
    device = world.device("S001")
    device.do(op.FulfillmentRejected(part.id, ShortReason.NOT_FOUND))
    device.push()
    return order_id


def come(world: World, receipt_id: str, units: int) -> None:
    world.parts.intake.stock([StockItem("S001", "SKU-1", units)], f"came-{receipt_id}")
    world.parts.central.supply.close(receipt_id)
    world.parts.backorders.run()


def test_a_parcel_waits_for_no_goods_at_a_store_that_may_not_send_them_yet(shipping):
    """Who did not find it is not asked for a day: goods that come before then are no promise."""
    order_id = not_found(shipping, ("SKU-1", 2))
    desk, supply = shipping.parts.central.unfillable, shipping.parts.central.supply
    now = shipping.clock.now_ms()
    supply.expect(Receipt("PO-1", "S001", "SKU-1", 5, now + 20 * 60 * MINUTE_MS))
    with pytest.raises(InsufficientStock):
        desk.back_order(order_id, by="Kim")
    supply.expect(Receipt("PO-1", "S001", "SKU-1", 5, now + 25 * 60 * MINUTE_MS))
    before = len(shipping.mails())
    document = desk.back_order(order_id, by="Kim")
    (told,) = shipping.mails()[before:]
    assert (told.to, document["number"] in told.subject) == ("jo@x.test", True)
    shipping.clock.advance(25 * 60 * MINUTE_MS)
    come(shipping, "PO-1", 5)
    (work,) = [one for one in shipping.fulfillments(order_id) if one.total("open")]
    assert work.location_id == "S001"
    (sent,) = [one for one in shipping.order(order_id)["fulfillments"] if one["id"] == work.id]
    last = datetime.fromisoformat(sent["delivery"]["latest"]) + timedelta(days=1)
    local = datetime.fromisoformat(document["promised_by"]).astimezone(ZoneInfo("America/New_York"))
    assert local.replace(tzinfo=None) == last
    shipping.check_books()


def test_a_new_parcel_waits_for_goods_that_come_to_a_store_after_its_pause(shipping):
    """Two of four are for the order before it, the others are promised: they may be sent then."""
    not_found(shipping, ("SKU-1", 2))
    due = shipping.clock.now_ms() + 25 * 60 * MINUTE_MS
    shipping.parts.central.supply.expect(Receipt("PO-1", "S001", "SKU-1", 4, due))
    new = replace(parcel_order(("SKU-1", 2)), accept_later=True)
    identity = RequestIdentity("test", "later", "b")
    order_id = shipping.parts.central.orders.place(new, identity).order_id
    assert claimed(shipping) == {"PO-1": 2}
    assert shipping.order(order_id)["promised_by"] is not None
    with pytest.raises(InsufficientStock):
        shipping.parts.central.orders.place(new, replace(identity, key="another"))


@pytest.mark.parametrize("is_held", [False, True])
def test_goods_that_come_before_the_pause_is_over_wait_for_its_end(shipping, is_held: bool):
    """Promised for after it, they come early: nobody is told that they did not come."""
    planner = shipping.parts.central.routing
    order_id = not_found(shipping, ("SKU-1", 2))
    due = shipping.clock.now_ms() + 25 * 60 * MINUTE_MS
    shipping.parts.central.supply.expect(Receipt("PO-1", "S001", "SKU-1", 5, due))
    shipping.parts.central.unfillable.back_order(order_id, by="Kim")
    shipping.clock.advance(22 * 60 * MINUTE_MS)
    if is_held:
        room = shipping.parts.central.waiting
        shipping.database.write(lambda unit: unit.holds.open([OrderHold(order_id, "manual", 0)]))
        come(shipping, "PO-1", 5)
        room.clear(order_id, HoldKind.MANUAL, note="", by="Kim")
    else:
        come(shipping, "PO-1", 5)
    assert "unsourced" not in exceptions(shipping)
    told = str(planner.why(order_id)["sentence"])
    assert "to S001 came, or were called off: " in told
    assert told.endswith("it is decided when a pause there is over, at 2025-11-24T12:13:20.000Z.")
    with pytest.raises(InsufficientStock):
        shipping.place(("SKU-1", 4), at="S001")
    shipping.clock.advance(2 * 60 * MINUTE_MS)
    assert str(planner.why(order_id)["sentence"]).endswith(": who takes it is decided next.")
    shipping.parts.backorders.run()
    (work,) = [one for one in shipping.fulfillments(order_id) if one.total("open")]
    assert work.location_id == "S001"
    shipping.check_books()


def test_a_parcel_waits_for_no_goods_where_the_rules_let_nobody_send_them(shipping):
    """A store that serves nobody gets goods: they come, and nobody could send them."""
    publish(shipping, RoutingRule("off", SERVE, locations=("S002",), enabled=False))
    order_id = not_found(shipping, ("SKU-1", 2))
    due = shipping.clock.now_ms() + 3 * DAY_MS
    shipping.parts.central.supply.expect(Receipt("PO-1", "S002", "SKU-1", 5, due))
    with pytest.raises(InsufficientStock):
        shipping.parts.central.unfillable.back_order(order_id, by="Kim")
    assert claimed(shipping) == {"PO-1": 0}


def of_busy_stores(world: World, *lines: tuple[str, int]) -> str:
    """Return a parcel order that every store was too busy for, hours ago."""
    order_id, _ = place(world, *lines)
    for _ in range(3):
        (current,) = [one for one in world.fulfillments(order_id) if one.total("open")]
        device = world.device(current.location_id)
        device.do(op.FulfillmentRejected(current.id, ShortReason.STORE_BUSY))
        device.push()
    world.clock.advance(5 * 60 * MINUTE_MS)
    return order_id


def test_what_can_be_sent_now_waits_for_no_goods_and_says_so(shipping):
    """The stores have it and time again: who lets it wait hears that, and not that none has it."""
    order_id = of_busy_stores(shipping, ("SKU-1", 2))
    desk, due = shipping.parts.central.unfillable, shipping.clock.now_ms() + 2 * DAY_MS
    shipping.parts.central.supply.expect(Receipt("PO-1", "S001", "SKU-1", 5, due))
    with pytest.raises(NothingToAwait, match="can be sent now: route it again"):
        desk.back_order(order_id, by="Kim")
    assert claimed(shipping) == {"PO-1": 0}
    desk.route_again(order_id, by="Kim")
    assert [one["unsourced"] for one in shipping.order(order_id)["lines"]] == [0]


def test_a_parcel_of_which_a_part_is_there_waits_for_the_rest(shipping):
    """One line lies there and nothing of it is on its way: the receipt gives the other line."""
    order_id = of_busy_stores(shipping, ("SKU-1", 2), ("SKU-2", 2))
    gone = [StockItem(name, "SKU-1", 0) for name in ("S001", "S002", "S003")]
    shipping.parts.intake.stock(gone, "gone")
    assert [one["unsourced"] for one in shipping.order(order_id)["lines"]] == [2, 2]
    due = shipping.clock.now_ms() + 2 * DAY_MS
    shipping.parts.central.supply.expect(Receipt("PO-1", "S001", "SKU-1", 5, due))
    with pytest.raises(InsufficientStock):
        shipping.parts.central.unfillable.route_again(order_id, by="Kim")
    shipping.parts.central.unfillable.back_order(order_id, by="Kim")
    assert claimed(shipping) == {"PO-1": 2}
    shipping.clock.advance(2 * DAY_MS)
    come(shipping, "PO-1", 5)
    assert [one["unsourced"] for one in shipping.order(order_id)["lines"]] == [0, 0]
    shipping.check_books()
