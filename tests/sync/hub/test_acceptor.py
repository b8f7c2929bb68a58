"""A push is taken exactly once, in the store's order, with one verdict an operation."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.domain.errors import InvariantViolated
from sync.domain.ids import OpId
from sync.domain.operations import ExtensionRequested, LinePicked
from sync.hub.ports import HeldBack, ReplicaState
from sync.protocol import errors
from sync.protocol.lines import LINE_BYTES_MAX, OperationRecord, genesis
from sync.protocol.session import EpochStart, heads_digest
from sync.protocol.verdicts import Verdict, VerdictStatus
from sync.protocol.version import LOWEST_SERVED, PROTOCOL_VERSION
from tests.sync.hub.pushes import Pusher, a_line, accepted, picked

ACCEPTED, AMENDED = VerdictStatus.ACCEPTED, VerdictStatus.AMENDED
REFUSED, QUARANTINED = VerdictStatus.REFUSED, VerdictStatus.QUARANTINED


def four() -> Pusher:
    return Pusher().done(accepted(1), picked(1), accepted(2), picked(2))


def statuses(pusher: Pusher) -> list[VerdictStatus]:
    entries = sorted(pusher.central.journal.entries.items())
    return [entry.verdict.status for _, entry in entries]


def test_a_push_is_accepted_and_answered_with_its_end():
    """The answer names the last operation and its hash; plain acceptance is not listed."""
    pusher = four()
    answer = pusher.push()
    assert (answer.acked_seq, answer.acked_hash) == (4, pusher.hash_at(4).hex())
    assert (answer.verdicts, pusher.applied) == ((), [1, 2, 3, 4])


def test_an_entry_keeps_the_bytes_and_what_they_are_about():
    """Central keeps each operation as it came, with its place."""
    pusher = four()
    pusher.push()
    entry = pusher.central.journal.entries[OpId("R1", 1, 2)]
    assert (entry.line, entry.hash) == (pusher.lines[1], pusher.hash_at(2))
    assert (entry.kind, entry.aggregate, entry.by) == ("line_picked", "F00001", "A1")


@given(st.data())
def test_any_runs_sent_in_any_way_are_applied_once(data: st.DataObject):
    """Repeated, overlapping and late pushes change nothing: each counts once, in order."""
    pusher = four()
    for _ in range(data.draw(st.integers(1, 6))):
        first = data.draw(st.integers(1, 5))
        last = data.draw(st.integers(first - 1, 4))
        had = pusher.central.journal.replicas["R1"].last_seq
        if first > had + 1:
            with pytest.raises(errors.Gap) as caught:
                pusher.push(first, last)
            assert caught.value.data == {"expected_seq": had + 1}
        else:
            assert pusher.push(first, last).acked_seq == max(had, last)
    pusher.push()
    assert pusher.applied == [1, 2, 3, 4]


def test_an_empty_push_brings_heads_only():
    """An idle cycle: nothing is applied, and the store hears how far each scope is."""
    pusher = four()
    pusher.push()
    answer = pusher.push(5)
    assert answer.acked_seq == 4
    assert {head.scope: head.rev for head in answer.heads} == {
        scope: pusher.central.feed.scope(scope).rev for scope in pusher.central.scopes
    }
    assert pusher.applied == [1, 2, 3, 4]


def test_heads_are_left_out_where_the_store_has_followed_all_of_them():
    """The store's digest equals central's: nothing moved. Any difference brings every head."""
    pusher = four()
    pusher.push()
    feed = pusher.central.feed
    there = [(scope, feed.life, feed.scope(scope).rev) for scope in pusher.central.scopes]
    assert pusher.push(5, heads=heads_digest(there)).heads == ()
    (scope, life, rev), *others = there
    behind = [(scope, life, rev + 1), *others]
    former_life = [(scope, life - 1, rev) for scope, life, rev in there]
    more = [*there, ("store:S009", life, 1)]
    for cursors in (behind, former_life, more, []):
        assert len(pusher.push(5, heads=heads_digest(cursors)).heads) == len(there)


def test_the_hash_is_left_out_only_where_the_push_says_it():
    """A push that reaches as far as central has shown the hash; a shorter one hears it."""
    pusher = four()
    assert pusher.push(protocol=2).acked_hash == ""
    assert pusher.push(5, protocol=2).acked_hash == ""
    for protocol, last in ((2, 2), (1, 4)):
        assert pusher.push(1, last, protocol=protocol).acked_hash == pusher.hash_at(4).hex()


def test_the_verdicts_known_are_those_before_the_push_where_nothing_else_is_said():
    """Without `known_seq` the answer begins at the first operation of the push."""
    pusher = four().done(b"not an operation")
    assert [one.seq for one in pusher.push(known_seq=None).verdicts] == [5]
    assert [one.seq for one in pusher.push(5, known_seq=None).verdicts] == [5]
    assert pusher.push(6, known_seq=None).verdicts == ()


@pytest.mark.parametrize("first", [0, -3, 6])
def test_a_place_that_does_not_follow_is_a_gap(first: int):
    """Before the first or after the next: central says which operation it wants."""
    pusher = four()
    pusher.push()
    with pytest.raises(errors.Gap) as caught:
        pusher.central.push(pusher.header(1, 1, first_seq=first), (pusher.lines[0],))
    assert caught.value.data == {"expected_seq": 5}


@pytest.mark.parametrize(
    ("first", "last"), [(1, 1), (1, 4), (2, 3), (1, 5), (4, 5), (5, 5), (5, 4)]
)
def test_another_history_at_the_same_place_is_a_fork(first: int, last: int):
    """One operation differs, and no part of that journal is taken, wherever the push begins."""
    pusher = four()
    pusher.push()
    pusher.lines[0] = a_line(accepted(3))
    pusher.done(accepted(4))
    with pytest.raises(errors.Fork):
        pusher.push(first, last)
    assert pusher.applied == [1, 2, 3, 4]


def test_a_fork_is_found_by_the_previous_hash_alone():
    """A journal with the same lines but another past is another journal."""
    pusher = four()
    pusher.push(1, 2)
    with pytest.raises(errors.Fork):
        pusher.push(3, 4, prev_hash=pusher.hash_at(1).hex())


def test_the_beginning_of_the_previous_hash_is_enough():
    """Its first 16 bytes tell two journals apart."""
    pusher = four()
    pusher.push(1, 2)
    with pytest.raises(errors.Fork):
        pusher.push(3, 4, prev_hash=pusher.hash_at(1).hex()[:32])
    assert pusher.push(3, 4, prev_hash=pusher.hash_at(2).hex()[:32]).acked_seq == 4


@pytest.mark.parametrize("prev_hash", ["xyz", "", "00" * 15])
def test_a_previous_hash_that_is_no_hash_is_an_unreadable_frame(prev_hash: str):
    """The frame is broken, not the journal: no hexadecimal, or too little of it."""
    with pytest.raises(errors.FrameUnreadable):
        four().push(prev_hash=prev_hash)


def test_a_newer_epoch_begins_a_journal_of_its_own():
    """After a restore the device goes on behind its old end; the old life is refused then."""
    pusher = four()
    pusher.push()
    old_header = pusher.header(5, 0)
    end = EpochStart(epoch=1, seq=4, hash=pusher.hash_at(4).hex(), certain=True)
    pusher.epoch = 2
    header = pusher.header(5, 1, follows=end, prev_hash=genesis("R1", 2).hex())
    assert pusher.central.push(header, (a_line(picked(1)),)).acked_seq == 5
    assert pusher.central.push(header, (a_line(picked(1)),)).acked_seq == 5
    assert pusher.central.applied[-1] == OpId("R1", 2, 5)
    assert len(pusher.applied) == 5
    with pytest.raises(errors.EpochStale) as caught:
        pusher.central.push(old_header, ())
    assert caught.value.data == {"epoch": 2}


@pytest.mark.parametrize("known", [True, False])
def test_a_replica_that_is_disabled_or_unknown_is_refused(known: bool):
    """An unknown device is refused; a revoked one's work is kept whole and changes nothing."""
    pusher = four()
    state = pusher.central.journal.replicas.pop("R1")
    if known:
        pusher.central.journal.replicas["R1"] = type(state)(
            "R1", "S001", 1, 0, state.last_hash, "nonce", enabled=False
        )
        assert {one.code for one in pusher.push().verdicts} == {"device_revoked"}
        with pytest.raises(errors.ReplicaDisabled):
            pusher.push(5)
    else:
        with pytest.raises(errors.ReplicaDisabled):
            pusher.push()
    assert pusher.applied == []


@pytest.mark.parametrize("count", [0, 3, 5])
def test_a_frame_with_another_number_of_lines_is_unreadable(count: int):
    """A body that was cut off is not a push."""
    with pytest.raises(errors.FrameUnreadable):
        four().central.push(four().header(1, count), tuple(four().lines))


@pytest.mark.parametrize("protocol", [LOWEST_SERVED - 1, PROTOCOL_VERSION + 1])
def test_a_version_that_is_not_served_is_refused(protocol: int):
    """The refusal says what is served."""
    with pytest.raises(errors.VersionUnsupported) as caught:
        four().push(protocol=protocol)
    assert caught.value.data == {"min": LOWEST_SERVED, "max": PROTOCOL_VERSION}


def unknown(fulfillment_id: str) -> bytes:
    operation = {"kind": "teleported", "fulfillment_id": fulfillment_id}
    return json.dumps({**json.loads(a_line(accepted(1))), "op": operation}).encode()


def test_an_unreadable_line_is_quarantined_and_later_steps_of_its_order_wait():
    """One unknown operation holds back its own order only; the queue goes on."""
    pusher = Pusher().done(accepted(1), unknown("F00001"), picked(1), picked(2), accepted(3))
    answer = pusher.push()
    assert answer.acked_seq == 5
    assert statuses(pusher) == [ACCEPTED, QUARANTINED, QUARANTINED, ACCEPTED, ACCEPTED]
    assert [verdict.code for verdict in answer.verdicts] == ["unreadable", "waits_behind"]
    assert pusher.push(6).acked_seq == 5
    later = pusher.done(picked(1), picked(2)).push(6)
    assert later.acked_seq == 7
    assert statuses(pusher)[-2:] == [QUARANTINED, ACCEPTED]


@pytest.mark.parametrize(
    "line",
    [b"", b"garbage", b"null", b"[]", b"{}", b'{"op":7}', b'{"op":{"fulfillment_id":7}}',
     b'{"op":{"fulfillment_id":"a\\u0000"}}', b"\xff", b"[" * 50_000, b"x" * (LINE_BYTES_MAX + 1)],
    ids=range(11),
)  # fmt: skip
def test_garbage_is_quarantined_alone(line: bytes):
    """A line that names no order holds nothing back; its bytes are kept whole."""
    pusher = Pusher().done(line, accepted(1), picked(1))
    assert pusher.push().acked_seq == 3
    assert statuses(pusher) == [QUARANTINED, ACCEPTED, ACCEPTED]
    entry = pusher.central.journal.entries[OpId("R1", 1, 1)]
    assert (entry.line, entry.kind, entry.aggregate) == (line, "", "")
    assert len(entry.verdict.text) <= 500


class Poisoned:
    """An applier that raises on one order, after it changed nothing."""

    trouble: tuple[type[Exception], ...] = (ConnectionError,)

    def __init__(self, pusher: Pusher, problem: Exception) -> None:
        self._inner = pusher.applier()
        self._problem = problem

    def prefetch(self, state: object, records: object) -> None:
        return None

    def apply(self, op_id: OpId, record: OperationRecord) -> Verdict:
        if record.op.fulfillment_id == "F00001":
            raise self._problem
        return self._inner.apply(op_id, record)

    def pass_over(self, op_id: OpId, aggregate: str, record: OperationRecord | None) -> None:
        self._inner.pass_over(op_id, aggregate, record)

    def held_back(self, op_id: OpId, held: HeldBack) -> None:
        self._inner.held_back(op_id, held)

    def lost(self, state: ReplicaState, count: int) -> None:
        self._inner.lost(state, count)

    def flush(self) -> None:
        self._inner.flush()


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (KeyError("x"), "fault"),
        (RecursionError(), "fault"),
        (AssertionError("no"), "fault"),
        (InvariantViolated("impossible"), "invariant_violated"),
        (errors.Unreachable("a service"), "fault"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_whatever_an_applier_raises_is_the_quarantine_of_that_operation(
    problem: Exception, code: str
):
    """A poison operation stops nothing but what comes after it on the same order."""
    pusher = four()
    answer = pusher.push_to(Poisoned(pusher, problem))
    assert answer.acked_seq == 4
    assert [verdict.code for verdict in answer.verdicts] == [code, "waits_behind"]
    assert pusher.applied == [3, 4]


def test_what_ends_a_transaction_is_no_operations_fault():
    """A deadlock, a disk that is full: nothing is quarantined, and all is sent again."""
    pusher = four()
    with pytest.raises(ConnectionResetError):
        pusher.push_to(Poisoned(pusher, ConnectionResetError("the database went away")))
    assert pusher.applied == []
    assert pusher.push().acked_seq == 4


def test_a_request_is_refused_where_a_fact_is_quarantined():
    """Nothing more can be picked, and nothing waits that could wait longer: two verdicts."""
    pusher = Pusher().done(
        picked(1, 3), LinePicked("F00001", 1, 1), ExtensionRequested("F00002", 1), picked(2)
    )
    answer = pusher.push()
    assert [verdict.status for verdict in answer.verdicts] == [QUARANTINED, REFUSED]
    assert [verdict.seq for verdict in answer.verdicts] == [2, 3]
    assert answer.verdicts[1].text
    assert statuses(pusher) == [ACCEPTED, QUARANTINED, REFUSED, ACCEPTED]


def test_a_late_fact_is_amended():
    """Accepted, with its consequence in words."""
    pusher = Pusher().done(picked(1))
    pusher.central.cancel("F00001")
    (verdict,) = pusher.push().verdicts
    assert verdict.status is AMENDED
    assert verdict.consequences[0].text


def test_verdicts_are_told_again_until_the_store_has_them():
    """The answer was lost: the next one, whatever it answers, tells everything since."""
    pusher = Pusher().done(b"garbage", accepted(1))
    first = pusher.push()
    assert pusher.push(3).verdicts == first.verdicts
    assert pusher.push().verdicts == first.verdicts
    assert pusher.push(3, known_seq=2).verdicts == ()


def test_backlog_is_written_with_the_push():
    """What the store still has to send is known, also from a push without operations."""
    pusher = four()
    pusher.push(1, 2, backlog=2)
    assert pusher.central.journal.backlog == 2


def test_the_order_of_the_journal_is_the_order_of_effects():
    """A hundred operations on many orders are applied as they were done."""
    pusher = Pusher()
    pusher.done(*(picked(number) for _ in range(3) for number in range(1, 6)))
    pusher.push()
    assert pusher.applied == list(range(1, 16))
    assert set(statuses(pusher)) == {ACCEPTED}
