"""What pickup customers are told: plain text, nothing fetched from anywhere."""

from dataclasses import dataclass

from central_server.records import Location, Order
from central_server.services.notice import (
    CANCELLED,
    HOLD_EXPIRED,
    MOVED,
    NOTHING_CHARGED,
    RECEIVED,
    local_time,
)
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.ids import pickup_qr, read_pickup_qr

BACKORDERED = "order_backordered"
PRE_ORDERED = "order_pre_ordered"
READY = "order_ready"
RESERVATION_READY = "reservation_ready"
NOT_READY = "order_not_ready"
REMINDER = "pickup_reminder"
UNSOURCED = "order_unsourced"


@dataclass(frozen=True, slots=True)
class Notice:
    """A message before it has an address."""

    kind: str
    subject: str
    text: str
    qr: str = ""


def received(number: str, name: str, store: str, code: str, when: str) -> Notice:
    """The order was taken; here is the code that picks it up."""
    text = (
        f"Hello {name},\n\n"
        f"thank you for your order {number}. {store} is getting it ready; "
        f"we expect to have it for you by {when} and write again when it is.\n\n"
        f"Your pickup code: {code}\n\n"
        "Show it at the counter. Whoever has it can take the goods, so keep it to yourself.\n"
    )
    return Notice(RECEIVED, f"Order {number}: we have it", text, _qr(number, code))


def backordered(number: str, name: str, store: str, when: str) -> Notice:
    """The order was taken; its goods are on their way."""
    text = (
        f"Hello {name},\n\n"
        f"thank you for your order {number}. The goods are on their way to {store}; "
        f"we expect to have it for you by {when} and write again before that, with your "
        "pickup code.\n"
    )
    return Notice(BACKORDERED, f"Order {number}: for {when}", text)


def pre_ordered(number: str, name: str, store: str, release: str, when: str) -> Notice:
    """The order was taken; it may not be handed over yet."""
    text = (
        f"Hello {name},\n\n"
        f"thank you for your order {number}. It may not be sold before {release}; "
        f"we expect to have it for you at {store} by {when} and write again before that, with "
        "your pickup code.\n"
    )
    return Notice(PRE_ORDERED, f"Order {number}: for {when}", text)


def moved(number: str, name: str, store: str, code: str, when: str) -> Notice:
    """Part of the order, or all of it, now waits at another store, under another code."""
    text = (
        f"Hello {name},\n\n"
        f"the store you chose could not give you everything of order {number}. "
        f"{store} has what was missing and expects it to be ready by {when}.\n\n"
        f"Your pickup code at {store}: {code}\n\n"
        "If that is too far for you, answer this message and we find another way.\n"
    )
    subject = f"Order {number}: pick up at {store}"
    return Notice(MOVED, subject, text, _qr(number, code))


def _qr(number: str, code: str) -> str:
    return pickup_qr(number, code) if code else ""


def code_words(qr: str) -> str:
    """Return what to bring: the code in words where it is known, its picture goes along."""
    code = read_pickup_qr(qr)[1]
    if not code:
        return "Bring the pickup code from our first message, or a document with your name."
    return f"Your pickup code: {code}\n\nShow it or its picture, or a document with your name."


def ready(number: str, name: str, store: str, until: str, qr: str = "") -> Notice:
    """The goods wait at the hold shelf."""
    text = (
        f"Hello {name},\n\n"
        f"order {number} is ready for you at {store}. It waits there until {until}.\n\n"
        f"{code_words(qr)}\n"
    )
    return Notice(READY, f"Order {number} is ready", text, qr)


def not_ready(number: str, name: str, store: str) -> Notice:
    """The customer was told to come too early."""
    text = (
        f"Hello {name},\n\n"
        f"we told you too early that order {number} is ready: {store} is still working on it. "
        "Please do not come yet; we write again when it is ready. We are sorry.\n"
    )
    return Notice(NOT_READY, f"Order {number} is not ready yet", text)


def reminder(number: str, name: str, store: str, until: str) -> Notice:
    """The goods still wait, and not for long any more."""
    text = (
        f"Hello {name},\n\n"
        f"order {number} still waits for you at {store}, until {until}. "
        "If you cannot come by then, answer this message or call the store: "
        "it may wait longer.\n\n"
        "If you have fetched it already, nothing is left to do.\n"
    )
    return Notice(REMINDER, f"Order {number} waits until {until}", text)


def expired(number: str, name: str, store: str) -> Notice:
    """Nobody came in time."""
    text = (
        f"Hello {name},\n\n"
        f"order {number} waited at {store} until its last day and went back to the shelf. "
        "Nothing is charged for what you did not pick up.\n"
    )
    return Notice(HOLD_EXPIRED, f"Order {number} is no longer held", text)


def cancelled(number: str, name: str, money: str) -> Notice:
    """The order was cancelled on the customer's wish."""
    text = f"Hello {name},\n\norder {number} is cancelled. {money}\n"
    return Notice(CANCELLED, f"Order {number} is cancelled", text)


def unsourced(number: str, name: str) -> Notice:
    """No store gives what is missing, whether it has it or not; people look into it."""
    text = (
        f"Hello {name},\n\n"
        f"no store can get a part of order {number} ready for you at the moment. "
        "We look into it and write to you within a few hours.\n"
    )
    return Notice(UNSOURCED, f"Order {number}: a part of it is missing", text)


class PickupNotices:
    """What central's own use cases tell pickup customers (implements `services.notice.Notices`)."""

    def received(self, order: FulfillmentOrder, location: Location, code: str) -> Notice:
        """The order was taken; `code` picks it up."""
        when = local_time(order.promised_by_ms, location.timezone)
        return received(order.order_number, order.customer_name, location.name, code, when)

    def backordered(
        self, order: Order, location: Location, by_ms: int, release_ms: int | None = None
    ) -> Notice:
        """The order waits for goods, or until they may be sold; it is promised by then."""
        about, when = (order.number, order.customer_name), local_time(by_ms, location.timezone)
        if release_ms is None:
            return backordered(*about, location.name, when)
        release = local_time(release_ms, location.timezone)
        return pre_ordered(*about, location.name, release, when)

    def cancelled(self, number: str, name: str, money: str = NOTHING_CHARGED) -> Notice:
        """The order was cancelled."""
        return cancelled(number, name, money)
