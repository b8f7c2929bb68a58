"""Giving a parcel order, or a part that was given up, to stores: one if that will do, else some.

The router decides as for a pickup (`route`); where no location can promise
everything, the one that covers most goes first and the rest is routed again.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from central_server.records import Location, Order, RoutingPause, ShippingRate, Trace
from central_server.services.candidates import all_candidates
from central_server.services.promises import Ask, reserve
from central_server.services.promising import Assignment, assign, by_sku, open_hours, trace_document
from central_server.sourcing.calendar import promised_by
from central_server.sourcing.geo import haversine_km
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.routing import Candidate, Demand, DemandLine, RoutingRules, route
from central_server.sourcing.shipping import (
    UNIT_GRAMS,
    CarrierChoice,
    choose_carrier,
    offers_method,
)
from sync.domain.flows import ship
from sync.domain.fulfillment import evolve_order
from sync.domain.shipping import Address, Shipment

if TYPE_CHECKING:
    from central_server.storage.unit import Unit

PARTS_MAX = 3
"""An order is never split over more stores at a time: each parcel costs."""
TRIES = 5
NUMBERS_AHEAD = 4
"""Label numbers that travel with an order: for its boxes, and for labels that are void."""
ADDRESS: TypeAdapter[Address] = TypeAdapter(Address)


@dataclass(frozen=True, slots=True)
class Part:
    """What one location sends, reserved there already."""

    location: Location
    units: Mapping[int, int]
    choice: CarrierChoice


@dataclass
class Shipping:
    """How an order was divided: parts by location, and what nobody can give (units by line)."""

    parts: list[Part] = field(default_factory=list)
    missing: dict[int, int] = field(default_factory=dict)
    traces: list[Trace] = field(default_factory=list)


def barred(
    unit: "Unit",
    order_id: str,
    skus: Collection[str],
    now_ms: int,
    more: Collection[RoutingPause] = (),
) -> frozenset[str]:
    """Return the locations that are not asked now, `more` pauses included."""
    held = [one for one in more if one.order_id == order_id or one.sku in skus]
    return frozenset(
        one.location_id for one in (*unit.shipping.paused(order_id, skus, now_ms), *held)
    )


def divide(
    unit: "Unit",
    order: Order,
    units: Mapping[int, int],
    excluded: frozenset[str],
    *,
    now_ms: int,
    source: str,
    promise_ms: int,
    is_moved: bool = False,
) -> Shipping:
    """Reserve `units` (by line) of a parcel order at as few locations as it takes."""
    found = Shipping(missing={line: count for line, count in units.items() if count})
    rates = unit.shipping.rates()
    ask = Ask(order.channel, Method.SHIP.value, is_moved=is_moved)
    tries = 0
    while found.missing and len(found.parts) < PARTS_MAX and tries < TRIES:
        part, trace = _next_part(
            unit, order, found.missing, excluded, rates, now_ms, promise_ms, ask
        )
        found.traces.append(Trace(order.id, now_ms, {**trace, "source": source}))
        if part is None:
            break
        wanted = by_sku(order, part.units)
        if not reserve(unit, part.location.id, wanted, source, now_ms, ask):
            tries += 1
            continue
        found.parts.append(part)
        excluded |= {part.location.id}
        left = {line: count - part.units.get(line, 0) for line, count in found.missing.items()}
        found.missing = {line: count for line, count in left.items() if count}
    return found


def _next_part(
    unit: "Unit",
    order: Order,
    units: Mapping[int, int],
    excluded: frozenset[str],
    rates: tuple[ShippingRate, ...],
    now_ms: int,
    promise_ms: int,
    ask: Ask,
) -> tuple[Part | None, dict[str, object]]:
    lines = tuple(
        DemandLine(line.line, line.sku, units[line.line])
        for line in order.lines
        if units.get(line.line)
    )
    demand = Demand("", order.latitude or 0.0, order.longitude or 0.0, lines)
    candidates = all_candidates(unit, demand.by_sku(), now_ms, ask)
    places = unit.locations.get_many([one.location_id for one in candidates])
    choices: dict[str, CarrierChoice] = {}
    for place in places.values():
        ready_ms = promised_by(open_hours(place), now_ms, promise_ms)
        grams = UNIT_GRAMS * sum(units.values())
        choice = choose_carrier(place, rates, order.ship_method, grams, ready_ms)
        if choice is not None:
            choices[place.id] = choice
    offered = [
        replace(one, pickup_enabled=one.pickup_enabled and one.location_id in choices)
        for one in candidates
    ]
    plan = route(demand, offered, RoutingRules(excluded=excluded), now_ms)
    if plan.location_id is not None:
        part = Part(places[plan.location_id], dict(units), choices[plan.location_id])
        return part, trace_document(plan, "shipped whole")
    best = _most(demand, [one for one in offered if one.pickup_enabled], excluded)
    if best is None:
        return None, trace_document(plan, "nobody can ship it")
    plan = replace(plan, location_id=best.location_id)
    covered = _covered(lines, best.available)
    part = Part(places[best.location_id], covered, choices[best.location_id])
    return part, trace_document(plan, "split: it covers most of what is left")


def _most(
    demand: Demand, candidates: list[Candidate], excluded: frozenset[str]
) -> Candidate | None:
    def rank(one: Candidate) -> tuple[int, float, str]:
        units = sum(_covered(demand.lines, one.available).values())
        far = haversine_km(demand.latitude, demand.longitude, one.latitude, one.longitude)
        return (-units, round(far, 3), one.location_id)

    able = [one for one in candidates if one.location_id not in excluded]
    best = min(able, key=rank, default=None)
    return best if best is not None and _covered(demand.lines, best.available) else None


def _covered(lines: tuple[DemandLine, ...], available: Mapping[str, int]) -> dict[int, int]:
    """Return the units by line that a location can give."""
    left = dict(available)
    covered = {}
    for line in lines:
        units = min(line.quantity, max(0, left.get(line.sku, 0)))
        if units:
            covered[line.line] = units
            left[line.sku] -= units
    return covered


def assign_part(
    unit: "Unit", order: Order, part: Part, now_ms: int, random: Random, promise_ms: int
) -> Assignment:
    """Return the fulfillment order for one part, with its label numbers."""
    made = assign(
        order, part.location, part.units, now_ms, random, promise_ms=promise_ms,
        lease=unit.leases.get(part.location.id),
    )  # fmt: skip
    numbers = unit.shipping.take_numbers(part.choice.carrier, NUMBERS_AHEAD)
    shipment = Shipment(
        ADDRESS.validate_json(order.ship_to), order.ship_method, part.choice.carrier,
        part.choice.service, numbers,
    )  # fmt: skip
    fulfillment = evolve_order(
        made.order, flow=ship.NAME, shipment=shipment, pickup_code_hash="", proxy_name="",
        promised_by_ms=part.choice.ship_by_ms,
    )  # fmt: skip
    return Assignment(fulfillment, "")


def shipping_home(unit: "Unit", point: tuple[float, float], method: str) -> Location | None:
    """Return the nearest location that ships by `method`: its price zone is the order's."""
    places = [one for one in unit.locations.all() if offers_method(one, method)]
    return min(
        places,
        key=lambda one: (haversine_km(*point, one.latitude, one.longitude), one.id),
        default=None,
    )


def point_of(unit: "Unit", address: Address) -> tuple[float, float]:
    """Return about where an address is: among the locations of its postal code, state, country."""
    places = unit.locations.all()
    for near in (
        [one for one in places if one.postal_code[:3] == address.postal_code[:3] != ""],
        [one for one in places if one.state == address.state != ""],
        [one for one in places if one.country == address.country != ""],
        [*places],
    ):
        if near:
            count = len(near)
            return sum(x.latitude for x in near) / count, sum(x.longitude for x in near) / count
    return 0.0, 0.0
