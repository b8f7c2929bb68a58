"""Retail networks of any size for tests and measurements, made up by counting."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from central_server.bootstrap import Parts
from central_server.records import Location, Price, Product
from central_server.services.catalogue_intake import StockItem, batches
from sync.domain.people import Role
from sync.protocol.rows import AssociateRow

ZONE = "EAST"
PIN = "2468"
SPOTS = tuple(f"{shelf}{place}" for shelf in "ABCD" for place in range(1, 10))
ALWAYS_OPEN = ((0, 1440),) * 7
_KINDS = ("Kettle", "Lamp", "Mug", "Blanket", "Drill", "Notebook", "Speaker", "Jacket", "Vase")
_LOOKS = ("Blue", "Walnut", "Steel", "Linen", "Amber", "Matte", "Oak", "Slate", "Copper", "Ivory")
_BRANDS = ("Arden", "Brightwell", "Castor", "Dunmore", "Ellery", "Fenwick", "Garrick")


@dataclass(frozen=True, slots=True)
class Size:
    """How large a network is."""

    stores: int = 1
    skus: int = 100
    stocked: int = 100
    """SKUs that each store has on its shelves, the first ones."""
    on_hand: int = 1_000


def sku_of(number: int) -> str:
    """Return the name of SKU `number`, counted from 1."""
    return f"SKU-{number:06d}"


def gtin_of(number: int) -> str:
    """Return the GTIN-13 of SKU `number`, padded to 14 digits."""
    body = f"200{number:09d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return f"0{body}{-total % 10}"


def location_of(number: int) -> str:
    """Return the name of location `number`, counted from 1."""
    return f"S{number:03d}"


def product_of(number: int) -> Product:
    """Return product `number`."""
    look = _LOOKS[number % len(_LOOKS)]
    kind = _KINDS[number // len(_LOOKS) % len(_KINDS)]
    brand = _BRANDS[number % len(_BRANDS)]
    return Product(
        sku_of(number), f"{look} {kind} {number}", brand, f"Home/{kind}", (gtin_of(number),)
    )


@cache
def _pin_hash() -> str:
    from argon2 import PasswordHasher

    return PasswordHasher().hash(PIN)


def fill(parts: Parts, size: Size, *, people: bool = True) -> None:
    """Give central a network of this size: locations, people, catalogue, prices, stock."""
    numbers = range(1, size.stores + 1)
    for some in batches(numbers):
        parts.intake.locations([_location(number) for number in some])
    for number in numbers if people else ():
        parts.intake.associates(location_of(number), _people(number))
    for batch in batches(range(1, size.skus + 1)):
        parts.intake.products([product_of(number) for number in batch])
        parts.intake.prices([Price(ZONE, sku_of(n), 500 + n % 9_500, "USD") for n in batch])
    for items in batches(_stock(size)):
        parts.intake.stock(items, "opening")


def _location(number: int) -> Location:
    return Location(
        location_of(number), f"Store {number}", latitude=40.0 + number % 100 * 0.1,
        longitude=-83.0 + number % 100 * 0.1, timezone="UTC", price_zone=ZONE, spots=SPOTS,
        hours=ALWAYS_OPEN,
    )  # fmt: skip


def _people(store: int) -> Sequence[AssociateRow]:
    """Return a store's team; that of the first has the ids that tests name."""
    first = f"A{store}"
    return (
        AssociateRow(f"{first}00", "Robin Alder", Role.LEAD, _pin_hash()),
        AssociateRow(f"{first}01", "Kim Birch", Role.ASSOCIATE, _pin_hash()),
    )


def _stock(size: Size) -> Iterator[StockItem]:
    for store in range(1, size.stores + 1):
        for number in range(1, size.stocked + 1):
            aisle = f"{number % 20 + 1}"
            yield StockItem(location_of(store), sku_of(number), size.on_hand, aisle)
