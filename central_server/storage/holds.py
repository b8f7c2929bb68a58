"""Why orders are not released to a location yet, and what is kept for them meanwhile."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    bindparam,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    update,
)

from central_server.records import OrderHold
from central_server.shipping_records import KeptUnits
from central_server.storage.bulk import among, insert_many, upsert_many
from central_server.storage.prepared import Prepared
from central_server.storage.routing_tables import KEPT_UNITS, ORDER_HOLDS
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
_KEPT = ("order_id", "sku", "location_id", "channel", "units", "rule_version", "until_ms")
_PLACE = (KEPT_UNITS.c.sku, KEPT_UNITS.c.location_id, KEPT_UNITS.c.channel)
_KEPT_OF = Prepared(
    lambda engine: (
        select(*_PLACE, cast(func.sum(KEPT_UNITS.c.units), BigInteger))
        .where(
            engine.among(KEPT_UNITS.c.sku, "skus"),
            KEPT_UNITS.c.rule_version == bindparam("version"),
            or_(KEPT_UNITS.c.until_ms.is_(None), KEPT_UNITS.c.until_ms > bindparam("now_ms")),
        )
        .group_by(*_PLACE)
        .order_by(*_PLACE)
    )
)


class Holds:
    """The tables `order_holds` and `kept_units`. Who changes an order's has locked the order.

    But for what concerns many orders at once, and does no harm whenever it comes: `look_at` lets
    whoever locks them next look, and units that are let go are the network's, as of others.
    """

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

    def waiting(
        self, kind: str | None, limit: int, *, names: str = "", beyond_ms: int | None = None
    ) -> list[OrderHold]:
        """Return what is open, of one kind or of all, the oldest first.

        With `names`, only what has this word somewhere in its data; with `beyond_ms`, only what
        ends by its time, and later than that.
        """
        wanted = self._all().where(_OPEN)
        if kind is not None:
            wanted = wanted.where(_TABLE.kind == kind)
        if names:
            wanted = wanted.where(_TABLE.data.contains(json.dumps(names), autoescape=True))
        if beyond_ms is not None:
            wanted = wanted.where(_TABLE.until_ms > beyond_ms)
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
        held = exists().where(_TABLE.order_id == order_id, _OPEN)
        self._connection.execute(delete(KEPT_UNITS).where(KEPT_UNITS.c.order_id == order_id, ~held))

    def keep(
        self, order_id: str, channel: str, units: Mapping[tuple[str, str], int], version: int,
        until_ms: int | None,
    ) -> None:  # fmt: skip
        """Keep units by (SKU, location) for an order that is held, and nothing else.

        By the routing rules of a version, until they change by themselves (`until_ms`). Whoever
        keeps anything has the SKUs for itself (`Stock.lock_network`).
        """
        self.let_go([order_id])
        rows = [
            (order_id, sku, place, channel, count, version, until_ms)
            for (sku, place), count in sorted(units.items())
        ]
        insert_many(self._connection, KEPT_UNITS, _KEPT, rows)

    def let_go(self, order_ids: Collection[str]) -> None:
        """Keep nothing at any location for these orders: their units are the network's."""
        self._connection.execute(
            delete(KEPT_UNITS).where(among(self._connection, KEPT_UNITS.c.order_id, order_ids))
        )

    def all_kept(self) -> dict[tuple[str, str], int]:
        """Return what is kept by (SKU, location), by whatever rules."""
        key = (KEPT_UNITS.c.sku, KEPT_UNITS.c.location_id)
        rows = self._connection.execute(select(*key, func.sum(KEPT_UNITS.c.units)).group_by(*key))
        return {(sku, place): int(units) for sku, place, units in rows}

    def kept(self, skus: Collection[str], version: int, now_ms: int) -> list[KeptUnits]:
        """Return what is kept of `skus` by rules of routing that still hold."""
        rows = _KEPT_OF.rows(self._connection, skus=skus, version=version, now_ms=now_ms)
        return [KeptUnits(*row) for row in rows]

    def _all(self) -> Any:
        return select(*(_TABLE[name] for name in _COLUMNS))

    def _found(self, wanted: Any) -> list[OrderHold]:
        return [
            OrderHold(order_id, kind, opened, until, text, json.loads(data), *rest)
            for order_id, kind, opened, until, text, data, *rest in self._connection.execute(wanted)
        ]
