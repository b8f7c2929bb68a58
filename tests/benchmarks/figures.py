"""Figures as they are printed, with their bars, and the file in which all of them are kept."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.measure import Figure, rounded

TARGETS: dict[str, tuple[str, float]] = {
    "order_to_screen_p99_ms": ("<", 1000),
    "tui_start_s": ("<", 1.5),
    "tui_scan_p99_ms": ("<", 50),
    "tui_start_full_s": ("<", 1.5),
    "tui_screen_max_ms": ("<", 150),
    "tui_key_p99_ms": ("<", 50),
    "tui_memory_mb": ("<", 250),
    "sync_push_ops_per_s": (">=", 15_000),
    "bytes_per_op_up": ("<=", 20),
    "idle_cycle_bytes": ("<=", 500),
    "backlog_60k_s": ("<", 10),
    "sync_pull_rows_per_s": (">=", 30_000),
    "bootstrap_100k_skus_s": ("<", 2.0),
    "storm_5000_drain_s": ("<", 120),
    "storm_5000_central_mb": ("<", 256),
    "storm_5000_errors": ("<=", 0),
    "storm_order_p99_ms": ("<", 1000),
    "kill9_runs": (">=", 20),
    "kill9_lost": ("<=", 0),
    "route_p50_ms": ("<", 1.0),
    "route_p99_ms": ("<", 10.0),
    "route_over_milp_percent": ("<", 0.5),
    "gap_closed_realtime_percent": (">=", 20.0),
    "gap_closed_batch_percent": (">=", 27.0),
    "gap_closed_dc_fast_percent": (">=", 30.0),
    "gap_closed_of_perfect_percent": (">=", 50.0),
    "atp_page_ms": ("<", 20),
    "orders_per_pgbench": (">=", 0.3),
    "orders_sqlite_per_s": (">=", 1_000),
    "orders_bulk_per_s": (">=", 2_500),
    "order_p99_ms": ("<", 50),
    "contended_reservations_oversold": ("<=", 0),
}
"""The bar that a figure must meet."""
PROMISES = ("kill9_lost", "storm_5000_errors", "contended_reservations_oversold")
"""Figures that are no speed: above their bar something that is promised was broken."""
HEAD = f"{'':28}{'value':>10} {'unit':7}{'bar':>9}     {'ratio':>8}  baseline"


def is_met(figure: Figure) -> bool:
    """Return whether a figure meets its bar; one without any does."""
    sign, bar = TARGETS.get(figure.name, (">=", figure.value))
    return {"<": figure.value < bar, "<=": figure.value <= bar}.get(sign, figure.value >= bar)


def broken(figures: Sequence[Figure]) -> list[str]:
    """Return the promises that figures show to be broken."""
    return [one.name for one in figures if one.name in PROMISES and not is_met(one)]


def line(figure: Figure) -> str:
    """Return one row of the table: `ok` or `MISS` where there is a bar."""
    sign, bar = TARGETS.get(figure.name, ("", 0.0))
    verdict = ("ok  " if is_met(figure) else "MISS") if sign else "    "
    bar_text = f"{sign}{bar:g}" if sign else ""
    return (
        f"{figure.name:28}{_plain(figure.value):>10} {figure.unit:7}{bar_text:>9} {verdict}"
        f"{_plain(figure.ratio):>8}  {_plain(figure.baseline_value)}: {figure.baseline}"
    )


def merge(path: Path, figures: Sequence[Figure]) -> None:
    """Put the figures into the file of all figures, in place of older ones of the same name."""
    names = {figure.name for figure in figures}
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    kept = [one for one in kept if one["name"] not in names]
    path.parent.mkdir(parents=True, exist_ok=True)
    documents = [*kept, *(figure.document() for figure in figures)]
    path.write_text(json.dumps(documents, indent=1) + "\n", encoding="utf-8")


def _plain(value: float) -> str:
    short = rounded(value)
    return f"{short:,.0f}" if abs(short) >= 1000 else f"{short:g}"
