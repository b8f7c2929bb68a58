"""What customers with a reservation are told: plain text, nothing fetched from anywhere."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from central_server.records import Location
from sync.domain.fulfillment import FulfillmentOrder


@dataclass(frozen=True, slots=True)
class Notice:
    """A message before it has an address."""

    kind: str
    subject: str
    text: str


def received(number: str, name: str, store: str, until: str) -> Notice:
    """The goods are held; nothing is paid yet."""
    text = (
        f"Hello {name},\n\n"
        f"{store} holds the goods of reservation {number} for you until {until}. "
        "You pay when you take them, at the price that you saw.\n\n"
        "We write again when they wait at the counter. If you need more time, ask the store.\n"
    )
    return Notice("reservation_received", f"Reservation {number}: it is held for you", text)


def waits(number: str, name: str, store: str) -> Notice:
    """Nothing is there yet; the customer is in the queue."""
    text = (
        f"Hello {name},\n\n"
        f"you are on the waiting list of {store} with reservation {number}. "
        "As soon as the goods are there we hold them for you and write to you.\n"
    )
    return Notice("reservation_waits", f"Reservation {number}: you are on the waiting list", text)


def served(number: str, name: str, store: str, until: str) -> Notice:
    """What the customer waited for has come."""
    text = (
        f"Hello {name},\n\n"
        f"what you waited for has come: {store} holds the goods of reservation {number} for you "
        f"until {until}. You pay when you take them.\n"
    )
    return Notice("reservation_served", f"Reservation {number}: the goods are there", text)


def ready(number: str, name: str, store: str, until: str) -> Notice:
    """The goods wait at the counter."""
    text = (
        f"Hello {name},\n\n"
        f"the goods of reservation {number} wait at the counter of {store} until {until}. "
        "You pay there, in cash, by card, gift card or store credit.\n"
    )
    return Notice("reservation_ready", f"Reservation {number} waits at the counter", text)


def expired(number: str, name: str, store: str) -> Notice:
    """Nobody came in time."""
    text = (
        f"Hello {name},\n\n"
        f"reservation {number} was held at {store} until its end and went back to the shelf. "
        "Nothing is charged.\n"
    )
    return Notice("reservation_expired", f"Reservation {number} is no longer held", text)


def wait_ended(number: str, name: str, store: str) -> Notice:
    """No stock came in time."""
    text = (
        f"Hello {name},\n\n"
        f"what you waited for at {store} with reservation {number} has not come. "
        "You are on the waiting list no longer; nothing is charged.\n"
    )
    return Notice("reservation_wait_ended", f"Reservation {number}: it has not come", text)


def not_held(number: str, name: str, store: str) -> Notice:
    """The store cannot hold the goods after all."""
    text = (
        f"Hello {name},\n\n"
        f"{store} cannot hold all goods of reservation {number} after all. "
        "We are sorry, and write to you within a few hours what else is possible.\n"
    )
    return Notice("reservation_not_held", f"Reservation {number}: not all of it is there", text)


def cancelled(number: str, name: str) -> Notice:
    """The reservation was cancelled on the customer's wish."""
    text = f"Hello {name},\n\nreservation {number} is cancelled. Nothing is charged.\n"
    return Notice("reservation_cancelled", f"Reservation {number} is cancelled", text)


def local_time(at_ms: int, timezone: str) -> str:
    """Return an instant as people at the store write it, such as `Mon 2 Mar, 17:30`."""
    moment = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(timezone))
    return f"{moment:%a} {moment.day} {moment:%b, %H:%M}"


class ReserveNotices:
    """What central's own use cases tell these customers (see `services.notice.Notices`)."""

    def received(self, order: FulfillmentOrder, location: Location, code: str) -> Notice:
        """The goods are held, or waited for. There is no code: whoever pays takes them."""
        del code
        if order.waits:
            return waits(order.order_number, order.customer_name, location.name)
        until = local_time(order.expires_at_ms or 0, location.timezone)
        return received(order.order_number, order.customer_name, location.name, until)

    def backordered(self, number: str, name: str, location: Location, by_ms: int) -> Notice:
        """The goods are on their way to the store, where they are paid."""
        when = local_time(by_ms, location.timezone)
        text = (
            f"Hello {name},\n\nthe goods of reservation {number} are on their way to"
            f" {location.name}; expect them by {when}. Nothing is paid before you have them.\n"
        )
        return Notice("reservation_backordered", f"Reservation {number}: for {when}", text)

    def cancelled(self, number: str, name: str) -> Notice:
        """The reservation was cancelled."""
        return cancelled(number, name)
