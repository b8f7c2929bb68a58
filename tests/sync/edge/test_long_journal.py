"""Work on one order costs the same, however long the journal has become."""

from pathlib import Path
from typing import Any

import pytest

from sync.domain import operations as op
from sync.domain.inventory import StockEffect, StockReason
from sync.edge.journal import Journal
from sync.protocol.lines import OperationRecord
from tests.support.builders import NOON_MS, ManualClock, enrolled_store

SHORT, LONG = 50, 5_000
ORDER = "F-THIS"


def _filled(folder: Path, others: int) -> Journal:
    journal = enrolled_store(folder, ManualClock()).journal
    with journal.writing():
        for number in range(others):
            _append(journal, f"F{number // 6:05d}")
        _append(journal, ORDER)
    return journal


def _append(journal: Journal, key: str) -> None:
    record = OperationRecord("A1", "till-1", "b", 0, NOON_MS, op.LinePicked(key, 1, 1))
    journal.append(record, [StockEffect("SKU-1", -1, -1, StockReason.HANDED_OVER)])


def steps_of(journal: Journal, read: Any, every: int = 100) -> int:
    """Return how many times `every` instructions the engine needs to answer."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    journal._connection.set_progress_handler(count, every)
    try:
        assert read(journal)
    finally:
        journal._connection.set_progress_handler(None, every)
    return steps


@pytest.mark.slow
@pytest.mark.parametrize(
    "read",
    [
        lambda journal: journal.pending({ORDER: 0}),
        lambda journal: journal.history(100, 0, ORDER),
    ],
    ids=["pending", "history"],
)
def test_reading_one_order_does_not_walk_the_journal(tmp_path: Path, read: Any) -> None:
    """With a hundred times as many operations of other orders, it is no more work for the disk."""
    short = steps_of(_filled(tmp_path / "short", SHORT), read)
    long = steps_of(_filled(tmp_path / "long", LONG), read)
    assert long <= short + 2
