"""What a store sold costs the same to know, however many sales wait: in the engine's steps."""

from pathlib import Path
from typing import Any

import pytest

from sync.domain.inventory import StockEffect, StockReason
from sync.domain.operations import LinePicked
from sync.domain.stock_operations import FloorSold, SkuUnits
from sync.edge.journal import KEEP_DAYS, Journal
from sync.protocol.lines import OperationRecord
from tests.support.builders import NOON_MS
from tests.sync.edge.test_journal import add, answer, journal_in, prune_later, record
from tests.sync.edge.test_long_journal import steps_of

FEW, MANY = 50, 5_000
SKU, OTHER = "SKU-1", "SKU-2"


def sell(journal: Journal, number: int, *units: tuple[str, int]) -> int:
    """Append one sale, inside `writing()`."""
    lines = tuple(SkuUnits(sku, count) for sku, count in units)
    operation = FloorSold(f"T{number}", lines)
    effects = [StockEffect(sku, -count, 0, StockReason.FLOOR_SOLD) for sku, count in units]
    return journal.append(OperationRecord("A1", "POS", "b", 0, NOON_MS, operation), effects)


def filled(folder: Path, sales: int) -> Journal:
    """Return a journal with so many sales of one SKU, none of which central has."""
    journal = journal_in(folder)
    with journal.writing():
        for number in range(sales):
            sell(journal, number, (SKU, 1))
        sell(journal, sales, (OTHER, 3))
    return journal


@pytest.mark.parametrize(
    "read",
    [
        lambda rights, last: rights.sold_after(SKU, 10),
        lambda rights, last: rights.sold_after(OTHER, 0),
        lambda rights, last: rights.sold_among([SKU, OTHER, "never sold"]),
        lambda rights, last: rights.skus_sold(),
        lambda rights, last: rights.skus_touched_after(last - 1),
    ],
    ids=["of one", "of another", "which of these", "which", "touched"],
)
def test_a_hundred_times_the_sales_are_no_more_work(tmp_path: Path, read: Any):
    """Every look at a share asks these; a week offline at Christmas has thousands of sales."""

    def work(journal: Journal) -> int:
        last = journal.head().seq
        return steps_of(journal, lambda one: read(one.rights, last), every=10)

    few, many = work(filled(tmp_path / "few", FEW)), work(filled(tmp_path / "many", MANY))
    assert many <= 2 * few + 5, (few, many)


def test_sums_are_those_of_the_sales(tmp_path: Path):
    """After each place, of each SKU, returns and two lines of one SKU included."""
    journal = journal_in(tmp_path)
    with journal.writing():
        first = sell(journal, 1, (SKU, 2), (OTHER, 1))
        second = sell(journal, 2, (SKU, 1), (SKU, 3))
        third = sell(journal, 3, (SKU, -2))
    rights = journal.rights
    assert [rights.sold_after(SKU, seq) for seq in (0, first, second, third)] == [-4, -2, 2, 0]
    assert [rights.sold_after(OTHER, seq) for seq in (0, first)] == [-1, 0]
    assert rights.sold_after("never", 0) == 0
    assert rights.skus_sold() == [SKU, OTHER]
    assert rights.sold_among([OTHER, "never"]) == {OTHER}


def test_work_on_orders_is_no_sale(tmp_path: Path):
    """It moves stock as well, and is counted with its order."""
    journal = journal_in(tmp_path)
    picked = OperationRecord("A1", "T1", "b", 0, NOON_MS, LinePicked("F1", 1, 1))
    with journal.writing():
        journal.append(picked, [StockEffect(SKU, -1, -1, StockReason.HANDED_OVER)])
    assert (journal.rights.skus_sold(), journal.rights.sold_after(SKU, 0)) == ([], 0)


def test_sums_outlive_the_sales_that_are_forgotten(tmp_path: Path):
    """Pruned sales are long in central's rows; what comes after them is counted as ever."""
    journal = journal_in(tmp_path)
    with journal.writing():
        for number in range(4):
            sell(journal, number, (SKU, 1))
    journal.settle(answer(journal, 3), now_ms=NOON_MS)
    assert prune_later(journal, KEEP_DAYS + 1) == 2
    assert journal.rights.sold_after(SKU, 3) == -1
    with journal.writing():
        sell(journal, 9, (SKU, 5))
    assert journal.rights.sold_after(SKU, 3) == -6


def test_a_sale_that_is_rolled_back_counts_nowhere(tmp_path: Path):
    """The sum is written with the operation, or not at all."""
    journal = journal_in(tmp_path)
    add(journal, record(1))

    def fail() -> None:
        with journal.writing():
            sell(journal, 1, (SKU, 1))
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        fail()
    assert journal.rights.sold_after(SKU, 0) == 0


def test_sales_of_an_older_version_are_counted(tmp_path: Path):
    """An upgraded journal has its sums from the sales that it holds."""
    from sync.edge.journal_schema import SOLD_OF_BEFORE

    journal = filled(tmp_path, 5)
    before = [journal.rights.sold_after(SKU, seq) for seq in range(7)]
    with journal.writing():
        journal.connection.execute("DELETE FROM sold")
        journal.connection.execute(SOLD_OF_BEFORE)
    assert [journal.rights.sold_after(SKU, seq) for seq in range(7)] == before
