"""`python -m tests.benchmarks.routing`: what routing saves, against public rules and hindsight."""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.figures import HEAD, failing, line, merge
from tests.benchmarks.routing import speed
from tests.benchmarks.routing.gaps import gaps, played
from tests.benchmarks.routing.world import FAST, SHAPES, SMALL
from tests.replay.data import FOLDERS, VARIABLE, data_folder

PUBLISHED = """Published: Acimovic and Graves (2015) closed 36 % of the gap of the myopic policy to
hindsight on fast items at distribution centers. Xu, Allgor and Graves (2009) found reassigning
waiting orders well worth it. Other worlds, other stock: compare rows, not papers."""
DEFAULT = Path("build/bench.json")
QUICK = (
    replace(SMALL, stores=40, goods=100, orders=150), replace(FAST, goods=8, days=28, orders=400),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Play every policy in every window.

    Return 0 only if every accepted unit was shipped and no figure fails; the small windows of a
    quick run are judged by nobody.
    """
    options = _parser().parse_args(arguments)
    data = data_folder()
    if data is None:
        print(f"bench-routing: skipped, the real data ({', '.join(FOLDERS)}) is not there;"
              f" {VARIABLE} names its folder")  # fmt: skip
        return 0
    began = time.monotonic()
    shapes = [
        shape for shape in (QUICK if options.quick else SHAPES)
        if not options.only or options.only in shape.name
    ]  # fmt: skip
    seeds = range(1, (1 if options.quick else options.seeds) + 1)
    closed, unshipped = played(data, shapes, seeds)
    print(f"\n{HEAD}")
    figures = [*gaps(closed), *([] if options.quick else speed.measure())]
    for figure in figures:
        print(line(figure), flush=True)
    path = options.json or (None if options.quick else DEFAULT)
    if path is not None:
        merge(path, figures)
    written = "Not written" if path is None else f"Written to {path}"
    print(f"\n{PUBLISHED}\n\n{written}; {time.monotonic() - began:.0f} s")
    missed = [] if options.quick or options.only else failing(figures)
    for words in missed:
        print(f"MISSED: {words}", file=sys.stderr)
    return 1 if unshipped or missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.routing", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small windows, one seed; written only with --json"
    )
    parser.add_argument("--seeds", type=int, default=3, help="how many windows (default: 3)")
    parser.add_argument("--only", default="", help="only the kinds of window whose name has this")
    parser.add_argument("--json", type=Path, help=f"default: {DEFAULT}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
