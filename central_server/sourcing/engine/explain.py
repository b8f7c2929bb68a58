"""Why an order goes where it goes: a sentence for a planner, and a finding for every candidate."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from heapq import nsmallest

from central_server.sourcing.engine.items import items_of
from central_server.sourcing.engine.model import Candidate, RoutingOrder, Rules
from central_server.sourcing.engine.network import Finding, Network
from central_server.sourcing.engine.plan import Shipment, SourcingPlan
from central_server.sourcing.engine.reasons import RANKS_LOWER, deciding, is_better, money
from central_server.sourcing.engine.routing import plan_order, sound_network
from central_server.sourcing.engine.solver import EFFORT_MAX
from central_server.sourcing.engine.ways import Asking
from central_server.sourcing.geo import haversine_km

__all__ = [
    "RANKS_LOWER", "NextBest", "RoutingTrace", "TraceEntry", "explain", "route_explained",
    "sentence",
]  # fmt: skip
ALTERNATIVES_MAX = 4
"""The next best choice is sought without each of so many of the plan's locations."""
CUT_SHORT = "is better by the rules: the search was cut short before it was found"


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
    because: str = ""
    """Why it was not chosen though it costs less, in words that follow "but"; or, whatever it
    costs, that a search that was cut short missed it. Empty: it costs no less."""


@dataclass(frozen=True, slots=True)
class RoutingTrace:
    """The whole reasoning about one order."""

    sentence: str
    entries: tuple[TraceEntry, ...]
    """Every candidate, or as many as were asked for and those of the plan, nearest first."""
    next_best: NextBest | None


def route_explained(
    order: RoutingOrder,
    candidates: Iterable[Candidate],
    rules: Rules,
    now_ms: int,
    *,
    effort_max: int = EFFORT_MAX,
    entries_max: int | None = None,
) -> tuple[SourcingPlan, RoutingTrace]:
    """Return the plan that `route` makes, and why: a sentence, findings, the next best choice.

    Takes and raises what `route` does; `effort_max` bounds each search by itself, of which
    there are up to `ALTERNATIVES_MAX` more than for the plan alone. `entries_max` limits the
    findings to the nearest candidates and those that ship.
    """
    network = sound_network(order, candidates, rules, now_ms)
    plan = plan_order(order, network, effort_max=effort_max)
    trace = explain(order, network, plan, entries_max=entries_max, effort_max=effort_max)
    return plan, trace


def explain(
    order: RoutingOrder,
    network: Network,
    plan: SourcingPlan,
    *,
    alternatives: bool = True,
    entries_max: int | None = None,
    because: str = RANKS_LOWER,
    effort_max: int = EFFORT_MAX,
) -> RoutingTrace:
    """Return the trace of `plan`, which routing made of `order` over `network`.

    With `alternatives`, the order is routed again without each location of the plan, each
    search bounded by `effort_max` (options looked at). `entries_max` limits the findings to the
    nearest candidates and those of the plan. `because` says why a plan that costs less was not
    chosen; as it is, the goal that decided is named.
    """
    best = _next_best(order, network, plan, because, effort_max) if alternatives else None
    entries = _entries(order, network, plan, entries_max)
    return RoutingTrace(sentence(plan, best, is_sought=alternatives), entries, best)


def _next_best(
    order: RoutingOrder, network: Network, plan: SourcingPlan, because: str, effort_max: int
) -> NextBest | None:
    found: tuple[str, SourcingPlan] | None = None
    for location in plan.locations[:ALTERNATIVES_MAX]:
        without = replace(order, excluded=order.excluded | {location})
        other = plan_order(without, network, effort_max=effort_max)
        if other.units >= plan.units and (found is None or is_better(other, found[1])):
            found = location, other
    if found is None:
        return None
    location, other = found
    extra = other.cost_minor - plan.cost_minor
    return NextBest(location, other, extra, _why_not(plan, other, extra, because))


def _why_not(plan: SourcingPlan, other: SourcingPlan, extra_minor: int, because: str) -> str:
    """Return why `other` was not chosen, beside what it costs more."""
    if because != RANKS_LOWER:
        return because if extra_minor < 0 else ""
    if plan.gap > 0 and is_better(other, plan):
        return CUT_SHORT
    return deciding(plan, other) if extra_minor < 0 else ""


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
    if asking.could_give(place):
        return Finding.DEARER
    able = network.candidates[place].capabilities
    is_able = any(
        line.needs <= able and shelf.units > 0
        for line in order.lines
        if (shelf := network.shelves(line.sku).get(place)) is not None
    )
    return Finding.NOT_WHOLE if is_able else Finding.NOT_CAPABLE


def sentence(plan: SourcingPlan, best: NextBest | None, *, is_sought: bool = True) -> str:
    """Return the plan in words: who ships what, why it costs what it costs, what came next.

    `is_sought` says whether other choices were sought: only then may there be none.
    """
    missing = sum(line.quantity for line in plan.unsourced)
    if not plan.shipments:
        if not missing:
            return "Nothing is asked for, so nothing ships."
        return f"Nobody can ship any of the {_units(missing)}."
    parts = [_shipment(shipment) for shipment in plan.shipments]
    text = f"{_listed(parts)}: {money(plan.cost_minor)}{_because(plan)}."
    if plan.broken_runs:
        text += f" That breaks {_runs(plan.broken_runs)}."
    if missing:
        words = "Nobody can ship" if plan.gap <= 0 else "No plan was found that ships"
        text += f" {words} {_units(missing)}."
    if best is not None:
        others = _listed(list(best.plan.locations))
        text += (
            f" The next best choice, {others} without {best.without}, would have cost"
            f" {_difference(best)}{_breaking(best.plan)}."
        )
    elif is_sought and not missing and len(plan.shipments) <= ALTERNATIVES_MAX:
        text += " No other choice ships all of it."
    return text + _what_is_open(plan)


def _what_is_open(plan: SourcingPlan) -> str:
    """Return how far a search that was cut short may be from the best plan."""
    if plan.gap <= 0:
        return ""
    if plan.ordered or plan.unsourced:
        return " The search was cut short: a better choice may exist."
    return f" At most {plan.gap:.1%} could still be saved: the search was cut short."


def _shipment(shipment: Shipment) -> str:
    return (
        f"{shipment.location_id} ships {_units(shipment.units)} by {shipment.service}"
        f" over {shipment.distance_km:.0f} km"
    )


def _because(plan: SourcingPlan) -> str:
    """Return the terms that matter, in words."""
    terms = plan.terms
    words = [f"freight {money(round(terms.freight))}"]
    for name, value in (
        ("handling", terms.handling), ("surcharge", terms.surcharge),
        ("expected misses", terms.risk), ("balance of stock", terms.balance),
    ):  # fmt: skip
        if round(value):
            words.append(f"{name} {money(round(value))}")
    if round(terms.shelf) > 0:
        words.append(f"worth to walk-in customers {money(round(terms.shelf))}")
    elif round(terms.shelf) < 0:
        words.append(f"less {money(-round(terms.shelf))} saved on what would be left over")
    return f" ({', '.join(words)})"


def _difference(best: NextBest) -> str:
    minor = best.extra_minor
    word = f"{money(abs(minor))} {'more' if minor > 0 else 'less'}" if minor else "the same"
    if not best.because:
        return word
    return f"{word}, {'and' if best.because == CUT_SHORT else 'but'} {best.because}"


def _runs(skus: Iterable[str]) -> str:
    return f"the run of sizes of {_listed(list(dict.fromkeys(skus)))}"


def _breaking(plan: SourcingPlan) -> str:
    return f", and breaks {_runs(plan.broken_runs)}" if plan.broken_runs else ""


def _units(count: int) -> str:
    return "1 unit" if count == 1 else f"{count} units"


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
