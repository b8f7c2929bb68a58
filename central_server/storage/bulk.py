"""Many rows in few statements, on both engines.

PostgreSQL takes whole columns as arrays (`unnest`), written as array literals here
because psycopg's own way costs several times more than the insert. SQLite takes rows one by one
through a prepared statement, or as one JSON array where they are joined. IN lists
travel as one value, so the statement's text is always the same and is cached.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, cast

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

ROWS_PER_STATEMENT = 10_000
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
    return _array(values) if postgresql else json.dumps(list(values))


def insert_many(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows, suffix: str = ""
) -> None:
    """Insert `rows`; `suffix` is an ON CONFLICT clause, the same on both engines.

    On PostgreSQL rows are locked in the order given.
    """
    for part in _parts(rows):
        if is_postgresql(connection):
            sql = _insert_arrays(table, columns, suffix)
            connection.exec_driver_sql(sql, _columns(part))
        else:
            connection.exec_driver_sql(_insert_rows(table, columns, suffix), list(part))


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
) -> list[AnyRow]:
    """Update from `rows`, which the SQL names `v`; return what was changed."""
    changed: list[AnyRow] = []
    for part in _parts(rows):
        if is_postgresql(connection):
            sql = _update_arrays(table, columns, sets, where, returning)
            parameters: tuple[str, ...] = _columns(part)
        else:
            sql = _update_json(table, columns, sets, where, returning)
            parameters = (json.dumps(part),)
        changed += connection.exec_driver_sql(sql, parameters).fetchall()
    return changed


def _parts(rows: Rows) -> Iterator[Rows]:
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        yield rows[start : start + ROWS_PER_STATEMENT]


def _columns(rows: Rows) -> tuple[str, ...]:
    return tuple(_array(values) for values in zip(*rows, strict=True))


def _array(values: Iterable[Any]) -> str:
    """Return `values` as PostgreSQL's array literal."""
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
def _update_arrays(
    table: Table, columns: tuple[str, ...], sets: str, where: str, returning: str
) -> str:
    source = f"{_arrays(table, columns)} AS v ({', '.join(columns)})"
    return f"UPDATE {table.name} SET {sets} FROM {source} WHERE {where} RETURNING {returning}"


@lru_cache(maxsize=64)
def _update_json(
    table: Table, columns: tuple[str, ...], sets: str, where: str, returning: str
) -> str:
    listed = ", ".join(f"value ->> {index} AS {name}" for index, name in enumerate(columns))
    source = f"(SELECT {listed} FROM json_each(?)) AS v"
    return f"UPDATE {table.name} SET {sets} FROM {source} WHERE {where} RETURNING {returning}"
