"""Branch and bound over which options to open, among those that the bounds left over.

A node has opened some options and left others undecided. Two bounds hold for it:
the priced one (`bounds`), improved at each node, and the relaxed one, in which
undecided options cost nothing to open. Where the relaxed plan uses opened options
only it is the best plan of the node. The effort is counted in cells looked at,
not in time, so that equal input gives equal output on every machine.
"""

from collections.abc import Sequence

from central_server.sourcing.engine.bounds import Priced, tighten
from central_server.sourcing.engine.filling import Filling, fill
from central_server.sourcing.engine.problem import EPSILON, Leaving, Problem

ROUNDS = 6
"""Steps by which a node's prices are improved."""
FEW = 3
"""So few undecided options are tried faster than they are priced."""


class Search:
    """One search: its incumbent, its counters and what it could not look at."""

    def __init__(
        self, problem: Problem, incumbent: Filling, leaving: Leaving, effort_max: int
    ) -> None:
        self._problem = problem
        self._leaving = leaving
        self._left = effort_max
        self._tiers: list[list[tuple[float, int, int]]] = []
        self._twins: dict[int, object] = {}
        self.best = incumbent
        self.upper = self.value(incumbent)
        self.nodes = 0
        self.left_open = float("inf")
        """The least bound of the nodes that were not looked at."""

    def value(self, filling: Filling) -> float:
        """Return what a filling costs, its unmet units included."""
        return filling.cost + self._leaving.cost(filling.unmet)

    def run(self, survivors: Sequence[int], root: Priced) -> None:
        """Search; afterwards `best` is the best plan found, and `left_open` may be below it."""
        self._tiers = [[] for _ in self._problem.wanted]
        for option in survivors:
            for item, cost, units in self._problem.rows[option]:
                self._tiers[item].append((cost, option, units))
        for tiers in self._tiers:
            tiers.sort()
        self._twins = {option: self._likeness(option) for option in survivors}
        self._node([], list(survivors), root.prices, root.bound)

    def _likeness(self, option: int) -> object:
        """Return what is equal for options that are as good as each other.

        A plan that closes one of them need not look at the others either.
        """
        problem = self._problem
        if problem.places is not None:
            return option
        cap = None if problem.caps is None else problem.caps[option]
        return problem.fixed[option], tuple(problem.rows[option]), cap

    def _relaxed(self, alive: set[int]) -> tuple[float, set[int]]:
        """Return the unit costs if all that is alive were open, and what is used then."""
        cost = 0.0
        used = set()
        costs = self._leaving.costs
        for need, tiers, left_over in zip(self._problem.wanted, self._tiers, costs, strict=True):
            for unit_cost, option, units in tiers:
                if option not in alive:
                    continue
                used.add(option)
                if units >= need:
                    cost += need * unit_cost
                    need = 0  # noqa: PLW2901 - the item is served
                    break
                cost += units * unit_cost
                need -= units  # noqa: PLW2901 - what is still needed of the item
            cost += need * left_over
        return cost, used

    def _node(
        self, opened: list[int], undecided: list[int], prices: list[float], bound: float
    ) -> None:
        if bound >= self.upper - EPSILON:
            return
        if self._problem.open_max is not None and len(opened) >= self._problem.open_max:
            undecided = []
        unit_costs, used = self._relaxed({*opened, *undecided})
        bound = max(bound, unit_costs + sum(self._problem.fixed[option] for option in opened))
        if bound >= self.upper - EPSILON:
            return
        if self._left <= 0:
            self.left_open = min(self.left_open, bound)
            return
        self.nodes += 1
        self._left -= len(opened) + len(undecided)
        if not undecided or used.issubset(opened):
            self._settle(opened)
            if self._problem.caps is None or not undecided:
                return
        if len(undecided) > FEW:
            self._narrow(opened, undecided, prices, bound, used)
        else:
            self._branch(opened, undecided, prices, bound, used)

    def _narrow(
        self,
        opened: list[int],
        undecided: list[int],
        prices: list[float],
        bound: float,
        used: set[int],
    ) -> None:
        """Improve the prices, decide what they decide, and branch on the rest."""
        found = tighten(
            self._problem, opened, undecided, prices, self.upper, ROUNDS, self._leaving.costs
        )
        self._left -= ROUNDS * (len(opened) + len(undecided))
        if found.bound >= self.upper - EPSILON:
            return
        must, may = list(opened), []
        ranked = sorted(zip(found.reduced[len(opened) :], undecided, strict=True))
        for reduced, option in ranked:
            if found.bound + found.opening(reduced) >= self.upper - EPSILON:
                continue
            if found.bound + found.closing(reduced) >= self.upper - EPSILON:
                must.append(option)
            else:
                may.append(option)
        if not self._is_allowed(must):
            return  # no plan that is better has both, and none does without either
        if len(must) > len(opened):
            self._node(must, self._allowed(must, may), found.prices, found.bound)
        else:
            self._branch(opened, may, found.prices, max(bound, found.bound), used)

    def _branch(
        self,
        opened: list[int],
        undecided: list[int],
        prices: list[float],
        bound: float,
        used: set[int],
    ) -> None:
        """Decide on the first undecided option that the relaxed plan uses: open it, close it."""
        if not undecided:
            self._settle(opened)
            return
        option = next((one for one in undecided if one in used), undecided[0])
        rest = [one for one in undecided if one != option]
        twin = self._twins[option]
        without = [one for one in rest if self._twins[one] != twin]
        with_it = [*opened, option]
        self._node(with_it, self._allowed(with_it, rest), prices, bound)
        self._node(opened, without, prices, bound)

    def _is_allowed(self, opened: Sequence[int]) -> bool:
        """Return whether no location has two of its options opened, and no more than may be."""
        places, most = self._problem.places, self._problem.open_max
        if most is not None and len(opened) > most:
            return False
        return places is None or len({places[option] for option in opened}) == len(opened)

    def _allowed(self, opened: Sequence[int], undecided: list[int]) -> list[int]:
        """Return the undecided options of locations that have none opened."""
        places = self._problem.places
        if places is None:
            return undecided
        used = {places[option] for option in opened}
        return [option for option in undecided if places[option] not in used]

    def _settle(self, opened: Sequence[int]) -> None:
        """Make the opened options the incumbent if they are better."""
        filling = fill(self._problem, opened)
        value = self.value(filling)
        if value < self.upper - EPSILON:
            self.best, self.upper = filling, value
