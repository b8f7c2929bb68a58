"""Units that nobody carries, worked off by two people, or a second time."""

from dataclasses import replace

import pytest

from central_server.services.errors import NothingUnsourced, OrderChangeInvalid, ReservedInStore
from central_server.services.idempotency import RequestIdentity
from central_server.services.parcels import Destination
from central_server.services.waiting_room import Change
from central_server.sourcing.receipts import Receipt
from sync.domain import operations as op
from sync.domain.fulfillment import ShortReason
from sync.domain.orders import PaymentPlace
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_routing_rules import publish
from tests.central_server.services.test_waiting_room import GRACE, MINUTE_MS, unfillable
from tests.support.central_world import World
from tests.support.parcels import HOME

DAY_MS = 24 * 60 * MINUTE_MS


def claimed(world: World) -> dict[str, int]:
    with world.database.read() as view:
        return {one.id: one.claimed for one in view.supply.coming(["SKU-1"])}


def test_what_waits_for_a_receipt_is_not_worked_off_again(shipping):
    """Whose list is old does nothing to an order that somebody else has back-ordered."""
    order_id = unfillable(shipping)
    desk, supply = shipping.parts.central.unfillable, shipping.parts.central.supply
    due = shipping.clock.now_ms() + DAY_MS
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
