"""What a row must be, kind by kind: the one place where an imported row is validated.

Each record has the fields that a mapping may name, the key by which two rows of
a file are the same thing, and becomes the value that central's services take.
"""

import datetime as dt
import re
from abc import abstractmethod
from typing import Annotated, ClassVar, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from central_server.importing.transforms import gtin14
from sync.domain.people import Role

Identifier = Annotated[str, Field(min_length=1, max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=400)]
Units = Annotated[int, Field(ge=0, le=10**9)]
Moment = Annotated[int, Field(ge=0, lt=7_258_118_400_000)]
"""An instant (ms UTC) that calendars can reckon from: of 1970 or later, before 2200."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")  # Unicode's category Cc
UNITS_OF_A_LINE_MAX = 1000
NOWHERE = (0.0, 0.0)
"""Latitude and longitude that mean that somebody left them empty."""


def _printable(value: object) -> object:
    if isinstance(value, str):
        return _CONTROL.sub(" ", value)
    return tuple(map(_printable, value)) if isinstance(value, tuple | list) else value


class Record(BaseModel):
    """Base of all records. Text from a file becomes numbers where it is one, nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    implied: ClassVar[dict[str, str]] = {}
    """Transforms of fields that are taken from the column of their own name."""

    @model_validator(mode="before")
    @classmethod
    def _in_one_line(cls, values: object) -> object:
        """Make blanks of control characters: a line break in a cell would move terminals' cursors.

        The API's door refuses them; a file's name with a line break in it is a good name.
        """
        if not isinstance(values, dict):
            return values
        return {name: _printable(value) for name, value in values.items()}

    @property
    @abstractmethod
    def key(self) -> tuple[object, ...]:
        """What the row is about: a second row with the same key is a duplicate."""


class ProductRecord(Record):
    """A sellable thing."""

    implied: ClassVar[dict[str, str]] = {
        "gtin": "split:|",
        "gtins": "split:|",
        "release_at": "datetime",
    }

    sku: Identifier
    name: Name
    brand: Text = ""
    category: Text = ""
    gtin: tuple[str, ...] = ()
    """Barcodes; a file may name its column either way, or have one of each."""
    gtins: tuple[str, ...] = ()
    weight_grams: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """Of one unit; empty: what was said before stays."""
    style: Annotated[str, Field(max_length=64)] | None = None
    """What it is a size of: products of one style make a run of sizes. Empty: as weights."""

    release_at: Moment | None = None
    """From when on it may be sold (ms UTC): before, orders for it wait. Empty: as weights."""

    @field_validator("weight_grams", "release_at", mode="before")
    @classmethod
    def _weighed(cls, value: object) -> object:
        return None if value == "" else value

    @property
    def key(self) -> tuple[object, ...]:
        """The SKU."""
        return (self.sku,)

    @field_validator("gtin", "gtins", mode="before")
    @classmethod
    def _padded(cls, value: object) -> object:
        values = (value,) if isinstance(value, str) else value
        return tuple(gtin14(one) for one in values) if isinstance(values, tuple | list) else values

    @property
    def barcodes(self) -> tuple[str, ...]:
        """All GTINs, padded, each once."""
        found = (*self.gtin, *self.gtins)
        return tuple(dict.fromkeys(gtin for gtin in found if gtin))


class LocationRecord(Record):
    """A place that holds stock."""

    implied: ClassVar[dict[str, str]] = {
        "hours": "hours",
        "closures": "split:|",
        "spots": "split:|",
        "pickup_enabled": "flag",
    }

    location_id: Identifier
    name: Name
    kind: Annotated[str, Field(pattern="^(store|dc)$")] = "store"
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    timezone: Identifier
    region: Text = ""
    price_zone: Identifier = "DEFAULT"
    address_line: Text = ""
    city: Text = ""
    state: Text = ""
    postal_code: Text = ""
    country: Text = ""
    pickup_enabled: bool = True
    spots: tuple[str, ...] = ()
    hours: tuple[tuple[int, int], ...] = ()
    closures: tuple[str, ...] = ()
    hold_days: Annotated[int, Field(ge=0, le=90)] | None = None
    floor_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    safety_stock: Units | None = None
    """These three: None is central's own setting."""

    @property
    def key(self) -> tuple[object, ...]:
        """The location's id."""
        return (self.location_id,)

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
            raise ValueError("no such time zone") from problem
        return value

    @field_validator("closures")
    @classmethod
    def _dates(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dt.date.fromisoformat(day).isoformat() for day in value)

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if (self.latitude, self.longitude) == NOWHERE:
            raise ValueError("coordinates 0, 0 are nowhere that a store can be")
        return self


class PriceRecord(Record):
    """The price of a SKU in a zone."""

    zone: Identifier
    sku: Identifier
    amount_minor: Annotated[int, Field(ge=0, le=10**12)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"

    @property
    def key(self) -> tuple[object, ...]:
        """Zone and SKU."""
        return (self.zone, self.sku)


class StockRecord(Record):
    """What was counted of a SKU at a location."""

    location_id: Identifier
    sku: Identifier
    on_hand: Annotated[int, Field(ge=-(10**9), le=10**9)]
    safety_stock: Units | None = None
    aisle: Text = ""

    @property
    def key(self) -> tuple[object, ...]:
        """Location and SKU."""
        return (self.location_id, self.sku)


class AssociateRecord(Record):
    """Somebody who may sign in at a store. The PIN is hashed before it is kept."""

    implied: ClassVar[dict[str, str]] = {"active": "flag"}

    associate_id: Identifier
    location_id: Identifier
    name: Name
    role: Role = Role.ASSOCIATE
    pin: Annotated[str, Field(pattern=r"^\d{4,12}$")] | None = None
    pin_hash: Annotated[str, Field(pattern=r"^\$argon2")] | None = None
    active: bool = True

    @property
    def key(self) -> tuple[object, ...]:
        """The associate's id."""
        return (self.associate_id,)

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if (self.pin is None) == (self.pin_hash is None):
            raise ValueError("give a pin or a pin_hash, one of them")
        return self


class OrderLineRecord(Record):
    """One line of an order of the past; lines with the same number are one order."""

    implied: ClassVar[dict[str, str]] = {"placed_at": "datetime"}

    order_number: Identifier
    location_id: Identifier
    sku: Identifier
    quantity: Annotated[int, Field(ge=1, le=UNITS_OF_A_LINE_MAX)]
    placed_at: int | None = None
    """When the customer ordered, ms UTC. A replayed order is placed now."""
    customer_name: Annotated[str, Field(max_length=120)] = "Imported customer"
    customer_email: Annotated[str, Field(max_length=254)] = ""
    customer_phone: Annotated[str, Field(max_length=32)] = ""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    line: Identifier | None = None
    """The source's own name of the line; without it, equal SKUs of an order are one line."""

    @property
    def key(self) -> tuple[object, ...]:
        """Order and line; None where lines may repeat and are added up."""
        return (self.order_number, self.line) if self.line else ()


KINDS: dict[str, type[Record]] = {
    "products": ProductRecord,
    "locations": LocationRecord,
    "prices": PriceRecord,
    "stock": StockRecord,
    "associates": AssociateRecord,
    "orders": OrderLineRecord,
}
"""What can be imported."""
