"""Reserving an order in the store that the customer chose: held unpaid, or waited for."""

from dataclasses import replace
from typing import TYPE_CHECKING

from central_server.records import Location, Order
from central_server.services.candidates import one_candidate
from central_server.services.capacity import Claim, Days
from central_server.services.errors import NotPriced, PickupNotOffered
from central_server.services.order_giving import Giving, keep
from central_server.services.order_views import status_of_order
from central_server.services.promises import Ask, Promises, reserve
from central_server.services.promising import assign, hold
from central_server.sourcing.routing import Demand, DemandLine, RoutingRules, SourcingPlan, route
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import FulfillmentOrder

if TYPE_CHECKING:
    from central_server.storage.unit import Unit


def hold_here(
    unit: "Unit", order: Order, place: Location, now_ms: int, how: Giving, *, may_wait: bool,
    is_released: bool = True,
) -> tuple[Order, FulfillmentOrder]:  # fmt: skip
    """Let the chosen store hold all of an order, or put the customer on its waiting list.

    What may not be sold yet (not `is_released`) is held by nobody. Returns the order as it is
    kept. Raises `NotPriced` (what is held has a price to be paid) and `InsufficientStock`
    (unless it may wait).
    """
    if free := tuple(line.sku for line in order.lines if not line.unit_price_minor):
        raise NotPriced(free, place.price_zone, order.currency)
    products = unit.catalogue.products({line.sku for line in order.lines})
    plan, has_units, claim = _promise_here(unit, order, place, now_ms, is_released=is_released)
    if not has_units and not may_wait:
        raise InsufficientStock(plan.shortfall())
    made = assign(
        order, place, {line.line: line.quantity for line in order.lines}, now_ms, how.random,
        promise_ms=how.promise_ms, lease=unit.leases.get(place.id),
        begins_ms=claim.starts_ms if claim else 0,
    )  # fmt: skip
    categories = [one.category for one in products.values()]
    held = hold(made, place, categories, now_ms, waits=not has_units)
    text = f"{place.name} holds it until it is paid there."
    if not has_units:
        lines = tuple(replace(line, unsourced=line.quantity) for line in order.lines)
        order = replace(order, lines=lines)
        status = status_of_order(order, (held.order,), (), awaits=False)
        order = replace(order, status=status.value)
        text = f"On the waiting list of {place.name}."
    unit.orders.insert(order)
    keep(unit, order, held, place, plan, now_ms, how, why="placed", text=text)
    if claim is not None:
        unit.capacity.claim(held.order.id, place.id, claim.starts_ms, claim.use)
    return order, held.order


def _promise_here(
    unit: "Unit", order: Order, place: Location, now_ms: int, *, is_released: bool
) -> tuple[SourcingPlan, bool, Claim | None]:
    """Reserve all of an order at one place, if it can promise all of it and its day has room.

    Returns what was taken of the day, too. Raises `PickupNotOffered` where nobody fetches
    anything there, waiting list or not.
    """
    lines = tuple(DemandLine(line.line, line.sku, line.quantity) for line in order.lines)
    demand = Demand(place.id, place.latitude, place.longitude, lines)
    wanted = demand.by_sku()
    ask, promises = Ask(order.channel, chosen=place.id), Promises(unit, now_ms)
    here = one_candidate(unit, place, wanted, now_ms, ask, promises)
    if not here.pickup_enabled:
        raise PickupNotOffered(place.id)
    if not is_released:
        here = replace(here, available={})  # of a kit, its components may be there to be sold
    plan = route(demand, [here], RoutingRules(), now_ms)
    if plan.location_id is None:
        return plan, False, None
    days = Days(unit, now_ms)
    claim, is_free = days.take(place.id, sum(wanted.values()))
    if not is_free:
        full = RoutingRules(full=frozenset({place.id}))
        return route(demand, [here], full, now_ms), False, None
    if not reserve(unit, place.id, wanted, order.id, now_ms, ask, promises):
        days.give_back(place.id, claim)
        return plan, False, None
    return plan, True, claim
