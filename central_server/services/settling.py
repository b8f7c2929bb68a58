"""One transaction that settles operations in quarantine: verdicts, exceptions, feed rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from central_server.records import StoredOperation
from central_server.services.exceptions import announce, close_causes, quarantine_cause
from central_server.services.held_views import (
    Document,
    aggregate_in,
    may_be_of_rights,
    op_id_of,
    settled_document,
    verdict_of,
    verdict_words,
)
from central_server.services.judging import fault_of
from central_server.services.push_exceptions import held_words
from central_server.services.replication import Replication
from central_server.services.rights import VOID_RIGHTS
from central_server.services.succession import standing_of
from sync.domain.operations import aggregate_of
from sync.domain.stock_operations import RIGHTS
from sync.hub.acceptor import FAULT, judge, passed_over
from sync.hub.ports import HeldBack, ReplicaState
from sync.hub.repeats import NUMBER_TAKEN, Repeats
from sync.protocol.lines import OperationRecord, decode_line
from sync.protocol.rows import Entity, VerdictRow, store_scope, verdict_key
from sync.protocol.verdicts import Verdict, VerdictStatus

if TYPE_CHECKING:
    from central_server.storage.unit import Unit

SKIPPED = "skipped"
"""The code of the verdict on an operation that a person set aside."""
RETRIED = "A person at central had it tried again: it counts now."
PROBLEM_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants an operation settled, and how: judged again, or set aside for a reason."""

    by: str
    reason: str = ""

    @property
    def is_skip(self) -> bool:
        """Whether it is to be set aside."""
        return bool(self.reason)


class Settling:
    """Settles a chain: the first operation as a person wishes, the others by the rules."""

    def __init__(
        self, unit: "Unit", applier: Replication, state: ReplicaState, wish: Wish, now_ms: int
    ) -> None:
        self._unit = unit
        self._applier = applier
        self._state = state
        self._wish = wish
        self._now_ms = now_ms
        self._chain: Sequence[StoredOperation] = ()
        self._records: list[tuple[OperationRecord | None, str]] = []
        self._repeats: Repeats
        """What counts already: a successor of the device brought it along, or its till did."""
        self._sets_rights_aside = False
        self.settled: list[Document] = []
        """What became of each operation whose verdict changed."""

    def load(self, chain: Sequence[StoredOperation]) -> None:
        """Read and lock what these operations may touch, the location before all else.

        Another device of the store may bring the same at this moment (`Replication.prefetch`).
        """
        self._unit.locations.lock([self._state.location_id])
        self._chain = chain
        self._records = [_read(one.line) for one in chain]
        readable = [record for record, _ in self._records if record is not None]
        aggregates = {aggregate_in(one) for one in chain}
        first = self._records[0][0]
        is_of_rights = self._wish.is_skip and may_be_of_rights(chain[0], first)
        # One that was shut out says nothing of rights (`_is_void`).
        self._sets_rights_aside = is_of_rights and self._state.enabled
        self._applier.load(
            aggregates, readable, all_rights=self._sets_rights_aside and first is None
        )
        self._repeats = Repeats(self._unit.journal, self._state, aggregates, readable)

    def settle(self, place: int, fault: Exception | None) -> bool:
        """Settle one operation of the chain; return whether the next one may be tried."""
        stored = self._chain[place]
        record, problem = self._records[place]
        op_id = op_id_of(stored)
        if place == 0 and self._wish.is_skip:
            verdict = self._skipped(stored)
            self._applier.pass_over(op_id, aggregate_in(stored), record)
            if self._sets_rights_aside:
                operation = None if record is None else record.op
                self._applier.set_rights_aside(operation, self._state.last_seq)
        elif fault is not None:
            verdict = _spoilt(stored.seq, fault)
        elif (why := self._repeats.consequence(stored.line, record)) is not None:
            verdict = passed_over(self._applier, op_id, aggregate_in(stored), record, why)
        elif record is not None and self._is_void(record):
            verdict = Verdict(
                seq=stored.seq, status=VerdictStatus.AMENDED, consequences=(VOID_RIGHTS,)
            )
            self._applier.pass_over(op_id, aggregate_in(stored), record)
        else:
            verdict = self._conflict(stored, record) or judge(self._applier, op_id, record, problem)
        self._repeats.note(record, verdict)
        if verdict.status is VerdictStatus.QUARANTINED:
            self._keep_back(stored, verdict)
            return False
        self._let_go(stored, verdict)
        return True

    def write(self) -> None:
        """Write everything; rows never fall behind what they included."""
        state = self._state
        standing = standing_of(self._unit, state.replica_id, state.location_id)
        self._applier.keep_later_marks(standing)
        self._applier.flush()

    def _conflict(self, stored: StoredOperation, record: OperationRecord | None) -> Verdict | None:
        """Return the verdict on a sale whose number is another's.

        None once a person who was told so has it tried again: then it is a sale of its own.
        """
        if verdict_of(stored).code == NUMBER_TAKEN:
            return None
        return self._repeats.conflict(stored.seq, record)

    def _is_void(self, record: OperationRecord) -> bool:
        """Return whether it is about rights that only its store's present device may speak of.

        Its successor has begun a generation whose number the old device may have
        come to by itself: they must not meet.
        """
        return not self._state.enabled and aggregate_of(record.op) == RIGHTS

    def _skipped(self, stored: StoredOperation) -> Verdict:
        text = f"Set aside by a person at central: {self._wish.reason}"
        return Verdict(seq=stored.seq, status=VerdictStatus.REFUSED, code=SKIPPED, text=text)

    def _keep_back(self, stored: StoredOperation, verdict: Verdict) -> None:
        op_id, before = op_id_of(stored), verdict_of(stored)
        held = HeldBack(stored.aggregate, stored.kind, verdict)
        words = f"{held_words(held, stored.seq)} (tried again by {self._wish.by})"
        described = self._unit.exceptions.describe(quarantine_cause(op_id), words)
        if described is not None:
            announce(self._applier.feed, described)
        else:  # it waited behind another until now
            self._applier.held_back(op_id, held)
        if verdict != before:
            self._write_verdict(stored, verdict)

    def _let_go(self, stored: StoredOperation, verdict: Verdict) -> None:
        if verdict == Verdict(seq=stored.seq, status=VerdictStatus.ACCEPTED):
            verdict = verdict.model_copy(update={"text": RETRIED})
        self._write_verdict(stored, verdict)
        is_first = stored is self._chain[0]
        note = self._wish.reason if is_first and self._wish.is_skip else verdict_words(verdict)
        cause = quarantine_cause(op_id_of(stored))
        close_causes(
            self._unit, self._applier.feed, [cause], self._now_ms, by=self._wish.by, note=note
        )

    def _write_verdict(self, stored: StoredOperation, verdict: Verdict) -> None:
        self._unit.journal.settle(stored.replica_id, stored.epoch, verdict)
        self.settled.append(settled_document(stored.epoch, verdict))
        row = VerdictRow(stored.replica_id, stored.epoch, verdict, self._now_ms)
        key = verdict_key(stored.replica_id, stored.epoch, stored.seq)
        self._applier.feed.put(store_scope(self._state.location_id), Entity.VERDICT, key, row)


def _read(line: bytes) -> tuple[OperationRecord | None, str]:
    try:
        return decode_line(line), ""
    except ValueError as problem:
        return None, str(problem)[:PROBLEM_LENGTH_MAX]


def _spoilt(seq: int, problem: Exception) -> Verdict:
    fault = fault_of(problem)
    text = f"{type(fault).__name__}: {fault}"[:PROBLEM_LENGTH_MAX]
    return Verdict(seq=seq, status=VerdictStatus.QUARANTINED, code=FAULT, text=text)
