"""Makes a story that fails short: leaves out events while the same oracle still fails."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.simulation.plan import Plan
from tests.simulation.registry import Event
from tests.simulation.run import Result

RUNS_MAX = 400
"""A story that is still long after so many runs is shown as it is."""


def shrink(
    plan: Plan, run: Callable[[Plan], Result], *, runs_max: int = RUNS_MAX
) -> tuple[Plan, Result]:
    """Return the shortest plan found that fails as `plan` does, and how it goes.

    Delta debugging (Zeller): whole pieces first, then smaller ones, down to
    single events. Events carry their own dice, so that what remains goes on as
    it did before, as far as it can.
    """
    result = run(plan)
    if result.ok:
        return plan, result
    shorter = replace(plan, events=plan.events[: result.figures["events"]])
    runs, pieces = 1, 2
    while len(shorter.events) > 1 and runs < runs_max:
        size = max(1, len(shorter.events) // pieces)
        for events in _without_each_piece(shorter.events, size):
            runs += 1
            tried = replace(shorter, events=events)
            found = run(tried)
            if found.oracle == result.oracle:
                shorter, result = tried, found
                pieces = max(2, pieces - 1)
                break
            if runs >= runs_max:
                break
        else:
            if size == 1:
                break
            pieces = min(2 * pieces, len(shorter.events))
    return shorter, result


def _without_each_piece(events: Sequence[Event], size: int) -> list[tuple[Event, ...]]:
    starts = range(0, len(events), size)
    return [(*events[:start], *events[start + size :]) for start in reversed(starts)]
