"""The second record of a store's work: torn writes, a disk that is away, a crash; no gap stays."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sync.edge import evidence
from sync.edge.evidence import Evidence, Witness
from sync.edge.journal import Journal
from sync.edge.mark import MarkFile
from sync.edge.recovery import notice_restore
from tests.support.builders import NOON_MS
from tests.sync.edge.test_journal import KEY, add, journal_in, record
from tests.sync.edge.test_mark import TAKEN


class TightDisk:
    """The module `os`, where `write` may take a part of what it gets, as write(2) may."""

    def __init__(self, taken: Callable[[int], int]) -> None:
        self.taken = taken

    def write(self, descriptor: int, content: bytes) -> int:
        return os.write(descriptor, content[: self.taken(len(content))])

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)


class Away(Evidence):
    """A second disk that is unplugged, for a while."""

    is_away = True

    def append(self, witnesses):
        if self.is_away:
            raise OSError(5, "Input/output error")
        super().append(witnesses)


def kept(journal: Journal) -> list[int]:
    """Return the operations that an empty database could be refilled with."""
    assert journal.evidence is not None
    return [one.seq for one in journal.evidence.after("R1", 1, 0)]


@pytest.fixture
def journal(tmp_path: Path):
    """One operation, and a record of it on another disk."""
    journal = journal_in(tmp_path / "live", key=KEY)
    journal.evidence = Evidence(tmp_path / "disk", KEY)
    add(journal, record(1), TAKEN)
    yield journal
    journal.close()


def test_a_record_that_was_cut_short_is_written_again(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
):
    """The disk takes half of it once: nothing is lost, and nobody has to know."""
    sizes = iter([10])
    monkeypatch.setattr(evidence, "os", TightDisk(lambda size: next(sizes, size)))
    for number in (2, 3):
        add(journal, record(number))
    assert journal.witness_problem == ""
    assert kept(journal) == [1, 2, 3]


@pytest.mark.parametrize("line", [b'{"at":', b"{}", b'{"at":[]}', b"[" * 200_000], ids=len)
def test_what_nobody_can_read_is_kept_like_the_rest(tmp_path: Path, line: bytes):
    """A line of a broken program, even one nested without end, keeps nothing from the disk."""
    disk = Evidence(tmp_path, KEY)
    disk.append([Witness("R1", 1, 1, line, b"\1" * 16, ())])
    assert [one.line for one in disk.after("R1", 1, 0)] == [line]
    disk.close()


def test_a_disk_without_room_is_told_until_it_has_all(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
):
    """A few bytes of each record fit: that is said, and what was left out comes with the next."""
    monkeypatch.setattr(evidence, "os", TightDisk(lambda _: 10))
    for number in (2, 3):
        add(journal, record(number))
        assert "only a part" in journal.witness_problem
    assert kept(journal) == [1]
    monkeypatch.undo()
    add(journal, record(4))
    assert journal.witness_problem == ""
    assert kept(journal) == [1, 2, 3, 4]


def test_what_another_process_has_torn_spoils_nothing_behind_it(journal: Journal, tmp_path: Path):
    """Two processes write one file: a record is a line of its own whatever is before it."""
    (file,) = (tmp_path / "disk").glob("*.evidence")
    with file.open("ab") as other:
        other.write(b"half a rec")
    add(journal, record(2))
    assert kept(journal) == [1, 2]


def test_a_disk_that_was_away_gets_what_it_missed(journal: Journal, tmp_path: Path):
    """The alert lasts as long as the gap; then all is there, with what it moved."""
    other = Away(tmp_path / "disk", KEY)
    journal.evidence = other
    for number in (2, 3):
        add(journal, record(number), TAKEN)
        assert "Input/output error" in journal.witness_problem
    other.is_away = False
    add(journal, record(4), TAKEN)
    assert journal.witness_problem == ""
    assert kept(journal) == [1, 2, 3, 4]
    assert {one.effects for one in other.after("R1", 1, 0)} == {(("S", -1, -1),)}


def test_what_a_crash_left_out_is_written_at_the_next_start(journal: Journal, tmp_path: Path):
    """A process ends between its commit and the record; another one goes on meanwhile."""
    crashed = Journal(tmp_path / "live" / "journal.db", KEY)
    add(crashed, record(2))
    crashed.close()
    add(journal, record(3))
    assert kept(journal) == [1]
    again = Journal(tmp_path / "live" / "journal.db", KEY, evidence_folder=tmp_path / "disk")
    notice_restore(again, NOON_MS)
    assert kept(again) == [1, 2, 3]
    size = sum(file.stat().st_size for file in (tmp_path / "disk").iterdir())
    notice_restore(again, NOON_MS)
    assert sum(file.stat().st_size for file in (tmp_path / "disk").iterdir()) == size
    again.close()


def test_a_start_without_the_other_disk_is_told_until_it_is_back(journal: Journal, tmp_path: Path):
    """The gap is of the process before; this one closes it with its first operation."""
    crashed = Journal(tmp_path / "live" / "journal.db", KEY)
    add(crashed, record(2))
    other = crashed.evidence = Away(tmp_path / "disk", KEY)
    notice_restore(crashed, NOON_MS)
    assert "Input/output error" in crashed.witness_problem
    other.is_away = False
    add(crashed, record(3))
    assert (crashed.witness_problem, kept(crashed)) == ("", [1, 2, 3])
    crashed.close()


def test_a_mark_that_fails_keeps_nothing_from_the_other_disk(journal: Journal, tmp_path: Path):
    """They are two disks: one fails, and what is on the other is whole."""

    class Gone(MarkFile):
        def write(self, mark):
            raise OSError(30, "Read-only file system")

    whole, journal.mark_file = journal.mark_file, Gone(tmp_path / "gone.mark")
    add(journal, record(2))
    assert "Read-only file system" in journal.witness_problem
    assert kept(journal) == [1, 2]
    journal.mark_file = whole
    add(journal, record(3))
    assert journal.witness_problem == ""


def test_each_process_writes_the_newest_record_once_more(journal: Journal, tmp_path: Path):
    """The one before it may have died of a disk whose flush failed: nobody can see that."""
    add(journal, record(2))
    again = Journal(tmp_path / "live" / "journal.db", KEY, evidence_folder=tmp_path / "disk")
    flushed: list[int] = []
    assert again.evidence is not None
    again.evidence.flush = flushed.append
    notice_restore(again, NOON_MS)
    assert (len(flushed), kept(again)) == (1, [1, 2])
    notice_restore(again, NOON_MS)
    assert len(flushed) == 1
    again.close()


def test_the_name_of_a_new_file_is_flushed_until_it_is_on_the_disk(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A record in a file that nobody finds after a power cut would be none."""
    fresh = Evidence(tmp_path / "fresh", KEY)
    tried: list[Path] = []

    def fails(folder: Path) -> None:
        tried.append(folder)
        if len(tried) == 1:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(evidence, "flush", fails)
    assert journal.evidence is not None
    (one,) = journal.evidence.after("R1", 1, 0)
    with pytest.raises(OSError, match="Input"):
        fresh.append([one])
    fresh.append([one])
    fresh.append([one])
    assert len(tried) == 2
    fresh.close()


def test_another_disk_gets_all_of_the_present_life(journal: Journal, tmp_path: Path):
    """It was exchanged, or what was taken over under a new name never came to it."""
    for number in (2, 3):
        add(journal, record(number), TAKEN)
    again = Journal(tmp_path / "live" / "journal.db", KEY, evidence_folder=tmp_path / "new")
    notice_restore(again, NOON_MS)
    assert kept(again) == [1, 2, 3]
    again.close()
