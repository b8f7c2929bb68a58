"""Stock by (location, SKU): positions, promises, effects, and the append-only ledger."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from central_server.records import LedgerEntry
from central_server.storage.bulk import AnyRow, among, insert_many, update_many, upsert_many
from central_server.storage.tables import STOCK, STOCK_LEDGER
from sync.domain.escrow import fixed_floor
from sync.domain.inventory import StockPosition, StockReason
from sync.protocol.rows import StockRow

_ROW = ("sku", "on_hand", "allocated", "floor", "safety_stock", "aisle")
_POSITION = ("location_id", "sku", "on_hand", "allocated", "floor", "safety_stock")
_LEDGER = ("location_id", "sku", "on_hand", "allocated", "reason", "source", "at_ms")
_RETURNING = ", ".join(f"stock.{name}" for name in _ROW)
_THIS_ROW = "stock.location_id = v.location_id AND stock.sku = v.sku"


@dataclass(frozen=True, slots=True)
class OpeningStock:
    """What a location has of a SKU when stock is set, by an import or a count."""

    location_id: str
    sku: str
    on_hand: int
    aisle: str = ""
    safety_stock: int = 0
    floor_percent: int = 0


class Stock:
    """The tables `stock` and `stock_ledger`. Rows are locked in (location, SKU) order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def positions(
        self, skus: Collection[str], location_ids: Collection[str] | None = None
    ) -> list[StockPosition]:
        """Return the positions of `skus` everywhere, or at some locations, in one query."""
        wanted = select(*(STOCK.c[name] for name in _POSITION)).where(
            among(self._connection, STOCK.c.sku, skus)
        )
        if location_ids is not None:
            wanted = wanted.where(among(self._connection, STOCK.c.location_id, location_ids))
        return [StockPosition(*row) for row in self._connection.execute(wanted)]

    def rows(self, location_id: str, skus: Collection[str] | None = None) -> list[StockRow]:
        """Return a location's stock as its feed carries it: all of it, or these SKUs."""
        wanted = select(*(STOCK.c[name] for name in _ROW)).where(STOCK.c.location_id == location_id)
        if skus is not None:
            wanted = wanted.where(among(self._connection, STOCK.c.sku, skus))
        return [_stock_row(row) for row in self._connection.execute(wanted.order_by(STOCK.c.sku))]

    def reserve(
        self, location_id: str, lines: Sequence[tuple[str, int]], source: str, now_ms: int
    ) -> bool:
        """Allocate all of `lines` (SKU, units) at one location, or nothing; say which.

        A line is promised only if on hand - allocated - floor - safety stock covers
        it. Lines of the same SKU count together. Writes the ledger too.
        """
        totals = _totals(lines)
        if not totals:
            return True
        free = self._lock(location_id, totals)
        if any(free.get(sku, -1) < quantity for sku, quantity in totals.items()):
            return False
        rows = [(location_id, sku, quantity) for sku, quantity in totals.items()]
        promised = update_many(
            self._connection,
            STOCK,
            ("location_id", "sku", "allocated"),
            rows,
            sets="allocated = stock.allocated + v.allocated",
            where=f"{_THIS_ROW} AND stock.on_hand - stock.allocated - stock.floor"
            " - stock.safety_stock >= v.allocated",
            returning="stock.sku",
        )
        assert len(promised) == len(rows), "a locked position changed"
        reason = StockReason.ALLOCATED
        self.append_ledger(
            [
                LedgerEntry(location_id, sku, 0, q, reason, source, now_ms)
                for sku, q in totals.items()
            ]
        )
        return True

    def _lock(self, location_id: str, skus: Collection[str]) -> dict[str, int]:
        """Lock positions in SKU order and return what of each may be promised."""
        free = STOCK.c.on_hand - STOCK.c.allocated - STOCK.c.floor - STOCK.c.safety_stock
        rows = self._connection.execute(
            select(STOCK.c.sku, free)
            .where(STOCK.c.location_id == location_id, among(self._connection, STOCK.c.sku, skus))
            .order_by(STOCK.c.sku)
            .with_for_update()
        )
        return dict(rows.all())

    def apply_effects(
        self,
        location_id: str,
        effects: Mapping[str, tuple[int, int]],
        ledger: Sequence[LedgerEntry],
    ) -> list[StockRow]:
        """Add (on hand, allocated) per SKU, write the ledger, and return the rows after it.

        `effects` are the sums per SKU of what `ledger` lists. A SKU that the
        location never had gets a row: what a store did is never refused.
        """
        self.append_ledger(ledger)
        if not effects:
            return []
        skus = sorted(effects)
        missing = set(skus) - self._lock(location_id, skus).keys()
        if missing:
            insert_many(
                self._connection,
                STOCK,
                ("location_id", *_ROW),
                [(location_id, sku, 0, 0, 0, 0, "") for sku in sorted(missing)],
                " ON CONFLICT (location_id, sku) DO NOTHING",
            )
        changed = update_many(
            self._connection,
            STOCK,
            ("location_id", "sku", "on_hand", "allocated"),
            [(location_id, sku, *effects[sku]) for sku in skus],
            sets="on_hand = stock.on_hand + v.on_hand, allocated = stock.allocated + v.allocated",
            where=_THIS_ROW,
            returning=_RETURNING,
        )
        return [_stock_row(row) for row in changed]

    def set_opening(
        self,
        items: Sequence[OpeningStock],
        source: str,
        now_ms: int,
        reason: StockReason = StockReason.OPENING,
    ) -> None:
        """Set what is on hand, in bulk; allocations stay. The ledger gets the differences.

        The floor share follows from the percentage (`sync.domain.escrow.fixed_floor`).
        """
        wanted = {(item.location_id, item.sku): item for item in items}
        ordered = [wanted[key] for key in sorted(wanted)]
        before = self._on_hand(ordered)
        rows = [
            (
                item.location_id, item.sku, item.on_hand, 0,
                fixed_floor(item.on_hand, item.floor_percent), item.safety_stock, item.aisle,
            )
            for item in ordered
        ]  # fmt: skip
        columns = ("location_id", *_ROW)
        upsert_many(self._connection, STOCK, columns, rows, keep=("allocated",))
        moved = (
            (item, item.on_hand - before.get((item.location_id, item.sku), 0)) for item in ordered
        )
        self.append_ledger(
            [
                LedgerEntry(item.location_id, item.sku, units, 0, reason, source, now_ms)
                for item, units in moved
                if units
            ]
        )

    def _on_hand(self, items: Sequence[OpeningStock]) -> dict[tuple[str, str], int]:
        rows = self._connection.execute(
            select(STOCK.c.location_id, STOCK.c.sku, STOCK.c.on_hand)
            .where(
                among(self._connection, STOCK.c.location_id, {item.location_id for item in items}),
                among(self._connection, STOCK.c.sku, {item.sku for item in items}),
            )
            .order_by(STOCK.c.location_id, STOCK.c.sku)
            .with_for_update()
        )
        return {(location_id, sku): on_hand for location_id, sku, on_hand in rows}

    def append_ledger(self, entries: Sequence[LedgerEntry]) -> None:
        """Append movements. Nothing changes or removes one."""
        rows = [
            (
                entry.location_id, entry.sku, entry.on_hand, entry.allocated, entry.reason.value,
                entry.source, entry.at_ms,
            )
            for entry in entries
        ]  # fmt: skip
        insert_many(self._connection, STOCK_LEDGER, _LEDGER, rows)

    def ledger(self, source: str) -> list[LedgerEntry]:
        """Return what one order or operation moved, in the order it was written."""
        rows = self._connection.execute(
            select(*(STOCK_LEDGER.c[name] for name in _LEDGER))
            .where(STOCK_LEDGER.c.source == source)
            .order_by(STOCK_LEDGER.c.id)
        )
        return [
            LedgerEntry(
                row.location_id, row.sku, row.on_hand, row.allocated, StockReason(row.reason),
                row.source, row.at_ms,
            )
            for row in rows
        ]  # fmt: skip

    def ledger_sums(self, location_id: str | None = None) -> dict[tuple[str, str], tuple[int, int]]:
        """Return (on hand, allocated) by (location, SKU) as the ledger has it."""
        table = STOCK_LEDGER.c
        wanted = select(
            table.location_id, table.sku, func.sum(table.on_hand), func.sum(table.allocated)
        ).group_by(table.location_id, table.sku)
        if location_id is not None:
            wanted = wanted.where(table.location_id == location_id)
        return {
            (place, sku): (int(on_hand), int(allocated))
            for place, sku, on_hand, allocated in self._connection.execute(wanted)
        }


def _totals(lines: Sequence[tuple[str, int]]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for sku, quantity in lines:
        totals[sku] = totals.get(sku, 0) + quantity
    return dict(sorted(totals.items()))


def _stock_row(row: AnyRow) -> StockRow:
    sku, on_hand, allocated, floor, safety_stock, aisle = row
    return StockRow(sku, on_hand, allocated, floor, safety_stock, aisle)
