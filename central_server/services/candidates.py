"""Locations as routing of pickups sees them, with what may be promised there by the rules in force.

The store that a customer chose is theirs to choose: rules of promising say whether it offers that.
Where a pickup moves is for the rules of routing too: they may leave locations out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from central_server.records import Location, Order
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.promises import ANYBODY, Ask, Promises
from central_server.services.promising import candidate
from central_server.sourcing.geo import haversine_km
from central_server.sourcing.promise_rules import Method, Place
from central_server.sourcing.promise_terms import Promise
from central_server.sourcing.routing import Candidate, Demand, RoutingRules, SourcingPlan, route
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleSet

if TYPE_CHECKING:
    from central_server.storage.unit import View


def one_candidate(
    view: "View",
    location: Location,
    wanted: Mapping[str, int],
    now_ms: int,
    ask: Ask = ANYBODY,
    promises: Promises | None = None,
) -> Candidate:
    """Return one location with what may be promised there of the wanted SKUs.

    `promises` are what this transaction knows already.
    """
    promises = promises or Promises(view, now_ms)
    promised = promises.at(tuple(wanted), ask, [location.id])
    found = promised.get(location.id, {})
    return candidate(location, _free(found), is_offered=_offers(found))


def moved(
    view: "View",
    order: Order,
    demand: Demand,
    rules: RoutingRules,
    now_ms: int,
    ask: Ask,
    routing_rules: RoutingRuleSet | None = None,
) -> SourcingPlan:
    """Return to which of all locations a pickup goes that its chosen store may not have.

    `routing_rules` are those in force, if none are given.
    """
    found = _all_candidates(view, demand.by_sku(), now_ms, ask)
    routing = ParcelRouting(view, now_ms, 0, routing_rules)
    barred = _left_out(view, order, demand, found, routing, now_ms)
    return route(demand, found, replace(rules, excluded=rules.excluded | barred), now_ms)


def _left_out(
    view: "View", order: Order, demand: Demand, found: Sequence[Candidate],
    routing: ParcelRouting, now_ms: int,
) -> frozenset[str]:  # fmt: skip
    """Return to which candidates no pickup moves, by the rules of routing; never the chosen one.

    Distances are the customer's way: from the store that they chose.
    """
    rules = routing.rules
    if not rules.rules:
        return frozenset()
    here = replace(order, latitude=demand.latitude, longitude=demand.longitude)
    asked = routing.order(here, {one.line: one.quantity for one in demand.lines})
    rule = routing.route_of(here, asked, Method.PICKUP.value)
    needs = frozenset[str]().union(*(line.needs for line in asked.lines))
    places = {one.id: one for one in view.locations.places([one.location_id for one in found])}

    def serves(one: Candidate) -> bool:
        place = places[one.location_id]
        does = rules.service_of(place.id, place.region, place.kind, now_ms)
        km = haversine_km(demand.latitude, demand.longitude, one.latitude, one.longitude)
        return (
            _is_open_to(place, rule, does, order.channel)
            and needs <= frozenset(does.capabilities)
            and all(most is None or km <= most for most in (rule.radius_km, does.radius_km))
        )

    return frozenset(
        one.location_id
        for one in found
        if one.location_id != demand.chosen_location_id and not serves(one)
    )


def _is_open_to(place: Place, rule: RoutingRule, does: RoutingRule, channel: str) -> bool:
    """Return whether a location takes over orders of a source at all."""
    is_served = does.enabled and (not does.channels or channel in does.channels)
    return is_served and rule.is_at(place.id, place.region, place.kind)


def _all_candidates(
    view: "View", wanted: Mapping[str, int], now_ms: int, ask: Ask = ANYBODY
) -> list[Candidate]:
    """Return every location that has any of the wanted SKUs, with what may be promised there."""
    promised = Promises(view, now_ms).at(tuple(wanted), ask)
    return [
        Candidate(
            location_id, latitude, longitude, _offers(promised[location_id]),
            _free(promised[location_id]),
        )
        for location_id, latitude, longitude, _ in view.locations.points(tuple(promised))
    ]  # fmt: skip


def _free(found: Mapping[str, Promise]) -> dict[str, int]:
    return {sku: one.quantity for sku, one in found.items()}


def _offers(found: Mapping[str, Promise]) -> bool:
    """Return whether a location offers anything of it: if not, its stock is not the reason."""
    return any(one.is_offered for one in found.values())
