"""Statements that go to the driver as they are, and what it says of them as SQLAlchemy would.

SQLAlchemy's own way of sending a text costs several times what the engines need for it.
On PostgreSQL, statements that do not wait for each other's answers share a round trip.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Values = tuple[Any, ...]
Parameters = Sequence[Any] | Mapping[str, Any]
Then = Callable[[list[Values]], None]


def send(connection: Connection, sql: str, parameters: Parameters) -> list[Values]:
    """Send one statement; return its rows, none where it has no rows to return."""
    with _as_sqlalchemy(connection, sql):
        cursor = _cursor(connection)
        cursor.execute(sql, parameters)
        rows: list[Values] = [] if cursor.description is None else cursor.fetchall()
        cursor.close()
    return rows


def send_rows(connection: Connection, sql: str, rows: Sequence[Values]) -> None:
    """Send one statement for each of `rows`."""
    with _as_sqlalchemy(connection, sql):
        cursor = _cursor(connection)
        cursor.executemany(sql, rows)
        cursor.close()


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
            _begin(self.connection)
            raw: Any = self.connection.connection.driver_connection
            self._pipeline = raw.pipeline()
            self._pipeline.__enter__()
        return self

    def ask(self, sql: str, parameters: Parameters, then: Then | None = None) -> None:
        """Send a statement; `then` gets its rows."""
        if self._pipeline is None:
            rows = send(self.connection, sql, parameters)
            if then is not None:
                then(rows)
            return
        with _as_sqlalchemy(self.connection, sql):
            cursor = _cursor(self.connection)
            cursor.execute(sql, parameters)
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
        with _as_sqlalchemy(self.connection, "several statements"):
            self._pipeline.__exit__(kind, problem, trace)
        if problem is None:
            for cursor, then in self._waiting:
                if then is not None:
                    then(cursor.fetchall())
                cursor.close()


def _begin(connection: Connection) -> None:
    if not connection.in_transaction():
        connection.begin()  # what this reads belongs to the snapshot of what is read after it


def _cursor(connection: Connection) -> Any:
    _begin(connection)
    return connection.connection.cursor()


@contextmanager
def _as_sqlalchemy(connection: Connection, sql: str) -> Iterator[None]:
    """Raise the driver's errors as SQLAlchemy itself would.

    Callers tell conflicts and poison apart by this.
    """
    driver: Any = connection.dialect.dbapi
    try:
        yield
    except driver.Error as problem:
        raise DBAPIError.instance(
            sql, None, problem, driver.Error, hide_parameters=True, dialect=connection.dialect,
        ) from problem  # fmt: skip
