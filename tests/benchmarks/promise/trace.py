"""The demand: real floor sales and real online lines, laid onto the same SKUs and stores.

Floor sales are the grocery lines of `complete_journey` (store, minute, product type).
The set holds one line in about twenty of a panel of 2,377 households, so a single
store and week has almost nothing in it: its 293 shops are put together into
`Shape.stores` stores, and its 52 weeks are laid on one another to `Shape.weeks`,
keeping weekday and minute. Online demand is the invoice lines of `online_retail`,
with their own minutes and their own clustering: the k-th most bought stock code
asks for the k-th most bought product type; an invoice belongs to the store of its
customer; a line asks for one unit, because that shop's quantities are wholesale packs.
What a seed decides: which shops and weeks are put together, which customers there are.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from math import ceil, sqrt
from pathlib import Path
from random import Random
from typing import NamedTuple
from zlib import crc32

import pyarrow.parquet as pq

DAY_S = 86_400
WEEK_DAYS = 7
YEAR_WEEKS = 52
UTC_TO_STORE_HOURS = 5
"""The baskets peak at 22 h and stop at 5 h: taken to be UTC, and the shops five hours behind."""
UNITS_MAX = 6
"""Larger quantities are weights and liters, or parties."""
NO_GOODS = frozenset({"FUEL", "MISCELLANEOUS", "SALAD BAR", "COUPON"})


class Ask(NamedTuple):
    """One unit asked for: on the floor of a store, or online with a first and a second store."""

    at_s: int
    sku: int
    store: int
    second: int
    """The store to ask next; -1 for a floor sale."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a trace is made of the data."""

    stores: int = 8
    skus: int = 250
    weeks: int = 8
    warm_up_weeks: int = 3
    online_share: float = 0.25
    """Online units as a share of floor units."""
    cover_days: int = 3
    """Every third night each store is filled up to its order-up-to level."""
    service_z: float = 1.0

    @property
    def days(self) -> int:
        """Return the length of the trace."""
        return self.weeks * WEEK_DAYS

    @property
    def cells(self) -> int:
        """Return how many pairs of store and SKU there are."""
        return self.stores * self.skus


@dataclass(frozen=True, slots=True)
class Trace:
    """Demand in order of time, and up to which level each cell (store x SKU) is filled."""

    shape: Shape
    asks: tuple[Ask, ...]
    level: tuple[int, ...]

    def cell(self, store: int, sku: int) -> int:
        """Return the number of a store's SKU."""
        return store * self.shape.skus + sku

    @property
    def floor_units(self) -> int:
        """Return the floor units asked for."""
        return sum(1 for ask in self.asks if ask.second < 0)


class _Line(NamedTuple):
    """A line of either data set: week of the year, second of the week, who, what, units."""

    week: int
    second_of_week: int
    who: str
    what: str
    units: int


def real_trace(data: Path, shape: Shape, seed: int) -> Trace:
    """Return the trace that `seed` makes of the real data."""
    floor_lines, online_lines = _floor_lines(data), _online_lines(data)
    floor_ranks = _ranks(floor_lines, shape.skus)
    online_ranks = _ranks(online_lines, shape.skus)
    folded = _folded_weeks(shape, Random(f"weeks-{seed}"))
    floor = [
        Ask(_moment(folded, line), floor_ranks[line.what], _place(seed, line.who, shape), -1)
        for line in floor_lines if line.what in floor_ranks
        for _ in range(line.units)
    ]  # fmt: skip
    wanted = round(len(floor) * shape.online_share)
    candidates = [line for line in online_lines if line.what in online_ranks]
    keep = wanted / len(candidates)
    online = []
    for line in candidates:
        if _fraction(f"{seed}/buyer/{line.who}") < keep:
            first = _place(seed, line.who, shape)
            online.append(Ask(_moment(folded, line), online_ranks[line.what], first,
                              _neighbor(seed, line.who, first, shape)))  # fmt: skip
    asks = tuple(sorted(floor + online))
    return Trace(shape, asks, levels(asks, shape))


def levels(asks: Sequence[Ask], shape: Shape) -> tuple[int, ...]:
    """Return the order-up-to levels: m + z sqrt(m), m = mean demand between two deliveries.

    The mean is that of the whole trace, floor and online: a buyer who knows the
    averages, and the same for every policy.
    """
    units = Counter(ask.store * shape.skus + ask.sku for ask in asks)
    means = (units[cell] * shape.cover_days / shape.days for cell in range(shape.cells))
    return tuple(max(1, ceil(mean + shape.service_z * sqrt(mean))) for mean in means)


def _folded_weeks(shape: Shape, random: Random) -> list[int]:
    weeks = [week % shape.weeks for week in range(YEAR_WEEKS)]
    random.shuffle(weeks)
    return weeks


def _moment(folded: Sequence[int], line: _Line) -> int:
    return folded[line.week] * WEEK_DAYS * DAY_S + line.second_of_week


def _fraction(text: str) -> float:
    return crc32(text.encode()) / 2**32


def _place(seed: int, who: str, shape: Shape) -> int:
    return crc32(f"{seed}/place/{who}".encode()) % shape.stores


def _neighbor(seed: int, who: str, first: int, shape: Shape) -> int:
    step = crc32(f"{seed}/second/{who}".encode()) % (shape.stores - 1)
    return (first + 1 + step) % shape.stores


def _ranks(lines: Sequence[_Line], count: int) -> dict[str, int]:
    """Return the most asked for things, numbered from the most asked for."""
    found = Counter(line.what for line in lines)
    ordered = sorted(found, key=lambda what: (-found[what], what))[:count]
    return {what: rank for rank, what in enumerate(ordered)}


@lru_cache(maxsize=1)
def _floor_lines(data: Path) -> tuple[_Line, ...]:
    goods = {
        row["product_id"]: row["product_type"]
        for row in _rows(data / "complete_journey" / "products.parquet",
                         "product_id", "product_type", "department")
        if row["department"] not in NO_GOODS and row["product_type"]
    }  # fmt: skip
    lines = []
    for row in _rows(data / "complete_journey" / "transactions_sample.parquet",
                     "store_id", "product_id", "quantity", "transaction_timestamp"):  # fmt: skip
        if row["product_id"] in goods and 1 <= row["quantity"] <= UNITS_MAX:
            week, second = _week_and_second(row["transaction_timestamp"], UTC_TO_STORE_HOURS)
            lines.append(_Line(week, second, row["store_id"], goods[row["product_id"]],
                               int(row["quantity"])))  # fmt: skip
    return tuple(lines)


@lru_cache(maxsize=1)
def _online_lines(data: Path) -> tuple[_Line, ...]:
    lines = []
    for row in _rows(data / "online_retail" / "online_retail.parquet", "InvoiceNo", "StockCode",
                     "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"):  # fmt: skip
        if row["Quantity"] > 0 and row["UnitPrice"] > 0:
            week, second = _week_and_second(row["InvoiceDate"], 0)
            who = str(row["CustomerID"] or row["InvoiceNo"])
            lines.append(_Line(week, second, who, row["StockCode"], 1))
    return tuple(lines)


def _week_and_second(moment: datetime, hours_behind: int) -> tuple[int, int]:
    """Return the week of the year (0 to 51) and the second of the week, Monday first."""
    second = moment.weekday() * DAY_S + moment.hour * 3600 + moment.minute * 60 + moment.second
    week = min(YEAR_WEEKS, moment.isocalendar().week) - 1
    return week, (second - hours_behind * 3600) % (WEEK_DAYS * DAY_S)


def _rows(path: Path, *columns: str) -> Iterator[dict]:
    for batch in pq.ParquetFile(path).iter_batches(50_000, columns=list(columns)):
        yield from batch.to_pylist()
