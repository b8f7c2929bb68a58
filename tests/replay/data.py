"""Real data, read where it lies, and what it lacks: who buys where, and what is on the shelves.

Households of `complete_journey` and invoices of `online_retail` become orders at
real stores. No public data set says what a store has on hand, so stock follows
from the orders: what will be asked for, a little more, and now and then too little.
"""

import csv
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from zlib import crc32

import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
MAPPINGS = Path(__file__).parent / "mappings"
VARIABLE = "HOLDSHELF_DATA"
FOLDERS = ("bestbuy_stores", "complete_journey", "iowa_liquor", "online_retail",
           "us_zcta", "usda_branded_gtin")  # fmt: skip
ZONE = "US"
UNITS_MAX = 24
INVOICE_LINES_MAX = 20
INVOICE_SHARE = 20
"""One order in so many is an invoice of the web shop, with many lines."""
SPARE_STORES = 2
SPARE_UNITS = 30
FLOOR_PERCENT = 20
_INVOICE = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice",
            "CustomerID")  # fmt: skip
_BASKET = ("household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value",
           "transaction_timestamp")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Purchase:
    """One order of the past, at a store of ours."""

    number: str
    location_id: str
    customer: str
    currency: str
    placed_at: str
    lines: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files that are made from the real ones, and what they hold."""

    products: Path
    prices: Path
    stock: Path
    orders: Path
    purchases: int
    stores: frozenset[str]


def data_folder() -> Path | None:
    """Return where the real data lies, None if it is not there."""
    folder = Path(os.environ.get(VARIABLE, str(ROOT.parent / "shared" / "data")))
    return folder if all((folder / name).is_dir() for name in FOLDERS) else None


def make_inputs(
    data: Path, work: Path, stores: Sequence[str], orders: int, *, groceries: bool
) -> Inputs:
    """Write products, prices, stock and orders for the import, into `work`.

    With `groceries`, the groceries that are bought are among the products; else
    the whole file of them is imported as it is.
    """
    names = _grocery_names(data)
    invoices, retail = _invoices(data, stores, max(1, orders // INVOICE_SHARE))
    baskets, journey_prices = _baskets(data, names, stores, orders - len(invoices))
    products = {sku: name for sku, (name, _) in retail.items()}
    if groceries:
        products |= {sku: names[sku] for sku in journey_prices}
    purchases = sorted([*invoices, *baskets], key=lambda one: (one.placed_at[5:], one.number))
    prices = {**journey_prices, **{sku: price for sku, (_, price) in retail.items()}}
    return Inputs(
        _write(work / "products.csv", ("sku", "name"), sorted(products.items())),
        _write(work / "prices.csv", ("zone", "sku", "amount_minor", "currency"),
               ((ZONE, sku, amount, "GBP" if sku.startswith("OR-") else "USD")
                for sku, amount in sorted(prices.items()))),
        _write(work / "stock.csv", ("location_id", "sku", "on_hand"), _stock(purchases, stores)),
        _write(work / "orders.csv",
               ("order_number", "location_id", "sku", "quantity", "placed_at", "customer_name",
                "currency"), _lines(purchases)),
        len(purchases),
        frozenset(one.location_id for one in purchases),
    )  # fmt: skip


def _invoices(
    data: Path, stores: Sequence[str], wanted: int
) -> tuple[list[Purchase], dict[str, tuple[str, int]]]:
    """Return invoices as purchases, and the products (name, pence) that they need."""
    lines: defaultdict[str, Counter[str]] = defaultdict(Counter)
    heads: dict[str, tuple[str, str]] = {}
    products: dict[str, tuple[str, int]] = {}
    for row in _rows(data / "online_retail" / "online_retail.parquet", *_INVOICE):
        if len(lines) > 2 * wanted:
            break
        pence = round(row["UnitPrice"] * 100)
        if row["Quantity"] < 1 or pence < 1 or not row["Description"]:
            continue
        sku = "OR-" + row["StockCode"]
        products.setdefault(sku, (row["Description"].strip(), pence))
        lines[row["InvoiceNo"]][sku] += min(row["Quantity"], UNITS_MAX)
        customer = f"Account {row['CustomerID'] or 'unknown'}"
        heads.setdefault(row["InvoiceNo"], (row["InvoiceDate"].isoformat(), customer))
    fitting = (number for number, found in lines.items() if 2 <= len(found) <= INVOICE_LINES_MAX)
    chosen = list(islice(fitting, wanted))
    purchases = [
        Purchase(f"OR-{number}", _store(stores, number, ""), heads[number][1], "GBP",
                 heads[number][0], tuple(sorted(lines[number].items())))
        for number in chosen
    ]  # fmt: skip
    needed = {sku for one in purchases for sku, _ in one.lines}
    return purchases, {sku: found for sku, found in products.items() if sku in needed}


def _grocery_names(data: Path) -> dict[str, str]:
    """Return what the groceries are called, by SKU."""
    return {
        "CJ-" + row["product_id"]: row["product_type"] or "Unnamed grocery"
        for row in _rows(
            data / "complete_journey" / "products.parquet", "product_id", "product_type"
        )
    }


def _baskets(
    data: Path, names: Mapping[str, str], stores: Sequence[str], wanted: int
) -> tuple[list[Purchase], dict[str, int]]:
    """Return the first baskets of the year as purchases, and what their products cost (cents)."""
    lines: defaultdict[str, Counter[str]] = defaultdict(Counter)
    heads: dict[str, tuple[str, str, str]] = {}
    prices: dict[str, int] = {}
    path = data / "complete_journey" / "transactions_sample.parquet"
    for row in _rows(path, *_BASKET):
        cents = round(row["sales_value"] * 100 / max(1, row["quantity"]))
        sku = "CJ-" + row["product_id"]
        if not 1 <= row["quantity"] <= UNITS_MAX or cents < 1 or sku not in names:
            continue
        prices.setdefault(sku, cents)
        lines[row["basket_id"]][sku] += row["quantity"]
        moment = row["transaction_timestamp"].isoformat()
        heads.setdefault(row["basket_id"], (moment, row["household_id"], row["store_id"]))
    chosen = sorted(lines, key=lambda basket: (heads[basket][0], basket))[:wanted]
    purchases = []
    for basket in chosen:
        moment, household, shop = heads[basket]
        place = _store(stores, household, shop)
        entries = tuple(sorted(lines[basket].items()))
        purchases.append(
            Purchase(f"CJ-{basket}", place, f"Household {household}", "USD", moment, entries)
        )
    needed = {sku for one in purchases for sku, _ in one.lines}
    return purchases, {sku: cents for sku, cents in prices.items() if sku in needed}


def _store(stores: Sequence[str], household: str, shop: str) -> str:
    """Return where a household goes for what it bought in one shop: always the same store."""
    return stores[crc32(f"{household}@{shop}".encode()) % len(stores)]


def _stock(purchases: Sequence[Purchase], stores: Sequence[str]) -> Iterator[tuple[object, ...]]:
    wanted: defaultdict[tuple[str, str], int] = defaultdict(int)
    for one in purchases:
        for sku, units in one.lines:
            wanted[one.location_id, sku] += units
    spare: dict[tuple[str, str], int] = {}
    for sku in sorted({sku for _, sku in wanted}):
        for copy in range(SPARE_STORES):
            spare[_store(stores, sku, str(copy)), sku] = SPARE_UNITS
    for place, sku in sorted(wanted.keys() | spare.keys()):
        units = wanted.get((place, sku), 0)
        luck = crc32(f"{place}/{sku}".encode()) % 50
        promised = 0 if luck == 0 else units + luck % 4
        on_hand = -(-promised * 100 // (100 - FLOOR_PERCENT)) + spare.get((place, sku), 0)
        yield place, sku, on_hand


def _lines(purchases: Iterable[Purchase]) -> Iterator[tuple[object, ...]]:
    for one in purchases:
        for sku, units in one.lines:
            yield (one.number, one.location_id, sku, units, one.placed_at, one.customer,
                   one.currency)  # fmt: skip


def _rows(path: Path, *columns: str) -> Iterator[dict]:
    for batch in pq.ParquetFile(path).iter_batches(10_000, columns=list(columns)):
        yield from batch.to_pylist()


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path
