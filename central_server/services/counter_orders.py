"""Orders that begin at a store's counter: what central makes of a reservation that it hears of."""

from collections.abc import Mapping

from central_server.records import Location, Order, OrderLine, Price
from sync.domain.errors import DomainError
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.inventory import StockEffect, StockReason
from sync.domain.money import amount_words
from sync.domain.orders import Channel, OrderStatus
from sync.domain.reserve_operations import ReservationMade, WaitRequested

Beginning = ReservationMade | WaitRequested


class AlreadyBegun(DomainError):
    """Another operation has begun an order of this id."""

    code = "already_begun"

    def __init__(self, fulfillment_id: str) -> None:
        self.fulfillment_id = fulfillment_id
        super().__init__(f"central has {fulfillment_id!r} already")


def order_of(operation: Beginning, fulfillment: FulfillmentOrder, location: Location) -> Order:
    """Return the order that a fulfillment order of a counter is part of: all of it."""
    terms = operation.terms
    waits = fulfillment.waits
    return Order(
        id=fulfillment.order_id,
        number=fulfillment.order_number,
        channel=Channel.STORE.value,
        pickup_location_id=location.id,
        currency=terms.currency,
        total_minor=sum(one.quantity * one.unit_price_minor for one in operation.reserved),
        placed_at_ms=fulfillment.placed_at_ms,
        lines=tuple(
            OrderLine(
                one.line, one.sku, one.name, one.quantity, one.unit_price_minor,
                unsourced=one.quantity if waits else 0,
            )
            for one in operation.reserved
        ),
        status=OrderStatus.OPEN.value,
        customer_name=terms.customer_name,
        customer_email=terms.email.lower(),
        customer_phone=terms.phone,
    )  # fmt: skip


def tied_by(fulfillment: FulfillmentOrder) -> tuple[StockEffect, ...]:
    """Return how stock moves when a fulfillment order begins."""
    return tuple(
        StockEffect(line.sku, 0, line.allocated, StockReason.ALLOCATED)
        for line in fulfillment.lines
        if line.allocated
    )


def price_differences(operation: Beginning, prices: Mapping[str, Price]) -> str:
    """Return in words where the promised price is not the one in force; it is kept all the same."""
    currency = operation.terms.currency
    found = [
        f"{one.sku} at {amount_words(one.unit_price_minor, currency)}, the price list says"
        f" {amount_words(known.amount_minor, known.currency)}"
        for one in operation.reserved
        if (known := prices.get(one.sku)) is not None
        and (known.amount_minor, known.currency) != (one.unit_price_minor, currency)
    ]
    return f"Promised by the store: {'; '.join(found)}." if found else ""
