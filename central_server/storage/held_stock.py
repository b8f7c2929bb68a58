"""Stock of a group of orders: positions locked at once, allocations in memory until the end.

hold       locks every position that the orders name, in (location, SKU) order, and waits
later      an order that is to go elsewhere gets its positions there only if nobody has
           them: who holds some and waited for others could wait for ever
"""

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import Connection

from central_server.records import LedgerEntry, StockSums
from central_server.storage import network_locks
from central_server.storage.bulk import find_among, find_many, is_postgresql
from central_server.storage.raw import Together, Values
from central_server.storage.stock import Stock
from central_server.storage.stock_rows import (
    LEASE,
    ROW_COLUMNS,
    STOCK_KEY,
    WITH_LEASE,
    stock_row_of,
)
from central_server.storage.tables import STOCK
from sync.domain.inventory import StockPosition
from sync.protocol.rows import StockRow

Key = tuple[str, str]
"""Location and SKU."""

_WHAT = ", ".join(
    ["stock.location_id", *(f"stock.{name}" for name in (*ROW_COLUMNS, "silence"))]
    + [f"leases.{name}" for name in LEASE]
)
_ORDER = "ORDER BY stock.location_id, stock.sku"
_WAIT = f"{_ORDER} FOR UPDATE OF stock"
_IF_FREE = f"{_WAIT} SKIP LOCKED"


class NotInGroup(Exception):
    """An order needs what others hold, or waits for: it is placed by itself."""


class HeldStock(Stock):
    """The table `stock` for a group. What it gives out is written by `flush`."""

    def __init__(
        self, books: Stock, connection: Connection, forget: Callable[[Collection[str]], None]
    ) -> None:
        """`forget` makes what waits of SKUs be asked anew, once a row of theirs is locked."""
        super().__init__(connection)
        self._forget = forget
        self._books = books
        """Knows how rows are read, and writes."""
        self._held: dict[Key, Values] = {}
        self._seen: dict[Key, Values | None] = {}
        """Read without a lock; None where there is no such position."""
        self._wide: dict[str, list[Key]] = {}
        """Where a SKU is, of those that were asked for everywhere."""
        self._network: set[str] = set()
        self._shared: set[str] = set()
        self._given: dict[Key, tuple[int, int]] = {}
        self._made: dict[Key, tuple[int, StockPosition]] = {}
        """Positions by what is held and given out now, each with its moment (ms)."""
        self.allocations: list[tuple[str, str, int, int]] = []
        """(location, SKU, allocated, promised) of each line of this group's orders."""
        self.entries: list[LedgerEntry] = []

    def hold(self, together: Together, keys: Collection[Key]) -> None:
        """Lock positions, in order; wait for whoever has them."""
        find_among(
            together, STOCK, STOCK_KEY, sorted(set(keys)), what=_WHAT, joins=WITH_LEASE,
            more=self._lock_words(_WAIT), then=self._keep,
        )  # fmt: skip

    def _take_free(self, keys: Collection[Key]) -> None:
        rows = find_many(
            self._connection, STOCK, STOCK_KEY, sorted(set(keys)), what=_WHAT, joins=WITH_LEASE,
            more=self._lock_words(_IF_FREE),
        )  # fmt: skip
        self._keep(rows)

    def _lock_words(self, how: str) -> str:
        return how if is_postgresql(self._connection) else _ORDER

    def _keep(self, rows: Sequence[Values]) -> None:
        self._held.update({(row[0], row[1]): row for row in rows})
        self._made.clear()

    def lock_network(self, skus: Collection[str]) -> None:
        """Let nobody else promise of what is kept of these SKUs in all, until the commit.

        Raises `NotInGroup` where somebody else does.
        """
        missing = sorted(set(skus) - self._network)
        for sku in missing:
            if not network_locks.try_lock(self._connection, sku):
                raise NotInGroup(sku)
        self._network.update(missing)
        self._look_again(missing)

    def hold_network(self, skus: Collection[str]) -> None:
        """Lock as `lock_network`, but wait. Before `hold`, as every order does."""
        super().lock_network(skus)
        self._network.update(skus)

    def share_among(self, together: Together, skus: Collection[str]) -> None:
        """Share what this group will promise, among other statements."""
        missing = set(skus) - self._network
        network_locks.share_among(together, missing)
        self._shared |= missing

    def share_network(self, skus: Collection[str]) -> None:
        """Share as every order does; what this group locked or shares already stays so."""
        missing = set(skus) - self._network - self._shared
        super().share_network(missing)
        self._shared |= missing

    def _look_again(self, skus: Collection[str]) -> None:
        for sku in skus:
            for key in self._wide.pop(sku, ()):
                self._seen.pop(key, None)

    def positions(
        self, skus: Collection[str], now_ms: int, location_ids: Collection[str] | None = None
    ) -> list[StockPosition]:
        """Return the positions of `skus` everywhere, or at some locations."""
        if location_ids is not None:
            return self.positions_at([(one, sku) for one in location_ids for sku in skus], now_ms)
        self._see_everywhere([sku for sku in dict.fromkeys(skus) if sku not in self._wide])
        return self._known([key for sku in skus for key in self._wide[sku]], now_ms)

    def positions_at(self, keys: Sequence[Key], now_ms: int) -> list[StockPosition]:
        """Return the positions of (location, SKU) that there are."""
        self._see([key for key in keys if key not in self._held and key not in self._seen])
        return self._known(keys, now_ms)

    def fullest(self, sku: str, most: int, now_ms: int) -> tuple[list[StockPosition], StockSums]:
        """Return the positions of a SKU where most of it is left; what is given out is gone.

        The others are those of the books now: nothing that was seen before is asked. No sum
        changes within a group: what it gives out stays on hand.
        """
        books, sums = self._books.fullest(sku, most, now_ms)
        found = []
        for one in books:
            key = (one.location_id, sku)
            found += self._known([key], now_ms) if key in self._given else [one]
        return found, sums

    def _known(self, keys: Sequence[Key], now_ms: int) -> list[StockPosition]:
        rows = ((key, self._held.get(key) or self._seen.get(key)) for key in keys)
        return [self._position(key, row, now_ms) for key, row in rows if row is not None]

    def _see(self, keys: Sequence[Key]) -> None:
        if keys:
            rows = find_many(self._connection, STOCK, STOCK_KEY, keys, what=_WHAT, joins=WITH_LEASE)
            self._seen.update(dict.fromkeys(keys))
            self._seen.update({(row[0], row[1]): row for row in rows})

    def _see_everywhere(self, skus: Sequence[str]) -> None:
        if skus:
            rows = find_many(
                self._connection, STOCK, ("sku",), [(sku,) for sku in skus], what=_WHAT,
                joins=WITH_LEASE, more=_ORDER,
            )  # fmt: skip
            self._wide.update({sku: [] for sku in skus})
            for row in rows:
                key = (row[0], row[1])
                self._wide[row[1]].append(key)
                self._seen[key] = row

    def _position(self, key: Key, row: Values, now_ms: int) -> StockPosition:
        made = self._made.get(key)
        if made is not None and made[0] == now_ms and key in self._held:
            return made[1]
        allocated, promised = self._given.get(key, (0, 0))
        place, sku, on_hand, taken, floor, safety, _, generation, granted, used, back = row[:11]
        position = self._books.position(
            (place, sku, on_hand, taken + allocated, floor, safety, generation, granted,
             used + promised, back, *row[-4:]),
            now_ms,
        )  # fmt: skip
        self._made[key] = (now_ms, position)
        return position

    def _lock(
        self, location_id: str, skus: Collection[str], now_ms: int
    ) -> Sequence[StockPosition]:
        """Return positions that this group holds; hold them now, if nobody else does."""
        keys = [(location_id, sku) for sku in skus]
        missing = [key for key in keys if key not in self._held]
        if missing:
            self._take_free(missing)
            self._forget({sku for _, sku in missing})
            self._see([key for key in missing if key not in self._seen])
            if any(key not in self._held and self._seen[key] for key in missing):
                raise NotInGroup(location_id)
        found = ((key, self._held.get(key)) for key in keys)
        return [self._position(key, row, now_ms) for key, row in found if row is not None]

    def allocate(self, rows: Sequence[tuple[str, str, int, int]]) -> None:
        """Remember (location, SKU, allocated, promised) of what this group holds."""
        self.allocations += rows
        self._count(rows, 1)

    def _count(self, rows: Sequence[tuple[str, str, int, int]], sign: int) -> None:
        for place, sku, allocated, promised in rows:
            given = self._given.get((place, sku), (0, 0))
            self._given[place, sku] = (given[0] + sign * allocated, given[1] + sign * promised)
            self._made.pop((place, sku), None)

    def take_back(self, allocations: int) -> None:
        """Undo all allocations but the first so many."""
        self._count(self.allocations[allocations:], -1)
        del self.allocations[allocations:]

    def append_ledger(self, entries: Sequence[LedgerEntry]) -> None:
        """Append movements."""
        self.entries += entries

    def rows(self, location_id: str, skus: Collection[str] | None = None) -> list[StockRow]:
        """Return positions that this group holds as a location's feed carries them."""
        assert skus is not None, "a group feeds what it has allocated"
        found = []
        for sku in sorted(skus):
            row = list(self._held[location_id, sku][1:-4])
            allocated, promised = self._given.get((location_id, sku), (0, 0))
            row[_ALLOCATED] += allocated
            row[_PROMISED] += promised
            found.append(stock_row_of(row))
        return found

    def flush(self, together: Together) -> None:
        """Write what was given out."""
        given = [
            (place, sku, *units) for (place, sku), units in sorted(self._given.items()) if units[0]
        ]
        self._books.allocate_among(together, given, self.entries)


_ALLOCATED = ROW_COLUMNS.index("allocated")
_PROMISED = ROW_COLUMNS.index("promised")
