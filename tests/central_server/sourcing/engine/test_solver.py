"""The solver against every possible plan of small problems, and what must hold of large ones."""

from collections.abc import Sequence
from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central_server.sourcing.engine.problem import Cell, Offer, Problem, Solution
from central_server.sourcing.engine.solver import solve


def cheapest_fill(problem: Problem, chosen: tuple[int, ...]) -> tuple[int, float]:
    """Units unmet and the cost of serving the others, by trying every distribution of units."""
    states = {(tuple(problem.wanted), ()): 0.0}
    for option in chosen:
        cap = problem.caps[option] if problem.caps else 10**6
        grown: dict = {}
        for (left, _), cost in states.items():
            spread = {(left, cap): cost}
            for item, price, units in problem.rows[option]:
                for (need, room), so_far in list(spread.items()):
                    for taken in range(1, min(units, need[item], room) + 1):
                        after = (*need[:item], need[item] - taken, *need[item + 1 :])
                        key = (after, room - taken)
                        value = so_far + taken * price
                        spread[key] = min(spread.get(key, value), value)
            for (need, _), value in spread.items():
                grown[need, ()] = min(grown.get((need, ()), value), value)
        states = grown
    fixed = sum(problem.fixed[option] for option in chosen)
    return min((sum(left), fixed + cost) for (left, _), cost in states.items())


def by_brute_force(problem: Problem) -> tuple[int, float]:
    """The least unmet units, and the least cost among the sets that reach it."""
    options = range(len(problem.rows))
    largest = problem.open_max or len(problem.rows)
    sets = (chosen for size in range(largest + 1) for chosen in combinations(options, size))
    if problem.places is not None:
        places = problem.places
        sets = (one for one in sets if len({places[option] for option in one}) == len(one))
    return min(cheapest_fill(problem, chosen) for chosen in sets)


def tiers(draw, item: int, wanted: int) -> list[Cell]:
    units = draw(st.integers(0, wanted))
    price = draw(st.integers(-3, 12))
    if units > 1 and draw(st.booleans()):
        return [Cell(item, price, units - 1), Cell(item, price + draw(st.integers(0, 5)), 1)]
    return [Cell(item, price, units)] if units else []


@st.composite
def problems(draw, *, is_coupled: bool = False) -> Problem:
    wanted = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    options = draw(st.integers(1, 5))
    fixed = [float(draw(st.integers(0, 15))) for _ in range(options)]
    rows: list[Sequence[Offer]] = [
        [cell for item, units in enumerate(wanted) for cell in tiers(draw, item, units)]
        for _ in range(options)
    ]
    if not is_coupled:
        return Problem(wanted, fixed, rows)
    return Problem(
        wanted, fixed, rows,
        places=draw(st.none() | st.just([option // 2 for option in range(options)])),
        caps=draw(st.none() | st.lists(st.integers(1, 4), min_size=options, max_size=options)),
        open_max=draw(st.none() | st.integers(1, 3)),
    )  # fmt: skip


def spent(problem: Problem, solution) -> float:
    """What the takes of a solution cost, recomputed from the problem."""
    total = sum(problem.fixed[option] for option in solution.options)
    for take in solution.takes:
        left = take.units
        for item, cost, units in problem.rows[take.option]:
            if item == take.item and left:
                given_units = min(left, units)
                total += given_units * cost
                left -= given_units
        assert left == 0
    return total


@given(problems())
@settings(deadline=None, max_examples=60)
def test_no_plan_is_cheaper(problem):
    """The plan serves all that can be served at the least cost, and says that this is proved."""
    unmet, cost = by_brute_force(problem)
    solution = solve(problem)
    assert sum(solution.unmet) == unmet
    assert solution.cost == pytest.approx(cost)
    assert solution.gap == 0


@given(problems(is_coupled=True))
@settings(deadline=None, max_examples=60)
def test_no_plan_within_the_limits_is_cheaper(problem):
    """Caps, one service a location and at most so many shipments: exact all the same."""
    unmet, cost = by_brute_force(problem)
    solution = solve(problem)
    assert sum(solution.unmet) == unmet
    assert solution.cost == pytest.approx(cost)
    assert len(solution.options) <= (problem.open_max or 99)
    if problem.places is not None:
        used = [problem.places[option] for option in solution.options]
        assert len({*used}) == len(used)
    for option in solution.options:
        units = sum(take.units for take in solution.takes if take.option == option)
        assert problem.caps is None or units <= problem.caps[option]


def test_a_location_never_sends_by_two_of_its_services():
    """Also where each of them is worth so much by itself that no better plan is without it."""
    rows: list[Sequence[Offer]] = [
        [Cell(1, -1, 1), Cell(2, 0, 1)],
        [Cell(0, -3, 1), Cell(1, 1, 2)],
        [Cell(2, 4, 1)],
        [Cell(0, 3, 1)],
        [Cell(0, 1, 1), Cell(2, 1, 1)],
    ]
    problem = Problem([3, 2, 1], [1.0, 0.0, 0.0, 0.0, 0.0], rows, places=[0, 0, 1, 1, 2])
    solution = solve(problem)
    assert not {0, 1} <= set(solution.options)
    assert (sum(solution.unmet), solution.cost) == by_brute_force(problem) == (0, 4.0)


@given(problems(is_coupled=True))
@settings(deadline=None, max_examples=60)
def test_units_are_conserved(problem):
    """What is taken and what is unmet add up to what is wanted, and nobody gives what it lacks."""
    solution = solve(problem)
    for item, wanted in enumerate(problem.wanted):
        taken = sum(take.units for take in solution.takes if take.item == item)
        assert taken + solution.unmet[item] == wanted
    assert solution.cost == pytest.approx(spent(problem, solution))
    assert solution.bound <= solution.cost + 1e-6


@given(problems(), st.integers(0, 4))
@settings(deadline=None, max_examples=60)
def test_more_stock_never_costs_more(problem, which):
    """One unit more anywhere leaves the cost of serving the same units or lowers it."""
    before = solve(problem)
    option = which % len(problem.rows)
    row = [*problem.rows[option], Cell(0, 13.0, 1)]
    rows: list[Sequence[Offer]] = [*problem.rows[:option], row, *problem.rows[option + 1 :]]
    after = solve(Problem(problem.wanted, problem.fixed, rows))
    assert sum(after.unmet) <= sum(before.unmet)
    assert after.cost <= before.cost + 1e-6 or sum(after.unmet) < sum(before.unmet)


def network(random: Random, options: int, items: int, units_max: int) -> Problem:
    """A problem as a store network gives it: flat parcels, scattered shelf prices."""
    wanted = [random.randint(1, units_max) for _ in range(items)]
    rows: list[Sequence[Offer]] = []
    for _ in range(options):
        freight = random.uniform(40, 180)
        stock = [min(random.randint(0, 8), units) for units in wanted]
        rows.append([
            Cell(item, freight + random.uniform(0, 400), units)
            for item, units in enumerate(stock) if units
        ])  # fmt: skip
    return Problem(wanted, [875.0 + random.choice((0, 100)) for _ in range(options)], rows)


@pytest.mark.parametrize("seed", range(4))
def test_same_input_gives_the_same_plan(seed):
    """Nothing depends on time or on the order in which sets are walked."""
    problem = network(Random(seed), 60, 4, 3)
    assert solve(problem) == solve(problem)


def test_effort_is_bounded_and_the_gap_is_told():
    """A search that is cut short returns a plan that serves everything, and an honest bound."""
    problem = network(Random(5), 150, 10, 12)
    hasty, patient = solve(problem, effort_max=0), solve(problem, effort_max=60_000)
    assert sum(hasty.unmet) == sum(patient.unmet) == 0
    assert hasty.bound <= patient.cost <= hasty.cost
    assert 0 < hasty.gap < 0.25
    assert hasty.cost - hasty.bound == pytest.approx(hasty.gap * hasty.cost)


def test_gap_is_told_of_plans_that_earn_something_too():
    """A cost below zero, where markdown is saved, hides no gap."""
    solution = Solution((), -50.0, -60.0, (), 1)
    assert solution.gap == pytest.approx(0.2)


def test_nothing_anywhere_is_an_empty_plan():
    """An order that nobody can serve costs nothing and is unmet."""
    solution = solve(Problem([2, 1], [5.0], [[]]))
    assert (solution.takes, solution.unmet, solution.cost, solution.gap) == ((), (2, 1), 0, 0)
