"""Pickups, and locations whose day is full: whoever has room is found, and no day is overrun."""

import pytest

from central_server.records import Location
from central_server.services.catalogue_intake import StockItem
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import ShortReason
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import NINE_TO_NINE, World

CAPACITY = RoutingRuleKind.CAPACITY


def at(world: World, order_id: str) -> list[str]:
    return [one.location_id for one in world.fulfillments(order_id) if one.total("open")]


def test_a_pickup_finds_the_one_store_with_room(world: World):
    """However many nearer stores have a full day, they are no reason to refuse it."""
    names = [f"S{number:03}" for number in range(4, 14)]
    world.parts.intake.locations(
        [
            Location(
                name, f"Store {name}", latitude=42.0 + number, longitude=-83.0,
                timezone="America/New_York", price_zone="EAST", hours=NINE_TO_NINE,
            )
            for number, name in enumerate(names)
        ]
    )  # fmt: skip
    world.parts.intake.stock([StockItem(name, "SKU-1", 5) for name in names], "opening")
    full = ("S001", "S002", "S003", *names[:-1])
    publish(world, RoutingRule("full", CAPACITY, locations=full, orders=0))
    assert at(world, world.place(("SKU-1", 1)).order_id) == [names[-1]]
    publish(world, RoutingRule("full", CAPACITY, orders=0))
    with pytest.raises(InsufficientStock):
        world.place(("SKU-1", 1))


def test_a_pickup_that_moves_takes_room_where_it_goes(world: World):
    """Who takes over has room for it; that counts there, and is free again where it was."""
    publish(
        world,
        RoutingRule("full", CAPACITY, locations=("S002",), orders=0),
        RoutingRule("few", CAPACITY, locations=("S001", "S003"), orders=1),
    )
    order_id = world.place(("SKU-1", 1), at="S001").order_id
    device = world.device("S001")
    device.do(op.FulfillmentRejected(world.fulfillments(order_id)[0].id, ShortReason.DAMAGED))
    device.push()
    assert at(world, order_id) == ["S003"]
    taken = {
        one["location_id"]: one["orders"]["taken"] for one in world.parts.central.routing.capacity()
    }
    assert taken == {"S001": 0, "S002": 0, "S003": 1}
    world.parts.central.cancelling.cancel(order_id, reason="", actor="test")
    assert all(one["orders"]["taken"] == 0 for one in world.parts.central.routing.capacity())
    world.check_books()
