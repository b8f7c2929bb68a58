"""A central that was restored to before what its stores still keep: they go on behind the hole."""

import copy
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sync.edge.journal import KEEP_DAYS
from sync.protocol.endpoint import OperationsPage
from sync.transport.faulty import Faults
from tests.support.memory_central import MemoryCentral
from tests.sync.edge.restores import (
    check_settled,
    copy_of,
    lines_at_central,
    lines_here,
    pick,
    put_back,
    rewound,
    save,
    wait,
    work,
)
from tests.sync.edge.test_recovery import enrol_anew
from tests.sync.edge.worlds import World

DAY_S = 86_400


def days_pass(world: World, days: int) -> None:
    """Let days pass with sync; the store forgets what central has had for long."""
    wait(world, days * DAY_S)
    world.quiet()
    world.store.journal.prune(world.clock.now_ms())


def a_long_history(shop: World) -> dict[str, MemoryCentral]:
    """Orders 1 to 4 are worked on, days apart, and 1 to 3 forgotten; return central's copies."""
    saved = {"nothing": copy.deepcopy(shop.central)}
    for number in (1, 2, 3):
        work(shop, number)
        days_pass(shop, 2)
        saved[f"order {number}"] = copy.deepcopy(shop.central)
    days_pass(shop, KEEP_DAYS)
    work(shop, 4)
    days_pass(shop, 2)
    assert len(lines_here(shop)) == 3, "the last acknowledged one is kept too"
    return saved


def check_places(world: World) -> None:
    """Each line that both sides have is at one place, and nothing stands where it never was."""
    there = {
        (one.replica_id, one.epoch, one.seq): entry.line
        for one, entry in world.central.journal.entries.items()
    }
    names = {life.epoch: life.replica_id for life in world.store.journal.lives}
    for epoch, seq, line in world.store.journal._all("SELECT epoch, seq, line FROM operations"):
        assert there[names[epoch], epoch, seq] == line
    seqs = [seq for _, _, seq in sorted(there)]
    assert all(first < second for first, second in pairwise(seqs))


def lost_words(world: World) -> list[str]:
    return [one for one in world.store.sync_state().alerts if "lost" in one]


@pytest.mark.parametrize(
    ("point", "words"),
    [("nothing", "5 operations"), ("order 1", "3 operations"), ("order 2", "1 operation")],
)
def test_a_store_goes_on_behind_what_nobody_has_any_more(shop: World, point: str, words: str):
    """What it still has is sent, at its place, once; the rest is said in words, on both sides."""
    saved = a_long_history(shop)
    rewound(shop.central, saved[point])
    work(shop, 5)
    assert shop.round().ok
    shop.quiet()
    check_places(shop)
    assert shop.store.journal.backlog() == 0
    assert shop.store.journal.head().seq == 10
    assert {shop.central.orders[f"F0000{n}"].total("picked") for n in (4, 5)} == {1}
    assert len(set(lines_at_central(shop))) == len(lines_at_central(shop))
    (alert,) = lost_words(shop)
    assert alert.startswith(f"{words} before operation 6 ")
    first = 6 - int(words.split(maxsplit=1)[0])
    assert shop.central.lost == [("R1", first, 5)]
    work(shop, 6)
    shop.quiet()
    check_places(shop)


def test_a_till_may_bring_back_a_sale_that_nobody_has_any_more(shop: World):
    """Numbers of forgotten sales are kept: not where central may have lost those sales as well."""
    saved = a_long_history(shop)
    journal = shop.store.journal
    with journal.writing():
        journal.connection.execute("INSERT INTO sale_numbers VALUES ('sale:T1', '[]', 0)")
    rewound(shop.central, saved["order 3"])
    shop.quiet()
    assert journal.knows("sale:T1")
    rewound(shop.central, saved["order 1"])
    shop.quiet()
    assert not journal.knows("sale:T1")


def test_what_the_journal_keeps_whole_is_sent_again_in_its_epoch(shop: World):
    """The copy ends where the store still can go on: no hole, nothing lost, no new epoch."""
    saved = a_long_history(shop)
    rewound(shop.central, saved["order 3"])
    work(shop, 5)
    shop.quiet()
    check_settled(shop)
    assert (shop.store.identity.epoch, lost_words(shop), shop.central.lost) == (1, [], [])


def test_the_view_is_right_whenever_the_line_is_cut(shop: World):
    """Rows of before include what is about to move: they are read anew before it does."""
    saved = a_long_history(shop)
    rewound(shop.central, saved["order 1"])
    for call in ("hello", "pull", "operations", "push"):
        shop.faulty.cut_before(call)
        shop.round()
        shop.reopen()
        assert shop.view("F00004").total("picked") == 1
        shop.faulty.restore()
    shop.quiet()
    check_places(shop)


@pytest.mark.parametrize("fault", ["lose_answer", "drop"])
def test_answers_and_requests_may_be_lost(shop: World, fault: str):
    """Every step can be repeated: one epoch is begun, one hole is told."""
    saved = a_long_history(shop)
    rewound(shop.central, saved["order 1"])
    shop.faulty.faults = Faults(**{fault: 0.5})
    for _ in range(12):
        shop.round()
    shop.quiet()
    check_places(shop)
    assert (shop.store.identity.epoch, len(shop.central.lost)) == (2, 1)


def test_central_is_restored_again_to_before_the_hole(shop: World):
    """The same copy once more: everything that is kept goes up once more, and it is told anew."""
    saved = a_long_history(shop)
    for _ in range(2):
        rewound(shop.central, saved["order 1"])
        shop.quiet()
        check_places(shop)
        assert shop.central.lost == [("R1", 3, 5)]
        assert len(lines_at_central(shop)) == 5
    rewound(shop.central, saved["nothing"])
    shop.quiet()
    check_places(shop)
    assert len(lines_at_central(shop)) == 4


@pytest.mark.parametrize("again", ["nothing", "order 1", "order 2", "order 3"])
def test_central_is_restored_to_a_newer_copy_after_an_older_one(shop: World, again: str):
    """It has at their old places what went up behind the hole: that is found, line by line."""
    saved = a_long_history(shop)
    newer = copy.deepcopy(shop.central)
    for central in (saved[again], newer, saved["order 1"], newer):
        rewound(shop.central, central)
        shop.quiet()
        check_places(shop)
        lines = lines_at_central(shop)
        assert len(set(lines)) == len(lines)
    assert len(lines) == 8
    assert lost_words(shop) == []
    check_settled(shop)


def test_a_copy_of_the_machine_does_not_send_it_too(shop: World, tmp_path: Path):
    """Two disks with the same work meet the restored central: each operation counts once."""
    saved = a_long_history(shop)
    other = copy_of(shop, tmp_path / "copy")
    rewound(shop.central, saved["order 1"])
    shop.quiet()
    for _ in range(3):
        wait(shop, 30)
        shop.round()
        other.round()
    assert other.store.journal.is_duplicate()
    assert len(set(lines_at_central(shop))) == len(lines_at_central(shop)) == 5
    check_places(shop)
    other.store.close()


class Raced:
    """A line to central; somebody else is quicker than its first question for operations."""

    def __init__(self, inner: object, act: Callable[[], object]) -> None:
        self._inner = inner
        self._acts = [act]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def operations(self, replica_id: str, epoch: int, from_seq: int) -> OperationsPage:
        while self._acts:
            self._acts.pop()()
        return self._inner.operations(replica_id, epoch, from_seq)  # type: ignore[attr-defined]


@pytest.mark.parametrize("more", [1, 2])
def test_a_copy_that_was_quicker_takes_no_work_along(shop: World, tmp_path: Path, more: int):
    """Central's end is beyond all that was done here: it is a copy's, not what was forgotten."""
    work(shop, 1)
    wait(shop, 2 * DAY_S)
    shop.quiet()
    saved = copy.deepcopy(shop.central)
    for number in (2, 3):
        work(shop, number)
        wait(shop, 2 * DAY_S)
        shop.quiet()
    wait(shop, KEEP_DAYS * DAY_S)
    shop.quiet()
    work(shop, 4)
    wait(shop, 2 * DAY_S)
    shop.quiet()
    other = copy_of(shop, tmp_path / "copy")  # it has forgotten nothing yet
    shop.store.journal.prune(shop.clock.now_ms())
    rewound(shop.central, saved)
    work(other, *range(5, 5 + more))
    pick(shop, 1)
    own = lines_here(shop)[-1]
    shop.faulty._inner = Raced(shop.central, other.round)
    shop.round()
    for _ in range(4):
        wait(shop, 200)
        shop.round()
        other.round()
    is_known = own in lines_at_central(shop)
    assert is_known or shop.store.journal.backlog() or shop.store.journal.is_duplicate()
    other.store.close()


def test_a_name_that_the_copy_does_not_know_takes_along_what_is_kept(shop: World):
    """Restored to before the enrolment: under a new name the rest goes up, and the hole is told."""
    a_long_history(shop)
    fresh = MemoryCentral()
    fresh.orders = copy.deepcopy(shop.central.orders)
    rewound(shop.central, fresh)
    enrol_anew(shop, "R2")
    shop.quiet()
    check_places(shop)
    assert len(lines_at_central(shop)) == 3
    (alert,) = lost_words(shop)
    assert alert.startswith("5 operations before operation 6 are")
    assert shop.central.lost == [("R2", 1, 5)]


def test_work_that_a_new_name_takes_along_is_not_called_lost(shop: World):
    """Unsent under the old name, sent under the new one: nobody has to look for any goods."""
    work(shop, 1)
    shop.quiet()
    work(shop, 2, 3)
    enrol_anew(shop, "R2")
    work(shop, 4)
    shop.quiet()
    check_settled(shop)
    assert (lost_words(shop), shop.central.lost) == ([], [])


def test_what_a_restored_store_has_lost_is_told_at_central_too(shop: World, tmp_path: Path):
    """Done, never sent, and gone with the disk: somebody at central has to know."""
    work(shop, 1)
    shop.quiet()
    save(shop, tmp_path / "backup")
    work(shop, 2)
    put_back(shop, tmp_path / "backup")
    work(shop, 3)
    shop.quiet()
    check_settled(shop)
    assert shop.central.lost == [("R1", 3, 4)]
    assert lost_words(shop)[0].startswith("2 operations before operation 5 are")


@pytest.mark.parametrize("call", ["hello", "operations", "push", "pull"])
def test_a_new_name_takes_nothing_along_that_a_row_includes_already(shop: World, call: str):
    """Central was restored, the machine enrolled anew, its first round cut in its middle."""
    saved = copy.deepcopy(shop.central)
    work(shop, 1)
    shop.quiet()
    rewound(shop.central, saved)
    enrol_anew(shop, "R2")
    shop.faulty.cut_before(call)
    shop.round()
    assert shop.view("F00001").total("picked") == 1
    shop.quiet()
    assert shop.view("F00001").total("picked") == 1
    check_settled(shop)
