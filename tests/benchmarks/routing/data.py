"""Real sites, destinations, goods and baskets, as plain values. Sources: README files of the data.

Sites are stores of Best Buy (CC0), destinations ZIP areas by population (US Census),
small baskets those of complete_journey, many-line orders the invoices of online_retail.
A product type of the former and a stock code of the latter become a SKU by rank.
"""

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

WRONG_STORE = "1536"
"""Its coordinates lie 669 miles off in the source."""
NO_GOODS = frozenset({"FUEL", "MISCELLANEOUS", "SALAD BAR", "COUPON"})
UNITS_MAX = 6
PACK = 6
"""The web shop sells in packs: its quantities are divided by this, rounded up."""
MAINLAND = (24.0, 50.0, -125.0, -66.0)


class Place(NamedTuple):
    """A point and what it weighs: 1 for a store, its people for a ZIP area."""

    name: str
    latitude: float
    longitude: float
    weight: int


class Baskets(NamedTuple):
    """What is bought together, by rank of the goods (0: bought most)."""

    baskets: tuple[tuple[tuple[int, int], ...], ...]
    """Rank and units of each line."""
    units: tuple[int, ...]
    """How many units of each rank were bought in all."""


@lru_cache(maxsize=1)
def stores(data: Path) -> tuple[Place, ...]:
    """Return the large stores of the mainland."""
    return tuple(
        Place(row["store_id"], float(row["lat"]), float(row["lon"]), 1)
        for row in _csv(data / "bestbuy_stores" / "stores.csv.gz")
        if row["type"] == "BigBox" and row["store_id"] != WRONG_STORE and _is_mainland(row)
    )


@lru_cache(maxsize=1)
def areas(data: Path) -> tuple[Place, ...]:
    """Return the populated ZIP areas of the mainland."""
    return tuple(
        Place(row["zcta5"], float(row["lat"]), float(row["lon"]), int(row["population_2010"]))
        for row in _csv(data / "us_zcta" / "zcta.csv.gz")
        if int(row["population_2010"] or 0) > 0 and _is_mainland(row)
    )


@lru_cache(maxsize=2)
def small_baskets(data: Path, goods: int) -> Baskets:
    """Return the baskets of complete_journey over its `goods` most bought product types."""
    types = {
        row["product_id"]: row["product_type"]
        for row in _rows(data / "complete_journey" / "products.parquet",
                         "product_id", "product_type", "department")
        if row["department"] not in NO_GOODS and row["product_type"]
    }  # fmt: skip
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in _rows(data / "complete_journey" / "transactions_sample.parquet",
                     "basket_id", "product_id", "quantity"):  # fmt: skip
        if row["product_id"] in types and 1 <= row["quantity"] <= UNITS_MAX:
            found[row["basket_id"]][types[row["product_id"]]] += int(row["quantity"])
    return _ranked(found, goods)


@lru_cache(maxsize=2)
def invoices(data: Path, goods: int, lines_max: int) -> Baskets:
    """Return the invoices of online_retail with 2 to `lines_max` lines, in packs."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in _rows(data / "online_retail" / "online_retail.parquet",
                     "InvoiceNo", "StockCode", "Quantity", "UnitPrice"):  # fmt: skip
        if row["Quantity"] > 0 and row["UnitPrice"] > 0:
            packs = min(UNITS_MAX, -(-int(row["Quantity"]) // PACK))
            found[row["InvoiceNo"]][row["StockCode"]] += packs
    ranked = _ranked(found, goods)
    kept = tuple(one for one in ranked.baskets if 2 <= len(one) <= lines_max)
    return Baskets(kept, ranked.units)


def _ranked(found: dict[str, Counter[str]], goods: int) -> Baskets:
    units: Counter[str] = Counter()
    for basket in found.values():
        units.update(basket)
    order = sorted(units, key=lambda name: (-units[name], name))[:goods]
    rank = {name: place for place, name in enumerate(order)}
    baskets = (
        tuple(sorted((rank[name], count) for name, count in found[key].items() if name in rank))
        for key in sorted(found)
    )
    return Baskets(tuple(one for one in baskets if one), tuple(units[name] for name in order))


def _is_mainland(row: dict[str, str]) -> bool:
    south, north, west, east = MAINLAND
    return south < float(row["lat"]) < north and west < float(row["lon"]) < east


def _csv(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _rows(path: Path, *columns: str) -> Iterator[dict]:
    for batch in pq.ParquetFile(path).iter_batches(50_000, columns=list(columns)):
        yield from batch.to_pylist()
