"""Operations at central: the hub's `OperationJournal`, and reading them back."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    bindparam,
    case,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)

from central_server.records import StoredOperation
from central_server.storage.bulk import among, insert_many
from central_server.storage.prepared import Engine, Prepared
from central_server.storage.tables import FEED_SCOPES, OP_LOG, REPLICA_EPOCHS, REPLICAS
from sync.domain.ids import OpId
from sync.hub.ports import JournalEntry, ReplicaState, StoredLine
from sync.protocol.session import ScopeHead
from sync.protocol.verdicts import Verdict, VerdictStatus

_COLUMNS = (
    "replica_id", "epoch", "seq", "line", "hash", "kind", "aggregate", "by_associate",
    "at_ms", "received_ms", "status", "verdict",
)  # fmt: skip
_OPERATION = tuple(OP_LOG.c[name] for name in _COLUMNS)
_STATE = tuple(
    REPLICAS.c[name]
    for name in (
        "replica_id", "location_id", "epoch", "last_seq", "last_hash", "install_nonce", "enabled",
        "base_seq", "pushed_ms",
    )
)  # fmt: skip
_QUARANTINED = text("status = 'quarantined'")


def _place(engine: Engine) -> Select[Any]:
    del engine
    return select(*_STATE).where(REPLICAS.c.replica_id == bindparam("replica_id"))


_PLACE = {False: Prepared(_place), True: Prepared(lambda engine: _place(engine).with_for_update())}
_SAVE = Prepared(
    lambda _: (
        update(REPLICAS)
        .where(REPLICAS.c.replica_id == bindparam("replica"))
        .values(
            epoch=bindparam("new_epoch"),
            last_seq=bindparam("new_seq"),
            last_hash=bindparam("new_hash"),
            backlog=bindparam("new_backlog"),
            base_seq=bindparam("new_base"),
            last_contact_ms=case(
                (REPLICAS.c.enabled, bindparam("now_ms", type_=BigInteger)),
                else_=REPLICAS.c.last_contact_ms,
            ),
            pushed_ms=bindparam("now_ms"),
            followed_rev=func.coalesce(
                bindparam("new_followed", type_=BigInteger), REPLICAS.c.followed_rev
            ),
        )
    )
)
_NOTABLE = Prepared(
    lambda _: (
        select(OP_LOG.c.verdict)
        .where(
            OP_LOG.c.replica_id == bindparam("replica_id"),
            OP_LOG.c.epoch == bindparam("epoch"),
            OP_LOG.c.seq > bindparam("after"),
            text("verdict IS NOT NULL"),
        )
        .order_by(OP_LOG.c.seq)
    )
)
_BLOCKED = Prepared(
    lambda engine: (
        select(OP_LOG.c.aggregate)
        .distinct()
        .where(
            OP_LOG.c.replica_id == bindparam("replica_id"),
            _QUARANTINED,
            engine.among(OP_LOG.c.aggregate, "aggregates"),
        )
    )
)
_OTHERS = Prepared(
    lambda _: select(REPLICAS.c.replica_id).where(
        REPLICAS.c.location_id == bindparam("place"),
        REPLICAS.c.replica_id != bindparam("replica_id"),
    )
)
_WAS_APPLIED = text("status IN ('accepted', 'amended')")
_APPLIED = Prepared(
    lambda engine: select(OP_LOG.c.line).where(
        engine.among(OP_LOG.c.aggregate, "aggregates"),
        engine.among(OP_LOG.c.replica_id, "names"),
        _WAS_APPLIED,
    )
)
_APPLIED_HERE = Prepared(
    lambda engine: select(OP_LOG.c.line).where(
        engine.among(OP_LOG.c.aggregate, "aggregates"),
        OP_LOG.c.replica_id.in_(
            select(REPLICAS.c.replica_id).where(REPLICAS.c.location_id == bindparam("place"))
        ),
        _WAS_APPLIED,
    )
)
_HEADS = Prepared(
    lambda engine: select(FEED_SCOPES.c.scope, FEED_SCOPES.c.rev).where(
        engine.among(FEED_SCOPES.c.scope, "scopes")
    )
)


class SqlOperationJournal:
    """Implements `sync.hub.ports.OperationJournal` inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def identities_of(self, aggregate: str) -> list[OpId]:
        """Return the places of all operations on one thing, from whichever replica."""
        rows = self._connection.execute(
            select(OP_LOG.c.replica_id, OP_LOG.c.epoch, OP_LOG.c.seq).where(
                OP_LOG.c.aggregate == aggregate
            )
        )
        return [OpId(*row) for row in rows]

    def lock_replica(self, replica_id: str) -> ReplicaState | None:
        """Return the replica and lock its row until the transaction ends; None if unknown."""
        return self.replica_state(replica_id, lock=True)

    def replica_state(self, replica_id: str, *, lock: bool = False) -> ReplicaState | None:
        """Return where the replica's journal is at central."""
        row = _PLACE[lock].row(self._connection, replica_id=replica_id)
        return None if row is None else ReplicaState(*row)

    def save_replica(
        self, state: ReplicaState, *, backlog: int, now_ms: int, followed_rev: int | None
    ) -> None:
        """Write position, backlog and last contact, and where it says so what it has followed."""
        _SAVE.run(
            self._connection, replica=state.replica_id, new_epoch=state.epoch,
            new_seq=state.last_seq, new_hash=state.last_hash, new_backlog=backlog,
            new_base=state.base_seq, now_ms=now_ms, new_followed=followed_rev,
        )  # fmt: skip

    def hash_at(self, replica_id: str, epoch: int, seq: int) -> bytes | None:
        """Return the chain's hash after operation `seq`, None if central has no such one."""
        return self._connection.execute(
            select(OP_LOG.c.hash).where(
                OP_LOG.c.replica_id == replica_id, OP_LOG.c.epoch == epoch, OP_LOG.c.seq == seq
            )
        ).scalar_one_or_none()

    def begin_epoch(self, state: ReplicaState) -> None:
        """Remember where the replica's present epoch begins."""
        place = {"replica_id": state.replica_id, "epoch": state.epoch}
        begun = {"base_seq": state.base_seq, "begun_ms": state.pushed_ms or 0}
        self._connection.execute(insert(REPLICA_EPOCHS).values(**place, **begun))

    def epochs(self, replica_id: str) -> dict[int, int]:
        """Return where each epoch begins: the place before its first operation."""
        wanted = select(REPLICA_EPOCHS.c.epoch, REPLICA_EPOCHS.c.base_seq)
        rows = self._connection.execute(wanted.where(REPLICA_EPOCHS.c.replica_id == replica_id))
        return dict(rows.all())

    def lines(
        self, replica_id: str, epoch: int, from_seq: int, limit: int
    ) -> tuple[StoredLine, ...]:
        """Return operations of one epoch from `from_seq` on, in order."""
        return tuple(
            StoredLine(one.seq, bytes(one.line), _read(one.verdict))
            for one in self.operations(replica_id, epoch, from_seq, limit)
        )

    def append(self, state: ReplicaState, entries: Sequence[JournalEntry], now_ms: int) -> None:
        """Insert operations with their verdicts. The primary key is the operation's identity."""
        rows = [
            (
                state.replica_id, state.epoch, entry.seq, entry.line, entry.hash, entry.kind,
                entry.aggregate, entry.by, entry.at_ms, now_ms, entry.verdict.status.value,
                _kept(entry.verdict),
            )
            for entry in entries
        ]  # fmt: skip
        insert_many(self._connection, OP_LOG, _COLUMNS, rows)

    def verdicts_after(self, replica_id: str, epoch: int, seq: int) -> tuple[Verdict, ...]:
        """Return the verdicts above `seq` that are not plainly accepted, by seq."""
        rows = _NOTABLE.rows(self._connection, replica_id=replica_id, epoch=epoch, after=seq)
        return tuple(Verdict.model_validate_json(verdict) for (verdict,) in rows)

    def blocked(self, replica_id: str, aggregates: Collection[str]) -> set[str]:
        """Return which of `aggregates` have an operation of this replica in quarantine."""
        rows = _BLOCKED.rows(self._connection, replica_id=replica_id, aggregates=aggregates)
        return {aggregate for (aggregate,) in rows}

    def applied_elsewhere(
        self, replica_id: str, location_id: str, aggregates: Collection[str]
    ) -> set[bytes]:
        """Return the lines on `aggregates` that were applied under other names of a location."""
        others = _OTHERS.rows(self._connection, replica_id=replica_id, place=location_id)
        if not others:
            return set()
        rows = _APPLIED.rows(
            self._connection, names=[name for (name,) in others], aggregates=aggregates
        )
        return {bytes(line) for (line,) in rows}

    def applied_here(self, location_id: str, aggregates: Collection[str]) -> list[bytes]:
        """Return the lines on `aggregates` that were applied at a location, under any name."""
        rows = _APPLIED_HERE.rows(self._connection, place=location_id, aggregates=aggregates)
        return [bytes(line) for (line,) in rows]

    def heads(self, scopes: Sequence[str]) -> tuple[ScopeHead, ...]:
        """Return how far each scope is; an unknown scope is at 0."""
        rows = _HEADS.rows(self._connection, scopes=scopes)
        revs = {str(scope): int(rev) for scope, rev in rows}
        return tuple(ScopeHead(scope=scope, rev=revs.get(scope, 0)) for scope in scopes)

    def operations(
        self, replica_id: str, epoch: int, from_seq: int, limit: int
    ) -> tuple[StoredOperation, ...]:
        """Return a replica's own operations from `from_seq` on, for a store that was restored."""
        rows = self._connection.execute(
            select(*_OPERATION)
            .where(
                OP_LOG.c.replica_id == replica_id,
                OP_LOG.c.epoch == epoch,
                OP_LOG.c.seq >= from_seq,
            )
            .order_by(OP_LOG.c.seq)
            .limit(limit)
        )
        return tuple(StoredOperation(*row) for row in rows)

    def history(self, aggregates: Collection[str]) -> tuple[StoredOperation, ...]:
        """Return all operations on these fulfillment orders, as they came, for timelines."""
        rows = self._connection.execute(
            select(*_OPERATION)
            .where(among(self._connection, OP_LOG.c.aggregate, aggregates))
            .order_by(OP_LOG.c.received_ms, OP_LOG.c.replica_id, OP_LOG.c.epoch, OP_LOG.c.seq)
        )
        return tuple(StoredOperation(*row) for row in rows)

    def operation(self, op_id: OpId) -> StoredOperation | None:
        """Return one operation."""
        place = (OP_LOG.c.replica_id, OP_LOG.c.epoch, OP_LOG.c.seq)
        named = (op_id.replica_id, op_id.epoch, op_id.seq)
        same = [column == value for column, value in zip(place, named, strict=True)]
        row = self._connection.execute(select(*_OPERATION).where(*same)).one_or_none()
        return None if row is None else StoredOperation(*row)

    def quarantined(
        self, limit: int = 100, after: OpId | None = None, location_id: str | None = None
    ) -> tuple[StoredOperation, ...]:
        """Return what waits in quarantine, in the order of the journals, after a place in them."""
        wanted = select(*_OPERATION).where(_QUARANTINED)
        if after is not None:
            place = tuple_(OP_LOG.c.replica_id, OP_LOG.c.epoch, OP_LOG.c.seq)
            wanted = wanted.where(place > tuple_(after.replica_id, after.epoch, after.seq))
        if location_id is not None:
            there = select(REPLICAS.c.replica_id).where(REPLICAS.c.location_id == location_id)
            wanted = wanted.where(OP_LOG.c.replica_id.in_(there))
        rows = self._connection.execute(
            wanted.order_by(OP_LOG.c.replica_id, OP_LOG.c.epoch, OP_LOG.c.seq).limit(limit)
        )
        return tuple(StoredOperation(*row) for row in rows)

    def held_back(self, replica_id: str, aggregate: str) -> tuple[StoredOperation, ...]:
        """Return a replica's operations in quarantine on one thing, oldest first."""
        rows = self._connection.execute(
            select(*_OPERATION)
            .where(OP_LOG.c.replica_id == replica_id, OP_LOG.c.aggregate == aggregate, _QUARANTINED)
            .order_by(OP_LOG.c.epoch, OP_LOG.c.seq)
        )
        return tuple(StoredOperation(*row) for row in rows)

    def settle(self, replica_id: str, epoch: int, verdict: Verdict) -> bool:
        """Replace the verdict on a quarantined operation; return whether it was one."""
        settled = self._connection.execute(
            update(OP_LOG)
            .where(
                OP_LOG.c.replica_id == replica_id,
                OP_LOG.c.epoch == epoch,
                OP_LOG.c.seq == verdict.seq,
                OP_LOG.c.status == VerdictStatus.QUARANTINED.value,
            )
            .values(status=verdict.status.value, verdict=_kept(verdict))
        )
        return settled.rowcount == 1


def _read(kept: str | None) -> Verdict | None:
    return None if kept is None else Verdict.model_validate_json(kept)


def _kept(verdict: Verdict) -> str | None:
    """Return the verdict as JSON, None where it says no more than `accepted`."""
    plain = not (verdict.code or verdict.text or verdict.consequences)
    if plain and verdict.status is VerdictStatus.ACCEPTED:
        return None
    return verdict.model_dump_json()
