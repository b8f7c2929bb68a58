"""tui_start_full_s and what follows: the terminal of a store that has been at work for months.

50,000 SKUs, 5,000 open lines in all flows and 100,000 past operations, all of them known to
central.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from store_client.replica.store import Store
from sync.domain.flows import ALL_FLOWS
from sync.domain.flows.pickup import NAME as PICKUP
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.inventory import StockEffect, StockReason
from sync.domain.pickups import PickupPolicy
from sync.domain.stock_operations import FloorSold, SkuUnits
from sync.protocol.lines import OperationRecord
from tests.benchmarks import baselines
from tests.benchmarks.measure import Figure, percentile
from tests.benchmarks.push import NOON_MS, Terminal, pickup_steps
from tests.benchmarks.site import (
    a_central,
    a_store,
    daemon_of,
    order_of_any_flow,
    place_many,
    temporary,
)
from tests.benchmarks.terminal import SIGN_IN, TRIVIAL, first_paint_s
from tests.support.builders import LEADER
from tests.support.network import Size, location_of, sku_of
from tests.support.parcels import CARRIERS
from tests.support.real_store import RealStore

SIZE = Size(stores=1, skus=50_000, stocked=50_000, on_hand=100_000)
ORDERS = 3_600
"""Of two lines on average, in every flow."""
FETCHED = 900
"""Of the pickups, so many are over; 5,400 lines of all orders are open."""
PARKING = ("P1", "P2", "P3")
SALES = 95_000
PAST_OPERATIONS, OPEN_LINES = 100_000, 5_000
AT_ONCE = 5_000
STARTS = 5


def measure() -> Iterator[Figure]:
    """Fill a store, start its terminal, and walk through it."""
    with temporary() as folder, a_central(folder, SIZE) as central:
        with central.opened() as parts:
            parts.intake.carriers(CARRIERS)
            parts.tills.set_pickup_policy(location_of(1), PickupPolicy(parking=PARKING))
            orders = place_many(parts, ORDERS, SIZE, make=order_of_any_flow)
        with a_store(folder, central) as machine:
            with machine.opened() as store:
                _fill(store, central.url, orders)
            yield from _start(machine)
            yield from _walk(machine, folder)


def _fill(store: Store, url: str, orders: Sequence[FulfillmentOrder]) -> None:
    daemon = daemon_of(store, url)
    assert daemon.run_once().ok
    pickups = [order for order in orders if order.flow == PICKUP]
    steps = list(pickup_steps(pickups[:FETCHED]))
    Terminal(store.journal).journal_all(steps)
    for first in range(0, SALES, AT_ONCE):
        with store.journal.writing():
            for number in range(first, first + AT_ONCE):
                _sell(store, number)
    assert daemon.run_once().ok
    assert store.journal.backlog() == 0
    assert store.journal.head().seq >= len(steps) + SALES >= PAST_OPERATIONS
    assert sum(_open_lines(store, flow.name) for flow in ALL_FLOWS) >= OPEN_LINES


def _open_lines(store: Store, flow: str) -> int:
    rows = store.board(flow, limit=ORDERS)
    found = [order for row in rows if (order := store.fulfillment(row.id)) is not None]
    return sum(bool(line.open) for order in found for line in order.lines)


def _sell(store: Store, number: int) -> None:
    """Append a sale as the point of sale tells of it, many in one transaction to save time."""
    sku, at_ms = sku_of(number * 31 % SIZE.stocked + 1), NOON_MS + number * 4_000
    sold = FloorSold(f"POS-{number}", (SkuUnits(sku, 1),), sold_at_ms=at_ms)
    record = OperationRecord(LEADER, "pos", "5c7f0a1e", number * 4_000, at_ms, sold)
    store.journal.append(record, [StockEffect(sku, -1, 0, StockReason.FLOOR_SOLD)])


def _start(machine: RealStore) -> Iterator[Figure]:
    ours, trivial = [], []
    for _ in range(STARTS):
        trivial.append(first_paint_s(baselines.trivial_command(), TRIVIAL, os.environ))
        ours.append(first_paint_s(machine.command("run"), SIGN_IN, machine.environment))
    words = "a Textual program of one line of text, to the same moment"
    yield Figure("tui_start_full_s", median(ours), "s", words, median(trivial))


def _walk(machine: RealStore, folder: Path) -> Iterator[Figure]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.walking", str(machine.folder)],
        capture_output=True, text=True, check=False, env=machine.environment,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-1500:])
    found = json.loads(done.stdout.splitlines()[-1])
    typical = {name: median(took) for name, took in found["screens"].items()}
    slowest = max(typical, key=typical.__getitem__)
    raw = baselines.commit_ms(folder / "raw.db")
    words = f"a bare sqlcipher3 commit of one row, FULL, p50; the slowest screen is {slowest}"
    yield Figure("tui_screen_max_ms", typical[slowest], "ms", words, percentile(raw, 0.5))
    yield Figure(
        "tui_key_p99_ms", percentile(found["keys"], 0.99), "ms",
        "a bare sqlcipher3 commit of one row, FULL, p99", percentile(raw, 0.99),
    )  # fmt: skip
    empty = baselines.trivial_memory_mb()
    yield Figure("tui_memory_mb", found["memory_mb"], "MB", "a Textual program of one line", empty)
