"""What use cases may tell customers, in the words of the flows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from central_server.records import Location, Order
from sync.domain.flows import ship
from sync.domain.fulfillment import FulfillmentOrder

RECEIVED = "order_received"
MOVED = "order_moved"
CANCELLED = "order_cancelled"
PARCELS_CANCELLED = "parcels_cancelled"
RESERVATION_CANCELLED = "reservation_cancelled"
PARTLY_CANCELLED = "order_partly_cancelled"
DELAYED = "order_delayed"
TELLS_CODE = frozenset({RECEIVED, MOVED})
"""Kinds of messages that tell a pickup code: one each for a fulfillment order."""
TELLS_END = (CANCELLED, PARCELS_CANCELLED, RESERVATION_CANCELLED)
"""Kinds of messages that say that an order is cancelled: one of each for an order."""
HOLD_EXPIRED = "hold_expired"
RESERVATION_EXPIRED = "reservation_expired"
TELLS_OVER = (HOLD_EXPIRED, RESERVATION_EXPIRED)
"""Kinds of messages that say that goods are no longer held."""


def expiry_source(fulfillment_id: str) -> str:
    """Return what a hold's end follows from where central itself ended it: its time was over."""
    return f"expire:{fulfillment_id}"


class Notice(Protocol):
    """A message before it has an address."""

    @property
    def kind(self) -> str:
        """What it is about, for keys and figures."""
        ...

    @property
    def subject(self) -> str:
        """Its subject line."""
        ...

    @property
    def text(self) -> str:
        """Its plain text."""
        ...

    @property
    def qr(self) -> str:
        """What a QR code beside the text says, or nothing."""
        ...


NOTHING_CHARGED = "Nothing is charged."
"""Said of the money of an order that was cancelled, where none of it was paid in a store."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message before it has an address (implements `Notice`)."""

    kind: str
    subject: str
    text: str
    qr: str = ""


def partly_cancelled(
    number: str, name: str, gone: Iterable[str], left: Iterable[str], amount: str
) -> Letter:
    """Some units of an order were cancelled; the others still come. In every flow the same."""
    text = (
        f"Hello {name or 'customer'},\n\n"
        f"of order {number} this is cancelled:\n\n{_list(gone)}\n\n"
        f"{amount} for it are not charged, or given back. Still yours:\n\n{_list(left)}\n"
    )
    return Letter(PARTLY_CANCELLED, f"Order {number}: a part of it is cancelled", text)


def delayed(number: str, name: str, when: str) -> Letter:
    """The goods that an order waits for come later than was said. In every flow the same."""
    text = (
        f"Hello {name or 'customer'},\n\n"
        f"the goods of order {number} come later than we told you. We now expect you to have them"
        f" by {when}, and write again when they are ready.\n\n"
        "If that is too late for you, tell us, and the order is cancelled.\n"
    )
    return Letter(DELAYED, f"Order {number}: later, by {when}", text)


def _list(entries: Iterable[str]) -> str:
    return "\n".join(f"  {entry}" for entry in entries)


def local_time(at_ms: int, timezone: str) -> str:
    """Return an instant as people there write it, such as `Mon 2 Mar, 17:30`."""
    return _local_minute(at_ms // 60_000, timezone)


@lru_cache(maxsize=1024)
def _local_minute(minute: int, timezone: str) -> str:
    moment = datetime.fromtimestamp(minute * 60, ZoneInfo(timezone))
    return f"{moment:%a} {moment.day} {moment:%b, %H:%M}"


def last_day(by_ms: int, timezone: str) -> str:
    """Return the last day before an instant as people there write it, such as `Mon 2 Mar`.

    A day ends as the next one begins: what comes on a Friday is promised by that midnight.
    """
    moment = datetime.fromtimestamp((by_ms - 1) // 1000, ZoneInfo(timezone))
    return f"{moment:%a} {moment.day} {moment:%b}"


class Notices(Protocol):
    """Messages that follow from central's own use cases."""

    def received(self, order: FulfillmentOrder, location: Location, code: str) -> Notice:
        """The order was taken; `code` picks it up."""
        ...

    def backordered(
        self, order: Order, location: Location, by_ms: int, release_ms: int | None = None
    ) -> Notice:
        """The order waits for goods, or until they may be sold; it is promised by then.

        `location` is where it is fetched; of a parcel, by whose days it is promised.
        """
        ...

    def cancelled(self, number: str, name: str, money: str = NOTHING_CHARGED) -> Notice:
        """The order was cancelled."""
        ...


class NoticesByFlow:
    """Finds the words of the flow that something is about."""

    def __init__(self, by_flow: Mapping[str, Notices], otherwise: Notices) -> None:
        self._by_flow = by_flow
        self._otherwise = otherwise

    def received(self, order: FulfillmentOrder, location: Location, code: str) -> Notice:
        """The order was taken."""
        return self._by_flow.get(order.flow, self._otherwise).received(order, location, code)

    def backordered(
        self, order: Order, location: Location, by_ms: int, release_ms: int | None = None
    ) -> Notice:
        """The order waits: one that is sent in its own words, any other is fetched."""
        words = self.of(ship.NAME) if order.ship_to else self._otherwise
        return words.backordered(order, location, by_ms, release_ms)

    def cancelled(self, number: str, name: str, money: str = NOTHING_CHARGED) -> Notice:
        """The order was cancelled: the same in every flow."""
        return self._otherwise.cancelled(number, name, money)

    def of(self, flow: str) -> Notices:
        """Return what customers of `flow` are told."""
        return self._by_flow.get(flow, self._otherwise)
