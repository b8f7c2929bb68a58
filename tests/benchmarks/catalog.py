"""Which benchmarks there are."""

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
    routed,
    storm,
    terminal,
)
from tests.benchmarks.measure import Figure
from tests.benchmarks.routing import gaps, speed

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
    "routing_gaps": gaps.measure,
    "availability": availability.measure,
    "placing": placing.measure,
    "routed": routed.measure,
    "contention": placing.measure_contention,
}
"""By name; one may yield several figures."""
