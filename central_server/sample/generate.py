"""Writes the sample network: `python -m central_server.sample.generate`.

Every value is written down in `network`, `catalog` and `people` or drawn from a
hash of its key, so a second run writes the same bytes on any machine.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from central_server.sample import SAMPLE_FILES, network, people
from central_server.sample.catalog import Line, Shelf, product_lines
from central_server.sample.draws import between, draw, ranked

Row = Sequence[str | int]

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
_FIRST_SKU = 10001
_GTIN_PREFIX = "2007"
"""Inside 200-299, which GS1 leaves to each retailer's own use: no company owns these numbers."""
_SECOND_GTINS = 15
_STORE_SKUS = (320, 460)
_STORE_ON_HAND_MAX = 40
_DC_ON_HAND = (50, 400)
_AISLES = 21
_BAYS = "ABCDEF"
_LEVELS = (1, 5)
_TEAM_MAX = 6
_CUSTOMERS = 120
_ZONE_PERCENT = {"US-EAST": 100, "US-CENTRAL": 96, "US-WEST": 105}
_ZONED_PERCENT = 40
"""Share of the SKUs whose price differs by zone."""


class Product(NamedTuple):
    """One sellable variant of a product line."""

    sku: str
    name: str
    brand: str
    shelf: Shelf
    list_minor: int


def build_files() -> dict[str, bytes]:
    """Return the content of every sample file by its name."""
    products = _products()
    tables = (
        _locations(),
        _product_rows(products),
        _prices(products),
        _stock(products),
        _associates(),
        _customers(),
    )
    return {name: _csv(table) for name, table in zip(SAMPLE_FILES, tables, strict=True)}


def write_files(folder: Path) -> None:
    """Write every sample file into `folder`, over those that are there."""
    for name, content in build_files().items():
        (folder / name).write_bytes(content)


def check_digit(digits: str) -> int:
    """Return the GS1 check digit for a GTIN without one: weights 3 and 1 from the right."""
    weighted = (int(digit) * (3, 1)[index % 2] for index, digit in enumerate(reversed(digits)))
    return -sum(weighted) % 10


def _csv(rows: Iterable[Row]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _locations() -> list[Row]:
    header = (
        "location_id,name,kind,latitude,longitude,timezone,region,price_zone,address_line,"
        "city,state,postal_code,pickup_enabled,spots,hours,closures"
    )
    return [header.split(","), *(_location(place) for place in network.PLACES)]


def _location(place: network.Place) -> Row:
    is_store = place in network.STORES
    return (
        place.location_id,
        place.name,
        "store" if is_store else "dc",
        place.latitude,
        place.longitude,
        place.timezone,
        place.region,
        place.price_zone,
        place.address_line,
        place.city,
        place.state,
        place.postal_codes.split("|")[0],
        "true" if is_store else "false",
        _spots(place),
        _hours(place),
        _closures(place),
    )


def _spots(place: network.Place) -> str:
    numbers = range(1, network.SPOTS_PER_ROW + 1)
    return "|".join(f"{row}{number}" for row in place.spot_rows for number in numbers)


def _hours(place: network.Place) -> str:
    weekday, saturday, sunday = network.HOURS[place.hours]
    days = {**dict.fromkeys(_WEEKDAYS, weekday), "sat": saturday, "sun": sunday}
    return ";".join(f"{day}={span}" for day, span in days.items() if span)


def _closures(place: network.Place) -> str:
    extra = network.EXTRA_CLOSURES.get(place.location_id, ())
    return "|".join(sorted({*network.HOLIDAYS.split("|"), *extra}))


def _products() -> list[Product]:
    variants = [
        (line, label, percent) for line in product_lines() for label, percent in line.variants
    ]
    return [
        _product(f"HS-{number}", line, label, percent)
        for number, (line, label, percent) in enumerate(variants, start=_FIRST_SKU)
    ]


def _product(sku: str, line: Line, label: str, percent: int) -> Product:
    name = f"{line.brand} {line.thing} {label}".strip()
    return Product(sku, name, line.brand, line.shelf, line.base_minor * (100 + percent) // 100)


def _product_rows(products: list[Product]) -> list[Row]:
    doubled = set(ranked([product.sku for product in products], "second gtin")[:_SECOND_GTINS])
    rows = [_product_row(product, 1 + (product.sku in doubled)) for product in products]
    return [("sku", "gtin", "name", "brand", "category", "shelf_area"), *rows]


def _product_row(product: Product, gtins: int) -> Row:
    joined = "|".join(_gtin(product.sku, pack) for pack in range(1, gtins + 1))
    shelf = product.shelf
    return (product.sku, joined, product.name, product.brand, shelf.category, shelf.shelf_area)


def _gtin(sku: str, pack: int) -> str:
    digits = f"{_GTIN_PREFIX}{sku.removeprefix('HS-')}{pack:03d}"
    return f"{digits}{check_digit(digits)}"


def _prices(products: list[Product]) -> list[Row]:
    rows = [
        (zone, product.sku, _price_minor(product, zone), "USD")
        for zone in network.ZONES
        for product in products
    ]
    return [("zone", "sku", "amount_minor", "currency"), *rows]


def _price_minor(product: Product, zone: str) -> int:
    zoned = draw(100, "zoned", product.sku) < _ZONED_PERCENT
    percent = _ZONE_PERCENT[zone] if zoned else 100
    half_dollars = (product.list_minor * percent + 2500) // 5000
    return half_dollars * 50 - 1


def _stock(products: list[Product]) -> list[Row]:
    rows = [row for place in network.PLACES for row in _location_stock(place, products)]
    return [("location_id", "sku", "on_hand", "aisle"), *rows]


def _location_stock(place: network.Place, products: list[Product]) -> list[Row]:
    location_id = place.location_id
    if place not in network.STORES:
        return [
            (location_id, product.sku, between(*_DC_ON_HAND, "on_hand", product.sku), "")
            for product in products
        ]
    size = between(*_STORE_SKUS, "assortment", location_id)
    carried = set(ranked([product.sku for product in products], "carried", location_id)[:size])
    return [
        (location_id, product.sku, _on_hand(location_id, product.sku), _aisle(place, product))
        for product in products
        if product.sku in carried
    ]


def _on_hand(location_id: str, sku: str) -> int:
    """Return a store's quantity: squaring an even draw makes few and none common, many rare."""
    even = draw(1000, "on_hand", location_id, sku)
    return (_STORE_ON_HAND_MAX + 1) * even * even // 1_000_000


def _aisle(place: network.Place, product: Product) -> str:
    """Return aisle-bay-level; aisles keep their order but start elsewhere in each store."""
    start = draw(_AISLES, "floor plan", place.location_id)
    aisle = (product.shelf.aisle + start) % _AISLES + 1
    bay = _BAYS[draw(len(_BAYS), "bay", place.location_id, product.sku)]
    return f"{aisle:02d}-{bay}-{between(*_LEVELS, 'level', place.location_id, product.sku)}"


def _associates() -> list[Row]:
    posts = [(place.location_id, role) for place in network.STORES for role in _team(place)]
    everyone = [f"{name} {initial}." for name in people.GIVEN_NAMES for initial in people.INITIALS]
    names = ranked(everyone, "associates")
    rows = [
        (f"A{number}", location_id, name, role, between(100_000, 999_999, "pin", number))
        for number, ((location_id, role), name) in enumerate(
            zip(posts, names, strict=False), start=101
        )
    ]
    return [("associate_id", "location_id", "name", "role", "pin"), *rows]


def _team(place: network.Place) -> list[str]:
    """Return the roles at a store, more where the hold shelf is longer; the largest audit too."""
    size = min(2 + len(place.spot_rows), _TEAM_MAX)
    roles = ["manager", "lead", *(["auditor"] if size == _TEAM_MAX else [])]
    return roles + ["associate"] * (size - len(roles))


def _customers() -> list[Row]:
    everyone = [
        f"{given} {family}" for given in people.GIVEN_NAMES for family in people.FAMILY_NAMES
    ]
    names = ranked(everyone, "customers")[:_CUSTOMERS]
    header = ("customer_id", "name", "email", "phone", "latitude", "longitude", "postal_code")
    return [header, *(_customer(index, name) for index, name in enumerate(names))]


def _customer(index: int, name: str) -> Row:
    """Return a customer who lives near a store; phones are in the range kept for fiction."""
    place = network.STORES[index % len(network.STORES)]
    customer_id = f"C{1001 + index}"
    sideways = network.SHORES.get(place.location_id, network.INLAND)
    postal_codes = place.postal_codes.split("|")
    return (
        customer_id,
        name,
        f"{name.lower().replace(' ', '.')}@example.com",
        f"+1 {place.area_code}-555-01{index % 100:02d}",
        _moved(place.latitude, between(*network.INLAND, "latitude", customer_id)),
        _moved(place.longitude, between(*sideways, "longitude", customer_id)),
        postal_codes[draw(len(postal_codes), "postal code", customer_id)],
    )


def _moved(degrees: str, ten_thousandths: int) -> str:
    return f"{float(degrees) + ten_thousandths / 10_000:.4f}"


if __name__ == "__main__":
    write_files(Path(__file__).parent)
