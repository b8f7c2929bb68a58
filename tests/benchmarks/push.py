"""sync_push_ops_per_s and what an operation costs on the wire.

A store's journal (FULL, encrypted) is sent over loopback HTTP in batches of
1,000 to a central process on SQLite FULL, verdicts recorded at the store. Bytes
are those of HTTP both ways, heads included, at batches of 200: what a store
sends after a quarter of an hour without a network.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

from store_client.replica.store import Store
from sync.domain import operations as op
from sync.domain.flows import flow_named
from sync.domain.fulfillment import FulfillmentOrder, PickupProof, ProofKind
from sync.domain.transitions import decide
from sync.edge.daemon import SyncDaemon
from sync.edge.journal import Journal
from sync.edge.pusher import push_all
from sync.protocol.endpoint import SyncEndpoint
from sync.protocol.lines import OperationRecord
from sync.transport.traffic import Traffic
from tests.benchmarks import baselines
from tests.benchmarks.measure import Figure, median, seconds
from tests.benchmarks.site import a_central, a_store, daemon_of, place_many, temporary
from tests.support.builders import LEADER
from tests.support.network import SPOTS, Size, gtin_of

ROUNDS = 5
OPS_PER_ROUND = 5_000
SMALL_ROUND = 2_000
SMALL_BATCH = 200
ORDERS = 5_000
SIZE = Size(stores=1, skus=2_000, stocked=2_000, on_hand=100_000)
TOGETHER = 8
"""Orders that associates have in work at once: their steps lie between each other."""
NOON_MS = 1_763_900_000_000
BACKLOG_OPS = 60_000
RAW_WORDS = "rows/s of executemany into bare sqlcipher3, FULL, 1,000 a transaction"


def measure() -> Iterator[Figure]:
    """Send five times 5,000 operations; the median counts."""
    with temporary() as folder, a_central(folder, SIZE) as central:
        with central.opened() as parts:
            orders = place_many(parts, ORDERS, SIZE)
        with a_store(folder, central) as machine, machine.opened() as store:
            yield from _send(store, central.url, orders, folder)


def _send(
    store: Store, url: str, orders: Sequence[FulfillmentOrder], folder: Path
) -> Iterator[Figure]:
    traffic = Traffic()
    daemon = daemon_of(store, url, traffic)
    assert daemon.run_once().ok
    endpoint = daemon._endpoint
    terminal = Terminal(store.journal)
    steps = list(pickup_steps(orders))
    took, raw = [], []
    for number in range(ROUNDS):
        part = steps[number * OPS_PER_ROUND : (number + 1) * OPS_PER_ROUND]
        assert len(part) == OPS_PER_ROUND
        terminal.journal_all(part)
        took.append(seconds(lambda: push_all(endpoint, store.journal)))
        assert store.journal.backlog() == 0
        raw.append(baselines.inserts_per_s(folder / "raw.db"))
    refused = store.journal.history(1, 0)[0][1]
    assert refused is not None
    assert refused.status.value == "accepted", refused
    yield Figure(
        "sync_push_ops_per_s", OPS_PER_ROUND / median(took), "ops/s", RAW_WORDS, median(raw)
    )
    terminal.journal_all(steps[ROUNDS * OPS_PER_ROUND :][:SMALL_ROUND])
    yield _bytes_per_op(endpoint, store, traffic)
    yield _idle(daemon, traffic)


def _bytes_per_op(endpoint: SyncEndpoint, store: Store, traffic: Traffic) -> Figure:
    """Send what waits in small batches."""
    lines = store.journal.lines_after(store.journal.acked_seq(), 10**6, 10**9)
    assert len(lines) == SMALL_ROUND
    traffic.reset()
    push_all(endpoint, store.journal, SMALL_BATCH)
    assert traffic.requests == SMALL_ROUND // SMALL_BATCH
    return Figure(
        "bytes_per_op_up", (traffic.bytes_sent + traffic.bytes_received) / SMALL_ROUND, "bytes",
        "the same operations as plain lines of JSON", sum(map(len, lines)) / SMALL_ROUND,
    )  # fmt: skip


def _idle(daemon: SyncDaemon, traffic: Traffic) -> Figure:
    """One round with nothing to send and nothing to fetch."""
    assert daemon.run_once().ok
    traffic.reset()
    assert daemon.run_once().ok
    assert traffic.requests == 1
    idle = traffic.bytes_sent + traffic.bytes_received
    bare = len(b"GET / HTTP/1.1\r\nhost: 127.0.0.1:8470\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
    return Figure(
        "idle_cycle_bytes", idle, "bytes", "the shortest HTTP exchange: a GET answered 204", bare
    )


def pickup_steps(orders: Sequence[FulfillmentOrder]) -> Iterator[tuple[FulfillmentOrder, Any]]:
    """Yield every step of whole pickups, a few orders in work at a time."""
    for start in range(0, len(orders), TOGETHER):
        queues = [list(_steps(order)) for order in orders[start : start + TOGETHER]]
        random = Random(start)
        while queues:
            queue = random.choice(queues)
            yield queue.pop(0)
            queues = [one for one in queues if one]


def _steps(order: FulfillmentOrder) -> Iterator[tuple[FulfillmentOrder, Any]]:
    key = order.id
    proof = PickupProof(ProofKind.PICKUP_CODE, order.customer_name)
    spot = SPOTS[ord(order.order_number[0]) % len(SPOTS)]
    handed = tuple(op.LineQuantity(line.line, line.allocated) for line in order.lines)
    operations = (
        op.FulfillmentAccepted(key),
        *(op.LinePicked(key, line.line, line.allocated, _gtin(line.sku)) for line in order.lines),
        op.Staged(key, spot),
        op.MarkedReady(key, NOON_MS, NOON_MS + 7 * 86_400_000),
        op.HandedOver(key, handed, proof),
    )
    for operation in operations:
        yield order, operation


def _gtin(sku: str) -> str:
    return gtin_of(int(sku.removeprefix("SKU-")))


class Terminal:
    """Journals operations as a terminal does: decided by the rules, one after the other."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._now: dict[str, FulfillmentOrder] = {}
        self._at = NOON_MS

    def journal_all(self, steps: Sequence[tuple[FulfillmentOrder, Any]]) -> None:
        """Append many in one transaction, which a terminal would not do, to save time here."""
        with self._journal.writing():
            for order, operation in steps:
                before = self._now.get(order.id, order)
                self._at += 4_000
                outcome = decide(flow_named(order.flow), before, operation, self._at)
                self._now[order.id] = outcome.after
                record = OperationRecord(
                    LEADER, "till-1", "5c7f0a1e", self._at - NOON_MS, self._at, operation
                )
                self._journal.append(record, outcome.effects)


def measure_backlog() -> Iterator[Figure]:
    """Drain 60,000 operations: a month without a network.

    Before it the store's views include its work, as its terminals and the rounds of
    that month have left them.
    """
    orders = BACKLOG_OPS // 5
    size = Size(stores=1, skus=2_000, stocked=2_000, on_hand=1_000_000)
    with temporary() as folder, a_central(folder, size) as central:
        with central.opened() as parts:
            placed = place_many(parts, orders, size)
        with a_store(folder, central) as machine, machine.opened() as store:
            assert daemon_of(store, central.url).run_once().ok
            steps = list(pickup_steps(placed))[:BACKLOG_OPS]
            Terminal(store.journal).journal_all(steps)
            daemon = daemon_of(store, central.url)
            store.writer.refold()
            took = seconds(daemon.run_once)
            assert store.journal.backlog() == 0
            raw = baselines.inserts_per_s(folder / "raw.db")
    words = f"the time of as many rows at: {RAW_WORDS}"
    yield Figure("backlog_60k_s", took, "s", words, BACKLOG_OPS / raw)
