"""Open orders decided anew, together, before they are released to the pickers.

Every order keeps a reservation meanwhile, so nothing is ever promised twice. The
present plans are columns from the start; where the time limit strikes first they stay, and
they stay where what was found costs more by the rules, all orders together (Xu, Allgor and
Graves 2009 found what waiting is worth; here the whole set is one integer program).
"""

from collections.abc import Callable, Sequence

from central_server.sourcing.engine.goals import (
    Units,
    Worth,
    direct_minor,
    is_worse,
    total,
    weighted,
)
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.together import GAP, UNSHIPPED_MINOR, Open, Together, never

ROUNDS_MAX = 8
SECONDS_MAX = 20.0
ORDERED_GAP = 1e-7
"""Of goals in their order the last ones are a small share of the whole."""
LACKING_MINOR, LACKING, UNSHIPPED = 1e4, 2.0, 4.0
"""What a unit more than a cell has costs at least, and how many times as much as the dearest
order; and how many times a unit that is not shipped."""


def decide_anew(
    network: Network,
    open_orders: Sequence[tuple[Open, SourcingPlan]],
    prices: Units,
    *,
    harms: Units | None = None,
    rounds: int = ROUNDS_MAX,
    seconds_max: float = SECONDS_MAX,
    is_over: Callable[[], bool] = never,
) -> list[SourcingPlan]:
    """Return a plan for each open order; by the rules, all together cost no more than before.

    `prices` has, for each cell that may be used, what each of its units is worth there (minor
    units, weighed, ascending), `harms` what giving it up costs the balance of stock (minor
    units, not weighed, as many); units that the orders have reserved are among them. The present
    plans fit into these units, and into the days of the network. No new plans are looked for once
    `is_over` says so; to pick among those that there are takes `seconds_max` at most. In plans
    that are new, `shelf` has the prices of the program. Raises `OptimizerMissing` or
    `OptimizerFailed` (`highs`).
    """
    worth = Worth(prices, harms or {})
    before = [plan for _, plan in open_orders]
    rules = weighted(network.rules, before)
    dearest = max((direct_minor(plan, rules) for plan in before), default=0.0)
    unshipped = max(UNSHIPPED_MINOR, UNSHIPPED * dearest)
    lacking = max(LACKING_MINOR, LACKING * dearest)
    problem = Together(
        network, [one for one, _ in open_orders], worth.weighed(rules),
        lacking_minor=lacking, rules=rules, unshipped_minor=unshipped, has_rooms=True,
    )  # fmt: skip
    for number, plan in enumerate(before):
        problem.add(number, plan)
    problem.generate(rounds, is_over)
    gap = ORDERED_GAP if network.rules.ordered else GAP
    found = problem.decide(seconds_max, range(len(before)), gap)
    is_dearer = is_worse(
        total(found, network.rules, worth), total(before, network.rules, worth)
    )  # fmt: skip
    return before if is_dearer else found
