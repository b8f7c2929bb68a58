"""journal.db: what a store did is chained, durable, and sent from where central stands."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sync.domain.inventory import StockEffect, StockReason
from sync.domain.operations import LinePicked
from sync.edge.journal import DAY_MS, KEEP_DAYS, Identity, Journal
from sync.edge.sqlite import IntegrityError, OperationalError, UnsafeDatabase
from sync.protocol.errors import Fork
from sync.protocol.lines import LINE_BYTES_MAX, OperationRecord, chain, genesis
from sync.protocol.session import PushAnswer
from sync.protocol.verdicts import Verdict, VerdictStatus
from tests.support.builders import NOON_MS

WHO = Identity("R1", "S001", 1, "nonce", "00" * 32, "memory", "http://central.invalid")
KEY = "ab" * 32


def record(number: int = 1, at: int = NOON_MS) -> OperationRecord:
    return OperationRecord("A1", "T1", "B1", 0, at, LinePicked(f"F{number}", 1, 1))


def journal_in(folder: Path, *records: OperationRecord, key: str = "") -> Journal:
    journal = Journal(folder / "journal.db", key)
    journal.enrol(WHO)
    for one in records:
        add(journal, one)
    return journal


def add(journal: Journal, one: OperationRecord, *effects: StockEffect) -> int:
    with journal.writing():
        return journal.append(one, effects)


def answer(journal: Journal, seq: int, *verdicts: Verdict, days: int = 0) -> PushAnswer:
    """Return what central answers `days` after noon."""
    known = journal.hash_at(seq)
    assert known is not None
    at = NOON_MS + days * DAY_MS
    return PushAnswer(acked_seq=seq, acked_hash=known.hex(), verdicts=verdicts, answered_at_ms=at)


def prune_later(journal: Journal, days: int = KEEP_DAYS + 1) -> int:
    """Prune after central was heard once more, so many days after noon by both clocks."""
    journal.settle(answer(journal, journal.acked_seq(), days=days), now_ms=NOON_MS + days * DAY_MS)
    return journal.prune(NOON_MS + days * DAY_MS)


def check_chain(journal: Journal) -> int:
    """Recompute every hash from the lines; return how many there are."""
    current = genesis("R1", 1)
    lines = journal.lines_after(0, 10**6, 10**9)
    for seq, line in enumerate(lines, 1):
        current = chain(current, line)
        assert journal.hash_at(seq) == current
    assert (journal.head().seq, journal.head().hash) == (len(lines), current)
    return len(lines)


def test_an_empty_journal_stands_at_its_genesis(tmp_path: Path):
    """Nothing done, nothing to send, and a hash to begin with."""
    journal = journal_in(tmp_path)
    assert check_chain(journal) == 0
    assert (journal.acked_seq(), journal.backlog(), journal.hash_at(1)) == (0, 0, None)


def test_seqs_are_dense_and_chained(tmp_path: Path):
    """Each operation follows the one before it, in a new process too."""
    journal_in(tmp_path, record(1), record(2)).close()
    again = Journal(tmp_path / "journal.db")
    assert add(again, record(3)) == 3
    assert check_chain(again) == 3


def test_what_was_rolled_back_never_happened(tmp_path: Path):
    """An exception inside leaves no trace, and the number is used again."""
    journal = journal_in(tmp_path, record(1))
    effect = StockEffect("S", -1, 0, StockReason.RELEASED)
    endless = replace(record(3), by="x" * LINE_BYTES_MAX)

    def two_at_once() -> None:
        with journal.writing():
            journal.append(record(2), [effect])
            journal.append(endless, [])

    with pytest.raises(ValueError):
        two_at_once()
    assert add(journal, record(3)) == 2
    assert journal.rights.skus_touched_after(0) == set()


def test_a_machine_is_enrolled_once(tmp_path: Path):
    """A journal belongs to one replica for life; before that it has no name."""
    journal = Journal(tmp_path / "journal.db")
    with pytest.raises(LookupError):
        _ = journal.identity
    journal.enrol(WHO)
    assert journal.identity == WHO
    with pytest.raises(IntegrityError):
        journal.enrol(replace(WHO, replica_id="R2"))
    assert Journal(tmp_path / "journal.db").identity == WHO


def test_lines_come_in_pieces_that_fit(tmp_path: Path):
    """By number and by bytes, but at least one: a long operation is never stuck."""
    journal = journal_in(tmp_path, *(record(number) for number in range(1, 6)))
    size = len(journal.lines_after(0, 1, 10**9)[0]) + 1
    assert len(journal.lines_after(0, 3, 10**9)) == 3
    assert len(journal.lines_after(0, 9, 2 * size)) == 2
    assert len(journal.lines_after(0, 9, 1)) == 1
    assert len(journal.lines_after(3, 9, 10**9)) == 2
    assert journal.lines_after(5, 9, 10**9) == ()


def test_pending_operations_are_those_of_the_order(tmp_path: Path):
    """A fold takes only what is of its order and after its base."""
    journal = journal_in(tmp_path, record(1), record(2), record(1), record(1))
    assert [one and one.op.fulfillment_id for one in journal.pending({"F1": 1})["F1"]] == [
        "F1",
        "F1",
    ]
    assert journal.aggregates_after(1) == {"F1", "F2"}


def test_an_answer_is_recorded_with_its_verdicts(tmp_path: Path):
    """What is not listed up to there was accepted; after it, central has not spoken."""
    journal = journal_in(tmp_path, record(1), record(2), record(3))
    verdict = Verdict(seq=1, status=VerdictStatus.QUARANTINED, code="x", text="why")
    journal.settle(answer(journal, 2, verdict))
    fates = {one.seq: verdict for one, verdict in journal.history(9, 0)}
    assert fates[1] == verdict
    assert fates[2] is not None
    assert fates[2].status is VerdictStatus.ACCEPTED
    assert fates[3] is None
    assert (journal.backlog(), journal.count_verdicts(VerdictStatus.QUARANTINED)) == (1, 1)


@pytest.mark.parametrize(("seq", "hashed"), [(1, "00" * 32), (9, "00" * 32), (1, "no hash")])
def test_an_answer_about_another_journal_is_a_fork(tmp_path: Path, seq: int, hashed: str):
    """Another content, more than there is, or nonsense: nothing is recorded."""
    journal = journal_in(tmp_path, record(1))
    with pytest.raises(Fork):
        journal.settle(PushAnswer(acked_seq=seq, acked_hash=hashed))
    assert journal.acked_seq() == 0


def test_a_rewind_forgets_verdicts_that_central_lost(tmp_path: Path):
    """Central judges again what it has lost; an old verdict on it would be a lie."""
    journal = journal_in(tmp_path, record(1), record(2), record(3))
    verdicts = [Verdict(seq=seq, status=VerdictStatus.AMENDED) for seq in (1, 2, 3)]
    journal.settle(answer(journal, 3, *verdicts))
    journal.rewind(2)
    assert (journal.acked_seq(), journal.count_verdicts(VerdictStatus.AMENDED)) == (1, 1)
    journal.settle(answer(journal, 3))
    assert journal.count_verdicts(VerdictStatus.AMENDED) == 1
    journal.rewind(9)
    assert journal.acked_seq() == 3


def test_what_was_held_before_a_rewind_is_held_until_it_is_judged_anew(tmp_path: Path):
    """Rows went on behind it; what is not listed then was accepted, and its rows are to come."""
    journal = journal_in(tmp_path, record(1), record(2), record(3))
    held = [Verdict(seq=seq, status=VerdictStatus.QUARANTINED) for seq in (1, 2, 3)]
    journal.settle(answer(journal, 3, *held))
    outside = journal.digest_of_held()
    journal.rewind(1)
    assert (journal.acked_seq(), journal.digest_of_held()) == (0, outside)
    journal.settle(answer(journal, 1))
    assert journal.count_verdicts(VerdictStatus.QUARANTINED) == 2
    refused = Verdict(seq=2, status=VerdictStatus.REFUSED)
    journal.settle(answer(journal, 3, refused, held[2]))
    assert journal.count_verdicts(VerdictStatus.QUARANTINED) == 1
    assert journal.digest_of_held() == outside
    journal.arrived()
    assert journal.digest_of_held() not in {"", outside}
    verdicts = [verdict for _, verdict in journal.history(3, 0) if verdict is not None]
    assert [one.status for one in verdicts] == ["quarantined", "refused", "accepted"]


@pytest.mark.parametrize(
    ("known", "told", "then"),
    [
        ("accepted", "refused", "refused"),
        ("accepted", "quarantined", "quarantined"),
        ("accepted", "accepted", "accepted"),
        ("accepted", "amended", "accepted"),
        ("amended", "refused", "amended"),
        ("amended", "quarantined", "quarantined"),
        ("refused", "quarantined", "quarantined"),
        ("quarantined", "refused", "quarantined"),
        ("quarantined", "accepted", "quarantined"),
    ],
)
def test_what_another_life_of_centrals_does_not_count_is_held_or_refused_here(
    tmp_path: Path, known: str, told: str, then: str
):
    """What counted here becomes held or refused; nothing comes out of quarantine by it."""
    journal = journal_in(tmp_path, record(1), record(2))
    before = Verdict(seq=1, status=VerdictStatus(known))
    journal.settle(answer(journal, 2, *([] if known == "accepted" else [before])))
    journal.hold_back(1, [Verdict(seq=1, status=VerdictStatus(told))])
    fates = {one.seq: verdict for one, verdict in journal.history(9, 0) if verdict}
    assert {seq: fate.status for seq, fate in fates.items()} == {1: then, 2: "accepted"}
    assert bool(journal.digest_of_held()) == (then == "quarantined")


def test_pruning_keeps_what_the_next_push_needs(tmp_path: Path):
    """Old settled operations go, all but the last: its hash is where the next one follows."""
    journal = journal_in(tmp_path, *(record(number) for number in range(1, 6)))
    amended = Verdict(seq=1, status=VerdictStatus.AMENDED)
    journal.settle(answer(journal, 3, amended))
    assert journal.prune(NOON_MS + DAY_MS) == 0
    assert prune_later(journal) == 2
    assert journal.hash_at(3) is not None
    assert len(journal.lines_after(3, 9, 10**9)) == 2
    assert journal.count_verdicts(VerdictStatus.AMENDED) == 0
    journal.settle(answer(journal, 5, days=KEEP_DAYS + 1), now_ms=NOON_MS + DAY_MS)
    assert prune_later(journal, 2 * KEEP_DAYS + 2) == 2
    assert add(journal, record(6)) == 6
    assert journal.hash_at(5) is not None


def test_what_central_holds_back_is_kept_however_old(tmp_path: Path):
    """A quarantined operation is not settled: the store goes on showing what it did."""
    journal = journal_in(tmp_path, *(record(1) for _ in range(4)))
    held = [Verdict(seq=seq, status=VerdictStatus.QUARANTINED) for seq in (2, 3)]
    journal.settle(answer(journal, 4, *held))
    assert prune_later(journal) == 1
    assert len(journal.pending({"F1": 1})["F1"]) == 3
    assert journal.count_verdicts(VerdictStatus.QUARANTINED) == 2


def test_failed_tries_outlive_a_restart(tmp_path: Path):
    """A lock-out cannot be undone by switching the terminal off."""
    journal = journal_in(tmp_path)
    for _ in range(5):
        journal.count_failure("pin:A1", 5, NOON_MS)
    journal.close()
    again = Journal(tmp_path / "journal.db")
    assert (again.failures("pin:A1"), again.failures("pin:A2")) == ((5, NOON_MS), (0, 0))
    again.clear_failures("pin:A1")
    assert again.failures("pin:A1") == (0, 0)


def test_a_change_by_another_connection_shows(tmp_path: Path):
    """A daemon sees that the terminal has written."""
    journal = journal_in(tmp_path)
    other = Journal(tmp_path / "journal.db")
    before = journal.change_token()
    assert journal.change_token() == before
    add(other, record(1))
    assert journal.change_token() != before
    assert other.head() == journal.head()


@pytest.mark.parametrize("key", ["", KEY], ids=["plain", "encrypted"])
def test_a_power_cut_takes_back_nothing_that_was_said(tmp_path: Path, key: str):
    """A copy of the files as they lie on the disk, at any moment, has every operation."""
    journal = journal_in(tmp_path / "live", key=key)
    for count in range(1, 8):
        add(journal, record(count))
        crash = tmp_path / f"crash-{count}"
        shutil.copytree(tmp_path / "live", crash)
        (crash / "journal.db-shm").unlink()
        copy = Journal(crash / "journal.db", key)
        assert check_chain(copy) == count
        assert add(copy, record(99)) == count + 1
        copy.close()


def test_a_torn_write_leaves_whole_operations_only(tmp_path: Path):
    """The log ends anywhere: what is there is a chain from the start, and it can go on."""
    journal = journal_in(tmp_path / "live", *(record(number) for number in range(1, 5)))
    log = (tmp_path / "live" / "journal.db-wal").read_bytes()
    counts = []
    for cut in range(0, len(log), max(1, len(log) // 40)):
        crash = tmp_path / f"crash-{cut}"
        crash.mkdir()
        shutil.copy(tmp_path / "live" / "journal.db", crash)
        (crash / "journal.db-wal").write_bytes(log[:cut])
        copy = Journal(crash / "journal.db")
        try:
            counts.append(check_chain(copy))
        except LookupError:
            counts.append(-1)  # cut before the enrolment
        copy.close()
    assert counts == sorted(counts)
    assert check_chain(journal) == 4


@pytest.mark.parametrize("size", [20, 100, 5000])
def test_a_journal_that_was_cut_off_is_not_taken_for_a_new_one(tmp_path: Path, size: int):
    """Half a file is refused in words, not opened as if nothing had ever been done."""
    journal = journal_in(tmp_path, *(record(number) for number in range(1, 50)))
    journal.close()
    path = tmp_path / "journal.db"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(UnsafeDatabase):
        Journal(path)


def test_a_full_disk_refuses_loudly_and_later_goes_on(tmp_path: Path):
    """Nothing is half written, and the journal works again when there is room."""
    journal = journal_in(tmp_path, record(1))
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OperationalError, match="full"):
        [add(journal, record(number)) for number in range(500)]
    count = check_chain(journal)
    journal._connection.execute("PRAGMA max_page_count = 100000")
    assert add(journal, record(1)) == count + 1
    check_chain(journal)


def test_what_is_too_long_is_not_journaled(tmp_path: Path):
    """It is refused before it has a place."""
    journal = journal_in(tmp_path)
    endless = replace(record(1), by="x" * LINE_BYTES_MAX)
    with pytest.raises(ValueError):
        add(journal, endless)
    assert check_chain(journal) == 0


def test_a_journal_that_has_forgotten_is_whole(tmp_path: Path):
    """What is held back stays while its neighbours go: that is no broken chain, a lost line is."""
    journal = journal_in(tmp_path, *(record(number) for number in range(1, 8)))
    held = [Verdict(seq=seq, status=VerdictStatus.QUARANTINED) for seq in (2, 4)]
    journal.settle(answer(journal, 5, *held), now_ms=NOON_MS)
    assert prune_later(journal) == 2
    assert journal.broken() == ""
    with journal.writing():
        journal.connection.execute("DELETE FROM operations WHERE seq = 6")
    assert "operation 7" in journal.broken()
