"""One connection to replica.db, with its lock and its transactions."""

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any

from sync.disk import flush
from sync.edge.sqlite import (
    CommitHook,
    Connection,
    begin_log_anew,
    data_version,
    has_migration,
    no_hook,
    open_database,
    transaction,
)

NEWEST_MIGRATION = "m0009_program"
"""The last one in `schema`; a test holds the two together."""
PARAMETERS_MAX = 500
"""How many values one IN list carries."""


def is_text(typed: str) -> bool:
    """Return whether what was typed can be in a database at all: arguments may be any bytes."""
    try:
        typed.encode()
    except UnicodeEncodeError:
        return False
    return True


class ReplicaDatabase:
    """Thread-safe: a lock covers each call and each transaction.

    `synchronous` is NORMAL: after a power cut the file is whole but may lack its
    last commits, which the journal and central give back (`included`, cursors).
    Before the journal builds on rows that came, they are flushed (`flush`).
    """

    def __init__(
        self,
        path: Path,
        key: str = "",
        lock: AbstractContextManager[object] | None = None,
        hook: CommitHook = no_hook,
    ) -> None:
        self._path = path
        self._key = key
        self._hook = hook
        self.flush_path: Callable[[Path], None] = flush
        """How a file, or the names in a folder, are brought to the disk: a test stands between."""
        self._is_named = False
        """Whether the log's name in its folder was flushed."""
        self._is_log_doubtful = False
        """Whether a flush failed: the kernel may call clean what it could not write."""
        self.connection: Connection = open_database(path, key=key, synchronous="NORMAL")
        self._lock: AbstractContextManager[object] = RLock() if lock is None else lock
        _migrate(self.connection)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self.connection.close()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Hold the write lock; commit at the end, or roll back. Not nested."""
        with self._lock, transaction(self.connection, self._path.name, self._hook):
            yield self.connection

    def flush(self) -> None:
        """Bring to the disk what any process has committed. Raises `OSError`.

        What is not in the log any more was flushed by SQLite when it went into the file. The
        log carries none of SQLite's locks, so that closing it here takes none away.
        """
        if self._is_log_doubtful:
            self._write_log_into_file()
        self._is_log_doubtful = True
        with suppress(FileNotFoundError):
            self.flush_path(self._path.with_name(f"{self._path.name}-wal"))
        if not self._is_named:
            self.flush_path(self._path.parent)
            self._is_named = True
        self._is_log_doubtful = False

    def _write_log_into_file(self) -> None:
        with self._lock:
            if begin_log_anew(self.connection, waits=True):
                raise OSError(errno.EIO, "what central said could not be flushed", self._path.name)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let all reads of the block see the file at one moment. Not nested."""
        with self._lock:
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                self.connection.execute("ROLLBACK")

    @contextmanager
    def sibling(self) -> Iterator["ReplicaDatabase"]:
        """Open a second connection for the time of the block.

        Tables behind the search index may only be replaced from there: a
        connection does not notice what it does to them itself, FTS5 keeps their
        structure in memory and looks again only after a foreign commit.
        """
        other = ReplicaDatabase(self._path, self._key, hook=self._hook)
        try:
            yield other
        finally:
            other.close()

    @contextmanager
    def attached(self, path: Path) -> Iterator[None]:
        """Attach a plain database file as `snapshot` for the time of the block."""
        with self._lock:
            self.connection.execute("ATTACH DATABASE ? AS snapshot KEY ''", (str(path),))
            try:
                yield
            finally:
                self.connection.execute("DETACH DATABASE snapshot")

    def one(self, sql: str, parameters: Sequence[object] | dict[str, object] = ()) -> Any:
        """Return the first row, or None."""
        with self._lock:
            return self.connection.execute(sql, parameters).fetchone()

    def all(self, sql: str, parameters: Sequence[object] | dict[str, object] = ()) -> list[Any]:
        """Return all rows."""
        with self._lock:
            return list(self.connection.execute(sql, parameters).fetchall())

    def change_token(self) -> tuple[int, int]:
        """Return a value that differs when anything was written, by whichever process."""
        with self._lock:
            return data_version(self.connection), self.connection.total_changes


def _migrate(connection: Connection) -> None:
    if has_migration(connection, "holdshelf.replica", NEWEST_MIGRATION):
        return
    import sqlite_utils

    from store_client.replica import schema

    schema.migrate(sqlite_utils.Database(connection))


def chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield `values` in pieces that fit one IN list."""
    for start in range(0, len(values), PARAMETERS_MAX):
        yield values[start : start + PARAMETERS_MAX]


def placeholders(values: Sequence[object]) -> str:
    """Return `?, ?, …` for an IN list."""
    return ", ".join("?" * len(values))
