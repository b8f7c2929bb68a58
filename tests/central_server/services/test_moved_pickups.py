"""Pickups that move: only to locations that the rules let serve such orders, within their reach."""

from typing import Any

import pytest

from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import ShortReason
from tests.central_server.services.test_full_days import at
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import World

ROUTE, SERVE, NEED = RoutingRuleKind.ROUTE, RoutingRuleKind.SERVE, RoutingRuleKind.NEED
RULES: dict[str, list[RoutingRule]] = {
    "disabled": [RoutingRule("r", SERVE, locations=("S002",), enabled=False)],
    "other channels": [RoutingRule("r", SERVE, locations=("S002",), channels=("agent",))],
    "out of its radius": [RoutingRule("r", SERVE, locations=("S002",), radius_km=40.0)],
    "left out": [RoutingRule("r", ROUTE, methods=("pickup",), except_locations=("S002",))],
    "of any method": [RoutingRule("r", ROUTE, except_locations=("S002",))],
    "not capable": [
        RoutingRule("n", NEED, skus=("SKU-1",), capabilities=("cold",)),
        RoutingRule("r", SERVE, locations=("S003",), capabilities=("cold",)),
    ],
}


def rejected(world: World, order_id: str) -> None:
    """Let the first store give it up."""
    device = world.device("S001")
    device.do(op.FulfillmentRejected(world.fulfillments(order_id)[0].id, ShortReason.DAMAGED))
    device.push()


@pytest.mark.parametrize("case", RULES)
def test_no_pickup_moves_to_whom_the_rules_leave_out(world: World, case: str):
    """When it is placed, when it is given up, and when it is only tried."""
    publish(world, *RULES[case])
    moved = world.place(("SKU-1", 2), at="S001").order_id
    rejected(world, moved)
    assert at(world, moved) == ["S003"]
    world.parts.central.cancelling.cancel(moved, reason="", actor="test")
    new = world.new_order(("SKU-1", 9), at="S001")
    tried: dict[str, Any] = world.parts.central.routing.dry_run(new)
    assert tried["taken"] == "S003"
    placed = world.place(("SKU-1", 9), at="S001").order_id
    assert at(world, placed) == ["S003"]
    findings = {
        one["location_id"]: one["finding"]
        for one in world.parts.central.routing.why(placed)["decisions"][-1]["candidates"]
    }
    assert findings["S002"] == "excluded"
    world.check_books()


@pytest.mark.parametrize("case", RULES)
def test_the_store_that_the_customer_chose_keeps_it(world: World, case: str):
    """Rules of routing say where work is sent; whether a pickup is offered, those of promising."""
    publish(world, *RULES[case])
    order_id = world.place(("SKU-1", 2), at="S002").order_id
    assert at(world, order_id) == ["S002"]


def test_a_pickup_moves_no_farther_than_its_rule_lets_it(world: World):
    """Beyond the kilometers nobody is asked to go: the order is refused, or waits for a person."""
    publish(world, RoutingRule("near", ROUTE, methods=("pickup",), radius_km=110.0))
    assert at(world, world.place(("SKU-1", 10), at="S001").order_id) == ["S001"]
    assert at(world, world.place(("SKU-1", 5), at="S001").order_id) == ["S002"]
    with pytest.raises(InsufficientStock) as refusal:
        world.place(("SKU-1", 6), at="S001")
    assert refusal.value.shortfall == {"SKU-1": 1}
    moved = world.place(("SKU-2", 6), at="S001").order_id
    world.place(("SKU-2", 6), at="S002")
    rejected(world, moved)
    assert at(world, moved) == []
    assert world.order(moved)["lines"][0]["unsourced"] == 6
    world.check_books()
