"""Stores that were restored or copied, centrals that were restored: each recovers by itself."""

import contextlib
import copy
from pathlib import Path

import pytest

from sync.edge import recovery
from sync.edge.journal import Identity
from sync.protocol.verdicts import VerdictStatus
from sync.transport.faulty import Faults
from tests.support.builders import daemon_of
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
from tests.sync.edge.worlds import World


def test_a_restored_store_goes_on_in_a_new_epoch(shop: World, tmp_path: Path):
    """Its own later work comes back from central, new work follows, nothing counts twice."""
    work(shop, 1)
    shop.quiet()
    save(shop, tmp_path / "backup")
    work(shop, 2, 3)
    shop.quiet()
    put_back(shop, tmp_path / "backup")
    work(shop, 4)
    assert shop.round().ok
    shop.quiet()
    check_settled(shop)
    assert shop.store.identity.epoch > 1
    assert len(lines_at_central(shop)) == len(lines_here(shop)) == 8
    assert shop.central.orders["F00002"].total("picked") == 1
    assert shop.store.sync_state().alerts == ()


def test_new_work_is_seen_before_central_is_asked(shop: World, tmp_path: Path):
    """The journal is older than the rows: what is done now is on the screen at once, offline."""
    work(shop, 1)
    save(shop, tmp_path / "backup")
    pick(shop, 1)
    shop.quiet()
    put_back(shop, tmp_path / "backup")
    shop.faulty.cut()
    pick(shop, 1)
    assert shop.view("F00001").total("picked") == 3
    shop.quiet()
    check_settled(shop)
    assert shop.view("F00001").total("picked") == 3


def test_unsent_work_of_the_backup_is_not_counted_twice(shop: World, tmp_path: Path):
    """What was unsent in the backup and has been sent since is known to be the same."""
    work(shop, 1)
    save(shop, tmp_path / "backup")
    shop.quiet()
    work(shop, 2)
    shop.quiet()
    put_back(shop, tmp_path / "backup")
    shop.quiet()
    check_settled(shop)
    assert len(lines_at_central(shop)) == 4


@pytest.mark.parametrize("times", [2, 3])
def test_a_store_can_be_restored_again_and_again(shop: World, tmp_path: Path, times: int):
    """From the same backup each time: each restore is an epoch, and all the work is there once."""
    work(shop, 1)
    save(shop, tmp_path / "backup")
    shop.quiet()
    for number in range(times):
        put_back(shop, tmp_path / "backup")
        work(shop, 2 + number)
        shop.quiet()
        check_settled(shop)
    assert len(lines_at_central(shop)) == 2 + 2 * times


def test_what_nobody_has_is_listed(shop: World, tmp_path: Path):
    """Done here, lost with the database, never sent: said in words, with its numbers."""
    work(shop, 1)
    save(shop, tmp_path / "backup")
    work(shop, 2)
    shop.quiet()
    pick(shop, 1, 2, 3)
    put_back(shop, tmp_path / "backup")
    assert shop.store.sync_state().alerts == ()
    shop.quiet()
    check_settled(shop)
    (alert,) = shop.store.sync_state().alerts
    assert alert.startswith("3 operations before operation 8 are lost")
    pick(shop, 4)
    assert shop.store.journal.head().seq == 8


def test_a_whole_disk_that_is_rolled_back_waits_and_goes_on(shop: World, tmp_path: Path):
    """Nothing outside tells of a restore: central first makes sure that nobody else lives."""
    save(shop, tmp_path / "disk", whole=True)
    work(shop, 1, 2)
    shop.quiet()
    put_back(shop, tmp_path / "disk", whole=True)
    work(shop, 3)
    wait(shop, 10)
    report = shop.round()
    assert (report.ok, shop.store.sync_state().halted) == (False, True)
    assert shop.view("F00003").total("picked") == 1
    wait(shop, 100)
    shop.quiet()
    check_settled(shop)
    assert len(lines_at_central(shop)) == 6


def test_a_copy_beside_the_original_sends_nothing(shop: World, tmp_path: Path):
    """The copy is told apart as soon as the original speaks again; the original never notices."""
    work(shop, 1)
    shop.quiet()
    other = copy_of(shop, tmp_path / "copy")
    work(shop, 2)
    shop.quiet()
    work(other, 3)
    for _ in range(4):
        assert not other.round().ok
        wait(shop, 30)
        assert shop.round().ok
    wait(shop, 600)
    assert not other.round().ok
    assert "another machine" in other.store.sync_state().last_error
    assert other.store.journal.is_duplicate()
    work(other, 4)
    assert other.view("F00004").total("picked") == 1
    assert other.view("F00003").total("picked") == 1
    shop.quiet()
    check_settled(shop)
    assert len(lines_at_central(shop)) == 4
    other.store.close()


def test_a_rival_is_known_whichever_way_central_s_clock_goes(shop: World):
    """Heard at another time than before, later or earlier: it lives, and this is the copy."""
    for first, then in ((1_000, 2_000), (2_000, 1_000)):
        recovery.take_over(shop.store.journal, shop.store.identity, 0)
        shop.store.journal.meet_rival(first)
        shop.store.journal.meet_rival(first)
        assert not shop.store.journal.is_duplicate()
        shop.store.journal.meet_rival(then)
        assert shop.store.journal.is_duplicate()


def test_the_copy_that_was_first_keeps_the_name(shop: World, tmp_path: Path):
    """The original was away meanwhile: it is the second one then, and sends nothing."""
    other = copy_of(shop, tmp_path / "copy")
    work(other, 1)
    wait(shop, 1)
    assert other.round().ok
    work(shop, 2)
    assert not shop.round().ok
    wait(shop, 30)
    assert other.round().ok
    assert not shop.round().ok
    assert shop.store.journal.is_duplicate()
    assert shop.view("F00002").total("picked") == 1
    check_settled(other)
    other.store.close()


def test_a_copy_takes_its_work_over_when_it_is_enrolled_anew(shop: World, tmp_path: Path):
    """Under a new name everything that was not sent is sent, in its order; nothing is dropped."""
    work(shop, 1)
    shop.quiet()
    other = copy_of(shop, tmp_path / "copy")
    work(shop, 2)
    shop.quiet()
    work(other, 3)
    other.round()
    enrol_anew(other, "R2")
    work(other, 4)
    other.quiet()
    check_settled(other)
    assert other.store.journal.count_verdicts(VerdictStatus.QUARANTINED) == 0
    assert len(lines_at_central(shop)) == 8
    assert {one.replica_id for one in shop.central.applied} == {"R1", "R2"}
    pick(other, 4)
    other.quiet()
    check_settled(other)
    other.store.close()


def test_of_two_copies_under_a_new_name_the_first_to_speak_has_it(shop: World, tmp_path: Path):
    """Copied after the enrolment, before central was heard: the other must be enrolled anew."""
    work(shop, 1)
    shop.quiet()
    enrol_anew(shop, "R2")
    other = copy_of(shop, tmp_path / "copy")
    work(shop, 2)
    shop.quiet()
    work(other, 3)
    for _ in range(2):
        report = other.round()
        assert not report.ok
        assert "enrol" in report.error
    assert other.store.journal.is_duplicate()
    enrol_anew(other, "R3")
    other.quiet()
    check_settled(other)
    assert len(lines_at_central(shop)) == 6
    other.store.close()


def test_what_two_copies_bring_along_under_new_names_counts_once(shop: World, tmp_path: Path):
    """Each has the same unsent work; the second one learns that it is known, and goes on."""
    work(shop, 1)
    shop.quiet()
    work(shop, 2)
    other = copy_of(shop, tmp_path / "copy")
    enrol_anew(shop, "R2")
    shop.quiet()
    enrol_anew(other, "R3")
    work(other, 3)
    other.quiet()
    assert all(other.view(key) == order for key, order in shop.central.orders.items())
    shown = [one.text for one in other.store.operations() if "another machine" in one.text]
    assert len(shown) == 2
    assert {shop.central.orders[f"F0000{n}"].total("picked") for n in (1, 2, 3)} == {1}
    assert other.store.pending_effects() == []
    other.store.close()


def test_a_new_name_takes_over_what_was_sent_and_not_answered_once(shop: World):
    """An answer under the old name was lost: central's list tells what it has already."""
    work(shop, 1)
    shop.faulty.faults = Faults(lose_answer=1.0)
    shop.round()
    work(shop, 2)
    enrol_anew(shop, "R2")
    shop.quiet()
    check_settled(shop)
    assert len(lines_at_central(shop)) == 4


def enrol_anew(world: World, name: str) -> None:
    world.central.enrol(name)
    identity = Identity(name, "S001", 0, "nonce-2", "00" * 32, "memory", "http://central.invalid")
    recovery.take_over(world.store.journal, identity, world.clock.now_ms())
    world.daemon = daemon_of(world.store, world.faulty, world.clock)


def test_a_restored_central_gets_everything_again(shop: World):
    """Stores send what it lost, hear its rows anew in the same session, and all is known once."""
    work(shop, 1)
    shop.quiet()
    saved = copy.deepcopy(shop.central)
    work(shop, 2, 3)
    shop.quiet()
    rewound(shop.central, saved)
    pick(shop, 1)
    shop.quiet()
    check_settled(shop)
    shop.check_equal()
    assert len(lines_at_central(shop)) == 7


@pytest.mark.parametrize("store_first", [True, False], ids=["store behind", "central behind"])
def test_both_are_restored(shop: World, tmp_path: Path, store_first: bool):
    """Whoever was restored to the earlier moment: both end up equal, nothing counts twice."""
    work(shop, 1)
    shop.quiet()
    if store_first:
        save(shop, tmp_path / "backup")
        work(shop, 2)
        shop.quiet()
        saved = copy.deepcopy(shop.central)
    else:
        saved = copy.deepcopy(shop.central)
        work(shop, 2)
        shop.quiet()
        save(shop, tmp_path / "backup")
    work(shop, 3)
    shop.quiet()
    put_back(shop, tmp_path / "backup")
    rewound(shop.central, saved)
    work(shop, 4)
    shop.quiet()
    check_settled(shop)
    assert len(lines_at_central(shop)) == 6
    (alert,) = [one for one in shop.store.sync_state().alerts if "lost" in one]
    assert alert.startswith("2 operations before operation 7 are lost")


def test_a_central_from_before_the_recovery_gets_both_epochs(shop: World, tmp_path: Path):
    """Restored to before the store's own restore: it takes the old epoch's rest, then the new."""
    work(shop, 1)
    shop.quiet()
    saved = copy.deepcopy(shop.central)
    save(shop, tmp_path / "backup")
    work(shop, 2)
    shop.quiet()
    put_back(shop, tmp_path / "backup")
    work(shop, 3)
    shop.quiet()
    assert shop.store.identity.epoch > 1
    rewound(shop.central, saved)
    pick(shop, 3)
    shop.quiet()
    check_settled(shop)
    assert len(lines_at_central(shop)) == 7


def test_a_late_push_of_the_old_life_is_no_harm(shop: World, tmp_path: Path):
    """Sent before the restore, delivered in the middle of the recovery: it counts once."""
    work(shop, 1)
    shop.quiet()
    save(shop, tmp_path / "backup")
    work(shop, 2)
    shop.faulty.faults = Faults(late_push=1.0, deliver=0.0)
    shop.round()
    assert shop.faulty.late_requests == 1
    put_back(shop, tmp_path / "backup")
    work(shop, 3)
    shop.quiet()
    check_settled(shop)
    assert len(lines_at_central(shop)) == 6
    assert shop.store.sync_state().alerts == ()


class Crash(Exception):
    """The process ends here."""


class Crashing:
    """The endpoint of a process that dies at its n-th call, before or after central acted."""

    def __init__(self, world: World, at: int, *, after: bool) -> None:
        self._inner, self._left, self._after = world.central, at, after

    def __getattr__(self, name: str):
        def call(*arguments: object) -> object:
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Crash
            answer = getattr(self._inner, name)(*arguments)
            if self._left == 0:
                raise Crash
            return answer

        return call


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("at", range(1, 12))
def test_a_crash_at_any_call_of_the_recovery_is_repaired(
    shop: World, tmp_path: Path, at: int, after: bool
):
    """The next process finds a whole state and goes on from there."""
    work(shop, 1)
    shop.quiet()
    save(shop, tmp_path / "backup")
    work(shop, 2)
    shop.quiet()
    put_back(shop, tmp_path / "backup")
    work(shop, 3)
    shop.daemon = daemon_of(shop.store, Crashing(shop, at, after=after), shop.clock)
    with contextlib.suppress(Crash):
        shop.round()
    shop.reopen()
    shop.quiet()
    check_settled(shop)
    assert len(lines_at_central(shop)) == 6


@pytest.mark.parametrize("step", ["_cut_off", "_replace_lives", "_next_life", "_sequence"])
def test_a_crash_inside_the_one_transaction_changes_nothing(
    shop: World, tmp_path: Path, step: str, monkeypatch
):
    """Killed after any step of it: the journal is what it was, and the recovery is done again."""
    work(shop, 1)
    shop.quiet()
    save(shop, tmp_path / "backup")
    work(shop, 2)
    shop.quiet()
    put_back(shop, tmp_path / "backup")
    work(shop, 3)
    before = lines_here(shop)
    whole = getattr(recovery, step)

    def dying(*arguments: object) -> None:
        whole(*arguments)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(recovery, step, dying)
        with pytest.raises(Crash):
            shop.round()
    assert lines_here(shop) == before
    shop.reopen()
    shop.quiet()
    check_settled(shop)
