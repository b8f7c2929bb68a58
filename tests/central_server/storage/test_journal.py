"""Operations and devices at central, on both engines; the hub's acceptor over the real journal."""

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from central_server.records import EnrolmentCode
from central_server.storage.replicas import Replicas
from sync.domain.fulfillment import ShortReason
from sync.domain.operations import FulfillmentAccepted, FulfillmentRejected, LinePicked
from sync.hub.acceptor import accept
from sync.hub.feed import FeedWriter
from sync.hub.ports import JournalEntry
from sync.protocol.errors import Fork, Gap
from sync.protocol.lines import OperationRecord, chain, encode_line, genesis
from sync.protocol.rows import Entity
from sync.protocol.session import PushHeader, ScopeHead
from sync.protocol.verdicts import Verdict, VerdictStatus
from tests.central_server.storage.data import NOW, location

OK = VerdictStatus.ACCEPTED


def _enrol(database) -> None:
    def command(unit):
        unit.locations.upsert([location()])
        unit.replicas.enrol("R1", "L1", "nonce", "00ff", "1.0", NOW)

    database.write(command)


def _entry(seq: int, status: VerdictStatus = OK, aggregate: str = "F1", **said) -> JournalEntry:
    verdict = Verdict(seq=seq, status=status, **said)
    return JournalEntry(
        seq, b'{"\\": \x00\xff}', bytes([seq]) * 32, "line_picked", aggregate, "A1", NOW, verdict
    )


def _hear(unit, replica_id: str, now_ms: int) -> None:
    unit.replicas.save_hello(
        replica_id, app_version="1.0", backlog=0, clock_offset_ms=0, now_ms=now_ms
    )


def _append(database, *entries: JournalEntry) -> None:
    def command(unit):
        state = unit.journal.lock_replica("R1")
        unit.journal.append(state, entries, NOW)

    database.write(command)


def test_a_new_replica_is_at_the_start_of_its_chain(database):
    """Enrolment puts the replica at epoch 1 with no operations; an unknown one is None."""
    _enrol(database)
    with database.read() as view:
        state = view.journal.replica_state("R1")
        assert (state.epoch, state.last_seq, state.last_hash) == (1, 0, genesis("R1", 1))
        assert state.enabled
        assert view.journal.replica_state("R2") is None


def test_operations_are_kept_as_they_are(database):
    """The bytes of a line and its hash come back as they were."""
    _enrol(database)
    _append(database, _entry(1), _entry(2))
    with database.read() as view:
        first, second = view.journal.operations("R1", 1, 1, 10)
        assert (first.line, first.hash, first.verdict) == (b'{"\\": \x00\xff}', b"\x01" * 32, None)
        assert view.journal.operations("R1", 1, 2, 10) == (second,)
        assert view.journal.hash_at("R1", 1, 2) == b"\x02" * 32
        assert view.journal.hash_at("R1", 2, 2) is None


def test_an_operation_exists_once(database):
    """The primary key refuses a second operation at the same place, and the whole batch with it."""
    _enrol(database)
    _append(database, _entry(1))
    with pytest.raises(IntegrityError):
        _append(database, _entry(2), _entry(1))
    with database.read() as view:
        assert len(view.journal.operations("R1", 1, 0, 10)) == 1


def test_only_notable_verdicts_are_listed(database):
    """A plainly accepted operation needs no words; every other verdict is given back whole."""
    _enrol(database)
    amended = _entry(2, VerdictStatus.AMENDED, code="late", text="Too late – “put back”")
    refused = _entry(3, VerdictStatus.REFUSED, code="no")
    _append(database, _entry(1), amended, refused, _entry(4))
    with database.read() as view:
        assert view.journal.verdicts_after("R1", 1, 0) == (amended.verdict, refused.verdict)
        assert view.journal.verdicts_after("R1", 1, 2) == (refused.verdict,)
        assert view.journal.verdicts_after("R1", 2, 0) == ()


def test_quarantine_blocks_its_aggregate_until_settled(database):
    """What waits in quarantine holds back later steps of the same order only."""
    _enrol(database)
    _append(database, _entry(1, VerdictStatus.QUARANTINED, "F1", code="fault"), _entry(2, OK, "F2"))
    with database.read() as view:
        assert view.journal.blocked("R1", ["F1", "F2"]) == {"F1"}
        assert view.journal.blocked("R1", []) == set()
        assert [one.seq for one in view.journal.quarantined()] == [1]
        assert [one.seq for one in view.journal.history(["F1", "F2"])] == [1, 2]
    database.write(lambda unit: unit.journal.settle("R1", 1, Verdict(seq=1, status=OK)))
    with database.read() as view:
        assert view.journal.blocked("R1", ["F1"]) == set()


def test_a_code_lets_one_device_in(database):
    """An enrolment code works once, in time, and says where the device belongs."""
    _enrol(database)
    for code, expires in (("good", NOW + 10), ("old", NOW)):
        database.write(
            lambda unit, c=code, e=expires: unit.replicas.add_code(EnrolmentCode(c, "L1", e))
        )

    def use(code: str) -> str | None:
        return database.write(lambda unit: unit.replicas.use_code(code, NOW))

    assert [use(code) for code in ("good", "good", "old", "unknown")] == ["L1", None, None, None]


def test_what_a_hello_says_is_kept(database):
    """Last contact, version, backlog and clock are known.

    A device that was shut out is what was heard last, until another one speaks.
    """
    _enrol(database)
    assert database.write(lambda unit: unit.replicas.last_contacts()) == {}

    def hello(unit):
        unit.replicas.save_hello(
            "R1", app_version="1.1", backlog=7, clock_offset_ms=-90, now_ms=NOW + 5
        )

    database.write(hello)
    with database.read() as view:
        (replica,) = view.replicas.at_location("L1")
        assert replica == view.replicas.get("R1")
        assert (replica.app_version, replica.backlog, replica.clock_offset_ms) == ("1.1", 7, -90)
        assert view.replicas.last_contacts(["L1"]) == {"L1": NOW + 5}
        assert view.replicas.last_contacts(["L2"]) == {}
    database.write(lambda unit: unit.replicas.set_enabled("R1", False))
    with database.read() as view:
        assert view.replicas.last_contacts() == view.replicas.silent_since() == {"L1": NOW + 5}

    def replaced(unit):
        unit.replicas.enrol("R2", "L1", "nonce", "00ff", "1.0", NOW + 1)
        _hear(unit, "R2", NOW + 2)

    database.write(replaced)
    with database.read() as view:
        assert view.replicas.last_contacts() == view.replicas.silent_since() == {"L1": NOW + 2}


class _Counted:
    """A connection that counts the rows that are read over it."""

    def __init__(self, connection) -> None:
        self._connection = connection
        self.rows = 0

    def __getattr__(self, name: str):
        return getattr(self._connection, name)

    def execute(self, statement) -> list:
        found = list(self._connection.execute(statement))
        self.rows += len(found)
        return found


def test_who_was_heard_of_is_read_of_the_places_that_are_asked_about(database):
    """A promise for three stores does not read what a thousand others told."""
    names = [f"L{number}" for number in range(1, 8)]

    def command(unit):
        unit.locations.upsert([location(name) for name in names])
        for name in names:
            unit.replicas.enrol(f"R{name}", name, "nonce", "00ff", "1.0", NOW)
        _hear(unit, "RL1", NOW + 5)
        unit.replicas.stock_told(names, "file", NOW)

    database.write(command)
    with database.read() as view:
        counted: Any = _Counted(view.replicas._connection)
        replicas = Replicas(counted)
        assert replicas.last_contacts(["L1", "L2"]) == {"L1": NOW + 5, "L2": NOW}
        assert counted.rows == 4
        assert replicas.silent_since(["L1", "L2"]) == {"L1": NOW + 5}
        assert counted.rows == 8
        assert replicas.last_contacts([]) == {}
        assert counted.rows == 8
        assert len(replicas.last_contacts()) == 7
        assert counted.rows == 22


class _Applier:
    """Accepts everything but rejections, and puts one row into the feed."""

    trouble: tuple[type[Exception], ...] = ()

    def __init__(self, unit) -> None:
        self._feed = FeedWriter(unit.feed)

    def prefetch(self, state, records) -> None:
        self._location = state.location_id

    def apply(self, op_id, record) -> Verdict:
        if record.op.kind == "fulfillment_rejected":
            raise RuntimeError("poison")
        self._feed.put_body(f"store:{self._location}", Entity.STOCK, "A", "{}")
        return Verdict(seq=op_id.seq, status=OK)

    def pass_over(self, op_id, aggregate, record) -> None:
        raise AssertionError("nothing is known from elsewhere")

    def held_back(self, op_id, held) -> None:
        assert held.verdict.seq == op_id.seq

    def lost(self, state, count) -> None:
        raise AssertionError("nothing is lost")

    def flush(self) -> None:
        self._feed.flush()


def _push(database, lines: list[bytes], first: int = 1, previous: bytes | None = None):
    header = PushHeader(
        protocol=1, replica_id="R1", epoch=1, first_seq=first, count=len(lines), known_seq=0,
        prev_hash=(previous or genesis("R1", 1)).hex(),
    )  # fmt: skip
    return database.write(
        lambda unit: accept(
            unit.journal,
            _Applier(unit),
            header,
            lines,
            scopes=["store:L1"],
            incarnation=1,
            now_ms=NOW,
        )
    )


def _lines() -> list[bytes]:
    operations = (
        FulfillmentAccepted("F1"), FulfillmentRejected("F2", ShortReason.STORE_BUSY),
        LinePicked("F2", 1, 1), LinePicked("F1", 1, 2),
    )  # fmt: skip
    return [encode_line(OperationRecord("A1", "T1", "B", 1, NOW, op)) for op in operations]


def test_a_push_is_taken_once_however_often_it_comes(database):
    """The acceptor over the real journal: same answer again, nothing twice, poison set aside."""
    _enrol(database)
    lines = _lines()
    answer = _push(database, lines)
    assert answer.acked_seq == 4
    assert [(one.seq, one.code) for one in answer.verdicts] == [(2, "fault"), (3, "waits_behind")]
    assert answer.heads == (ScopeHead(scope="store:L1", rev=1),)
    assert _push(database, lines) == answer
    with database.read() as view:
        assert [one.seq for one in view.journal.operations("R1", 1, 1, 10)] == [1, 2, 3, 4]
        assert view.replicas.get("R1").last_contact_ms == NOW


def test_a_refused_push_changes_nothing(database):
    """A gap or a fork is rolled back whole."""
    _enrol(database)
    lines = _lines()
    _push(database, lines[:2])
    with pytest.raises(Gap):
        _push(database, lines[3:], first=4)
    with pytest.raises(Fork):
        _push(database, lines[:1], first=3, previous=chain(b"other", b"line"))
    with database.read() as view:
        assert view.journal.replica_state("R1").last_seq == 2
