"""Loads a folder of CSV files in the form of the sample network: for demos and tests.

PINs become argon2 hashes with cheap parameters: what protects them is the
encryption of a store's own files, never the hash of six digits.
"""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from argon2 import PasswordHasher

from central_server.records import Customer, Location, Price, Product
from central_server.services.catalogue_intake import CatalogueIntake, StockItem, batches
from sync.domain.escrow import EscrowPolicy
from sync.domain.people import Role
from sync.protocol.rows import AssociateRow

SOURCE = "sample"
GTIN_DIGITS = 14
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def load_network(
    intake: CatalogueIntake,
    folder: Path,
    *,
    floor_percent: int,
    safety_stock: int,
    hold_days: int,
    escrow: EscrowPolicy,
) -> dict[str, int]:
    """Load everything in `folder` and return how many rows of each kind there were."""
    locations = [
        replace(
            _location(row, floor_percent, safety_stock, hold_days),
            escrow=escrow if row["kind"] == "store" else EscrowPolicy(),
        )
        for row in _rows(folder, "locations.csv")
    ]
    intake.locations(locations)
    counts = {"locations": len(locations), "products": 0, "prices": 0, "stock": 0}
    for products in batches(_product(row) for row in _rows(folder, "products.csv")):
        intake.products(products)
        counts["products"] += len(products)
    for prices in batches(_price(row) for row in _rows(folder, "prices.csv")):
        intake.prices(prices)
        counts["prices"] += len(prices)
    for items in batches(_stock(row) for row in _rows(folder, "stock.csv")):
        intake.stock(items, SOURCE)
        counts["stock"] += len(items)
    return {**counts, **_people(intake, folder)}


def _people(intake: CatalogueIntake, folder: Path) -> dict[str, int]:
    teams: dict[str, list[AssociateRow]] = {}
    for row in _rows(folder, "associates.csv"):
        teams.setdefault(row["location_id"], []).append(_associate(row))
    for location_id, team in teams.items():
        intake.associates(location_id, team)
    customers = [_customer(row) for row in _rows(folder, "customers.csv")]
    intake.customers(customers)
    return {"associates": sum(map(len, teams.values())), "customers": len(customers)}


def _rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _location(
    row: dict[str, str], floor_percent: int, safety_stock: int, hold_days: int
) -> Location:
    return Location(
        id=row["location_id"],
        name=row["name"],
        kind=row["kind"] if row["kind"] == "store" else "dc",
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        timezone=row["timezone"],
        region=row["region"],
        price_zone=row["price_zone"],
        address_line=row["address_line"],
        city=row["city"],
        state=row["state"],
        postal_code=row["postal_code"],
        pickup_enabled=row["pickup_enabled"] == "true",
        spots=_split(row["spots"]),
        hours=hours_of(row["hours"]),
        closures=_split(row["closures"]),
        hold_days=hold_days,
        floor_percent=floor_percent,
        safety_stock=safety_stock,
    )


def hours_of(text: str) -> tuple[tuple[int, int], ...]:
    """Return opening hours from `mon=09:00-21:00;sun=11:00-18:00`; unnamed days are closed."""
    if not text:
        return ()
    named = dict(part.split("=", 1) for part in text.split(";"))
    return tuple(_span(named[day]) if day in named else (0, 0) for day in _WEEK)


def _span(text: str) -> tuple[int, int]:
    opening, closing = text.split("-", 1)
    return _minutes(opening), _minutes(closing)


def _minutes(text: str) -> int:
    hours, minutes = text.split(":", 1)
    return int(hours) * 60 + int(minutes)


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split("|") if part)


def _product(row: dict[str, str]) -> Product:
    gtins = tuple(gtin.zfill(GTIN_DIGITS) for gtin in _split(row["gtin"]))
    return Product(row["sku"], row["name"], row["brand"], row["category"], gtins)


def _price(row: dict[str, str]) -> Price:
    return Price(row["zone"], row["sku"], int(row["amount_minor"]), row["currency"])


def _stock(row: dict[str, str]) -> StockItem:
    return StockItem(row["location_id"], row["sku"], int(row["on_hand"]), row["aisle"])


def _associate(row: dict[str, str]) -> AssociateRow:
    return AssociateRow(
        row["associate_id"], row["name"], Role(row["role"]), _HASHER.hash(row["pin"])
    )


def _customer(row: dict[str, str]) -> Customer:
    return Customer(
        row["customer_id"], row["name"], row["email"], row["phone"],
        float(row["latitude"]), float(row["longitude"]), row["postal_code"],
    )  # fmt: skip
