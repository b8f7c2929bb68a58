"""Goods that come from other locations to the store where a customer fetches them.

    placed    what the chosen store lacks is sent to it, as a parcel order of the store's own that
              stock and rules route like any other; at the store it is a receipt on its way
    waits     a paid order claims that receipt; a reservation is on the store's waiting list
    arrives   the store counts the goods on and closes the receipt: the order is released, or the
              reservation held, as with goods from a supplier

A customer who cancels meanwhile leaves the store with the stock, promised to nobody.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from central_server.records import Location, Order, OrderLine
from central_server.services.backorders import claim_receipts
from central_server.services.errors import PickupNotOffered, ShippingNotOffered
from central_server.services.need_by import require_by
from central_server.services.order_giving import Giving, feed_parts
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.parcels import Destination, addressed, promise_parcels
from central_server.services.promises import Ask, Promises
from central_server.services.promising import by_sku, open_hours, ready_in_ms
from central_server.services.shipping import shipping_home
from central_server.services.transfer_receipts import SUFFIX, due_by, receipt_of
from central_server.sourcing.calendar import promised_by
from central_server.sourcing.receipts import Receipt
from sync.domain.errors import InsufficientStock
from sync.domain.ids import new_id
from sync.domain.shipping import Address

if TYPE_CHECKING:
    from central_server.storage.unit import Unit, View

METHOD = "standard"
Lacking = dict[str, int]
"""Units by SKU that the chosen store cannot promise."""


def lacking_at(unit: "Unit", order: Order, place: Location, now_ms: int) -> Lacking:
    """Return what a store cannot promise of a new order.

    Where something is lacking, no other new order is promised these SKUs meanwhile. Raises
    `PickupNotOffered` where nobody fetches anything, and `InsufficientStock` where this is not
    offered there: nothing is sent to such a store.
    """
    if not place.pickup_enabled:
        raise PickupNotOffered(place.id)
    wanted = by_sku(order, {line.line: line.quantity for line in order.lines})
    found = lacking_now(unit, order, place, now_ms)
    if found:
        unit.stock.lock_network(sorted(wanted))
        found = lacking_now(unit, order, place, now_ms)
    return found


def lacking_now(view: "View", order: Order, place: Location, now_ms: int) -> Lacking:
    """Return what a store cannot promise of a new order; nobody else waits meanwhile.

    Raises `InsufficientStock` where this is not offered there.
    """
    wanted = by_sku(order, {line.line: line.quantity for line in order.lines})
    ask = Ask(order.channel, chosen=place.id)
    promised = Promises(view, now_ms).at(tuple(wanted), ask, [place.id])[place.id]
    refused = {sku: units for sku, units in wanted.items() if not promised[sku].is_offered}
    if refused:
        raise InsufficientStock(refused)
    return {
        sku: units - promised[sku].quantity
        for sku, units in wanted.items()
        if units > promised[sku].quantity
    }


def fetch_from_elsewhere(
    unit: "Unit", order: Order, place: Location, lacking: Lacking, now_ms: int, how: Giving
) -> tuple[Order, int]:
    """Write down a paid order that waits for a transfer; return it and when it is promised for.

    Raises `ShippingNotOffered`, `NotInTime`, and `InsufficientStock` where nobody can send what
    is lacking.
    """
    receipts = send_to(unit, order, place, lacking, now_ms, how)
    due_ms = max(one.due_ms for one in receipts)
    by_ms = promised_by(open_hours(place), due_ms, ready_in_ms(place, how.promise_ms))
    require_by(order, place, by_ms)
    lines = tuple(replace(line, unsourced=line.quantity) for line in order.lines)
    waiting = replace(order, lines=lines)
    unit.orders.insert(waiting)
    taken = {one.sku: [(one.id, one.units)] for one in receipts}
    claim_receipts(unit, waiting, taken, now_ms, by_ms, place)
    return waiting, by_ms


def send_to(
    unit: "Unit", order: Order, place: Location, lacking: Lacking, now_ms: int, how: Giving
) -> list[Receipt]:
    """Have other locations send units to a store; return what is now on its way there, by SKU."""
    moving = moving_order(unit, order, place, lacking, new_id(now_ms, how.random), now_ms)
    routing = ParcelRouting(unit, now_ms, how.promise_ms)
    routing.require_comparable(moving)
    made = promise_parcels(unit, moving, now_ms, how.random, routing, frozenset({place.id}))
    feed_parts(unit, made.orders, how.pokes, made.bodies)
    due_ms = due_by(place, max(one.latest for one in made.deliveries))
    senders = ", ".join(one.name for one in made.places)
    receipts = [
        Receipt(receipt_of(moving, line.line), place.id, line.sku, line.quantity, due_ms,
                f"from {senders} for order {order.number}")
        for line in moving.lines
    ]  # fmt: skip
    unit.supply.save_receipts(receipts)
    return receipts


def moving_order(
    view: "View", order: Order, place: Location, lacking: Lacking, order_id: str, now_ms: int
) -> Order:
    """Return the parcel order that brings a store what it lacks. Raises `ShippingNotOffered`."""
    if shipping_home(view, (place.latitude, place.longitude), METHOD) is None:
        raise ShippingNotOffered(METHOD)
    names = {line.sku: line.name for line in order.lines}
    lines = tuple(
        OrderLine(number, sku, names[sku], units, 0)
        for number, (sku, units) in enumerate(sorted(lacking.items()), 1)
    )
    moving = Order(
        id=order_id, number=f"{order.number}-{SUFFIX}", channel=order.channel,
        pickup_location_id="", currency=order.currency, total_minor=0, placed_at_ms=now_ms,
        lines=lines, customer_name=place.name, external_id=order.number,
    )  # fmt: skip
    to = Destination(_address(place), METHOD, place.latitude, place.longitude)
    return addressed(moving, to, (place.latitude, place.longitude))


def _address(place: Location) -> Address:
    return Address(
        place.name, place.address_line, place.city, place.postal_code, place.country,
        state=place.state,
    )  # fmt: skip
