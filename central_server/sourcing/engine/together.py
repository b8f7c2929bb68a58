"""Orders decided together over shared stock, by column generation.

A column is a whole plan of one order (Amil, Makhdoumi and Wei 2025: plans as variables
make the bound tight). The master program picks one plan for each order:

    minimise    sum of freight and handling of the picked plans
                + for each cell (location, SKU): price of its 1st, 2nd ... unit given up
    such that   one plan for each order; units used of a cell = units given up there

Its duals price the cells; with these prices the solver of single orders finds plans
that would improve it, until none does. Then the master is the linear bound, its
duals are prices for orders to come (`duals`), and as an integer program it decides
the open orders (`batch`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from central_server.sourcing.engine.highs import Answer, Column, minimise
from central_server.sourcing.engine.model import RoutingOrder, Stock
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.routing import plan_order

Cell = tuple[str, str]
"""Location and SKU."""
EFFORT = 2_000
LACKING_MAX = 1e6
IMPROVEMENT_MINOR = 0.01
"""A plan that is cheaper by less does not count as better."""
UNSHIPPED_MINOR = 1e6
"""For each unit that is not shipped: never worth it while there is stock."""


class Open(NamedTuple):
    """An order that may still be decided, and the instant from which its parcels travel."""

    order: RoutingOrder
    from_ms: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A plan of one order, as a column."""

    order: int
    plan: SourcingPlan
    cost: float
    """Without what the units are worth: that is the cells' business."""
    uses: Mapping[Cell, int]


@dataclass(slots=True)
class Together:
    """Orders over shared stock. `prices` has, for each cell, what each unit given up costs."""

    network: Network
    """With every cell's units; the stock prices in it are overwritten."""
    orders: Sequence[Open]
    prices: Mapping[Cell, Sequence[float]]
    lacking_minor: float = 1e4
    """Price of a unit more than a cell has: high where plans are decided, the lost margin where
    prices are sought."""
    choices: list[Choice] = field(default_factory=list)
    duals: dict[Cell, float] = field(default_factory=dict)
    """Price of a unit of each cell that a plan uses."""
    bound: float = float("-inf")
    """No way of deciding the orders costs less; units kept count as nothing."""
    _seen: set[tuple[int, frozenset[tuple[Cell, int]]]] = field(default_factory=set)

    def generate(self, rounds: int) -> None:
        """Add plans until none improves the master, or for `rounds` rounds."""
        self._tell_prices({cell: units[0] for cell, units in self.prices.items() if units})
        values = [0.0] * len(self.orders)
        if self.choices:
            values = self._master_duals()
        for number in range(rounds):
            is_first = number == 0 and not values[0]
            if not self._price_out(values, is_first=is_first):
                break
            values = self._master_duals()

    def add(self, order: int, plan: SourcingPlan) -> bool:
        """Make a plan of an order a column; False if it is one already."""
        uses: dict[Cell, int] = {}
        for shipment in plan.shipments:
            for line in shipment.lines:
                cell = (shipment.location_id, line.sku)
                uses[cell] = uses.get(cell, 0) + line.quantity
        key = (order, frozenset(uses.items()))
        if key in self._seen:
            return False
        self._seen.add(key)
        missing = sum(line.quantity for line in plan.unsourced)
        terms = plan.terms
        cost = terms.total - terms.shelf - terms.balance + missing * UNSHIPPED_MINOR
        self.choices.append(Choice(order, plan, cost, uses))
        return True

    def decide(self, seconds_max: float, kept: Sequence[int]) -> list[SourcingPlan]:
        """Return a plan for each order: the integer master, started from the choices `kept`."""
        answer = self._master(is_integer=True, seconds_max=seconds_max, kept=kept)
        found: list[SourcingPlan | None] = [None] * len(self.orders)
        for choice, value in zip(self.choices, answer.values, strict=False):
            if value > 0.5:  # noqa: PLR2004 - 0 or 1, up to rounding
                found[choice.order] = choice.plan
        assert all(plan is not None for plan in found)
        return [plan for plan in found if plan is not None]

    def _price_out(self, values: Sequence[float], *, is_first: bool) -> bool:
        """Add each order's best plan at the present prices; return whether one improves."""
        is_better = False
        bound = self._given_up()
        for number, (order, from_ms) in enumerate(self.orders):
            plan = plan_order(order, self.network.at(from_ms), effort_max=EFFORT)
            missing = sum(line.quantity for line in plan.unsourced) * UNSHIPPED_MINOR
            bound += plan.bound + missing
            if is_first or plan.objective + missing < values[number] - IMPROVEMENT_MINOR:
                is_better |= self.add(number, plan)
        self.bound = max(self.bound, bound)
        return is_better

    def _given_up(self) -> float:
        """Return what the cells add to the bound: min over units of (price - dual)."""
        total = 0.0
        for cell, dual in self.duals.items():
            total += sum(min(0.0, price - dual) for price in self.prices[cell])
        return total

    def _master_duals(self) -> list[float]:
        """Solve the master; tell the network the new prices; return the orders' duals."""
        answer = self._master()
        count = len(self.orders)
        cells = self._cells()
        changed = {
            cell: dual
            for cell, dual in zip(cells, (-value for value in answer.duals[count:]), strict=True)
            if abs(self.duals.get(cell, float("inf")) - dual) > IMPROVEMENT_MINOR / 10
        }
        self.duals.update(changed)
        self._tell_prices(changed)
        return list(answer.duals[:count])

    def _tell_prices(self, changed: Mapping[Cell, float]) -> None:
        for (location, sku), price in changed.items():
            units = len(self.prices[location, sku])
            self.network.set_stock(location, sku, Stock(units, prices_minor=(price,)))

    def _cells(self) -> list[Cell]:
        return sorted({cell for choice in self.choices for cell in choice.uses})

    def _master(
        self,
        *,
        is_integer: bool = False,
        seconds_max: float | None = None,
        kept: Sequence[int] = (),
    ) -> Answer:
        count = len(self.orders)
        cells = self._cells()
        row_of = {cell: count + place for place, cell in enumerate(cells)}
        columns = [
            Column(
                choice.cost, 1.0,
                [(choice.order, 1.0), *((row_of[cell], float(units))
                                        for cell, units in choice.uses.items())],
                is_integer,
            )
            for choice in self.choices
        ]  # fmt: skip
        for cell in cells:
            for price, units in _steps(self.prices[cell]):
                columns.append(Column(price, float(units), [(row_of[cell], -1.0)]))
            columns.append(Column(self.lacking_minor, LACKING_MAX, [(row_of[cell], -1.0)]))
        rows = [(1.0, 1.0)] * count + [(0.0, 0.0)] * len(cells)
        start = None
        if kept:
            start = [0.0] * len(columns)
            for place in kept:
                start[place] = 1.0
            start = _completed(start, columns, len(self.choices), len(rows))
        return minimise(columns, rows, seconds_max=seconds_max, start=start)


def _completed(
    start: list[float], columns: Sequence[Column], choices: int, rows: int
) -> list[float]:
    """Return a start in which the cells give up what the picked plans use."""
    used = [0.0] * rows
    for column, value in zip(columns[:choices], start, strict=False):
        for row, units in column.entries:
            used[row] += value * units
    for place in range(choices, len(columns)):
        row = columns[place].entries[0][0]
        start[place] = min(columns[place].upper, used[row])
        used[row] -= start[place]
    return start


def _steps(prices: Sequence[float]) -> list[tuple[float, int]]:
    """Return prices with how many units in a row have each."""
    found: list[tuple[float, int]] = []
    for price in prices:
        if found and price <= found[-1][0] + 1e-9:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((price, 1))
    return found
