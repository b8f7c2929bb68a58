"""store_commit_*: one operation, decided, journaled (synchronous FULL, encrypted) and shown."""

import time
from collections.abc import Iterator
from typing import Any

from sync.domain import operations as op
from tests.benchmarks import baselines
from tests.benchmarks.measure import Figure, percentile
from tests.benchmarks.site import a_central, a_store, temporary
from tests.support.builders import LEADER
from tests.support.network import Size

ORDERS = 200
PERFORMED = 600
ROUND = 100
SIZE = Size(stores=1, skus=2_000, stocked=2_000)


def measure() -> Iterator[Figure]:
    """Perform operations and bare commits by turns, so that both see the same disk."""
    raw: list[float] = []
    took: list[float] = []
    with (
        temporary() as folder,
        a_central(folder, SIZE, ORDERS) as central,
        a_store(folder, central) as machine,
        machine.opened() as store,
    ):
        work = list(_operations([row.id for row in store.board("pickup")]))
        for start in range(0, PERFORMED, ROUND):
            raw += baselines.commit_ms(folder / "raw.db", ROUND)
            for operation in work[start : start + ROUND]:
                began = time.perf_counter()
                store.perform(operation, by=LEADER, dev="till-1")
                took.append((time.perf_counter() - began) * 1000)
    words = "a bare sqlcipher3 commit of one row, FULL, {} of the same run"
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        yield Figure(
            f"store_commit_{name}_ms", percentile(took, share), "ms",
            words.format(name), percentile(raw, share),
        )  # fmt: skip


def _operations(ids: list[str]) -> Iterator[Any]:
    for turn in (
        op.FulfillmentAccepted,
        lambda key: op.LinePicked(key, 1, 1),
        lambda key: op.LineUnpicked(key, 1, 1),
        lambda key: op.LinePicked(key, 1, 1),
    ):
        for key in ids:
            yield turn(key)
