"""Orders as central records them: quantities per line, status derived."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sync.domain.fulfillment import FulfillmentOrder


class OrderStatus(StrEnum):
    """Where an order stands, derived from its lines."""

    OPEN = "open"
    IN_FULFILLMENT = "in_fulfillment"
    READY = "ready"
    PARTIALLY_FULFILLED = "partially_fulfilled"
    FULFILLED = "fulfilled"
    UNFILLABLE = "unfillable"
    CANCELLED = "cancelled"


class Channel(StrEnum):
    """Where an order came from."""

    WEB = "web"
    CALL_CENTER = "call_center"
    STORE = "store"
    MARKETPLACE = "marketplace"
    AGENT = "agent"


class PaymentPlace(StrEnum):
    """Where the customer pays."""

    ONLINE = "online"
    IN_STORE = "in_store"


@dataclass(frozen=True, slots=True)
class OrderProgress:
    """Units of an order, summed over its lines and fulfillment orders."""

    ordered: int
    in_hand: int
    """Units that wait for the customer, picked."""
    fulfilled: int
    cancelled: int
    """Given up for good: cancelled, refused by the customer, or expired."""
    unsourced: int
    """Units for which no location was found."""

    @property
    def pending(self) -> int:
        """Units that the customer still expects."""
        return self.ordered - self.fulfilled - self.cancelled

    @property
    def status(self) -> OrderStatus:
        """The status that follows from these quantities, also where two stores handed over."""
        if self.pending <= 0:
            return OrderStatus.FULFILLED if self.fulfilled else OrderStatus.CANCELLED
        if self.fulfilled:
            return OrderStatus.PARTIALLY_FULFILLED
        if self.unsourced == self.pending:
            return OrderStatus.UNFILLABLE
        if self.in_hand == self.pending:
            return OrderStatus.READY
        return OrderStatus.IN_FULFILLMENT if self.in_hand else OrderStatus.OPEN


def progress_of(
    ordered: int, unsourced: int, dropped: int, fulfillments: Sequence[FulfillmentOrder]
) -> OrderProgress:
    """Return the progress of an order of `ordered` units.

    `unsourced` counts open units that no fulfillment order carries now,
    `dropped` those that were cancelled while nobody carried them. Units that a
    store gave up (`short`) belong to another fulfillment order or are
    unsourced, so they are not counted here.
    """
    in_hand = fulfilled = given_up = 0
    for order in fulfillments:
        for line in order.lines:
            in_hand += line.deliverable
            fulfilled += line.fulfilled
            given_up += line.cancelled + line.refused + line.expired
    return OrderProgress(ordered, in_hand, fulfilled, given_up + dropped, unsourced)
