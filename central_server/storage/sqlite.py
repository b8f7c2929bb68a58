"""SQLite at central: one writer that groups waiting commands into one commit.

The engine comes with the sqlcipher3 wheel; before 3.51.3 SQLite can corrupt a WAL
file that two connections checkpoint.

After an error of the disk nobody knows what it holds: the kernel may have let go of
pages that it could not write, and calls the next fsync a success. So the connection is
closed, and before anything is written again the whole log is brought into the file and
begun anew: no commit ever stands in the log behind one that may not be on the disk.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar, cast

import sqlcipher3.dbapi2 as driver
from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.exc import DBAPIError

from central_server.storage.commits import (
    CommitHook,
    CommitPoint,
    DatabaseClosed,
    LogInUse,
    Overloaded,
    UnsafeDatabase,
    Writer,
)
from central_server.storage.conflicts import Conflict
from central_server.storage.raw import send_outside
from central_server.storage.trouble import is_doubtful, words_of_code
from central_server.storage.unit import Unit

_log = logging.getLogger(__name__)

OLDEST = (3, 51, 3)
BUSY_TIMEOUT_MS = 10_000
CHECKPOINT_PAGES = 8_000
"""Of the WAL (32 MB): a page that many pushes change is copied to the file once for all of them."""
GROUP_MAX = 64
"""How many commands share one commit at most."""
WAITING_MAX = 10_000
READERS = 8
READERS_OVERFLOW = 32

T = TypeVar("T")


def open_engines(
    url: URL, key: str, hook: CommitHook, *, inline: bool = False
) -> tuple[Engine, Writer]:
    """Return the reading engine and the writer of the file that `url` names.

    With `inline`, commands run in their caller's thread instead of the writer's.
    """
    if driver.sqlite_version_info < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise UnsafeDatabase(f"SQLite {driver.sqlite_version} is older than {wanted}")
    if not url.database or url.database == ":memory:":
        raise UnsafeDatabase("central's SQLite needs a file")
    path = Path(url.database)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The writer comes first: it makes the file and turns it to WAL.
    kind = InlineWriter if inline else GroupWriter
    writer = kind(_engine(path, key, "BEGIN IMMEDIATE", 1, 0), hook)
    return _engine(path, key, "BEGIN", READERS, READERS_OVERFLOW), writer


def _engine(path: Path, key: str, begin: str, size: int, overflow: int) -> Engine:
    is_reader = begin == "BEGIN"
    engine = create_engine(
        "sqlite://",
        hide_parameters=True,
        module=driver,
        creator=lambda: _connect(path, key, is_reader=is_reader),
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=overflow,
        pool_reset_on_return="rollback",
    )

    event.listen(engine, "begin", lambda connection: send_outside(connection, begin))
    return engine


def _connect(path: Path, key: str, *, is_reader: bool) -> Any:
    connection = driver.connect(
        str(path), isolation_level=None, check_same_thread=False, cached_statements=512
    )
    try:
        _prepare(connection, key, is_reader=is_reader)
    except driver.DatabaseError as problem:
        connection.close()
        if words_of_code(problem):
            raise  # of the disk, or of others who work with it: nothing is wrong with the file
        raise UnsafeDatabase(f"{path.name} cannot be read: wrong key, or damaged") from problem
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: Any, key: str, *, is_reader: bool) -> None:
    if key:
        int(key, 16)
        connection.execute(f"PRAGMA key = \"x'{key}'\"").fetchall()
    connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    wanted: tuple[tuple[str, object, object], ...] = (
        ("busy_timeout", BUSY_TIMEOUT_MS, BUSY_TIMEOUT_MS),
        ("journal_mode", "WAL", "wal"),
        ("synchronous", "FULL", 2),
        ("foreign_keys", 1, 1),
        ("query_only", int(is_reader), int(is_reader)),
        ("wal_autocheckpoint", CHECKPOINT_PAGES, CHECKPOINT_PAGES),
    )
    for name, value, expected in wanted:
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
        got = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if got != expected:
            raise UnsafeDatabase(f"PRAGMA {name} is {got!r}, not {expected!r}")


class _Log:
    """The write-ahead log, as far as its writer may trust it."""

    def __init__(self, engine: Engine) -> None:
        self._is_doubtful = self._is_left_in_doubt(engine)

    def _is_left_in_doubt(self, engine: Engine) -> bool:
        """Bring what an earlier process left in the log into the file; return whether that failed.

        It may have died of a disk that failed. Where others work with the file just now,
        the log is theirs, and what is in it they have seen on the disk.
        """
        with engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            raw.execute("PRAGMA busy_timeout = 0").fetchall()
            try:
                _checkpoint(connection)
            except DBAPIError as problem:
                _log.warning("the log cannot be brought into the file yet: %s", problem.orig)
                return True
            finally:
                raw.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}").fetchall()
        return False

    def trust(self, connection: Connection) -> None:
        """See that all of the log is on the disk, where that is in doubt, before it is added to."""
        if self._is_doubtful:
            if _checkpoint(connection):
                raise LogInUse("others read the log that has to be begun anew")
            self._is_doubtful = False

    def heed(self, connection: Connection, problem: BaseException) -> None:
        """Give up a connection that met an error of the disk."""
        if is_doubtful(problem):
            self._is_doubtful = True
            connection.invalidate(problem)


def _checkpoint(connection: Connection) -> bool:
    """Bring the whole log into the file and begin it anew; return whether others hold it."""
    ((is_busy, _, _),) = send_outside(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
    return bool(is_busy)


def _leave(engine: Engine) -> None:
    """Bring the log into the file before the file is closed; where that fails it stays a log."""
    try:
        with engine.connect() as connection:
            _checkpoint(connection)
    except DBAPIError as problem:
        _log.warning("the log stays beside the file: %s", problem.orig)


def _require_transaction(connection: Connection) -> None:
    """Raise where the engine has taken back by itself what is about to be committed.

    It may do so when the disk is full, and to commit nothing succeeds.
    """
    if not _is_open(connection):
        raise Conflict("the engine has taken the transaction back")


def _is_open(connection: Connection) -> bool:
    raw: Any = connection.connection.driver_connection
    return bool(raw.in_transaction)


class _Command:
    """One caller's command and what came of it."""

    def __init__(self, run: Callable[[Unit], Any]) -> None:
        self.run = run
        self.future: Future[tuple[Any, Unit]] = Future()
        self.outcome: tuple[Any, Unit] | None = None
        self.problem: BaseException | None = None


class GroupWriter:
    """One thread that owns the only writing connection.

    It takes what waits (at most `GROUP_MAX`), gives each command a savepoint and
    commits once. A command that fails takes back only its own changes; a commit
    that fails fails them all. Nobody learns a result before the commit.
    """

    def __init__(self, engine: Engine, hook: CommitHook) -> None:
        self._engine = engine
        self._hook = hook
        self._waiting: deque[_Command] = deque()
        self._changed = threading.Condition()
        self._is_closing = False
        self._log = _Log(engine)
        self._connection: Connection | None = None
        """Kept from one commit to the next: to take it from the pool costs as much as an insert."""
        self._thread = threading.Thread(target=self._run, name="central-writer", daemon=True)
        self._thread.start()

    def write(self, command: Callable[[Unit], T]) -> tuple[T, Unit]:
        """Queue `command` and wait for the commit that carries it."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a command cannot write through the database that runs it")
        queued = _Command(command)
        with self._changed:
            if self._is_closing:
                raise DatabaseClosed("the database is closed")
            if len(self._waiting) >= WAITING_MAX:
                raise Overloaded(f"{WAITING_MAX} commands wait")
            self._waiting.append(queued)
            self._changed.notify()
        return cast("tuple[T, Unit]", queued.future.result())

    def close(self) -> None:
        """Finish what waits, checkpoint the WAL and close."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join()
        self._engine.dispose()

    def _run(self) -> None:
        while group := self._next_group():
            self._commit(group)
        self._let_go()
        _leave(self._engine)

    def _next_group(self) -> list[_Command]:
        """Return the commands of the next commit; none once the database is closing."""
        with self._changed:
            while not self._waiting and not self._is_closing:
                self._changed.wait()
            count = min(GROUP_MAX, len(self._waiting))
            return [self._waiting.popleft() for _ in range(count)]

    def _commit(self, group: list[_Command]) -> None:
        try:
            connection = self._connection = self._connection or self._engine.connect()
            self._log.trust(connection)
            with connection.begin():
                self._run_group(connection, group)
                self._hook(CommitPoint.BEFORE)
                _require_transaction(connection)
            self._hook(CommitPoint.AFTER)
        except BaseException as problem:  # noqa: BLE001 - every caller of the group gets it
            self._let_go(problem)  # the next group begins with a connection that nothing is left of
            for command in group:
                command.future.set_exception(command.problem or problem)
            return
        for command in group:
            if command.problem is not None:
                command.future.set_exception(command.problem)
            else:
                assert command.outcome is not None
                command.future.set_result(command.outcome)

    def _let_go(self, problem: BaseException | None = None) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            if problem is not None:
                self._log.heed(connection, problem)
            connection.close()

    def _run_group(self, connection: Connection, group: list[_Command]) -> None:
        if len(group) == 1:
            unit = Unit(connection)
            try:
                group[0].outcome = (group[0].run(unit), unit)
            except BaseException as problem:
                group[0].problem = problem
                raise
            return
        for command in group:
            self._run_guarded(connection, command)

    def _run_guarded(self, connection: Connection, command: _Command) -> None:
        connection.exec_driver_sql("SAVEPOINT command")
        unit = Unit(connection)
        try:
            command.outcome = (command.run(unit), unit)
        except BaseException as problem:
            if not _is_open(connection):
                raise  # the engine has taken all of the group back
            command.problem = problem
            connection.exec_driver_sql("ROLLBACK TO command")
        connection.exec_driver_sql("RELEASE command")


class InlineWriter:
    """Runs each command in its caller's thread, in a commit of its own.

    For a process with one thread, such as a simulation: nothing is grouped, and
    nothing depends on which thread the system lets run.
    """

    def __init__(self, engine: Engine, hook: CommitHook) -> None:
        self._engine = engine
        self._hook = hook
        self._is_closed = False
        self._log = _Log(engine)

    def write(self, command: Callable[[Unit], T]) -> tuple[T, Unit]:
        """Run `command` in a transaction; return when that is durable."""
        if self._is_closed:
            raise DatabaseClosed("the database is closed")
        with self._engine.connect() as connection:
            try:
                self._log.trust(connection)
                with connection.begin():
                    unit = Unit(connection)
                    result = command(unit)
                    self._hook(CommitPoint.BEFORE)
                    _require_transaction(connection)
            except BaseException as problem:
                self._log.heed(connection, problem)
                raise
        self._hook(CommitPoint.AFTER)
        return result, unit

    def close(self) -> None:
        """Checkpoint the WAL and close."""
        if not self._is_closed:
            self._is_closed = True
            _leave(self._engine)
            self._engine.dispose()
