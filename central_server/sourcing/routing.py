"""Pickup routing: which store gets an order, decided by values alone and explained.

The customer's chosen store if it can promise everything; else the best of the
enabled pickup locations that can promise all lines, as the engine decides it under
`PICKUP`: by default the nearest. A pickup is one errand, so it is never split
over stores: where nothing takes all, the lines stay unsourced and the plan says how
many units the best candidate lacked. Equal candidates are told apart by id, so the
same values always give the same plan.

What is sent is decided by `route` of `engine.routing`, over other types; the `route` here is
for pickups alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from central_server.sourcing.engine import model as engine
from central_server.sourcing.engine.routing import route as decide
from central_server.sourcing.engine.tariffs import Service, Tariff, Zone
from central_server.sourcing.geo import haversine_km

RULE_VERSION = 2
PICKUP = engine.Rules(
    {"": Tariff((Service("pickup", (Zone(transit_days=0, parcel_minor=0),)),))},
    version=RULE_VERSION,
    name="pickup",
    shipments_max=1,
    is_all_or_nothing=True,
)
"""Nothing is shipped: what counts is the customer's way, at `RoutingRules.way_minor_per_km`."""


class Finding(StrEnum):
    """What routing found about one candidate."""

    CHOSEN = "chosen"
    """The customer's own choice, and it can promise everything."""
    NEAREST = "nearest"
    """The best that can promise everything: by the rules that hold, the nearest."""
    FARTHER = "farther"
    """It could promise everything, but a better one was taken."""
    LACKS_STOCK = "lacks_stock"
    NO_PICKUP = "no_pickup"
    EXCLUDED = "excluded"
    """It gave this order up, or the rules leave it out."""
    DAY_FULL = "day_full"
    """It could promise everything, but no part of its day takes another order."""
    TOO_LATE = "too_late"
    """It could promise everything, but has it ready after the day on which it must be there."""


@dataclass(frozen=True, slots=True)
class DemandLine:
    """One line that wants a location (units)."""

    line: int
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Demand:
    """What routing must know of an order."""

    chosen_location_id: str
    latitude: float
    longitude: float
    """Where distances are measured from: the customer's choice of store, or the customer."""
    lines: tuple[DemandLine, ...]

    def by_sku(self) -> dict[str, int]:
        """Return the units wanted by SKU."""
        wanted: defaultdict[str, int] = defaultdict(int)
        for line in self.lines:
            wanted[line.sku] += line.quantity
        return dict(wanted)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A location that might take the order."""

    location_id: str
    latitude: float
    longitude: float
    pickup_enabled: bool
    available: Mapping[str, int]
    """Units that may be promised, by SKU; a SKU that is not listed has none."""


@dataclass(frozen=True, slots=True)
class RoutingRules:
    """Policy: data, not code."""

    version: int = RULE_VERSION
    excluded: frozenset[str] = frozenset()
    """Locations that must not be asked (again)."""
    full: frozenset[str] = frozenset()
    """Locations whose day has no room for this order."""
    late: frozenset[str] = frozenset()
    """Locations that have it ready too late."""
    pickup: engine.Rules = PICKUP
    """How the engine weighs those that can promise everything."""
    way_minor_per_km: float = 1.0
    """What a kilometer of the customer's way counts."""


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """Why one candidate was taken or passed."""

    location_id: str
    finding: Finding
    distance_km: float
    shortfall: Mapping[str, int] = field(default_factory=dict)
    """Units that it lacked, by SKU."""


@dataclass(frozen=True, slots=True)
class SourcingPlan:
    """Where an order goes, and the whole reasoning."""

    location_id: str | None
    """The location that takes all lines; None if nothing can."""
    unsourced: tuple[DemandLine, ...]
    trace: tuple[TraceEntry, ...]
    """Every candidate, nearest first."""
    rule_version: int
    decided_at_ms: int
    chosen_location_id: str = ""
    """The customer's own choice."""
    is_late: bool = False
    """Whether nobody has it ready by the day on which it was needed, so that it goes late."""

    def shortfall(self) -> dict[str, int]:
        """Return what the candidate that came closest lacked, by SKU."""
        lacking = [entry for entry in self.trace if entry.finding is Finding.LACKS_STOCK]
        if self.location_id is not None or not lacking:
            return _totals(self.unsourced)
        best = min(lacking, key=lambda entry: sum(entry.shortfall.values()))
        return dict(best.shortfall)


def route(
    demand: Demand, candidates: Iterable[Candidate], rules: RoutingRules, now_ms: int
) -> SourcingPlan:
    """Return where a pickup goes, with a finding for every candidate.

    Parcels are decided by `engine.routing.route`.
    """
    wanted = demand.by_sku()
    found = sorted(
        ((_distance(demand, candidate), candidate) for candidate in candidates),
        key=lambda pair: (
            pair[1].location_id != demand.chosen_location_id, pair[0], pair[1].location_id,
        ),
    )  # fmt: skip
    judged = [_judge(wanted, candidate, rules, distance) for distance, candidate in found]
    able = [pair for pair, entry in zip(found, judged, strict=True) if _is_able(entry)]
    taken = _best(demand, wanted, able, rules, now_ms)
    kind = Finding.CHOSEN if taken == demand.chosen_location_id else Finding.NEAREST
    trace = tuple(
        replace(entry, finding=kind) if entry.location_id == taken else entry for entry in judged
    )
    unsourced = () if taken is not None else demand.lines
    return SourcingPlan(taken, unsourced, trace, rules.version, now_ms, demand.chosen_location_id)


def _best(
    demand: Demand,
    wanted: Mapping[str, int],
    able: Sequence[tuple[float, Candidate]],
    rules: RoutingRules,
    now_ms: int,
) -> str | None:
    """Return which of the locations that can promise everything gets the order."""
    if not able:
        return None
    first = able[0][1].location_id
    if len(able) == 1 or first == demand.chosen_location_id:
        return first
    lines = tuple(
        engine.RequestedLine(number, sku, units)
        for number, (sku, units) in enumerate(sorted(wanted.items()), 1)
    )
    candidates = [
        engine.Candidate(
            one.location_id,
            one.latitude,
            one.longitude,
            {sku: engine.Stock(one.available[sku]) for sku in wanted},
            handling_minor=distance * rules.way_minor_per_km,
        )
        for distance, one in able
    ]
    order = engine.RoutingOrder(lines, demand.latitude, demand.longitude, channel="pickup")
    return decide(order, candidates, rules.pickup, now_ms).locations[0]


def _is_able(entry: TraceEntry) -> bool:
    return entry.finding is Finding.FARTHER


def _judge(
    wanted: Mapping[str, int], candidate: Candidate, rules: RoutingRules, distance: float
) -> TraceEntry:
    """Return what is found about a candidate by itself: `FARTHER` if it could take all."""
    name = candidate.location_id
    if name in rules.excluded:
        return TraceEntry(name, Finding.EXCLUDED, distance)
    if not candidate.pickup_enabled:
        return TraceEntry(name, Finding.NO_PICKUP, distance)
    lacking = {
        sku: quantity - candidate.available.get(sku, 0)
        for sku, quantity in wanted.items()
        if candidate.available.get(sku, 0) < quantity
    }
    if lacking:
        return TraceEntry(name, Finding.LACKS_STOCK, distance, lacking)
    if name in rules.full:
        return TraceEntry(name, Finding.DAY_FULL, distance)
    if name in rules.late:
        return TraceEntry(name, Finding.TOO_LATE, distance)
    return TraceEntry(name, Finding.FARTHER, distance)


def _distance(demand: Demand, candidate: Candidate) -> float:
    kilometers = haversine_km(
        demand.latitude, demand.longitude, candidate.latitude, candidate.longitude
    )
    return round(kilometers, 3)


def _totals(lines: Iterable[DemandLine]) -> dict[str, int]:
    totals: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        totals[line.sku] += line.quantity
    return dict(totals)
