"""What the window would have cost with everything known: the linear bound, over whole plans."""

from typing import NamedTuple

from central_server.sourcing.engine.model import Rules
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.together import Open, Together
from tests.benchmarks.routing.optimising import candidates
from tests.benchmarks.routing.world import World, tariff

ROUNDS_MAX = 30


class Hindsight(NamedTuple):
    """What somebody knows who knows the window."""

    bound: float
    """No policy costs less (cents)."""
    prices: dict[tuple[int, int], float]
    """What one unit more of a cell (site, goods) would save, or what giving one up costs (cents):
    perfect prices, of every cell with stock."""


def seen(world: World, rounds: int = ROUNDS_MAX) -> Hindsight:
    """Return a lower bound on the window's total cost, whatever the policy, and its duals.

    Giving up a unit that no walk-in customer comes for saves its markdown; any
    other costs a margin. The bound holds after any number of rounds.
    """
    visits: dict[tuple[int, int], int] = {}
    for _, site, goods in world.walk_ins:
        visits[site, goods] = visits.get((site, goods), 0) + 1
    prices, base = {}, 0.0
    for (site, goods), units in world.stock.items():
        one = world.goods[goods]
        served = min(units, visits.get((site, goods), 0))
        spare = units - served
        base += one.margin * (visits.get((site, goods), 0) - served) + one.markdown * spare
        prices[world.sites[site].name, one.sku] = (-one.markdown,) * spare + (one.margin,) * served
    network = Network(candidates(world), Rules({"": tariff()}), 0)
    problem = Together(network, [Open(one.order, one.at_ms) for one in world.orders], prices)
    problem.generate(rounds)
    duals = {
        (site, goods): problem.duals.get(cell, prices[cell][0])
        for site, goods in world.stock
        for cell in [(world.sites[site].name, world.goods[goods].sku)]
    }
    return Hindsight(base + problem.bound, duals)
