"""Ends what nobody paid in time, by this machine alone: it needs no network for it."""

from store_client.ports import Store
from store_client.services.desk import MACHINE, Desk, Refusal
from store_client.services.shelf import load
from store_client.services.tendering import is_over
from store_client.services.words import day_time
from sync.domain.errors import OperationRefused
from sync.domain.flows import ship
from sync.domain.fulfillment import FulfillmentOrder, RefusalReason
from sync.domain.operations import HoldExpired
from sync.domain.paying import FLOW
from sync.domain.reserve_operations import ReservationReleased

LOOK_SECONDS = 15.0
FLOWS = (FLOW, ship.NAME)
"""Reservations, and those parcels that are paid here before they leave."""


def end_holds(store: Store, device: str) -> int:
    """Release what was not paid in time; return how many.

    By central's time, and only as long as that stands on what nobody can set: a
    clock that is wrong ends nobody's reservation. Then people release it by hand.
    """
    if not store.knows_central_time():
        return 0
    now_ms = store.central_now_ms()
    count = 0
    for key in [key for flow in FLOWS for key in store.over(flow, now_ms)]:
        order = store.fulfillment(key)
        if order is None or order.is_unsettled or not (order.total("open") or order.waits):
            continue
        try:
            store.perform(HoldExpired(key), by=MACHINE, dev=device)
        except OperationRefused:
            continue  # somebody began to pay this very moment
        count += 1
    return count


def release(desk: Desk, fulfillment_id: str) -> FulfillmentOrder:
    """Release what was not fetched, or not paid, in time."""
    order = load(desk, fulfillment_id)
    _require_unpaid(order)
    if not is_over(desk, order):
        now_ms = desk.store.central_now_ms()
        until = day_time(desk.store.store_row(), order.expires_at_ms or now_ms, now_ms)
        raise Refusal(f"It is held until {until}.", "Leave it there.")
    return desk.perform(HoldExpired(fulfillment_id))


def not_wanted(desk: Desk, fulfillment_id: str, reason: RefusalReason) -> FulfillmentOrder:
    """Note that the customer does not want any of it any more, or waits no longer."""
    _require_unpaid(load(desk, fulfillment_id))
    return desk.perform(ReservationReleased(fulfillment_id, reason))


def _require_unpaid(order: FulfillmentOrder) -> None:
    """Refuse to end what is paid elsewhere, or for which money of the customer's is here."""
    if order.reserve is None:
        raise Refusal("This order is paid elsewhere.", "Give it up, or leave it as it is.")
    if order.is_unsettled and order.total("open"):
        raise Refusal("Money of the customer's is here, or is asked for.", "Give it back first.")
