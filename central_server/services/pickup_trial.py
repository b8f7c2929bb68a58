"""What placing an order that is fetched would do now: nothing is taken, and nothing changes.

paid      at the chosen store, else at the best of the others
reserved  at the chosen store alone, or on its waiting list
transfer  what the chosen store lacks is sent there: decided like any parcel
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from central_server.records import Location, Order
from central_server.services.candidates import moved, one_candidate
from central_server.services.capacity import Days
from central_server.services.errors import NotPriced, PickupNotOffered
from central_server.services.need_by import Late, is_for_want_of_time, require_by
from central_server.services.order_capture import NewOrder, date_to_wait_for
from central_server.services.order_giving import not_in_time, routed
from central_server.services.order_views import Document
from central_server.services.outlook import arrivals_of
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.promises import Ask
from central_server.services.promising import by_sku, open_hours, ready_in_ms, trace_document
from central_server.services.shipping import barred
from central_server.services.transfer_receipts import due_by
from central_server.services.transfers import Lacking, lacking_now, moving_order
from central_server.services.why import (
    other_words,
    pickup_sentence,
    reservation_sentence,
    transfer_words,
)
from central_server.sourcing.calendar import promised_by
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.routing import (
    Candidate,
    Demand,
    DemandLine,
    RoutingRules,
    route,
)
from central_server.sourcing.routing_rules import RoutingRuleSet
from sync.domain.errors import InsufficientStock

if TYPE_CHECKING:
    from central_server.storage.unit import View


def pickup_trial(
    view: "View", new: NewOrder, order: Order, rules: RoutingRuleSet, now_ms: int, promise_ms: int
) -> Document:
    """Return where an order would go that is fetched. Raises what placing it would.

    But for missing stock: that is part of the answer.
    """
    place = view.locations.get(order.pickup_location_id)
    assert place is not None
    release_ms = date_to_wait_for(view, new, order, now_ms)
    free = tuple(line.sku for line in order.lines if not line.unit_price_minor)
    if order.is_paid_here and free:
        raise NotPriced(free, place.price_zone, order.currency)
    demand = demand_of(order, {one.line: one.quantity for one in order.lines}, place)
    ask = Ask(order.channel, chosen=place.id)
    asked = one_candidate(view, place, demand.by_sku(), now_ms, ask)
    if not asked.pickup_enabled:
        raise PickupNotOffered(place.id)
    is_sent = new.transfer and release_ms is None
    try:
        lacking = lacking_now(view, order, place, now_ms) if is_sent else {}
    except InsufficientStock as refused:  # nothing is sent to where it is not offered
        lacking = {}
        if not new.accept_later:
            return _refused(order, demand, asked, refused, now_ms)
    if lacking:
        sent = _transfer(view, order, place, lacking, rules, now_ms, promise_ms)
        # Who may wait gets it as without a transfer where nobody sends that (`OrderGroups`).
        if not (sent["unsourced"] and new.accept_later):
            return sent
    if not order.is_paid_here:
        return _fetched(view, new, order, demand, asked, rules, now_ms, promise_ms)
    if release_ms is not None:
        asked = replace(asked, available={})
    return _reserved(view, new, demand, asked, rules, now_ms)


def _refused(
    order: Order, demand: Demand, asked: Candidate, refused: InsufficientStock, now_ms: int
) -> Document:
    """Return why a store gets nothing of an order that names it."""
    plan = route(demand, [asked], RoutingRules(), now_ms)
    document = trace_document(plan, "dry run", order.need_by)
    words = pickup_sentence(document)
    return {**document, "sentence": words, "unsourced": dict(refused.shortfall)}


def _reserved(
    view: "View", new: NewOrder, demand: Demand, asked: Candidate, rules: RoutingRuleSet,
    now_ms: int,
) -> Document:  # fmt: skip
    """Return whether the chosen store would hold it; nobody else is asked."""
    count = sum(demand.by_sku().values())
    full = Days(view, now_ms, rules).full([asked.location_id], count)
    plan = route(demand, [asked], RoutingRules(full=full), now_ms)
    document = trace_document(plan, "dry run")
    if plan.location_id is None and new.waiting_list:
        document["is_waiting"] = True
    return {
        **document,
        "sentence": reservation_sentence(document),
        "unsourced": plan.shortfall() if plan.unsourced else {},
    }


def _transfer(
    view: "View", order: Order, place: Location, lacking: Lacking, rules: RoutingRuleSet,
    now_ms: int, promise_ms: int,
) -> Document:  # fmt: skip
    """Return from where a store would get what it lacks, and by when that has to be there."""
    moving = moving_order(view, order, place, lacking, "dry-run", now_ms)
    routing = ParcelRouting(view, now_ms, promise_ms, rules)
    routing.require_comparable(moving)
    units = {line.line: line.quantity for line in moving.lines}
    excluded = barred(view, moving.id, lacking, now_ms) | {place.id}
    decision = routing.decide(moving, units, excluded, Ask(order.channel, Method.SHIP.value))
    missing = by_sku(moving, {one.line: one.quantity for one in decision.plan.unsourced})
    arrivals = arrivals_of(moving, decision, routing)
    if arrivals and not missing:
        due_ms = due_by(place, max(one.days.latest for one in arrivals))
        ready_in = ready_in_ms(place, promise_ms)
        require_by(order, place, promised_by(open_hours(place), due_ms, ready_in))
    document = decision.document("dry run")
    words = transfer_words(place.id, lacking, is_reserved=order.is_paid_here)
    return {
        **document,
        "chosen": place.id,
        "sentence": f"{words} {document['sentence']}",
        "unsourced": missing,
    }


def _fetched(
    view: "View", new: NewOrder, order: Order, demand: Demand, asked: Candidate,
    routing: RoutingRuleSet, now_ms: int, promise_ms: int,
) -> Document:  # fmt: skip
    """Return which store would get it ready that is paid already, or waits for no transfer."""
    count = sum(demand.by_sku().values())
    chosen = asked.location_id
    ask, days = Ask(order.channel, chosen=chosen), Days(view, now_ms, routing)
    late, rules = Late(view, order, count, days, now_ms, promise_ms), RoutingRules()
    plan = routed(view, order, demand, asked, rules, late, now_ms, ask, routing)
    full = days.full([one.location_id for one in plan.trace], count)
    if plan.location_id in full:
        everybody = [one.id for one in view.locations.all()]
        full = days.full(everybody, count)
        rules = replace(rules, full=full)
        plan = routed(view, order, demand, asked, rules, late, now_ms, ask, routing)
    if is_for_want_of_time(plan) and not new.accept_later:
        found = routed(view, order, demand, asked, rules, None, now_ms, ask, routing).location_id
        assert found is not None
        raise not_in_time(view, order, found, days, count, now_ms, promise_ms)
    document = trace_document(plan, "dry run", order.need_by)
    words = pickup_sentence(document)
    if plan.location_id == chosen:
        other = next_choice(view, order, demand, routing, now_ms, promise_ms)
        words += other_words(other, was_placed=False)
    return {
        **document,
        "sentence": words,
        "unsourced": plan.shortfall() if plan.unsourced else {},
    }


def demand_of(order: Order, units: Mapping[int, int], chosen: Location) -> Demand:
    """Return what routing must know of a pickup of `units` (by line)."""
    lines = tuple(
        DemandLine(line.line, line.sku, units[line.line])
        for line in order.lines
        if units.get(line.line)
    )
    return Demand(chosen.id, chosen.latitude, chosen.longitude, lines)


def next_choice(
    view: "View", order: Order, demand: Demand, routing: RoutingRuleSet | None, now_ms: int,
    promise_ms: int,
) -> Document | None:  # fmt: skip
    """Return the best location for a pickup but for the one that the customer chose."""
    count = sum(line.quantity for line in demand.lines)
    days = Days(view, now_ms, routing)
    late = Late(view, order, count, days, now_ms, promise_ms)
    full = days.full([one.id for one in view.locations.all()], count)
    chosen = frozenset({demand.chosen_location_id})
    rules = RoutingRules(full=full, excluded=chosen, late=late.anywhere)
    ask = Ask(order.channel, chosen=demand.chosen_location_id)
    plan = moved(view, order, demand, rules, now_ms, ask, routing)
    found = {one.location_id: one.distance_km for one in plan.trace}
    if plan.location_id is None:
        return None
    return {"location_id": plan.location_id, "distance_km": found[plan.location_id]}
