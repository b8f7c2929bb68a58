"""Side effects that leave after the commit, at least once, each under its key."""

import json
from collections.abc import Collection, Sequence
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection, Row, delete, func, or_, select, update

from central_server.records import OutboxItem
from central_server.storage.bulk import among, insert_among
from central_server.storage.raw import Together
from central_server.storage.tables import OUTBOX

WAIT_MAX_MS = 2 * 3_600_000
"""Nothing is put off for longer: what seems to be, was written by a clock that was ahead."""
_COLUMNS = (
    "id", "kind", "key", "payload", "created_ms", "attempts", "not_before_ms", "last_error",
)  # fmt: skip


class Outbox:
    """The table `outbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, items: Sequence[OutboxItem]) -> None:
        """Add side effects; one whose key is there already is dropped."""
        with Together(self._connection) as together:
            self.insert_among(together, items)

    def insert_among(self, together: Together, items: Sequence[OutboxItem]) -> None:
        """Add side effects among other statements."""
        rows = [
            (
                item.id, item.kind, item.key, to_json(item.payload).decode(), item.created_ms,
                item.attempts, item.created_ms, "",
            )
            for item in items
        ]  # fmt: skip
        insert_among(together, OUTBOX, _COLUMNS, rows, " ON CONFLICT (key) DO NOTHING")

    def claim(
        self, now_ms: int, *, lease_ms: int, limit: int = 50, kinds: Collection[str] = ()
    ) -> tuple[OutboxItem, ...]:
        """Take what is due for `lease_ms`, oldest first; others do not get it meanwhile.

        `kinds` limits it to these, if any are named.

        Commit, do the work outside the transaction, then call `done`, `failed` or `give_back`.
        """
        due = [
            OUTBOX.c.done_ms.is_(None),
            or_(
                OUTBOX.c.not_before_ms <= now_ms,
                OUTBOX.c.not_before_ms > now_ms + WAIT_MAX_MS,  # the clock was set back
            ),
        ]
        if kinds:
            due.append(among(self._connection, OUTBOX.c.kind, kinds))
        rows = self._connection.execute(
            select(OUTBOX)
            .where(*due)
            .order_by(OUTBOX.c.not_before_ms, OUTBOX.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        taken = [row.id for row in rows]
        self._connection.execute(
            update(OUTBOX)
            .where(among(self._connection, OUTBOX.c.id, taken))
            .values(attempts=OUTBOX.c.attempts + 1, not_before_ms=now_ms + lease_ms)
        )
        return tuple(_item(row, row.attempts + 1) for row in rows)

    def give_back(self, item_ids: Collection[str], until_ms: int) -> None:
        """End claims until `until_ms`, of which nothing was tried: who comes next gets them.

        Those that are not claimed until then are somebody else's by now.
        """
        self._connection.execute(
            update(OUTBOX)
            .where(
                among(self._connection, OUTBOX.c.id, item_ids),
                OUTBOX.c.done_ms.is_(None),
                OUTBOX.c.not_before_ms == until_ms,
            )
            # Their age is their turn: behind what came meanwhile some would never leave.
            .values(attempts=OUTBOX.c.attempts - 1, not_before_ms=OUTBOX.c.created_ms)
        )

    def newest(self, keys: Collection[str]) -> OutboxItem | None:
        """Return the newest side effect under one of these keys, left or not."""
        row = self._connection.execute(
            select(OUTBOX)
            .where(among(self._connection, OUTBOX.c.key, keys))
            .order_by(OUTBOX.c.created_ms.desc(), OUTBOX.c.id.desc())
            .limit(1)
        ).first()
        return None if row is None else _item(row, row.attempts)

    def call_off(self, item_id: str) -> bool:
        """Remove a side effect that nobody has tried yet; return whether that was in time."""
        removed = self._connection.execute(
            delete(OUTBOX).where(OUTBOX.c.id == item_id, OUTBOX.c.attempts == 0)
        )
        return bool(removed.rowcount)

    def done(self, item_id: str, now_ms: int) -> bool:
        """Write that a side effect has left; return whether nobody wrote that before."""
        return bool(self.done_many([item_id], now_ms))

    def done_many(self, item_ids: Collection[str], now_ms: int) -> int:
        """Write that side effects have left; return of how many nobody wrote that before."""
        written = self._connection.execute(
            update(OUTBOX)
            .where(among(self._connection, OUTBOX.c.id, item_ids), OUTBOX.c.done_ms.is_(None))
            .values(done_ms=now_ms, last_error="")
        )
        return written.rowcount

    def failed(self, item_id: str, error: str, retry_at_ms: int) -> None:
        """Write why a side effect did not leave, and when to try again."""
        self._connection.execute(
            update(OUTBOX)
            .where(OUTBOX.c.id == item_id)
            .values(last_error=error[:500], not_before_ms=retry_at_ms)
        )

    def waiting(self) -> int:
        """Return how many have not left yet."""
        open_ones = select(func.count()).select_from(OUTBOX).where(OUTBOX.c.done_ms.is_(None))
        return self._connection.execute(open_ones).scalar_one()


def _item(row: Row[Any], attempts: int) -> OutboxItem:
    payload = json.loads(row.payload)
    return OutboxItem(row.id, row.kind, row.key, payload, row.created_ms, attempts)
