"""Open orders decided anew, together, before they are released to the pickers.

Every order keeps a reservation meanwhile, so nothing is ever promised twice. The
present plans are columns from the start: the outcome is never worse than they are,
and where the time limit strikes first they stay (Xu, Allgor and Graves 2009 found
what waiting is worth; here the whole set is one integer program).
"""

from collections.abc import Mapping, Sequence

from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.together import Cell, Open, Together

ROUNDS_MAX = 8
SECONDS_MAX = 20.0


def decide_anew(
    network: Network,
    open_orders: Sequence[tuple[Open, SourcingPlan]],
    prices: Mapping[Cell, Sequence[float]],
    *,
    rounds: int = ROUNDS_MAX,
    seconds_max: float = SECONDS_MAX,
) -> list[SourcingPlan]:
    """Return a plan for each open order.

    `prices` has, for each cell that may be used, what each of its units is worth
    there, ascending; units that the orders have reserved are among them. `network`
    is written to. Raises `OptimizerMissing` or `OptimizerFailed` (`highs`).
    """
    problem = Together(network, [one for one, _ in open_orders], prices)
    for number, (_, plan) in enumerate(open_orders):
        problem.add(number, plan)
    problem.generate(rounds)
    return problem.decide(seconds_max, kept=range(len(open_orders)))
