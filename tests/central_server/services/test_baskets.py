"""Baskets on both engines: what an answer says is what an order gets, now or later."""

from dataclasses import replace
from typing import Any

import pytest

from central_server.services.baskets import Basket
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import NewLine, NewOrder
from central_server.services.places import Where
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from tests.central_server.services.test_routing_rules import publish as route_by
from tests.central_server.services.test_waiting_parcels import expect
from tests.support.central_world import World
from tests.support.parcels import parcel_order

POINT = (39.96, -83.0)


def asked(world: World, *lines: tuple[str, int], at: str = "") -> dict[str, Any]:
    wanted = tuple(NewLine(sku, units) for sku, units in lines)
    where = Where((at,) if at else (), POINT, 500.0)
    return dict(world.parts.central.baskets.answer(Basket(wanted, where)))


def ordered(world: World, new: NewOrder) -> dict[str, Any]:
    world.keys += 1
    identity = RequestIdentity("test", f"basket-{world.keys}", "body")
    placed = world.parts.central.orders.place(replace(new, accept_later=True), identity)
    return dict(world.order(placed.order_id))


@pytest.mark.parametrize("units", [4, 25, 34])
def test_what_a_basket_says_is_what_its_order_gets(shipping, units):
    """From one store, from several, or when goods have come: the same places, the same dates."""
    expect(shipping, "R1", "S002", 8, 2)
    lines = (("SKU-1", units), ("SKU-2", 2))
    sent = asked(shipping, *lines)["ship"]
    order = ordered(shipping, parcel_order(*lines))
    assert {one["location_id"] for one in sent["shipments"]} == {
        one["location_id"] for one in order["fulfillments"]
    }
    assert sent["promised_later"] == order["promised_by"]
    assert sent["complete"] is (units < 34)


def test_a_store_that_lacks_some_says_by_when_it_has_all(shipping):
    """The date of what is on its way there is what a pickup that waits is promised."""
    expect(shipping, "R1", "S001", 8, 2)
    (here,) = asked(shipping, ("SKU-1", 12), ("SKU-2", 2), at="S001")["pickup"]
    order = ordered(shipping, shipping.new_order(("SKU-1", 12), ("SKU-2", 2)))
    assert here["promised_later"] == order["promised_by"]
    (here,) = asked(shipping, ("SKU-1", 9), at="S001")["pickup"]
    assert here["lacking"] == {"SKU-1": 9}
    assert here["promised_later"] is None


def test_a_full_day_is_said(shipping):
    """All of it lies there, and nobody has time for it today."""
    limit = RoutingRule("full", RoutingRuleKind.CAPACITY, locations=("S001",), orders=0)
    route_by(shipping, limit)
    (here,) = asked(shipping, ("SKU-1", 2), at="S001")["pickup"]
    assert (here["complete"], here["day_full"], here["promised_by"]) == (True, True, None)


def test_what_others_wait_for_is_nobodys_now(shipping):
    """A basket counts what is kept of the network, though it lies in the stores."""
    ordered(shipping, parcel_order(("SKU-1", 30)))
    expect(shipping, "R1", "S001", 8, 2)
    answer = asked(shipping, ("SKU-1", 1))
    assert answer["ship"]["lacking"] == {"SKU-1": 1}
    assert answer["ship"]["promised_later"] is not None
