"""Giving an order, or what of it is open, to the location that takes it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from central_server.ports import Pokes
from central_server.records import Location, Order, OrderEvent, Trace
from central_server.services.candidates import moved, one_candidate
from central_server.services.capacity import Claim, Days
from central_server.services.errors import NotInTime, PickupNotOffered
from central_server.services.mail import mail_item
from central_server.services.need_by import Late, is_for_want_of_time, ready_day
from central_server.services.notice import Notice, Notices
from central_server.services.parcel_routing import pickup_accept_by
from central_server.services.promises import Ask, Promises, reserve
from central_server.services.promising import Assignment, assign, trace_document
from central_server.sourcing.routing import (
    Candidate,
    Demand,
    DemandLine,
    RoutingRules,
    SourcingPlan,
    route,
)
from central_server.sourcing.routing_rules import RoutingRuleSet
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import FulfillmentOrder
from sync.protocol.rows import Entity, FulfillmentRow, store_scope

if TYPE_CHECKING:
    from central_server.storage.unit import Unit, View

ROUTING_TRIES = 5
"""How often a promise that another order took first is routed anew."""


def promise(
    unit: "Unit",
    order: Order,
    units: Mapping[int, int],
    chosen: Location,
    now_ms: int,
    *,
    promise_ms: int,
    is_moved: bool = False,
) -> tuple[SourcingPlan, Claim | None]:
    """Route `units` (by line) of an order and take the stock and the capacity that the plan says.

    Routes again where somebody was faster, and where a store's day is full. What moves goes
    late rather than nowhere. Raises `PickupNotOffered`, `InsufficientStock`, `NotInTime`.
    """
    lines = tuple(
        DemandLine(line.line, line.sku, units[line.line])
        for line in order.lines
        if units.get(line.line)
    )
    demand = Demand(chosen.id, chosen.latitude, chosen.longitude, lines)
    wanted = demand.by_sku()
    count = sum(wanted.values())
    days = Days(unit, now_ms)
    late, rules = Late(unit, order, count, days, now_ms, promise_ms), RoutingRules()
    shortfall = wanted
    ask = Ask(order.channel, chosen=chosen.id, is_moved=is_moved)
    for _ in range(ROUTING_TRIES):
        promises = Promises(unit, now_ms)
        asked = one_candidate(unit, chosen, wanted, now_ms, ask, promises)
        if not asked.pickup_enabled and not is_moved:
            raise PickupNotOffered(chosen.id)
        plan = routed(unit, order, demand, asked, rules, late, now_ms, ask)
        shortfall = plan.shortfall()
        if is_for_want_of_time(plan):
            any_day = routed(unit, order, demand, asked, rules, None, now_ms, ask)
            taken = any_day.location_id
            if taken is not None and not is_moved:
                raise not_in_time(unit, order, taken, days, count, now_ms, promise_ms)
            plan = replace(any_day, is_late=taken is not None)
        if plan.location_id is None:
            break
        claim, is_free = days.take(plan.location_id, count)
        if not is_free:
            full = days.full([one.location_id for one in plan.trace], count)
            rules = replace(rules, full=rules.full | full | {plan.location_id})
            continue
        is_kept = plan.is_late or late.makes(plan.location_id, claim)
        if is_kept and reserve(unit, plan.location_id, wanted, order.id, now_ms, ask, promises):
            return plan, claim
        days.give_back(plan.location_id, claim)
    raise InsufficientStock(shortfall or wanted)


def not_in_time(
    view: "View", order: Order, taken: str, days: Days, count: int, now_ms: int, promise_ms: int
) -> NotInTime:
    """Return when the location that would take it has it ready, which is too late."""
    place = view.locations.get_many([taken])[taken]
    begins_ms = days.begins([taken], count).get(taken) or now_ms
    possible = ready_day(place, begins_ms, now_ms, promise_ms)
    return NotInTime(order.need_by, possible.isoformat())


def routed(
    view: "View",
    order: Order,
    demand: Demand,
    asked: Candidate,
    rules: RoutingRules,
    late: Late | None,
    now_ms: int,
    ask: Ask,
    routing_rules: RoutingRuleSet | None = None,
) -> SourcingPlan:
    """Return where a pickup goes: to the chosen store that is `asked`, else to the best of all.

    With `late` to nobody who has it ready too late; others are only looked at for that where it
    does not stay.
    """
    here = rules if late is None else replace(rules, late=late.at(asked.location_id))
    plan = route(demand, [asked], here, now_ms)
    if plan.location_id is None:
        rules = rules if late is None else replace(rules, late=late.anywhere)
        plan = moved(view, order, demand, rules, now_ms, ask, routing_rules)
    return plan


@dataclass(frozen=True, slots=True)
class Giving:
    """What it takes to give an order to a store."""

    random: Random
    notices: Notices
    pokes: Pokes
    promise_ms: int
    """Working time that a store gets."""


def give(
    unit: "Unit",
    order: Order,
    units: Mapping[int, int],
    plan: SourcingPlan,
    now_ms: int,
    how: Giving,
    *,
    why: str,
    claim: Claim | None = None,
) -> FulfillmentOrder:
    """Make what was reserved the work of the location that the plan names; tell the customer."""
    taken = _taken(unit, plan)
    begins_ms = claim.starts_ms if claim else 0
    made = assign(
        order, taken, units, now_ms, how.random, promise_ms=how.promise_ms,
        lease=unit.leases.get(taken.id), begins_ms=begins_ms,
    )  # fmt: skip
    text = f"{taken.name} gets it ready."
    keep(unit, order, made, taken, plan, now_ms, how, why=why, text=text)
    accept_by = pickup_accept_by(unit, order, taken, units, now_ms, begins_ms)
    if accept_by is not None:
        unit.fulfillments.set_accept_by({made.order.id: accept_by})
    if claim is not None:
        unit.capacity.claim(made.order.id, taken.id, claim.starts_ms, claim.use)
    return made.order


def keep(
    unit: "Unit",
    order: Order,
    made: Assignment,
    taken: Location,
    plan: SourcingPlan,
    now_ms: int,
    how: Giving,
    *,
    why: str,
    text: str,
) -> None:
    """Write down what a location takes on, and tell it and the customer."""
    bodies = unit.fulfillments.upsert_many([FulfillmentRow(made.order)])
    trace = trace_document(plan, why, order.need_by)
    if made.order.waits:
        trace["is_waiting"] = True
    unit.orders.add_trace(Trace(order.id, now_ms, trace))
    data = {"fulfillment_id": made.order.id, "location_id": taken.id}
    unit.orders.append_events([OrderEvent(order.id, now_ms, why, text, order.channel, data)])
    notice = how.notices.received(made.order, taken, made.pickup_code)
    tell(unit, order, notice, now_ms, how, about=made.order.id)
    feed_parts(unit, [made.order], how.pokes, bodies)


def tell(
    unit: "Unit", order: Order, notice: Notice, now_ms: int, how: Giving, *, about: str = ""
) -> None:
    """Write to the customer of an order, if there is an address: once about the order.

    Or once `about` a part of it: each place that takes it over has a code of its own.
    """
    if order.customer_email:
        item = mail_item(
            key=f"{notice.kind}:{about or order.id}", to=order.customer_email,
            notice=notice, now_ms=now_ms, random=how.random,
        )  # fmt: skip
        unit.outbox.add([item])


def feed_parts(
    unit: "Unit", parts: Iterable[FulfillmentOrder], pokes: Pokes, bodies: Mapping[str, str]
) -> None:
    """Let the stores know of their new work, and of their stock that is tied to it.

    `bodies` are the rows of that work as JSON, by id, as they were written down. Stock that is not
    tied to it was not locked for it: what is read of it may be older than what others said.
    """
    feed = unit.feed_writer()
    for fulfillment in parts:
        scope = store_scope(fulfillment.location_id)
        feed.put_body(scope, Entity.FULFILLMENT, fulfillment.id, bodies[fulfillment.id])
        skus = {line.sku for line in fulfillment.lines if line.allocated}
        for row in unit.stock.rows(fulfillment.location_id, skus):
            feed.put(scope, Entity.STOCK, row.sku, row)
    heads = feed.flush()
    if heads:
        unit.after_commit(lambda: pokes.publish(heads))


def _taken(unit: "Unit", plan: SourcingPlan) -> Location:
    assert plan.location_id is not None
    location = unit.locations.get(plan.location_id)
    assert location is not None
    return location
