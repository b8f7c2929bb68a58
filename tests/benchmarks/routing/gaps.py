"""What policies of routing cost in windows of a real network, and how much of the gap they close.

The gap is that between the per-order optimum and what hindsight allows at least.
"""

import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.benchmarks.measure import Figure
from tests.benchmarks.routing import hindsight
from tests.benchmarks.routing.optimising import Batched, Foreknown, Myopic, Realtime
from tests.benchmarks.routing.play import Costs, Policy, play
from tests.benchmarks.routing.simple import NearestFirst, PriorityOrder, SingleSourceFirst
from tests.benchmarks.routing.world import FAST, MANY, SHAPES, SMALL, Shape, World, build
from tests.replay.data import data_folder

REALTIME, BATCH, PERFECT = "real time", "real time + batch", "perfect prices"
Makers = dict[str, Callable[[], Policy]]
Closed = dict[str, dict[str, list[float]]]
"""By shape and policy: which share of the gap each window closed (%)."""


def measure() -> Iterator[Figure]:
    """Yield the shares of the gap in one window of each shape; `make bench-routing` plays more.

    Nothing is measured where the real data is not there.
    """
    data = data_folder()
    if data is not None:
        closed, unshipped = played(data, SHAPES, range(1, 2))
        if unshipped:
            raise AssertionError(f"{unshipped} accepted units were not shipped")
        yield from gaps(closed)


def played(data: Path, shapes: Sequence[Shape], seeds: Sequence[int]) -> tuple[Closed, int]:
    """Play every policy in every window, print a table of each shape; count what stayed behind."""
    closed: Closed = {}
    unshipped = 0
    for shape in shapes:
        tables = [_window(build(data, shape, seed)) for seed in seeds]
        unshipped += sum(cost.unshipped for table, _ in tables for cost in table.values())
        closed[shape.name] = _print_table(shape, tables)
    return closed, unshipped


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
    known = hindsight.seen(world)
    found[PERFECT] = play(world, Foreknown(known.prices))
    return found, known.bound


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


def gaps(closed: Closed) -> list[Figure]:
    """Return the figures of windows that were played, with how many of each kind there were."""
    counts = (len(values) for table in closed.values() for values in table.values())
    windows = min(counts, default=0)
    stores = [table for name, table in closed.items() if name in {SMALL.name, MANY.name}]
    words = "share of the gap between per-order optimum and hindsight; the bar"
    found = []
    for name, policy, bar in (
        ("gap_closed_realtime_percent", REALTIME, 20.0), ("gap_closed_batch_percent", BATCH, 27.0),
    ):  # fmt: skip
        values = [value for table in stores for value in table[policy]]
        if values:
            found.append(Figure(name, statistics.mean(values), "%", words, bar, windows))
    if FAST.name in closed:
        value = statistics.mean(closed[FAST.name][REALTIME])
        found.append(Figure("gap_closed_dc_fast_percent", value, "%", words, 30.0, windows))
    shares = [
        100 * statistics.mean(table[REALTIME]) / statistics.mean(table[PERFECT])
        for table in closed.values()
        if statistics.mean(table[PERFECT]) > 0
    ]
    words = "real time, of what perfect prices close, in the worst kind of window; the bar"
    if shares:
        found.append(
            Figure("gap_closed_of_perfect_percent", min(shares), "%", words, 50.0, windows)
        )
    return found


def _spread(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0
