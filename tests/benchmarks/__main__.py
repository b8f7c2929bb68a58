"""Run the benchmarks: `python -m tests.benchmarks [NAME...] [--json build/bench.json]`."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.benchmarks.catalog import BENCHMARKS, TARGETS
from tests.benchmarks.measure import Figure, Foreign, rounded


def main() -> int:
    """Measure, print the table, write the file; 1 where a benchmark could not be run."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"))
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    figures, failed = run(options.names or list(BENCHMARKS))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps([one.document() for one in figures], indent=1) + "\n")
    print(f"\nWritten to {options.json}")
    return 1 if failed else 0


def run(names: Sequence[str]) -> tuple[list[Figure], list[str]]:
    """Run benchmarks by name; return their figures, and which of them failed."""
    figures: list[Figure] = []
    failed = []
    print(f"{'':28}{'value':>10} {'unit':7}{'bar':>9}     {'ratio':>8}  baseline")
    for name in names:
        foreign, began = Foreign(), time.monotonic()
        try:
            for figure in _measured(BENCHMARKS[name]):
                figures.append(figure)
                print(_line(figure), flush=True)
        except Exception as problem:  # noqa: BLE001 - the others are to be measured all the same
            failed.append(name)
            print(f"{name}: FAILED: {type(problem).__name__}: {problem}", file=sys.stderr)
        print(f"  ({name}: {time.monotonic() - began:.0f} s, others used"
              f" {foreign.share():.0%} of the machine)", flush=True)  # fmt: skip
    return figures, failed


def _measured(measure: Callable[[], Iterator[Figure]]) -> Iterator[Figure]:
    yield from measure()


def _line(figure: Figure) -> str:
    sign, bar = TARGETS.get(figure.name, ("", 0.0))
    met = {"<": figure.value < bar, "<=": figure.value <= bar}.get(sign, figure.value >= bar)
    verdict = ("ok  " if met else "MISS") if sign else "    "
    bar_text = f"{sign}{bar:g}" if sign else ""
    return (
        f"{figure.name:28}{_plain(figure.value):>10} {figure.unit:7}{bar_text:>9} {verdict}"
        f"{_plain(figure.ratio):>8}  {_plain(figure.baseline_value)}: {figure.baseline}"
    )


def _plain(value: float) -> str:
    short = rounded(value)
    return f"{short:,.0f}" if abs(short) >= 1000 else f"{short:g}"


if __name__ == "__main__":
    sys.exit(main())
