"""Queries that are asked all the time: written in SQLAlchemy once, then sent as plain text.

Putting a statement together, looking its text up and describing its result costs
SQLAlchemy several times what SQLite or PostgreSQL need to answer it. A push and an
order ask a dozen such questions each.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, cast

from sqlalchemy import Boolean, ColumnElement, Connection, Dialect, Executable, bindparam, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import Select

from central_server.storage.bulk import any_of, as_list, is_postgresql

Values = tuple[Any, ...]


class Engine(NamedTuple):
    """What a query may differ by."""

    is_postgresql: bool

    def among(self, column: Any, name: str) -> ColumnElement[bool]:
        """Return `column IN (the list that is given as the parameter `name`)`."""
        condition = text(any_of(column, name, postgresql=self.is_postgresql))
        return cast("ColumnElement[bool]", condition.bindparams(bindparam(name)))


class _Text(NamedTuple):
    sql: str
    order: tuple[str, ...] | None
    """The parameters' names by place; None where they travel by name."""
    constants: Mapping[str, Any]
    flags: tuple[int, ...]
    """Where a row has flags: SQLite returns them as numbers."""


class Prepared:
    """One query. Parameters are `bindparam`s; lists go through `Engine.among`."""

    def __init__(self, build: Callable[[Engine], Executable]) -> None:
        self._build = build
        self._texts: dict[str, _Text] = {}

    def rows(self, connection: Connection, **values: Any) -> list[Values]:
        """Return all rows, as plain tuples."""
        text_ = self._text_for(connection)
        found = _send(connection, text_, values)
        return [_with_flags(row, text_.flags) for row in found] if text_.flags else found

    def row(self, connection: Connection, **values: Any) -> Values | None:
        """Return the first row; None where there is none."""
        found = self.rows(connection, **values)
        return found[0] if found else None

    def value(self, connection: Connection, **values: Any) -> Any:
        """Return the first column of the first row; None where there is none."""
        found = self.row(connection, **values)
        return None if found is None else found[0]

    def run(self, connection: Connection, **values: Any) -> None:
        """Send a statement whose answer does not matter."""
        _send(connection, self._text_for(connection), values)

    def _text_for(self, connection: Connection) -> _Text:
        known = self._texts.get(connection.dialect.name)
        if known is None:
            known = _compile(self._build(Engine(is_postgresql(connection))), connection.dialect)
            self._texts[connection.dialect.name] = known
        return known


def _compile(statement: Executable, dialect: Dialect) -> _Text:
    compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
    flags: tuple[int, ...] = ()
    if isinstance(statement, Select):
        columns = enumerate(statement.selected_columns)
        flags = tuple(index for index, column in columns if isinstance(column.type, Boolean))
    order = tuple(compiled.positiontup) if compiled.positional else None
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    return _Text(str(compiled), order, constants, flags)


def _send(connection: Connection, text_: _Text, values: Mapping[str, Any]) -> list[Values]:
    if not connection.in_transaction():
        connection.begin()  # what this reads belongs to the snapshot of what is read after it
    given = {
        name: as_list(value, postgresql=is_postgresql(connection))
        if isinstance(value, Collection) and not isinstance(value, str | bytes)
        else value
        for name, value in {**text_.constants, **values}.items()
    }
    parameters = given if text_.order is None else [given[name] for name in text_.order]
    driver: Any = connection.dialect.dbapi
    try:
        cursor: Any = connection.connection.cursor()
        cursor.execute(text_.sql, parameters)
        rows: list[Values] = [] if cursor.description is None else cursor.fetchall()
        cursor.close()
    except driver.Error as problem:
        # As SQLAlchemy itself would say it: callers tell conflicts and poison apart by this.
        raise DBAPIError.instance(
            text_.sql, None, problem, driver.Error, hide_parameters=True,
            dialect=connection.dialect,
        ) from problem  # fmt: skip
    return rows


def _with_flags(row: Values, flags: tuple[int, ...]) -> Values:
    values = list(row)
    for index in flags:
        values[index] = None if values[index] is None else bool(values[index])
    return tuple(values)
