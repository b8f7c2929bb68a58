"""Why orders are not released to a location yet: the table `order_holds`."""

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, text, update

from central_server.records import OrderHold
from central_server.storage.bulk import among, upsert_many
from central_server.storage.prepared import Prepared
from central_server.storage.routing_tables import ORDER_HOLDS
from central_server.storage.tables import ORDER_LINES

_COLUMNS = (
    "order_id", "kind", "opened_ms", "until_ms", "text", "data", "closed_ms", "closed_by", "note",
)  # fmt: skip
_TABLE = ORDER_HOLDS.c
_OPEN = _TABLE.closed_ms.is_(None)
_DUE = Prepared(
    lambda _: (
        select(_TABLE.order_id)
        .where(_OPEN, _TABLE.until_ms <= bindparam("now_ms"))
        .order_by(_TABLE.until_ms, _TABLE.order_id)
    )
)


class Holds:
    """The table `order_holds`. Who changes an order's holds has locked the order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, holds: Sequence[OrderHold]) -> None:
        """Hold orders; one that was closed is open again."""
        rows = [
            (
                one.order_id, one.kind, one.opened_ms, one.until_ms, one.text,
                json.dumps(dict(one.data)), None, "", "",
            )
            for one in holds
        ]  # fmt: skip
        upsert_many(self._connection, ORDER_HOLDS, _COLUMNS, rows)

    def of(self, order_id: str) -> list[OrderHold]:
        """Return an order's holds, open and closed, the oldest first."""
        wanted = self._all().where(_TABLE.order_id == order_id)
        return self._found(wanted.order_by(_TABLE.opened_ms, _TABLE.kind))

    def of_many(self, order_ids: Collection[str]) -> list[OrderHold]:
        """Return what is open of orders."""
        return self._found(
            self._all().where(among(self._connection, _TABLE.order_id, order_ids), _OPEN)
        )

    def due(self, now_ms: int) -> list[str]:
        """Return orders with a hold that is over by its time, the earliest first."""
        rows = _DUE.rows(self._connection, now_ms=now_ms)
        return list(dict.fromkeys(order_id for (order_id,) in rows))

    def waiting(self, kind: str | None, limit: int, *, names: str = "") -> list[OrderHold]:
        """Return what is open, of one kind or of all, the oldest first.

        With `names`, only what has this word somewhere in its data.
        """
        wanted = self._all().where(_OPEN)
        if kind is not None:
            wanted = wanted.where(_TABLE.kind == kind)
        if names:
            wanted = wanted.where(_TABLE.data.contains(json.dumps(names), autoescape=True))
        return self._found(wanted.order_by(_TABLE.opened_ms, _TABLE.order_id).limit(limit))

    def look_at(self, kind: str, skus: Collection[str], now_ms: int) -> None:
        """Let holds of a kind that end later be over, of orders for any of these SKUs.

        Whoever ends holds looks at those orders then, and holds them again if need be.
        """
        orders = select(ORDER_LINES.c.order_id).where(
            among(self._connection, ORDER_LINES.c.sku, skus), text("order_lines.unsourced > 0")
        )
        self._connection.execute(
            update(ORDER_HOLDS)
            .where(_OPEN, _TABLE.kind == kind, _TABLE.until_ms > now_ms)
            .where(_TABLE.order_id.in_(orders))
            .values(until_ms=now_ms)
        )

    def close(
        self, order_id: str, kinds: Collection[str], now_ms: int, *, by: str, note: str
    ) -> None:
        """End holds of an order."""
        self._connection.execute(
            update(ORDER_HOLDS)
            .where(_TABLE.order_id == order_id, _OPEN)
            .where(among(self._connection, _TABLE.kind, kinds))
            .values(closed_ms=now_ms, closed_by=by, note=note)
        )

    def _all(self) -> Any:
        return select(*(_TABLE[name] for name in _COLUMNS))

    def _found(self, wanted: Any) -> list[OrderHold]:
        return [
            OrderHold(order_id, kind, opened, until, text, json.loads(data), *rest)
            for order_id, kind, opened, until, text, data, *rest in self._connection.execute(wanted)
        ]
