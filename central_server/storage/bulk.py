"""Many rows in few statements, on both engines.

PostgreSQL takes whole columns as arrays (`unnest`), written as array literals here
because psycopg's own way costs several times more than the insert. SQLite takes rows one by one
through a prepared statement, or as one JSON array where they are joined. IN lists
travel as one value, so the statement's text is always the same and is cached.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Any, cast

from pydantic_core import to_json
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Float,
    LargeBinary,
    Row,
    Table,
    Text,
    text,
)

from central_server.storage.raw import Parameters, Then, Together, Values, send, send_rows

ROWS_PER_STATEMENT = 10_000
_NUMBERS = {int, float, bool}
Rows = Sequence[tuple[Any, ...]]
AnyRow = Row[*tuple[Any, ...]]
"""A row of a query, whatever its columns."""

_POSTGRESQL_TYPES = (
    (Boolean, "boolean"),
    (BigInteger, "bigint"),
    (Float, "double precision"),
    (LargeBinary, "bytea"),
    (Text, "text"),
)


def is_postgresql(connection: Connection) -> bool:
    """Return whether this is PostgreSQL; the other engine is SQLite."""
    return connection.dialect.name == "postgresql"


def among(connection: Connection, column: Any, values: Collection[str]) -> ColumnElement[bool]:
    """Return `column IN (values)`, the values being one parameter however many they are.

    Written as text: put together from expressions it costs twenty times as much,
    and a push asks a dozen times.
    """
    parameter = f"{column.table.name}_{column.name}"
    postgresql = is_postgresql(connection)
    condition = text(any_of(column, parameter, postgresql=postgresql))
    return cast(
        "ColumnElement[bool]",
        condition.bindparams(**{parameter: as_list(values, postgresql=postgresql)}),
    )


def any_of(column: Any, parameter: str, *, postgresql: bool) -> str:
    """Return the text of `column IN (a list)`, the list being one parameter (see `as_list`)."""
    # A join over an unnested array is planned well, `= ANY` of an unknown array is not.
    listed = "unnest(CAST(:{} AS text[]))" if postgresql else "value FROM json_each(:{})"
    return f"{column.table.name}.{column.name} IN (SELECT {listed.format(parameter)})"


def as_list(values: Collection[str], *, postgresql: bool) -> str:
    """Return a list as the one value that `any_of` takes."""
    return _array(list(values)) if postgresql else _json(list(values))


def insert_many(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows, suffix: str = ""
) -> None:
    """Insert `rows`; `suffix` is an ON CONFLICT clause, the same on both engines.

    On PostgreSQL rows are locked in the order given.
    """
    for part in _parts(rows):
        if is_postgresql(connection):
            send(connection, _insert_arrays(table, columns, suffix), _columns(part))
        else:
            send_rows(connection, _insert_rows(table, columns, suffix), part)


def insert_among(
    together: Together,
    table: Table,
    columns: tuple[str, ...],
    rows: Rows,
    suffix: str = "",
    returning: str = "",
) -> list[Values]:
    """Insert `rows` among other statements.

    The list gets what is `returning` of those inserted or updated, at the block's end.
    """
    returned: list[Values] = []
    suffix += f" RETURNING {returning}" if returning else ""
    then = returned.extend if returning else None
    for part in _parts(rows):
        if is_postgresql(together.connection):
            together.ask(_insert_arrays(table, columns, suffix), _columns(part), then)
        elif returning:
            together.ask(_insert_json(table, columns, suffix), (_json(part),), then)
        else:
            send_rows(together.connection, _insert_rows(table, columns, suffix), part)
    return returned


def upsert_many(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Rows,
    *,
    keep: Collection[str] = (),
) -> None:
    """Insert `rows` or replace those with the same primary key, except the columns in `keep`."""
    keys = [column.name for column in table.primary_key]
    changed = [name for name in columns if name not in keys and name not in keep]
    sets = ", ".join(f'"{name}" = excluded."{name}"' for name in changed)
    what = f"UPDATE SET {sets}" if changed else "NOTHING"
    insert_many(connection, table, columns, rows, f" ON CONFLICT ({', '.join(keys)}) DO {what}")


def update_many(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Rows,
    *,
    sets: str,
    where: str,
    returning: str,
) -> list[Values]:
    """Update from `rows`, which the SQL names `v`; return what was changed."""
    changed: list[Values] = []
    for part in _parts(rows):
        sql, parameters = _update(connection, table, columns, part, (sets, where, returning))
        changed += send(connection, sql, parameters)
    return changed


def update_among(
    together: Together,
    table: Table,
    columns: tuple[str, ...],
    rows: Rows,
    *,
    sets: str,
    where: str,
) -> None:
    """Update from `rows` as `update_many`, among other statements."""
    for part in _parts(rows):
        together.ask(*_update(together.connection, table, columns, part, (sets, where, "")))


def _update(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Rows,
    how: tuple[str, str, str],
) -> tuple[str, Parameters]:
    if is_postgresql(connection):
        return _update_arrays(table, columns, *how), _columns(rows)
    return _update_json(table, columns, *how), (_json(rows),)


def find_many(
    connection: Connection,
    table: Table,
    keys: tuple[str, ...],
    rows: Rows,
    *,
    what: str,
    joins: str = "",
    more: str = "",
) -> list[Values]:
    """Return `what` of the rows whose columns `keys` are among `rows`, which the SQL names `v`.

    `more` follows the condition: further ones, an order, a lock.
    """
    found: list[Values] = []
    for part in _parts(rows):
        sql, parameters = _found(connection, table, keys, part, (what, joins, more))
        found += send(connection, sql, parameters)
    return found


def find_among(
    together: Together,
    table: Table,
    keys: tuple[str, ...],
    rows: Rows,
    *,
    what: str,
    joins: str = "",
    more: str = "",
    then: Then,
) -> None:
    """Find as `find_many`, among other statements; `then` gets what was found."""
    if rows:
        together.ask(*_found(together.connection, table, keys, rows, (what, joins, more)), then)


def _found(
    connection: Connection,
    table: Table,
    keys: tuple[str, ...],
    rows: Rows,
    how: tuple[str, str, str],
) -> tuple[str, Parameters]:
    if is_postgresql(connection):
        return _find(table, keys, *how, postgresql=True), _columns(rows)
    return _find(table, keys, *how, postgresql=False), (_json(rows),)


def _parts(rows: Rows) -> Iterator[Rows]:
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        yield rows[start : start + ROWS_PER_STATEMENT]


def _columns(rows: Rows) -> tuple[str, ...]:
    return tuple(map(_array, zip(*rows, strict=True)))


def _json(rows: Sequence[Any]) -> str:
    """Return rows as JSON. Bytes do not travel so: they would come out as text."""
    return to_json(rows).decode()


def _array(values: Sequence[Any]) -> str:
    """Return `values` as PostgreSQL's array literal: plain texts and numbers all at once."""
    kinds = set(map(type, values))
    if kinds == {str}:
        joined = "\0".join(values)
        if joined.count("\0") == len(values) - 1:  # else a text has one, which PostgreSQL refuses
            quoted = joined.replace("\\", "\\\\").replace('"', '\\"').replace("\0", '","')
            return f'{{"{quoted}"}}'
    if kinds <= _NUMBERS:
        return "{" + ",".join(map(str, values)) + "}"
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return '"\\\\x' + value.hex() + '"'
    return str(value)


def _arrays(table: Table, columns: tuple[str, ...]) -> str:
    types = [table.c[name].type for name in columns]
    names = [next(name for kind, name in _POSTGRESQL_TYPES if isinstance(t, kind)) for t in types]
    return f"unnest({', '.join(f'%s::{name}[]' for name in names)})"


@lru_cache(maxsize=256)
def _insert_arrays(table: Table, columns: tuple[str, ...], suffix: str) -> str:
    listed = ", ".join(f'"{name}"' for name in columns)
    source = _arrays(table, columns)
    return f"INSERT INTO {table.name} ({listed}) SELECT * FROM {source}{suffix}"


@lru_cache(maxsize=256)
def _insert_rows(table: Table, columns: tuple[str, ...], suffix: str) -> str:
    listed = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table.name} ({listed}) VALUES ({marks}){suffix}"


@lru_cache(maxsize=64)
def _insert_json(table: Table, columns: tuple[str, ...], suffix: str) -> str:
    listed = ", ".join(f'"{name}"' for name in columns)
    # Without a condition SQLite would take ON for a join's.
    return (
        f"INSERT INTO {table.name} ({listed}) SELECT * FROM {_from_json(columns)} WHERE 1{suffix}"
    )


@lru_cache(maxsize=64)
def _update_arrays(
    table: Table, columns: tuple[str, ...], sets: str, where: str, returning: str
) -> str:
    source = f"{_arrays(table, columns)} AS v ({', '.join(columns)})"
    return f"UPDATE {table.name} SET {sets} FROM {source} WHERE {where}{_returning(returning)}"


@lru_cache(maxsize=64)
def _update_json(
    table: Table, columns: tuple[str, ...], sets: str, where: str, returning: str
) -> str:
    source = _from_json(columns)
    return f"UPDATE {table.name} SET {sets} FROM {source} WHERE {where}{_returning(returning)}"


def _returning(what: str) -> str:
    return f" RETURNING {what}" if what else ""


def _from_json(columns: tuple[str, ...]) -> str:
    listed = ", ".join(f"value ->> {index} AS {name}" for index, name in enumerate(columns))
    return f"(SELECT {listed} FROM json_each(?)) AS v"


@lru_cache(maxsize=64)
def _find(
    table: Table, keys: tuple[str, ...], what: str, joins: str, more: str, *, postgresql: bool
) -> str:
    arrays = f"{_arrays(table, keys)} AS v ({', '.join(keys)})" if postgresql else ""
    same = " AND ".join(f"{table.name}.{name} = v.{name}" for name in keys)
    # SQLite takes the tables of a CROSS JOIN in the order given: the list, then the index.
    source = f"{arrays or _from_json(keys)} CROSS JOIN {table.name} {joins}"
    return f"SELECT {what} FROM {source} WHERE {same} {more}"
