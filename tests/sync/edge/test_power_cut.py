"""A machine that loses its power, or dies, at each step of recording an operation.

The steps: the log of journal.db is written and flushed; the mark is written; the
evidence is written and flushed; before anything is sent, the mark is flushed. Of what
was not flushed any part may be on the disk. Whatever that is: what was acknowledged is
there, and mark and evidence tell the truth about it. A sector of 512 bytes, and so the
two slots of a mark, is written in one piece, or torn in one place.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sync.edge import evidence, mark, sqlite
from sync.edge import journal as module
from sync.edge.evidence import Evidence
from sync.edge.holes import holes
from sync.edge.journal import Journal
from sync.edge.recovery import notice_restore
from sync.edge.sqlite import OperationalError
from tests.support.builders import NOON_MS
from tests.support.power_cut import SECTOR_BYTES, lost
from tests.sync.edge.test_journal import KEY, add, check_chain, journal_in, record
from tests.sync.edge.test_mark import TAKEN

FRAME_BYTES = 24 + 4096
DONE = 5
"""Operations of which each test knows that they were acknowledged."""


class Crash(BaseException):
    """The process ended."""


@dataclass
class Disk:
    """The module `os` for mark and evidence: knows what was flushed, and ends at a chosen call."""

    crash_at: str = ""
    """`pwrite`, `write` or `fdatasync`, on files of `suffix`."""
    suffix: str = ""
    is_before: bool = False
    fails: bool = False
    """Whether a flush fails there, instead of the process."""
    flushed: dict[str, bytes] = field(default_factory=dict)
    written: dict[str, list[bytes]] = field(default_factory=dict)
    """What each file was, one after the other, since it was flushed."""

    def pwrite(self, descriptor: int, content: bytes, at: int) -> int:
        return self._passes("pwrite", descriptor, lambda: os.pwrite(descriptor, content, at))

    def write(self, descriptor: int, content: bytes) -> int:
        return self._passes("write", descriptor, lambda: os.write(descriptor, content))

    def fdatasync(self, descriptor: int) -> None:
        self._passes("fdatasync", descriptor, lambda: 0)
        path = self._path(descriptor)
        if self._dirty(path):
            self.flushed[path] = self.written.pop(path)[-1]

    def _passes(self, call: str, descriptor: int, do: Callable[[], int]) -> int:
        path = self._path(descriptor)
        is_due = call == self.crash_at and path.endswith(self.suffix)
        if is_due and self.fails:
            self.written.pop(path, None)  # the kernel calls it clean
            raise OSError(5, "Input/output error")
        if is_due and self.is_before:
            raise Crash
        done = do()
        if call != "fdatasync":
            self.written.setdefault(path, []).append(Path(path).read_bytes())
        if is_due:
            raise Crash
        return done

    def _dirty(self, path: str) -> bool:
        return bool(self.written.get(path))

    def _path(self, descriptor: int) -> str:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Put mark and evidence on a disk that knows what it was told to keep."""
    made = Disk()
    monkeypatch.setattr(mark, "os", made)
    monkeypatch.setattr(evidence, "os", made)
    return made


@dataclass
class Machine:
    """A store's journal, mark and evidence in one folder."""

    folder: Path

    def begun(self) -> Journal:
        """Return a journal in which `DONE` operations were done."""
        journal = journal_in(self.folder, key=KEY)
        journal.evidence = Evidence(self.folder / "disk", KEY)
        for number in range(1, DONE + 1):
            add(journal, record(number), TAKEN)
        return journal

    @property
    def wal(self) -> Path:
        return self.folder / "journal.db-wal"

    @property
    def mark(self) -> Path:
        return self.folder / "journal.mark"

    @property
    def evidence(self) -> Path:
        (found,) = (self.folder / "disk").glob("*.evidence")
        return found

    def copied(self, folder: Path) -> "Machine":
        """Copy the disk to `folder` as it is, without what lives only as long as a machine."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder)
        (folder / "journal.db-shm").unlink(missing_ok=True)
        return Machine(folder)

    def check(self, *ends: int) -> None:
        """Start it: nothing was restored, all up to one of `ends` is there, and work goes on."""
        journal = Journal(self.folder / "journal.db", KEY, evidence_folder=self.folder / "disk")
        notice_restore(journal, NOON_MS)
        end = journal.head().seq
        assert end in ends
        assert (journal.identity.epoch, holes(journal)) == (1, []), "a false alarm"
        assert check_chain(journal) == end
        known = journal.mark_file.read("nonce")
        assert known is not None
        assert known.place == (1, end)
        assert journal.evidence is not None
        assert [one.seq for one in journal.evidence.after("R1", 1, 0)] == list(range(1, end + 1))
        assert add(journal, record(99)) == end + 1
        assert journal.witness_problem == ""
        journal.close()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A store's machine."""
    return Machine(tmp_path / "machine")


STEPS = [
    (call, suffix, is_before)
    for call, suffix in (
        ("pwrite", ".mark"),
        ("fdatasync", ".mark"),
        ("write", ".evidence"),
        ("fdatasync", ".evidence"),
    )
    for is_before in (True, False)
]


@pytest.mark.parametrize(("call", "suffix", "is_before"), STEPS)
def test_a_process_that_dies_at_any_write_or_flush_leaves_the_truth(
    machine: Machine, disk: Disk, tmp_path: Path, call: str, suffix: str, is_before: bool
) -> None:
    """It ends right before or after one: what was acknowledged is there, and nothing more is said.

    The power may be cut in the same moment: of what was not flushed nothing is left then.
    """
    journal = machine.begun()
    disk.crash_at, disk.suffix, disk.is_before = call, suffix, is_before

    def record_and_send() -> None:
        add(journal, record(DONE + 1), TAKEN)
        journal.flush_mark()

    with pytest.raises(Crash):
        record_and_send()
    disk.crash_at = ""
    machine.copied(tmp_path / "died").check(DONE + 1)
    cut = machine.copied(tmp_path / "cut")
    for file in (cut.mark, cut.evidence):
        here = str(file).replace(str(cut.folder), str(machine.folder))
        file.write_bytes(disk.flushed.get(here, b""))
    cut.check(DONE + 1)


def states(before: bytes, after: list[bytes], step: int) -> Iterator[bytes]:
    """Yield what may be on the disk of writes that were not flushed: whole ones, and a torn one."""
    yield before
    for content in after:
        for end in range(0, len(content), step):
            yield content[:end] + before[end:]
            yield before[:end].ljust(end, b"\0") + content[end:]
        yield content
        before = content


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_any_part_of_what_was_not_flushed_leaves_the_truth(
    machine: Machine, disk: Disk, tmp_path: Path
) -> None:
    """Three more operations, the mark not flushed: each torn state of it, of the evidence too."""
    journal = machine.begun()
    journal.flush_mark()
    begun = machine.evidence.read_bytes()
    for number in range(3):
        add(journal, record(DONE + 1 + number), TAKEN)
    end = DONE + 3
    unflushed = disk.written[str(machine.mark)]
    marks = list(dict.fromkeys(states(disk.flushed[str(machine.mark)], unflushed, 7)))
    kept = machine.evidence.read_bytes()
    tails = [kept[:size] for size in range(len(begun), len(kept), 97)]
    for count, torn in enumerate(marks):
        cut = machine.copied(tmp_path / "cut")
        cut.mark.write_bytes(torn)
        cut.evidence.write_bytes(tails[count % len(tails)])
        cut.check(end)
    print(f"power cuts: {len(marks)} marks, {len(tails)} ends of the evidence, no false alarm")
    assert len(marks) > 20


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_log_without_any_part_of_its_last_commit_keeps_all_before(
    machine: Machine, disk: Disk, tmp_path: Path
) -> None:
    """The cut comes in the commit: each sector of it lost, or its end cut off."""
    journal = machine.begun()
    before, noted = (
        machine.wal.read_bytes(),
        (machine.mark.read_bytes(), machine.evidence.read_bytes()),
    )
    add(journal, record(DONE + 1), TAKEN)
    after = machine.wal.read_bytes()
    starts = list(range(len(before), len(after), FRAME_BYTES))
    assert (len(after) - len(before)) % FRAME_BYTES == 0
    ends = (0, 12, 24, 1_000, FRAME_BYTES - 1)
    logs = [after[: start + part] for start in starts for part in ends]
    logs += [
        after[:sector] + bytes(SECTOR_BYTES) + after[sector + SECTOR_BYTES :]
        for sector in range(len(before), len(after), SECTOR_BYTES)
    ]
    for log in logs:
        cut = machine.copied(tmp_path / "cut")
        cut.wal.write_bytes(log[: len(after)])
        cut.mark.write_bytes(noted[0])
        cut.evidence.write_bytes(noted[1])
        cut.check(DONE, DONE + 1)
    print(f"power cuts in a commit of {len(starts)} frames: {len(logs)} logs, nothing lost")


@pytest.mark.parametrize("sent", range(DONE + 1, DONE + 4))
def test_a_restore_to_before_what_was_sent_is_never_missed(
    machine: Machine, disk: Disk, tmp_path: Path, sent: int
) -> None:
    """Whatever a power cut leaves of the mark: it is not behind what central may have heard of."""
    journal = machine.begun()
    journal._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    old = (machine.folder / "journal.db").read_bytes()
    for number in range(DONE + 1, sent + 1):
        add(journal, record(number))
    journal.flush_mark()
    for number in range(sent + 1, DONE + 6):
        add(journal, record(number))
    path = str(machine.mark)
    for torn in states(disk.flushed[path], disk.written.get(path, []), 61):
        cut = machine.copied(tmp_path / "restored")
        cut.mark.write_bytes(torn)
        cut.wal.unlink()
        (cut.folder / "journal.db").write_bytes(old)
        restored = Journal(cut.folder / "journal.db", KEY)
        notice_restore(restored, NOON_MS)
        assert restored.identity.epoch == 2
        assert add(restored, record(50)) > sent
        restored.close()


def test_a_flush_of_the_mark_that_failed_is_made_up_for(
    machine: Machine, disk: Disk, tmp_path: Path
) -> None:
    """The kernel calls pages clean that it could not write: the next flush writes them again."""
    journal = machine.begun()
    disk.crash_at, disk.suffix, disk.fails = "fdatasync", ".mark", True
    journal.flush_mark()
    assert "Input/output error" in journal.witness_problem
    disk.crash_at = ""
    journal.flush_mark()
    assert journal.witness_problem == ""
    cut = machine.copied(tmp_path / "cut")
    cut.mark.write_bytes(disk.flushed.get(str(machine.mark), b""))
    known = Journal(cut.folder / "journal.db", KEY).mark_file.read("nonce")
    assert known is not None
    assert known.place == (1, DONE)
    journal.close()


def test_nothing_stands_behind_a_commit_that_is_not_on_the_disk(
    machine: Machine, tmp_path: Path
) -> None:
    """An fsync fails, the process dies, the next one goes on, then the power is cut.

    The next one saw the refused operation, as if it were on the disk. What it acknowledged
    itself is there after the cut.
    """
    journal = machine.begun()
    durable = machine.wal.read_bytes()
    add(journal, record(DONE + 1))
    died = machine.copied(tmp_path / "died")
    unflushed = died.wal.read_bytes()
    next_one = Journal(died.folder / "journal.db", KEY)
    assert add(next_one, record(DONE + 2)) == DONE + 2
    cut = died.copied(tmp_path / "cut")
    cut.wal.write_bytes(lost(durable, unflushed, cut.wal.read_bytes()))
    again = Journal(cut.folder / "journal.db", KEY)
    assert check_chain(again) == DONE + 2
    for one in (journal, next_one, again):
        one.close()


def in_doubt(machine: Machine, tmp_path: Path, patch: pytest.MonkeyPatch) -> Journal:
    """Return the journal of a process after one that died, whose log the disk does not take."""
    machine.begun()
    died = machine.copied(tmp_path / "died")
    patch.setattr(module, "begin_log_anew", lambda _, **__: True)
    return Journal(died.folder / "journal.db", KEY)


def test_a_log_in_doubt_is_not_added_to_while_the_disk_fails(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be brought into the file: it is read, and work refused in words until it can."""
    with monkeypatch.context() as patch:
        journal = in_doubt(machine, tmp_path, patch)
        assert check_chain(journal) == DONE
        with pytest.raises(OperationalError, match="disk"):
            add(journal, record(DONE + 1))
    assert add(journal, record(DONE + 1)) == DONE + 1
    journal.close()


def test_a_log_in_doubt_stays_so_while_others_hold_it(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader keeps the log from being begun anew: work is refused until it is done."""
    with monkeypatch.context() as patch:
        journal = in_doubt(machine, tmp_path, patch)
        reader = Journal(tmp_path / "died" / "journal.db", KEY)
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 20)
    journal.connection.execute("PRAGMA busy_timeout = 20").fetchall()
    with reader.reading():
        assert check_chain(reader) == DONE
        with pytest.raises(OperationalError, match="others"):
            add(journal, record(DONE + 1))
    assert add(journal, record(DONE + 1)) == DONE + 1
    for one in (journal, reader):
        one.close()
