"""Orders that only full days keep from being released: until when they wait for room.

full      who could do all of it on an empty day has no room left in its own
wait      whole, by a hold `room`, until the next of these days begins; its units are
          kept as of any order that is held, and no location hears of it
released  then, as after any hold; still full days are waited for `WAIT_MAX_MS` in all, and
          then a person hears that days are full
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from central_server.records import Location, Order, OrderEvent, OrderHold
from central_server.services.candidates import one_candidate
from central_server.services.capacity import Days
from central_server.services.order_giving import ROUTING_TRIES, routed
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.promises import Ask, Promises
from central_server.services.promising import by_sku
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.routing import Demand, DemandLine, RoutingRules
from central_server.sourcing.routing_rules import HoldKind

if TYPE_CHECKING:
    from central_server.storage.unit import Unit, View

KIND = HoldKind.ROOM.value
WAIT_MAX_MS = 3 * 86_400_000
TEXT = "The days of all who could do it are full."
Units = Mapping[int, int]
"""Units by line."""


def parcel_again_ms(
    view: "View", order: Order, units: Units, excluded: frozenset[str], routing: ParcelRouting
) -> int | None:
    """Return when the next of the full days begins that alone keep a parcel; None: not they."""
    wanted, now_ms = by_sku(order, units), routing.now_ms
    ask = Ask(order.channel, Method.SHIP.value, is_moved=True)
    days = Days(view, now_ms, routing.rules)
    free = Promises(view, now_ms).free(wanted, ask) if routing.rules.limits_capacity else {}
    full = days.full(free.keys() - excluded, sum(wanted.values())) if free else frozenset()
    if not full:
        return None
    whenever = replace(order, need_by="")  # what moves goes late rather than nowhere
    if not routing.decide(whenever, units, excluded, ask).plan.unsourced:
        return None
    on_empty_days = routing.decide_among(whenever, units, free, {}, excluded)
    return None if on_empty_days.plan.unsourced else days.next_ms(full)


def pickup_again_ms(
    view: "View", order: Order, units: Units, place: Location, now_ms: int
) -> int | None:
    """Return when the next of the full days begins that alone keep a pickup; None: not they."""
    if not view.routing_rules.in_force(now_ms).limits_capacity:
        return None
    days = Days(view, now_ms)
    wanted = by_sku(order, units)
    count = sum(wanted.values())
    lines = tuple(
        DemandLine(line.line, line.sku, units[line.line])
        for line in order.lines
        if units.get(line.line)
    )
    demand = Demand(place.id, place.latitude, place.longitude, lines)
    ask, rules = Ask(order.channel, chosen=place.id, is_moved=True), RoutingRules()
    here = one_candidate(view, place, wanted, now_ms, ask)
    full: set[str] = set()
    for _ in range(ROUTING_TRIES):
        plan = routed(view, order, demand, here, rules, None, now_ms, ask)
        if plan.location_id is None:
            break
        if days.full([plan.location_id], count) and days.may_fit(plan.location_id, count):
            full.add(plan.location_id)
        rules = replace(rules, full=rules.full | {plan.location_id})
    return days.next_ms(full) if full else None


def wait_for_room(unit: "Unit", order: Order, until_ms: int, now_ms: int) -> bool:
    """Hold an order until days have room again; return whether it may wait, and wait still.

    Of one that somebody works on nothing is held: its address may be changed while it is. The
    caller has locked the order.
    """
    if any(line.quantity > line.unsourced + line.dropped for line in order.lines):
        return False
    before = next((one for one in unit.holds.of(order.id) if one.kind == KIND), None)
    goes_on = before is not None and before.closed_ms in {None, now_ms}
    since_ms = before.opened_ms if before is not None and goes_on else now_ms
    if now_ms - since_ms >= WAIT_MAX_MS:
        return False
    unit.holds.open([OrderHold(order.id, KIND, since_ms, until_ms, TEXT)])
    if not goes_on:
        event = OrderEvent(order.id, now_ms, "held", TEXT, "central", {"kind": KIND})
        unit.orders.append_events([event])
    return True
