"""The open orders of a flow: read whole, or only those on which work has begun."""

from collections.abc import Collection, Sequence

from store_client.ports import BoardRow
from store_client.services.board import OPEN_MAX
from store_client.services.desk import Desk
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus

SHOWN_MAX = 100
"""A wave has a few; nobody chooses among thousands."""


def open_orders(desk: Desk, flow: str) -> list[FulfillmentOrder]:
    """Return the store's open orders of a flow, the earliest promise first."""
    rows = desk.store.board(flow, limit=OPEN_MAX)
    found = [desk.store.fulfillment(row.id) for row in rows]
    orders = [order for order in found if order is not None]
    return sorted(orders, key=lambda one: (one.promised_by_ms, one.order_number))


def begun_orders(desk: Desk, flow: str) -> list[FulfillmentOrder]:
    """Return the open orders on which work has begun, the earliest promise first.

    New ones are in no wave and no box, and a store may have hundreds: they are not read.
    """
    orders, _ = for_a_desk(desk, flow, new_max=0)
    return orders


def for_a_desk(
    desk: Desk, flow: str, wanted: Collection[str] = (), new_max: int = SHOWN_MAX
) -> tuple[list[FulfillmentOrder], Sequence[BoardRow]]:
    """Return the open orders of a flow, and the lines of those that are not read whole.

    New ones are in no wave: of them only the `new_max` most urgent and the `wanted` are read.
    """
    rows = sorted(desk.store.board(flow, limit=OPEN_MAX), key=lambda row: row.promised_by_ms)
    new = [row for row in rows if row.status is FulfillmentStatus.NEW and row.id not in wanted]
    unread = new[new_max:]
    skipped = {row.id for row in unread}
    found = [desk.store.fulfillment(row.id) for row in rows if row.id not in skipped]
    orders = [order for order in found if order is not None]
    return sorted(orders, key=lambda one: (one.promised_by_ms, one.order_number)), unread
