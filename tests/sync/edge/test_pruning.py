"""What a journal may forget: only what central has had for long, by more than one clock."""

from dataclasses import replace
from pathlib import Path

import pytest

from sync.domain.money_operations import CashMoved, CashReason, DrawerCounted, DrawerOpened
from sync.edge.journal import DAY_MS, KEEP_DAYS, Journal
from sync.protocol.lines import OperationRecord
from tests.support.builders import NOON_MS
from tests.sync.edge.test_journal import add, answer, journal_in, prune_later, record

YEAR = 365


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Five operations, all of them settled at noon."""
    made = journal_in(tmp_path, *(record(number) for number in range(1, 6)))
    made.settle(answer(made, 5), now_ms=NOON_MS)
    return made


def at_ms(days: int) -> int:
    return NOON_MS + days * DAY_MS


def count(journal: Journal) -> int:
    return len(journal.lines_after(0, 99, 10**9))


def test_a_clock_that_is_set_forward_throws_nothing_away(journal: Journal):
    """A year ahead by this machine, a minute by central: all is kept that it may ask for."""
    assert journal.prune(at_ms(YEAR)) == 0
    journal.settle(answer(journal, 5, days=0), now_ms=at_ms(YEAR))
    assert journal.prune(at_ms(YEAR)) == 0
    assert count(journal) == 5


def test_a_central_whose_clock_is_set_forward_throws_nothing_away(journal: Journal):
    """It says that a year has passed; this machine knows better."""
    journal.settle(answer(journal, 5, days=YEAR), now_ms=at_ms(1))
    assert journal.prune(at_ms(1)) == 0
    assert count(journal) == 5


def test_what_was_done_under_a_wrong_clock_is_kept_as_long(tmp_path: Path):
    """A machine without a battery believes in 1970: its work is as new as any."""
    journal = journal_in(tmp_path)
    for number in range(3):
        add(journal, record(1, number))
    journal.settle(answer(journal, 3), now_ms=NOON_MS)
    assert journal.prune(NOON_MS) == 0
    assert prune_later(journal) == 2


def test_an_offline_store_forgets_nothing(journal: Journal):
    """It does not know how central is: two months without a word are not two months of safety."""
    assert journal.prune(at_ms(60)) == 0
    assert prune_later(journal, 60) == 4


def test_what_was_acknowledged_later_is_kept_longer(journal: Journal):
    """Each operation has its own 45 days, counted from when central had it."""
    for number in (6, 7, 8):
        add(journal, record(number))
    journal.settle(answer(journal, 8, days=30), now_ms=at_ms(30))
    assert prune_later(journal, KEEP_DAYS) == 4
    assert prune_later(journal, KEEP_DAYS + 29) == 0
    assert prune_later(journal, KEEP_DAYS + 30) == 3


def test_what_central_lost_and_got_again_counts_anew(journal: Journal):
    """Restored, it has had the operations since it has them again."""
    journal.rewind(2)
    journal.settle(answer(journal, 5, days=40), now_ms=at_ms(40))
    assert prune_later(journal, KEEP_DAYS + 1) == 0
    assert prune_later(journal, 40 + KEEP_DAYS) == 4


def test_a_clock_that_is_set_back_only_delays(journal: Journal):
    """Whatever is noted in a wrong year is covered by what is noted later."""
    add(journal, record(6))
    journal.settle(answer(journal, 6, days=YEAR), now_ms=at_ms(YEAR))
    add(journal, record(7))
    journal.settle(answer(journal, 7, days=2), now_ms=at_ms(2))
    assert prune_later(journal, KEEP_DAYS + 2) == 6


def test_idle_answers_write_no_notes(journal: Journal):
    """Thousands of empty cycles leave one note for one state."""
    for day in range(40):
        journal.settle(answer(journal, 5, days=day), now_ms=at_ms(day))
    assert journal._one("SELECT count(*) FROM acknowledged") == (1,)


def test_an_answer_without_a_time_says_nothing(tmp_path: Path):
    """A central of the first protocol: nothing is old by what it did not say."""
    journal = journal_in(tmp_path, record(1), record(2))
    timeless = answer(journal, 2).model_copy(update={"answered_at_ms": 0})
    journal.settle(timeless, now_ms=NOON_MS)
    assert prune_later(journal) == 0


def test_the_last_session_of_each_drawer_is_kept(tmp_path: Path):
    """Opened two months ago: its float and its cash are known, and of earlier ones no more."""

    def at(device: str, operation: object) -> OperationRecord:
        return replace(record(1), dev=device, op=operation)

    moved = CashMoved("T1", 1, -1, "USD", CashReason.DEPOSIT)
    first = [at("T1", DrawerOpened("T1", 1, 500, "USD")), at("T1", moved)]
    other = [
        at("T2", turn)
        for number in (1, 2)
        for turn in (DrawerOpened("T2", number, 1, "USD"), DrawerCounted("T2", number, 1, 1, "USD"))
    ]
    journal = journal_in(tmp_path, *first, *other, record(2), record(3))
    journal.settle(answer(journal, 8), now_ms=NOON_MS)
    assert prune_later(journal) == 3
    assert [entry.seq for entry, _, _ in journal.money_history(1)] == [1, 2, 5, 6]
    assert journal.broken() == ""
