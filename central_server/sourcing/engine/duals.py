"""Prices of units for online orders to come: duals of a program over a forecast.

After Acimovic and Graves (2015), but with whole plans of orders as columns instead
of one item at a time.

The forecast is a sample of orders, commonly those of the same days of an earlier
period. A cell's dual says what one unit more of it would save there; routing counts
it as what the unit is worth where it lies (`Stock.dual_minor`).
"""

from collections.abc import Sequence

from central_server.sourcing.engine.goals import Cell, Units, in_money
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.together import Open, Together

ROUNDS_MAX = 8
LACKING_MINOR = 3_000.0
"""What an order that cannot be served costs, a unit: a lost margin, not a fine. A higher
figure would be passed on into the prices of everything that is scarce."""


def forecast_prices(
    network: Network,
    expected: Sequence[Open],
    prices: Units,
    *,
    rounds: int = ROUNDS_MAX,
    lacking_minor: float = LACKING_MINOR,
) -> dict[Cell, float]:
    """Return the price of a unit of each cell that the expected orders would use.

    `prices` has for each cell what its units are worth to walk-in customers, in
    ascending order (`prices.shelf_prices`). What fits into a day does not count, for the orders
    are those of several. Raises `OptimizerMissing` or `OptimizerFailed` (`highs`).
    """
    rules = in_money(network.rules)
    problem = Together(network, expected, prices, lacking_minor, rules)
    problem.generate(rounds)
    return dict(problem.duals)
