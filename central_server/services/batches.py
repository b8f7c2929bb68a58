"""Parcel orders decided together: those that are released at once, and a sample of orders to come.

The engine's column generation needs one network for all of them: the same rule, the same
method. Orders that differ in these are in groups of their own; what a parcel costs is then
taken for the biggest order of the group (`parcel_routing` has the line through the rates).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from central_server.records import Order
from central_server.services.decisions import Chosen
from central_server.services.parcel_routing import Free, ParcelRouting
from central_server.services.promises import Ask, Promises
from central_server.sourcing.engine.batch import decide_anew
from central_server.sourcing.engine.duals import forecast_prices
from central_server.sourcing.engine.model import RoutingOrder
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.prices import shelf_prices
from central_server.sourcing.engine.routing import plan_order
from central_server.sourcing.engine.together import Cell, Open
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.routing_rules import RoutingRule

if TYPE_CHECKING:
    from central_server.storage.unit import View

TOGETHER = "together with the orders that were released with it this costs least"
SECONDS_MAX = 20.0
ORDERS_MAX = 200
"""Orders of one program: more are decided in the next one, after these."""
EFFORT_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Group:
    """Orders that are routed by the same rule and method, and the units that they want."""

    rule: RoutingRule
    method: str
    orders: tuple[Order, ...]
    asked: tuple[RoutingOrder, ...]

    @property
    def wanted(self) -> dict[str, int]:
        """How much they want together, by SKU."""
        found: Counter[str] = Counter()
        for one in self.asked:
            for line in one.lines:
                found[line.sku] += line.quantity
        return dict(found)

    @property
    def skus(self) -> list[str]:
        """What they want."""
        return sorted({line.sku for one in self.asked for line in one.lines})


def grouped(
    routing: ParcelRouting, orders: Sequence[tuple[Order, Mapping[int, int]]]
) -> list[Group]:
    """Return orders (with the units by line that they want) in groups, in a fixed order."""
    found: defaultdict[tuple[str, str], list[tuple[Order, RoutingOrder, RoutingRule]]]
    found = defaultdict(list)
    for order, units in orders:
        asked = routing.order(order, units)
        rule = routing.route_of(asked, order.ship_method)
        found[rule.id, order.ship_method].append((order, asked, rule))
    return [
        Group(
            rows[0][2], method, tuple(row[0] for row in rows), tuple(row[1] for row in rows)
        )
        for (_, method), rows in sorted(found.items())
    ]  # fmt: skip


def decide_together(
    view: "View", routing: ParcelRouting, order_ids: Sequence[str], now_ms: int
) -> dict[str, Chosen]:
    """Return which locations each order should go to; orders that stay alone are left out.

    Never worse than one after the other: these plans are the program's start. Raises
    `OptimizerMissing`, `OptimizerFailed`.
    """
    orders = sorted(view.orders.get_many(order_ids).values(), key=lambda one: one.id)
    waiting = [
        (one, units)
        for one in orders
        if one.ship_to
        and (units := {line.line: line.unsourced for line in one.lines if line.unsourced})
    ]
    chosen: dict[str, Chosen] = {}
    for group in grouped(routing, waiting):
        for start in range(0, len(group.orders), ORDERS_MAX):
            part = replace(
                group,
                orders=group.orders[start : start + ORDERS_MAX],
                asked=group.asked[start : start + ORDERS_MAX],
            )
            if len(part.orders) > 1:
                chosen |= _decided(view, routing, part, now_ms)
    return chosen


def _decided(view: "View", routing: ParcelRouting, group: Group, now_ms: int) -> dict[str, Chosen]:
    free = free_for_parcels(view, group.skus, now_ms)
    before = _one_by_one(routing, group, free)
    network = routing.network_of(group.rule, group.method, group.asked, free)
    prices = prices_of(network, group.wanted, group.rule.stock_weight)
    opened = [(Open(one, now_ms), plan) for one, plan in zip(group.asked, before, strict=True)]
    plans = decide_anew(_unweighed(network), opened, prices, seconds_max=SECONDS_MAX)
    return {
        order.id: Chosen(frozenset(plan.locations), TOGETHER)
        for order, plan in zip(group.orders, plans, strict=True)
        if not plan.unsourced
    }


def _one_by_one(routing: ParcelRouting, group: Group, free: Free) -> list[SourcingPlan]:
    """Return the plans that the orders would get one after the other."""
    network = routing.network_of(group.rule, group.method, group.asked, free)
    left = {place: dict(found) for place, found in free.items()}
    plans = []
    for asked in group.asked:
        plan = plan_order(asked, network, effort_max=EFFORT_MAX)
        plans.append(plan)
        for shipment in plan.shipments:
            for line in shipment.lines:
                here = left[shipment.location_id]
                here[line.sku] -= line.quantity
                number = network.number(shipment.location_id)
                shelf = network.shelves(line.sku).get(number) if number is not None else None
                assert shelf is not None
                after = replace(shelf.stock, units=here[line.sku])
                network.set_stock(shipment.location_id, line.sku, after)
    return plans


def expected_prices(
    routing: ParcelRouting, group: Group, free: Free, now_ms: int
) -> dict[Cell, float]:
    """Return what a unit of each cell is worth for such orders to come.

    Raises `OptimizerMissing`, `OptimizerFailed`.
    """
    network = routing.network_of(group.rule, group.method, group.asked, free)
    opened = [Open(one, now_ms) for one in group.asked]
    weight = group.rule.stock_weight
    prices = prices_of(network, group.wanted, weight, counts_duals=False)
    return forecast_prices(_unweighed(network), opened, prices)


def prices_of(
    network: Network, wanted: Mapping[str, int], weight: float, *, counts_duals: bool = True
) -> dict[Cell, tuple[float, ...]]:
    """Return what each unit that might be wanted of a cell costs the shelf, ascending, weighed.

    Duals are left out where they are sought: they would be prices of themselves.
    """
    found: dict[Cell, tuple[float, ...]] = {}
    kept = network.rules.kept_units  # the network takes these off again
    for one in network.candidates:
        for sku, stock in one.stock.items():
            count = min(stock.units, wanted.get(sku, 0) + kept)
            asked = stock if counts_duals else replace(stock, dual_minor=0.0)
            prices = shelf_prices(asked, count) if weight else (0.0,) * count
            found[one.location_id, sku] = tuple(price * weight for price in prices)
    return found


def _unweighed(network: Network) -> Network:
    """Return a network in which prices count as they are given, as they are weighed already."""
    rules = replace(network.rules, stock_weight=1.0)
    return Network(network.candidates, rules, network.now_ms)


def free_for_parcels(view: "View", skus: Sequence[str], now_ms: int) -> Free:
    """Return what may be promised to parcels that move, by location and SKU."""
    ask = Ask(method=Method.SHIP.value, is_moved=True)
    return Promises(view, now_ms).free(skus, ask)
