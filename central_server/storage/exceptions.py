"""What a person must look at, with an owner and a due time."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update

from central_server.records import ExceptionRecord
from central_server.storage.bulk import AnyRow, insert_many
from central_server.storage.tables import EXCEPTIONS

_COLUMNS = (
    "id", "kind", "owner", "due_ms", "opened_ms", "order_id", "fulfillment_id", "location_id",
    "detail", "closed_ms",
)  # fmt: skip


class Exceptions:
    """The table `exceptions`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, records: Sequence[ExceptionRecord]) -> None:
        """Open exceptions, in bulk."""
        insert_many(self._connection, EXCEPTIONS, _COLUMNS, [_values(one) for one in records])

    def close(self, exception_id: str, now_ms: int) -> bool:
        """Close one; return whether it was open."""
        still_open = EXCEPTIONS.c.id == exception_id, EXCEPTIONS.c.closed_ms.is_(None)
        changed = update(EXCEPTIONS).where(*still_open).values(closed_ms=now_ms)
        return self._connection.execute(changed).rowcount == 1

    def close_for(self, fulfillment_id: str, kind: str, now_ms: int) -> int:
        """Close a fulfillment order's open exceptions of a kind; return how many."""
        changed = (
            update(EXCEPTIONS)
            .where(
                EXCEPTIONS.c.fulfillment_id == fulfillment_id,
                EXCEPTIONS.c.kind == kind,
                EXCEPTIONS.c.closed_ms.is_(None),
            )
            .values(closed_ms=now_ms)
        )
        return self._connection.execute(changed).rowcount

    def list_open(self, owner: str | None = None, limit: int = 100) -> tuple[ExceptionRecord, ...]:
        """Return what is open, the most urgent first, of one owner or of all."""
        conditions: list[ColumnElement[bool]] = [EXCEPTIONS.c.closed_ms.is_(None)]
        if owner is not None:
            conditions.append(EXCEPTIONS.c.owner == owner)
        rows = self._connection.execute(
            select(EXCEPTIONS)
            .where(*conditions)
            .order_by(EXCEPTIONS.c.due_ms, EXCEPTIONS.c.id)
            .limit(limit)
        )
        return tuple(_record(row) for row in rows)

    def of_order(self, order_id: str) -> tuple[ExceptionRecord, ...]:
        """Return an order's exceptions, open and closed, oldest first."""
        rows = self._connection.execute(
            select(EXCEPTIONS)
            .where(EXCEPTIONS.c.order_id == order_id)
            .order_by(EXCEPTIONS.c.opened_ms, EXCEPTIONS.c.id)
        )
        return tuple(_record(row) for row in rows)


def _values(record: ExceptionRecord) -> tuple[Any, ...]:
    values = {name: getattr(record, name) for name in _COLUMNS}
    values["detail"] = json.dumps(record.detail)
    return tuple(values.values())


def _record(row: AnyRow) -> ExceptionRecord:
    values = {name: getattr(row, name) for name in _COLUMNS}
    values["detail"] = json.loads(row.detail)
    return ExceptionRecord(**values)
