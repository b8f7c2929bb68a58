"""What could have been promised at a moment of the past, with some orders taken out of it. Pure.

    free(t) = free now - all movements since t + what the orders that are replayed moved

Movements that are not of these orders (sales at the till, counts, pickups) happen in
a replay as they did; what the orders took is left to the replay.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

Cell = tuple[str, str]
"""Location and SKU."""


@dataclass(frozen=True, slots=True)
class Movement:
    """What a ledger entry changed of what may be promised (units)."""

    at_ms: int
    location_id: str
    sku: str
    units: int
    source: str


class PastStock:
    """Stock that is played forward from a moment; orders take of it what they are given."""

    def __init__(
        self,
        free_now: Mapping[Cell, int],
        movements: Iterable[Movement],
        replayed: Collection[str],
    ) -> None:
        """`movements` are all since the moment, in order; `replayed` the sources to leave out.

        `free_now` is below zero where more was promised than there is.
        """
        self._free: defaultdict[Cell, int] = defaultdict(int, free_now)
        self._to_come: list[Movement] = []
        for one in movements:
            self._free[one.location_id, one.sku] -= one.units
            if one.source not in replayed:
                self._to_come.append(one)
        self._next = 0

    def advance(self, until_ms: int) -> None:
        """Let everything happen that happened up to and at a moment."""
        while self._next < len(self._to_come) and self._to_come[self._next].at_ms <= until_ms:
            one = self._to_come[self._next]
            self._free[one.location_id, one.sku] += one.units
            self._next += 1

    def take(self, location_id: str, sku: str, units: int) -> None:
        """Let an order take units."""
        self._free[location_id, sku] -= units

    def free(self, skus: Collection[str]) -> dict[str, dict[str, int]]:
        """Return what may be promised of `skus` now, by location and SKU; only what there is."""
        wanted = set(skus)
        found: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for (location_id, sku), units in self._free.items():
            if units > 0 and sku in wanted:
                found[location_id][sku] = units
        return dict(found)
