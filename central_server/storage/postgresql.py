"""PostgreSQL at central: every thread writes for itself; conflicts are run again.

Writes are READ COMMITTED and take explicit row locks in one order; reads are one
REPEATABLE READ snapshot.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.exc import DBAPIError

from central_server.storage.commits import (
    CommitHook,
    CommitPoint,
    DatabaseClosed,
    Writer,
)
from central_server.storage.conflicts import Conflict
from central_server.storage.unit import Unit

ATTEMPTS_MAX = 10
CONFLICTS = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: the transaction did nothing and can be run again."""
CONNECTIONS = 16
CONNECTIONS_OVERFLOW = 32

T = TypeVar("T")


def open_engines(url: URL, hook: CommitHook) -> tuple[Engine, Writer]:
    """Return the reading engine and the writer; both share one pool."""
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_size=CONNECTIONS,
        max_overflow=CONNECTIONS_OVERFLOW,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
    )
    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return reader, RetryingWriter(engine, hook)


class RetryingWriter:
    """Runs a command in the calling thread, again where PostgreSQL says so."""

    def __init__(self, engine: Engine, hook: CommitHook) -> None:
        self._engine = engine
        self._hook = hook
        self._is_closed = False

    def write(self, command: Callable[[Unit], T]) -> tuple[T, Unit]:
        """Run `command` and commit; a conflict runs it again, at most `ATTEMPTS_MAX` times."""
        if self._is_closed:
            raise DatabaseClosed("the database is closed")
        for _ in range(ATTEMPTS_MAX - 1):
            try:
                return self._once(command)
            except Conflict:
                continue
            except DBAPIError as problem:
                if getattr(problem.orig, "sqlstate", None) not in CONFLICTS:
                    raise
        return self._once(command)

    def _once(self, command: Callable[[Unit], T]) -> tuple[T, Unit]:
        with self._engine.begin() as connection:
            unit = Unit(connection)
            result = command(unit)
            self._hook(CommitPoint.BEFORE)
        self._hook(CommitPoint.AFTER)
        return result, unit

    def close(self) -> None:
        """Close the pool."""
        self._is_closed = True
        self._engine.dispose()
