"""journal.db: what this store did. Precious, never rebuilt, durable before it is shown.

An operation is appended inside one BEGIN IMMEDIATE … COMMIT with synchronous
FULL: when `append` has returned, a power cut does not take it back. What is to
be sent is derived (seq > acked_seq), never a flag that could be forgotten.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import RLock

from sync.domain.inventory import StockEffect
from sync.domain.operations import aggregate_of
from sync.edge.evidence import Evidence, Witness
from sync.edge.journal_reading import JournaledOperation, JournalReading
from sync.edge.journal_settling import DAY_MS, KEEP_DAYS, JournalSettling
from sync.edge.journal_witnessing import JournalWitnessing
from sync.edge.lives import Life, Lives, Sending
from sync.edge.lockouts import Lockouts
from sync.edge.mark import MarkFile
from sync.edge.rights import FLOOR_SOLD, GivenRights
from sync.edge.sqlite import (
    CommitHook,
    Connection,
    OperationalError,
    begin_log_anew,
    data_version,
    has_migration,
    no_hook,
    open_database,
    transaction,
)
from sync.protocol.lines import OperationRecord, chain, encode_line, genesis
from sync.protocol.rows import Watermark
from sync.protocol.session import EpochStart

__all__ = ["DAY_MS", "KEEP_DAYS", "Head", "Identity", "Journal", "JournaledOperation"]

NEWEST_MIGRATION = "m0013_lease_terms"
"""The last one in `journal_schema`; a test holds the two together."""


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


class Journal(JournalReading, JournalSettling, JournalWitnessing, Lockouts):
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
        evidence_folder: Path | None = None,
    ) -> None:
        self._name = path.name
        self._hook = hook
        self._connection = open_database(path, key=key, synchronous="FULL")
        self._is_log_doubtful = begin_log_anew(self._connection)
        self._lock: AbstractContextManager[object] = RLock() if lock is None else lock
        self._known: tuple[int, Identity, Lives] | None = None
        self._fresh: list[Witness] = []
        self.mark_file = MarkFile(path.with_suffix(".mark"))
        self.evidence = None if evidence_folder is None else Evidence(evidence_folder, key)
        _migrate(self._connection)
        self.rights = GivenRights(
            self._connection, self._all, lambda seq: self.lives.at(seq + 1).epoch
        )

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            with suppress(OSError):  # the mark is a precaution; what it guards is durable
                self.mark_file.close()
            if self.evidence is not None:
                self.evidence.close()
            self._connection.close()

    @property
    def connection(self) -> Connection:
        """The connection, for the modules of the edge that work inside `writing()`."""
        return self._connection

    # --- who we are -------------------------------------------------------------------

    @property
    def identity(self) -> Identity:
        """The enrolled identity; raises `LookupError` where this machine is not enrolled."""
        return self._read_known()[0]

    @property
    def lives(self) -> Lives:
        """The epochs of this journal, the oldest first."""
        return self._read_known()[1]

    def _read_known(self) -> tuple[Identity, Lives]:
        """Return identity and epochs; read again where another process has written."""
        with self._lock:
            version = data_version(self._connection)
            if self._known is None or self._known[0] != version:
                row = self._one(
                    "SELECT replica_id, location_id, epoch, install_nonce, private_key, server_id,"
                    " central_url FROM identity WHERE id = 1"
                )
                if row is None:
                    raise LookupError("this machine is not enrolled")
                lives = self._all(
                    "SELECT epoch, replica_id, base, certain, opened, begun_ms FROM lives"
                    " ORDER BY epoch"
                )
                self._known = version, Identity(*row), Lives(tuple(Life(*one) for one in lives))
            return self._known[1:]

    def enrol(self, identity: Identity) -> None:
        """Record the identity of a fresh journal."""
        with self.writing():
            self._connection.execute(
                "INSERT INTO identity (id, replica_id, location_id, epoch, install_nonce,"
                " private_key, server_id, central_url) VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
                tuple(asdict(identity).values()),
            )
            self.begin_life(Life(identity.epoch, identity.replica_id, 0, certain=True, opened=True))

    def begin_life(self, life: Life) -> None:
        """Begin an epoch, inside `writing()`; operations go there from now on."""
        self._connection.execute(
            "INSERT INTO lives (epoch, replica_id, base, certain, opened, begun_ms)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            life,
        )
        self._connection.execute("UPDATE identity SET epoch = ?", (life.epoch,))
        self._known = None

    # --- writing ----------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the journal's write lock; commit durably at the end, or roll back.

        What was committed is then noted outside of the database, never before.
        """
        with self._lock:
            self._fresh = []
            self._trust_log()
            try:
                with transaction(self._connection, self._name, self._hook):
                    self._known = None  # another process may have begun an epoch
                    yield
            finally:
                self._known = None
            self._note()

    def _trust_log(self) -> None:
        """See that what was found in the log is on the disk, before it is added to."""
        if self._is_log_doubtful:
            self._is_log_doubtful = begin_log_anew(self._connection, waits=True)
            if self._is_log_doubtful:
                raise OperationalError("the disk is full, or fails, or others read for long")

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
        moved = tuple((effect.sku, effect.on_hand, effect.allocated) for effect in effects)
        hashed = chain(head.hash, line)
        place = (self.identity.replica_id, self.identity.epoch, seq)
        self.insert(Witness(*place, line, hashed, moved), record)
        return seq

    def insert(
        self, one: Witness, record: OperationRecord | None, forked_from: str | None = None
    ) -> None:
        """Put an operation at its place, inside `writing()`. `record` is None if unreadable."""
        known = ("", "", "", 0)
        if record is not None:
            known = (record.op.kind, aggregate_of(record.op), record.by, record.at)
        self._connection.execute(
            "INSERT INTO operations (epoch, seq, line, hash, kind, aggregate, actor, at_ms,"
            " forked_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (one.epoch, one.seq, one.line, one.hash, *known, forked_from),
        )
        for effect in one.effects:
            self._connection.execute(
                "INSERT INTO stock_effects (epoch, seq, sku, on_hand, allocated)"
                " VALUES (?, ?, ?, ?, ?)",
                (one.epoch, one.seq, *effect),
            )
        if known[0] == FLOOR_SOLD:
            self.rights.count_sold(one.epoch, one.seq, one.effects)
        self._fresh.append(one)

    # --- reading ----------------------------------------------------------------------

    def head(self) -> Head:
        """Return the newest operation's place and hash; that of its epoch's begin before any."""
        return self.end_of(self.lives.newest)

    def end_of(self, life: Life) -> Head:
        """Return the last place and hash of an epoch."""
        row = self._one(
            "SELECT seq, hash FROM operations WHERE epoch = ? ORDER BY seq DESC LIMIT 1",
            (life.epoch,),
        )
        if row is None:
            return Head(life.base, genesis(life.replica_id, life.epoch))
        return Head(row[0], row[1])

    def oldest_seq(self, life: Life) -> int | None:
        """Return the place of the oldest operation that is kept of an epoch."""
        row = self._one("SELECT min(seq) FROM operations WHERE epoch = ?", (life.epoch,))
        return None if row is None else row[0]

    def hash_at(self, seq: int, life: Life | None = None) -> bytes | None:
        """Return the chain's hash after `seq`, None if not held.

        Where an epoch ends and the next begins, `life` says which is meant; else
        it is the older one.
        """
        life = life or self.lives.at(seq)
        if seq == life.base:
            return genesis(life.replica_id, life.epoch)
        row = self._one(
            "SELECT hash FROM operations WHERE epoch = ? AND seq = ?", (life.epoch, seq)
        )
        return None if row is None else bytes(row[0])

    def backlog(self) -> int:
        """Return how many operations central does not have yet."""
        acked = self.acked_seq()
        if acked >= self.lives.newest.base:
            return self.head().seq - acked
        return len(self._all("SELECT 1 FROM operations WHERE seq > ?", (acked,)))

    def sending(self) -> Sending:
        """Return where sending goes on: in which epoch, and after which place."""
        acked = self.acked_seq()
        name = self.identity.replica_id
        for life in self.lives:
            if life.replica_id == name and (not life.opened or self.end_of(life).seq > acked):
                return Sending(life, max(acked, life.base))
        return Sending(self.lives.newest, max(acked, self.lives.newest.base))

    def follows(self, life: Life) -> EpochStart | None:
        """Return what proves that `life` may begin at central; None where it has begun."""
        if life.opened:
            return None
        before = self.lives.before(life)
        if before is None or before.replica_id != life.replica_id:
            start = genesis(life.replica_id, 1)
            lost = self.lost_before(life)
            return EpochStart(epoch=1, seq=0, hash=start.hex(), certain=True, lost=lost)
        end = self.end_of(before)
        return EpochStart(
            epoch=before.epoch, seq=end.seq, hash=end.hash.hex(), certain=bool(life.certain),
            lost=self.lost_before(life),
        )  # fmt: skip

    def lost_before(self, life: Life) -> int:
        """Return how many operations before an epoch are missing here.

        Where central has opened it, or is asked to, it does not have them either.
        """
        before = self.lives.before(life)
        return 0 if before is None else max(0, life.base - self.end_of(before).seq)

    def is_whole_after(self, seq: int, life: Life) -> bool:
        """Return whether all that was done after a place of an epoch is still kept.

        The hash at that place, and each operation from there on, later epochs included.
        """
        if self.hash_at(seq, life) is None:
            return False
        for one in self.lives:
            start = seq if one.epoch == life.epoch else one.base
            (count,) = self._one(
                "SELECT count(*) FROM operations WHERE epoch = ? AND seq > ?", (one.epoch, start)
            )
            if one.epoch >= life.epoch and count != max(0, self.end_of(one).seq - start):
                return False
        return True

    def included_seq(self, mark: Watermark) -> int:
        """Return up to which of this journal's operations a row with this watermark includes."""
        return self.lives.included(mark, self.identity.replica_id)

    def lines_after(
        self, seq: int, limit: int, bytes_max: int, life: Life | None = None
    ) -> tuple[bytes, ...]:
        """Return an epoch's lines after `seq`: at most `limit` and `bytes_max`, one at least."""
        life = life or self.lives.at(seq + 1)
        rows = self._all(
            "SELECT line FROM operations WHERE epoch = ? AND seq > ? ORDER BY seq LIMIT ?",
            (life.epoch, seq, limit),
        )
        size = 0
        for count, (line,) in enumerate(rows):
            size += len(line) + 1
            if size > bytes_max and count:
                rows = rows[:count]
                break
        return tuple(bytes(line) for (line,) in rows)

    def change_token(self) -> tuple[int, int]:
        """Return a value that differs when anything was written, by whichever process."""
        with self._lock:
            return data_version(self._connection), self._connection.total_changes


def _migrate(connection: Connection) -> None:
    if has_migration(connection, "holdshelf.journal", NEWEST_MIGRATION):
        return
    import sqlite_utils

    from sync.edge import journal_schema

    journal_schema.migrate(sqlite_utils.Database(connection))
