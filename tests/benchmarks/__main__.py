"""Run the benchmarks: `python -m tests.benchmarks [NAME...] [--json build/bench.json]`."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.benchmarks.catalog import BENCHMARKS
from tests.benchmarks.figures import HEAD, failing, line, merge
from tests.benchmarks.measure import Figure, Foreign


def main() -> int:
    """Measure, print the table, write the file.

    Return 1 where a benchmark could not be run, or a figure fails (`figures.Kind`).
    """
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"))
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    figures, failed = run(options.names or list(BENCHMARKS))
    kept = merge(options.json, figures)
    print(f"\nWritten to {options.json}")
    if kept:
        print(f"Kept there, as they were measured over more windows: {', '.join(kept)}")
    missed = failing(figures)
    for words in missed:
        print(f"MISSED: {words}", file=sys.stderr)
    return 1 if failed or missed else 0


def run(names: Sequence[str]) -> tuple[list[Figure], list[str]]:
    """Run benchmarks by name; return their figures, and which of them failed."""
    figures: list[Figure] = []
    failed = []
    print(HEAD)
    for name in names:
        foreign, began = Foreign(), time.monotonic()
        try:
            for figure in _measured(BENCHMARKS[name]):
                figures.append(figure)
                print(line(figure), flush=True)
        except Exception as problem:  # noqa: BLE001 - the others are to be measured all the same
            failed.append(name)
            print(f"{name}: FAILED: {type(problem).__name__}: {problem}", file=sys.stderr)
        print(f"  ({name}: {time.monotonic() - began:.0f} s, others used"
              f" {foreign.share():.0%} of the machine)", flush=True)  # fmt: skip
    return figures, failed


def _measured(measure: Callable[[], Iterator[Figure]]) -> Iterator[Figure]:
    yield from measure()


if __name__ == "__main__":
    sys.exit(main())
