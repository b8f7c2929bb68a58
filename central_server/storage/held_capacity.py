"""Parts of days of a group of orders: held from the beginning, taken in memory until the end."""

from collections.abc import Collection

from sqlalchemy import Connection

from central_server.sourcing.capacity import CapacityUse, PartOfDay
from central_server.storage.bulk import (
    find_many,
    insert_among,
    insert_many,
    is_postgresql,
    update_among,
)
from central_server.storage.capacity import CLAIM, Capacity
from central_server.storage.held_stock import NotInGroup
from central_server.storage.raw import Together
from central_server.storage.routing_tables import CAPACITY_CLAIMS, CAPACITY_USE

Part = tuple[str, int]
"""Location, and when a part of its day starts (ms)."""
_KEY = ("location_id", "starts_ms")
_UNITS = ("units", "orders", "labor_seconds")
_COLUMNS = (*_KEY, *_UNITS)
_WHAT = ", ".join(f"capacity_use.{name}" for name in _COLUMNS)
_ORDER = "ORDER BY capacity_use.location_id, capacity_use.starts_ms"
_ADD = ", ".join(f"{name} = capacity_use.{name} + v.{name}" for name in _UNITS)
_THIS_ROW = " AND ".join(f"capacity_use.{name} = v.{name}" for name in _KEY)


class HeldCapacity(Capacity):
    """The tables `capacity_use` and `capacity_claims` for a group, written by `flush`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._held: dict[str, dict[int, CapacityUse]] = {}
        self._parts: frozenset[Part] = frozenset()
        self.taken: list[tuple[str, int, CapacityUse]] = []
        """What this group's orders took; what was given back is negative."""
        self.claims: list[tuple[str, str, int, int, int]] = []

    def hold(self, parts: Collection[Part]) -> None:
        """Lock these, in order. As every order does: before network and stock."""
        wanted = sorted(set(parts))
        if not wanted:
            return
        insert_many(
            self._connection, CAPACITY_USE, _COLUMNS, [(*part, 0, 0, 0) for part in wanted],
            f" ON CONFLICT ({', '.join(_KEY)}) DO NOTHING",
        )  # fmt: skip
        lock = " FOR UPDATE OF capacity_use" if is_postgresql(self._connection) else ""
        rows = find_many(
            self._connection, CAPACITY_USE, _KEY, wanted, what=_WHAT, more=_ORDER + lock
        )
        self._held = {place: {} for place, _ in wanted}
        for place, starts, *used in rows:
            self._held[place][starts] = CapacityUse(*used)
        # What was counted by other hours than those of now: it counts against them.
        first = min(starts for _, starts in wanted)
        for place, counted in super().used(tuple(self._held), first).items():
            self._held[place] = {**counted, **self._held[place]}
        self._parts = frozenset(wanted)

    def used(self, location_ids: Collection[str], now_ms: int) -> dict[str, dict[int, CapacityUse]]:
        """Return what is taken, by this group too."""
        found = super().used(location_ids, now_ms)
        for place, starts, more in self.taken:
            if starts in found.get(place, {}):
                found[place][starts] += more
        return found

    def take(self, location_id: str, part: PartOfDay, more: CapacityUse) -> bool:
        """Take a part that this group holds; who wants another is placed by itself."""
        if (location_id, part.starts_ms) not in self._parts:
            raise NotInGroup(location_id)
        use = part.used_of(self._held[location_id])
        for place, starts, taken in self.taken:
            if (place, starts) == (location_id, part.starts_ms):
                use += taken
        if not part.limit.fits(use + more):
            return False
        self.taken.append((location_id, part.starts_ms, more))
        return True

    def give_back(self, location_id: str, starts_ms: int, taken: CapacityUse) -> None:
        """Give back what was taken and not claimed."""
        less = CapacityUse(-taken.units, -taken.orders, -taken.labor_seconds)
        self.taken.append((location_id, starts_ms, less))

    def claim(
        self, fulfillment_id: str, location_id: str, starts_ms: int, taken: CapacityUse
    ) -> None:
        """Remember for which fulfillment order it was taken."""
        self.claims.append(
            (fulfillment_id, location_id, starts_ms, taken.units, taken.labor_seconds)
        )

    def flush(self, together: Together) -> None:
        """Write what was taken, and for whom."""
        sums: dict[Part, CapacityUse] = {}
        for place, starts, more in self.taken:
            sums[place, starts] = sums.get((place, starts), CapacityUse()) + more
        rows = [
            (*part, use.units, use.orders, use.labor_seconds) for part, use in sorted(sums.items())
        ]
        update_among(together, CAPACITY_USE, _COLUMNS, rows, sets=_ADD, where=_THIS_ROW)
        insert_among(together, CAPACITY_CLAIMS, CLAIM, self.claims)
