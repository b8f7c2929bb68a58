"""What the command line and the tests share: a seed as a unit of work, a failure as a text."""

import logging

from tests.simulation.plan import Plan, plan_of
from tests.simulation.run import Result, Run
from tests.simulation.shrink import RUNS_MAX, shrink
from tests.simulation.world import AS_BUILT, Fittings
from tests.support.collector import calm_collector
from tests.support.compiled import compile_once

COMMAND = "python -m tests.simulation"


def run_seed(seed: int) -> Result:
    """Run the plan of one seed; without its story, which is rarely wanted and long."""
    result = Run(plan_of(seed)).go()
    result.story.clear()
    return result


def calm() -> None:
    """Make a process ready for many runs: what they share is kept, and the collector rests."""
    calm_storage()
    compile_once()
    calm_collector()


def calm_storage() -> None:
    """Let nobody hear of full disks, which these runs have by the hundred."""
    logging.getLogger("central_server.storage").setLevel(logging.ERROR)


def failure(
    plan: Plan,
    result: Result,
    *,
    shorter: bool = True,
    fittings: Fittings = AS_BUILT,
    runs_max: int = RUNS_MAX,
) -> str:
    """Return what a failing plan did, shrunk, and how to see it again."""
    small, found = (plan, result)
    if shorter:
        small, found = shrink(plan, lambda one: Run(one, fittings).go(), runs_max=runs_max)
    return "\n".join(
        (
            f"seed {plan.seed} failed: {found.oracle}",
            *(f"  {problem}" for problem in found.problems[:5]),
            f"The story, {len(small.events)} of {len(plan.events)} events:",
            *(f"  {line}" for line in found.story),
            f"Replay: {COMMAND} --seed {plan.seed} --verbose",
        )
    )
