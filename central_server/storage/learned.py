"""What routing has learned: how often units are found where, and what they are worth."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, func, or_, select, text

from central_server.sourcing.engine.learning import Picks
from central_server.storage.bulk import insert_many, is_postgresql, upsert_many
from central_server.storage.prepared import Prepared
from central_server.storage.routing_tables import FILL_RATES, UNIT_PRICES
from central_server.storage.tables import PRODUCTS, STOCK_LEDGER
from sync.domain.inventory import StockReason

_RATE = ("location_id", "category", "sku", "found", "missed", "at_day", "seen_row")
_PRICE = ("location_id", "sku", "dual_minor", "at_ms")
_MARK = ("", "", "#")
"""The row whose `seen_row` is the last ledger entry that was learned from."""
ROWS_MAX = 50_000
"""Ledger entries that are learned from in one transaction."""
AHEAD_MS = 2 * 3_600_000
"""What is later by more was written by a clock that was ahead: nothing waits until then."""
_LOCK = 5_140_171_206
"""Any number: on PostgreSQL, who replaces all prices waits for others under it."""
_OF_SKUS = Prepared(
    lambda engine: (
        select(
            PRODUCTS.c.sku, FILL_RATES.c.location_id, FILL_RATES.c.sku, FILL_RATES.c.found,
            FILL_RATES.c.missed, FILL_RATES.c.at_day,
        )
        .join(FILL_RATES, FILL_RATES.c.category == PRODUCTS.c.category)
        .where(
            engine.among(PRODUCTS.c.sku, "skus"),
            or_(FILL_RATES.c.sku == bindparam("none", ""), FILL_RATES.c.sku == PRODUCTS.c.sku),
        )
    )
)  # fmt: skip
_DUALS = Prepared(
    lambda engine: (
        select(UNIT_PRICES.c.location_id, UNIT_PRICES.c.sku, UNIT_PRICES.c.dual_minor)
        .where(engine.among(UNIT_PRICES.c.sku, "skus"))
    )
)  # fmt: skip

RateKey = tuple[str, str, str]
"""Location, category and SKU; location and SKU may be empty: all of them."""


@dataclass(frozen=True, slots=True)
class Picked:
    """Units found and missed at a location, of one SKU, on one day."""

    location_id: str
    sku: str
    category: str
    day: int
    found: int
    missed: int


class Learned:
    """The tables `fill_rates` and `unit_prices`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def seen_row(self) -> int:
        """Return up to which ledger entry was learned, and let nobody else learn meanwhile."""
        rows = [(*_MARK, 0.0, 0.0, 0, 0)]
        insert_many(
            self._connection, FILL_RATES, _RATE, rows,
            " ON CONFLICT (location_id, category, sku) DO NOTHING",
        )  # fmt: skip
        table = FILL_RATES.c
        wanted = select(table.seen_row).where(
            table.location_id == _MARK[0], table.category == _MARK[1], table.sku == _MARK[2]
        )
        if is_postgresql(self._connection):
            wanted = wanted.with_for_update()
        return int(self._connection.execute(wanted).scalar_one())

    def picked(self, after_row: int, before_ms: int) -> tuple[list[Picked], int]:
        """Return what was found and missed after a ledger entry, and the last entry looked at.

        Of a long ledger it looks at `ROWS_MAX` entries. It ends before the first that is not
        older than `before_ms`: a transaction that waited may have written an older one behind it.
        """
        table = STOCK_LEDGER.c
        some = (
            select(table.id, table.at_ms)
            .where(table.id > after_row)
            .order_by(table.id)
            .limit(ROWS_MAX)
            .cte()
        )
        is_young = some.c.at_ms.between(before_ms, before_ms + AHEAD_MS)
        young = select(func.min(some.c.id)).where(is_young).scalar_subquery()
        settled = or_(young.is_(None), some.c.id < young)
        last = self._connection.execute(select(func.max(some.c.id)).where(settled)).scalar()
        if last is None:
            return [], after_row
        new = (table.id > after_row, table.id <= last, table.at_ms < before_ms)
        rows = self._connection.execute(
            select(table.location_id, table.sku, PRODUCTS.c.category, table.reason,
                   -table.on_hand, table.at_ms)
            .join(PRODUCTS, PRODUCTS.c.sku == table.sku)
            .where(*new, table.on_hand < 0, table.reason.in_(_PICKING))
            .order_by(table.id)
        )  # fmt: skip
        found: dict[tuple[str, str, str, int], list[int]] = {}
        for place, sku, category, reason, units, at_ms in rows:
            counts = found.setdefault((place, sku, category, at_ms // 86_400_000), [0, 0])
            counts[reason == StockReason.SHORT_PICKED.value] += units
        return [Picked(*key, *counts) for key, counts in found.items()], int(last)

    def rates(self, keys: Collection[RateKey]) -> dict[RateKey, Picks]:
        """Return what is known under some keys."""
        places, categories = {key[0] for key in keys}, {key[1] for key in keys}
        table = FILL_RATES.c
        rows = self._connection.execute(
            select(table.location_id, table.category, table.sku, table.found, table.missed,
                   table.at_day)
            .where(table.location_id.in_(places), table.category.in_(categories))
        )  # fmt: skip
        found = {(row[0], row[1], row[2]): Picks(row[3], row[4], row[5]) for row in rows}
        return {key: found[key] for key in keys if key in found}

    def save_rates(self, rates: Mapping[RateKey, Picks], seen_row: int) -> None:
        """Write what was learned, and up to where."""
        rows = [
            (*key, one.found, one.missed, int(one.at_day), 0) for key, one in sorted(rates.items())
        ]
        rows.append((*_MARK, 0.0, 0.0, 0, seen_row))
        upsert_many(self._connection, FILL_RATES, _RATE, rows)

    def rates_of(self, skus: Collection[str]) -> dict[str, dict[tuple[str, str], Picks]]:
        """Return, by SKU, what is known by (location, SKU); of both empty: all of its category."""
        found: dict[str, dict[tuple[str, str], Picks]] = {}
        for sku, place, of_sku, good, bad, day in _OF_SKUS.rows(self._connection, skus=skus):
            found.setdefault(sku, {})[place, of_sku] = Picks(good, bad, day)
        return found

    def replace_prices(self, prices: Mapping[tuple[str, str], float], now_ms: int) -> None:
        """Set what units are worth by (location, SKU); what is not named is worth nothing."""
        if is_postgresql(self._connection):
            self._connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})
        self._connection.execute(delete(UNIT_PRICES))
        rows = [(*cell, price, now_ms) for cell, price in sorted(prices.items())]
        insert_many(self._connection, UNIT_PRICES, _PRICE, rows)

    def prices_of(self, skus: Collection[str]) -> dict[tuple[str, str], float]:
        """Return what a unit is worth for orders to come, by (location, SKU)."""
        rows = _DUALS.rows(self._connection, skus=skus)
        return {(place, sku): price for place, sku, price in rows}

    def all_prices(self, limit: int) -> Sequence[tuple[str, str, float, int]]:
        """Return (location, SKU, price, when), the dearest first."""
        table = UNIT_PRICES.c
        rows = self._connection.execute(
            select(table.location_id, table.sku, table.dual_minor, table.at_ms)
            .order_by(table.dual_minor.desc(), table.location_id, table.sku)
            .limit(limit)
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]


_PICKING = (StockReason.HANDED_OVER.value, StockReason.SHORT_PICKED.value)
