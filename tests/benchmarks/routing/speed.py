"""How long one decision takes, and how far it is from the MILP's: on a real network's orders."""

import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import NamedTuple

from central_server.services.parcel_routing import EFFORT_MAX
from central_server.sourcing.engine.items import items_of
from central_server.sourcing.engine.model import RequestedLine
from central_server.sourcing.engine.offers import offers
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.problem import Problem
from central_server.sourcing.engine.routing import plan_order, route
from central_server.sourcing.engine.solver import solve
from tests.benchmarks.measure import Figure, percentile
from tests.benchmarks.routing.optimising import ShelfPriced
from tests.benchmarks.routing.play import Shop
from tests.benchmarks.routing.world import MANY, SMALL, Placed, World, build
from tests.replay.data import data_folder
from tests.support.order_milp import milp_cost

DECISIONS = 500
ALONE = 100
LONG, LONG_LINES = 150, 10
COMPARED = 200
SITES, COMPARED_SITES = 1000, 200
COMPARED_LINES = 5


def measure() -> Iterator[Figure]:
    """Yield the time of a decision at a thousand candidates, and the excess over the MILP.

    Nothing is measured where the real data is not there.
    """
    data = data_folder()
    if data is None:
        return
    times = sorted(decision_times(build(data, replace(SMALL, stores=SITES - 5, centers=5), 1)))
    many = replace(MANY, stores=COMPARED_SITES - 4, orders=COMPARED)
    found, solver_ms = excess(build(data, many, 1))
    alone = sorted(alone_times(build(data, replace(SMALL, stores=SITES - 5, centers=5), 1)))
    words = f"HiGHS, {COMPARED_LINES} lines at {COMPARED_SITES} candidates, median"
    yield Figure("route_p50_ms", percentile(times, 0.5), "ms", words, solver_ms)
    yield Figure("route_p99_ms", percentile(times, 0.99), "ms", words, solver_ms)
    yield Figure("route_alone_p50_ms", percentile(alone, 0.5), "ms", words, solver_ms)
    yield Figure("route_alone_p99_ms", percentile(alone, 0.99), "ms", words, solver_ms)
    words = f"{len(found)} orders of {COMPARED_LINES} lines with central's effort, over HiGHS"
    together = 100 * (sum(one.cost for one in found) / sum(one.optimum for one in found) - 1)
    yield Figure("route_over_milp_percent", together, "%", f"{words}, all together", 0.0)
    # One order may cost less than nothing, where its units would have been left over.
    over = [100 * (one.cost - one.optimum) / one.parcels for one in found if one.parcels]
    worst = percentile(over, 0.99)
    words = f"{words}, one order, of what its parcels cost"
    yield Figure("route_over_milp_p99_percent", worst, "%", words, 0.0)
    yield from _of_many_lines(build(data, replace(MANY, stores=SITES - 5, centers=5), 1))


def _of_many_lines(world: World) -> Iterator[Figure]:
    """Yield what orders of ten lines take, and how far from proved their plans are.

    With the effort that central allows while a customer waits.
    """
    found = decisions([long_order(world, start) for start in range(LONG)], world, EFFORT_MAX)
    times = sorted(ms for ms, _ in found)
    plans = [plan for _, plan in found]
    gaps = [max(0.0, plan.objective - plan.bound) for plan in plans]
    freight = sum(plan.terms.freight for plan in plans)
    proved = 100 * sum(plan.gap == 0 for plan in plans) / len(plans)
    words = f"{LONG_LINES} lines at {SITES} candidates; share proved optimal (%)"
    yield Figure("route_10_lines_p50_ms", percentile(times, 0.5), "ms", words, proved)
    yield Figure("route_10_lines_p99_ms", percentile(times, 0.99), "ms", words, proved)
    words = f"{words}; the gap, of the freight"
    yield Figure("route_10_lines_gap_percent", 100 * sum(gaps) / freight, "%", words, proved)


def long_order(world: World, start: int) -> Placed:
    """Return an order of ten lines: one of the window, with lines of those that follow it."""
    placed = world.orders[start % len(world.orders)]
    lines: dict[str, RequestedLine] = {}
    for number in range(len(world.orders)):
        for line in world.orders[(start + number) % len(world.orders)].order.lines:
            if len(lines) < LONG_LINES:
                lines.setdefault(line.sku, replace(line, line=len(lines) + 1))
    return replace(placed, order=replace(placed.order, lines=tuple(lines.values())))


def decision_times(world: World) -> list[float]:
    """Return the milliseconds of each of the first decisions; stock changes between them."""
    return [ms for ms, _ in decisions(world.orders[:DECISIONS], world, EFFORT_MAX)]


def decisions(
    orders: Sequence[Placed], world: World, effort_max: int
) -> list[tuple[float, SourcingPlan]]:
    """Return plans one after the other, with the milliseconds of the processor that each took."""
    policy = ShelfPriced()
    shop = Shop(world, policy)
    policy.begin(shop)
    found = []
    for placed in orders:
        network = policy.read(placed)
        # A full collection of the benchmark's own world (millions of objects) is not the engine's.
        gc.disable()
        began = time.process_time()
        plan = plan_order(placed.order, network, effort_max=effort_max)
        found.append(((time.process_time() - began) * 1000, plan))
        gc.enable()
        shop.take(policy.as_decided(plan).parts)
    return found


def alone_times(world: World) -> list[float]:
    """Return the milliseconds of `route` by itself, which checks and prepares all locations."""
    policy = ShelfPriced()
    policy.begin(Shop(world, policy))
    found = []
    for placed in world.orders[:ALONE]:
        network = policy.read(placed)
        candidates = [
            replace(one, stock={
                line.sku: shelf.stock
                for line in placed.order.lines
                if (shelf := network.shelves(line.sku).get(place)) is not None
            })
            for place, one in enumerate(network.candidates)
        ]  # fmt: skip
        gc.disable()
        began = time.process_time()
        route(placed.order, candidates, network.rules, network.now_ms)
        found.append((time.process_time() - began) * 1000)
        gc.enable()
    return found


class Compared(NamedTuple):
    """A plan beside the MILP's, in minor units."""

    cost: float
    optimum: float
    parcels: float
    """What the plan's parcels cost before anything is in them."""


def excess(world: World) -> tuple[list[Compared], float]:
    """Return plans beside the optima of the same orders, and the MILP's median time in ms.

    The plans are made with the effort that central allows while a customer waits.
    """
    policy = ShelfPriced()
    shop = Shop(world, policy)
    policy.begin(shop)
    found, times = [], []
    random = Random("compared")
    for placed in random.sample(world.orders, min(COMPARED, len(world.orders))):
        order = replace(placed.order, lines=placed.order.lines[:COMPARED_LINES])
        network = policy.read(placed)
        problem = as_the_milp_has_it(
            true_rows(offers(order, network, items_of(order, network.rules)).problem)
        )
        plan = solve(problem, EFFORT_MAX)
        began = time.process_time()
        optimum = milp_cost(problem, gap=1e-6)
        times.append((time.process_time() - began) * 1000)
        parcels = sum(problem.fixed[option] for option in {one.option for one in plan.takes})
        found.append(Compared(plan.cost, optimum, parcels))
    return found, percentile(times, 0.5)


def as_the_milp_has_it(problem: Problem) -> Problem:
    """Return the problem without limits that the MILP does not have: both solve the same one."""
    return replace(problem, open_max=None, places=None, caps=None)


def true_rows(problem: Problem) -> Problem:
    """Return the problem with the true row of every option."""
    if problem.refine is None:
        return problem
    rows = [problem.refine(option) for option in range(len(problem.rows))]
    return replace(problem, rows=rows, refine=None)
