"""The cheapest plan for one order, proved: good plan first, bound, prune, search what is left.

1. An order of one unit is an argmin.
2. A first plan: options opened, closed and exchanged while that saves (`improving`).
3. Prices of the items are improved on the most promising options (`bounds`).
4. All options are judged by these prices: few can be part of a better plan.
5. Branch and bound among them (`search`). It ends by itself; should it need more
   than `effort_max`, the best plan found is returned with a proved gap.
"""

from collections.abc import Iterable, Iterator, Sequence

from central_server.sourcing.engine.bounds import Priced, least, reduced_costs, tighten
from central_server.sourcing.engine.filling import Filling, fill
from central_server.sourcing.engine.improving import Improver
from central_server.sourcing.engine.problem import (
    EPSILON,
    Leaving,
    Offer,
    Problem,
    Solution,
    Take,
)
from central_server.sourcing.engine.search import Search

EFFORT_MAX = 25_000
"""Options looked at by a search in real time: some 10 to 20 ms."""
LONGER = 3
"""So many times that effort are spent where a plan leaves units over and is not proved."""
PROMISING = 40
"""Options among which plans are made and prices improved; the proof looks at all of them."""
WIDE = 60
"""Options whose true rows are made at once, so that the most promising are found among them."""
ANCHORS = 3
PRICE_ROUNDS = 3
STEPS = 15


def solve(problem: Problem, effort_max: int = EFFORT_MAX) -> Solution:
    """Return the cheapest plan among those that serve the most goods.

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
    for row in problem.rows if problem.places is None else _by_place(problem.rows, problem.places):
        for item, _, units in row:
            left[item] -= units
        if max(left) <= 0:
            break
    unmet = [max(0, units) for units in left]
    able = [wanted - units for wanted, units in zip(problem.wanted, unmet, strict=True)]
    return able, unmet


def _by_place(rows: Sequence[Sequence[Offer]], places: Sequence[int]) -> Iterator[list[Offer]]:
    """Yield what each option adds to those of its place before it: one of them is opened."""
    counted: dict[tuple[int, int], int] = {}
    for place, row in zip(places, rows, strict=True):
        offered: dict[int, int] = {}
        for item, _, units in row:
            offered[item] = offered.get(item, 0) + units
        more: list[Offer] = []
        for item, units in offered.items():
            before = counted.get((place, item), 0)
            if units > before:
                counted[place, item] = units
                more.append((item, 0.0, units - before))
        yield more


def _with_wanted(problem: Problem, wanted: list[int]) -> Problem:
    return Problem(
        wanted, problem.fixed, problem.rows, problem.places, problem.caps, problem.open_max,
        problem.refine, problem.goods, problem.dearer,
    )  # fmt: skip


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
    """One order on its way through the steps.

    The *core* is the problem over the options that matter so far, with their true
    rows; it only grows, so that numbers of its options stay what they are.
    """

    def __init__(self, problem: Problem) -> None:
        self._whole = problem
        self._options: list[int] = []
        self._known: set[int] = set()
        self._core = Problem(
            problem.wanted, [], [],
            None if problem.places is None else [],
            None if problem.caps is None else [],
            problem.open_max, goods=problem.goods,
        )  # fmt: skip
        self._leaving = Leaving(problem)

    def run(self, effort_max: int) -> tuple[Filling, float, int]:
        """Return the plan, the bound on what it serves, and the nodes looked at."""
        if self._whole.open_max == 1:
            return self._single()
        prices = self._opening_prices()
        judged = reduced_costs(self._whole, prices)
        self._take_in(sorted(range(len(judged)), key=judged.__getitem__)[:WIDE])
        self._complete(judged)
        incumbent = self._first_plan(self._ranked(prices))
        root, alive = self._tightened(prices, self._value(incumbent))
        if root.bound < self._value(incumbent) - EPSILON:
            self._take_in(alive)
            again = self._first_plan(self._ranked(root.prices))
            improver = Improver(self._core, self._ranked(root.prices)[:PROMISING], self._leaving)
            incumbent = improver.shaken(min(incumbent, again, key=self._value))
        upper = self._value(incumbent)
        if root.bound >= upper - EPSILON:
            return self._named(incumbent), incumbent.cost, 0
        judged = reduced_costs(self._core, root.prices)
        survivors = [
            option for option in sorted(range(len(judged)), key=judged.__getitem__)
            if root.bound + root.opening(judged[option]) < upper - EPSILON
        ]  # fmt: skip
        search = Search(self._core, incumbent, self._leaving, effort_max)
        search.run(survivors, root)
        nodes = 0
        if any(search.best.unmet) and search.left_open < search.upper - EPSILON:
            # Units that are left over refuse an order: that is worth a longer look.
            nodes = search.nodes
            search = Search(self._core, search.best, self._leaving, LONGER * effort_max)
            search.run(survivors, root)
        proved = min(search.upper, search.left_open)
        bound = proved - self._leaving.cost(search.best.unmet)
        return self._named(search.best), bound, nodes + search.nodes

    def _take_in(self, options: Iterable[int]) -> None:
        """Add options to the core."""
        whole, core = self._whole, self._core
        for option in options:
            if option in self._known:
                continue
            self._known.add(option)
            self._options.append(option)
            core.fixed.append(whole.fixed[option])
            core.rows.append(whole.rows[option] if whole.refine is None else whole.refine(option))
            if core.places is not None and whole.places is not None:
                core.places.append(whole.places[option])
            if core.caps is not None and whole.caps is not None:
                core.caps.append(whole.caps[option])

    def _complete(self, judged: Sequence[float]) -> None:
        """See to it that the core can serve what all options together can."""
        left = list(self._whole.wanted)
        for offered in self._core.rows:
            for item, _, units in offered:
                left[item] -= units
        if max(left) <= 0:
            return
        for option in sorted(range(len(judged)), key=judged.__getitem__):
            row: Sequence[Offer] = () if option in self._known else self._whole.rows[option]
            if any(left[item] > 0 for item, _, _ in row):
                self._take_in((option,))
                for item, _, units in row:
                    left[item] -= units

    def _named(self, filling: Filling) -> Filling:
        """Return a filling of the core with the options' own numbers."""
        takes = [take._replace(option=self._options[take.option]) for take in filling.takes]
        return filling._replace(takes=tuple(sorted(takes)))

    def _single(self) -> tuple[Filling, float, int]:
        """Return the best single option."""
        self._take_in(range(len(self._whole.rows)))
        plans = (fill(self._core, (option,)) for option in range(len(self._core.rows)))
        best = min((plan for plan in plans if plan.takes), key=self._value)
        return self._named(best), best.cost, 0

    def _tightened(self, prices: list[float], upper: float) -> tuple[Priced, list[int]]:
        """Improve prices on a few options, judge all by them, and take in what was missed.

        Returns the best prices with their bound over all options, and the options
        outside of the core that they do not rule out.
        """
        chosen = self._ranked(prices)[:PROMISING]
        best, alive = Priced(prices, [], float("-inf")), list[int]()
        for _ in range(PRICE_ROUNDS):
            found = tighten(self._core, (), chosen, prices, upper, STEPS, self._leaving.costs)
            inside, outside = self._judged(found.prices)
            less = [(value, option) for option, value in outside if value < 0.0]
            opened, last, spare = least(
                [*(value for value in inside if value < 0.0), *(value for value, _ in less)],
                self._core.open_max,
            )
            bound = opened + sum(
                units * price for units, price in zip(self._core.wanted, found.prices, strict=True)
            )
            if bound > best.bound:
                best = Priced(found.prices, [], bound, last, spare)
                alive = [
                    option for option, value in outside
                    if bound + best.opening(value) < upper - EPSILON
                ]  # fmt: skip
            if best.bound >= upper - EPSILON:
                break
            known = set(chosen)
            missed = [
                place for place, value in enumerate(inside) if value < 0.0 and place not in known
            ]
            beyond = sorted(less)[:PROMISING]
            if not missed and not beyond:
                break
            self._take_in(option for _, option in beyond)
            chosen += [*missed, *range(len(self._options) - len(beyond), len(self._options))]
            prices = found.prices
        return best, alive

    def _judged(self, prices: list[float]) -> tuple[list[float], list[tuple[int, float]]]:
        """Return reduced costs: of the core's options, and of the others with their numbers."""
        inside = reduced_costs(self._core, prices)
        if len(self._options) == len(self._whole.rows):
            return inside, []
        known, judged = self._known, reduced_costs(self._whole, prices)
        return inside, [one for one in enumerate(judged) if one[0] not in known]

    def _opening_prices(self) -> list[float]:
        """Return for each item the least cost of a unit if one option served nothing else."""
        wanted, fixed = self._whole.wanted, self._whole.fixed
        cheapest = list(self._leaving.costs)
        for option, row in enumerate(self._whole.rows):
            opening = fixed[option]
            for item, cost, units in row:
                if units:
                    price = cost + opening / (units if units < wanted[item] else wanted[item] or 1)
                    cheapest[item] = min(cheapest[item], price)
        return cheapest

    def _first_plan(self, ranked: Sequence[int]) -> Filling:
        """Return the best of a few plans: an anchor, filled up with what saves most."""
        improver = Improver(self._core, ranked[:PROMISING], self._leaving)
        plans = [improver.grown([anchor]) for anchor in ranked[:ANCHORS]]
        best = min(plans, key=self._value)
        if any(best.unmet):
            improver = Improver(self._core, ranked, self._leaving)
            best = improver.grown(sorted({take.option for take in best.takes}))
        return improver.improved(best)

    def _ranked(self, prices: list[float]) -> list[int]:
        """Return the options of the core, the most promising first."""
        judged = reduced_costs(self._core, prices)
        return sorted(range(len(judged)), key=judged.__getitem__)

    def _value(self, filling: Filling) -> float:
        return filling.cost + self._leaving.cost(filling.unmet)
