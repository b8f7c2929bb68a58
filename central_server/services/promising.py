"""Turning a promise into work: the fulfillment order that one location gets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random

from pydantic_core import to_json

from central_server.records import Lease, Location, Order
from central_server.services.order_views import customer_hint
from central_server.sourcing.calendar import OpenHours, promised_by
from central_server.sourcing.routing import Candidate, SourcingPlan
from sync.domain.flows import curbside, pickup
from sync.domain.fulfillment import (
    FulfillmentLine,
    FulfillmentOrder,
    evolve_line,
    evolve_order,
)
from sync.domain.ids import new_id, new_pickup_code, pickup_code_hash
from sync.domain.paying import FLOW
from sync.domain.reservations import Reservation, hold_end_ms

MINUTE_MS, DAY_MS = 60_000, 86_400_000

TRACE_ENTRIES_MAX = 100
"""A stored trace names the nearest so many candidates; how many more there were is counted."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """New work for a location, and the code that the customer gets for it, in clear."""

    order: FulfillmentOrder
    pickup_code: str


def assign(
    order: Order,
    location: Location,
    units: Mapping[int, int],
    now_ms: int,
    random: Random,
    *,
    promise_ms: int,
    lease: Lease | None,
    begins_ms: int = 0,
) -> Assignment:
    """Return the fulfillment order for `units` (by line) of `order` at `location`.

    `begins_ms` is when the part of its day begins that has room for it, if that is limited.
    Under escrow (`lease`) the store has to confirm it in time, or it goes elsewhere.
    """
    key = new_id(now_ms, random)
    code = new_pickup_code(random)
    lines = tuple(
        FulfillmentLine(line.line, line.sku, line.name, units[line.line], line.unit_price_minor)
        for line in order.lines
        if units.get(line.line)
    )
    fulfillment = FulfillmentOrder(
        id=key,
        order_id=order.id,
        order_number=order.number,
        location_id=location.id,
        flow=_flow_of(order, location),
        lines=lines,
        placed_at_ms=order.placed_at_ms,
        promised_by_ms=promised_by(
            open_hours(location), max(now_ms, begins_ms), ready_in_ms(location, promise_ms)
        ),
        currency=order.currency,
        customer_name=order.customer_name,
        customer_hint=customer_hint(order.customer_phone),
        proxy_name=order.proxy_name,
        pickup_code_hash=pickup_code_hash(key, code),
        confirm_by_ms=None if lease is None else lease.confirm_by_ms,
        wait_days_max=location.pickup.wait_days_max,
    )
    return Assignment(fulfillment, code)


def hold(
    assignment: Assignment, location: Location, categories: Iterable[str], now_ms: int,
    *, waits: bool,
) -> Assignment:  # fmt: skip
    """Return an assignment whose goods are held unpaid, or waited for, instead of picked up paid.

    Whoever pays takes the goods, so there is no code.
    """
    policy, order = location.reserve, assignment.order
    opening = open_hours(location)
    until_ms = hold_end_ms(opening, now_ms, policy.hours_for(categories))
    latest_ms = hold_end_ms(opening, now_ms, policy.hold_hours_max)
    wanted: tuple[int, ...] = ()
    lines = order.lines
    if waits:
        wanted = tuple(line.allocated for line in lines)
        lines = tuple(evolve_line(line, allocated=0) for line in lines)
        until_ms = now_ms + policy.waiting_days * DAY_MS
    held = evolve_order(
        order,
        flow=FLOW,
        lines=lines,
        pickup_code_hash="",
        expires_at_ms=until_ms,
        confirm_by_ms=None if waits else order.confirm_by_ms,
        reserve=Reservation(until_ms, max(until_ms, latest_ms), wanted, waits),
    )
    return Assignment(held, "")


def _flow_of(order: Order, location: Location) -> str:
    """Return how the customer gets it there: a store without parking spots brings nothing out."""
    brings_out = order.handover == curbside.NAME and bool(location.pickup.parking)
    return curbside.NAME if brings_out else pickup.NAME


def ready_in_ms(location: Location, promise_ms: int) -> int:
    """Return how much opening time a location has to get an order ready."""
    return location.pickup.ready_minutes * MINUTE_MS or promise_ms


def open_hours(location: Location) -> OpenHours:
    """Return a location's calendar."""
    return OpenHours(location.timezone, location.hours, frozenset(location.closures))


def accept_by_ms(location: Location, minutes: int, now_ms: int, begins_ms: int = 0) -> int:
    """Return by when a location has to accept work: nobody accepts anything while it is closed.

    `begins_ms` is when the part of its day begins that has room for it, if that is limited.
    """
    return promised_by(open_hours(location), max(now_ms, begins_ms), minutes * MINUTE_MS)


def candidate(location: Location, available: Mapping[str, int], *, is_offered: bool) -> Candidate:
    """Return a location as routing sees it; `is_offered` says whether it takes such orders."""
    return Candidate(location.id, location.latitude, location.longitude, is_offered, available)


def trace_document(plan: SourcingPlan, why: str, need_by: str = "") -> dict[str, object]:
    """Return a routing decision as it is stored; `need_by` is the day it must be there."""
    shown = plan.trace[:TRACE_ENTRIES_MAX]
    return {
        "why": why,
        "rule_version": plan.rule_version,
        "chosen": plan.chosen_location_id,
        "taken": plan.location_id,
        **({"need_by": need_by} if need_by else {}),
        **({"is_late": True} if plan.is_late else {}),
        "candidates": [
            {
                "location_id": entry.location_id,
                "finding": entry.finding.value,
                "distance_km": entry.distance_km,
                **({"shortfall": dict(entry.shortfall)} if entry.shortfall else {}),
            }
            for entry in shown
        ],
        "more_candidates": len(plan.trace) - len(shown),
    }


def compact(document: object) -> str:
    """Return JSON without spaces."""
    return to_json(document).decode()


def by_sku(order: Order, units: Mapping[int, int]) -> dict[str, int]:
    """Return units by line as units by SKU, in SKU order."""
    totals: dict[str, int] = {}
    for line in sorted(order.lines, key=lambda line: line.sku):
        if units.get(line.line):
            totals[line.sku] = totals.get(line.sku, 0) + units[line.line]
    return totals


def skus_of(lines: Iterable[FulfillmentLine]) -> dict[str, int]:
    """Return the allocated units of lines by SKU."""
    totals: dict[str, int] = {}
    for line in lines:
        totals[line.sku] = totals.get(line.sku, 0) + line.allocated
    return totals
