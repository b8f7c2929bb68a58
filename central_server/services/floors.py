"""What comes for an order is the order's: a floor that is a share of the book takes none of it.

A store keeps a percentage of what it has for those who walk in. Of units that were sent
because an order lacked exactly these, nothing is kept, from when their receipt is closed on,
until that order is released.
"""

from typing import TYPE_CHECKING

from central_server.services.transfer_receipts import is_transfer_of
from central_server.sourcing.receipts import Receipt
from sync.domain.escrow import fixed_floor
from sync.hub.feed import FeedWriter
from sync.protocol.rows import Entity, store_scope

if TYPE_CHECKING:
    from central_server.storage.unit import Unit


def lock_floor(unit: "Unit", receipt_id: str) -> None:
    """Lock the stock whose floor `leave_to_orders` may set, before its receipt is locked.

    In this order, as orders do: they hold stock when they begin to wait for what comes.
    """
    goods = unit.supply.goods_of(receipt_id)
    if goods is None:
        return
    place_id, sku = goods
    place = unit.locations.get(place_id)
    if place is not None and place.floor_percent and unit.stock.rows(place_id, [sku]):
        unit.stock.lock_rows(place_id, [sku])


def leave_to_orders(unit: "Unit", receipt: Receipt, came: int) -> None:
    """Take a floor's share off units that came for orders; of a receipt that was closed just now.

    The caller has locked that stock (`lock_floor`). A share that sizing set by demand is lowered
    by the same few units until it sizes again.
    """
    place = unit.locations.get(receipt.location_id)
    assert place is not None, "a receipt's location exists (foreign key)"
    if not place.floor_percent or not (units := _for_orders(unit, receipt, came)):
        return
    sku = receipt.sku
    before = unit.supply.came_for_orders([place.id], but=receipt.id).get((place.id, sku), 0)
    row = unit.stock.lock_rows(place.id, [sku])[sku]
    shares = [fixed_floor(row.on_hand - kept, place.floor_percent)
              for kept in (before, before + units)]  # fmt: skip
    floor = max(0, row.floor - shares[0] + shares[1])
    if floor == row.floor:
        return
    unit.stock.set_floors(place.id, {sku: floor})
    feed = FeedWriter(unit.feed)
    for changed in unit.stock.rows(place.id, [sku]):
        feed.put(store_scope(place.id), Entity.STOCK, sku, changed)
    feed.flush()


def _for_orders(unit: "Unit", receipt: Receipt, came: int) -> int:
    """Return how much of what came is wanted: claimed, or sent for who is on the waiting list."""
    if receipt.claimed:
        return min(receipt.claimed, came)
    waiting = unit.fulfillments.waiting(receipt.location_id)
    is_wanted = any(is_transfer_of(receipt.id, one.row.order.order_number) for one in waiting)
    return came if is_wanted else 0
