"""Ends reservations whose time is over, by this machine alone: it needs no network for it."""

from collections.abc import Iterator

from store_client.ports import BoardRow, Store
from store_client.services.desk import MACHINE
from sync.domain.errors import OperationRefused
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentStatus
from sync.domain.operations import HoldExpired
from sync.domain.paying import FLOW

LOOK_SECONDS = 15.0
PAGE = 500
NOT_HELD = frozenset({FulfillmentStatus.TENDERING, FulfillmentStatus.REFUND_DUE})


def _rows(store: Store) -> Iterator[BoardRow]:
    """Yield the whole board, page by page."""
    offset = 0
    while page := store.board(FLOW, limit=PAGE, offset=offset):
        yield from page
        offset += len(page)


def end_holds(store: Store, device: str) -> int:
    """Release what was not fetched in time; return how many.

    By central's time, and only as long as that stands on what nobody can set: a
    clock that is wrong ends nobody's reservation. Then people release it by hand.
    """
    if not store.knows_central_time():
        return 0
    now_ms = store.central_now_ms()
    count = 0
    for row in list(_rows(store)):
        if row.expires_at_ms is None or row.expires_at_ms > now_ms or row.status in NOT_HELD:
            continue
        order = store.fulfillment(row.id)
        if (
            order is None
            or status_of(order) in NOT_HELD
            or not (order.total("open") or order.waits)
        ):
            continue
        try:
            store.perform(HoldExpired(row.id), by=MACHINE, dev=device)
        except OperationRefused:
            continue  # somebody began to pay this very moment
        count += 1
    return count
