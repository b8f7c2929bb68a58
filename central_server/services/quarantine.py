"""Where people of central settle what no rule could: retry an operation, or skip it.

A retry judges the operation by the rules that every push is judged by, and then,
in the same transaction, those that waited behind it. Nothing is lost meanwhile:
an operation leaves quarantine only with a verdict, which travels to its store.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from central_server.records import StoredOperation
from central_server.services.errors import AlreadySettled, NotFound, WaitsBehind
from central_server.services.exceptions import Document, quarantine_cause
from central_server.services.held_views import aggregate_in, held_document, op_id_of, verdict_of
from central_server.services.judging import HalfDone, Judging
from central_server.services.replication import Replication
from central_server.services.settling import SKIPPED, Settling, Wish
from sync.domain.ids import OpId
from sync.hub.ports import ReplicaState
from sync.hub.repeats import NUMBER_TAKEN
from sync.protocol.verdicts import VerdictStatus

if TYPE_CHECKING:
    from central_server.storage.unit import Unit, View

_QUARANTINED = VerdictStatus.QUARANTINED


@dataclass(frozen=True, slots=True)
class _Fault:
    """What could not even be written, and which operation of the chain it was."""

    place: int
    problem: Exception


class QuarantineDesk:
    """Settles operations in quarantine. Safe to call from many threads."""

    def __init__(self, judging: Judging) -> None:
        self._database = judging.database
        self._judging = judging

    def page(
        self, location_id: str | None, after: OpId | None, limit: int
    ) -> tuple[list[Document], OpId | None]:
        """Return what is in quarantine, in the order of the journals, and where to go on."""
        with self._database.read() as view:
            found = view.journal.quarantined(limit + 1, after, location_id)
            shown = found[:limit]
            documents = [_document(view, one) for one in shown]
        return documents, op_id_of(shown[-1]) if len(found) > limit else None

    def retry(self, op_id: OpId, *, by: str) -> Document:
        """Judge an operation again, and those behind it. One that is settled stays as it is.

        Raises `AlreadySettled` where somebody skipped it, `WaitsBehind` where an
        earlier one has to be settled first.
        """
        return self._settle(op_id, Wish(by))

    def retry_all(self, replica_id: str, *, by: str) -> Document:
        """Judge everything again that is held back of one device, in the order of its journal.

        Each thing is settled by itself, so what still cannot be done holds up no other. A
        sale whose number is another's stays: that they are two is said of one at a time.
        Returns what was `settled`, and how many operations are `held` back still.
        """
        with self._database.read() as view:
            if view.replicas.get(replica_id) is None:
                raise NotFound("device", replica_id)
        settled: list[object] = []
        after, held = OpId(replica_id, 0, 0), 0
        while (stored := self._next_of(after)) is not None:
            after = op_id = op_id_of(stored)
            if verdict_of(stored).code == NUMBER_TAKEN:
                held += 1
                continue
            try:
                done = self.retry(op_id, by=by)
            except WaitsBehind:
                held += 1
                continue
            except AlreadySettled:
                continue
            found = done["settled"]
            assert isinstance(found, list)
            settled += found
            held += not found or found[-1]["status"] == _QUARANTINED
        return {"settled": settled, "held": held}

    def _next_of(self, after: OpId) -> StoredOperation | None:
        """Return the next operation of the same device that is in quarantine."""
        with self._database.read() as view:
            found = view.journal.quarantined(1, after)
        same = found and found[0].replica_id == after.replica_id
        return found[0] if same else None

    def skip(self, op_id: OpId, *, by: str, reason: str) -> Document:
        """Set an operation aside for good, for a reason; those behind it go on.

        Raises `AlreadySettled` where it got another verdict, or another reason.
        """
        return self._settle(op_id, Wish(by, reason))

    def _settle(self, op_id: OpId, wish: Wish) -> Document:
        """Settle in one transaction; what cannot be written stays in quarantine by itself."""
        try:
            return self._database.write(lambda unit: self._work(unit, op_id, wish, None))
        except self._judging.poison as problem:
            fault = problem
        for place in self._places(op_id, fault):
            spoilt = _Fault(place, fault)
            try:
                return self._database.write(
                    lambda unit, spoilt=spoilt: self._work(unit, op_id, wish, spoilt)  # type: ignore[misc]
                )
            except self._judging.poison:
                continue
        raise fault

    def _places(self, op_id: OpId, fault: Exception) -> list[int]:
        """Return the places of a chain at which it may be spoilt, the likeliest first.

        An operation that failed says so itself; a row that cannot be written does not.
        """
        with self._database.read() as view:
            stored = view.journal.operation(op_id)
            chain = () if stored is None else _chain(view, stored)
        failed = fault.op_id if isinstance(fault, HalfDone) else None
        known = [place for place, one in enumerate(chain) if op_id_of(one) == failed]
        return [*known, *range(max(1, len(chain)) - 1, -1, -1)]

    def _work(self, unit: "Unit", op_id: OpId, wish: Wish, fault: _Fault | None) -> Document:
        state = unit.journal.lock_replica(op_id.replica_id)
        stored = unit.journal.operation(op_id)
        if state is None or stored is None:
            raise NotFound("operation", str(op_id))
        if stored.status != _QUARANTINED:
            _require_same(unit, stored, wish)
            return {"operation": _document(unit, stored), "settled": []}
        chain = _chain(unit, stored)
        if op_id_of(chain[0]) != op_id:
            raise WaitsBehind(chain[0].epoch, chain[0].seq)
        settled = self._judge(unit, state, chain, wish, fault)
        after = unit.journal.operation(op_id)
        assert after is not None
        return {"operation": _document(unit, after), "settled": settled}

    def _judge(
        self,
        unit: "Unit",
        state: ReplicaState,
        chain: tuple[StoredOperation, ...],
        wish: Wish,
        fault: _Fault | None,
    ) -> list[Document]:
        now = self._judging.clock.now_ms()
        location = unit.locations.get(state.location_id)
        assert location is not None, "a replica's location exists (foreign key)"
        applier = Replication(unit, self._judging, location, now)
        settling = Settling(unit, applier, state, wish, now)
        settling.load(chain)
        for place, _ in enumerate(chain):
            problem = fault.problem if fault is not None and fault.place == place else None
            if not settling.settle(place, problem):
                break
        settling.write()
        unit.after_commit(lambda: self._judging.pokes.publish(applier.heads))
        return settling.settled


def _chain(view: "View", stored: StoredOperation) -> tuple[StoredOperation, ...]:
    """Return the operation and all that wait on the same thing, oldest first."""
    aggregate = aggregate_in(stored)
    if not aggregate:
        return (stored,)
    waiting = view.journal.held_back(stored.replica_id, aggregate)
    return tuple(sorted({*waiting, stored}, key=op_id_of))


def _require_same(unit: "Unit", stored: StoredOperation, wish: Wish) -> None:
    """Raise `AlreadySettled` unless what is wished is what has happened."""
    verdict = verdict_of(stored)
    settled = unit.exceptions.newest_of(quarantine_cause(op_id_of(stored)))
    by, note = ("", "") if settled is None else (settled.closed_by, settled.note)
    was_skipped = verdict.code == SKIPPED
    if was_skipped != wish.is_skip or (was_skipped and (by, note) != (wish.by, wish.reason)):
        raise AlreadySettled("skipped" if was_skipped else stored.status, by, note)


def _document(view: "View", stored: StoredOperation) -> Document:
    first = _chain(view, stored)[0] if stored.status == _QUARANTINED else stored
    replica = view.replicas.get(stored.replica_id)
    order = view.fulfillments.get(stored.aggregate) if stored.aggregate else None
    cause = quarantine_cause(op_id_of(first))
    return held_document(
        stored,
        location_id=replica.location_id if replica else "",
        order_number=order.row.order.order_number if order else "",
        waits_behind=first.seq if first != stored else None,
        exception_id=view.exceptions.open_of([cause]).get(cause, ""),
    )
