"""Telling a customer that what is sent was taken on: once, or by every store that is to be paid."""

from typing import TYPE_CHECKING

from central_server.records import Order
from central_server.services.order_giving import Giving, tell
from central_server.services.parcels import Parcels

if TYPE_CHECKING:
    from central_server.storage.unit import Unit


def tell_received(unit: "Unit", order: Order, made: Parcels, now_ms: int, how: Giving) -> None:
    """Write of the first part; of all, where each is paid at its own store."""
    for one, place in zip(made.orders, made.places, strict=True):
        is_first = one is made.orders[0]
        if is_first or one.reserve is not None:
            notice = how.notices.received(one, place, "")
            tell(unit, order, notice, now_ms, how, about="" if is_first else one.id)
