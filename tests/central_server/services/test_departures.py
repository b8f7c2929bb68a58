"""Parcels arrive by when their carrier comes, also from where a day has limits."""

from dataclasses import replace
from typing import Any

import pytest

from central_server.sourcing.engine.model import Goal
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain.fulfillment import ShortReason
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_routing_rules import goes_to, publish
from tests.central_server.services.test_working_time import set_clock
from tests.support.central_world import World
from tests.support.parcels import CARRIERS, SWIFT, parcel_order

ROUTE, CAPACITY = RoutingRuleKind.ROUTE, RoutingRuleKind.CAPACITY
FAST = RoutingRule("fast", ROUTE, goals=(Goal.SPEED, Goal.COST))
ROOMY = RoutingRule("roomy", CAPACITY, orders=100)


def arrives(world: World, *rules: RoutingRule) -> str:
    """Return when an order near the first store arrives by these rules."""
    publish(world, *rules)
    found: dict[str, Any] = world.parts.central.routing.dry_run(parcel_order())
    (sent,) = found["shipments"]
    return f"{sent['location_id']} {sent['arrives_at']}"


@pytest.mark.parametrize("hour", [10, 15, 19])
@pytest.mark.parametrize("name", ["S001", "S003"])
def test_who_has_room_enough_sends_no_sooner(shipping: World, name: str, hour: int):
    """All stores are alike: a limit that nobody meets changes neither the store nor the day."""
    set_clock(shipping, 2025, 11, 24, hour, 13)
    shipping.clock.advance(17_043)
    plain = arrives(shipping, FAST)
    assert plain.startswith("S001 ")
    assert arrives(shipping, FAST, replace(ROOMY, locations=(name,))) == plain


def test_room_after_the_carrier_came_is_a_day_later(shipping: World):
    """A full morning sends nothing today; who still can is faster, and what is told agrees."""
    set_clock(shipping, 2025, 11, 24, 9, 5)
    full = RoutingRule("am", CAPACITY, locations=("S001",), until_minute=720, orders=1)
    later = RoutingRule("pm", CAPACITY, locations=("S001",), from_minute=900, orders=9)
    publish(shipping, FAST, full, later)
    found = [place(shipping) for _ in range(2)]
    assert [one.location_id for _, (one,) in found] == ["S001", "S002"]
    publish(shipping, replace(FAST, locations=("S001",)), full, later)
    order_id, (work,) = place(shipping)
    tomorrow = shipping.clock.now_ms() + (24 + 16 - 9) * 3_600_000 + 25 * 60_000
    assert work.promised_by_ms == tomorrow
    told = [shipping.order(one)["fulfillments"][0]["delivery"] for one, _ in found]
    late = shipping.order(order_id)["fulfillments"][0]["delivery"]
    assert told[0] == told[1] == {"earliest": "2025-11-27", "latest": "2025-11-27"}
    assert late == {"earliest": "2025-11-28", "latest": "2025-11-28"}
    (decision,) = shipping.parts.central.routing.why(order_id)["decisions"]
    assert decision["shipments"][0]["arrives_at"].startswith("2025-11-28")


def test_a_carrier_that_stays_away_on_sundays_is_waited_for(shipping: World):
    """A store that is open on a Sunday sends on Monday, whether or not its day is limited."""
    set_clock(shipping, 2025, 11, 30, 10, 0)
    plain = arrives(shipping, FAST)
    assert plain == "S001 2025-12-04T21:30:00.000Z"
    assert arrives(shipping, FAST, ROOMY) == plain


def test_room_of_tomorrow_is_tomorrows_carrier(shipping: World):
    """What falls into a part of tomorrow leaves when the carrier comes then."""
    set_clock(shipping, 2025, 11, 24, 13, 0)
    morning = RoutingRule("am", CAPACITY, from_minute=540, until_minute=720, orders=9)
    early = replace(SWIFT, cutoffs=(990, 630, 990, 990, 990, 0, 0))
    shipping.parts.intake.carriers(replace(CARRIERS, pickups={"*": (early,)}))
    assert arrives(shipping, FAST, morning) == "S001 2025-12-01T21:30:00.000Z"
    assert goes_to(shipping) == ["S001"]


def fridays_only(world: World) -> None:
    """Let the carrier come to the second store, the next nearest, on Fridays."""
    fridays = replace(SWIFT, cutoffs=(0, 0, 0, 0, 990, 0, 0))
    pickups = {**CARRIERS.pickups, "S002": (fridays,)}
    world.parts.intake.carriers(replace(CARRIERS, pickups=pickups))


def given_up(world: World, order_id: str, name: str) -> list[tuple[str, str]]:
    """Let a store give its part up; return who has it then, and what the customer is told."""
    device = world.device(name)
    work = next(one for one in world.fulfillments(order_id) if one.location_id == name)
    device.do(op.FulfillmentRejected(work.id, ShortReason.STORE_BUSY))
    device.push()
    return [
        (one["location_id"], one["delivery"]["latest"])
        for one in world.order(order_id)["fulfillments"]
        if any(line["allocated"] > line["short"] for line in one["lines"])
    ]


def test_what_was_told_is_kept_where_somebody_can(shipping: World):
    """A store that sends on Fridays is nearer, but late; it gets the order when nobody else can."""
    fridays_only(shipping)
    set_clock(shipping, 2025, 11, 24, 10, 0)
    order_id, (work,) = place(shipping)
    told = shipping.order(order_id)["fulfillments"][0]["delivery"]["latest"]
    assert (work.location_id, told) == ("S001", "2025-11-27")
    shipping.clock.advance(30 * 60_000)
    assert given_up(shipping, order_id, "S001") == [("S003", "2025-11-27")]
    assert given_up(shipping, order_id, "S003") == [("S002", "2025-12-03")]
    shipping.check_books()


def test_whole_and_in_time_or_as_it_is_best(shipping: World):
    """Where nobody can send all of it in time, what was told says no more who sends it."""
    fridays_only(shipping)
    set_clock(shipping, 2025, 11, 24, 10, 0)
    shipping.place(("SKU-1", 5), at="S003")
    order_id, _ = place(shipping, ("SKU-1", 8))
    assert given_up(shipping, order_id, "S001") == [("S002", "2025-12-03")]


def test_what_is_late_anyway_goes_where_it_is_best(shipping: World):
    """The day that was told is over: nobody can keep it."""
    fridays_only(shipping)
    set_clock(shipping, 2025, 11, 24, 10, 0)
    order_id, _ = place(shipping)
    set_clock(shipping, 2025, 11, 28, 10, 0)
    assert [name for name, _ in given_up(shipping, order_id, "S001")] == ["S002"]
