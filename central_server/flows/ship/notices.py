"""What customers are told whose orders are sent: plain text, nothing fetched from anywhere."""

from central_server.records import Location, Order
from central_server.services.notice import (
    NOTHING_CHARGED,
    PARCELS_CANCELLED,
    Letter,
    last_day,
    local_time,
)
from sync.domain.flows.ship import shipment_of
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.money import amount_words
from sync.domain.paying import due_of

RECEIVED = "parcels_received"
SHIPPED = "parcel_shipped"
LATER = "parcels_later"
UNSOURCED = "parcels_unsourced"
BACKORDERED = "parcel_backordered"
PAY_THERE = "parcel_to_be_paid"
NOT_PAID = "parcels_not_paid"


def received(number: str, name: str, when: str) -> Letter:
    """The order was taken."""
    text = (
        f"Hello {name},\n\n"
        f"thank you for your order {number}. We pack it and give it to the carrier by {when}, "
        "and write again with the number to follow it by.\n"
    )
    return Letter(RECEIVED, f"Order {number}: we have it", text)


def shipped(order: FulfillmentOrder, carriers: dict[str, str]) -> Letter:
    """What left, with the numbers to follow it by."""
    boxes = [box for box in shipment_of(order).boxes if not box.is_here]
    tracked = "\n".join(
        f"  {carriers.get(box.carrier, box.carrier)}: {box.tracking}" for box in boxes
    )
    rest = order.total("open")
    more = "\nThe rest follows in another parcel.\n" if rest else ""
    text = (
        f"Hello {order.customer_name or 'customer'},\n\n"
        f"order {order.order_number} is on its way to you:\n\n{tracked}\n{more}"
    )
    return Letter(SHIPPED, f"Order {order.order_number} is on its way", text)


def later(number: str, name: str, when: str) -> Letter:
    """A part comes from elsewhere, and later than was said."""
    text = (
        f"Hello {name},\n\n"
        f"a part of order {number} comes from another place and leaves by {when}. "
        "It may arrive in a parcel of its own.\n"
    )
    return Letter(LATER, f"Order {number}: a part comes later", text)


def unsourced(number: str, name: str) -> Letter:
    """Nobody sends what is missing, whether they have it or not; people look into it."""
    text = (
        f"Hello {name},\n\n"
        f"we cannot send a part of order {number} at the moment. "
        "We look into it and write to you within a few hours.\n"
    )
    return Letter(UNSOURCED, f"Order {number}: a part of it is missing", text)


def _to_be_paid(place: str, minor: int, currency: str, until: str) -> str:
    return (
        f"{place} sends it as soon as it is paid there: {amount_words(minor, currency)}, at"
        f" the counter or on the telephone, until {until}.\n"
    )


def pay_there(order: FulfillmentOrder, place: str, minor: int, until: str) -> Letter:
    """Another store sends a part, and takes the payment for it."""
    text = (
        f"Hello {order.customer_name or 'customer'},\n\n"
        f"a part of order {order.order_number} comes from another store.\n"
        f"{_to_be_paid(place, minor, order.currency, until)}"
    )
    return Letter(PAY_THERE, f"Order {order.order_number}: to be paid at {place}", text)


def not_paid(number: str, name: str) -> Letter:
    """Nobody paid in time: it is not sent."""
    text = (
        f"Hello {name},\n\n"
        f"nobody has paid in time for what is left of order {number}, so that is not sent, and"
        " nothing is charged for it.\n"
    )
    return Letter(NOT_PAID, f"Order {number} is not sent", text)


class ShipNotices:
    """What central's own use cases tell these customers (implements `services.notice.Notices`)."""

    def received(self, order: FulfillmentOrder, location: Location, code: str) -> Letter:
        """The order was taken; there is no code to show anywhere."""
        del code
        when = local_time(order.promised_by_ms, location.timezone)
        if order.reserve is not None:
            until = local_time(order.expires_at_ms or 0, location.timezone)
            due = _to_be_paid(location.name, due_of(order), order.currency, until)
            text = (
                f"Hello {order.customer_name or 'customer'},\n\n"
                f"thank you for your order {order.order_number}.\n{due}"
                "What comes from other stores they ask for themselves, each its part.\n"
            )
            return Letter(RECEIVED, f"Order {order.order_number}: to be paid", text)
        return received(order.order_number, order.customer_name or "customer", when)

    def backordered(
        self, order: Order, location: Location, by_ms: int, release_ms: int | None = None
    ) -> Letter:
        """The order waits for goods, or until they may be sold."""
        when = last_day(max(by_ms, (release_ms or 0) + 1), location.timezone)
        why = "The goods are on their way to us"
        if release_ms is not None:
            why = f"It may not be sold before {local_time(release_ms, location.timezone)}"
        text = (
            f"Hello {order.customer_name or 'customer'},\n\n"
            f"thank you for your order {order.number}. {why}; we expect to deliver it by {when},"
            " and write again when we pack it.\n"
        )
        return Letter(BACKORDERED, f"Order {order.number}: for {when}", text)

    def cancelled(self, number: str, name: str, money: str = NOTHING_CHARGED) -> Letter:
        """The order was cancelled."""
        text = f"Hello {name},\n\norder {number} is cancelled. {money}\n"
        return Letter(PARCELS_CANCELLED, f"Order {number} is cancelled", text)
