"""What locations did with the parcels of a period: for what others would have missed. Pure."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from central_server.records import Order
from sync.domain.fulfillment import FulfillmentOrder


@dataclass(frozen=True, slots=True)
class Record:
    """What a location did in the period."""

    given: int = 0
    """Units that it was given."""
    missed: int = 0
    """Of these, units that it gave up."""
    parcels: int = 0
    late: int = 0
    behind_ms: int = 0
    """How long after (or before) it was to, it handed a parcel over, on average."""

    @property
    def miss_share(self) -> float:
        """How often a unit was not found, or given up."""
        return self.missed / self.given if self.given else 0.0

    @property
    def kept_share(self) -> float:
        """How often it kept its promise; a location without parcels is taken to keep it."""
        return 1 - self.late / self.parcels if self.parcels else 1.0


def records_of(parts: Sequence[FulfillmentOrder]) -> dict[str, Record]:
    """Return what each location did in the period."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for part in parts:
        one = sums[part.location_id]
        one[0] += part.total("allocated")
        one[1] += part.total("short")
        if part.total("fulfilled"):
            one[2] += 1
            one[3] += is_late(part)
            one[4] += (shipped_ms(part) or part.promised_by_ms) - part.promised_by_ms
    return {
        place: Record(given, missed, parcels, late, behind // max(1, parcels))
        for place, (given, missed, parcels, late, behind) in sums.items()
    }


def units_to_send(
    order: Order, parts: Sequence[FulfillmentOrder], *, is_called_off: bool
) -> dict[int, int]:
    """Return the units by line that were to be sent: what nobody had is, what was called off not.

    Of an order that was called off whole only what had left before.
    """
    units = Counter({line.line: line.quantity for line in order.lines})
    if is_called_off:
        units = Counter()
        for part in parts:
            units.update({line.line: line.fulfilled for line in part.lines})
    else:
        for part in parts:
            units.subtract({line.line: line.cancelled for line in part.lines})
    return {line: count for line, count in units.items() if count > 0}


def shipped_ms(part: FulfillmentOrder) -> int | None:
    """Return when the last box of a parcel left, if any did (ms)."""
    boxes = part.shipment.boxes if part.shipment else ()
    return max((box.shipped_at_ms for box in boxes if box.shipped_at_ms), default=None)


def is_late(part: FulfillmentOrder) -> bool:
    """Return whether a parcel left after it was to."""
    shipped = shipped_ms(part)
    return shipped is not None and shipped > part.promised_by_ms
