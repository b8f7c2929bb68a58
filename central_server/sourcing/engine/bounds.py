"""Lower bounds from prices of the items (Lagrangian relaxation), and what they rule out.

Let the demand of item l be priced at v[l] a unit instead of enforced. Then each
option decides for itself, and for every v

    L(v) = sum of wanted[l] v[l] + sum over opened of r(v) + sum over others of min(0, r(v))
    r(v) = fixed - sum over its cells of units max(0, v[l] - cost)      (reduced cost)

is at most the cost of any plan with these opened (Geoffrion 1974; for locations:
Erlenkotter 1978). A plan that opens another option with r > 0 costs at least
L + r, so where that exceeds a known plan the option is out for good: this, not a
cap on how many locations are looked at, makes a thousand candidates a handful.

Where only m more may be opened, the sum over others is that of the m least of them: to
open another one costs at least what it is above the m-th, to close one of them what it
is below the next. A plan that leaves units over pays for each: no price may exceed that,
or the bound would hold only for plans that serve everything.
"""

from collections.abc import Iterable, Sequence
from heapq import nsmallest
from typing import NamedTuple

from central_server.sourcing.engine.problem import EPSILON, Offer, Problem

STEP_START = 1.0
STEP_END = 0.02
PATIENCE = 1
"""Steps without a better bound before the step is halved. Two cost a quarter more time for no bound
that mattered (1,000 orders of few lines and 150 of many, among 1,000 places)."""


class Priced(NamedTuple):
    """Prices of the items and what follows from them."""

    prices: list[float]
    reduced: list[float]
    """Reduced costs, in the order of the options that were given (opened first)."""
    bound: float
    last: float = 0.0
    """The reduced cost of the last one that the bound opens; 0 where it might open more."""
    spare: float = 0.0
    """That of the next one, which may not be opened; 0 without any."""

    def opening(self, reduced: float) -> float:
        """Return what a plan costs at least more than the bound that opens an option."""
        return max(0.0, reduced - self.last)

    def closing(self, reduced: float) -> float:
        """Return what a plan costs at least more than the bound that does not open it."""
        return max(0.0, self.spare - reduced)


def reduced_costs(problem: Problem, prices: Sequence[float]) -> list[float]:
    """Return r(v) of every option."""
    found: list[float] = []
    append = found.append
    for value, row in zip(problem.fixed, problem.rows, strict=True):
        for item, cost, units in row:
            price = prices[item]
            if price > cost:
                value -= (price - cost) * units  # noqa: PLW2901 - it must be quick
        append(value)
    return found


def least(negative: Iterable[float], limit: int | None) -> tuple[float, float, float]:
    """Return the sum of the `limit` least reduced costs, the last of them and the next one.

    The last two are 0 where all may be opened.
    """
    if limit is None:
        return sum(negative), 0.0, 0.0
    found = nsmallest(limit + 1, negative)
    kept = found[:limit]
    if len(kept) < limit or not kept:
        return sum(kept), 0.0, 0.0
    return sum(kept), kept[-1], found[limit] if len(found) > limit else 0.0


def tighten(
    problem: Problem,
    opened: Sequence[int],
    others: Sequence[int],
    start: list[float],
    upper: float,
    rounds: int,
    prices_max: Sequence[float],
) -> Priced:
    """Return the best of `rounds` subgradient steps from `start` towards `upper`.

    The step is Polyak's (1969): (upper - L) / |slope|^2, halved when the bound
    does not rise. It ends early once no better plan than `upper` is possible.
    `prices_max` are what a unit of each item costs that is left over.
    """
    limit = None if problem.open_max is None else problem.open_max - len(opened)
    forced = [(problem.fixed[option], problem.rows[option]) for option in opened]
    free = [(problem.fixed[option], problem.rows[option]) for option in others]
    current, slope = _look(problem.wanted, forced, free, start, limit)
    best, best_slope, step, waited = current, slope, STEP_START, 0
    for _ in range(rounds):
        length = sum(value * value for value in slope)
        if length == 0 or best.bound >= upper - EPSILON:
            break
        stride = step * (upper - current.bound) / length
        prices = [
            min(most, price + stride * value)
            for price, value, most in zip(current.prices, slope, prices_max, strict=True)
        ]
        current, slope = _look(problem.wanted, forced, free, prices, limit)
        if current.bound > best.bound:
            best, best_slope, waited = current, slope, 0
            continue
        waited += 1
        if waited == PATIENCE:
            current, slope, step, waited = best, best_slope, step / 2, 0
            if step < STEP_END:
                break
    return best


Row = tuple[float, Sequence[Offer]]
"""An option: what opening it costs, and its cells."""


def _look(
    wanted: Sequence[int],
    forced: Sequence[Row],
    free: Sequence[Row],
    prices: list[float],
    limit: int | None,
) -> tuple[Priced, list[int]]:
    """Return the bound at `prices`, and its slope: units wanted less units offered."""
    slope = list(wanted)
    bound = 0.0
    for units, price in zip(slope, prices, strict=True):
        bound += units * price
    reduced: list[float] = []
    append = reduced.append
    opened: list[tuple[float, Sequence[Offer]]] = []
    for is_forced, options in ((True, forced), (False, free)):
        for value, row in options:
            for item, cost, units in row:
                price = prices[item]
                if price > cost:
                    value -= (price - cost) * units  # noqa: PLW2901 - it must be quick
            append(value)
            if is_forced:
                bound += value
                _offer(slope, prices, row)
            elif value < 0.0:
                opened.append((value, row))
    last = spare = 0.0
    if limit is not None and len(opened) >= limit:
        opened.sort(key=_value)
        last = opened[limit - 1][0]
        spare = opened[limit][0] if len(opened) > limit else 0.0
        del opened[limit:]
    for value, row in opened:
        bound += value
        _offer(slope, prices, row)
    return Priced(prices, reduced, bound, last, spare), slope


def _value(row: Row) -> float:
    return row[0]


def _offer(slope: list[int], prices: Sequence[float], row: Sequence[Offer]) -> None:
    """Take off what an opened option gives at these prices."""
    for item, cost, units in row:
        if prices[item] > cost:
            slope[item] -= units
