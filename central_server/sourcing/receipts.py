"""Goods that are on their way: what may be promised of them, and for when. Pure.

    may be promised of a receipt = its units - what waits for it already
                                   - demand that nothing on hand covers (earliest receipts first)

A receipt that is overdue longer than `OVERDUE_MS` is not counted on: nobody knows why.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

OVERDUE_MS = 3 * 86_400_000


@dataclass(frozen=True, slots=True)
class Receipt:
    """Units of a SKU that will come to a location."""

    id: str
    location_id: str
    sku: str
    units: int
    due_ms: int
    reference: str = ""
    claimed: int = 0
    """Units that orders wait for."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """What may be promised of one receipt."""

    receipt: Receipt
    units: int
    due_ms: int
    """When it is counted on: never in the past."""


class Kept(NamedTuple):
    """Units that a place keeps for orders that wait; those of orders whose goods did not come."""

    units: int = 0
    awaiting: int = 0


def inbound(receipts: Iterable[Receipt], lacking: int, now_ms: int) -> list[Inbound]:
    """Return what may be promised of receipts of one SKU, the earliest first.

    `lacking` is demand that is promised already and that nothing on hand covers.
    """
    found = []
    for one in sorted(receipts, key=lambda one: (one.due_ms, one.id)):
        if one.due_ms + OVERDUE_MS < now_ms:
            continue
        free = max(0, one.units - one.claimed)
        taken = min(free, lacking)
        lacking -= taken
        if free > taken:
            found.append(Inbound(one, free - taken, max(one.due_ms, now_ms)))
    return found


def claims(wanted: int, available: Sequence[Inbound]) -> list[tuple[Inbound, int]] | None:
    """Return which receipts give `wanted` units, the earliest first; None if they do not."""
    taken = []
    for one in available:
        units = min(wanted, one.units)
        if units:
            taken.append((one, units))
            wanted -= units
    return None if wanted else taken
