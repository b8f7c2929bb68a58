"""Bodies of the public API. Times are RFC 3339 UTC, money is minor units and a currency."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from central_server.api.availability_schemas import DeliveryView
from sync.domain.card_numbers import has_card_number

LINES_MAX = 100
QUANTITY_MAX = 1000
FREE_TEXTS = frozenset(
    {"name", "email", "phone", "proxy_name", "reason", "note", "assignee", "parking", "vehicle"}
)
"""Fields that people type: a card's number in one of them is refused, and told nowhere."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # Unicode's category Cc

Moment = Annotated[
    AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))
]
"""An instant that calendars can reckon from: what is months later exists too."""
Day = Annotated[date, Field(ge=date(1970, 1, 1), lt=date(2200, 1, 1))]
"""A day that calendars can reckon from."""
Identifier = Annotated[str, Field(min_length=1, max_length=64)]


class Body(BaseModel):
    """Base of what clients send: a field that is not known is an error, not a typo kept silent."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @field_validator("*")
    @classmethod
    def _is_printable(cls, value: object, info: ValidationInfo) -> object:
        """Refuse what would move a terminal's cursor, break a message, or not be stored."""
        if any(_CONTROL.search(text) for text in _texts_in(value)):
            raise ValueError("no control characters")
        if info.field_name in FREE_TEXTS and isinstance(value, str) and has_card_number(value):
            raise ValueError("no card numbers")
        return value


def _texts_in(value: object) -> Iterator[str]:
    """Yield the texts of a field, of lists and of names within it; bodies in it check theirs."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts_in(key)
            yield from _texts_in(one)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _texts_in(one)


class EnrolmentCodeBody(Body):
    """For which location a device may be enrolled."""

    location_id: Identifier
    replace: bool = False
    """Whether the location's present device is retired by it."""


class MoneyView(BaseModel):
    """An amount in minor units."""

    amount_minor: int
    currency: str


class OrderLineView(BaseModel):
    """One line with its quantities (units)."""

    line: int
    sku: str
    name: str
    ordered: int
    fulfilled: int
    cancelled: int
    unsourced: int
    unit_price: MoneyView


class FulfillmentLineView(BaseModel):
    """How far one line has come at one location (units)."""

    line: int
    sku: str
    allocated: int
    picked: int
    short: int
    cancelled: int
    refused: int
    expired: int
    fulfilled: int
    put_back: int


class BoxView(BaseModel):
    """One parcel."""

    box: int
    weight_grams: int
    carrier: str
    service: str
    tracking: str
    manifest: str
    shipped_at: str | None


class ShipmentView(BaseModel):
    """Where parcels go and what has become of them."""

    method: str
    carrier: str
    service: str
    to: list[str]
    """The address as the lines of a label."""
    boxes: list[BoxView]


class TenderView(BaseModel):
    """One payment of a reservation."""

    number: int
    means: str
    state: str
    amount_minor: int


class PaymentView(BaseModel):
    """How a reservation is paid. Amounts in minor units of the order's currency."""

    due_minor: int
    paid_minor: int
    waits: bool
    """Whether it is on the waiting list."""
    tenders: list[TenderView]


class ArrivalView(BaseModel):
    """Where a customer waits outside, and since when."""

    parking: str
    vehicle: str
    since: str


class FulfillmentView(BaseModel):
    """The part of an order that one location does."""

    id: str
    location_id: str
    flow: str
    status: str
    promised_by: str
    expires_at: str | None
    ready_at: str | None
    staging_spot: str
    lines: list[FulfillmentLineView]
    shipment: ShipmentView | None
    """Of parcels; null for what a customer fetches."""
    payment: PaymentView | None = None
    """Of a reservation; nothing where the order is paid online."""
    arrival: ArrivalView | None = None
    """Of an order that is brought out to the car, while its customer waits there."""
    delivery: DeliveryView | None = None
    """Of parcels: when they are delivered, as their customer was told."""


class TimelineEntry(BaseModel):
    """Something that happened, with who did it where."""

    at: str
    kind: str
    source: str
    """`central` or the location that reported it."""
    by: str
    approved_by: str = ""
    """Who approved it at the store with their PIN, where somebody had to."""
    approved_why: str = ""
    """For which reason."""
    fulfillment_id: str
    text: str
    verdict: str
    """Central's answer, for what a store did; empty for what central did."""
    received_at: str


class CustomerView(BaseModel):
    """Who gets the goods."""

    name: str
    email: str
    phone: str


class HoldView(BaseModel):
    """Why an order waits, or waited."""

    kind: str
    text: str
    opened_at: str
    until: str | None
    """When it ends by itself; null: when a person clears it, or of an offer that has not begun."""
    closed_at: str | None
    closed_by: str
    note: str


class OrderView(BaseModel):
    """An order as central records it."""

    id: str
    number: str
    status: str
    channel: str
    external_ref: str
    location_id: str
    customer: CustomerView
    customer_name: str
    proxy_name: str
    placed_at: str
    total: MoneyView
    lines: list[OrderLineView]
    fulfillments: list[FulfillmentView]
    need_by: str | None = None
    """The last day (YYYY-MM-DD) on which it is of use to its customer; null: any day."""
    promised_by: str | None = None
    """Of one that waits for goods or for its release date: when it is ready, or delivered."""
    holds: list[HoldView] = []
    """Why it is not released to a location yet, and what held it before."""


class OrderWithTimeline(OrderView):
    """An order and everything that happened to it, oldest first."""

    timeline: list[TimelineEntry]
    routing: list[dict[str, object]] = []
    """How its locations were chosen: one decision an entry, with every candidate."""


class OrderSummary(BaseModel):
    """One hit of an order search."""

    id: str
    number: str
    status: str
    location_id: str
    customer_name: str
    channel: str
    external_ref: str
    placed_at: str
    total: MoneyView


class OrderPage(BaseModel):
    """Hits, newest first, and the cursor of the next page."""

    orders: list[OrderSummary]
    next: str | None


class OpenWork(BaseModel):
    """Fulfillment orders that a store has not finished, by status."""

    total: int
    by_status: dict[str, int]


class StoreView(BaseModel):
    """A location and how central hears from it."""

    id: str
    name: str
    kind: str
    timezone: str
    latitude: float
    longitude: float
    pickup_enabled: bool
    price_zone: str
    enrolled: bool
    last_contact: str | None
    seconds_since_contact: float | None
    backlog: int
    app_version: str
    clock_offset_ms: int | None
    open_work: OpenWork


class StorePage(BaseModel):
    """Stores by id, and the cursor of the next page."""

    stores: list[StoreView]
    next: str | None


class EnrolmentCodeView(BaseModel):
    """A one-time code. It is shown this once."""

    code: str
    location_id: str
    expires_at: str


class ProblemView(BaseModel):
    """RFC 9457 problem details. `code` is stable; `type` is a URN that ends in it."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    trace_id: str
    errors: list[dict[str, str]] | None = None
