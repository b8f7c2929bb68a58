"""Into how many shipments an order may be split is what its rule says, wherever it is decided."""

import pytest

from central_server.records import Location
from central_server.services.catalogue_intake import StockItem
from central_server.services.promises import reserve
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain.errors import InsufficientStock
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_routing_rules import goes_to, publish
from tests.support.central_world import NINE_TO_NINE, World
from tests.support.parcels import CARRIERS

ROUTE = RoutingRuleKind.ROUTE
MINUTE_MS = 60_000
NAMES = ("S001", "S002", "S003", "S004", "S005")
SIX = RoutingRule("six", ROUTE, shipments_max=6)


@pytest.fixture
def five(world: World) -> World:
    """Five stores with ten of everything, and carriers at each."""
    more = [
        Location(
            name, f"Store {name}", latitude=42.0 + number, longitude=-83.0,
            timezone="America/New_York", price_zone="EAST", hours=NINE_TO_NINE,
        )
        for number, name in enumerate(NAMES[3:])
    ]  # fmt: skip
    world.parts.intake.locations(more)
    world.parts.intake.stock([StockItem(one.id, "SKU-1", 10) for one in more], "opening")
    world.parts.intake.carriers(CARRIERS)
    return world


def went(world: World, order_id: str) -> list[str]:
    return [one.location_id for one in world.fulfillments(order_id)]


def test_what_a_dry_run_splits_is_placed_like_that(five: World):
    """Forty-five of which each store has ten: five parcels, if the rule lets it be six."""
    publish(five, SIX)
    assert goes_to(five, ("SKU-1", 45)) == [*NAMES]
    order_id, parts = place(five, ("SKU-1", 45))
    assert went(five, order_id) == [*NAMES]
    assert sum(one.total("allocated") for one in parts) == 45
    five.check_books()


def test_what_waited_is_released_as_it_was_accepted(five: World):
    """After its grace it goes to as many stores as it could have gone to at once."""
    publish(five, RoutingRule("grace", ROUTE, shipments_max=6, grace_minutes=30))
    order_id, parts = place(five, ("SKU-1", 45))
    assert parts == []
    five.clock.advance(30 * MINUTE_MS)
    assert five.parts.central.waiting.run() == 1
    assert went(five, order_id) == [*NAMES]
    assert five.parts.central.unfillable.page(9) == []


@pytest.mark.parametrize(("rules", "most"), [((), 30), ((RoutingRule("r", ROUTE),), 30)])
def test_where_no_rule_says_more_there_are_three(five: World, rules, most):
    """Dry run and placing agree: thirty may be placed, not one more."""
    if rules:
        publish(five, *rules)
    assert len(goes_to(five, ("SKU-1", most + 1))) == 3
    with pytest.raises(InsufficientStock):
        place(five, ("SKU-1", most + 1))
    assert len(place(five, ("SKU-1", most))[1]) == 3


def test_what_is_decided_anew_stays_within_the_rule(five: World, monkeypatch):
    """Where another order was faster at one store, the parts that are reserved count."""
    publish(five, RoutingRule("two", ROUTE, shipments_max=2, grace_minutes=1))
    order_id, _ = place(five, ("SKU-1", 20))
    refused: list[str] = []

    def once(unit, location_id, *arguments, **how):
        if location_id == "S002" and not refused:
            refused.append(location_id)
            return False
        return reserve(unit, location_id, *arguments, **how)

    monkeypatch.setattr("central_server.services.shipping.reserve", once)
    five.clock.advance(MINUTE_MS)
    assert five.parts.central.waiting.run() == 1
    assert refused
    assert went(five, order_id) == ["S001", "S002"]
