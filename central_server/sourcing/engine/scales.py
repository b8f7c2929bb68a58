"""Several goals as one objective: weighted, or one after the other.

Ordered goals are scaled so that the smallest step of one outweighs everything
that the goals after it can make of an order. Balance then counts in whole minor units,
the costs of each unit and parcel in hundredths, or in whole ones where hundredths would
take more digits than there are; balance is no part of the cost then, but a goal of its own.
What the named goals leave equal the cost decides, then the number of shipments (`ranked`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from central_server.sourcing.engine.model import Goal
from central_server.sourcing.engine.problem import Offer, Problem


@dataclass(frozen=True, slots=True)
class Scales:
    """How the goals of a rule set become one number."""

    ordered: tuple[Goal, ...]
    speed_minor: float
    shipment_minor: float

    def apply(
        self, raw: Problem, balances: Sequence[Sequence[float]], days: Sequence[float]
    ) -> tuple[list[float], list[Sequence[Offer]], float]:
        """Return fixed and unit costs in the objective's scale, and what costs are counted in.

        That is a part of a minor unit where goals are ordered, else 0: they are not rounded.

        `balances` has, for each cell of `raw`, what a unit of it costs the balance of
        stock; it is asked for where goals are ordered.
        """
        if not self.ordered:
            fixed = [
                opening + self.shipment_minor + self.speed_minor * late
                for opening, late in zip(raw.fixed, days, strict=True)
            ]
            return fixed, raw.rows, 0.0
        digits = COST_DIGITS
        weights, most = _weights(ranked(self.ordered), raw, balances, days, digits)
        if most >= EXACT_MAX:
            digits = 0
            weights, _ = _weights(ranked(self.ordered), raw, balances, days, digits)
        balance = weights.get(Goal.BALANCE, 0.0)
        cost = weights.get(Goal.COST, 0.0)
        fixed = [
            cost * round(opening, digits)
            + weights.get(Goal.SPEED, 0.0) * late
            + weights.get(Goal.SHIPMENTS, 0.0)
            for opening, late in zip(raw.fixed, days, strict=True)
        ]
        rows: list[Sequence[Offer]] = [
            _merged(
                (item, cost * round(price, digits) + balance * round(harm), units)
                for (item, price, units), harm in zip(row, harms, strict=True)
            )
            for row, harms in zip(raw.rows, balances, strict=True)
        ]
        return fixed, rows, 10.0**-digits


def _merged(cells: Iterable[Offer]) -> list[Offer]:
    """Return the cells of a row, those of one item that follow each other at one cost as one."""
    found: list[Offer] = []
    for item, cost, units in cells:
        if found and found[-1][:2] == (item, cost):
            found[-1] = (item, cost, found[-1][2] + units)
        else:
            found.append((item, cost, units))
    return found


def ranked(ordered: Sequence[Goal]) -> tuple[Goal, ...]:
    """Return goals that stand in order, with those that break ties after all that are named."""
    return tuple(dict.fromkeys((*ordered, Goal.COST, Goal.SHIPMENTS)))


def _weights(
    goals: Sequence[Goal],
    raw: Problem,
    balances: Sequence[Sequence[float]],
    days: Sequence[float],
    digits: int,
) -> tuple[dict[Goal, float], float]:
    """Return the weight of each goal: from the last on, above all that follow it.

    And what all goals together may reach. Costs count in so many `digits` after the point.
    """
    units = sum(raw.wanted)
    shipments = max(1, min(units, len(raw.fixed)))
    opening = max((round(one, digits) for one in raw.fixed), default=0.0)
    dearest = max(
        (abs(round(price, digits)) for row in raw.rows for _, price, _ in row), default=0.0
    )
    harm = max((round(value) for row in balances for value in row), default=0)
    reach = {
        Goal.COST: units * 2 * dearest + shipments * opening,
        Goal.SPEED: shipments * max(days, default=0.0),
        Goal.SHIPMENTS: shipments,
        Goal.BALANCE: units * harm,
    }
    step = {
        Goal.COST: 10.0**-digits,
        Goal.SPEED: SPEED_STEP_DAYS,
        Goal.SHIPMENTS: 1.0,
        Goal.BALANCE: 1.0,
    }
    weights: dict[Goal, float] = {}
    below = 0.0
    for goal in reversed(goals):
        weights[goal] = float(ceil((below + 1.0) / step[goal]))
        below += ceil(weights[goal] * reach[goal])
    return weights, below


COST_DIGITS = 2
"""Digits after the point of a cost in minor units, where they fit."""
EXACT_MAX = 2.0**50
"""Sums below this are told apart by one, and by eighths."""
SPEED_STEP_DAYS = 1 / 24
"""Arrivals closer together than this are told apart by the next goal as well."""
