"""order_to_screen_p99_ms: from sending POST /v1/orders to the paint that shows it in the store.

Four real processes: this shop, central, the store's daemon, its terminal.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from random import Random

from tests.benchmarks import baselines
from tests.benchmarks.measure import Figure, percentile
from tests.benchmarks.site import Collected, a_central, a_store, temporary
from tests.support.network import Size, sku_of
from tests.support.real_central import RealCentral
from tests.support.real_store import RealStore

ORDERS = 200
BEFORE = 300
PAUSE_S = (0.05, 0.25)
READY_SECONDS = 30.0
ARRIVE_SECONDS = 20.0
SIZE = Size(stores=3, skus=5_000, stocked=1_000, on_hand=1_000)


def measure() -> Iterator[Figure]:
    """Place 200 orders at irregular intervals beside 300 that are open already."""
    with (
        temporary() as folder,
        a_central(folder, SIZE, BEFORE) as central,
        a_store(folder, central) as machine,
    ):
        machine.start_daemon()
        watching = machine.start(
            [sys.executable, "-m", "tests.benchmarks.watching", str(machine.folder)],
            stdout=subprocess.PIPE,
        )
        assert watching.stdout is not None
        told = Collected(iter(watching.stdout.readline, b""))
        if not told.wait_for(1, READY_SECONDS):
            raise RuntimeError("the terminal did not start")
        took = _place_and_watch(central, machine, told)
    words = "a bare HTTP round trip over loopback, {} (two of them and a paint are in it)"
    raw = baselines.http_round_trip_ms()
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        yield Figure(
            f"order_to_screen_{name}_ms", percentile(took, share), "ms", words.format(name),
            percentile(raw, share),
        )  # fmt: skip


def _place_and_watch(central: RealCentral, machine: RealStore, told: Collected) -> list[float]:
    sent: dict[str, int] = {}
    random, pause = Random(5), threading.Event()
    for number in range(ORDERS):
        began = time.monotonic_ns()
        lines = [(sku_of(number % SIZE.stocked + 1), 1), (sku_of(number * 3 % 900 + 50), 2)]
        order = central.place(100_000 + number, lines)
        sent[order["fulfillments"][0]["id"]] = began
        pause.wait(random.uniform(*PAUSE_S))
    shown: dict[str, int] = {}
    deadline = time.monotonic() + ARRIVE_SECONDS
    while set(sent) - set(shown) and time.monotonic() < deadline:
        before = len(told.lines)
        shown = dict(json.loads(line) for line in told.lines[1:])
        told.wait_for(before + 1, 0.2)
    missing = set(sent) - set(shown)
    if missing:
        raise RuntimeError(f"{len(missing)} orders never came on the screen, see {machine.folder}")
    return [(shown[key] - began) / 1e6 for key, began in sent.items()]
