"""Opens a store's database files safely: engine version, encryption, pragmas read back.

SQLite up to 3.51.2 can corrupt a WAL file that two connections checkpoint, which
is just how a terminal and a daemon use one file; so the engine is the one in
the sqlcipher3 wheel, and an older one is refused.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import sqlcipher3.dbapi2 as sqlite

from sync.disk import flush

OLDEST_SQLITE = (3, 51, 3)
BUSY_TIMEOUT_MS = 10_000
PAGE_BYTES_MIN = 512

Error = sqlite.Error
DatabaseError = sqlite.DatabaseError
IntegrityError = sqlite.IntegrityError
OperationalError = sqlite.OperationalError
Connection = Any
"""A DB-API connection of sqlcipher3, which ships no types."""


class UnsafeDatabase(Exception):
    """The engine or the file cannot keep what it is asked to keep."""


class NoRoom(UnsafeDatabase):
    """The disk is full, or fails, and the file cannot be opened now. It may be whole."""


_OF_THE_DISK = frozenset({10, 13, 14})
"""SQLite's primary result codes: an error of the disk, no room, a file that cannot be made."""
_WORDS_OF_THE_DISK = frozenset({"disk I/O error", "database or disk is full"})
"""Of an error without a code: copying a database tells words alone."""


_OF_THE_CONTENT = frozenset({1, 11, 19, 20, 26})
"""A table that is not there, damage, a row that may not be, a wrong type, no database."""


def is_of_the_content(problem: Exception) -> bool:
    """Return whether another file would not fail so: no full, failing or busy disk is to blame."""
    if isinstance(problem, DatabaseError):
        return getattr(problem, "sqlite_errorcode", 0) & 0xFF in _OF_THE_CONTENT
    return not isinstance(problem, NoRoom)


class CommitPoint(StrEnum):
    """Where a simulation can crash a store, or fill its disk."""

    BEFORE = "before_commit"
    AFTER = "after_commit"


CommitHook = Callable[[str, CommitPoint], None]
"""Called with the name of the file around each commit; what it raises, the writer gets."""


def no_hook(file: str, point: CommitPoint) -> None:
    """Let every commit pass."""


def open_database(
    path: Path, *, key: str = "", synchronous: Literal["FULL", "NORMAL"]
) -> Connection:
    """Open or create `path`; `key` is 64 hexadecimal digits, or empty for a plain file.

    Raises `UnsafeDatabase` where the engine is too old, the key is wrong or a
    pragma did not take, and `NoRoom` where it is only the disk.
    """
    if sqlite.sqlite_version_info < OLDEST_SQLITE:
        wanted = ".".join(map(str, OLDEST_SQLITE))
        raise UnsafeDatabase(f"SQLite {sqlite.sqlite_version} is older than {wanted}")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and 0 < path.stat().st_size < PAGE_BYTES_MIN:
        raise UnsafeDatabase(f"{path.name} is cut off")  # the engine would begin a new one
    connection = sqlite.connect(
        str(path), isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        _prepare(connection, key, synchronous)
    except sqlite.DatabaseError as problem:
        connection.close()
        if _is_of_the_disk(problem):
            said = f"{path.name} cannot be opened: the disk is full, or fails ({problem})"
            raise NoRoom(said) from problem
        raise UnsafeDatabase(f"{path.name} cannot be read: wrong key, or damaged") from problem
    return connection


def _is_of_the_disk(problem: sqlite.Error) -> bool:
    code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
    return code in _OF_THE_DISK or str(problem) in _WORDS_OF_THE_DISK


def has_migration(connection: Connection, collection: str, name: str) -> bool:
    """Return whether sqlite-utils has recorded migration `name` of `collection`.

    Asked before the library is loaded: most starts find nothing to migrate, and
    the library's import is a tenth of a terminal's start.
    """
    try:
        found = connection.execute(
            "SELECT 1 FROM _sqlite_migrations WHERE migration_set = ? AND name = ?",
            (collection, name),
        )
        return found.fetchone() is not None
    except sqlite.OperationalError:
        return False  # there is no such table: nothing was ever migrated


def _prepare(connection: Connection, key: str, synchronous: str) -> None:
    if key:
        int(key, 16)
        connection.execute(f"PRAGMA key = \"x'{key}'\"").fetchall()
    connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    level = {"NORMAL": 1, "FULL": 2}[synchronous]
    wanted: tuple[tuple[str, object, object], ...] = (
        ("busy_timeout", BUSY_TIMEOUT_MS, BUSY_TIMEOUT_MS),
        ("journal_mode", "WAL", "wal"),
        ("synchronous", level, level),
        ("foreign_keys", 1, 1),
        ("secure_delete", 1, 1),
    )
    for name, value, expected in wanted:
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
        got = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if got != expected:
            raise UnsafeDatabase(f"PRAGMA {name} is {got!r}, not {expected!r}")


@contextmanager
def transaction(
    connection: Connection, file: str = "", hook: CommitHook = no_hook
) -> Iterator[None]:
    """Hold the write lock for the block; commit at its end, or roll back and say why.

    A full disk can fail any statement and the commit itself, and the engine may
    have rolled back already: the connection is usable again in every case.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        hook(file, CommitPoint.BEFORE)
        connection.execute("COMMIT")
        hook(file, CommitPoint.AFTER)
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def begin_log_anew(connection: Connection, *, waits: bool = False) -> bool:
    """Bring the whole write-ahead log into the file, durably; return whether that failed.

    A process may have died of a disk that failed an fsync. The kernel shows the pages that
    it could not write as if they were on the disk, and what is appended behind them would go
    with them when the power is cut. Where others write or read just now nobody has died, and
    the log is theirs; a process that is open and idle is not in the way. With `waits`, for a
    log that is in doubt already, they are waited for, and it failed where they did not end.
    """
    timeout_ms = BUSY_TIMEOUT_MS if waits else 0
    connection.execute(f"PRAGMA busy_timeout = {timeout_ms}").fetchall()
    try:
        is_busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite.OperationalError:
        return True
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}").fetchall()
    return waits and bool(is_busy)


def copy_database(connection: Connection, target: Path, key: str = "") -> None:
    """Copy one moment of an open database to `target`, under `key`, durably.

    Others may go on writing meanwhile. `target` must not exist. Raises `NoRoom` where it is only
    the disk, and `UnsafeDatabase` for any other error of the engine.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    copy = sqlite.connect(str(target), isolation_level=None)
    try:
        if key:
            copy.execute(f"PRAGMA key = \"x'{key}'\"").fetchall()
        connection.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE").fetchall()
    except sqlite.DatabaseError as problem:
        if _is_of_the_disk(problem):
            said = f"{target} cannot be written: the disk is full, or fails ({problem})"
            raise NoRoom(said) from problem
        raise UnsafeDatabase(f"{target} cannot be written: {problem}") from problem
    finally:
        copy.close()
    flush(target)


def data_version(connection: Connection) -> int:
    """Return a number that moves when another connection has committed."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def engine_version() -> str:
    """Return the version of the SQLite engine in use."""
    return str(sqlite.sqlite_version)
