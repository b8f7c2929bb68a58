"""Hours of day parts are changed at midday: what was counted counts once against the new ones."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from central_server.services.idempotency import RequestIdentity
from central_server.services.order_groups import OrderRequest
from central_server.sourcing.capacity import parts_of_day
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain.opening import OpenHours
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_routing_rules import goes_to, publish
from tests.support.central_world import World
from tests.support.parcels import CARRIERS

HOUR_MS = 3_600_000
NEAR = ("S001",)


def part(name: str, begins: int, ends: int, orders: int = 9) -> RoutingRule:
    """Return a part of the day of the nearest store, in hours."""
    return RoutingRule(
        name, RoutingRuleKind.CAPACITY, locations=NEAR, from_minute=60 * begins,
        until_minute=60 * ends, orders=orders,
    )  # fmt: skip


def counted(world: World) -> list[int]:
    """Return how many orders are counted in each part of today that is not over."""
    return [int(one["orders"]["taken"]) for one in world.parts.central.routing.capacity()]


CASES = {  # it is seven in the morning, and three orders have come
    "it ends later": ([part("a", 0, 12)], [part("a", 0, 24)], [3]),
    "it begins earlier": ([part("a", 7, 12)], [part("a", 6, 17)], [3]),
    "it begins later": ([part("a", 0, 24)], [part("a", 8, 17)], [3]),
    "it ends before what was counted": ([part("a", 12, 24)], [part("a", 0, 10)], [3]),
    "two become one": ([part("a", 0, 8, 1), part("b", 8, 24)], [part("c", 0, 24)], [3]),
    "one becomes two": ([part("a", 0, 24)], [part("a", 0, 12), part("b", 12, 24)], [3, 0]),
    "two are shifted": (
        [part("a", 0, 8, 1), part("b", 8, 24)], [part("a", 6, 9), part("b", 9, 20)], [3, 0],
    ),
    "what was of a part that is over stays there": (
        [part("a", 0, 24)], [part("a", 0, 6), part("b", 6, 24)], [0],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_was_counted_counts_once_against_the_new_hours(world, case):
    """Whether its part begins or ends elsewhere by now, was split or joined."""
    before, after, expected = CASES[case]
    publish(world, *before)
    placed = [world.place(("SKU-1", 1)) for _ in range(3)]
    assert sum(counted(world)) == 3
    publish(world, *after)
    assert counted(world) == expected
    if sum(expected) == 3:
        world.parts.central.cancelling.cancel(placed[-1].order_id, reason="", actor="test")
        assert sum(counted(world)) == 2


def test_new_hours_take_no_more_than_is_left_of_them(shipping):
    """Three of four are taken: one parcel more fits, for a pickup and another parcel is no room."""
    publish(shipping, part("a", 7, 12))
    for _ in range(3):
        place(shipping, ("SKU-1", 1))
    publish(shipping, part("a", 6, 17, 4))
    assert place(shipping, ("SKU-1", 1))[1][0].location_id == "S001"
    assert counted(shipping) == [4]
    assert goes_to(shipping, ("SKU-1", 1)) == ["S002"]
    moved = shipping.place(("SKU-1", 1))
    assert shipping.fulfillments(moved.order_id)[0].location_id == "S002"
    assert counted(shipping) == [4]


def test_orders_of_a_group_count_what_was_counted_by_other_hours(world):
    """As orders that come by themselves do; and they count for those after them."""
    publish(world, part("a", 7, 12))
    world.place(("SKU-1", 1))
    publish(world, part("a", 6, 17, 3))
    found = world.parts.central.orders.place_many(
        [
            OrderRequest(world.new_order(("SKU-1", 1)), RequestIdentity("test", f"g{n}", "b"))
            for n in range(4)
        ]
    )
    went = [world.fulfillments(one.order_id)[0].location_id for one in found]
    assert went.count("S001") == 2
    assert counted(world) == [3]


def test_orders_at_once_share_the_new_hours(workers):
    """Two are counted under the old hours, five fit by the new ones: three of ten get in."""
    workers.first.parts.intake.carriers(CARRIERS)
    publish(workers.first, part("a", 7, 12))
    for _ in range(2):
        place(workers.first, ("SKU-1", 1))
    publish(workers.first, part("a", 6, 17, 5))

    def one(number: int) -> str:
        world = workers.at(number)
        identity = RequestIdentity("test", f"once-{number}", "body")
        placed = world.parts.central.orders.place(world.new_order(("SKU-2", 1)), identity)
        return world.fulfillments(placed.order_id)[0].location_id

    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(one, range(10)))
    assert found.count("S001") == 3
    assert counted(workers.first) == [5]


def test_every_moment_of_a_day_belongs_to_one_part():
    """Whatever began then counts in exactly one of the day's parts, gaps or not."""
    rules = [part("a", 6, 9), part("b", 9, 12), part("c", 15, 20)]
    midnight = 1_763_874_000_000  # 2025-11-23 in New York
    found = parts_of_day(rules, OpenHours("America/New_York"), midnight)
    for hour in range(24):
        moment = midnight + hour * HOUR_MS
        at = [one.rule.id for one in found if one.counts_from_ms <= moment < one.counts_until_ms]
        assert at == ["a" if hour < 9 else "b" if hour < 12 else "c"]
