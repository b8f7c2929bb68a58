"""What customers take of stock in a week, and which SKUs there are: for rules of promising."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, func, select

from central_server.storage.bulk import among, update_many
from central_server.storage.prepared import Prepared
from central_server.storage.tables import STOCK, STOCK_LEDGER
from sync.domain.inventory import StockReason

_WEEKLY = Prepared(
    lambda engine: select(STOCK.c.location_id, STOCK.c.sku, STOCK.c.weekly_milli).where(
        engine.among(STOCK.c.sku, "skus"), STOCK.c.weekly_milli != bindparam("none", 0)
    )
)


class Demand:
    """The column `weekly_milli` of `stock`, and sums over all locations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def weekly(self, skus: Collection[str]) -> dict[tuple[str, str], int]:
        """Return the weekly demand by (location, SKU), in thousandths of a unit, where any is."""
        rows = _WEEKLY.rows(self._connection, skus=skus)
        return {(place, sku): units for place, sku, units in rows}

    def weekly_at(self, location_id: str) -> dict[str, int]:
        """Return a location's weekly demand by SKU, in thousandths of a unit, where any is."""
        wanted = select(STOCK.c.sku, STOCK.c.weekly_milli).where(
            STOCK.c.location_id == location_id, STOCK.c.weekly_milli != 0
        )
        found: dict[str, int] = dict(self._connection.execute(wanted).all())
        return found

    def sold(self, location_id: str, since_ms: int) -> dict[str, int]:
        """Return the units by SKU that left a location for customers since then."""
        table = STOCK_LEDGER.c
        reasons = (StockReason.FLOOR_SOLD.value, StockReason.HANDED_OVER.value)
        wanted = (
            select(table.sku, -func.sum(table.on_hand))
            .where(
                table.location_id == location_id, table.reason.in_(reasons),
                func.coalesce(table.happened_ms, table.at_ms) >= since_ms,
            )
            .group_by(table.sku)
        )  # fmt: skip
        return {sku: int(units) for sku, units in self._connection.execute(wanted)}

    def set_weekly(self, location_id: str, demand: Mapping[str, int]) -> None:
        """Set the weekly demand of a location's SKUs, in thousandths of a unit."""
        update_many(
            self._connection,
            STOCK,
            ("location_id", "sku", "weekly_milli"),
            [(location_id, sku, units) for sku, units in sorted(demand.items())],
            sets="weekly_milli = v.weekly_milli",
            where="stock.location_id = v.location_id AND stock.sku = v.sku",
            returning="stock.sku",
        )

    def sums(self, skus: Collection[str]) -> list[tuple[str, int]]:
        """Return (SKU, units on hand over all locations) of those of `skus` with stock rows."""
        wanted = (
            select(STOCK.c.sku, func.sum(STOCK.c.on_hand))
            .where(among(self._connection, STOCK.c.sku, skus))
            .group_by(STOCK.c.sku)
        )
        return [(sku, int(units)) for sku, units in self._connection.execute(wanted)]

    def skus(self) -> list[str]:
        """Return every SKU that a location has or had."""
        wanted = select(STOCK.c.sku).distinct().order_by(STOCK.c.sku)
        return list(self._connection.execute(wanted).scalars())
