"""How long one decision takes, and how far it is from the MILP's: on a real network's orders."""

import gc
import time
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from central_server.sourcing.engine.items import items_of
from central_server.sourcing.engine.offers import offers
from central_server.sourcing.engine.problem import Problem
from central_server.sourcing.engine.routing import plan_order
from central_server.sourcing.engine.solver import solve
from tests.benchmarks.measure import Figure, percentile
from tests.benchmarks.routing.optimising import ShelfPriced
from tests.benchmarks.routing.play import Shop
from tests.benchmarks.routing.world import MANY, SMALL, World, build
from tests.replay.data import data_folder
from tests.support.order_milp import milp_cost

DECISIONS = 500
COMPARED = 40
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
    costs, optimum, solver_ms = excess(build(data, replace(MANY, stores=COMPARED_SITES - 4), 1))
    words = f"HiGHS, {COMPARED_LINES} lines at {COMPARED_SITES} candidates, median"
    yield Figure("route_p50_ms", percentile(times, 0.5), "ms", words, solver_ms)
    yield Figure("route_p99_ms", percentile(times, 0.99), "ms", words, solver_ms)
    yield Figure("route_over_milp_percent", 100 * (costs / optimum - 1), "%", words, 0.0)


def decision_times(world: World) -> list[float]:
    """Return the milliseconds of each of the first decisions; stock changes between them."""
    policy = ShelfPriced()
    shop = Shop(world, policy)
    policy.begin(shop)
    found = []
    for placed in world.orders[:DECISIONS]:
        network = policy.read(placed)
        # A full collection of the benchmark's own world (millions of objects) is not the engine's.
        gc.disable()
        began = time.process_time()
        plan = plan_order(placed.order, network)
        found.append((time.process_time() - began) * 1000)
        gc.enable()
        shop.take(policy.as_decided(plan).parts)
    return found


def excess(world: World) -> tuple[float, float, float]:
    """Return costs of plans, optima of the same orders, and the MILP's median time in ms."""
    policy = ShelfPriced()
    shop = Shop(world, policy)
    policy.begin(shop)
    costs = optimum = 0.0
    times = []
    random = Random("compared")
    for placed in random.sample(world.orders, min(COMPARED, len(world.orders))):
        order = replace(placed.order, lines=placed.order.lines[:COMPARED_LINES])
        network = policy.read(placed)
        problem = true_rows(offers(order, network, items_of(order, network.rules)).problem)
        costs += solve(problem).cost
        began = time.process_time()
        optimum += milp_cost(problem, gap=1e-6)
        times.append((time.process_time() - began) * 1000)
    return costs, optimum, percentile(times, 0.5)


def true_rows(problem: Problem) -> Problem:
    """Return the problem with the true row of every option."""
    if problem.refine is None:
        return problem
    rows = [problem.refine(option) for option in range(len(problem.rows))]
    return replace(problem, rows=rows, refine=None)
