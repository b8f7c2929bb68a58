"""Parcels: where they go, what lies in which box, which label it has, and when a carrier comes.

Values only. What may be done with them is the table of `sync.domain.flows.ship`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sync.domain.evolve import evolver
from sync.domain.opening import moment_of

PICKUP_DAYS_AHEAD_MAX = 21
"""A carrier that does not come within three weeks does not come."""
WEIGHT_GRAMS_MAX = 50_000
BOXES_MAX = 99


@dataclass(frozen=True, slots=True)
class Address:
    """Where a parcel goes, as it is written on its label."""

    name: str
    line1: str
    city: str
    postal_code: str
    country: str
    line2: str = ""
    state: str = ""

    def lines(self) -> tuple[str, ...]:
        """Return the address as the lines of a label."""
        place = " ".join(part for part in (self.city, self.state, self.postal_code) if part)
        return tuple(
            text for text in (self.name, self.line1, self.line2, place, self.country) if text
        )


@dataclass(frozen=True, slots=True)
class PackedUnits:
    """Units of one line that lie in a box."""

    line: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Box:
    """One parcel of a shipment."""

    number: int
    """Counts from 1 within the shipment."""
    weight_grams: int
    lines: tuple[PackedUnits, ...]
    carrier: str = ""
    service: str = ""
    tracking: str = ""
    """The number of its label; empty as long as there is none."""
    requested_at_ms: int | None = None
    """When central was asked for a label that has not arrived; None: it was not."""
    problem: str = ""
    """Why the carrier gave no label."""
    manifest: str = ""
    """The list on which the carrier gets it."""
    shipped_at_ms: int | None = None
    """When the carrier took it."""

    @property
    def is_here(self) -> bool:
        """Whether it still stands in the store."""
        return self.shipped_at_ms is None

    @property
    def units(self) -> int:
        """Units in it."""
        return sum(entry.quantity for entry in self.lines)


@dataclass(frozen=True, slots=True)
class Shipment:
    """What shipping adds to a fulfillment order."""

    address: Address = Address("", "", "", "", "")
    method: str = ""
    """What the customer chose, such as `standard`."""
    carrier: str = ""
    """Who is to take it, by central's choice."""
    service: str = ""
    numbers: tuple[str, ...] = ()
    """Label numbers given ahead, so that a box gets its label without asking anybody."""
    boxes: tuple[Box, ...] = ()
    used: tuple[str, ...] = ()
    """Label numbers that were printed once: never again, not even after a void."""

    def box(self, number: int) -> Box | None:
        """Return box `number`, or None."""
        return next((box for box in self.boxes if box.number == number), None)

    def packed(self, line: int) -> int:
        """Return how many units of a line lie in boxes that are still here."""
        return sum(
            entry.quantity
            for box in self.boxes
            if box.shipped_at_ms is None
            for entry in box.lines
            if entry.line == line
        )

    @property
    def free_numbers(self) -> tuple[str, ...]:
        """Label numbers given ahead that no box has had yet."""
        return tuple(number for number in self.numbers if number not in self.used)

    @property
    def next_box(self) -> int:
        """The number that the next box gets."""
        return max((box.number for box in self.boxes), default=0) + 1


NO_SHIPMENT = Shipment()
"""Of an order that says nothing of where it goes."""

evolve_box = evolver(Box)
"""(box, **changes) -> a copy with these fields changed."""
evolve_shipment = evolver(Shipment)
"""(shipment, **changes) -> a copy with these fields changed."""


@dataclass(frozen=True, slots=True)
class CarrierPickup:
    """When a carrier comes to a store."""

    carrier: str
    name: str
    cutoffs: tuple[int, ...]
    """Minutes after local midnight by which a box must be ready, Monday first; 0: not that day."""
    services: tuple[str, ...] = ("standard",)


@dataclass(frozen=True, slots=True)
class ShippingRate:
    """What a carrier's service costs up to a weight. Money in minor units."""

    carrier: str
    service: str
    weight_grams_max: int
    amount_minor: int
    currency: str
    days: int
    """How long it takes after the pickup."""


def next_cutoff_ms(
    pickup: CarrierPickup, timezone: str, closures: frozenset[str], from_ms: int
) -> int | None:
    """Return the carrier's first cut-off after `from_ms`; None where it does not come.

    It does not come on days on which the store is closed (`closures`, YYYY-MM-DD).
    """
    zone = ZoneInfo(timezone)
    today = datetime.fromtimestamp(from_ms / 1000, zone).date()
    for ahead in range(PICKUP_DAYS_AHEAD_MAX):
        day = today + timedelta(days=ahead)
        minutes = pickup.cutoffs[day.weekday()] if day.weekday() < len(pickup.cutoffs) else 0
        if minutes <= 0 or day.isoformat() in closures:
            continue
        at_ms = moment_of(zone, day, minutes)
        if at_ms > from_ms:
            return at_ms
    return None


def without_units(boxes: tuple[Box, ...], line: int, units: int) -> tuple[Box, ...]:
    """Return `boxes` after `units` of a line were taken out of them, the newest box first.

    A box whose contents change loses its label and its place on a manifest; one
    that is empty is not there any more.
    """
    left = units
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda box: box.number, reverse=True):
        taken = 0
        if box.is_here and left:
            taken = min(left, sum(one.quantity for one in box.lines if one.line == line))
        if not taken:
            kept.append(box)
            continue
        left -= taken
        lines = tuple(_less(box.lines, line, taken))
        if lines:
            kept.append(Box(box.number, box.weight_grams, lines, box.carrier, box.service))
    return tuple(sorted(kept, key=lambda box: box.number))


def _less(lines: tuple[PackedUnits, ...], line: int, units: int) -> list[PackedUnits]:
    kept = []
    for entry in lines:
        taken = min(units, entry.quantity) if entry.line == line else 0
        units -= taken
        if entry.quantity > taken:
            kept.append(PackedUnits(entry.line, entry.quantity - taken))
    return kept
