"""What a set of open options costs: each item takes its cheapest units, exactly.

Without caps the items do not touch each other. With caps it is a transportation
problem, solved by successive shortest paths (Ford and Fulkerson 1962): the sets
are small, so nothing cleverer is needed. Its costs are whole numbers: of floats
that differ by their rounding alone, a circle of arcs would seem to save something.
"""

from collections.abc import Sequence
from typing import NamedTuple

from central_server.sourcing.engine.problem import Problem, Take

INFINITE = float("inf")
FINE_BITS = 30
"""Costs are counted in so small parts of a minor unit: finer than any two that differ."""
WHOLE_FROM = 2.0**53
"""From here on a float is a whole number anyway."""


class Filling(NamedTuple):
    """Units taken from a set of open options."""

    cost: float
    """Fixed costs of the options that give something, and unit costs; nothing for unmet units."""
    unmet: tuple[int, ...]
    takes: tuple[Take, ...]


def fill(problem: Problem, chosen: Sequence[int]) -> Filling:
    """Return the cheapest way to serve as many goods as `chosen` can."""
    offers: list[list[tuple[float, int, int]]] = [[] for _ in problem.wanted]
    for option in chosen:
        for item, cost, units in problem.rows[option]:
            offers[item].append((cost, option, units))
    amounts: dict[tuple[int, int], tuple[int, float]] = {}
    unmet = []
    for item, need in enumerate(problem.wanted):
        for cost, option, units in sorted(offers[item]):
            if need == 0:
                break
            given = min(need, units)
            need -= given  # noqa: PLW2901 - what is still needed of the item
            units_before, cost_before = amounts.get((option, item), (0, 0.0))
            amounts[option, item] = (units_before + given, cost_before + given * cost)
        unmet.append(need)
    if problem.caps is not None and _exceeds(problem.caps, amounts):
        amounts, unmet = _transport(problem, chosen, problem.caps)
    takes = tuple(
        Take(option, item, units, cost)
        for (option, item), (units, cost) in sorted(amounts.items()) if units
    )  # fmt: skip
    fixed = sum(problem.fixed[option] for option in {take.option for take in takes})
    return Filling(fixed + sum(take.cost for take in takes), tuple(unmet), takes)


def _exceeds(caps: Sequence[int], amounts: dict[tuple[int, int], tuple[int, float]]) -> bool:
    given: dict[int, int] = {}
    for (option, _), (units, _) in amounts.items():
        given[option] = given.get(option, 0) + units
    return any(units > caps[option] for option, units in given.items())


class _Arc:
    """An arc and, by `back`, its reverse."""

    __slots__ = ("back", "cost", "left", "to")

    def __init__(self, to: int, left: int, cost: int) -> None:
        self.to = to
        self.left = left
        self.cost = cost
        self.back: _Arc = self


def _transport(
    problem: Problem, chosen: Sequence[int], caps: Sequence[int]
) -> tuple[dict[tuple[int, int], tuple[int, float]], list[int]]:
    """Return units and cost by option and item, and the unmet units, under caps.

    Goods come first: a unit is worth more than all that it may save, for each of its goods.
    """
    items = len(problem.wanted)
    goods = problem.goods or [1] * items
    dearest = max((abs(cost) for option in chosen for _, cost, _ in problem.rows[option]),
                  default=0.0)  # fmt: skip
    worth = 1 + 2 * sum(problem.wanted) * _exact(dearest)
    source, sink = items + len(chosen), items + len(chosen) + 1
    graph: list[list[_Arc]] = [[] for _ in range(sink + 1)]
    for item, wanted in enumerate(problem.wanted):
        _join(graph, source, item, wanted, -worth * goods[item])
    given: list[tuple[int, int, float, _Arc, int]] = []
    for place, option in enumerate(chosen):
        for item, cost, units in problem.rows[option]:
            arc = _join(graph, item, items + place, units, _exact(cost))
            given.append((option, item, cost, arc, units))
        _join(graph, items + place, sink, caps[option], 0)
    while path := _saving(graph, source, sink):
        units = min(arc.left for arc in path)
        for arc in path:
            arc.left -= units
            arc.back.left += units
    amounts: dict[tuple[int, int], tuple[int, float]] = {}
    unmet = list(problem.wanted)
    for option, item, cost, arc, units in given:
        taken = units - arc.left
        before, cost_before = amounts.get((option, item), (0, 0.0))
        amounts[option, item] = (before + taken, cost_before + taken * cost)
        unmet[item] -= taken
    return amounts, unmet


def _exact(cost: float) -> int:
    """Return a cost as a whole number of its smallest parts."""
    return round(cost) << FINE_BITS if abs(cost) >= WHOLE_FROM else round(cost * 2**FINE_BITS)


def _join(graph: list[list[_Arc]], start: int, end: int, units: int, cost: int) -> _Arc:
    arc, back = _Arc(end, units, cost), _Arc(start, 0, -cost)
    arc.back, back.back = back, arc
    graph[start].append(arc)
    graph[end].append(back)
    return arc


def _saving(graph: list[list[_Arc]], source: int, sink: int) -> list[_Arc]:
    """Return the arcs of the cheapest path with room (Bellman and Ford); empty if none saves.

    Each path is the cheapest that there is, so what is left has no circle that saves something.
    """
    costs: list[float] = [INFINITE] * len(graph)
    costs[source] = 0
    by: list[_Arc | None] = [None] * len(graph)
    changed = True
    while changed:
        changed = False
        for node, arcs in enumerate(graph):
            if costs[node] == INFINITE:
                continue
            for arc in arcs:
                if arc.left and costs[node] + arc.cost < costs[arc.to]:
                    costs[arc.to] = costs[node] + arc.cost
                    by[arc.to] = arc
                    changed = True
    path: list[_Arc] = []
    last = by[sink] if costs[sink] < 0 else None
    while last is not None:
        path.append(last)
        last = by[last.back.to]
    return path
