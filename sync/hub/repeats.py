"""What counts already of what a store brings: a line under another name, a sale by its number.

Copies of one disk that are enrolled anew each bring along what was not sent. A till repeats a
sale whenever it likes, and to a machine with an empty disk too. Neither is refused: a repeat
is settled and changes nothing. A number that came with other items is left to a person.
"""

from collections import Counter
from collections.abc import Collection, Iterable

from sync.domain.stock_operations import RIGHTS, FloorSold
from sync.domain.transitions import Consequence, ConsequenceKind
from sync.hub.ports import OperationJournal, ReplicaState
from sync.protocol.lines import OperationRecord, decode_line
from sync.protocol.verdicts import Verdict, VerdictStatus

APPLIED_ELSEWHERE = Consequence(
    ConsequenceKind.NO_EFFECT,
    "Central had this already from another machine of the store: it counts once.",
)
SOLD_BEFORE = Consequence(
    ConsequenceKind.NO_EFFECT,
    "Central had a sale of this number already: it counts once.",
)
NUMBER_TAKEN = "transaction_conflict"
"""The code of a sale whose number belongs to another one."""
_TAKEN = (
    "another sale of this number with other items counts already: tried again, this one"
    " counts as well; skipped, it does not"
)
_APPLIED = (VerdictStatus.ACCEPTED, VerdictStatus.AMENDED)
_Items = frozenset[tuple[str, int]]


class Repeats:
    """Tells what central has applied, of one push or one chain; sales also of that push itself.

    Rights are left out: their totals only grow, a second time changes nothing.
    """

    def __init__(
        self,
        journal: OperationJournal,
        state: ReplicaState,
        aggregates: Collection[str],
        records: Iterable[OperationRecord],
    ) -> None:
        """Ask once for all of `aggregates`, behind the locks on what they are about."""
        about = {one for one in aggregates if one != RIGHTS}
        self._lines = journal.applied_elsewhere(state.replica_id, state.location_id, about)
        self._sales: dict[str, set[_Items]] = {}
        numbers = {one.op.aggregate for one in records if isinstance(one.op, FloorSold)}
        if numbers:
            for line in journal.applied_here(state.location_id, numbers):
                self._add(decode_line(line))

    def consequence(self, line: bytes, record: OperationRecord | None) -> Consequence | None:
        """Return why an operation has no effect; None where it has."""
        if line in self._lines:
            return APPLIED_ELSEWHERE
        known = self._known(record)
        return SOLD_BEFORE if record is not None and _items(record) in known else None

    def conflict(self, seq: int, record: OperationRecord | None) -> Verdict | None:
        """Return the verdict on a sale whose number came with other items before."""
        if not self._known(record):
            return None
        return Verdict(seq=seq, status=VerdictStatus.QUARANTINED, code=NUMBER_TAKEN, text=_TAKEN)

    def note(self, record: OperationRecord | None, verdict: Verdict) -> None:
        """Remember what has just been judged."""
        if record is not None and verdict.status in _APPLIED:
            self._add(record)

    def _known(self, record: OperationRecord | None) -> Collection[_Items]:
        if record is None or not isinstance(record.op, FloorSold):
            return ()
        return self._sales.get(record.op.aggregate, ())

    def _add(self, record: OperationRecord) -> None:
        if isinstance(record.op, FloorSold):
            self._sales.setdefault(record.op.aggregate, set()).add(_items(record))


def _items(record: OperationRecord) -> _Items:
    """Return what was sold, without what differs from one time of telling to another."""
    units: Counter[str] = Counter()
    if isinstance(record.op, FloorSold):
        for one in record.op.lines:
            units[one.sku] += one.units
    return frozenset((sku, count) for sku, count in units.items() if count)
