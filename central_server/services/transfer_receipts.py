"""What is on its way to a store for one order there: whose it is, and where it goes.

A transfer is an order of its own, named after the order that it is for; what it sends is
expected at the store as receipts that are named after it. Where another location sends a part of
it instead, and later, it is expected later: who counts on it hears so as of any receipt.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from central_server.records import Location, Order
from central_server.sourcing.receipts import Receipt
from sync.domain.opening import DAY_MINUTES, moment_of

if TYPE_CHECKING:
    from central_server.storage.unit import Unit, View

SUFFIX = "T"
"""What the number of a transfer ends with, after that of its customer's order."""


def is_transfer_of(receipt_id: str, order_number: str) -> bool:
    """Return whether a receipt is of goods that were sent to a store for this order."""
    return receipt_id.startswith(f"{order_number}-{SUFFIX}-")


def receipt_of(order: Order, line: int) -> str:
    """Return the name of what a transfer sends of one of its lines."""
    return f"{order.number}-{line}"


def due_by(place: Location, latest: date) -> int:
    """Return when goods are there that are delivered on a day, at the latest."""
    return moment_of(ZoneInfo(place.timezone), latest, DAY_MINUTES)


def expect_later(unit: "Unit", order: Order, lines: Iterable[int], latest: date) -> None:
    """Let what a transfer sends of some lines be expected no earlier than a part that was moved."""
    if not order.number.endswith(f"-{SUFFIX}"):
        return
    for line in lines:
        receipt = unit.supply.receipt(receipt_of(order, line))
        place = None if receipt is None else unit.locations.get(receipt.location_id)
        if receipt is None or place is None:
            continue
        due_ms = due_by(place, latest)
        if due_ms > receipt.due_ms:
            unit.supply.save_receipts([replace(receipt, due_ms=due_ms)])


def going_to(view: "View", order: Order) -> frozenset[str]:
    """Return the store that a transfer is sent to, which sends nothing of it; else none."""
    if not order.number.endswith(f"-{SUFFIX}"):
        return frozenset()
    found = (view.supply.receipt(receipt_of(order, line.line)) for line in order.lines)
    return frozenset(one.location_id for one in found if one is not None)


def offered(view: "View", coming: Sequence[Receipt]) -> list[Receipt]:
    """Return the receipts that orders may be promised: not what comes for a reservation there.

    It has no claim on them, as it is on the waiting list; a paid order has.
    """
    places = {one.location_id for one in coming if f"-{SUFFIX}-" in one.id}
    waiting = {
        place: [one.row.order.order_number for one in view.fulfillments.waiting(place)]
        for place in places
    }
    return [
        one
        for one in coming
        if not any(is_transfer_of(one.id, number) for number in waiting.get(one.location_id, ()))
    ]
