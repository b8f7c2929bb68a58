"""A store's journal in a list, and pushes of any part of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sync.domain.operations import FulfillmentAccepted, LinePicked, Operation
from sync.hub.acceptor import accept
from sync.hub.feed import FeedWriter
from sync.hub.ports import OperationApplier
from sync.protocol.lines import OperationRecord, chain, encode_line, genesis
from sync.protocol.session import PushAnswer, PushHeader
from tests.support.builders import NOON_MS, an_order
from tests.support.memory_central import MemoryApplier, MemoryCentral


def accepted(number: int) -> Operation:
    return FulfillmentAccepted(f"F{number:05d}")


def picked(number: int, quantity: int = 1) -> Operation:
    return LinePicked(f"F{number:05d}", 1, quantity)


def a_line(operation: Operation) -> bytes:
    return encode_line(OperationRecord("A1", "T1", "B1", 0, NOON_MS, operation))


@dataclass
class Pusher:
    """Lines, their hashes, and a central that knows the replica."""

    central: MemoryCentral = field(default_factory=MemoryCentral)
    replica_id: str = "R1"
    epoch: int = 1
    lines: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.central.enrol(self.replica_id)
        for number in range(1, 6):
            self.central.place(an_order(number, 3))

    def done(self, *operations: Operation | bytes) -> "Pusher":
        self.lines += [one if isinstance(one, bytes) else a_line(one) for one in operations]
        return self

    def hash_at(self, seq: int) -> bytes:
        current = genesis(self.replica_id, self.epoch)
        for line in self.lines[:seq]:
            current = chain(current, line)
        return current

    def header(self, first: int, count: int, **changes: object) -> PushHeader:
        values: dict[str, object] = {
            "protocol": 1, "replica_id": self.replica_id, "epoch": self.epoch, "first_seq": first,
            "prev_hash": self.hash_at(first - 1).hex(), "count": count, "known_seq": 0,
        }  # fmt: skip
        return PushHeader.model_validate({**values, **changes})

    def push(self, first: int = 1, last: int | None = None, **changes: object) -> PushAnswer:
        """Push the operations from `first` to `last`, both included."""
        lines = tuple(self.lines[first - 1 : last])
        return self.central.push(self.header(first, len(lines), **changes), lines)

    def push_to(self, applier: OperationApplier, lines: Sequence[bytes] = ()) -> PushAnswer:
        """Push everything to an applier of the test's own."""
        return accept(
            self.central.journal, applier, self.header(1, len(self.lines)), self.lines,
            scopes=("store:S001",), incarnation=1, now_ms=NOON_MS,
        )  # fmt: skip

    def applier(self) -> MemoryApplier:
        return MemoryApplier(self.central, FeedWriter(self.central.feed))

    @property
    def applied(self) -> list[int]:
        """Seqs that had an effect, in this order."""
        return [op_id.seq for op_id in self.central.applied]
