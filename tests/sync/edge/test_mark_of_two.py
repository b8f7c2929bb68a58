"""The mark of a store whose terminal works while its daemon sends: two handles, one file."""

import os
from pathlib import Path
from typing import Any

import pytest

from sync.edge import mark
from sync.edge.journal import Journal
from sync.edge.mark import Mark, MarkFile
from sync.edge.pusher import push_all
from sync.protocol.session import PushAnswer, PushHeader
from tests.sync.edge.test_journal import add, journal_in, record
from tests.sync.edge.test_mark import ONE, TWO, mark_in


class CountingDisk:
    """The module `os`, which counts what is flushed, by file."""

    def __init__(self) -> None:
        self.flushed: list[int] = []

    def fdatasync(self, descriptor: int) -> None:
        self.flushed.append(os.fstat(descriptor).st_ino)
        os.fdatasync(descriptor)

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> CountingDisk:
    """See what the mark flushes."""
    disk = CountingDisk()
    monkeypatch.setattr(mark, "os", disk)
    return disk


class Listener:
    """A central that takes everything, and looks at what is on the store's disk then."""

    def __init__(self, path: Path, disk: CountingDisk) -> None:
        self.path = path
        self.disk = disk
        self.seen: list[tuple[int, Mark | None, int]] = []
        """Of each push: its last operation, the mark, and how often that was flushed."""

    def push(self, header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        end = header.first_seq + len(lines) - 1
        known = mark_in(self.path).read("nonce")
        self.seen.append((end, known, len(self.disk.flushed)))
        return PushAnswer(acked_seq=end)


class Behind(MarkFile):
    """Of a process that stands still between its commit and its mark."""

    def write(self, mark: Mark) -> None:
        del mark


def test_what_another_handle_wrote_is_flushed(tmp_path: Path, disk: CountingDisk):
    """The daemon flushes the file, and not what it has written itself; once is enough."""
    terminal, daemon = mark_in(tmp_path), mark_in(tmp_path)
    daemon.sync()
    assert disk.flushed == []
    terminal.write(ONE)
    daemon.sync()
    daemon.sync()
    assert disk.flushed == [(tmp_path / "journal.mark").stat().st_ino]
    terminal.write(TWO)
    daemon.sync()
    assert len(disk.flushed) == 2
    terminal.close()
    daemon.close()


def test_handles_in_turn_leave_the_newest_mark_alone(tmp_path: Path):
    """Each writes over the older slot, whoever wrote the newer: a late one takes nothing back."""
    terminal, daemon = mark_in(tmp_path), mark_in(tmp_path)
    newest = Mark("nonce", 1, 9, "ef" * 32)
    terminal.write(ONE)
    daemon.write(newest)
    terminal.write(TWO)
    assert daemon.read("nonce") == newest
    daemon.close()
    terminal.close()


def test_central_has_nothing_that_the_mark_does_not(tmp_path: Path, disk: CountingDisk):
    """The terminal is about to move the mark: the daemon does it before it sends."""
    terminal = journal_in(tmp_path, record(1))
    daemon = Journal(tmp_path / "journal.db")
    central: Any = Listener(tmp_path, disk)
    push_all(central, daemon)
    terminal.mark_file = Behind(tmp_path / "journal.mark")
    add(terminal, record(2))
    push_all(central, daemon)
    push_all(central, daemon)
    places = [(end, known.seq, flushes) for end, known, flushes in central.seen if known]
    assert places == [(1, 1, 1), (2, 2, 2), (2, 2, 2)]
    terminal.close()
    daemon.close()


def test_a_mark_that_cannot_be_written_is_told_and_keeps_nothing_from_central(
    tmp_path: Path, disk: CountingDisk
):
    """It is a precaution: a store whose mark is broken still sends what it did."""
    journal = journal_in(tmp_path, record(1))
    journal.close()
    (tmp_path / "journal.mark").unlink()
    (tmp_path / "journal.mark").mkdir()
    daemon = Journal(tmp_path / "journal.db")
    assert push_all(Listener(tmp_path / "none", disk), daemon).sent == 1  # type: ignore[arg-type]
    assert "Is a directory" in daemon.witness_problem
    daemon.close()
