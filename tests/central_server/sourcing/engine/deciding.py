"""Orders decided together in tests, and what that costs by the rules: replayed, plan after plan."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from central_server.sourcing.engine.batch import decide_anew
from central_server.sourcing.engine.goals import Cell
from central_server.sourcing.engine.model import (
    Candidate,
    Goal,
    RequestedLine,
    RoutingOrder,
    Rules,
    Stock,
)
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.prices import balance_prices, shelf_prices
from central_server.sourcing.engine.routing import plan_order
from central_server.sourcing.engine.together import Open
from central_server.sourcing.engine.ways import DAY_MS

Candidates = Sequence[Candidate]


def order(number: int, *wanted: tuple[str, int], latitude: float = 40.0) -> RoutingOrder:
    lines = tuple(RequestedLine(line, sku, units) for line, (sku, units) in enumerate(wanted, 1))
    return RoutingOrder(lines, latitude, -80.0, order_id=f"O{number}")


def left_of(stock: Stock, units: int) -> Stock:
    """Return what is left of a stock, and what that is worth."""
    prices = stock.prices_minor
    later = prices[min(units, len(prices) - 1) :] if prices else ()
    return replace(stock, units=stock.units - units, prices_minor=later)


class Left:
    """What plans leave of the stock of candidates."""

    def __init__(self, candidates: Candidates) -> None:
        self.stock = {
            (one.location_id, sku): stock for one in candidates for sku, stock in one.stock.items()
        }

    def take(self, cell: Cell, units: int) -> Stock:
        """Return what there was, and take so many units away."""
        before = self.stock[cell]
        assert units <= before.units, "oversold"
        self.stock[cell] = left_of(before, units)
        return before

    def candidates(self, whole: Candidates) -> list[Candidate]:
        return [
            replace(one, stock={sku: self.stock[one.location_id, sku] for sku in one.stock})
            for one in whole
        ]


def units_of(plan: SourcingPlan) -> dict[Cell, int]:
    found: defaultdict[Cell, int] = defaultdict(int)
    for shipment in plan.shipments:
        for line in shipment.lines:
            found[shipment.location_id, line.sku] += line.quantity
    return found


def one_by_one(
    orders: Sequence[RoutingOrder], candidates: Candidates, rules: Rules
) -> list[SourcingPlan]:
    """Route the orders as they come, each on what those before it left."""
    left, plans = Left(candidates), []
    for one in orders:
        plan = plan_order(one, Network(left.candidates(candidates), rules, 0))
        for cell, units in units_of(plan).items():
            left.take(cell, units)
        plans.append(plan)
    return plans


def together(
    orders: Sequence[RoutingOrder],
    candidates: Candidates,
    rules: Rules,
    *,
    before: Sequence[SourcingPlan] | None = None,
    **how: Any,
) -> list[SourcingPlan]:
    """Decide the orders anew, from the plans that they had, or got one by one."""
    prices: dict[Cell, Sequence[float]] = {}
    harms: dict[Cell, Sequence[float]] = {}
    for one in candidates:
        for sku, stock in one.stock.items():
            units = max(0, stock.units - rules.kept_units)
            weight = rules.stock_weight
            prices[one.location_id, sku] = [
                weight * price if weight else 0.0 for price in shelf_prices(stock, units)
            ]
            harms[one.location_id, sku] = balance_prices(stock, units, rules)
    if before is None:
        before = one_by_one(orders, candidates, rules)
    waiting = [(Open(one, 0), plan) for one, plan in zip(orders, before, strict=True)]
    return decide_anew(Network(candidates, rules, 0), waiting, prices, harms=harms, **how)


def total(plans: Sequence[SourcingPlan], candidates: Candidates, rules: Rules) -> list[float]:
    """Return what plans cost one after the other: units not shipped, then the rules' goals."""
    left, found = Left(candidates), []
    for plan in plans:
        money = shelf = harm = 0.0
        for cell, units in units_of(plan).items():
            stock = left.take(cell, units)
            money += units * (1 - stock.fill_probability) * rules.failed_pick_minor
            if rules.stock_weight:
                shelf += rules.stock_weight * sum(shelf_prices(stock, units))
            harm += sum(balance_prices(stock, units, rules))
        money += plan.terms.freight + plan.terms.handling + plan.terms.surcharge
        days = sum(max(0, one.arrives_ms - plan.decided_at_ms) / DAY_MS for one in plan.shipments)
        count = len(plan.shipments)
        weighed = (
            money + shelf + rules.balance_weight * harm
            + rules.speed_minor * days + rules.shipment_minor * count
        )  # fmt: skip
        goals = {
            Goal.COST: round(money + shelf), Goal.SPEED: days, Goal.SHIPMENTS: count,
            Goal.BALANCE: round(harm),
        }  # fmt: skip
        missing = sum(line.quantity for line in plan.unsourced)
        values = [goals[goal] for goal in rules.ordered] or [weighed]
        found.append([missing, *values])
    return [sum(column) for column in zip(*found, strict=True)]


def no_worse(one: Sequence[float], other: Sequence[float]) -> bool:
    """Return whether the first costs no more than the other: the goals count in their order."""
    for mine, theirs in zip(one, other, strict=True):
        if abs(mine - theirs) > 1e-5:
            return mine < theirs
    return True
