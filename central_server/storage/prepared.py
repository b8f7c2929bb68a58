"""Queries that are asked all the time: written in SQLAlchemy once, then sent as plain text.

Putting a statement together, looking its text up and describing its result costs
SQLAlchemy several times what SQLite or PostgreSQL need to answer it. A push and an
order ask a dozen such questions each.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

from sqlalchemy import Boolean, ColumnElement, Connection, Dialect, Executable, bindparam, text
from sqlalchemy.sql import Select

from central_server.storage.bulk import any_of, as_list, is_postgresql
from central_server.storage.raw import Parameters, Then, Together, Values, send

_PLAIN = (str, int, float, bytes, type(None))
"""What a parameter is, if not a list: `isinstance` of `Collection` would cost ten times as much."""


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
    constants: dict[str, Any]
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
        return _with_flags(send(connection, text_.sql, _given(connection, text_, values)), text_)

    def ask(self, together: Together, then: Then, **values: Any) -> None:
        """Ask among others; `then` gets all rows."""
        text_ = self._text_for(together.connection)
        given = _given(together.connection, text_, values)
        together.ask(text_.sql, given, lambda rows: then(_with_flags(rows, text_)))

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
        text_ = self._text_for(connection)
        send(connection, text_.sql, _given(connection, text_, values))

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


def _given(connection: Connection, text_: _Text, values: dict[str, Any]) -> Parameters:
    postgresql = is_postgresql(connection)
    given = {
        name: value if isinstance(value, _PLAIN) else as_list(value, postgresql=postgresql)
        for name, value in (text_.constants | values if text_.constants else values).items()
    }
    return given if text_.order is None else [given[name] for name in text_.order]


def _with_flags(rows: list[Values], text_: _Text) -> list[Values]:
    return [_flagged(row, text_.flags) for row in rows] if text_.flags else rows


def _flagged(row: Values, flags: tuple[int, ...]) -> Values:
    values = list(row)
    for index in flags:
        values[index] = None if values[index] is None else bool(values[index])
    return tuple(values)
