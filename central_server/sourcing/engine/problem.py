"""One order as an optimisation problem: which options to open, and which units each gives.

    minimise   sum over open k of fixed[k] + sum of unit cost over the units taken
    such that  every item gets the units that it wants, an option gives units only
               while open, and no more of an item than it has

Costs are amounts in minor units as floats (rates have fractions); the plan that
is made of a solution rounds them. An option is a location together with one
shipping service; options of one location exclude each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import mul
from typing import NamedTuple

EPSILON = 1e-7
"""Costs that differ by less count as equal (minor units)."""


Offer = tuple[int, float, int]
"""A `Cell`, or a plain tuple of the same three values, which is made faster."""


class Cell(NamedTuple):
    """So many units of an item at one option, each at the same cost.

    Several cells of one item and option are tiers: units that get dearer the more
    are taken, because the last ones on a shelf are worth more there.
    """

    item: int
    cost: float
    units: int


@dataclass(frozen=True, slots=True)
class Problem:
    """What `solver.solve` decides. Lists over options have the same length."""

    wanted: list[int]
    """Units of each item, all positive."""
    fixed: list[float]
    """Cost of opening an option: the parcel, its handling. Not negative."""
    rows: list[Sequence[Offer]]
    """What each option offers: its cells, the tiers of an item in ascending cost."""
    places: list[int] | None = None
    """The location of each option: at most one option of a location is opened."""
    caps: list[int] | None = None
    """Units that an option may give in all; None: as many as it has."""
    open_max: int | None = None
    """How many options may be opened at most."""
    refine: Callable[[int], Sequence[Offer]] | None = None
    """If given, `rows` are rough: one cell for an item, all units at the cost of the first.
    `refine(option)` returns the true row; it is asked for the few options that matter."""
    goods: list[int] | None = None
    """Units of goods that one unit of an item stands for: a plan serves the most of these.
    None: one each."""
    dearer: float = 0.0
    """How much more than its rough cost a unit may cost in the true row, at most."""


class Leaving:
    """What it costs to leave units over: more than any plan, so that most goods are served."""

    def __init__(self, problem: Problem) -> None:
        opening = max(problem.fixed, default=0.0)
        dearest = 0.0
        for row in problem.rows:
            for _, cost, _ in row:
                if cost > dearest or -cost > dearest:
                    dearest = abs(cost)
        each = 1.0 + 2.0 * sum(problem.wanted) * (opening + dearest + problem.dearer)
        self.costs = [each * goods for goods in problem.goods or [1] * len(problem.wanted)]
        """Of a unit of each item."""

    def cost(self, unmet: Sequence[int]) -> float:
        """Return what leaving these over costs."""
        return float(sum(map(mul, self.costs, unmet)))


class Take(NamedTuple):
    """So many units of an item from an option, at what they cost together."""

    option: int
    item: int
    units: int
    cost: float


@dataclass(frozen=True, slots=True)
class Solution:
    """The best plan found, and what is proved about it."""

    takes: tuple[Take, ...]
    """By option, then item; what no option can give is missing."""
    cost: float
    """Fixed and unit costs of what is taken."""
    bound: float
    """No plan that serves as many units costs less."""
    unmet: tuple[int, ...]
    """Units of each item that nothing serves."""
    nodes: int
    """How many nodes of the search were looked at; 0: proved without a search."""

    @property
    def options(self) -> tuple[int, ...]:
        """The opened options, ascending."""
        return tuple(sorted({take.option for take in self.takes}))

    @property
    def gap(self) -> float:
        """How far the cost may be above the optimum, as a share of it; 0: it is the optimum.

        Costs below one minor unit, whichever sign, count as one.
        """
        excess = self.cost - self.bound
        return excess / max(1.0, abs(self.cost)) if excess > EPSILON else 0.0
