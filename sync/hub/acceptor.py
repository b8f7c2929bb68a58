"""Takes a push: exactly once, in the store's order, one verdict an operation.

The caller owns the transaction. Inside it: lock the replica, drop what central
already has, refuse a gap or a fork, judge each operation, write everything, and
answer with the verdicts that the store does not have yet. A lost answer is
therefore harmless, and a batch can be sent again for ever.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from sync.domain.errors import DomainError, OperationRefused
from sync.domain.ids import OpId
from sync.domain.operations import aggregate_of
from sync.domain.transitions import Consequence
from sync.hub.epochs import hash_before, opened
from sync.hub.ports import (
    HeldBack,
    JournalEntry,
    OperationApplier,
    OperationJournal,
    ReplicaState,
)
from sync.hub.repeats import Repeats
from sync.protocol import errors
from sync.protocol.lines import OperationRecord, all_storable, chain, decode_line
from sync.protocol.rows import is_store_scope
from sync.protocol.session import (
    PREV_HASH_DIGITS,
    PushAnswer,
    PushHeader,
    ScopeHead,
    heads_digest,
)
from sync.protocol.verdicts import Verdict, VerdictStatus
from sync.protocol.version import LOWEST_SERVED, PROTOCOL_VERSION

DISABLED = "this device was revoked or retired: a person at central decides about its work"
TERSE = 2
"""From this version on an answer leaves out what the store knows already."""
AGGREGATE_MAX = 64
"""Characters of a fulfillment order's id, at most."""


WAITS_BEHIND = "waits_behind"
"""The code of an operation that is held back only because an earlier one on the same thing is."""
FAULT = "fault"
"""The code of an operation that a fault of the program itself holds back."""
_WAITS = "an earlier step of this order is held back"


class _Arrived(NamedTuple):
    """A new line with its place; `record` is None where it could not be read."""

    seq: int
    line: bytes
    hash: bytes
    aggregate: str
    record: OperationRecord | None
    problem: str


def accept(
    journal: OperationJournal,
    applier: OperationApplier,
    header: PushHeader,
    lines: Sequence[bytes],
    *,
    scopes: Sequence[str],
    now_ms: int,
    incarnation: int = 0,
) -> PushAnswer:
    """Judge `lines` inside the caller's transaction and return the answer to commit before.

    Raises a `ProtocolRefused` (gap, fork, stale epoch, disabled replica, frame
    that does not add up); the caller then rolls back.
    """
    if not LOWEST_SERVED <= header.protocol <= PROTOCOL_VERSION:
        raise errors.VersionUnsupported(
            "no common protocol version", min=LOWEST_SERVED, max=PROTOCOL_VERSION
        )
    if len(lines) != header.count:
        raise errors.FrameUnreadable(
            f"the header names {header.count} operations, {len(lines)} came"
        )
    before = journal.lock_replica(header.replica_id)
    state = _position(before, header, now_ms)
    if before is not None and state.epoch != before.epoch:
        journal.begin_epoch(state)
    lost = _lost(header, state) if before is not None and state.epoch != before.epoch else 0
    if lost:
        applier.lost(state, lost)
    arrived = _new_lines(journal, state, header, lines)
    if lost and not arrived:
        applier.flush()
    if arrived:
        state = _judge(journal, applier, state, arrived, now_ms)
    heads = journal.heads(scopes) if state.enabled else ()
    has_followed = _has_followed(header, heads, incarnation)
    own = next((one.rev for one in heads if is_store_scope(one.scope)), None)
    journal.save_replica(
        state, backlog=header.backlog, now_ms=now_ms, followed_rev=own if has_followed else None
    )
    if has_followed:
        return _answer(journal, state, header, (), now_ms)
    answer = _answer(journal, state, header, heads, now_ms)
    return answer.model_copy(update={"incarnation": incarnation})


def _lost(header: PushHeader, state: ReplicaState) -> int:
    """Return how many operations before the epoch that begins the store says to be nowhere."""
    claimed = 0 if header.follows is None or not state.enabled else header.follows.lost
    return min(max(claimed, 0), state.base_seq)


def _position(state: ReplicaState | None, header: PushHeader, now_ms: int) -> ReplicaState:
    """Return the replica at the epoch of the push; a newer epoch starts a new chain.

    A replica that is disabled may still hand in what it did; it gets nothing else.
    """
    if state is None or (not state.enabled and not header.count):
        raise errors.ReplicaDisabled("this replica is revoked, retired or unknown: enrol again")
    if header.epoch < state.epoch:
        raise errors.EpochStale("a newer epoch of this replica exists", epoch=state.epoch)
    if header.epoch > state.epoch:
        return opened(state, header, now_ms)
    return state


def _new_lines(
    journal: OperationJournal, state: ReplicaState, header: PushHeader, lines: Sequence[bytes]
) -> list[_Arrived]:
    """Return the lines that central lacks, hashed; check that the rest is what it has."""
    if not _is_same_epoch(journal, state, header):
        raise _fork(state, header.first_seq - 1)
    if not state.base_seq < header.first_seq <= state.last_seq + 1:
        expected = state.last_seq + 1
        raise errors.Gap(f"operation {expected} is missing", expected_seq=expected)
    current = _known(journal, state, header.first_seq - 1)
    if not current.startswith(_start_of_hash(header.prev_hash)):
        raise _fork(state, header.first_seq - 1)
    arrived = []
    is_storable = all_storable(lines)
    for seq, line in enumerate(lines, header.first_seq):
        current = chain(current, line)
        if seq > state.last_seq:
            arrived.append(_read(seq, line, current, is_storable))
        elif seq == state.last_seq:
            _check(journal, state, seq, current)
    last_sent = header.first_seq + len(lines) - 1
    if header.first_seq <= last_sent < state.last_seq:
        _check(journal, state, last_sent, current)
    return arrived


def _is_same_epoch(journal: OperationJournal, state: ReplicaState, header: PushHeader) -> bool:
    """Return whether central's epoch of this number is the store's.

    Another copy of its journal may have begun one of the same number elsewhere, or behind other
    work. A store says what its epoch follows until it knows that central has begun it.
    """
    if 0 < header.first_seq <= state.base_seq:
        return False
    known = header.follows
    if known is None or header.epoch != state.epoch:
        return True
    if header.first_seq - 1 != state.base_seq:
        return False
    end = hash_before(journal, state, known.epoch, known.seq + 1)
    return end is None or end.hex() == known.hash


def _check(journal: OperationJournal, state: ReplicaState, seq: int, sent: bytes) -> None:
    """Raise `Fork` unless the store's hash after `seq` is central's."""
    if _known(journal, state, seq) != sent:
        raise _fork(state, seq)


def _known(journal: OperationJournal, state: ReplicaState, seq: int) -> bytes:
    """Return central's hash after `seq`."""
    if seq == state.last_seq:
        return state.last_hash
    known = hash_before(journal, state, state.epoch, seq + 1)
    if known is None:
        raise _fork(state, seq)
    return known


def _fork(state: ReplicaState, seq: int) -> errors.Fork:
    return errors.Fork(
        f"the journal differs at operation {seq}: restored or cloned",
        seq=seq,
        last_seq=state.last_seq,
    )


def _read(seq: int, line: bytes, hashed: bytes, is_storable: bool) -> _Arrived:
    try:
        record = decode_line(line, is_storable=is_storable)
    except ValueError as problem:
        return _Arrived(seq, line, hashed, _aggregate_in(line), None, str(problem)[:500])
    return _Arrived(seq, line, hashed, aggregate_of(record.op), record, "")


def _aggregate_in(line: bytes) -> str:
    """Return which fulfillment order an unreadable line is about, where even that can be told.

    Later steps of that order must wait behind it: they were done after it.
    """
    try:
        found = json.loads(line)["op"]["fulfillment_id"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    plausible = isinstance(found, str) and found.isprintable() and len(found) <= AGGREGATE_MAX
    return found if plausible else ""


def _judge(
    journal: OperationJournal,
    applier: OperationApplier,
    state: ReplicaState,
    arrived: Sequence[_Arrived],
    now_ms: int,
) -> ReplicaState:
    records = [one.record for one in arrived if one.record is not None and state.enabled]
    aggregates = {one.aggregate for one in arrived if one.aggregate}
    blocked = journal.blocked(state.replica_id, aggregates)
    applier.prefetch(state, records)
    repeats = Repeats(journal, state, aggregates, records)
    entries = []
    for one in arrived:
        verdict = _verdict(applier, state, one, blocked, repeats)
        repeats.note(one.record, verdict)
        entries.append(_entry(one, verdict, now_ms))
    applier.flush()
    journal.append(state, entries, now_ms)
    return replace(state, last_seq=arrived[-1].seq, last_hash=arrived[-1].hash)


def passed_over(
    applier: OperationApplier,
    op_id: OpId,
    aggregate: str,
    record: OperationRecord | None,
    consequence: Consequence,
) -> Verdict:
    """Return the verdict on an operation that counts already; rows include it from here on."""
    applier.pass_over(op_id, aggregate, record)
    return Verdict(seq=op_id.seq, status=VerdictStatus.AMENDED, consequences=(consequence,))


def _verdict(
    applier: OperationApplier,
    state: ReplicaState,
    one: _Arrived,
    blocked: set[str],
    repeats: Repeats,
) -> Verdict:
    """Return the verdict on an operation; let somebody look after it, or let it wait its turn."""
    op_id = OpId(state.replica_id, state.epoch, one.seq)
    if not state.enabled:
        verdict = _quarantined(one.seq, "device_revoked", DISABLED)
    elif (why := repeats.consequence(one.line, one.record)) is not None:
        return passed_over(applier, op_id, one.aggregate, one.record, why)
    elif one.aggregate in blocked:
        return _quarantined(one.seq, WAITS_BEHIND, _WAITS)
    else:
        conflict = repeats.conflict(one.seq, one.record)
        verdict = conflict or judge(applier, op_id, one.record, one.problem)
    if verdict.status is VerdictStatus.QUARANTINED and one.aggregate not in blocked:
        kind = "" if one.record is None else one.record.op.kind
        applier.held_back(op_id, HeldBack(one.aggregate, kind, verdict))
        if one.aggregate:
            blocked.add(one.aggregate)
    return verdict


def judge(
    applier: OperationApplier, op_id: OpId, record: OperationRecord | None, problem: str = ""
) -> Verdict:
    """Return the verdict on one operation; whatever goes wrong is its own quarantine.

    `record` is None where the line could not be read, for the reason `problem`.
    """
    if record is None:
        return _quarantined(op_id.seq, "unreadable", problem)
    try:
        return applier.apply(op_id, record)
    except OperationRefused as refusal:
        if record.op.is_request:
            return Verdict(
                seq=op_id.seq, status=VerdictStatus.REFUSED, code=refusal.code, text=str(refusal)
            )
        return _quarantined(op_id.seq, refusal.code, str(refusal))
    except DomainError as fault:
        return _quarantined(op_id.seq, fault.code, str(fault))
    except applier.trouble:
        raise
    except Exception as fault:  # noqa: BLE001 - a poison operation must not stop the queue
        return _quarantined(op_id.seq, FAULT, f"{type(fault).__name__}: {fault}"[:500])


def _quarantined(seq: int, code: str, text: str) -> Verdict:
    return Verdict(seq=seq, status=VerdictStatus.QUARANTINED, code=code, text=text)


def _entry(one: _Arrived, verdict: Verdict, now_ms: int) -> JournalEntry:
    record = one.record
    if record is None:
        return JournalEntry(one.seq, one.line, one.hash, "", one.aggregate, "", now_ms, verdict)
    return JournalEntry(
        one.seq, one.line, one.hash, record.op.kind, one.aggregate,
        record.by, record.at, verdict,
    )  # fmt: skip


def _answer(
    journal: OperationJournal,
    state: ReplicaState,
    header: PushHeader,
    heads: tuple[ScopeHead, ...],
    now_ms: int,
) -> PushAnswer:
    is_told = header.protocol >= TERSE and state.last_seq < header.first_seq + header.count
    return PushAnswer(
        acked_seq=state.last_seq,
        acked_hash="" if is_told else state.last_hash.hex(),
        verdicts=journal.verdicts_after(state.replica_id, state.epoch, header.told_seq),
        heads=heads,
        answered_at_ms=now_ms,
        shut_out=not state.enabled,
    )


def _has_followed(header: PushHeader, heads: tuple[ScopeHead, ...], incarnation: int) -> bool:
    """Return whether the store says that it is where all its scopes are, in this life."""
    here = heads_digest((one.scope, incarnation, one.rev) for one in heads)
    return bool(header.heads) and header.heads == here


def _start_of_hash(text: str) -> bytes:
    """Return what the store said of its hash: enough of it that no other one is meant."""
    try:
        start = bytes.fromhex(text)
    except ValueError as problem:
        raise errors.FrameUnreadable(f"prev_hash is not hexadecimal: {text[:80]!r}") from problem
    if 2 * len(start) < PREV_HASH_DIGITS:
        raise errors.FrameUnreadable(f"prev_hash has fewer than {PREV_HASH_DIGITS} digits")
    return start
