"""What moves of an order goes by the rule of that order, whatever the rest of it is worth."""

from dataclasses import replace

from central_server.services.catalogue_intake import StockItem
from central_server.services.waiting_room import Change
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain.fulfillment import ShortReason
from tests.central_server.services.test_full_days import at
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_routing_rules import publish
from tests.central_server.services.test_routing_simulation import simulate
from tests.support.central_world import World

ROUTE = RoutingRuleKind.ROUTE
MINUTE_MS = 60_000
DEAR = RoutingRule(
    "dear", ROUTE, value_from_minor=1500, except_locations=("S002",), accept_minutes=30
)
REST = RoutingRule("rest", ROUTE)
TWO_LINES = (("SKU-1", 1), ("SKU-2", 1))
"""Worth 1000 each."""


def short_of_the_first_line(world: World, order_id: str) -> None:
    (part,) = world.fulfillments(order_id)
    device = world.device(part.location_id)
    device.do(op.LineShortPicked(part.id, 1, 1, ShortReason.DAMAGED))
    device.push()


def rules_of(world: World, order_id: str) -> list[object]:
    return [one["rule"] for one in world.parts.central.routing.why(order_id)["decisions"]]


def test_a_line_that_moves_goes_where_the_rule_of_its_order_allows(shipping: World):
    """Half of a dear order is still of a dear order: not to whom its rule leaves out."""
    publish(shipping, DEAR, REST)
    order_id, _ = place(shipping, *TWO_LINES)
    short_of_the_first_line(shipping, order_id)
    assert at(shipping, order_id) == ["S001", "S003"]
    assert rules_of(shipping, order_id) == ["dear", "dear"]
    shipping.check_books()


def test_a_line_of_a_pickup_that_moves_has_the_time_of_its_order(world: World):
    """It goes where that rule allows, and who gets it has to accept it as the whole would."""
    world.open_stores()
    publish(world, DEAR, REST)
    order_id = world.place(*TWO_LINES, at="S001").order_id
    short_of_the_first_line(world, order_id)
    assert at(world, order_id) == ["S001", "S003"]
    with world.database.read() as view:
        idle = view.fulfillments.idle(world.clock.now_ms() + 31 * MINUTE_MS, "S003")
    assert [one.row.order.order_id for one in idle] == [order_id]


def test_what_a_customer_takes_back_is_of_the_order_no_more(shipping: World):
    """An order that waits and shrinks is routed by the rule for what is left."""
    publish(shipping, replace(DEAR, grace_minutes=15), replace(REST, grace_minutes=15))
    order_id, _ = place(shipping, *TWO_LINES)
    shipping.parts.central.waiting.change(order_id, Change({1: 0}), by="shop")
    shipping.clock.advance(15 * MINUTE_MS)
    assert shipping.parts.central.waiting.run() == 1
    assert rules_of(shipping, order_id) == ["rest"]


def test_what_was_given_up_since_is_replayed_by_the_rule_of_all_of_it(shipping: World):
    """The rules in force send it where it went, whether or not a person cancelled a line of it."""
    rules = (replace(DEAR, except_locations=("S001",)), REST)
    publish(shipping, *rules)
    few = [StockItem(name, "SKU-2", int(name != "S003")) for name in ("S001", "S002", "S003")]
    shipping.parts.intake.stock(few, "few")
    order_id, (part,) = place(shipping, *TWO_LINES)
    device = shipping.device(part.location_id)
    device.do(op.LineShortPicked(part.id, 2, 1, ShortReason.DAMAGED))
    device.push()
    assert (part.location_id, simulate(shipping, *rules)["orders_elsewhere"]) == ("S002", 0)
    shipping.parts.central.unfillable.cancel(order_id, None, by="Kim")
    assert simulate(shipping, *rules)["orders_elsewhere"] == 0
