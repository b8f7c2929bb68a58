"""Weekly demand: what left for customers, by the last eight weeks."""

from central_server.services.demand import WEEK_MS
from central_server.sourcing.promise_rules import PromiseRule
from tests.central_server.services.test_promise_rules import SAFETY, publish, shown
from tests.support.central_world import whole_pickup


def test_demand_is_what_left_for_customers(world):
    """Pickups and sales at the till count, the window's weeks all do, and old sales fade."""
    placed = world.place(("SKU-1", 2))
    (order,) = world.fulfillments(placed.order_id)
    store = world.device("S001")
    store.do(*whole_pickup(order))
    store.push()
    assert world.parts.demand.run() == 1
    with world.database.read() as view:
        assert view.demand.weekly_at("S001") == {"SKU-1": 250}
    publish(world, PromiseRule("r", SAFETY, weeks=12.0))
    assert shown(world) == 8 - 3
    world.clock.advance(9 * WEEK_MS)
    assert world.parts.demand.run() == 1
    assert world.parts.demand.run() == 0
    assert shown(world) == 8
