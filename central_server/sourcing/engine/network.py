"""Locations made ready for many orders: points, services, departures, and who may ship at all.

A `Network` holds what does not depend on the order, for one rule set and one
instant. Preparing a thousand locations takes some milliseconds; with
`set_stock` and `at` it is kept up to date instead of being made anew.
"""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from math import cos, radians, sin
from typing import NamedTuple

from central_server.sourcing.engine.lanes import Bands
from central_server.sourcing.engine.model import Candidate, DayPart, Goal, Rules, Stock
from central_server.sourcing.engine.prices import Shelf, most_worth
from central_server.sourcing.engine.tariffs import ReadyService, ready
from central_server.sourcing.engine.timing import leaves_ms, ready_ms

Point = tuple[float, float, float]
BANDS_MAX = 256
"""How many look-up tables of distances are kept."""


class Finding(StrEnum):
    """What routing found about one candidate, for one order."""

    CHOSEN = "chosen"
    """It ships a part of the order or all of it."""
    DEARER = "dearer"
    """It could ship something, but the plan without it is better."""
    NO_STOCK = "no_stock"
    DISABLED = "disabled"
    WRONG_KIND = "wrong_kind"
    EXCLUDED = "excluded"
    """It gave this order up, or the rules leave it out."""
    OTHER_CHANNEL = "other_channel"
    """It does not serve the source that the order comes from."""
    NOT_CAPABLE = "not_capable"
    """It cannot handle any line that it has stock of."""
    NOT_WHOLE = "not_whole"
    """It has only a part of what leaves from one location together."""
    TOO_FAR = "too_far"
    """The destination is beyond its radius, or that of the rules."""
    NO_CAPACITY = "no_capacity"
    """No part of its day takes another order: units, orders or labor are used up."""
    NO_SERVICE = "no_service"
    """No carrier service of its tariff reaches the destination."""
    TOO_LATE = "too_late"
    """Whatever it ships would arrive after the promised time."""


class Slot(NamedTuple):
    """When a candidate could have a parcel ready, and how many units it could then contain."""

    ready_ms: int
    units_max: int | None
    leaves_ms: Mapping[str, int]
    """When services with a cut-off collect it; others leave at `ready_ms`."""


class Plain(NamedTuple):
    """A candidate whose ways depend on the distance alone."""

    x: float
    y: float
    z: float
    tariff: str
    lead_minutes: int
    handling: float
    unit_extra: float


class Network:
    """Candidates, ready to be asked. It is changed only by `set_stock`, `set_parts` and `at`."""

    def __init__(
        self,
        candidates: Iterable[Candidate],
        rules: Rules,
        now_ms: int,
        skus: Collection[str] | None = None,
    ) -> None:
        """Prepare `candidates`; with `skus`, only their stock is taken in."""
        self.candidates = list(candidates)
        self.rules = rules
        self.now_ms = now_ms
        self.counts_days = rules.speed_minor > 0 or Goal.SPEED in rules.ordered
        """Whether an earlier arrival is worth anything."""
        self.points = [point(one.latitude, one.longitude) for one in self.candidates]
        self._services = {name: ready(tariff) for name, tariff in rules.tariffs.items()}
        self._number = {one.location_id: place for place, one in enumerate(self.candidates)}
        self._stops = [self._stop(one) for one in self.candidates]
        self.plain = [self._plain(place) for place in range(len(self.candidates))]
        self.tariffs_and_leads = {
            (plain.tariff, plain.lead_minutes) for plain in self.plain if plain is not None
        }
        self._by_worth: dict[str, list[tuple[float, int]]] = {}
        self._bands: dict[tuple[str, float | None], Bands] = {}
        self._slots: dict[int, tuple[Slot, ...]] = {}
        self._shelves: dict[str, dict[int, Shelf]] = {}
        self._spreads: dict[str, float] = {}
        self._take_stock_in(skus)

    def at(self, now_ms: int) -> "Network":
        """Move on to another instant; return this network."""
        if now_ms != self.now_ms:
            self.now_ms = now_ms
            self._slots.clear()
        return self

    def set_stock(self, location_id: str, sku: str, stock: Stock) -> None:
        """Say what a location has of a SKU from now on."""
        shelves = self._shelves.setdefault(sku, {})
        place = self._number[location_id]
        ranked = self._by_worth.get(sku) if self.plain[place] is not None else None
        before = shelves.pop(place, None)
        if ranked is not None and before is not None and before.units:
            ranked.pop(bisect_left(ranked, (self._least(place, before), place)))
        if stock.units > 0:
            after = shelves[place] = Shelf(stock, self.rules)
            if sku in self._spreads:
                spread = most_worth(stock, self.rules) - after.first
                self._spreads[sku] = max(self._spreads[sku], spread)
            if ranked is not None and after.units:
                insort(ranked, (self._least(place, after), place))

    def set_parts(self, location_id: str, parts: tuple[DayPart, ...]) -> None:
        """Say what still fits into the day of a location whose day has limits."""
        place = self._number[location_id]
        assert self.candidates[place].parts is not None
        self.candidates[place] = replace(self.candidates[place], parts=parts)
        self._slots.pop(place, None)

    def shelves(self, sku: str) -> Mapping[int, Shelf]:
        """Return who has a SKU, by the number of the candidate."""
        return self._shelves.get(sku, {})

    def by_worth(self, sku: str) -> Sequence[tuple[float, int]]:
        """Return the plain candidates that have a SKU, by what a unit costs beside its freight."""
        found = self._by_worth.get(sku)
        if found is None:
            shelves = self.shelves(sku).items()
            found = sorted(
                (self._least(place, shelf), place)
                for place, shelf in shelves if shelf.units and self.plain[place] is not None
            )  # fmt: skip
            self._by_worth[sku] = found
        return found

    def _least(self, place: int, shelf: Shelf) -> float:
        plain = self.plain[place]
        assert plain is not None
        return shelf.first + plain.handling + plain.unit_extra

    def spread(self, sku: str) -> float:
        """Return how much dearer than its first a later unit of a shelf is at most."""
        found = self._spreads.get(sku)
        if found is None:
            found = self._spreads[sku] = max(
                (most_worth(shelf.stock, self.rules) - shelf.first
                 for shelf in self.shelves(sku).values() if shelf.units), default=0.0,
            )  # fmt: skip
        return found

    def number(self, location_id: str) -> int | None:
        """Return the number of a candidate; None if there is none of this id."""
        return self._number.get(location_id)

    def services(self, place: int) -> Sequence[ReadyService]:
        """Return the services of a candidate's tariff."""
        return self._services.get(self.candidates[place].tariff, ())

    def bands(self, tariff: str, days_max: float | None) -> Bands:
        """Return the carriers of a tariff by distance, for parcels of so many days at most."""
        key = (tariff, days_max)
        found = self._bands.get(key)
        if found is None:
            if len(self._bands) >= BANDS_MAX:
                self._bands.clear()
            found = self._bands[key] = Bands(
                self._services.get(tariff, ()), days_max, counts_days=self.counts_days
            )
        return found

    def stop(self, place: int) -> Finding | None:
        """Return why a candidate may ship no order at all; None if it may."""
        return self._stops[place]

    def slots(self, place: int, units: int) -> tuple[Slot, ...]:
        """Return when a candidate could have a parcel ready.

        That is in the first part of its day with room, and in later ones as long as
        none before them takes all of `units`.
        """
        found = self._slots.get(place)
        if found is None:
            found = self._slots[place] = tuple(self._all_slots(self.candidates[place]))
        for count, slot in enumerate(found, 1):
            if slot.units_max is None or slot.units_max >= units:
                return found[:count]
        return found

    def _all_slots(self, one: Candidate) -> Iterable[Slot]:
        parts: Sequence[DayPart | None] = (None,) if one.parts is None else one.parts
        for part in parts:
            units_max = None if part is None else _units_max(one, part)
            if (part is not None and part.ends_ms <= self.now_ms) or units_max == 0:
                continue
            start = self.now_ms if part is None else max(self.now_ms, part.starts_ms)
            done = ready_ms(one.calendar, start, one.lead_minutes)
            leaving = {
                service: leaves_ms(one.calendar, done, minutes)
                for service, minutes in one.cut_offs.items()
            }
            yield Slot(done, units_max, leaving)

    def _stop(self, one: Candidate) -> Finding | None:
        if not one.is_enabled:
            return Finding.DISABLED
        if one.location_id in self.rules.excluded:
            return Finding.EXCLUDED
        if self.rules.kinds is not None and one.kind not in self.rules.kinds:
            return Finding.WRONG_KIND
        return None

    def _plain(self, place: int) -> Plain | None:
        one = self.candidates[place]
        is_plain = (
            self._stops[place] is None
            and one.channels is None
            and one.radius_km is None
            and one.calendar is None
            and one.parts is None
            and not one.cut_offs
        )
        if not is_plain:
            return None
        extra = one.unit_handling_minor + one.unit_surcharge_minor
        return Plain(*self.points[place], one.tariff, one.lead_minutes, one.handling_minor, extra)

    def _take_stock_in(self, skus: Collection[str] | None) -> None:
        for place, one in enumerate(self.candidates):
            names = one.stock if skus is None else skus
            for sku in names:
                stock = one.stock.get(sku)
                if stock is not None and stock.units > 0:
                    self._shelves.setdefault(sku, {})[place] = Shelf(stock, self.rules)


def point(latitude: float, longitude: float) -> Point:
    """Return a place as a point on the unit sphere: the cosine of an angle is a product then."""
    phi, lam = radians(latitude), radians(longitude)
    return cos(phi) * cos(lam), cos(phi) * sin(lam), sin(phi)


def _units_max(one: Candidate, part: DayPart) -> int:
    """Return how many units a shipment may have in this part of the day; 0: none is possible."""
    if part.orders < 1:
        return 0
    each = one.minutes_per_order if part.minutes_per_order is None else part.minutes_per_order
    per_unit = one.minutes_per_unit if part.minutes_per_unit is None else part.minutes_per_unit
    labor = part.labor_minutes - each
    if labor < 0:
        return 0
    if per_unit > 0 and labor / per_unit < part.units:
        return int(labor / per_unit + 1e-9)
    return part.units
