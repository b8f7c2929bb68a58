"""Plans of few shipments, where not everything may fit: the most goods at the least cost."""

from collections.abc import Sequence
from itertools import combinations
from random import Random

import pytest

from central_server.sourcing.engine.bounds import least
from central_server.sourcing.engine.explain import route_explained
from central_server.sourcing.engine.filling import fill
from central_server.sourcing.engine.model import (
    Candidate,
    DayPart,
    RequestedLine,
    RoutingOrder,
    Rules,
    Stock,
)
from central_server.sourcing.engine.problem import Cell, Offer, Problem, Solution
from central_server.sourcing.engine.routing import route
from central_server.sourcing.engine.solver import solve
from central_server.sourcing.engine.tariffs import Service, Tariff, Zone

NOW = 1_772_460_000_000
DAY_MS = 86_400_000
PLAIN = {"": Tariff((Service("ground", (Zone(1, 600, unit_minor=10),)),))}


def sparse(seed: int) -> Problem:
    """Options that each have some of the items, of which few may be opened."""
    random = Random(seed)
    options, items = random.choice((12, 20, 30)), random.choice((4, 6, 8))
    wanted = [random.randint(1, 3) for _ in range(items)]
    rows: list[Sequence[Offer]] = [
        [Cell(item, float(random.randint(0, 400)), random.randint(1, units))
         for item, units in enumerate(wanted) if random.random() < 0.35]
        for _ in range(options)
    ]  # fmt: skip
    fixed = [float(random.randint(300, 900)) for _ in range(options)]
    return Problem(wanted, fixed, rows, open_max=random.choice((2, 3)))


def best_of_all(problem: Problem) -> tuple[int, float]:
    """Return the least units left over, and the least cost of plans that leave so many."""
    assert problem.open_max is not None
    options = range(len(problem.rows))
    sets = (one for size in range(1, problem.open_max + 1) for one in combinations(options, size))
    return min((sum(found.unmet), found.cost) for found in (fill(problem, one) for one in sets))


def as_found(solution: Solution) -> tuple[int, float]:
    return sum(solution.unmet), pytest.approx(solution.cost)  # type: ignore[return-value]


@pytest.mark.parametrize("seed", [57, 268, 281, 314, 318, *range(1, 25)])
def test_few_shipments_of_many_give_the_most(seed: int):
    """No more are opened than may be, and no better plan exists where none is said to."""
    problem = sparse(seed)
    solution = solve(problem)
    assert best_of_all(problem) == as_found(solution)
    assert len(solution.options) <= (problem.open_max or 0)
    assert solution.gap == 0


def test_what_must_be_opened_is_no_more_than_may():
    """Three options seem to be worth it each; a plan of two leaves a unit over."""
    rows: list[Sequence[Offer]] = [
        [], [(1, 190, 1)], [(1, 370, 1)], [], [(0, 270, 1)], [(1, 320, 1)],
    ]  # fmt: skip
    fixed = [400.0, 700.0, 300.0, 500.0, 400.0, 300.0]
    solution = solve(Problem([1, 2], fixed, rows, open_max=2))
    assert (sum(solution.unmet), solution.cost, solution.gap) == (1, 1290.0, 0)


def test_a_search_that_leaves_units_over_is_not_cut_short_soon():
    """Whoever is refused an order wants it looked at for longer than a plan that costs more."""
    random = Random(22103)
    skus = [f"K{number}" for number in range(8)]
    lines = tuple(
        RequestedLine(number, sku, random.randint(1, 3), random.choice((200, 500, 1500)))
        for number, sku in enumerate(skus, 1)
    )
    candidates = [
        Candidate(
            f"S{number:02}", random.uniform(30, 45), random.uniform(-110, -75),
            {
                sku: Stock(
                    random.randint(1, 3), walk_ins_per_day=random.choice((0.1, 0.3, 1)),
                    horizon_days=7, walk_in_margin_minor=random.choice((500, 1500)),
                    markdown_minor=200,
                )
                for sku in skus if random.random() < 0.4
            },
        )
        for number in range(20)
    ]  # fmt: skip
    zone = Zone(2, 600, kg_minor=60, parcel_km_minor=0.1)
    rules = Rules({"": Tariff((Service("ground", (zone,)),))}, shipment_minor=200, shipments_max=3)
    order = RoutingOrder(lines, 39.96, -83.0)
    plan = route(order, candidates, rules, NOW, effort_max=10_000)
    assert (plan.unsourced, plan.gap) == ((), 0)
    hasty, trace = route_explained(order, candidates, rules, NOW, effort_max=1)
    assert hasty.unsourced
    assert "No plan was found that ships" in trace.sentence
    assert "a better choice may exist" in trace.sentence
    assert "%" not in trace.sentence


@pytest.mark.parametrize(
    ("negative", "limit", "found"),
    [
        ([-3.0, -1.0, -2.0], None, (-6.0, 0.0, 0.0)),
        ([-3.0, -1.0, -2.0], 4, (-6.0, 0.0, 0.0)),
        ([-3.0, -1.0, -2.0], 3, (-6.0, -1.0, 0.0)),
        ([-3.0, -1.0, -2.0], 1, (-3.0, -3.0, -2.0)),
        ([], 2, (0.0, 0.0, 0.0)),
    ],
)
def test_the_least_that_may_be_opened(negative, limit, found):
    """Their sum, the last of them, and the next."""
    assert least(negative, limit) == found


def test_whole_lines_count_by_their_goods():
    """Ten units of one line rather than one of another, where only one of both can ship."""
    order = RoutingOrder((RequestedLine(1, "A", 10), RequestedLine(2, "B", 1)), 40, -80)
    places = [
        Candidate("A", 40, -80, {"A": Stock(10)}), Candidate("B", 40, -80, {"B": Stock(1)}),
    ]  # fmt: skip
    plan = route(order, places, Rules(PLAIN, splits_lines=False, shipments_max=1), NOW)
    assert (plan.units, plan.locations, plan.gap) == (10, ("A",), 0)


@pytest.mark.parametrize("has", [2, 5])
@pytest.mark.parametrize("speed_minor", [0, 1])
def test_a_part_of_an_order_leaves_in_the_first_part_of_the_day_with_room(has, speed_minor):
    """Also where the whole order would have no room, and where the place has more than it gives."""
    order = RoutingOrder((RequestedLine(1, "A", 2), RequestedLine(2, "B", 3)), 40, -80)
    parts = tuple(
        DayPart(NOW + day * DAY_MS, NOW + (day + 1) * DAY_MS, units, 9)
        for day, units in enumerate((3, 10))
    )
    places = [
        Candidate("A", 40, -80, {"A": Stock(has)}, parts=parts),
        Candidate("B", 40, -80, {"B": Stock(3)}),
    ]
    plan = route(order, places, Rules(PLAIN, speed_minor=speed_minor), NOW)
    (here,) = [one for one in plan.shipments if one.location_id == "A"]
    assert (here.units, here.ready_ms, here.arrives_ms) == (2, NOW, NOW + DAY_MS)
