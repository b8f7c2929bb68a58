"""An applier for what cannot be written: everything in the push goes to quarantine."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from central_server.records import Location
from central_server.services.judging import Judging, fault_of
from central_server.services.replication import Replication
from sync.domain.ids import OpId
from sync.domain.operations import aggregate_of
from sync.hub.ports import ReplicaState
from sync.protocol.lines import OperationRecord
from sync.protocol.verdicts import Verdict

if TYPE_CHECKING:
    from central_server.storage.unit import Unit


class Refusing(Replication):
    """An applier that applies nothing: the acceptor quarantines what it is given."""

    def __init__(
        self,
        problem: Exception,
        unit: "Unit",
        judging: Judging,
        location: Location,
        now_ms: int,
    ) -> None:
        super().__init__(unit, judging, location, now_ms)
        self._problem = problem
        self.trouble = ()

    def prefetch(self, state: ReplicaState, records: Sequence[OperationRecord]) -> None:
        """Load what is only read; move nothing."""
        del state
        self._load({aggregate_of(record.op) for record in records})

    def apply(self, op_id: OpId, record: OperationRecord) -> Verdict:
        """Raise what made the operation impossible to write."""
        del op_id, record
        raise fault_of(self._problem)
