"""What a store keeps beside its database: the mark, and the evidence on another path."""

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from sync.domain.inventory import StockEffect, StockReason
from sync.edge import mark
from sync.edge.evidence import MONTH_MS, Evidence
from sync.edge.holes import holes
from sync.edge.journal import Journal
from sync.edge.mark import SLOT_BYTES, Mark, MarkFile
from sync.edge.recovery import notice_restore
from sync.protocol.lines import LINE_BYTES_MAX
from tests.support.builders import NOON_MS
from tests.sync.edge.test_journal import KEY, WHO, add, answer, journal_in, prune_later, record

ONE = Mark("nonce", 1, 7, "ab" * 32)
TWO = Mark("nonce", 1, 8, "cd" * 32)
TAKEN = StockEffect("S", -1, -1, StockReason.HANDED_OVER)


def mark_in(folder: Path) -> MarkFile:
    return MarkFile(folder / "journal.mark")


def test_a_mark_is_read_back(tmp_path: Path):
    """The newest of the two slots counts, whichever was written last."""
    file = mark_in(tmp_path)
    file.write(ONE)
    file.write(TWO)
    assert file.read("nonce") == TWO
    file.close()
    again = mark_in(tmp_path)
    again.write(Mark("nonce", 2, 1, "ef" * 32))
    assert again.read("nonce") == Mark("nonce", 2, 1, "ef" * 32)
    again.close()


def test_a_missing_mark_or_one_of_another_installation_says_nothing(tmp_path: Path):
    """The file of a store that was here before is not this store's."""
    file = mark_in(tmp_path)
    assert file.read("nonce") is None
    file.write(ONE)
    assert file.read("another") is None
    file.close()


@pytest.mark.parametrize("cut", range(0, 2 * SLOT_BYTES, 37))
def test_a_torn_mark_is_the_older_one_or_none(tmp_path: Path, cut: int):
    """Cut anywhere: whatever is still said was true once; nothing is made up."""
    file = mark_in(tmp_path)
    file.write(ONE)
    file.write(TWO)
    file.close()
    path = tmp_path / "journal.mark"
    path.write_bytes(path.read_bytes()[:cut])
    assert mark_in(tmp_path).read("nonce") in {None, ONE, TWO}


@pytest.mark.parametrize("at", range(0, SLOT_BYTES, 11))
def test_a_damaged_mark_is_passed_over(tmp_path: Path, at: int):
    """A flipped bit is noticed; the other slot stands."""
    file = mark_in(tmp_path)
    file.write(TWO)
    file.write(ONE)
    file.close()
    path = tmp_path / "journal.mark"
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(bytes(content))
    assert mark_in(tmp_path).read("nonce") in {ONE, TWO}


def test_the_mark_stands_at_the_newest_operation(tmp_path: Path):
    """It follows each commit, by whichever process, and never runs ahead."""
    journal = journal_in(tmp_path, record(1))
    other = Journal(tmp_path / "journal.db")
    add(other, record(2))
    add(journal, record(3))
    mark = journal.mark_file.read("nonce")
    assert mark == Mark("nonce", 1, 3, journal.head().hash.hex())
    with pytest.raises(ValueError, match="longer"):
        add(journal, replace(record(4), by="x" * LINE_BYTES_MAX))
    assert journal.mark_file.read("nonce") == mark
    journal.close()
    other.close()


def older(tmp_path: Path, evidence: Path | None = None) -> Journal:
    """Return the journal as it was after two operations, where five were done."""
    live = tmp_path / "live"
    journal = Journal(live / "journal.db", evidence_folder=evidence)
    journal.enrol(WHO)
    for number in range(1, 6):
        add(journal, record(number), TAKEN)
        if number == 2:
            journal._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (tmp_path / "old.db").write_bytes((live / "journal.db").read_bytes())
    journal.close()
    for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
        (live / name).unlink(missing_ok=True)
    (live / "journal.db").write_bytes((tmp_path / "old.db").read_bytes())
    return Journal(live / "journal.db", evidence_folder=evidence)


def test_a_database_behind_its_mark_begins_an_epoch(tmp_path: Path):
    """New work stands behind everything that was ever done here, before central is asked."""
    journal = older(tmp_path)
    assert journal.head().seq == 2
    notice_restore(journal, NOON_MS)
    notice_restore(journal, NOON_MS)
    assert (journal.identity.epoch, add(journal, record(9))) == (2, 6)
    assert (journal.backlog(), holes(journal)) == (3, [])
    journal.close()


def test_without_a_mark_the_database_is_believed(tmp_path: Path):
    """A missing mark is made again; central is the next to notice a restore."""
    journal = older(tmp_path)
    (tmp_path / "live" / "journal.mark").unlink()
    notice_restore(journal, NOON_MS)
    assert (journal.identity.epoch, journal.head().seq) == (1, 2)
    mark = journal.mark_file.read("nonce")
    assert mark is not None
    assert mark.place == (1, 2)
    journal.close()


@pytest.mark.parametrize("has_mark", [True, False])
def test_evidence_refills_what_the_database_lost(tmp_path: Path, has_mark: bool):
    """With a second copy nothing is lost: lines and their stock effects are as they were."""
    journal = older(tmp_path, evidence=tmp_path / "other-disk")
    if not has_mark:
        (tmp_path / "live" / "journal.mark").unlink()
    notice_restore(journal, NOON_MS)
    assert (journal.identity.epoch, journal.head().seq, journal.backlog()) == (1, 5, 5)
    effects = journal._all("SELECT sku, on_hand, allocated FROM stock_effects WHERE seq = 5")
    assert effects == [("S", -1, -1)]
    assert len(journal.pending({"F4": 0})["F4"]) == 1
    journal.close()


def test_evidence_is_encrypted_and_survives_a_torn_line(tmp_path: Path):
    """Nothing can be read from the file; a half record is passed over, later ones count."""
    journal = journal_in(tmp_path / "live", key=KEY)
    journal.evidence = Evidence(tmp_path / "disk", KEY)
    add(journal, record(1))
    (file,) = (tmp_path / "disk").glob("*.evidence")
    assert b"line_picked" not in file.read_bytes()
    with file.open("ab") as torn:
        torn.write(b"half a rec")
    journal.evidence.close()
    journal.evidence = Evidence(tmp_path / "disk", KEY)
    add(journal, record(2))
    found = [one.seq for one in journal.evidence.after("R1", 1, 0)]
    assert found == [1, 2]
    assert list(Evidence(tmp_path / "disk", "cd" * 32).after("R1", 1, 0)) == []
    assert list(journal.evidence.after("R2", 1, 0)) == []
    journal.close()


def test_old_evidence_is_dropped_with_the_operations(tmp_path: Path):
    """It is kept as long as the journal keeps what it is evidence of."""
    journal = journal_in(tmp_path / "live")
    journal.evidence = Evidence(tmp_path / "disk")
    add(journal, record(1))
    add(journal, record(2, NOON_MS + 3 * MONTH_MS))
    journal.settle(answer(journal, 2))
    journal.prune(NOON_MS + 3 * MONTH_MS)
    assert [one.seq for one in journal.evidence.after("R1", 1, 0)] == [1, 2]
    assert prune_later(journal, 100) == 1
    assert [one.seq for one in journal.evidence.after("R1", 1, 1)] == [2]
    assert len(list((tmp_path / "disk").iterdir())) == 1
    journal.close()


def test_evidence_that_cannot_be_written_is_told_and_refuses_nobody(tmp_path: Path):
    """The second disk is gone: the operation is in the journal, and the problem has words."""
    journal = journal_in(tmp_path / "live")

    class Gone(Evidence):
        def append(self, witnesses):
            raise OSError(5, "Input/output error")

    journal.evidence = Gone(tmp_path / "disk")
    assert add(journal, record(1)) == 1
    assert "Input/output error" in journal.witness_problem
    journal.close()


def test_the_first_flush_of_a_process_has_something_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What the process before could not flush the kernel calls clean: a flush alone is nothing."""
    before = mark_in(tmp_path)
    before.write(ONE)
    before.close()
    written: list[int] = []

    def seen(descriptor: int, content: bytes, at: int) -> int:
        written.append(at)
        return os.pwrite(descriptor, content, at)

    monkeypatch.setattr(mark, "os", SimpleNamespace(**{**vars(os), "pwrite": seen}))
    file = mark_in(tmp_path)
    file.sync()
    file.sync()
    assert len(written) == 1
    assert file.read("nonce") == ONE
    file.close()
