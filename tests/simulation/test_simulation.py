"""The simulation over a fixed set of seeds, and the month offline in small."""

from collections import Counter
from time import monotonic, process_time

import pytest

from tests.simulation import events, figures, offline
from tests.simulation.batch import calm_storage, failure, run_seed
from tests.simulation.plan import plan_of
from tests.support.told_figures import AddUp

SEEDS = 200
PARTS = 20
COVERING_SEEDS = (2, 24, 29, 35, 76, 98, 103, 144, 190, 243, 319)
"""In these worlds everything happens that may: a few, chosen out of some hundred for it. A new
event makes other stories of all seeds: choose anew, the one first that has most of what lacks."""
SHRINKING_RUNS_MAX = 100
"""A test has little time; the command line shrinks further."""


@pytest.fixture(autouse=True, scope="module")
def _calm_storage():
    calm_storage()


def parts_of(seeds: int) -> list[range]:
    """Return the fixed seeds in pieces, so that several processes share them."""
    return [range(start, seeds, PARTS) for start in range(PARTS)]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seeds", parts_of(SEEDS), ids=lambda seeds: f"from{seeds.start}")
def test_every_oracle_holds_whatever_goes_wrong(seeds: range, add_up: AddUp):
    """Nothing lost, nothing twice, all of one mind after quiet; a failure tells its story.

    What all parts together took stands at the end of the run: CI has three minutes for it.
    """
    began, worked, totals = monotonic(), process_time(), Counter[str]()
    for seed in seeds:
        result = run_seed(seed)
        assert result.ok, failure(plan_of(seed), result, runs_max=SHRINKING_RUNS_MAX)
        totals.update(result.figures)
    took = monotonic() - began
    done = {name: totals[name] for name in ("store-days", "operations")}
    times = {"seconds": took, "processor": process_time() - worked, "longest": took}
    add_up("simulation", {"seeds": len(seeds), **done, **times})


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_kind_of_operation_and_of_fault_occurs():
    """What the simulation never does, it cannot find wrong: over some seeds, all of it is done."""
    totals = figures.total(run_seed(seed) for seed in COVERING_SEEDS)
    assert figures.missing_kinds(totals) == []
    faults = {kind.name for kind in events.ALL if kind.is_fault}
    assert sorted(name for name in faults if not totals[f"fault: {name}"]) == []
    for name in ("store crashes", "power cuts in mid-flush", "central crashes",
                 "network: late_push", "network: late_call",
                 "store commits refused by a full disk",
                 "central commits refused by a full disk"):  # fmt: skip
        assert totals[name], name


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_month_offline_in_small():
    """A store that comes back after a month, below the feed's floor, catches up at once."""
    found = offline.play(600)
    assert found.problems == []
    assert found.operations >= 500
    assert found.cancelled > 10
    assert len(found.kinds) > 20
