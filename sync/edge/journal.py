"""journal.db: what this store did. Precious, never rebuilt, durable before it is shown.

An operation is appended inside one BEGIN IMMEDIATE … COMMIT with synchronous
FULL: when `append` has returned, a power cut does not take it back. What is to
be sent is derived (seq > acked_seq), never a flag that could be forgotten.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import RLock
from typing import Any

from sync.domain.inventory import StockEffect
from sync.domain.operations import aggregate_of
from sync.domain.transitions import Consequence
from sync.edge.rights import GivenRights
from sync.edge.sqlite import (
    CommitHook,
    Connection,
    data_version,
    has_migration,
    no_hook,
    open_database,
    transaction,
)
from sync.protocol.errors import Fork
from sync.protocol.lines import OperationRecord, chain, decode_line, encode_line, genesis
from sync.protocol.session import PushAnswer
from sync.protocol.verdicts import Verdict, VerdictStatus

DAY_MS = 86_400_000
NEWEST_MIGRATION = "m0002_escrow"
"""The last one in `journal_schema`; a test holds the two together."""
KEEP_DAYS = 45
"""How long settled operations are kept, so that a central restored from a backup can ask again."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this replica is. Made at enrolment."""

    replica_id: str
    location_id: str
    epoch: int
    install_nonce: str
    private_key: str
    """Ed25519, hexadecimal."""
    server_id: str
    central_url: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the journal: 0 and the genesis hash when it is empty."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class JournaledOperation:
    """One operation with its place."""

    seq: int
    line: bytes
    kind: str
    aggregate: str
    by: str
    at_ms: int
    record: OperationRecord | None
    """None where a newer version of this program wrote what this one cannot read."""


class Journal:
    """One connection to journal.db. Thread-safe: a lock covers each call.

    A store that also holds replica.db shares one lock between both files, so
    that two of its threads cannot wait for each other.
    """

    def __init__(
        self,
        path: Path,
        key: str = "",
        lock: AbstractContextManager[object] | None = None,
        hook: CommitHook = no_hook,
    ) -> None:
        self._name = path.name
        self._hook = hook
        self._connection = open_database(path, key=key, synchronous="FULL")
        self._lock: AbstractContextManager[object] = RLock() if lock is None else lock
        self._identity: Identity | None = None
        self._last_version: tuple[int, int] | None = None
        _migrate(self._connection)
        self.rights = GivenRights(self._connection, self._all, lambda: self.identity.epoch)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    # --- who we are -------------------------------------------------------------------

    @property
    def identity(self) -> Identity:
        """The enrolled identity; raises `LookupError` where this machine is not enrolled."""
        if self._identity is None:
            row = self._one(
                "SELECT replica_id, location_id, epoch, install_nonce, private_key, server_id,"
                " central_url FROM identity WHERE id = 1"
            )
            if row is None:
                raise LookupError("this machine is not enrolled")
            self._identity = Identity(*row)
        return self._identity

    def enrol(self, identity: Identity) -> None:
        """Record the identity. A journal belongs to one replica for life."""
        with self.writing():
            self._connection.execute(
                "INSERT INTO identity (id, replica_id, location_id, epoch, install_nonce,"
                " private_key, server_id, central_url) VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
                tuple(asdict(identity).values()),
            )

    # --- writing ----------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the journal's write lock; commit durably at the end, or roll back."""
        with self._lock, transaction(self._connection, self._name, self._hook):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let all reads of the block see the journal at one moment. Not nested."""
        with self._lock:
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")

    def append(self, record: OperationRecord, effects: Sequence[StockEffect]) -> int:
        """Append one operation inside `writing()`; return its seq."""
        head = self.head()
        line = encode_line(record)
        seq = head.seq + 1
        epoch = self.identity.epoch
        self._connection.execute(
            "INSERT INTO operations (epoch, seq, line, hash, kind, aggregate, actor, at_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (epoch, seq, line, chain(head.hash, line), record.op.kind,
             aggregate_of(record.op), record.by, record.at),
        )  # fmt: skip
        for effect in effects:
            self._connection.execute(
                "INSERT INTO stock_effects (epoch, seq, sku, on_hand, allocated)"
                " VALUES (?, ?, ?, ?, ?)",
                (epoch, seq, effect.sku, effect.on_hand, effect.allocated),
            )
        return seq

    # --- reading ----------------------------------------------------------------------

    def head(self) -> Head:
        """Return the newest operation's place and hash."""
        row = self._one(
            "SELECT seq, hash FROM operations WHERE epoch = ? ORDER BY seq DESC LIMIT 1",
            (self.identity.epoch,),
        )
        if row is None:
            return Head(0, genesis(self.identity.replica_id, self.identity.epoch))
        return Head(row[0], row[1])

    def hash_at(self, seq: int) -> bytes | None:
        """Return the chain's hash after `seq`; the genesis hash for 0, None if not held."""
        if seq == 0:
            return genesis(self.identity.replica_id, self.identity.epoch)
        row = self._one(
            "SELECT hash FROM operations WHERE epoch = ? AND seq = ?", (self.identity.epoch, seq)
        )
        return None if row is None else bytes(row[0])

    def acked_seq(self) -> int:
        """Return up to which operation central has everything, verdicts stored here."""
        return int(self._one("SELECT acked_seq FROM progress WHERE id = 1")[0])

    def backlog(self) -> int:
        """Return how many operations central does not have yet."""
        return self.head().seq - self.acked_seq()

    def lines_after(self, seq: int, limit: int, bytes_max: int) -> tuple[bytes, ...]:
        """Return the lines after `seq`: at most `limit`, at most `bytes_max` but at least one."""
        rows = self._all(
            "SELECT line FROM operations WHERE epoch = ? AND seq > ? ORDER BY seq LIMIT ?",
            (self.identity.epoch, seq, limit),
        )
        size = 0
        for count, (line,) in enumerate(rows):
            size += len(line) + 1
            if size > bytes_max and count:
                rows = rows[:count]
                break
        return tuple(bytes(line) for (line,) in rows)

    def pending(self, aggregate: str, after_seq: int) -> list[OperationRecord | None]:
        """Return the operations on `aggregate` after `after_seq`, oldest first.

        None stands for one that a newer version of this program wrote.
        """
        rows = self._all(
            # Left to itself, SQLite walks all of the journal after `seq` by the primary key.
            "SELECT line FROM operations INDEXED BY operations_by_aggregate"
            " WHERE aggregate = ? AND epoch = ? AND seq > ? ORDER BY seq",
            (aggregate, self.identity.epoch, after_seq),
        )
        return [_read(line) for (line,) in rows]

    def aggregates_after(self, seq: int) -> set[str]:
        """Return which aggregates have operations after `seq`."""
        rows = self._all(
            "SELECT DISTINCT aggregate FROM operations WHERE epoch = ? AND seq > ?",
            (self.identity.epoch, seq),
        )
        return {aggregate for (aggregate,) in rows}

    def effects_after(self, seqs: Sequence[tuple[str, int]], sku: str) -> tuple[int, int]:
        """Return (on hand, allocated) of pending effects on `sku`.

        `seqs` gives, for aggregates whose row is not up to date, the seq it includes.
        """
        on_hand = allocated = 0
        for aggregate, after_seq in seqs:
            row = self._one(
                "SELECT coalesce(sum(e.on_hand), 0), coalesce(sum(e.allocated), 0)"
                " FROM stock_effects e JOIN operations o USING (epoch, seq)"
                " WHERE e.sku = ? AND o.aggregate = ? AND e.epoch = ? AND e.seq > ?",
                (sku, aggregate, self.identity.epoch, after_seq),
            )
            on_hand += row[0]
            allocated += row[1]
        return on_hand, allocated

    def effects_of(self, aggregate: str, after_seq: int) -> list[tuple[str, int, int]]:
        """Return (SKU, on hand, allocated) of each effect on `aggregate` after `after_seq`."""
        return self._all(
            # CROSS JOIN keeps this order: from the few operations of one order to their effects.
            "SELECT e.sku, e.on_hand, e.allocated FROM operations o CROSS JOIN stock_effects e"
            " USING (epoch, seq) WHERE o.aggregate = ? AND o.epoch = ? AND o.seq > ?",
            (aggregate, self.identity.epoch, after_seq),
        )

    def aggregates_touching(self, sku: str) -> list[str]:
        """Return aggregates with journaled stock effects on `sku`."""
        rows = self._all(
            "SELECT DISTINCT o.aggregate FROM stock_effects e JOIN operations o USING (epoch, seq)"
            " WHERE e.sku = ? AND e.epoch = ?",
            (sku, self.identity.epoch),
        )
        return [aggregate for (aggregate,) in rows]

    def history(
        self, limit: int, offset: int, aggregate: str | None = None
    ) -> list[tuple[JournaledOperation, Verdict | None]]:
        """Return operations, newest first, with their verdict; None while central has not answered.

        A plainly accepted operation has a verdict without text.
        """
        condition = "" if aggregate is None else "AND o.aggregate = ?"
        index = "" if aggregate is None else "INDEXED BY operations_by_aggregate"
        parameters = (self.identity.epoch, *(() if aggregate is None else (aggregate,)))
        rows = self._all(
            "SELECT o.seq, v.status, v.code, v.text, v.consequences,"
            " o.line, o.kind, o.aggregate, o.actor, o.at_ms"
            f" FROM operations o {index} LEFT JOIN verdicts v USING (epoch, seq)"
            f" WHERE o.epoch = ? {condition} ORDER BY o.seq DESC LIMIT ? OFFSET ?",
            (*parameters, limit, offset),
        )
        acked = self.acked_seq()
        return [(_journaled(row[0], *row[5:]), _verdict(row[:5], acked)) for row in rows]

    def count_verdicts(self, status: VerdictStatus) -> int:
        """Return how many operations got this verdict (not counted: plainly accepted)."""
        row = self._one(
            "SELECT count(*) FROM verdicts WHERE epoch = ? AND status = ?",
            (self.identity.epoch, status.value),
        )
        return int(row[0])

    def knows(self, aggregate: str) -> bool:
        """Return whether anything about `aggregate` was ever journaled, in any epoch."""
        found = self._one("SELECT 1 FROM operations WHERE aggregate = ? LIMIT 1", (aggregate,))
        return found is not None

    def first_seq(self, aggregate: str, kind: str) -> int | None:
        """Return the seq of the first operation of `kind` on `aggregate` in this epoch."""
        row = self._one(
            "SELECT min(seq) FROM operations WHERE aggregate = ? AND epoch = ? AND kind = ?",
            (aggregate, self.identity.epoch, kind),
        )
        return None if row[0] is None else int(row[0])

    # --- central's answers ------------------------------------------------------------

    def settle(self, answer: PushAnswer) -> None:
        """Record an answer: verdicts and the new position, in one transaction.

        Raises `Fork` where central has something else at that place, or more
        than this journal: then this file is not what central last talked to.
        """
        known = self.hash_at(answer.acked_seq)
        if known is None or known.hex() != answer.acked_hash:
            raise Fork(
                "central has another journal under this name: restored or cloned",
                seq=answer.acked_seq,
                last_seq=self.head().seq,
            )
        with self.writing():
            epoch = self.identity.epoch
            for verdict in answer.verdicts:
                self._connection.execute(
                    "INSERT OR REPLACE INTO verdicts (epoch, seq, status, code, text, consequences)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (epoch, verdict.seq, verdict.status.value, verdict.code, verdict.text,
                     json.dumps([asdict(item) for item in verdict.consequences])),
                )  # fmt: skip
            self._connection.execute(
                "UPDATE progress SET acked_seq = ? WHERE id = 1", (answer.acked_seq,)
            )

    def rewind(self, expected_seq: int) -> None:
        """Central lost operations (a restore): send again from `expected_seq`.

        Its verdicts on them are lost as well; it will judge anew.
        """
        with self.writing():
            self._connection.execute(
                "DELETE FROM verdicts WHERE epoch = ? AND seq >= ?",
                (self.identity.epoch, expected_seq),
            )
            self._connection.execute(
                "UPDATE progress SET acked_seq = min(acked_seq, ?) WHERE id = 1",
                (expected_seq - 1,),
            )

    def prune(self, now_ms: int) -> int:
        """Forget settled operations older than `KEEP_DAYS`; return how many.

        The last settled one stays: its hash is where the next push goes on. What
        central holds back in quarantine is not settled, and is shown on.
        """
        with self.writing():
            cursor = self._connection.execute(
                "DELETE FROM operations WHERE epoch = ? AND at_ms < ?"
                " AND seq < (SELECT acked_seq FROM progress) AND (epoch, seq) NOT IN"
                " (SELECT epoch, seq FROM verdicts WHERE status = ?)",
                (
                    self.identity.epoch,
                    now_ms - KEEP_DAYS * DAY_MS,
                    VerdictStatus.QUARANTINED.value,
                ),
            )
            self._connection.execute(
                "DELETE FROM verdicts WHERE epoch = ? AND seq < (SELECT acked_seq FROM progress)"
                " AND (epoch, seq) NOT IN (SELECT epoch, seq FROM operations)",
                (self.identity.epoch,),
            )
            return int(cursor.rowcount)

    # --- durable little things --------------------------------------------------------

    def failures(self, subject: str) -> tuple[int, int]:
        """Return (failed tries, locked until in ms) of a PIN or pickup code."""
        row = self._one("SELECT failures, until_ms FROM lockouts WHERE subject = ?", (subject,))
        return (0, 0) if row is None else (row[0], row[1])

    def count_failure(self, subject: str, lock_after: int, until_ms: int) -> tuple[int, int]:
        """Count one failed try of `subject`; return (failed tries, locked until).

        From the try `lock_after` on it is locked until `until_ms`. One statement:
        two terminals that fail at once are counted twice.
        """
        with self.writing():
            row = self._connection.execute(
                "INSERT INTO lockouts (subject, failures, until_ms)"
                " VALUES (:subject, 1, CASE WHEN 1 >= :most THEN :until ELSE 0 END)"
                " ON CONFLICT (subject) DO UPDATE SET failures = failures + 1,"
                " until_ms = CASE WHEN failures + 1 >= :most THEN :until ELSE 0 END"
                " RETURNING failures, until_ms",
                {"subject": subject, "most": lock_after, "until": until_ms},
            ).fetchone()
            return row[0], row[1]

    def clear_failures(self, subject: str) -> None:
        """Forget the failed tries of `subject`."""
        with self.writing():
            self._connection.execute("DELETE FROM lockouts WHERE subject = ?", (subject,))

    def change_token(self) -> tuple[int, int]:
        """Return a value that differs when anything was written, by whichever process."""
        with self._lock:
            return data_version(self._connection), self._connection.total_changes

    def _one(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        with self._lock:
            return self._connection.execute(sql, parameters).fetchone()

    def _all(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        with self._lock:
            return list(self._connection.execute(sql, parameters).fetchall())


def _migrate(connection: Connection) -> None:
    if has_migration(connection, "holdshelf.journal", NEWEST_MIGRATION):
        return
    import sqlite_utils

    from sync.edge import journal_schema

    journal_schema.migrate(sqlite_utils.Database(connection))


def _read(line: bytes) -> OperationRecord | None:
    try:
        return decode_line(line)
    except ValueError:
        return None


def _journaled(
    seq: int, line: bytes, kind: str, aggregate: str, by: str, at_ms: int
) -> JournaledOperation:
    return JournaledOperation(seq, line, kind, aggregate, by, at_ms, _read(line))


def _verdict(row: Sequence[Any], acked_seq: int) -> Verdict | None:
    seq, status, code, text, consequences = row
    if status is None:
        if seq > acked_seq:
            return None
        return Verdict(seq=seq, status=VerdictStatus.ACCEPTED)
    listed = tuple(Consequence(**item) for item in json.loads(str(consequences)))
    return Verdict(seq=seq, status=status, code=code, text=text, consequences=listed)
