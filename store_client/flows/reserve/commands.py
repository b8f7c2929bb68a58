"""What an associate can do with a reservation beside what all flows share, and paying.

Each returns the order after it, durably recorded, or raises an
`OperationRefused` in words. How it is paid is in `store_client.services.tendering`.
"""

from typing import NamedTuple

from store_client.services.desk import Desk, Refusal
from store_client.services.due import calendar_of
from store_client.services.holds import not_wanted, release
from store_client.services.shelf import (
    Scanned,
    accept,
    customer_refuses,
    is_spot,
    load,
    pick_by_hand,
    pick_by_scan,
    put_back,
    put_back_all,
    put_back_by_scan,
    quantity,
    reject,
    scan_item,
    short,
    stage,
    unpick,
    unstage,
)
from store_client.services.words import day_time
from sync.domain import operations as op
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.hold_shelf import TO_PICK
from sync.domain.opening import open_between_ms, open_until_ms
from sync.domain.paying import reservation_of
from sync.domain.reservations import HOUR_MS

__all__ = [
    "Scanned",
    "accept",
    "customer_refuses",
    "extend",
    "extend_by",
    "is_spot",
    "load",
    "mark_ready",
    "may_be_moved",
    "may_be_paid",
    "not_wanted",
    "pick_by_hand",
    "pick_by_scan",
    "put_back",
    "put_back_all",
    "put_back_by_scan",
    "quantity",
    "reject",
    "release",
    "scan_item",
    "short",
    "stage",
    "unpick",
    "unstage",
]
HOURS_MAX = 24 * 28


def mark_ready(desk: Desk, fulfillment_id: str) -> FulfillmentOrder:
    """Tell the customer to come. What the store was late for is added to the hold, once.

    Both in opening time: whoever waited for ten minutes of it gets as much, and no night.
    """
    order = load(desk, fulfillment_id)
    now_ms = desk.store.central_now_ms()
    was_ready = any(one.kind == "marked_ready" for one in desk.store.fates_of(fulfillment_id))
    hours = calendar_of(desk.store.store_row())
    late_ms = 0 if was_ready else open_between_ms(hours, order.promised_by_ms, now_ms)
    until_ms = order.expires_at_ms or now_ms
    if late_ms > 0:
        until_ms = open_until_ms(hours, until_ms, late_ms)
    return desk.perform(op.MarkedReady(fulfillment_id, now_ms, until_ms))


def extend(desk: Desk, fulfillment_id: str, hours: int) -> FulfillmentOrder:
    """Ask central to hold it longer. A request; the store's own policy is its limit already."""
    order = load(desk, fulfillment_id)
    if order.expires_at_ms is None:
        raise Refusal("Nothing is held yet.", "See the next step at the top.")
    latest_ms = reservation_of(order).extend_until_ms
    until_ms = min(order.expires_at_ms + hours * HOUR_MS, latest_ms)
    if until_ms <= order.expires_at_ms:
        raise Refusal(
            "It is held as long as it may be already.",
            "Sell it, or reserve it anew when it is over.",
        )
    return desk.perform(op.ExtensionRequested(fulfillment_id, until_ms))


class Extended(NamedTuple):
    """The order after asking for more time, and until when it was asked, in words."""

    order: FulfillmentOrder
    until: str


def extend_by(desk: Desk, fulfillment_id: str, text: str) -> Extended:
    """Ask for as many more hours as `text` says; no longer than the store may hold it at all."""
    order = extend(desk, fulfillment_id, quantity(text, most=HOURS_MAX))
    store, now_ms = desk.store.store_row(), desk.store.central_now_ms()
    return Extended(order, day_time(store, order.expires_at_ms or now_ms, now_ms))


def may_be_moved(order: FulfillmentOrder) -> bool:
    """Return whether its goods can be put at a spot: all of them are set aside."""
    return order.total("held") > 0 and status_of(order) not in TO_PICK


def may_be_paid(order: FulfillmentOrder) -> bool:
    """Return whether anything of it can be paid, or money be given back, now."""
    return order.total("deliverable") > 0 or order.is_unsettled
