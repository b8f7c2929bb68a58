"""What a store keeps beside its database: the mark, and the evidence on another path."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from store_client.replica.store import Files, Store
from sync.domain.inventory import StockEffect, StockReason
from sync.edge import mark
from sync.edge.evidence import MONTH_MS, Evidence
from sync.edge.holes import holes
from sync.edge.journal import Journal
from sync.edge.mark import SLOT_BYTES, Mark, MarkFile
from sync.edge.recovery import begin_epoch, notice_restore
from sync.protocol.lines import LINE_BYTES_MAX, encode_line
from tests.support.builders import NOON_MS, ManualClock, enrolled_store
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


def put_back_again(tmp_path: Path, evidence: Path) -> Journal:
    """Return the journal of the same old copy once more, on the disk of the mark."""
    live = tmp_path / "live"
    for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
        (live / name).unlink(missing_ok=True)
    (live / "journal.db").write_bytes((tmp_path / "old.db").read_bytes())
    return Journal(live / "journal.db", evidence_folder=evidence)


@pytest.mark.parametrize("has_mark", [True, False])
def test_evidence_of_the_epoch_after_a_restore_is_read_too(tmp_path: Path, has_mark: bool):
    """Restored twice from one copy: what was done in between is on the other disk."""
    other = tmp_path / "other-disk"
    journal = older(tmp_path, evidence=other)  # five done, the copy ends at two
    notice_restore(journal, NOON_MS)  # all five are back
    begin_epoch(journal, 1, 5, NOON_MS)  # as the command does
    journal.write_mark()
    for number in (6, 7):
        add(journal, record(number), TAKEN)
    journal.close()
    if not has_mark:
        (tmp_path / "live" / "journal.mark").unlink()
    again = put_back_again(tmp_path, other)
    notice_restore(again, NOON_MS)
    lines = [bytes(one) for (one,) in again._all("SELECT line FROM operations ORDER BY seq")]
    assert lines == [encode_line(record(number)) for number in range(1, 8)]
    assert (again.identity.epoch, again.head().seq, holes(again)) == (2, 7, [])
    assert again.broken() == ""
    again.close()


def test_evidence_of_what_was_sequenced_anew_counts_once(tmp_path: Path):
    """It stands there as it was and where it is: taken both times, central would have it twice."""
    other = tmp_path / "other-disk"
    journal = older(tmp_path, evidence=other)
    notice_restore(journal, NOON_MS)
    for epoch, base in ((2, 5), (3, 6)):  # the same work, in an epoch that was discarded
        begin_epoch(journal, epoch - 1, base, NOON_MS)
        journal.write_mark()
        add(journal, record(6), TAKEN)
    journal.close()
    again = put_back_again(tmp_path, other)
    notice_restore(again, NOON_MS)
    lines = [bytes(one) for (one,) in again._all("SELECT line FROM operations")]
    assert lines.count(encode_line(record(6))) == 1
    assert (again.identity.epoch, again.head().seq) == (3, 7)
    again.close()


@pytest.mark.parametrize("broken", ["evidence", "mark"])
def test_a_store_opens_without_what_witnesses_it(tmp_path: Path, broken: str):
    """The other disk is away, or the mark cannot be read: that is told, and nobody waits for it."""
    enrolled_store(tmp_path / "store", ManualClock()).close()
    (tmp_path / "no-folder").write_text("")
    if broken == "mark":
        (tmp_path / "store" / "journal.mark").unlink(missing_ok=True)
        (tmp_path / "store" / "journal.mark").mkdir()
    folder = tmp_path / "no-folder" / "evidence" if broken == "evidence" else None
    store = Store(
        Files(tmp_path / "store"), ManualClock(), key="", boot_id="b", evidence_folder=folder
    )
    assert add(store.journal, record(1)) > 0
    assert store.journal.witness_problem
    store.close()


def test_a_restore_goes_on_where_the_other_disk_cannot_be_read(tmp_path: Path, monkeypatch):
    """It begins an epoch as without evidence, and says that it can be done once more."""
    journal = older(tmp_path, evidence=tmp_path / "other-disk")

    def unreadable(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Evidence, "_all", unreadable)
    monkeypatch.setattr(Evidence, "newest", unreadable)
    notice_restore(journal, NOON_MS)
    assert (journal.identity.epoch, journal.head().seq, journal.backlog()) == (2, 5, 2)
    assert "Input/output error" in journal.witness_problem
    journal.close()


def image_put_back(tmp_path: Path) -> Journal:
    """Return the journal of a folder that came back with its mark, as it was after two of five."""
    live = tmp_path / "live"
    journal = Journal(live / "journal.db", evidence_folder=tmp_path / "other-disk")
    journal.enrol(WHO)
    for number in (1, 2):
        add(journal, record(number), TAKEN)
    journal.close()
    shutil.copytree(live, tmp_path / "image")
    journal = Journal(live / "journal.db", evidence_folder=tmp_path / "other-disk")
    for number in (3, 4, 5):
        add(journal, record(number), TAKEN)
    journal.close()
    return image_again(tmp_path)


def image_again(tmp_path: Path) -> Journal:
    live = tmp_path / "live"
    shutil.rmtree(live)
    shutil.copytree(tmp_path / "image", live)
    return Journal(live / "journal.db", evidence_folder=tmp_path / "other-disk")


def test_evidence_refills_a_folder_that_came_back_with_its_mark(tmp_path: Path):
    """An image of the disk agrees with itself: only what lies elsewhere knows of more."""
    journal = image_put_back(tmp_path)
    notice_restore(journal, NOON_MS)
    assert (journal.identity.epoch, journal.head().seq, journal.backlog()) == (1, 5, 5)
    mark = journal.mark_file.read("nonce")
    assert mark is not None
    assert mark.place == (1, 5)
    journal.close()


def test_evidence_of_a_later_epoch_refills_a_folder_that_came_back_with_its_mark(tmp_path: Path):
    """An epoch was begun since the image was taken: it comes back, too."""
    journal = image_put_back(tmp_path)
    notice_restore(journal, NOON_MS)
    begin_epoch(journal, 1, 5, NOON_MS)
    add(journal, record(6), TAKEN)
    journal.close()
    again = image_again(tmp_path)
    notice_restore(again, NOON_MS)
    assert (again.identity.epoch, again.head().seq, holes(again)) == (2, 6, [])
    assert again.broken() == ""
    again.close()


def test_an_ordinary_start_reads_only_the_end_of_the_evidence(tmp_path: Path, monkeypatch):
    """Every process of the store begins so, and there may be a year of it."""
    journal = image_put_back(tmp_path)
    notice_restore(journal, NOON_MS)
    journal.close()

    def read_whole(*_: object) -> None:
        raise AssertionError("all of the evidence was read")

    monkeypatch.setattr(Evidence, "_all", read_whole)
    again = Journal(tmp_path / "live" / "journal.db", evidence_folder=tmp_path / "other-disk")
    notice_restore(again, NOON_MS)
    assert (again.head().seq, again.witness_problem) == (5, "")
    again.close()


def test_what_another_process_does_during_a_start_is_no_restore(tmp_path: Path, monkeypatch):
    """It is read where the evidence ends, then where the journal does: that has moved ahead."""
    journal = image_put_back(tmp_path)
    notice_restore(journal, NOON_MS)
    other = Journal(tmp_path / "live" / "journal.db", evidence_folder=tmp_path / "other-disk")
    assert journal.evidence is not None
    reached = journal.evidence.reached

    def then_it_works(name: str) -> tuple[int, int]:
        place = reached(name)
        add(other, record(6), TAKEN)
        return place

    monkeypatch.setattr(journal.evidence, "reached", then_it_works)
    monkeypatch.setattr("sync.edge.recovery.refill", lambda _: pytest.fail("refilled"))
    notice_restore(journal, NOON_MS)
    assert (journal.identity.epoch, journal.head().seq) == (1, 6)
    journal.close()
    other.close()
