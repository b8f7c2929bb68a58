"""Why an order goes where it goes: a sentence for a planner, and a finding for every candidate."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from heapq import nsmallest

from central_server.sourcing.engine.items import items_of
from central_server.sourcing.engine.model import RoutingOrder
from central_server.sourcing.engine.network import Finding, Network
from central_server.sourcing.engine.plan import Shipment, SourcingPlan
from central_server.sourcing.engine.routing import plan_order
from central_server.sourcing.engine.ways import Asking
from central_server.sourcing.geo import haversine_km

RANKS_LOWER = "ranks lower by the rules"
"""Why what costs less was not chosen, where nobody says otherwise."""
ALTERNATIVES_MAX = 4
"""The next best choice is sought without each of so many of the plan's locations."""
MINOR_PER_MAJOR = 100


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """What was found about one candidate."""

    location_id: str
    finding: Finding
    distance_km: float
    units: int
    """Units of the order that it has."""


@dataclass(frozen=True, slots=True)
class NextBest:
    """The best plan without one of the locations of the plan that was chosen."""

    without: str
    plan: SourcingPlan
    extra_minor: int
    """What it costs more."""


@dataclass(frozen=True, slots=True)
class RoutingTrace:
    """The whole reasoning about one order."""

    sentence: str
    entries: tuple[TraceEntry, ...]
    """Every candidate, or as many as were asked for and those of the plan, nearest first."""
    next_best: NextBest | None


def explain(
    order: RoutingOrder,
    network: Network,
    plan: SourcingPlan,
    *,
    alternatives: bool = True,
    entries_max: int | None = None,
    because: str = RANKS_LOWER,
) -> RoutingTrace:
    """Return the trace of `plan`, which routing made of `order` over `network`.

    With `alternatives`, the order is routed again without each location of the plan.
    `entries_max` limits the findings to the nearest candidates and those of the plan.
    `because` says why a plan that costs less was not chosen.
    """
    best = _next_best(order, network, plan) if alternatives else None
    entries = _entries(order, network, plan, entries_max)
    return RoutingTrace(sentence(plan, best, because), entries, best)


def _next_best(order: RoutingOrder, network: Network, plan: SourcingPlan) -> NextBest | None:
    units = sum(shipment.units for shipment in plan.shipments)
    found: NextBest | None = None
    for location in plan.locations[:ALTERNATIVES_MAX]:
        without = replace(order, excluded=order.excluded | {location})
        other = plan_order(without, network)
        if sum(shipment.units for shipment in other.shipments) < units:
            continue
        extra = other.cost_minor - plan.cost_minor
        if found is None or other.objective < found.plan.objective:
            found = NextBest(location, other, extra)
    return found


def _entries(
    order: RoutingOrder, network: Network, plan: SourcingPlan, entries_max: int | None
) -> tuple[TraceEntry, ...]:
    asking = Asking(order, network, items_of(order, network.rules))
    wanted: dict[str, int] = {}
    for line in order.lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    chosen = set(plan.locations)
    entries = []
    far = [
        (haversine_km(order.latitude, order.longitude, one.latitude, one.longitude), place)
        for place, one in enumerate(network.candidates)
    ]
    if entries_max is not None:
        near = nsmallest(entries_max, far)
        shown = {place for _, place in near}
        far = near + [
            (km, place)
            for km, place in far
            if place not in shown and network.candidates[place].location_id in chosen
        ]
    for km, place in far:
        one = network.candidates[place]
        units = sum(
            min(count, shelf.units)
            for sku, count in wanted.items()
            if (shelf := network.shelves(sku).get(place)) is not None
        )
        finding = _finding(order, network, asking, place, units)
        if one.location_id in chosen:
            finding = Finding.CHOSEN
        entries.append(TraceEntry(one.location_id, finding, round(km, 1), units))
    return tuple(sorted(entries, key=lambda entry: (entry.distance_km, entry.location_id)))


def _finding(
    order: RoutingOrder, network: Network, asking: Asking, place: int, units: int
) -> Finding:
    found = asking.ways(place)
    if not isinstance(found, list):
        return found
    if units == 0:
        return Finding.NO_STOCK
    able = network.candidates[place].capabilities
    is_able = any(
        line.needs <= able and network.shelves(line.sku).get(place) is not None
        for line in order.lines
    )
    return Finding.DEARER if is_able else Finding.NOT_CAPABLE


def sentence(plan: SourcingPlan, best: NextBest | None, because: str = RANKS_LOWER) -> str:
    """Return the plan in words: who ships what, why it costs what it costs, what came next."""
    missing = sum(line.quantity for line in plan.unsourced)
    if not plan.shipments:
        return f"Nobody can ship any of the {_units(missing)}."
    parts = [_shipment(shipment) for shipment in plan.shipments]
    text = f"{_listed(parts)}: {_money(plan.cost_minor)}{_because(plan)}."
    if plan.broken_runs:
        text += f" That breaks {_runs(plan.broken_runs)}."
    if missing:
        text += f" Nobody can ship {_units(missing)}."
    if best is not None:
        others = _listed(list(best.plan.locations))
        text += (
            f" The next best choice, {others} without {best.without}, would have cost"
            f" {_difference(best.extra_minor, because)}{_breaking(best.plan)}."
        )
    elif not missing:
        text += " No other choice ships all of it."
    if plan.gap > 0:
        text += f" At most {plan.gap:.1%} could still be saved: the search was cut short."
    return text


def _shipment(shipment: Shipment) -> str:
    return (
        f"{shipment.location_id} ships {_units(shipment.units)} by {shipment.service}"
        f" over {shipment.distance_km:.0f} km"
    )


def _because(plan: SourcingPlan) -> str:
    """Return the terms that matter, in words."""
    terms = plan.terms
    words = [f"freight {_money(round(terms.freight))}"]
    for name, value in (
        ("handling", terms.handling), ("surcharge", terms.surcharge),
        ("expected misses", terms.risk), ("balance of stock", terms.balance),
    ):  # fmt: skip
        if round(value):
            words.append(f"{name} {_money(round(value))}")
    if round(terms.shelf) > 0:
        words.append(f"worth to walk-in customers {_money(round(terms.shelf))}")
    elif round(terms.shelf) < 0:
        words.append(f"less {_money(-round(terms.shelf))} of markdown that is saved")
    return f" ({', '.join(words)})"


def _difference(minor: int, because: str) -> str:
    if minor > 0:
        return f"{_money(minor)} more"
    return "the same" if minor == 0 else f"{_money(-minor)} less, but {because}"


def _runs(skus: Iterable[str]) -> str:
    return f"the run of sizes of {_listed(list(dict.fromkeys(skus)))}"


def _breaking(plan: SourcingPlan) -> str:
    return f", and breaks {_runs(plan.broken_runs)}" if plan.broken_runs else ""


def _money(minor: int) -> str:
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // MINOR_PER_MAJOR}.{abs(minor) % MINOR_PER_MAJOR:02d}"


def _units(count: int) -> str:
    return "1 unit" if count == 1 else f"{count} units"


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
