"""Lower bounds from prices of the items (Lagrangian relaxation), and what they rule out.

Let the demand of item l be priced at v[l] a unit instead of enforced. Then each
option decides for itself, and for every v

    L(v) = sum of wanted[l] v[l] + sum over opened of r(v) + sum over others of min(0, r(v))
    r(v) = fixed - sum over its cells of units max(0, v[l] - cost)      (reduced cost)

is at most the cost of any plan with these opened (Geoffrion 1974; for locations:
Erlenkotter 1978). A plan that opens another option with r > 0 costs at least
L + r, so where that exceeds a known plan the option is out for good: this, not a
cap on how many locations are looked at, makes a thousand candidates a handful.
"""

from collections.abc import Sequence
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


def tighten(
    problem: Problem,
    opened: Sequence[int],
    others: Sequence[int],
    start: list[float],
    upper: float,
    rounds: int,
) -> Priced:
    """Return the best of `rounds` subgradient steps from `start` towards `upper`.

    The step is Polyak's (1969): (upper - L) / |slope|^2, halved when the bound
    does not rise. It ends early once no better plan than `upper` is possible.
    """
    forced = [(problem.fixed[option], problem.rows[option]) for option in opened]
    free = [(problem.fixed[option], problem.rows[option]) for option in others]
    current, slope = _look(problem.wanted, forced, free, start)
    best, best_slope, step, waited = current, slope, STEP_START, 0
    for _ in range(rounds):
        length = sum(value * value for value in slope)
        if length == 0 or best.bound >= upper - EPSILON:
            break
        stride = step * (upper - current.bound) / length
        prices = [
            price + stride * value for price, value in zip(current.prices, slope, strict=True)
        ]
        current, slope = _look(problem.wanted, forced, free, prices)
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
    wanted: Sequence[int], forced: Sequence[Row], free: Sequence[Row], prices: list[float]
) -> tuple[Priced, list[int]]:
    """Return the bound at `prices`, and its slope: units wanted less units offered."""
    slope = list(wanted)
    bound = 0.0
    for units, price in zip(slope, prices, strict=True):
        bound += units * price
    reduced: list[float] = []
    append = reduced.append
    for is_forced, options in ((True, forced), (False, free)):
        for value, row in options:
            for item, cost, units in row:
                price = prices[item]
                if price > cost:
                    value -= (price - cost) * units  # noqa: PLW2901 - it must be quick
            append(value)
            if is_forced or value < 0.0:
                bound += value
                for item, cost, units in row:
                    if prices[item] > cost:
                        slope[item] -= units
    return Priced(prices, reduced, bound), slope
