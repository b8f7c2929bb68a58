"""Statements that go to the driver as they are, and what it says of them as SQLAlchemy would.

SQLAlchemy's own way of sending a text costs several times what the engines need for it.
On PostgreSQL, statements that do not wait for each other's answers share a round trip.
"""

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Values = tuple[Any, ...]
Parameters = Sequence[Any] | Mapping[str, Any]
Then = Callable[[list[Values]], None]


def send(connection: Connection, sql: str, parameters: Parameters) -> list[Values]:
    """Send one statement; return its rows, none where it has no rows to return."""
    try:
        cursor = _driver(connection).execute(sql, parameters)
        rows: list[Values] = [] if cursor.description is None else cursor.fetchall()
        cursor.close()
    except _errors(connection) as problem:
        raise _as_sqlalchemy(connection, sql, problem) from problem
    return rows


def send_rows(connection: Connection, sql: str, rows: Sequence[Values]) -> None:
    """Send one statement for each of `rows`."""
    try:
        cursor = _driver(connection).cursor()
        cursor.executemany(sql, rows)
        cursor.close()
    except _errors(connection) as problem:
        raise _as_sqlalchemy(connection, sql, problem) from problem


def send_outside(connection: Connection, sql: str) -> list[Values]:
    """Send what belongs to no transaction, or begins one; return its rows."""
    driver: Any = connection.connection.driver_connection
    try:
        rows: list[Values] = driver.execute(sql).fetchall()
    except _errors(connection) as problem:
        raise _as_sqlalchemy(connection, sql, problem) from problem
    return rows


class Together:
    """A block whose statements PostgreSQL gets at once. SQLite answers each as it comes.

    Answers are handed on, in order, at the end of the block; there too errors are raised.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._waiting: list[tuple[Any, Then | None]] = []
        self._pipeline: Any = None

    def __enter__(self) -> Self:
        """Begin."""
        if self.connection.dialect.name == "postgresql":
            self._pipeline = _driver(self.connection).pipeline()
            self._pipeline.__enter__()
        return self

    def ask(self, sql: str, parameters: Parameters, then: Then | None = None) -> None:
        """Send a statement; `then` gets its rows."""
        if self._pipeline is None:
            rows = send(self.connection, sql, parameters)
            if then is not None:
                then(rows)
            return
        try:
            cursor = _driver(self.connection).execute(sql, parameters)
        except _errors(self.connection) as failed:
            raise _as_sqlalchemy(self.connection, sql, failed) from failed
        self._waiting.append((cursor, then))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for all answers."""
        if self._pipeline is None:
            return
        try:
            self._pipeline.__exit__(kind, problem, trace)
        except _errors(self.connection) as failed:
            raise _as_sqlalchemy(self.connection, "several statements", failed) from failed
        if problem is None:
            for cursor, then in self._waiting:
                if then is not None:
                    then(cursor.fetchall())
                cursor.close()


def _driver(connection: Connection) -> Any:
    """Return the driver's own connection, in a transaction that SQLAlchemy knows of."""
    if not connection.in_transaction():
        connection.begin()  # what this reads belongs to the snapshot of what is read after it
    return connection.connection.driver_connection


def _errors(connection: Connection) -> type[Exception]:
    driver: Any = connection.dialect.dbapi
    found: type[Exception] = driver.Error
    return found


def _as_sqlalchemy(connection: Connection, sql: str, problem: Exception) -> Exception:
    """Return the driver's error as SQLAlchemy itself would raise it.

    Callers tell conflicts and poison apart by this.
    """
    return DBAPIError.instance(
        sql, None, problem, _errors(connection), hide_parameters=True, dialect=connection.dialect
    )
