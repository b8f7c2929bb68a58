"""`python -m tests.simulation.mutants`: take one rule of escrow away, and see that it is missed.

Each mutant (`rules`) is the product with one rule less. The simulation, narrowed to
what escrow is about, has to see it within `--seeds` seeds, and to see nothing in the
seed that showed it once the rule is back; `sync/ESCROW.md` says how many it took.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tests.simulation import events, oracles
from tests.simulation.batch import calm
from tests.simulation.oracles import rules as harm
from tests.simulation.plan import plan_of
from tests.simulation.registry import EventKind
from tests.simulation.rules import MUTANTS, Mutant
from tests.simulation.run import SURPRISE, Result, Run
from tests.simulation.template import STORES_MAX, template

ESCROW_EVENTS = frozenset(
    {
        "place", "cancel", "sale", "promises_lapse", "sync_round", "by_the_book", "time_passes",
        "cut", "mend", "line_gets_bad", "line_gets_good", "answers_are_lost", "late_arrives",
        "clock_drifts", "store_clock_is_set", "store_reboots", "store_restarts", "stock_arrives",
        "central_clock_is_set",
        "a_term_passes", "a_lease_is_used_to_its_end", "store_is_alone_for_long",
        "a_round_is_cut_short", "a_new_name_is_cut_short", "pushes_shrink",
    }
)  # fmt: skip
EVENTS = (*events.WIDE, *events.NARROW)
CHECKS = (*oracles.ALL, *harm.ORACLES)


@contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """Take the rule away for the time of the block."""
    known = vars(mutant.owner)[mutant.attribute]
    setattr(mutant.owner, mutant.attribute, mutant.instead(known))
    try:
        yield
    finally:
        setattr(mutant.owner, mutant.attribute, known)


def kinds(beside: frozenset[str] = frozenset()) -> tuple[EventKind, ...]:
    """Return the events that escrow is about, and those `beside` them."""
    return tuple(one for one in EVENTS if one.name in ESCROW_EVENTS | beside)


def run_escrow(seed: int, beside: frozenset[str] = frozenset()) -> Result:
    """Run one seed of a world that shares by escrow, with the events that matter for it."""
    plan = plan_of(seed, kinds(beside))
    return Run(replace(plan, shared=True), kinds=EVENTS, checks=CHECKS).go()


def hunt(mutant: Mutant, seeds: int) -> tuple[int, str]:
    """Return how many seeds it took to miss the rule, and by which oracle; 0 if it was not."""
    for stores in range(2, STORES_MAX + 1):
        template(stores, shared=True)  # set up by the rules: worlds are copies of it
    for number in range(1, seeds + 1):
        with planted(mutant):
            result = run_escrow(number, mutant.beside)
        if result.oracle.startswith(SURPRISE):
            raise AssertionError(f"{mutant.name} is no rule less but a fault: {result.problems}")
        if not result.ok:
            as_built = run_escrow(number, mutant.beside)
            if not as_built.ok:
                raise AssertionError(f"seed {number} fails as it is: {as_built.oracle}")
            return number, result.oracle
    return 0, ""


def main(arguments: list[str] | None = None) -> int:
    """Hunt every mutant; 1 where one was not found."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5_000, help="at most, for each mutant")
    parser.add_argument("--only", default="", help="those whose name has this")
    options = parser.parse_args(arguments)
    calm()
    missed = []
    for mutant in (one for one in MUTANTS if options.only in one.name):
        began = time.monotonic()
        try:
            found, oracle = hunt(mutant, options.seeds)
        except AssertionError as problem:
            found, oracle = 0, str(problem)
        missed += [] if found else [mutant.name]
        words = (
            f"seed {found:5}  {oracle}"
            if found
            else oracle or f"NOT FOUND in {options.seeds} seeds"
        )
        print(f"{mutant.name:48}{words}  ({time.monotonic() - began:.0f} s)", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
