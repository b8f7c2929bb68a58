"""What customers with a reservation are told: plain text, nothing fetched from anywhere."""

from central_server.records import Location, Order
from central_server.services.fetching_notices import RESERVATION_READY
from central_server.services.notice import (
    NOTHING_CHARGED,
    RESERVATION_CANCELLED,
    RESERVATION_EXPIRED,
    Letter,
    local_time,
)
from sync.domain.fulfillment import FulfillmentOrder


def received(number: str, name: str, store: str, until: str) -> Letter:
    """The goods are held; nothing is paid yet."""
    text = (
        f"Hello {name},\n\n"
        f"{store} holds the goods of reservation {number} for you until {until}. "
        "You pay when you take them, at the price that you saw.\n\n"
        "We write again when they wait at the counter. If you need more time, ask the store.\n"
    )
    return Letter("reservation_received", f"Reservation {number}: it is held for you", text)


def waits(number: str, name: str, store: str) -> Letter:
    """Nothing is there yet; the customer is in the queue."""
    text = (
        f"Hello {name},\n\n"
        f"you are on the waiting list of {store} with reservation {number}. "
        "As soon as the goods are there we hold them for you and write to you.\n"
    )
    return Letter("reservation_waits", f"Reservation {number}: you are on the waiting list", text)


def served(number: str, name: str, store: str, until: str) -> Letter:
    """What the customer waited for has come."""
    text = (
        f"Hello {name},\n\n"
        f"what you waited for has come: {store} holds the goods of reservation {number} for you "
        f"until {until}. You pay when you take them.\n"
    )
    return Letter("reservation_served", f"Reservation {number}: the goods are there", text)


def ready(number: str, name: str, store: str, until: str) -> Letter:
    """The goods wait at the counter."""
    text = (
        f"Hello {name},\n\n"
        f"the goods of reservation {number} wait at the counter of {store} until {until}. "
        "You pay there, in cash, by card, gift card or store credit.\n"
    )
    return Letter(RESERVATION_READY, f"Reservation {number} waits at the counter", text)


def expired(number: str, name: str, store: str) -> Letter:
    """Nobody came in time."""
    text = (
        f"Hello {name},\n\n"
        f"reservation {number} was held at {store} until its end and went back to the shelf. "
        "Nothing is charged.\n"
    )
    return Letter(RESERVATION_EXPIRED, f"Reservation {number} is no longer held", text)


def wait_ended(number: str, name: str, store: str) -> Letter:
    """No stock came in time."""
    text = (
        f"Hello {name},\n\n"
        f"what you waited for at {store} with reservation {number} has not come. "
        "You are on the waiting list no longer; nothing is charged.\n"
    )
    return Letter("reservation_wait_ended", f"Reservation {number}: it has not come", text)


def not_held(number: str, name: str, store: str) -> Letter:
    """The store cannot hold the goods after all."""
    text = (
        f"Hello {name},\n\n"
        f"{store} cannot hold all goods of reservation {number} after all. "
        "We are sorry, and write to you within a few hours what else is possible.\n"
    )
    return Letter("reservation_not_held", f"Reservation {number}: not all of it is there", text)


def cancelled(number: str, name: str, money: str) -> Letter:
    """The reservation was cancelled on the customer's wish."""
    text = f"Hello {name},\n\nreservation {number} is cancelled. {money}\n"
    return Letter(RESERVATION_CANCELLED, f"Reservation {number} is cancelled", text)


class ReserveNotices:
    """What central's own use cases tell these customers (see `services.notice.Notices`)."""

    def received(self, order: FulfillmentOrder, location: Location, code: str) -> Letter:
        """The goods are held, or waited for. There is no code: whoever pays takes them."""
        del code
        if order.waits:
            return waits(order.order_number, order.customer_name, location.name)
        until = local_time(order.expires_at_ms or 0, location.timezone)
        return received(order.order_number, order.customer_name, location.name, until)

    def backordered(
        self, order: Order, location: Location, by_ms: int, release_ms: int | None = None
    ) -> Letter:
        """The goods are on their way to the store, where they are paid."""
        del release_ms  # who waits for a release date without paying is on the store's list
        number, name = order.number, order.customer_name
        when = local_time(by_ms, location.timezone)
        text = (
            f"Hello {name},\n\nthe goods of reservation {number} are on their way to"
            f" {location.name}; expect them by {when}. Nothing is paid before you have them.\n"
        )
        return Letter("reservation_backordered", f"Reservation {number}: for {when}", text)

    def cancelled(self, number: str, name: str, money: str = NOTHING_CHARGED) -> Letter:
        """The reservation was cancelled."""
        return cancelled(number, name, money)
