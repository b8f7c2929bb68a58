"""storm_5000_*: five thousand stores come back in the same second, and shops go on buying.

Central is a process on SQLite; all stores are one more process, each with a
connection of its own and work in its journal. Beside them orders are placed at
an even pace. It ends by itself after `SECONDS_MAX` at the latest.
"""

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import baselines
from tests.benchmarks.measure import Figure, percentile
from tests.benchmarks.site import temporary
from tests.support import storm_stores
from tests.support.network import location_of, sku_of
from tests.support.real_central import RealCentral
from tests.support.real_store import kill
from tests.support.storm import OPERATIONS_EACH, not_drained, prepare, write_devices

STORES = 5_000
SECONDS_MAX = 165.0
ORDER_EVERY_S = 0.2
WORDS_RAW = "the time of as many rows at the raw rate of bare sqlcipher3, FULL, 1,000 a transaction"


def measure() -> Iterator[Figure]:
    """Let the storm break once."""
    with temporary() as folder:
        central = RealCentral(folder / "central")
        with central.opened() as parts:
            parts.migrate()
            devices = prepare(parts, STORES)
            central.key = parts.central.keys.create("storm", ("admin",))
        write_devices(folder / "devices.jsonl", devices)
        raw = baselines.inserts_per_s(folder / "raw.db")
        central.start()
        assert central.process is not None
        try:
            quiet_mb = peak_mb(central.process.pid)
            told, orders_ms = _storm(central, folder)
            peak = peak_mb(central.process.pid)
        finally:
            central.stop()
        with central.opened() as parts:
            left = not_drained(parts, devices)
    if told.errors or left:
        raise RuntimeError(f"{len(left)} stores did not drain; errors: {told.errors}")
    yield Figure(
        "storm_5000_drain_s", max(told.drained_s), "s", WORDS_RAW,
        STORES * OPERATIONS_EACH / raw,
    )  # fmt: skip
    yield Figure("storm_5000_central_mb", peak, "MB", "before the storm", quiet_mb)
    yield Figure("storm_5000_told_to_wait", told.busy, "calls", "calls in all", told.calls)
    yield Figure("storm_5000_errors", told.broken, "calls", "calls in all", told.calls)
    yield Figure(
        "storm_order_p99_ms", percentile(orders_ms, 0.99), "ms",
        "a bare HTTP round trip over loopback, p99", baselines.http_p99_ms(),
    )  # fmt: skip


def _storm(central: RealCentral, folder: Path) -> tuple[storm_stores.Told, list[float]]:
    """Return what the stores were told, and how long each order took meanwhile."""
    command = storm_stores.command(folder, central.port, SECONDS_MAX)
    stores = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    pause, took, number = threading.Event(), [], 0
    try:
        while stores.poll() is None:
            number += 1
            lines = [(sku_of(1 + number % 3), 1)]
            began = time.perf_counter()
            central.place(1_000_000 + number, lines, at=location_of(1 + number * 37 % STORES))
            took.append((time.perf_counter() - began) * 1000)
            pause.wait(ORDER_EVERY_S)
        return storm_stores.told_in(folder), took
    finally:
        kill(stores)


def peak_mb(pid: int) -> float:
    """Return the most memory that a process has had, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not say how much memory a process had")
