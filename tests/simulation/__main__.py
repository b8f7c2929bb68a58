"""`python -m tests.simulation`: run seeds, say what was covered, tell the story of what failed."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.simulation import figures, offline
from tests.simulation.batch import COMMAND, calm, failure, run_seed
from tests.simulation.plan import plan_of
from tests.simulation.run import Result, Run

SHOWN_MAX = 5
"""Of failing seeds, so many are shrunk and told; the others are named."""


def main(arguments: list[str] | None = None) -> int:
    """Run the simulation; return 0 only if every oracle held in every run."""
    options = _parser().parse_args(arguments)
    if options.scenario == "offline30":
        return offline.main(options.operations)
    if options.seed is not None:
        return _one(options.seed, verbose=options.verbose, shorter=not options.whole)
    return _many(range(options.first, options.first + options.seeds), options.workers)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=main.__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--seed", type=int, default=None, help="this one alone")
    parser.add_argument("--verbose", action="store_true", help="tell everything that happens")
    parser.add_argument("--whole", action="store_true", help="do not shrink what fails")
    parser.add_argument("--scenario", choices=["offline30"], default=None, help="a slow story")
    parser.add_argument("--operations", type=int, default=60_000, help="of the scenario")
    return parser


def _many(seeds: range, workers: int) -> int:
    began = time.monotonic()
    totals: Counter[str] = Counter()
    failed: list[int] = []
    for number, result in enumerate(_results(seeds, workers), 1):
        totals.update(result.figures)
        if not result.ok:
            failed.append(result.seed)
            print(f"seed {result.seed}: {result.oracle}: {'; '.join(result.problems)[:300]}")
        if number % 100 == 0:
            print(f"  {number} of {len(seeds)} seeds, {len(failed)} failed", flush=True)
    print("\n".join(figures.lines(totals, len(seeds), time.monotonic() - began)))
    for seed in failed[:SHOWN_MAX]:
        _one(seed, verbose=False, shorter=True)
    print("ALL ORACLES HELD" if not failed else f"FAILED SEEDS: {failed}")
    return 1 if failed else 0


def _results(seeds: range, workers: int) -> Iterator[Result]:
    if workers <= 1:
        calm()
        yield from map(run_seed, seeds)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=calm) as pool:
        yield from pool.map(run_seed, seeds, chunksize=4)


def _one(seed: int, *, verbose: bool, shorter: bool) -> int:
    plan = plan_of(seed)
    result = Run(plan).go()
    if verbose or result.ok:
        print("\n".join(result.story if verbose else ()))
        print(f"seed {seed}: {'all oracles held' if result.ok else result.oracle},"
              f" trace {result.trace}")  # fmt: skip
    if not result.ok:
        print(failure(plan, result, shorter=shorter))
    return 0 if result.ok else 1


if __name__ == "__main__":
    sys.exit(main())
