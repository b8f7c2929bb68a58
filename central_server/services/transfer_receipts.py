"""What is on its way to a store for one order there: whose it is, and where it goes.

A transfer is an order of its own, named after the order that it is for; what it sends is
expected at the store as receipts that are named after it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from central_server.records import Order
from central_server.sourcing.receipts import Receipt

if TYPE_CHECKING:
    from central_server.storage.unit import View

SUFFIX = "T"
"""What the number of a transfer ends with, after that of its customer's order."""


def is_transfer_of(receipt_id: str, order_number: str) -> bool:
    """Return whether a receipt is of goods that were sent to a store for this order."""
    return receipt_id.startswith(f"{order_number}-{SUFFIX}-")


def going_to(view: "View", order: Order) -> frozenset[str]:
    """Return the store that a transfer is sent to, which sends nothing of it; else none."""
    if not order.number.endswith(f"-{SUFFIX}"):
        return frozenset()
    names = (f"{order.number}-{line.line}" for line in order.lines)
    found = (view.supply.receipt(name) for name in names)
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
