"""Orders that are sent, and wait first: for goods on their way, or until they may be sold.

    date      the earliest on which all of it can be sent (`outlook`)
    claims    of the receipts that this plan needs, and of the earliest where the network has
              promised what lies there to others who wait

Where it goes is decided at its release, as stock and rules are then.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from central_server.records import Order, OrderHold
from central_server.services.backorders import let_wait_for
from central_server.services.decisions import Decision
from central_server.services.errors import NotPriced
from central_server.services.need_by import require_by
from central_server.services.outlook import Found, Outlook
from central_server.services.parcel_routing import ParcelRouting
from central_server.services.promises import Ask, Promises
from central_server.services.promising import by_sku
from central_server.services.shipping import barred
from central_server.sourcing.promise_rules import Method

if TYPE_CHECKING:
    from central_server.storage.unit import Unit


def sent_now(unit: "Unit", order: Order, routing: ParcelRouting) -> Decision | None:
    """Return how a new order is sent now; None: it cannot be, so that it waits if it may.

    The caller has its SKUs for itself (`release_for_sure`): what is found here holds.
    """
    units = _units(order)
    wanted = by_sku(order, units)
    ask = Ask(order.channel, Method.SHIP.value)
    network = Promises(unit, routing.now_ms).network(wanted, ask)
    if any(count > network[sku].quantity for sku, count in wanted.items()):
        return None
    excluded = barred(unit, order.id, wanted, routing.now_ms)
    decision = routing.decide(order, units, excluded, ask)
    return None if decision.plan.unsourced else decision


def wait_to_be_sent(
    unit: "Unit",
    order: Order,
    routing: ParcelRouting,
    now_ms: int,
    holds: Sequence[OrderHold],
    release_ms: int | None,
) -> tuple[Order, Found]:
    """Write down an order that is lacking something; return it, and by when who delivers it.

    Raises `InsufficientStock` where nothing that is on its way lets anybody send all of it, or
    where it would wait for nothing: then days are full. Raises `NotPriced` as others do, and
    `NotInTime`, also where it could be sent now and only that would be too late.
    """
    free = tuple(line.sku for line in order.lines if not line.unit_price_minor)
    if order.is_paid_here and free:
        raise NotPriced(free, "of the order", order.currency)
    wanted = by_sku(order, _units(order))
    unit.supply.lock_receipts(wanted)
    outlook = Outlook(unit, order, routing, release_ms)
    found = outlook.first()
    if found is None:
        raise outlook.refusal()
    require_by(order, found.place, found.by_ms - 1)  # the end of a day is the next one's beginning
    waiting = let_wait_for(unit, order, found.taken, now_ms, found.by_ms, found.place, release_ms)
    unit.holds.open(holds)
    return waiting, found


def _units(order: Order) -> dict[int, int]:
    return {line.line: line.quantity for line in order.lines}
