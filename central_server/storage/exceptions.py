"""What a person must look at, with an owner and a due time. One row a cause while it lasts."""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select, text, tuple_, update

from central_server.records import ExceptionCursor, ExceptionFilter, ExceptionRecord
from central_server.storage.bulk import AnyRow, among, insert_many
from central_server.storage.tables import EXCEPTIONS
from sync.domain.exceptions import ExceptionOwner

_COLUMNS = (
    "id", "kind", "owner", "due_ms", "opened_ms", "order_id", "fulfillment_id", "location_id",
    "detail", "closed_ms", "cause", "assignee", "note", "closed_by",
)  # fmt: skip
_ONCE = " ON CONFLICT (cause) WHERE closed_ms IS NULL DO NOTHING"
_TABLE = EXCEPTIONS.c
_OPEN = text("closed_ms IS NULL")


class Exceptions:
    """The table `exceptions`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, records: Sequence[ExceptionRecord]) -> tuple[ExceptionRecord, ...]:
        """Open exceptions and return those that are new: a cause that is open stays as it is."""
        if not records:
            return ()
        rows = [_values(one) for one in records]
        insert_many(self._connection, EXCEPTIONS, _COLUMNS, rows, _ONCE)
        ids = among(self._connection, _TABLE.id, [one.id for one in records])
        there = set(self._connection.execute(select(_TABLE.id).where(ids)).scalars())
        return tuple(one for one in records if one.id in there)

    def get(self, exception_id: str, *, lock: bool = False) -> ExceptionRecord | None:
        """Return one exception, open or closed."""
        wanted = select(EXCEPTIONS).where(_TABLE.id == exception_id)
        row = self._connection.execute(wanted.with_for_update() if lock else wanted).one_or_none()
        return None if row is None else _record(row)

    def close(
        self, exception_ids: Collection[str], now_ms: int, *, by: str, note: str
    ) -> tuple[ExceptionRecord, ...]:
        """Close those that are open and return them as they were."""
        return self._close(among(self._connection, _TABLE.id, exception_ids), now_ms, by, note)

    def close_causes(
        self, causes: Collection[str], now_ms: int, *, by: str, note: str
    ) -> tuple[ExceptionRecord, ...]:
        """Close what is open for these causes and return it as it was."""
        return self._close(among(self._connection, _TABLE.cause, causes), now_ms, by, note)

    def _close(
        self, which: ColumnElement[bool], now_ms: int, by: str, note: str
    ) -> tuple[ExceptionRecord, ...]:
        wanted = select(EXCEPTIONS).where(which, _OPEN).order_by(_TABLE.id).with_for_update()
        found = tuple(_record(row) for row in self._connection.execute(wanted))
        if found:
            ids = among(self._connection, _TABLE.id, [one.id for one in found])
            values = {"closed_ms": now_ms, "closed_by": by, "note": note}
            self._connection.execute(update(EXCEPTIONS).where(ids).values(**values))
        return found

    def assign(self, exception_id: str, owner: str, assignee: str) -> None:
        """Let somebody else look after an exception."""
        self._connection.execute(
            update(EXCEPTIONS)
            .where(_TABLE.id == exception_id)
            .values(owner=owner, assignee=assignee)
        )

    def give_within_store(self, exception_id: str, assignee: str) -> ExceptionRecord | None:
        """Let somebody of a store look after an exception; return it as it is then.

        None, and nothing is changed, where it is closed or not the store's any more: central
        may have closed it or taken it over since the store's word was judged.
        """
        row = self._connection.execute(
            update(EXCEPTIONS)
            .where(_TABLE.id == exception_id, _OPEN, _TABLE.owner == ExceptionOwner.STORE.value)
            .values(assignee=assignee)
            .returning(EXCEPTIONS)
        ).one_or_none()
        return None if row is None else _record(row)

    def describe(self, cause: str, words: str) -> ExceptionRecord | None:
        """Say anew what is the matter with what is open for `cause`; return it as it is then."""
        wanted = select(EXCEPTIONS).where(_TABLE.cause == cause, _OPEN).with_for_update()
        row = self._connection.execute(wanted).one_or_none()
        if row is None:
            return None
        found = _record(row)
        changed = replace(found, detail={**found.detail, "text": words})
        self._connection.execute(
            update(EXCEPTIONS)
            .where(_TABLE.id == found.id)
            .values(detail=json.dumps(changed.detail))
        )
        return changed

    def page(
        self, wanted: ExceptionFilter, after: ExceptionCursor | None, limit: int
    ) -> tuple[tuple[ExceptionRecord, ...], ExceptionCursor | None]:
        """Return at most `limit`, the most urgent first, and where the next page goes on."""
        conditions = _conditions(wanted)
        if after is not None:
            place = tuple_(_TABLE.due_ms, _TABLE.id)
            conditions.append(place > tuple_(after.due_ms, after.id))
        rows = self._connection.execute(
            select(EXCEPTIONS)
            .where(and_(True, *conditions))
            .order_by(_TABLE.due_ms, _TABLE.id)
            .limit(limit + 1)
        ).all()
        found = tuple(_record(row) for row in rows[:limit])
        last = found[-1] if len(rows) > limit else None
        return found, None if last is None else ExceptionCursor(last.due_ms, last.id)

    def newest_of(self, cause: str) -> ExceptionRecord | None:
        """Return the newest exception of a cause, open or closed."""
        rows = self._connection.execute(
            select(EXCEPTIONS)
            .where(_TABLE.cause == cause)
            .order_by(_TABLE.opened_ms.desc(), _TABLE.id.desc())
            .limit(1)
        )
        row = rows.one_or_none()
        return None if row is None else _record(row)

    def open_of(self, causes: Collection[str]) -> dict[str, str]:
        """Return the ids of what is open, by cause."""
        which = among(self._connection, _TABLE.cause, causes)
        rows = self._connection.execute(select(_TABLE.cause, _TABLE.id).where(which, _OPEN))
        return dict(rows.all())

    def count_open(self) -> int:
        """Return how many are open."""
        counted = select(func.count()).select_from(EXCEPTIONS).where(_OPEN)
        return int(self._connection.execute(counted).scalar_one())

    def list_open(self, owner: str | None = None, limit: int = 100) -> tuple[ExceptionRecord, ...]:
        """Return what is open, the most urgent first, of one owner or of all."""
        return self.page(ExceptionFilter(owner=owner), None, limit)[0]

    def of_order(self, order_id: str) -> tuple[ExceptionRecord, ...]:
        """Return an order's exceptions, open and closed, oldest first."""
        rows = self._connection.execute(
            select(EXCEPTIONS)
            .where(_TABLE.order_id == order_id)
            .order_by(_TABLE.opened_ms, _TABLE.id)
        )
        return tuple(_record(row) for row in rows)


def _conditions(wanted: ExceptionFilter) -> list[ColumnElement[bool]]:
    equal: tuple[tuple[Any, object], ...] = (
        (_TABLE.owner, wanted.owner),
        (_TABLE.kind, wanted.kind),
        (_TABLE.location_id, wanted.location_id),
        (_TABLE.order_id, wanted.order_id),
    )
    conditions = [column == value for column, value in equal if value is not None]
    if wanted.is_open is not None:
        conditions.append(
            _TABLE.closed_ms.is_(None) if wanted.is_open else _TABLE.closed_ms.is_not(None)
        )
    return conditions


def _values(record: ExceptionRecord) -> tuple[Any, ...]:
    values = {name: getattr(record, name) for name in _COLUMNS}
    values["detail"] = json.dumps(record.detail)
    values["cause"] = record.cause or record.id
    return tuple(values.values())


def _record(row: AnyRow) -> ExceptionRecord:
    values = {name: getattr(row, name) for name in _COLUMNS}
    values["detail"] = json.loads(row.detail)
    return ExceptionRecord(**values)
