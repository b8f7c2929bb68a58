"""A central in memory: the real hub over plain dictionaries, for tests of the store's half.

It implements `SyncEndpoint` directly, so no network and no database stand
between a test and the protocol. `tests/central_server` tests the real ones.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

import zstandard

from sync.domain.errors import OperationRefused
from sync.domain.exceptions import ExceptionResolved
from sync.domain.flows import flow_named
from sync.domain.fulfillment import FulfillmentOrder, cancel_open
from sync.domain.ids import OpId
from sync.domain.transitions import advance
from sync.hub.acceptor import accept
from sync.hub.epochs import read_operations
from sync.hub.feed import FeedWriter, read_page
from sync.hub.ports import HeldBack, JournalEntry, ReplicaState, StoredLine
from sync.protocol import errors
from sync.protocol.endpoint import OperationsPage, PullPage
from sync.protocol.lines import OperationRecord, genesis
from sync.protocol.rows import Entity, FulfillmentRow, StockRow, Watermark, store_scope
from sync.protocol.session import (
    HelloAnswer,
    HelloRequest,
    Poke,
    PushAnswer,
    PushHeader,
    ScopeHead,
    SnapshotManifest,
)
from sync.protocol.verdicts import Verdict, VerdictStatus
from tests.support.memory_feed import MemoryFeed, build_snapshot, row_line

LOCATION = "S001"


class MemoryJournal:
    """`OperationJournal` over dictionaries."""

    def __init__(self, feed: MemoryFeed) -> None:
        self.replicas: dict[str, ReplicaState] = {}
        self.entries: dict[OpId, JournalEntry] = {}
        self.bases: dict[tuple[str, int], int] = {}
        self.backlog = 0
        self.followed_rev: int | None = None
        self._feed = feed

    def lock_replica(self, replica_id: str) -> ReplicaState | None:
        return self.replicas.get(replica_id)

    def save_replica(
        self, state: ReplicaState, *, backlog: int, now_ms: int, followed_rev: int | None
    ) -> None:
        self.followed_rev = followed_rev if followed_rev is not None else self.followed_rev
        self.replicas[state.replica_id] = replace(state, pushed_ms=now_ms)
        self.backlog = backlog

    def hash_at(self, replica_id: str, epoch: int, seq: int) -> bytes | None:
        found = self.entries.get(OpId(replica_id, epoch, seq))
        return None if found is None else found.hash

    def _places(self, replica_id: str) -> list[tuple[int, int]]:
        return sorted((one.epoch, one.seq) for one in self.entries if one.replica_id == replica_id)

    def begin_epoch(self, state: ReplicaState) -> None:
        self.bases[state.replica_id, state.epoch] = state.base_seq

    def epochs(self, replica_id: str) -> dict[int, int]:
        return {epoch: base for (one, epoch), base in self.bases.items() if one == replica_id}

    def lines(
        self, replica_id: str, epoch: int, from_seq: int, limit: int
    ) -> tuple[StoredLine, ...]:
        found = []
        for place in self._places(replica_id):
            if place[0] == epoch and place[1] >= from_seq:
                entry = self.entries[OpId(replica_id, *place)]
                plain = entry.verdict.status is VerdictStatus.ACCEPTED
                verdict = None if plain else entry.verdict
                found.append(StoredLine(entry.seq, entry.line, verdict))
        return tuple(found[:limit])

    def append(self, state: ReplicaState, entries: Sequence[JournalEntry], now_ms: int) -> None:
        for entry in entries:
            op_id = OpId(state.replica_id, state.epoch, entry.seq)
            assert op_id not in self.entries, f"{op_id} was accepted twice"
            self.entries[op_id] = entry

    def verdicts_after(self, replica_id: str, epoch: int, seq: int) -> tuple[Verdict, ...]:
        return tuple(
            entry.verdict
            for op_id, entry in sorted(self.entries.items())
            if (op_id.replica_id, op_id.epoch) == (replica_id, epoch)
            and op_id.seq > seq
            and entry.verdict.status is not VerdictStatus.ACCEPTED
        )

    def applied_elsewhere(
        self, replica_id: str, location_id: str, aggregates: Collection[str]
    ) -> set[bytes]:
        return {
            entry.line
            for op_id, entry in self.entries.items()
            if op_id.replica_id != replica_id
            and entry.aggregate in aggregates
            and entry.verdict.status in (VerdictStatus.ACCEPTED, VerdictStatus.AMENDED)
        }

    def applied_here(self, location_id: str, aggregates: Collection[str]) -> list[bytes]:
        del location_id
        return [
            entry.line
            for entry in self.entries.values()
            if entry.aggregate in aggregates
            and entry.verdict.status in (VerdictStatus.ACCEPTED, VerdictStatus.AMENDED)
        ]

    def blocked(self, replica_id: str, aggregates: Collection[str]) -> set[str]:
        return {
            entry.aggregate
            for op_id, entry in self.entries.items()
            if op_id.replica_id == replica_id
            and entry.aggregate in aggregates
            and entry.verdict.status is VerdictStatus.QUARANTINED
        }

    def heads(self, scopes: Sequence[str]) -> tuple[ScopeHead, ...]:
        return tuple(ScopeHead(scope=scope, rev=self._feed.scope(scope).rev) for scope in scopes)


class MemoryApplier:
    """`OperationApplier`: advances orders and counts stock, nothing else."""

    trouble: tuple[type[Exception], ...] = ()

    def __init__(self, central: "MemoryCentral", writer: FeedWriter) -> None:
        self._central = central
        self._writer = writer

    def prefetch(self, state: ReplicaState, records: Sequence[OperationRecord]) -> None:
        del state, records

    def apply(self, op_id: OpId, record: OperationRecord) -> Verdict:
        if isinstance(record.op, ExceptionResolved):
            scope, key = store_scope(self._central.location_id), record.op.exception_id
            self._writer.remove(scope, Entity.EXCEPTION, key)
            return Verdict(seq=op_id.seq, status=VerdictStatus.ACCEPTED)
        order = self._central.orders[record.op.fulfillment_id]
        mark = Watermark(op_id.replica_id, op_id.epoch, op_id.seq)
        try:
            outcome = advance(flow_named(order.flow), order, record.op, record.at)
        except OperationRefused:
            if record.op.is_request:  # the store's view lets go of it
                self._central.marks[order.id] = mark
                self._central.put_order(self._writer, order)
            raise
        self._central.orders[order.id] = outcome.after
        self._central.marks[order.id] = mark
        self._central.put_order(self._writer, outcome.after)
        for effect in outcome.effects:
            self._central.move_stock(self._writer, effect.sku, effect.on_hand, effect.allocated)
        self._central.applied.append(op_id)
        status = VerdictStatus.AMENDED if outcome.consequences else VerdictStatus.ACCEPTED
        return Verdict(seq=op_id.seq, status=status, consequences=outcome.consequences)

    def pass_over(self, op_id: OpId, aggregate: str, record: OperationRecord | None) -> None:
        order = self._central.orders.get(aggregate)
        if order is not None:
            self._central.marks[order.id] = Watermark(op_id.replica_id, op_id.epoch, op_id.seq)
            self._central.put_order(self._writer, order)

    def held_back(self, op_id: OpId, held: HeldBack) -> None:
        self._central.held.append((op_id, held))

    def lost(self, state: ReplicaState, count: int) -> None:
        first = state.base_seq - count + 1
        self._central.lost.append((state.replica_id, first, state.base_seq))

    def flush(self) -> None:
        self._writer.flush()


@dataclass
class MemoryCentral:
    """Central with one store, as a `SyncEndpoint`. `cut` makes every call unreachable."""

    location_id: str = LOCATION
    scopes: tuple[str, ...] = ("catalogue", "prices:US", f"store:{LOCATION}")
    cut: bool = False
    orders: dict[str, FulfillmentOrder] = field(default_factory=dict)
    marks: dict[str, Watermark] = field(default_factory=dict)
    stock: dict[str, StockRow] = field(default_factory=dict)
    applied: list[OpId] = field(default_factory=list)
    held: list[tuple[OpId, HeldBack]] = field(default_factory=list)
    """What somebody must look after, by operation."""
    lost: list[tuple[str, int, int]] = field(default_factory=list)
    """What nobody has any more: replica, first and last place."""
    feed: MemoryFeed = field(default_factory=MemoryFeed)
    speaker: str = ""
    """Whose session it is."""
    pulls: int = 0
    pushes: int = 0
    now_ms: int = 1_763_900_000_000

    def __post_init__(self) -> None:
        self.journal = MemoryJournal(self.feed)
        self._snapshots: dict[str, bytes] = {}

    # --- what central operations do ---------------------------------------------------

    def enrol(self, replica_id: str, install_nonce: str = "nonce") -> None:
        self.journal.bases[replica_id, 1] = 0
        self.journal.replicas[replica_id] = ReplicaState(
            replica_id, self.location_id, 1, 0, genesis(replica_id, 1), install_nonce, True
        )

    def put(self, scope: str, entity: Entity, key: str, row: object) -> None:
        writer = FeedWriter(self.feed)
        writer.put(scope, entity, key, row)
        writer.flush()

    def remove(self, scope: str, entity: Entity, key: str) -> None:
        writer = FeedWriter(self.feed)
        writer.remove(scope, entity, key)
        writer.flush()

    def place(self, order: FulfillmentOrder) -> None:
        writer = FeedWriter(self.feed)
        self.orders[order.id] = order
        self.put_order(writer, order)
        for line in order.lines:
            self.move_stock(writer, line.sku, 0, line.allocated)
        writer.flush()

    def cancel(self, order_id: str) -> None:
        before = self.orders[order_id]
        writer = FeedWriter(self.feed)
        self.orders[order_id] = cancel_open(before)
        self.put_order(writer, self.orders[order_id])
        for old, new in zip(before.lines, self.orders[order_id].lines, strict=True):
            self.move_stock(writer, new.sku, 0, new.tied - old.tied)
        writer.flush()

    def put_order(self, writer: FeedWriter, order: FulfillmentOrder) -> None:
        row = FulfillmentRow(order, self.marks.get(order.id, Watermark()))
        writer.put(store_scope(self.location_id), Entity.FULFILLMENT, order.id, row)

    def move_stock(self, writer: FeedWriter, sku: str, on_hand: int, allocated: int) -> None:
        old = self.stock.get(sku, StockRow(sku, 0, 0))
        new = replace(old, on_hand=old.on_hand + on_hand, allocated=old.allocated + allocated)
        self.stock[sku] = new
        writer.put(store_scope(self.location_id), Entity.STOCK, sku, new)

    # --- SyncEndpoint -----------------------------------------------------------------

    def challenge(self) -> str:
        self._reach()
        return "nonce"

    def hello(self, request: HelloRequest) -> HelloAnswer:
        self._reach()
        state = self.journal.replicas.get(request.replica_id)
        if state is None:
            raise errors.ReplicaDisabled("unknown replica")
        self.speaker = request.replica_id
        return HelloAnswer(
            protocol=1, server_id="memory", incarnation=self.feed.life, session_token="token",
            session_seconds=900, received_at_ms=self.now_ms, answered_at_ms=self.now_ms,
            last_seq=state.last_seq, last_hash=state.last_hash.hex(),
            heads=self.journal.heads(self.scopes),
        )  # fmt: skip

    def push(self, header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        self._reach()
        self.pushes += 1
        applier = MemoryApplier(self, FeedWriter(self.feed))
        if not header.replica_id:
            header = header.model_copy(update={"replica_id": self.speaker})
        return accept(
            self.journal, applier, header, lines, scopes=self.scopes, now_ms=self.now_ms,
            incarnation=self.feed.life,
        )  # fmt: skip

    def operations(self, replica_id: str, epoch: int, from_seq: int) -> OperationsPage:
        self._reach()
        state = self.journal.replicas.get(replica_id)
        if state is None:
            raise errors.ProtocolRefused("unknown replica", problem_code="not_found")
        return read_operations(self.journal, state, epoch, from_seq)

    def pull(self, scope: str, incarnation: int, after: int, limit: int) -> PullPage:
        self._reach()
        self.pulls += 1
        page = read_page(self.feed, scope, incarnation=incarnation, after=after, limit=limit)
        return PullPage(page.header, tuple(row_line(row) for row in page.rows))

    def manifest(self, scope: str) -> SnapshotManifest:
        self._reach()
        content = zstandard.compress(build_snapshot(self.feed, scope))
        digest = hashlib.sha256(content).hexdigest()
        self._snapshots[digest] = content
        state = self.feed.scope(scope)
        size = max(1, len(content) // 3 + 1)
        parts = [content[start : start + size] for start in range(0, len(content), size)]
        return SnapshotManifest(
            incarnation=self.feed.life, scope=scope, rev=state.rev, checksum=state.checksum,
            rows_live=state.rows_live, bytes_compressed=len(content), sha256=digest,
            part_bytes=size, part_sha256=tuple(hashlib.sha256(p).hexdigest() for p in parts),
        )  # fmt: skip

    def snapshot_part(self, manifest: SnapshotManifest, part: int) -> bytes:
        self._reach()
        start = part * manifest.part_bytes
        return self._snapshots[manifest.sha256][start : start + manifest.part_bytes]

    def pokes(self) -> Iterator[Poke | None]:
        self._reach()
        yield None

    def _reach(self) -> None:
        if self.cut:
            raise errors.Unreachable("the network is cut")
