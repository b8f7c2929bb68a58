"""`python -m tests.benchmarks.routing`: what routing saves, against public rules and hindsight."""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.measure import Figure
from tests.benchmarks.routing import hindsight, speed
from tests.benchmarks.routing.optimising import Batched, Myopic, Realtime
from tests.benchmarks.routing.play import Costs, Policy, play
from tests.benchmarks.routing.simple import NearestFirst, PriorityOrder, SingleSourceFirst
from tests.benchmarks.routing.world import FAST, MANY, SHAPES, SMALL, Shape, World, build
from tests.replay.data import FOLDERS, VARIABLE, data_folder

PUBLISHED = """Published: Acimovic and Graves (2015) closed 36 % of the gap of the myopic policy to
hindsight on fast items at distribution centers. Xu, Allgor and Graves (2009) found reassigning
waiting orders well worth it. Other worlds, other stock: compare rows, not papers."""
REALTIME, BATCH = "real time", "real time + batch"
QUICK = (
    replace(SMALL, stores=40, goods=100, orders=150), replace(FAST, goods=8, days=28, orders=400),
)  # fmt: skip
Makers = dict[str, Callable[[], Policy]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Play every policy in every window; return 0 only if every accepted unit was shipped."""
    options = _parser().parse_args(arguments)
    data = data_folder()
    if data is None:
        print(f"bench-routing: skipped, the real data ({', '.join(FOLDERS)}) is not there;"
              f" {VARIABLE} names its folder")  # fmt: skip
        return 0
    began = time.monotonic()
    shapes = QUICK if options.quick else [
        shape for shape in SHAPES if not options.only or options.only in shape.name
    ]  # fmt: skip
    seeds = range(1, (1 if options.quick else options.seeds) + 1)
    closed: dict[str, dict[str, list[float]]] = {}
    unshipped = 0
    for shape in shapes:
        tables = [_window(build(data, shape, seed)) for seed in seeds]
        unshipped += sum(cost.unshipped for table, _ in tables for cost in table.values())
        closed[shape.name] = _print_table(shape, tables)
    figures = [*_gaps(closed), *([] if options.quick else speed.measure())]
    for figure in figures:
        print(f"{figure.name:32}{figure.value:10.3f} {figure.unit}")
    _merge(options.json, figures)
    print(f"\n{PUBLISHED}\n\nWritten to {options.json}; {time.monotonic() - began:.0f} s")
    return 1 if unshipped else 0


def policies(shape: Shape) -> Makers:
    """Return what is compared. Duals pay on fast items; a store's unit has its shelf price."""
    days = shape.days / 8 if not shape.stores else None
    return {
        "nearest first": NearestFirst,
        "single source first": SingleSourceFirst,
        "priority order": PriorityOrder,
        "per-order optimum": Myopic,
        REALTIME: lambda: Realtime(days),
        BATCH: lambda: Batched(days),
    }


def _window(world: World) -> tuple[dict[str, Costs], float]:
    found = {name: play(world, make()) for name, make in policies(world.shape).items()}
    return found, hindsight.bound(world)


def _print_table(
    shape: Shape, tables: Sequence[tuple[dict[str, Costs], float]]
) -> dict[str, list[float]]:
    """Print a shape's table; return by policy which share of the gap each seed closed (%)."""
    print(f"\n{shape.name}: {shape.stores + shape.centers} sites, {shape.goods} goods,"
          f" {shape.days} days, {len(tables)} windows")  # fmt: skip
    print(f"{'':22}{'total USD':>12}{'±':>8}{'freight':>10}{'walk-ins':>10}{'parcels':>9}"
          f"{'gap closed':>12}")  # fmt: skip
    closed: dict[str, list[float]] = {}
    for name in tables[0][0]:
        costs = [table[name] for table, _ in tables]
        closed[name] = [
            100 * (table["per-order optimum"].total - table[name].total)
            / (table["per-order optimum"].total - bound)
            for table, bound in tables
        ]  # fmt: skip
        print(_row(name, costs, closed[name]), flush=True)
    bounds = [bound / 100 for _, bound in tables]
    print(f"{'hindsight bound':22}{statistics.mean(bounds):12,.0f}{_spread(bounds):8,.0f}")
    return closed


def _row(name: str, costs: Sequence[Costs], closed: Sequence[float]) -> str:
    totals = [cost.total / 100 for cost in costs]
    freight = statistics.mean(cost.freight / 100 for cost in costs)
    lost = statistics.mean(cost.walk_ins_lost for cost in costs)
    parcels = statistics.mean(cost.parcels for cost in costs)
    return (
        f"{name:22}{statistics.mean(totals):12,.0f}{_spread(totals):8,.0f}{freight:10,.0f}"
        f"{lost:10,.0f}{parcels:9,.0f}{statistics.mean(closed):8.1f} ±{_spread(closed):.1f}"
    )


def _gaps(closed: dict[str, dict[str, list[float]]]) -> list[Figure]:
    stores = [table for name, table in closed.items() if name in {SMALL.name, MANY.name}]
    words = "share of the gap between per-order optimum and hindsight; the bar"
    found = []
    for name, policy, bar in (
        ("gap_closed_realtime_percent", REALTIME, 20.0), ("gap_closed_batch_percent", BATCH, 27.0),
    ):  # fmt: skip
        values = [value for table in stores for value in table[policy]]
        if values:
            found.append(Figure(name, statistics.mean(values), "%", words, bar))
    if FAST.name in closed:
        value = statistics.mean(closed[FAST.name][REALTIME])
        found.append(Figure("gap_closed_dc_fast_percent", value, "%", words, 30.0))
    return found


def _spread(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def _merge(path: Path, figures: Sequence[Figure]) -> None:
    """Put the figures into the file of all figures, in place of older ones of the same name."""
    names = {figure.name for figure in figures}
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    kept = [one for one in kept if one["name"] not in names]
    path.parent.mkdir(parents=True, exist_ok=True)
    documents = [*kept, *(figure.document() for figure in figures)]
    path.write_text(json.dumps(documents, indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.routing", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small windows, one seed")
    parser.add_argument("--seeds", type=int, default=3, help="how many windows (default: 3)")
    parser.add_argument("--only", default="", help="only the kinds of window whose name has this")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
