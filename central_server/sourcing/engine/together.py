"""Orders decided together over shared stock, by column generation.

A column is a whole plan of one order (Amil, Makhdoumi and Wei 2025: plans as variables
make the bound tight). The master program (`master`) picks one plan for each order; its
duals price the cells, and with these prices the solver of single orders finds plans that
would improve it, until none does. Then the master is the linear bound, its duals are prices
for orders to come (`duals`), and as an integer program it decides the open orders (`batch`).

There is one objective: the weighted goals. A column has all of it but what its units are
worth, which the cells have; the solver of single orders has the duals instead.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from central_server.sourcing.engine.goals import Cell, Units, direct_minor, missing, used
from central_server.sourcing.engine.master import Choice, Duals, Master, Part
from central_server.sourcing.engine.model import RoutingOrder, Rules, Stock
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.routing import plan_order
from central_server.sourcing.engine.taking import Room, needed, parts_ready, room_of

EFFORT = 2_000
GAP = 1e-3
"""How far the picked plans may be above the least there is, as a share."""
IMPROVEMENT_MINOR = 0.01
"""A plan that is cheaper by less does not count as better."""
UNSHIPPED_MINOR = 1e6
"""For each unit that is not shipped: never worth it while there is stock."""
NO_ROOM = Room(0.0, 0.0, 0.0)


def never() -> bool:
    """Return False: there is all the time in the world."""
    return False


class Open(NamedTuple):
    """An order that may still be decided, and the instant from which its parcels travel."""

    order: RoutingOrder
    from_ms: int


@dataclass(slots=True)
class Together:
    """Orders over shared stock. `prices` has, for each cell, what each unit given up costs."""

    network: Network
    """Who may ship; it is read only. How often units of cells are found is read of its shelves."""
    orders: Sequence[Open]
    prices: Units
    """Weighed as the rules do, ascending. No other units may be used."""
    lacking_minor: float = 1e4
    """Price of a unit more than a cell has: high where plans are decided, the lost margin where
    prices are sought."""
    rules: Rules | None = None
    """With weighted goals; None: those of the network."""
    unshipped_minor: float = UNSHIPPED_MINOR
    has_rooms: bool = False
    """Whether orders share what still fits into days; these are then all of the same instant."""
    duals: dict[Cell, float] = field(default_factory=dict)
    """Price of a unit of each cell that a plan uses."""
    bound: float = float("-inf")
    """No way of deciding the orders costs less; units kept count as nothing."""
    _master: Master = field(init=False)
    _priced: Network = field(init=False)
    """The network in which units cost what the master says."""
    _full: Mapping[Part, Room] = field(default_factory=dict)
    """What the master charges in parts of days that are full."""
    _seen: set[tuple[object, ...]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Make the master, and the network that it prices."""
        rules = self.network.rules if self.rules is None else self.rules
        assert not rules.ordered, "goals in their order have no prices"
        rules = replace(rules, stock_weight=1.0)  # prices are weighed
        self._master = Master(
            len(self.orders), self.prices, self.lacking_minor, self.unshipped_minor
        )
        self._priced = Network(self.network.candidates, rules, self.network.now_ms, ())
        self._tell_prices({cell: units[0] for cell, units in self.prices.items() if units})

    def generate(self, rounds: int, is_over: Callable[[], bool] = never) -> None:
        """Add plans until none improves the master, for `rounds` rounds, or until time is over."""
        values: Sequence[float] | None = None
        if self._master.choices:
            values = self._solve()
        for _ in range(rounds):
            if not self._price_out(values, is_over) or is_over():
                break
            values = self._solve()

    def add(self, order: int, plan: SourcingPlan) -> bool:
        """Make a plan of an order a column; False if it is one already."""
        return self._add(self._choice(order, plan))

    def decide(
        self, seconds_max: float, kept: Sequence[int], gap: float = GAP
    ) -> list[SourcingPlan]:
        """Return a plan for each order: the integer master, started from the choices `kept`."""
        return self._master.picked(seconds_max, kept, gap)

    def _choice(self, order: int, plan: SourcingPlan) -> Choice:
        cost = direct_minor(plan, self._priced.rules) + missing(plan) * self.unshipped_minor
        fills = self._fills(plan, self.orders[order].from_ms) if self.has_rooms else {}
        return Choice(order, plan, cost, used(plan), fills)

    def _add(self, choice: Choice) -> bool:
        key = (
            choice.order, choice.cost,
            frozenset(choice.uses.items()), frozenset(choice.fills.items()),
        )  # fmt: skip
        if key in self._seen:
            return False
        self._seen.add(key)
        self._master.choices.append(choice)
        return True

    def _fills(self, plan: SourcingPlan, from_ms: int) -> dict[Part, Room]:
        """Return what a plan takes of parts of days; parts that are ready alike are one."""
        found: dict[Part, Room] = {}
        for shipment in plan.shipments:
            place = self.network.number(shipment.location_id)
            assert place is not None
            one = self.network.candidates[place]
            alike = parts_ready(one, shipment.ready_ms, from_ms)
            if not alike:
                continue
            key = (shipment.location_id, shipment.ready_ms)
            found[key] = min(needed(one, part, shipment.units) for part in alike)
            if key not in self._master.limits:
                room = NO_ROOM
                for part in alike:
                    room = room.plus(room_of(part))
                self._master.limits[key] = room
        return found

    def _price_out(self, values: Sequence[float] | None, is_over: Callable[[], bool]) -> bool:
        """Add each order's best plan at the present prices; return whether one improves.

        Where time is over orders are left out, and nothing is known of the bound.
        `values` is what the orders cost in the master; None: there is none yet. An order that
        would go where the day is full is asked once more, for a plan that does not.
        """
        is_better = False
        bound = self._given_up()
        crowded: list[int] = []
        for number in range(len(self.orders)):
            if is_over():
                return is_better
            plan = self._plan(number)
            bound += plan.bound + missing(plan) * self.unshipped_minor
            choice = self._choice(number, plan)
            is_better |= self._improve(choice, values)
            if not self._full.keys().isdisjoint(choice.fills):
                crowded.append(number)
        self.bound = max(self.bound, bound)
        with self._without_full():
            for number in crowded:
                if is_over():
                    break
                is_better |= self._improve(self._choice(number, self._plan(number)), values)
        return is_better

    def _plan(self, number: int) -> SourcingPlan:
        order, from_ms = self.orders[number]
        return plan_order(order, self._priced.at(from_ms), effort_max=EFFORT)

    def _improve(self, choice: Choice, values: Sequence[float] | None) -> bool:
        """Add a choice if the master would be cheaper with it; return whether it was added."""
        if values is not None and self._reduced(choice) >= values[choice.order] - IMPROVEMENT_MINOR:
            return False
        return self._add(choice)

    def _reduced(self, choice: Choice) -> float:
        """Return what a choice costs at the master's prices."""
        cost = choice.cost
        for cell, units in choice.uses.items():
            dual = self.duals.get(cell)
            cost += units * (self.prices[cell][0] if dual is None else dual)
        for part, room in choice.fills.items():
            charge = self._full.get(part, NO_ROOM)
            cost += sum(price * much for price, much in zip(charge, room, strict=True))
        return cost

    @contextmanager
    def _without_full(self) -> Iterator[None]:
        """Leave the parts of days that are full out of the priced network for a while."""
        changed: dict[str, int] = {}
        for location, ready in self._full:
            place = self._priced.number(location)
            assert place is not None
            changed[location] = place
            one = self._priced.candidates[place]
            full = parts_ready(one, ready, self._priced.now_ms)
            parts = tuple(part for part in one.parts or () if part not in full)
            self._priced.set_parts(location, parts)
        try:
            yield
        finally:
            for location, place in changed.items():
                self._priced.set_parts(location, self.network.candidates[place].parts or ())

    def _given_up(self) -> float:
        """Return what the cells add to the bound: min over units of (price - dual)."""
        total = 0.0
        for cell, dual in self.duals.items():
            total += sum(min(0.0, price - dual) for price in self.prices[cell])
        return total

    def _solve(self) -> Sequence[float]:
        """Solve the master; tell the network the new prices; return the orders' duals."""
        found: Duals = self._master.duals()
        changed = {
            cell: dual
            for cell, dual in found.cells.items()
            if abs(self.duals.get(cell, float("inf")) - dual) > IMPROVEMENT_MINOR / 10
        }
        self.duals.update(changed)
        self._full = found.parts
        self._tell_prices(changed)
        return found.orders

    def _tell_prices(self, changed: Mapping[Cell, float]) -> None:
        kept = self._priced.rules.kept_units  # the network takes these off again
        for (location, sku), price in changed.items():
            place = self.network.number(location)
            shelf = None if place is None else self.network.shelves(sku).get(place)
            chance = 1.0 if shelf is None else shelf.stock.fill_probability
            units = len(self.prices[location, sku]) + kept
            stock = Stock(units, prices_minor=(price,), fill_probability=chance)
            self._priced.set_stock(location, sku, stock)
