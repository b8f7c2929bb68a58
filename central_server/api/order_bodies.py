"""Bodies that place, find and change orders."""

from typing import Annotated

from pydantic import Field, model_validator

from central_server.api.schemas import LINES_MAX, QUANTITY_MAX, Body, Day, Identifier
from central_server.services.order_capture import Customer, NewLine, NewOrder
from central_server.services.parcels import SAME_METHOD, Destination
from central_server.web.pagination import CURSOR_LENGTH_MAX, LIMIT_DEFAULT, LIMIT_MAX
from sync.domain.flows.curbside import PLACE_CHARACTERS_MAX, VEHICLE_CHARACTERS_MAX
from sync.domain.orders import Channel, OrderStatus, PaymentPlace
from sync.domain.shipping import Address


class CustomerBody(Body):
    """Who gets the goods and how to reach them."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    email: Annotated[
        str, Field(default="", max_length=254, pattern=r"^$|^[^@\s]+@[^@\s]+\.[^@\s]+$")
    ] = ""
    phone: Annotated[str, Field(max_length=32, pattern=r"^[0-9+()\-. /]*$")] = ""


class OrderLineBody(Body):
    """What and how much. A price, where given, must be the one in force."""

    sku: Identifier
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX, strict=True)]
    unit_price_minor: Annotated[int | None, Field(ge=0, le=10**12, strict=True)] = None


class ShipToBody(Body):
    """Where an order is sent, and how fast. Coordinates, where known, make routing better."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    line1: Annotated[str, Field(min_length=1, max_length=120)]
    line2: Annotated[str, Field(max_length=120)] = ""
    city: Annotated[str, Field(min_length=1, max_length=80)]
    state: Annotated[str, Field(max_length=40)] = ""
    postal_code: Annotated[str, Field(min_length=1, max_length=16)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    method: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")] = "standard"
    latitude: Annotated[float | None, Field(ge=-90, le=90, allow_inf_nan=False)] = None
    longitude: Annotated[float | None, Field(ge=-180, le=180, allow_inf_nan=False)] = None

    def destination(self) -> Destination:
        """Return it as the use case takes it."""
        address = Address(
            self.name, self.line1, self.city, self.postal_code, self.country, self.line2,
            self.state,
        )  # fmt: skip
        return Destination(address, self.method, self.latitude, self.longitude)


class NewAddressBody(ShipToBody):
    """Where an order is sent instead; as fast as before, if no `method` is given."""

    method: Annotated[str, Field(pattern=r"^([a-z_]{1,32})?$")] = SAME_METHOD


class OrderBody(Body):
    """A new order: fetched at `location_id`, or sent to `ship_to`; exactly one of them.

    What is fetched may be paid there, which makes it a reservation; what is sent, where it leaves.
    """

    location_id: Annotated[str, Field(max_length=64)] = ""
    """The store that the customer chose to fetch it from."""
    ship_to: ShipToBody | None = None
    lines: Annotated[tuple[OrderLineBody, ...], Field(min_length=1, max_length=LINES_MAX)]
    customer: CustomerBody
    channel: Channel = Channel.WEB
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    proxy_name: Annotated[str, Field(max_length=120)] = ""
    """Somebody else who may pick it up."""
    external_ref: Annotated[str, Field(max_length=64)] = ""
    """The order's name in the system that sends it."""
    accept_later: bool = False
    """Whether it may wait: for goods that are on their way (back-order; to the store, or to anybody
    who sends it), or until it may be sold (pre-order)."""
    transfer: bool = False
    """Whether what the chosen store lacks is sent there from other locations, and then fetched."""
    payment: PaymentPlace = PaymentPlace.ONLINE
    """`in_store` reserves: the goods are held unpaid, in the chosen store and in no other. What is
    sent is then paid in the stores that send it, each its part, before it leaves."""
    waiting_list: bool = False
    """Whether a reservation that the store cannot hold now waits until it can."""
    curbside: bool = False
    """Whether it is brought out to the customer's car; the store must offer that."""
    need_by: Day | None = None
    """The last day on which it must be there: delivered, or ready to be fetched. What nobody
    makes by then is refused (`not_in_time`)."""
    customer_tier: Annotated[str, Field(max_length=64)] = ""
    """What is said of the customer, for rules of routing: `gold`, say."""

    def value(self) -> NewOrder:
        """Return it as the use case takes it."""
        return NewOrder(
            location_id=self.location_id,
            channel=self.channel,
            currency=self.currency,
            customer=Customer(self.customer.name, self.customer.email, self.customer.phone),
            proxy_name=self.proxy_name,
            external_id=self.external_ref,
            ship_to=self.ship_to.destination() if self.ship_to else None,
            accept_later=self.accept_later,
            transfer=self.transfer,
            payment=self.payment,
            waiting_list=self.waiting_list,
            customer_tier=self.customer_tier,
            curbside=self.curbside,
            need_by=self.need_by.isoformat() if self.need_by else "",
            lines=tuple(
                NewLine(line.sku, line.quantity, line.unit_price_minor) for line in self.lines
            ),
        )

    @model_validator(mode="after")
    def _goes_one_way(self) -> "OrderBody":
        if bool(self.location_id) == (self.ship_to is not None):
            raise ValueError("give either location_id or ship_to")
        if self.transfer and self.ship_to is not None:
            raise ValueError("transfer is for what is fetched")
        if self.curbside and (self.ship_to is not None or self.payment is PaymentPlace.IN_STORE):
            raise ValueError("only what is fetched and paid is brought out")
        if self.need_by and self.payment is PaymentPlace.IN_STORE:
            raise ValueError("what is paid in a store leaves when it is paid: no need_by")
        if self.accept_later and self.payment is PaymentPlace.IN_STORE:
            raise ValueError("a reservation waits on the store's waiting_list")
        return self


class OrderQuery(Body):
    """What a search asks for; all that is given must hold."""

    location: Annotated[str | None, Field(max_length=64)] = None
    """Chosen for pickup, or holding a part of the order."""
    status: OrderStatus | None = None
    channel: Channel | None = None
    email: Annotated[str | None, Field(max_length=254)] = None
    number: Annotated[str | None, Field(max_length=32)] = None
    sku: Annotated[str | None, Field(max_length=64)] = None
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Annotated[str | None, Field(max_length=CURSOR_LENGTH_MAX)] = None


class ArrivedBody(Body):
    """Where a customer waits outside."""

    parking: Annotated[str, Field(min_length=1, max_length=PLACE_CHARACTERS_MAX)]
    """The name of the parking spot, as it stands on its sign."""
    vehicle: Annotated[str, Field(max_length=VEHICLE_CHARACTERS_MAX)] = ""
    """What the car looks like."""


class CancelBody(Body):
    """Why an order is cancelled."""

    reason: Annotated[str, Field(max_length=200)] = ""


class CancelledUnits(Body):
    """How many units of a line are cancelled now."""

    line: Annotated[int, Field(ge=1, le=10_000, strict=True)]
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX, strict=True)]


class CancelUnitsBody(Body):
    """Which units of an order are cancelled, each line once, and why."""

    lines: Annotated[tuple[CancelledUnits, ...], Field(min_length=1, max_length=LINES_MAX)]
    reason: Annotated[str, Field(max_length=200)] = ""

    def units(self) -> dict[int, int]:
        """Return the units by line."""
        return {one.line: one.quantity for one in self.lines}

    @model_validator(mode="after")
    def _names_each_line_once(self) -> "CancelUnitsBody":
        if len({one.line for one in self.lines}) < len(self.lines):
            raise ValueError("name each line once")
        return self
