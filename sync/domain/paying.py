"""What is due where goods are paid in the store, and how a reservation begins.

Functions of an order and its tenders. A parcel may be paid where it leaves, too.
"""

from collections.abc import Iterable

from sync.domain.fulfillment import FulfillmentLine, FulfillmentOrder
from sync.domain.operations import LineQuantity
from sync.domain.reservations import Reservation
from sync.domain.reserve_operations import ReservationMade, ReservedLine, WaitRequested
from sync.domain.tenders import TenderRefused

FLOW = "reserve"


def reservation_of(order: FulfillmentOrder) -> Reservation:
    """Return what an order that is paid in the store has beside its lines."""
    if order.reserve is None:
        raise TenderRefused("This order is paid elsewhere.")
    return order.reserve


def price_of(order: FulfillmentOrder, lines: Iterable[LineQuantity]) -> int:
    """Return the promised price of some units; lines that do not exist cost nothing."""
    prices = {line.line: line.unit_price_minor for line in order.lines}
    return sum(prices.get(one.line, 0) * one.quantity for one in lines)


def open_price(order: FulfillmentOrder) -> int:
    """Return the promised price of everything that the customer still expects."""
    return sum(line.unit_price_minor * line.open for line in order.lines)


def balance_of(order: FulfillmentOrder) -> int:
    """Return what was paid for goods that have not left yet."""
    return reservation_of(order).paid_minor - order.spent_minor


def unpaid(order: FulfillmentOrder) -> int | None:
    """Return what is not paid yet, or not clear, of what is expected; None: not paid in a store."""
    return None if order.reserve is None else max(0, open_price(order) - balance_of(order))


def owed_back(order: FulfillmentOrder) -> int:
    """Return what was paid for goods that the customer does not get here any more."""
    return 0 if order.reserve is None else max(0, balance_of(order) - open_price(order))


def due_of(order: FulfillmentOrder) -> int:
    """Return what may still be tendered: the open price without what is paid or asked for."""
    held = reservation_of(order)
    return open_price(order) - balance_of(order) - held.asked_minor


def next_tender(order: FulfillmentOrder) -> int:
    """Return the number of the next tender."""
    return max((one.number for one in reservation_of(order).tenders), default=0) + 1


def begun(
    operation: ReservationMade | WaitRequested, location_id: str, at_ms: int
) -> FulfillmentOrder:
    """Return the fulfillment order that begins with `operation`, the same at store and central."""
    terms, waits = operation.terms, isinstance(operation, WaitRequested)
    return FulfillmentOrder(
        id=operation.fulfillment_id,
        order_id=operation.fulfillment_id,
        order_number=terms.order_number,
        location_id=location_id,
        flow=FLOW,
        lines=tuple(_line(one, waits=waits) for one in operation.reserved),
        placed_at_ms=at_ms,
        promised_by_ms=at_ms,
        expires_at_ms=terms.hold_until_ms,
        currency=terms.currency,
        customer_name=terms.customer_name,
        customer_hint=terms.phone[-4:],
        reserve=Reservation(
            terms.hold_until_ms,
            terms.extend_until_ms,
            tuple(one.quantity for one in operation.reserved) if waits else (),
            waits,
        ),
    )


def _line(one: ReservedLine, *, waits: bool) -> FulfillmentLine:
    units = 0 if waits else one.quantity
    return FulfillmentLine(one.line, one.sku, one.name, units, one.unit_price_minor)
