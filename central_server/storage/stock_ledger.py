"""What moved stock, and why: signed entries that nobody changes."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, func, select

from central_server.records import LedgerEntry
from central_server.sourcing.past_stock import Movement
from central_server.storage.bulk import Rows, among, insert_among, insert_many
from central_server.storage.raw import Together
from central_server.storage.tables import STOCK_LEDGER
from sync.domain.inventory import StockReason

_COLUMNS = (
    "location_id", "sku", "on_hand", "allocated", "reason", "source", "at_ms", "happened_ms",
)  # fmt: skip


class StockLedger:
    """The table `stock_ledger`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, entries: Sequence[LedgerEntry]) -> None:
        """Append movements. Nothing changes or removes one."""
        insert_many(self._connection, STOCK_LEDGER, _COLUMNS, _values(entries))

    def append_among(self, together: Together, entries: Sequence[LedgerEntry]) -> None:
        """Do as `append`, among other statements."""
        insert_among(together, STOCK_LEDGER, _COLUMNS, _values(entries))

    def of(self, source: str) -> list[LedgerEntry]:
        """Return what one order or operation moved, in the order it was written."""
        rows = self._connection.execute(
            select(*(STOCK_LEDGER.c[name] for name in _COLUMNS))
            .where(STOCK_LEDGER.c.source == source)
            .order_by(STOCK_LEDGER.c.id)
        )
        return [
            LedgerEntry(
                row.location_id, row.sku, row.on_hand, row.allocated, StockReason(row.reason),
                row.source, row.at_ms, row.happened_ms,
            )
            for row in rows
        ]  # fmt: skip

    def movements(self, skus: Collection[str], from_ms: int) -> list[Movement]:
        """Return what moved of what may be promised of `skus` from a moment on, in order."""
        table = STOCK_LEDGER.c
        rows = self._connection.execute(
            select(table.at_ms, table.location_id, table.sku, table.on_hand - table.allocated,
                   table.source)
            .where(among(self._connection, table.sku, skus), table.at_ms >= from_ms)
            .order_by(table.at_ms, table.id)
        )  # fmt: skip
        return [Movement(*row) for row in rows]

    def sums(self, location_id: str | None = None) -> dict[tuple[str, str], tuple[int, int]]:
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

    def sales(self, location_id: str, since_ms: int) -> list[tuple[str, int, int]]:
        """Return (SKU, units, when sold) of a location's sales at the till since then.

        In the order in which central heard of them.
        """
        table = STOCK_LEDGER.c
        sold_ms = func.coalesce(table.happened_ms, table.at_ms)
        rows = self._connection.execute(
            select(table.sku, -table.on_hand, sold_ms)
            .where(
                table.location_id == location_id,
                table.reason == StockReason.FLOOR_SOLD.value,
                sold_ms >= since_ms,
            )
            .order_by(table.id)
        )
        return [(sku, units, at_ms) for sku, units, at_ms in rows]


def _values(entries: Sequence[LedgerEntry]) -> Rows:
    return [
        (
            entry.location_id, entry.sku, entry.on_hand, entry.allocated, entry.reason.value,
            entry.source, entry.at_ms, entry.happened_ms,
        )
        for entry in entries
    ]  # fmt: skip
