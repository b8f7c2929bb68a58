"""Figures as they are printed, with their bars, and the file in which all of them are kept."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tests.benchmarks.measure import Figure, rounded


class Kind(Enum):
    """What a figure that misses its bar means."""

    PROMISE = "something that is promised was broken"
    SIZE = "the software became worse, on whatever machine"
    MACHINE = "this machine, or what else it did, was slow or full: told, and no failure"


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure must meet."""

    sign: str
    value: float
    kind: Kind = Kind.MACHINE
    samples: int = 1
    """From how many windows on the figure is judged; one of fewer is told, and no failure."""

    def is_met_by(self, value: float) -> bool:
        """Return whether a value is on the right side."""
        met = {"<": value < self.value, "<=": value <= self.value, ">=": value >= self.value}
        return met[self.sign]


WINDOWS = 3
"""So many does `make bench-routing` play of each kind; `make bench` one."""

BARS: dict[str, Bar] = {
    "order_to_screen_p99_ms": Bar("<", 1000),
    "tui_start_s": Bar("<", 1.5),
    "tui_scan_p99_ms": Bar("<", 50),
    "tui_start_full_s": Bar("<", 1.5),
    "tui_screen_max_ms": Bar("<", 150),
    "tui_key_p99_ms": Bar("<", 50),
    "tui_memory_mb": Bar("<", 250),
    "sync_push_ops_per_s": Bar(">=", 15_000),
    "bytes_per_op_up": Bar("<=", 20, Kind.SIZE),
    "idle_cycle_bytes": Bar("<=", 500, Kind.SIZE),
    "backlog_60k_s": Bar("<", 10),
    "sync_pull_rows_per_s": Bar(">=", 30_000),
    "bootstrap_100k_skus_s": Bar("<", 2.0),
    "storm_5000_drain_s": Bar("<", 120),
    "storm_5000_central_mb": Bar("<", 256),
    "storm_5000_errors": Bar("<=", 0, Kind.PROMISE),
    "storm_order_p99_ms": Bar("<", 1000),
    "kill9_runs": Bar(">=", 20, Kind.SIZE),
    "kill9_lost": Bar("<=", 0, Kind.PROMISE),
    "route_p50_ms": Bar("<", 1.0),
    "route_p99_ms": Bar("<", 10.0),
    "route_over_milp_percent": Bar("<", 0.5, Kind.SIZE),
    "route_over_milp_p99_percent": Bar("<", 5.0, Kind.SIZE),
    "gap_closed_realtime_percent": Bar(">=", 20.0, Kind.SIZE, samples=WINDOWS),
    "gap_closed_batch_percent": Bar(">=", 27.0, Kind.SIZE, samples=WINDOWS),
    "gap_closed_dc_fast_percent": Bar(">=", 30.0, Kind.SIZE, samples=WINDOWS),
    "gap_closed_of_perfect_percent": Bar(">=", 50.0, Kind.SIZE, samples=WINDOWS),
    "atp_page_ms": Bar("<", 20),
    "orders_per_pgbench": Bar(">=", 0.3),
    "orders_sqlite_per_s": Bar(">=", 1_000),
    "orders_bulk_per_s": Bar(">=", 2_500),
    "order_p99_ms": Bar("<", 50),
    "contended_reservations_oversold": Bar("<=", 0, Kind.PROMISE),
}
"""The bar that a figure must meet."""
HEAD = f"{'':28}{'value':>10} {'unit':7}{'bar':>9}     {'ratio':>8}  baseline"


def is_met(figure: Figure) -> bool:
    """Return whether a figure meets its bar; one without any does."""
    bar = BARS.get(figure.name)
    return bar is None or bar.is_met_by(figure.value)


def failing(figures: Sequence[Figure]) -> list[str]:
    """Return what a run fails for, in words: promises, and sizes that enough was measured for."""
    found = []
    for one in figures:
        bar = BARS.get(one.name)
        if bar is None or bar.kind is Kind.MACHINE or is_met(one) or one.samples < bar.samples:
            continue
        found.append(f"{one.name} is {_plain(one.value)}, not {bar.sign}{bar.value:g}:"
                     f" {bar.kind.value}")  # fmt: skip
    return found


def line(figure: Figure) -> str:
    """Return one row of the table: `ok` or `MISS` where there is a bar."""
    bar = BARS.get(figure.name)
    verdict = "    " if bar is None else "ok  " if is_met(figure) else "MISS"
    bar_text = "" if bar is None else f"{bar.sign}{bar.value:g}"
    return (
        f"{figure.name:28}{_plain(figure.value):>10} {figure.unit:7}{bar_text:>9} {verdict}"
        f"{_plain(figure.ratio):>8}  {_plain(figure.baseline_value)}: {figure.baseline}"
    )


def merge(path: Path, figures: Sequence[Figure]) -> list[str]:
    """Put the figures into the file of all figures; return names of those that were kept.

    A figure takes the place of an older one of its name, unless that was measured over more
    windows.
    """
    old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    founded = {one["name"]: int(one.get("samples", 1)) for one in old}
    better = {one.name for one in figures if one.samples < founded.get(one.name, 0)}
    new = {one.name: one.document() for one in figures if one.name not in better}
    path.parent.mkdir(parents=True, exist_ok=True)
    documents = [*(one for one in old if one["name"] not in new), *new.values()]
    path.write_text(json.dumps(documents, indent=1) + "\n", encoding="utf-8")
    return sorted(better)


def _plain(value: float) -> str:
    short = rounded(value)
    return f"{short:,.0f}" if abs(short) >= 1000 else f"{short:g}"
