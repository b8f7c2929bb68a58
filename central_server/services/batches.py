"""Parcel orders decided together: those that are released at once, and a sample of orders to come.

The engine's column generation needs one network for all of them: the same rule, the same
method, and where orders are decided the same channel, for promises differ by it. Orders that
differ in these are in groups of their own; what a parcel costs is then taken for the biggest
order of the group (`parcel_routing` has the line through the rates).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from central_server.records import Order
from central_server.services.decisions import Chosen
from central_server.services.parcel_routing import Free, ParcelRouting
from central_server.services.promises import ANYBODY, Ask, Promises
from central_server.services.shipping import barred
from central_server.sourcing.engine.batch import decide_anew
from central_server.sourcing.engine.duals import forecast_prices
from central_server.sourcing.engine.goals import Cell, Worth, is_worse, total
from central_server.sourcing.engine.model import RoutingOrder
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.prices import balance_prices, shelf_prices
from central_server.sourcing.engine.taking import in_turn, take
from central_server.sourcing.engine.together import Open
from central_server.sourcing.kits import NO_KITS, kits_of
from central_server.sourcing.promise_rules import Method
from central_server.sourcing.routing_rules import RoutingRule

if TYPE_CHECKING:
    from central_server.storage.unit import View

TOGETHER = "together with the orders that were released with it this costs least"
SECONDS_MAX = 60.0
"""No program begins later, of those of one release: orders wait for them."""
PROGRAM_SECONDS_MAX = 20.0
"""How long new plans are looked for in one program, and again how long it is picked among them."""
ORDERS_MAX = 200
"""Orders of one program: more are decided in the next one, after these."""
EFFORT_MAX = 2_000


Waiting = tuple[Order, Mapping[int, int]]
"""An order, and the units by line that it wants."""


class Budget:
    """How long it may take to decide the orders of one release together."""

    def __init__(self, monotonic_ms: Callable[[], int], seconds: float) -> None:
        self._monotonic_ms = monotonic_ms
        self._ends_ms = monotonic_ms() + round(1000 * seconds)
        self.cut = 0
        """Orders that were left to be decided one by one because time was over."""

    @property
    def left_s(self) -> float:
        """How much is left, in seconds."""
        return max(0.0, (self._ends_ms - self._monotonic_ms()) / 1000)

    def part(self, seconds: float) -> "Budget":
        """Return a part of it for one program."""
        return Budget(self._monotonic_ms, min(seconds, self.left_s))

    def is_over(self) -> bool:
        """Return whether nothing is left."""
        return self.left_s <= 0


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

    def parts(self, most: int) -> list["Group"]:
        """Return it in groups of so many orders at most."""
        return [
            replace(self, orders=self.orders[at : at + most], asked=self.asked[at : at + most])
            for at in range(0, len(self.orders), most)
        ]


def grouped(routing: ParcelRouting, orders: Sequence[Waiting]) -> list[Group]:
    """Return orders in groups, in a fixed order."""
    comparable = [(order, units) for order, units in orders if routing.refusal(order) is None]
    return _grouped(routing, [(order, routing.order(order, units)) for order, units in comparable])


def _grouped(
    routing: ParcelRouting,
    rows: Sequence[tuple[Order, RoutingOrder]],
    *,
    by_channel: bool = False,
) -> list[Group]:
    found: defaultdict[tuple[str, str, str], list[tuple[Order, RoutingOrder, RoutingRule]]]
    found = defaultdict(list)
    for order, asked in rows:
        rule = routing.route_of(order, asked, order.ship_method)
        channel = order.channel if by_channel else ""
        found[rule.id, order.ship_method, channel].append((order, asked, rule))
    return [
        Group(
            rows[0][2], method, tuple(row[0] for row in rows), tuple(row[1] for row in rows)
        )
        for (_, method, _), rows in sorted(found.items())
    ]  # fmt: skip


def decide_together(
    view: "View",
    routing: ParcelRouting,
    order_ids: Sequence[str],
    now_ms: int,
    budget: Budget,
) -> dict[str, Chosen]:
    """Return which locations each order should go to; orders that stay alone are left out.

    `order_ids` are in the order of their release. Never worse than one after the other: the
    orders of a group (`ORDERS_MAX` at a time) are replayed, each among the locations that were
    chosen for it, and where that costs no less by the rule than without them, they stay alone.
    What one group takes, the next ones do not have. Orders for which `budget` has no time stay
    alone, too. Raises `OptimizerMissing`, `OptimizerFailed`.
    """
    orders = view.orders.get_many(order_ids)
    held = still_held(view, order_ids, now_ms)
    waiting = [
        (one, units)
        for one in (orders[order_id] for order_id in order_ids if order_id in orders)
        if one.ship_to
        and one.id not in held
        and routing.refusal(one) is None
        and (units := {line.line: line.unsourced for line in one.lines if line.unsourced})
    ]
    rows = []
    for one, units in waiting:
        wanted = {line.sku for line in one.lines if line.line in units}
        rows.append((one, routing.order(one, units, barred(view, one.id, wanted, now_ms))))
    units_of = {one.id: units for one, units in waiting}
    chosen: dict[str, Chosen] = {}
    taken: list[SourcingPlan] = []
    for group in _grouped(routing, rows, by_channel=True):
        for part in _without_kits(group, units_of).parts(ORDERS_MAX):
            decided = _decided(view, routing, part, taken, now_ms, budget)
            taken += decided.plans
            if decided.is_cheaper:
                chosen |= _chosen(part, decided.plans, routing.rules.version)
    return chosen


def still_held(view: "View", order_ids: Sequence[str], now_ms: int) -> set[str]:
    """Return the orders that something holds still: they want no units yet."""
    return {
        one.order_id
        for one in view.holds.of_many(order_ids)
        if one.until_ms is None or one.until_ms > now_ms
    }


class _Decided(NamedTuple):
    """What becomes of the orders of a group."""

    plans: list[SourcingPlan]
    is_cheaper: bool
    """Than one after the other, all of them together."""


def _without_kits(group: Group, units_of: Mapping[str, Mapping[int, int]]) -> Group:
    """Leave out orders of kits that stay whole: of these each is decided by itself.

    To the engine a kit is an item with stock of its own; orders that share its components
    would count them twice.
    """
    if group.rule.splits_kits:
        return group
    kept = [
        (order, asked)
        for order, asked in zip(group.orders, group.asked, strict=True)
        if kits_of(order.lines, units_of[order.id]) == NO_KITS
    ]
    return replace(
        group, orders=tuple(order for order, _ in kept), asked=tuple(asked for _, asked in kept)
    )


def _decided(
    view: "View",
    routing: ParcelRouting,
    group: Group,
    taken: Sequence[SourcingPlan],
    now_ms: int,
    budget: Budget,
) -> _Decided:
    """Decide about a group, among what the plans before it (`taken`) left."""
    free = free_for_parcels(view, group.skus, now_ms, group.orders[0].channel)
    whole = routing.network_of(group.rule, group.method, group.asked, free)
    before = in_turn(group.asked, _left_of(whole, taken), effort_max=EFFORT_MAX)
    if len(before) == 1 or budget.is_over():
        budget.cut += len(before) if len(before) > 1 else 0
        return _Decided(before, is_cheaper=False)
    network = _left_of(whole, taken)
    worth = Worth(prices_of(network, group.wanted), harms_of(network, group.wanted))
    opened = [(Open(one, now_ms), plan) for one, plan in zip(group.asked, before, strict=True)]
    found = decide_anew(
        network, opened, worth.shelf, harms=worth.harms,
        seconds_max=PROGRAM_SECONDS_MAX,
        is_over=budget.part(PROGRAM_SECONDS_MAX).is_over,
    )  # fmt: skip
    narrowed = [
        asked if plan.unsourced else _among(asked, plan.locations, network)
        for asked, plan in zip(group.asked, found, strict=True)
    ]
    after = in_turn(narrowed, _left_of(whole, taken), effort_max=EFFORT_MAX)
    rules = network.rules
    is_cheaper = is_worse(total(before, rules, worth), total(after, rules, worth))
    return _Decided(after if is_cheaper else before, is_cheaper)


def _chosen(group: Group, plans: Sequence[SourcingPlan], version: int) -> dict[str, Chosen]:
    return {
        order.id: Chosen(frozenset(plan.locations), TOGETHER, (group.rule.id, version))
        for order, plan in zip(group.orders, plans, strict=True)
        if not plan.unsourced
    }


def _among(asked: RoutingOrder, locations: Collection[str], network: Network) -> RoutingOrder:
    """Return an order for which no other locations are asked."""
    others = {one.location_id for one in network.candidates}.difference(locations)
    return replace(asked, excluded=asked.excluded | others)


def _left_of(network: Network, taken: Sequence[SourcingPlan]) -> Network:
    """Return a network of its own, without what these plans take."""
    left = Network(network.candidates, network.rules, network.now_ms)
    for plan in taken:
        take(left, plan)
    return left


def expected_prices(
    routing: ParcelRouting, group: Group, free: Free, now_ms: int
) -> dict[Cell, float]:
    """Return what a unit of each cell is worth for such orders to come.

    In minor units, not weighed: routing weighs them. Raises `OptimizerMissing`, `OptimizerFailed`.
    """
    network = routing.network_of(group.rule, group.method, group.asked, free)
    opened = [Open(one, now_ms) for one in group.asked]
    # A unit more than is asked for: or one that lies beside them would seem to be missing.
    offered = {sku: count + 1 for sku, count in group.wanted.items()}
    found = forecast_prices(network, opened, prices_of(network, offered, counts_duals=False))
    weight = network.rules.stock_weight or 1.0
    return {cell: price / weight for cell, price in found.items()}


def prices_of(
    network: Network, wanted: Mapping[str, int], *, counts_duals: bool = True
) -> dict[Cell, tuple[float, ...]]:
    """Return what each unit that may leave and be wanted of a cell costs the shelf.

    In minor units, ascending, weighed by the rules of the network. Duals are left out where they
    are sought: they would be prices of themselves.
    """
    found: dict[Cell, tuple[float, ...]] = {}
    weight = network.rules.stock_weight
    for sku, count in wanted.items():
        for place, shelf in network.shelves(sku).items():
            asked = shelf.stock if counts_duals else replace(shelf.stock, dual_minor=0.0)
            units = min(shelf.units, count)
            prices = shelf_prices(asked, units) if weight else (0.0,) * units
            cell = network.candidates[place].location_id, sku
            found[cell] = tuple(price * weight for price in prices)
    return found


def harms_of(network: Network, wanted: Mapping[str, int]) -> dict[Cell, tuple[float, ...]]:
    """Return what each of the same units costs the balance of stock, where it costs anything.

    In minor units, ascending, not weighed.
    """
    found: dict[Cell, tuple[float, ...]] = {}
    for sku, count in wanted.items():
        for place, shelf in network.shelves(sku).items():
            harms = balance_prices(shelf.stock, min(shelf.units, count), network.rules)
            if harms:
                found[network.candidates[place].location_id, sku] = tuple(harms)
    return found


def free_for_parcels(
    view: "View", skus: Sequence[str], now_ms: int, channel: str = ANYBODY.channel
) -> Free:
    """Return what may be promised to parcels that move, by location and SKU."""
    ask = Ask(channel, Method.SHIP.value, is_moved=True)
    return Promises(view, now_ms).free(skus, ask)
