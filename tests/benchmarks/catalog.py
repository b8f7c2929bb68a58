"""Which benchmarks there are, and the bar that a figure must meet."""

from collections.abc import Callable, Iterator

from tests.benchmarks import (
    arrival,
    availability,
    commits,
    full_terminal,
    kills,
    placing,
    push,
    receive,
    storm,
    terminal,
)
from tests.benchmarks.measure import Figure
from tests.benchmarks.routing import speed

BENCHMARKS: dict[str, Callable[[], Iterator[Figure]]] = {
    "commit": commits.measure,
    "push": push.measure,
    "pull": receive.measure_pull,
    "bootstrap": receive.measure_bootstrap,
    "terminal": terminal.measure,
    "terminal_full": full_terminal.measure,
    "arrival": arrival.measure,
    "backlog": push.measure_backlog,
    "storm": storm.measure,
    "kills": kills.measure,
    "routing": speed.measure,
    "availability": availability.measure,
    "placing": placing.measure,
    "contention": placing.measure_contention,
}
"""By name; one may yield several figures."""

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
    "atp_page_ms": ("<", 20),
    "orders_per_pgbench": (">=", 0.3),
    "orders_sqlite_per_s": (">=", 1_000),
    "orders_bulk_per_s": (">=", 2_500),
    "order_p99_ms": ("<", 50),
    "contended_reservations_oversold": ("<=", 0),
}
