"""How a candidate could ship an order, or why it cannot: every hard filter, in one place.

A *way* is a candidate, a slot of its day and a service over a distance. The trace
tells the reasons that are found here; the plan is made of the ways.
"""

from collections.abc import Sequence
from math import cos
from typing import NamedTuple

from central_server.sourcing.engine.items import Item
from central_server.sourcing.engine.model import RoutingOrder
from central_server.sourcing.engine.network import Finding, Network, Slot, point
from central_server.sourcing.engine.tariffs import ANYWHERE, HALF_AROUND_KM, Zone, kilometers
from central_server.sourcing.geo import EARTH_RADIUS_KM

DAY_MS = 86_400_000


class Way(NamedTuple):
    """How a candidate would ship: by what, how far, ready and there when."""

    place: int
    service: str
    zone: Zone
    km: float
    ready_ms: int
    arrives_ms: int
    units_max: int | None = None


class Asking:
    """One order that asks the candidates of a network."""

    def __init__(self, order: RoutingOrder, network: Network, items: Sequence[Item]) -> None:
        self._order = order
        self._network = network
        self._units = sum(item.units for item in items)
        self._items = items
        self._whole = tuple(items) if any(item.is_whole for item in items) else ()
        self.here = point(order.latitude, order.longitude)
        self.least_cosine = _least_cosine(network.rules.radius_km)

    def days_left(self, lead_minutes: int) -> float | None:
        """Return how long a parcel of a plain candidate may travel; None: as long as it takes."""
        if self._order.promised_by_ms is None:
            return None
        ready = self._network.now_ms + lead_minutes * 60_000
        return (self._order.promised_by_ms - ready) / DAY_MS

    def ways(self, place: int) -> list[Way] | Finding:
        """Return how a candidate could ship the order, or why it cannot."""
        network = self._network
        one = network.candidates[place]
        finding = network.stop(place) or self._barred(place)
        if finding is not None:
            return finding
        x, y, z = network.points[place]
        cosine = self.here[0] * x + self.here[1] * y + self.here[2] * z
        least = max(self.least_cosine, _least_cosine(one.radius_km))
        if cosine < least:
            return Finding.TOO_FAR
        slots = network.slots(place, self._units)
        if self._whole:
            least = self._least(place)
            slots = tuple(
                slot for slot in slots if slot.units_max is None or slot.units_max >= least
            )
        if not slots:
            return Finding.NO_CAPACITY
        return self._carried(place, slots, cosine)

    def could_give(self, place: int) -> bool:
        """Return whether a candidate has anything that could leave: a unit, or all of a whole."""
        able = self._network.candidates[place].capabilities
        return any(self._has(place, item, able) for item in self._items)

    def _least(self, place: int) -> int:
        """Return how many units the smallest thing has that a candidate could give; 0: nothing."""
        able = self._network.candidates[place].capabilities
        there = [item for item in self._whole if self._has(place, item, able)]
        return min((item.units if item.is_whole else 1 for item in there), default=0)

    def _has(self, place: int, item: Item, able: frozenset[str]) -> bool:
        """Return whether a candidate has a unit of an item, or all of what is whole."""
        for part in item.parts:
            shelf = self._network.shelves(part.sku).get(place)
            needed = part.quantity if item.is_whole else 1
            if shelf is None or shelf.units < needed or not part.needs <= able:
                return False
        return True

    def _barred(self, place: int) -> Finding | None:
        one = self._network.candidates[place]
        if one.location_id in self._order.excluded:
            return Finding.EXCLUDED
        if one.channels is not None and self._order.channel not in one.channels:
            return Finding.OTHER_CHANNEL
        return None

    def _carried(self, place: int, slots: Sequence[Slot], cosine: float) -> list[Way] | Finding:
        promised = self._order.promised_by_ms
        km = kilometers(cosine)
        found: list[Way] = []
        is_reached = False
        for service in self._network.services(place):
            zone = service.zone(cosine)
            if zone is None:
                continue
            is_reached = True
            for slot in slots:
                leaving = slot.leaves_ms.get(service.name, slot.ready_ms)
                arrives = leaving + round(zone.transit_days * DAY_MS)
                if promised is None or arrives <= promised:
                    found.append(
                        Way(place, service.name, zone, km, slot.ready_ms, arrives, slot.units_max)
                    )
        counts_days = self._network.counts_days
        kept = [
            way
            for way in found
            if not any(
                other is not way and _is_better(other, way, counts_days=counts_days)
                for other in found
            )
        ]
        return kept or (Finding.TOO_LATE if is_reached else Finding.NO_SERVICE)


def _is_better(one: Way, other: Way, *, counts_days: bool) -> bool:
    """Return whether a way of the same candidate is in no respect worse, and in one better."""
    mine, theirs = _figures(one), _figures(other)
    if any(a > b for a, b in zip(mine, theirs, strict=True)):
        return False
    if counts_days and one.arrives_ms > other.arrives_ms:
        return False
    return mine != theirs or one.arrives_ms < other.arrives_ms


def _figures(way: Way) -> tuple[float, ...]:
    room = float("-inf") if way.units_max is None else -float(way.units_max)
    zone = way.zone
    return (
        zone.parcel(way.km), zone.unit(way.km, 0.0),
        zone.kg_minor + zone.kg_km_minor * way.km, room,
    )  # fmt: skip


def _least_cosine(radius_km: float | None) -> float:
    if radius_km is None or radius_km >= HALF_AROUND_KM:
        return ANYWHERE
    return cos(radius_km / EARTH_RADIUS_KM)
