"""Kits in parcels: components stay together, over stores, and by which rule they do not."""

import pytest

from central_server.services.catalogue_intake import StockItem
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import ShortReason
from tests.central_server.services.test_availability import with_kit
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import World, build_world
from tests.support.parcels import CARRIERS


@pytest.fixture
def shipping(sqlite_database, tmp_path) -> World:
    """The small central, with carriers at every store."""
    world = build_world(sqlite_database, tmp_path)
    world.parts.intake.carriers(CARRIERS)
    return world


def stock_kit(world: World, **units: tuple[int, int]) -> None:
    """Sell a kit of two SKU-1 and one SKU-2; set what stores have of both."""
    with_kit(world)
    items = [StockItem(place, sku, count) for place, both in units.items()
             for sku, count in zip(("SKU-1", "SKU-2"), both, strict=True)]  # fmt: skip
    world.parts.intake.stock(items, "count")


def contents(world: World, order_id: str) -> dict[str, list[tuple[str, int]]]:
    """Return what each store sends of an order."""
    return {
        one.location_id: [(line.sku, line.allocated) for line in one.lines if line.allocated]
        for one in world.fulfillments(order_id)
    }


def test_a_kit_leaves_whole(shipping):
    """Nobody sends half of one, whatever it costs; several kits may come from several stores."""
    stock_kit(shipping, S001=(6, 0), S002=(4, 2), S003=(2, 9))
    order_id, _ = place(shipping, ("KIT", 1))
    assert contents(shipping, order_id) == {"S002": [("SKU-1", 2), ("SKU-2", 1)]}
    order_id, _ = place(shipping, ("KIT", 2))
    one = [("SKU-1", 2), ("SKU-2", 1)]
    assert contents(shipping, order_id) == {"S002": one, "S003": one}
    with pytest.raises(InsufficientStock):
        place(shipping, ("KIT", 1))
    shipping.check_books()


def test_a_kit_and_its_component_beside_it_leave_together(shipping):
    """Stock is not counted twice: what is asked for on its own too makes one group of all."""
    stock_kit(shipping, S001=(3, 1), S002=(2, 5), S003=(0, 0))
    order_id, _ = place(shipping, ("KIT", 1), ("SKU-1", 1))
    assert list(contents(shipping, order_id)) == ["S001"]
    with pytest.raises(InsufficientStock):
        place(shipping, ("KIT", 1), ("SKU-1", 1))


def test_a_rule_may_split_kits(shipping):
    """Where a retailer wants so, components come from where they lie."""
    stock_kit(shipping, S001=(2, 0), S002=(0, 1), S003=(0, 0))
    with pytest.raises(InsufficientStock):
        place(shipping, ("KIT", 1))
    publish(shipping, RoutingRule("parts", RoutingRuleKind.ROUTE, splits_kits=True))
    order_id, _ = place(shipping, ("KIT", 1))
    assert contents(shipping, order_id) == {"S001": [("SKU-1", 2)], "S002": [("SKU-2", 1)]}


def test_what_is_given_up_of_a_kit_is_sent_after_it(shipping):
    """The rest lies in a box already: what was not found comes by itself."""
    stock_kit(shipping, S001=(2, 1), S002=(2, 1), S003=(0, 0))
    order_id, (part,) = place(shipping, ("KIT", 1))
    store = shipping.device("S001")
    store.do(op.LineShortPicked(part.id, 2, 1, ShortReason.NOT_FOUND))
    store.push()
    assert contents(shipping, order_id)["S002"] == [("SKU-2", 1)]


def test_kits_take_the_room_of_their_components(shipping):
    """A store whose day has room for one of two kits is passed over, not asked again and again."""
    stock_kit(shipping, S001=(4, 2), S002=(4, 2), S003=(0, 0))
    publish(shipping, RoutingRule("day", RoutingRuleKind.CAPACITY, locations=("S001",), units=4))
    order_id, _ = place(shipping, ("KIT", 2))
    assert list(contents(shipping, order_id)) == ["S002"]
    shipping.check_books()
