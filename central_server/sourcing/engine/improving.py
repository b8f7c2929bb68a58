"""Good plans quickly: open, close and exchange options while that lowers the cost.

What one more option would save is read off the units that are taken now, dearest
first, without filling the set anew: that is what makes looking at every exchange
affordable. Caps are not seen by that estimate; `fill` has the last word.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations

from central_server.sourcing.engine.filling import Filling, fill
from central_server.sourcing.engine.problem import EPSILON, Leaving, Problem

ROUNDS_MAX = 12
PAIRS_MAX = 15

Stack = list[tuple[float, int]]
"""Units of one item as they are served now: unit cost and units, dearest first."""


class Improver:
    """Local search over sets of open options, among a pool."""

    def __init__(self, problem: Problem, pool: Sequence[int], leaving: Leaving) -> None:
        self._problem = problem
        self._pool = pool
        self._leaving = leaving

    def value(self, filling: Filling) -> float:
        """Return what a filling costs, its unmet units included."""
        return filling.cost + self._leaving.cost(filling.unmet)

    def grown(self, chosen: Sequence[int]) -> Filling:
        """Open what saves most, as long as something saves."""
        opened = list(chosen)
        filling = fill(self._problem, opened)
        limit = self._problem.open_max or len(self._problem.rows)
        while len(opened) < limit:
            saving, option = self._best_addition(opened)
            if saving <= EPSILON:
                break
            tried = fill(self._problem, [*opened, option])
            if self.value(tried) >= self.value(filling) - EPSILON:
                break
            opened.append(option)
            filling = tried
        return filling

    def improved(self, filling: Filling) -> Filling:
        """Close and exchange options until no single exchange helps."""
        for _ in range(ROUNDS_MAX):
            better = self._exchanged(filling)
            if better is None:
                break
            filling = better
        return filling

    def shaken(self, filling: Filling) -> Filling:
        """Close two options at a time and open what saves most instead, as long as it helps."""
        for _ in range(ROUNDS_MAX):
            opened = _opened(filling)
            best = filling
            for pair in list(combinations(opened, 2))[:PAIRS_MAX]:
                tried = self.grown([one for one in opened if one not in pair])
                if self.value(tried) < self.value(best) - EPSILON:
                    best = tried
            if best is filling:
                break
            filling = self.improved(best)
        return filling

    def _exchanged(self, filling: Filling) -> Filling | None:
        """Return the best plan with one option closed and at most one opened in its place."""
        now = self.value(filling)
        opened = _opened(filling)
        found, least = None, now - EPSILON
        for option in opened:
            others = [one for one in opened if one != option]
            without = fill(self._problem, others)
            value = self.value(without)
            if value < least:
                found, least = others, value
            saving, instead = self._best_addition(others)
            if instead != option and value - saving < least:
                found, least = [*others, instead], value - saving
        if found is None:
            return None
        better = self.grown(found)
        return better if self.value(better) < now - EPSILON else None

    def _best_addition(self, opened: Sequence[int]) -> tuple[float, int]:
        """Return which option of the pool saves most beside `opened`, and how much."""
        stacks = self._stacks(opened)
        best, chosen = 0.0, -1
        fixed, rows = self._problem.fixed, self._problem.rows
        for option in self._beside(opened):
            saving = -fixed[option]
            for item, cost, units in rows[option]:
                stack = stacks[item]
                if stack and stack[0][0] > cost:
                    saving += _replaced(stack, cost, units)
            if saving > best:
                best, chosen = saving, option
        return best, chosen

    def _beside(self, opened: Sequence[int]) -> Iterable[int]:
        places = self._problem.places
        if places is None:
            return (option for option in self._pool if option not in opened)
        used = {places[option] for option in opened}
        return (option for option in self._pool if places[option] not in used)

    def _stacks(self, opened: Sequence[int]) -> list[Stack]:
        """Return how each item is served by `opened`, unmet units on top."""
        offers: list[list[tuple[float, int]]] = [[] for _ in self._problem.wanted]
        for option in opened:
            for item, cost, units in self._problem.rows[option]:
                offers[item].append((cost, units))
        stacks = []
        costs = self._leaving.costs
        for need, offered, left_over in zip(self._problem.wanted, offers, costs, strict=True):
            stack: Stack = []
            for cost, units in sorted(offered):
                if need <= 0:
                    break
                stack.append((cost, min(need, units)))
                need -= units  # noqa: PLW2901 - what is still needed of the item
            if need > 0:
                stack.append((left_over, need))
            stack.reverse()
            stacks.append(stack)
        return stacks


def _replaced(stack: Stack, cost: float, units: int) -> float:
    """Return what is saved if `units` at `cost` replace the dearest units of a stack."""
    saved = 0.0
    for dear, count in stack:
        if dear <= cost:
            break
        if count >= units:
            return saved + units * (dear - cost)
        saved += count * (dear - cost)
        units -= count
    return saved


def _opened(filling: Filling) -> list[int]:
    return sorted({take.option for take in filling.takes})
