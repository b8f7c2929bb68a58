"""The master program of `together`: one plan for each order, over shared units and rooms.

minimise    sum of what the picked plans cost beside their cells
            + for each cell (location, SKU): price of its 1st, 2nd ... unit given up
such that   one plan for each order; units used of a cell = units given up there;
            shipments, units and labor in a part of a day at most what fits into it
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from central_server.sourcing.engine.goals import Cell, Units, missing
from central_server.sourcing.engine.highs import Answer, Column, minimise
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.taking import Room

LACKING_MAX = 1e6
SAME_MINOR = 1e-9
COST_MAX = 1e8
"""Costs of columns are no more, or HiGHS loses the small ones: it has absolute tolerances."""
OVERSOLD = 10.0
"""How many times as dear as a unit that is not shipped is one that a cell does not have."""
Part = tuple[str, int]
"""A location, and when parcels of a part of its day are ready (ms)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A plan of one order, as a column."""

    order: int
    plan: SourcingPlan
    cost: float
    """By the weighted goals, without what the units are worth: that is the cells' business."""
    uses: Mapping[Cell, int]
    fills: Mapping[Part, Room]
    """What it takes of parts of days that have limits."""


class Duals(NamedTuple):
    """What the rows of the linear program are worth (minor units)."""

    orders: Sequence[float]
    """What an order costs at the margin."""
    cells: Mapping[Cell, float]
    """What a unit costs of the cells that plans use."""
    parts: Mapping[Part, Room]
    """What a shipment, a unit and a minute cost in parts of days that are full."""


@dataclass(slots=True)
class Master:
    """The columns, and what they share."""

    orders: int
    """How many there are."""
    prices: Units
    lacking_minor: float
    """Price of a unit more than a cell has, in the linear program."""
    unshipped_minor: float
    """What a unit that nobody ships costs in the choices."""
    choices: list[Choice] = field(default_factory=list)
    limits: dict[Part, Room] = field(default_factory=dict)
    """How much fits into the parts of days."""

    def duals(self) -> Duals:
        """Solve the linear program. Raises `OptimizerMissing`, `OptimizerFailed`."""
        cells, rooms = self._cells(), self._rooms()
        columns = self._columns(cells, rooms, self.lacking_minor, is_integer=False)
        scale = _scale(columns)
        answer = minimise(columns, self._rows(cells, rooms))
        values = [value * scale for value in answer.duals]
        split = self.orders + len(cells)
        charges: dict[Part, list[float]] = {}
        for (part, kind), value in zip(rooms, values[split:], strict=True):
            if value < -SAME_MINOR:
                charges.setdefault(part, [0.0, 0.0, 0.0])[kind] = -value
        return Duals(
            values[: self.orders],
            {cell: -value for cell, value in zip(cells, values[self.orders : split], strict=True)},
            {part: Room(*found) for part, found in charges.items()},
        )

    def picked(self, seconds_max: float, kept: Sequence[int], gap: float) -> list[SourcingPlan]:
        """Return a plan for each order: the integer program, started from the choices `kept`.

        Raises `OptimizerMissing`, `OptimizerFailed`.
        """
        cells, rooms = self._cells(), self._rooms()
        columns = self._columns(cells, rooms, OVERSOLD * self.unshipped_minor, is_integer=True)
        for column, fine in zip(columns, self._fines(), strict=False):
            column.cost -= fine
        _scale(columns)
        start = [0.0] * len(columns)
        for place in kept:
            start[place] = 1.0
        self._give_up(start, columns)
        answer: Answer = minimise(
            columns, self._rows(cells, rooms), seconds_max=seconds_max, gap=gap,
            start=start if kept else None,
        )  # fmt: skip
        found: list[SourcingPlan | None] = [None] * self.orders
        for choice, value in zip(self.choices, answer.values, strict=False):
            if value > 0.5:  # noqa: PLR2004 - 0 or 1, up to rounding
                found[choice.order] = choice.plan
        plans = [plan for plan in found if plan is not None]
        assert len(plans) == self.orders
        return plans

    def _fines(self) -> list[float]:
        """Return what each choice costs for units that no choice of its order ships.

        Of a sum that has them in it, the gap would be a share of nearly nothing else.
        """
        least: dict[int, int] = {}
        for choice in self.choices:
            units = missing(choice.plan)
            least[choice.order] = min(units, least.get(choice.order, units))
        return [self.unshipped_minor * least[choice.order] for choice in self.choices]

    def _cells(self) -> list[Cell]:
        return sorted({cell for choice in self.choices for cell in choice.uses})

    def _rooms(self) -> list[tuple[Part, int]]:
        """Return the limits that could bind: the part of a day, and which figure of `Room`."""
        wanted: dict[Part, Room] = {}
        for choice in self.choices:
            for part, room in choice.fills.items():
                wanted[part] = wanted.get(part, Room(0.0, 0.0, 0.0)).plus(room)
        return [
            (part, kind)
            for part in sorted(wanted)
            for kind, most in enumerate(wanted[part])
            if most > self.limits[part][kind]
        ]

    def _rows(
        self, cells: Sequence[Cell], rooms: Sequence[tuple[Part, int]]
    ) -> list[tuple[float, float]]:
        limits = [(0.0, float(self.limits[part][kind])) for part, kind in rooms]
        return [(1.0, 1.0)] * self.orders + [(0.0, 0.0)] * len(cells) + limits

    def _columns(
        self,
        cells: Sequence[Cell],
        rooms: Sequence[tuple[Part, int]],
        lacking_minor: float,
        *,
        is_integer: bool,
    ) -> list[Column]:
        """Return the choices as columns, and after them what each cell gives up."""
        row_of = {cell: self.orders + place for place, cell in enumerate(cells)}
        rows_of: dict[Part, list[tuple[int, int]]] = {}
        for row, (part, kind) in enumerate(rooms, self.orders + len(cells)):
            rows_of.setdefault(part, []).append((row, kind))
        columns = []
        for choice in self.choices:
            entries = [(choice.order, 1.0)]
            entries += [(row_of[cell], float(units)) for cell, units in choice.uses.items()]
            for part, room in choice.fills.items():
                entries += [(row, float(room[kind])) for row, kind in rows_of.get(part, ())]
            columns.append(Column(choice.cost, 1.0, entries, is_integer))
        for cell in cells:
            for price, units in _steps(self.prices.get(cell, ())):
                columns.append(Column(price, float(units), [(row_of[cell], -1.0)]))
            columns.append(Column(lacking_minor, LACKING_MAX, [(row_of[cell], -1.0)]))
        return columns

    def _give_up(self, start: list[float], columns: Sequence[Column]) -> None:
        """Complete a start: the cells give up what the picked plans use."""
        count = len(self.choices)
        needed: dict[int, float] = {}
        for column, value in zip(columns[:count], start, strict=False):
            for row, units in column.entries:
                needed[row] = needed.get(row, 0.0) + value * units
        for place in range(count, len(columns)):
            row = columns[place].entries[0][0]
            start[place] = min(columns[place].upper, needed[row])
            needed[row] -= start[place]


def _scale(columns: Sequence[Column]) -> float:
    """Divide costs that are beyond `COST_MAX` by something; return by what."""
    scale = max(1.0, max((abs(column.cost) for column in columns), default=0.0) / COST_MAX)
    for column in columns:
        column.cost /= scale
    return scale


def _steps(prices: Sequence[float]) -> list[tuple[float, int]]:
    """Return prices with how many units in a row have each."""
    found: list[tuple[float, int]] = []
    for price in prices:
        if found and price <= found[-1][0] + SAME_MINOR:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((price, 1))
    return found
