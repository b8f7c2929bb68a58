"""The cheapest plan for one order, proved: good plan first, bound, prune, search what is left.

1. An order of one unit is an argmin.
2. A first plan: options opened, closed and exchanged while that saves (`improving`).
3. Prices of the items are improved on the most promising options (`bounds`).
4. All options are judged by these prices: few can be part of a better plan.
5. Branch and bound among them (`search`). It ends by itself; should it need more
   than `effort_max`, the best plan found is returned with a proved gap.
"""

from collections.abc import Sequence

from central_server.sourcing.engine.bounds import Priced, priced, tighten
from central_server.sourcing.engine.filling import Filling, fill
from central_server.sourcing.engine.improving import Improver
from central_server.sourcing.engine.problem import EPSILON, Problem, Solution, Take
from central_server.sourcing.engine.search import Search

EFFORT_MAX = 25_000
"""Options looked at by a search in real time: some 10 to 20 ms."""
PROMISING = 48
"""Options among which plans are made and prices improved; the proof looks at all of them."""
ANCHORS = 3
PRICE_ROUNDS = 3
STEPS = 40


def solve(problem: Problem, effort_max: int = EFFORT_MAX) -> Solution:
    """Return the cheapest plan among those that serve the most units.

    Ties are broken by the order of the options, so equal input gives equal output.
    """
    able, unmet = _fillable(problem)
    if not any(able):
        return Solution((), 0.0, 0.0, tuple(unmet), 0)
    reduced = problem if able == problem.wanted else _with_wanted(problem, able)
    simple = _simple(reduced)
    if simple is not None:
        return Solution(simple.takes, simple.cost, simple.cost, tuple(unmet), 0)
    filling, bound, nodes = _Solving(reduced).run(effort_max)
    missing = tuple(a + b for a, b in zip(filling.unmet, unmet, strict=True))
    return Solution(filling.takes, filling.cost, min(bound, filling.cost), missing, nodes)


def _fillable(problem: Problem) -> tuple[list[int], list[int]]:
    """Return the units of each item that can be served at all, and those that cannot."""
    left = list(problem.wanted)
    for row in problem.rows:
        for item, _, units in row:
            left[item] -= units
    unmet = [max(0, units) for units in left]
    able = [wanted - units for wanted, units in zip(problem.wanted, unmet, strict=True)]
    return able, unmet


def _with_wanted(problem: Problem, wanted: list[int]) -> Problem:
    return Problem(
        wanted, problem.fixed, problem.rows, problem.places, problem.caps, problem.open_max
    )


def _simple(problem: Problem) -> Filling | None:
    """Return the best plan of an order of one unit; None for other orders."""
    if sum(problem.wanted) != 1:
        return None
    wanted = problem.wanted.index(1)
    best, chosen, least = float("inf"), -1, 0.0
    for option, row in enumerate(problem.rows):
        for item, cost, _ in row:
            if item == wanted:
                if problem.fixed[option] + cost < best - EPSILON:
                    best, chosen, least = problem.fixed[option] + cost, option, cost
                break
    unmet = tuple([0] * len(problem.wanted))
    return Filling(best, unmet, (Take(chosen, wanted, 1, least),))


class _Solving:
    """One order on its way through the steps."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._all = range(len(problem.rows))
        self._unmet_cost = _dearest(problem)

    def run(self, effort_max: int) -> tuple[Filling, float, int]:
        """Return the plan, the bound on what it serves, and the nodes looked at."""
        if self._problem.open_max == 1:
            return self._single()
        root = priced(self._problem, (), self._all, self._opening_prices())
        incumbent = self._first_plan(self._ranked(root))
        root = self._tightened(root, self._value(incumbent))
        if root.bound < self._value(incumbent) - EPSILON:
            pool = self._ranked(root)[:PROMISING]
            incumbent = Improver(self._problem, pool, self._unmet_cost).improved(incumbent)
        upper = self._value(incumbent)
        if root.bound >= upper - EPSILON:
            return incumbent, incumbent.cost, 0
        survivors = [
            option for option in self._ranked(root)
            if root.bound + max(0.0, root.reduced[option]) < upper - EPSILON
        ]  # fmt: skip
        search = Search(self._problem, incumbent, self._unmet_cost, effort_max)
        search.run(survivors, root)
        proved = min(search.upper, search.left_open)
        return search.best, proved - self._unmet_cost * sum(search.best.unmet), search.nodes

    def _ranked(self, root: Priced) -> list[int]:
        """Return all options, the most promising first."""
        return sorted(self._all, key=root.reduced.__getitem__)

    def _single(self) -> tuple[Filling, float, int]:
        """Return the best single option."""
        plans = (fill(self._problem, (option,)) for option in self._all)
        best = min((plan for plan in plans if plan.takes), key=self._value)
        return best, best.cost, 0

    def _tightened(self, root: Priced, upper: float) -> Priced:
        """Improve prices on the promising options, judge all, and take in what was missed."""
        chosen = self._ranked(root)[:PROMISING]
        best, current = root, root
        for _ in range(PRICE_ROUNDS):
            if best.bound >= upper - EPSILON:
                break
            current = tighten(self._problem, (), chosen, current.prices, upper, STEPS)
            current = priced(self._problem, (), self._all, current.prices)
            best = max(best, current, key=lambda one: one.bound)
            known = set(chosen)
            missed = [
                option for option in self._ranked(current)[: 2 * PROMISING]
                if current.reduced[option] < -EPSILON and option not in known
            ]  # fmt: skip
            if not missed:
                break
            chosen += missed
        return best

    def _opening_prices(self) -> list[float]:
        """Return for each item the least cost of a unit if one option served nothing else."""
        wanted, fixed = self._problem.wanted, self._problem.fixed
        least = [self._unmet_cost] * len(wanted)
        for option, row in enumerate(self._problem.rows):
            opening = fixed[option]
            for item, cost, units in row:
                if wanted[item]:
                    price = cost + opening / min(units, wanted[item])
                    least[item] = min(least[item], price)
        return least

    def _first_plan(self, ranked: Sequence[int]) -> Filling:
        """Return the best of a few plans: an anchor, filled up with what saves most."""
        improver = Improver(self._problem, ranked[:PROMISING], self._unmet_cost)
        plans = [improver.grown([anchor]) for anchor in ranked[:ANCHORS]]
        best = min(plans, key=self._value)
        if any(best.unmet):
            everywhere = Improver(self._problem, ranked, self._unmet_cost)
            best = everywhere.grown(sorted({take.option for take in best.takes}))
        return improver.improved(best)

    def _value(self, filling: Filling) -> float:
        return filling.cost + self._unmet_cost * sum(filling.unmet)


def _dearest(problem: Problem) -> float:
    """Return more than any plan costs: serving one unit more is always worth it."""
    opening = max(problem.fixed, default=0.0)
    dearest = max((abs(cell.cost) for row in problem.rows for cell in row), default=0.0)
    return 1.0 + 2.0 * sum(problem.wanted) * (opening + dearest)
