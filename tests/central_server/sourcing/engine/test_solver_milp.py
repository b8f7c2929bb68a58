"""The solver against a MILP solver of others, on orders that no brute force reaches."""

from random import Random

import pytest

from central_server.sourcing.engine.solver import solve
from tests.central_server.sourcing.engine.test_solver import network
from tests.support.order_milp import milp_cost

pytest.importorskip("highspy")


@pytest.mark.slow
@pytest.mark.parametrize(("items", "units"), [(1, 9), (2, 4), (3, 4), (5, 2)])
def test_cost_is_that_of_the_milp(items, units):
    """Orders of up to five lines at 80 locations cost what HiGHS says they must."""
    random = Random(f"{items}-{units}")
    for _ in range(3):
        problem = network(random, 80, items, units)
        solution = solve(problem, effort_max=200_000)
        assert solution.gap == 0
        assert solution.cost == pytest.approx(milp_cost(problem), rel=1e-6)
