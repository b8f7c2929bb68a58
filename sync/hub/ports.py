"""What the hub needs from central. One instance of each port serves one transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sync.domain.ids import OpId
from sync.protocol.lines import OperationRecord
from sync.protocol.session import ScopeHead
from sync.protocol.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """A store's replica as central knows it."""

    replica_id: str
    location_id: str
    epoch: int
    last_seq: int
    last_hash: bytes
    install_nonce: str
    enabled: bool
    base_seq: int = 0
    """The place before the first operation of the epoch: numbers go on where an epoch ends."""
    pushed_ms: int | None = None
    """When central last took a push of it."""


class JournalEntry(NamedTuple):
    """One operation as central keeps it for ever: the bytes, their place, the verdict."""

    seq: int
    line: bytes
    hash: bytes
    kind: str
    """Empty where the line could not be read."""
    aggregate: str
    """What it is about, mostly a fulfillment order; empty where not even that could be read."""
    by: str
    at_ms: int
    verdict: Verdict


class StoredLine(NamedTuple):
    """One operation as central has it: its place, its bytes, its verdict if that says anything."""

    seq: int
    line: bytes
    verdict: Verdict | None
    """None where it was plainly accepted."""


class HeldBack(NamedTuple):
    """An operation in quarantine."""

    aggregate: str
    kind: str
    """Empty where the line could not be read."""
    verdict: Verdict


class OperationJournal(Protocol):
    """Replicas and their operations at central, inside one transaction."""

    def lock_replica(self, replica_id: str) -> ReplicaState | None:
        """Return the replica and lock its row until the transaction ends; None if unknown."""
        ...

    def save_replica(
        self, state: ReplicaState, *, backlog: int, now_ms: int, followed_rev: int | None
    ) -> None:
        """Write position, backlog and last contact; `now_ms` is also when it last pushed.

        `followed_rev`: up to where the store says that it has its own scope's rows; None
        where this push does not say, and what is known stays.
        """
        ...

    def hash_at(self, replica_id: str, epoch: int, seq: int) -> bytes | None:
        """Return the chain's hash after operation `seq`, None if central has no such one."""
        ...

    def begin_epoch(self, state: ReplicaState) -> None:
        """Remember where the replica's present epoch begins."""
        ...

    def epochs(self, replica_id: str) -> dict[int, int]:
        """Return where each epoch begins: the place before its first operation."""
        ...

    def lines(
        self, replica_id: str, epoch: int, from_seq: int, limit: int
    ) -> tuple[StoredLine, ...]:
        """Return operations of one epoch from `from_seq` on, in order."""
        ...

    def append(self, state: ReplicaState, entries: Sequence[JournalEntry], now_ms: int) -> None:
        """Insert operations with their verdicts. The primary key is the operation's identity."""
        ...

    def verdicts_after(self, replica_id: str, epoch: int, seq: int) -> tuple[Verdict, ...]:
        """Return the verdicts above `seq` that are not plainly accepted, by seq."""
        ...

    def blocked(self, replica_id: str, aggregates: Collection[str]) -> set[str]:
        """Return which of `aggregates` have an operation of this replica in quarantine."""
        ...

    def applied_elsewhere(
        self, replica_id: str, location_id: str, aggregates: Collection[str]
    ) -> set[bytes]:
        """Return the lines on `aggregates` that were applied under other names of a location."""
        ...

    def applied_here(self, location_id: str, aggregates: Collection[str]) -> list[bytes]:
        """Return the lines on `aggregates` that were applied at a location, under any name."""
        ...

    def heads(self, scopes: Sequence[str]) -> tuple[ScopeHead, ...]:
        """Return how far each scope is."""
        ...


class OperationApplier(Protocol):
    """What operations mean at central. Holds changes in memory until `flush`."""

    trouble: tuple[type[Exception], ...]
    """What `apply` may raise that is no operation's fault: the push fails as a whole, to be tried
    again. A transaction in which a statement failed can do nothing more."""

    def prefetch(self, state: ReplicaState, records: Sequence[OperationRecord]) -> None:
        """Load at once what these operations will touch."""
        ...

    def apply(self, op_id: OpId, record: OperationRecord) -> Verdict:
        """Apply one operation and return its verdict.

        An operation that raises (anything but `trouble`) must have changed nothing:
        the acceptor quarantines it and goes on.
        """
        ...

    def pass_over(self, op_id: OpId, aggregate: str, record: OperationRecord | None) -> None:
        """Let rows include an operation that has no effect."""
        ...

    def held_back(self, op_id: OpId, held: "HeldBack") -> None:
        """Let somebody look after an operation that is in quarantine for a reason of its own.

        Called once for each, before `flush`; not for what merely waits behind one.
        """
        ...

    def lost(self, state: ReplicaState, count: int) -> None:
        """Let somebody look after work that nobody has any more.

        `count` operations before the epoch that the replica has just begun. Called
        before `flush`, at most once for an epoch.
        """
        ...

    def flush(self) -> None:
        """Write everything that changed, feed rows last."""
        ...


@dataclass(frozen=True, slots=True)
class ScopeState:
    """A scope's counter row."""

    rev: int
    floor_rev: int
    checksum: int
    rows_live: int


class StoredRow(NamedTuple):
    """One row of the feed table; `body` is JSON text, None for a tombstone."""

    entity: str
    key: str
    rev: int
    body: str | None


Row = tuple[str, str]
"""Entity and key."""


class FeedStore(Protocol):
    """The feed tables, inside one transaction. A call takes few statements for any scopes."""

    def incarnation(self) -> int:
        """Return central's life number: it rises with every restore."""
        ...

    def scope(self, scope: str) -> ScopeState:
        """Return a scope's state; an unknown scope is at zero."""
        ...

    def take_revs(
        self, keys: Mapping[str, Collection[Row]]
    ) -> tuple[dict[str, int], dict[tuple[str, Row], int]]:
        """Add to the rev of each scope one for each of its rows; return what `keys` are now.

        First the new revs by scope, then by (scope, row) the revs of those rows that exist
        and are not tombstones. Scopes are locked in name order, each by one
        `UPDATE … RETURNING` (or insert of a new scope): the row lock makes the order of
        revs the order of commits, which a sequence does not.
        """
        ...

    def write(
        self, rows: Mapping[str, Sequence[StoredRow]], changes: Mapping[str, tuple[int, int]]
    ) -> None:
        """Insert or replace rows of scopes by (scope, entity, key).

        `changes` are for each scope what is XORed to its checksum, and how many more
        living rows it has.
        """
        ...

    def rows_after(self, scope: str, after: int, limit: int) -> Sequence[StoredRow]:
        """Return rows with rev > after in rev order, at most `limit`."""
        ...
