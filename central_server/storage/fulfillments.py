"""Fulfillment orders: their JSON, which is also their feed row's, and columns for search."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, and_, select, update

from central_server.records import StoredFulfillment
from central_server.storage.bulk import AnyRow, among, insert_many
from central_server.storage.tables import FULFILLMENT_ORDERS
from sync.domain.flows import status_of
from sync.protocol.rows import Entity, FulfillmentRow, encode_body

_COLUMNS = (
    "id", "order_id", "location_id", "flow", "status", "is_open", "promised_by_ms", "body",
    "revision", "confirm_by_ms",
)  # fmt: skip
_ADAPTER: TypeAdapter[FulfillmentRow] = TypeAdapter(FulfillmentRow)
_STORED = (
    FULFILLMENT_ORDERS.c.body, FULFILLMENT_ORDERS.c.status, FULFILLMENT_ORDERS.c.revision,
    FULFILLMENT_ORDERS.c.confirm_by_ms,
)  # fmt: skip
_REPLACE = (
    " ON CONFLICT (id) DO UPDATE SET status = excluded.status, is_open = excluded.is_open,"
    " location_id = excluded.location_id, promised_by_ms = excluded.promised_by_ms,"
    " body = excluded.body, revision = fulfillment_orders.revision + 1,"
    " confirm_by_ms = excluded.confirm_by_ms"
)


class Fulfillments:
    """The table `fulfillment_orders`. Rows are locked in id order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, fulfillment_id: str, *, lock: bool = False) -> StoredFulfillment | None:
        """Return one fulfillment order."""
        return self.get_many([fulfillment_id], lock=lock).get(fulfillment_id)

    def get_many(
        self, fulfillment_ids: Collection[str], *, lock: bool = False
    ) -> dict[str, StoredFulfillment]:
        """Return those of the given fulfillment orders that exist, by id, in one query."""
        return self._by_id(
            among(self._connection, FULFILLMENT_ORDERS.c.id, fulfillment_ids), lock=lock
        )

    def order_ids(self, fulfillment_ids: Collection[str]) -> set[str]:
        """Return of which orders these fulfillment orders are; unknown ones are left out."""
        rows = self._connection.execute(
            select(FULFILLMENT_ORDERS.c.order_id)
            .distinct()
            .where(among(self._connection, FULFILLMENT_ORDERS.c.id, fulfillment_ids))
        )
        return set(rows.scalars())

    def of_orders(
        self, order_ids: Collection[str], *, lock: bool = False
    ) -> dict[str, list[StoredFulfillment]]:
        """Return the fulfillment orders of each of `order_ids`, by order id."""
        found: dict[str, list[StoredFulfillment]] = {order_id: [] for order_id in order_ids}
        wanted = among(self._connection, FULFILLMENT_ORDERS.c.order_id, order_ids)
        for stored in self._by_id(wanted, lock=lock).values():
            found[stored.row.order.order_id].append(stored)
        return found

    def open_at(self, location_id: str) -> list[StoredFulfillment]:
        """Return what a location still has to do, the earliest promise first."""
        rows = self._connection.execute(
            select(*_STORED)
            .where(
                FULFILLMENT_ORDERS.c.location_id == location_id,
                FULFILLMENT_ORDERS.c.is_open.is_(True),
            )
            .order_by(FULFILLMENT_ORDERS.c.promised_by_ms, FULFILLMENT_ORDERS.c.id)
        )
        return [_stored(row) for row in rows]

    def open_with(self, location_id: str, sku: str) -> list[str]:
        """Return the ids of a location's open fulfillment orders that have a line of `sku`."""
        return [
            one.row.order.id
            for one in self.open_at(location_id)
            if any(line.sku == sku for line in one.row.order.lines)
        ]

    def all_at(self, location_id: str) -> list[StoredFulfillment]:
        """Return everything that a location has or had to do, by id."""
        return list(
            self._by_id(FULFILLMENT_ORDERS.c.location_id == location_id, lock=False).values()
        )

    def lapsed(self, now_ms: int, location_id: str | None = None) -> list[StoredFulfillment]:
        """Return open promises that were to be confirmed before `now_ms` and are not."""
        table = FULFILLMENT_ORDERS.c
        late = table.confirm_by_ms < now_ms
        return list(
            self._by_id(
                late if location_id is None else and_(late, table.location_id == location_id),
                lock=False,
            ).values()
        )

    def end_confirmations(self, now_ms: int) -> None:
        """Let every promise lapse that is not confirmed by now, whatever is written to it later."""
        table = FULFILLMENT_ORDERS.c
        self._connection.execute(
            update(FULFILLMENT_ORDERS)
            .where(table.confirm_by_ms >= now_ms)
            .values(confirm_by_ms=now_ms - 1)
        )

    def upsert_many(self, rows: Sequence[FulfillmentRow]) -> dict[str, str]:
        """Add fulfillment orders or replace them; the revision counts up.

        Returns each one's JSON by id: it is the body of its feed row.
        """
        bodies = {row.order.id: encode_body(Entity.FULFILLMENT, row) for row in rows}
        newest = {row.order.id: row for row in rows}
        values = [_values(newest[key], bodies[key]) for key in sorted(newest)]
        insert_many(self._connection, FULFILLMENT_ORDERS, _COLUMNS, values, _REPLACE)
        return bodies

    def _by_id(self, condition: Any, *, lock: bool) -> dict[str, StoredFulfillment]:
        wanted = select(*_STORED).where(condition).order_by(FULFILLMENT_ORDERS.c.id)
        rows = self._connection.execute(wanted.with_for_update() if lock else wanted)
        return {stored.row.order.id: stored for stored in map(_stored, rows)}


def _stored(row: AnyRow) -> StoredFulfillment:
    found = _ADAPTER.validate_json(row.body)
    # The column rules: `end_confirmations` writes no bodies, as each would be a row of the feed.
    if row.confirm_by_ms is not None and row.confirm_by_ms != found.order.confirm_by_ms:
        found = replace(found, order=replace(found.order, confirm_by_ms=row.confirm_by_ms))
    return StoredFulfillment(found, row.status, row.revision)


def _values(row: FulfillmentRow, body: str) -> tuple[Any, ...]:
    order = row.order
    is_open = any(line.open > 0 or line.held > 0 for line in order.lines)
    return (
        order.id, order.order_id, order.location_id, order.flow, status_of(order).value, is_open,
        order.promised_by_ms, body, 1,
        order.confirm_by_ms if is_open and order.is_unconfirmed else None,
    )  # fmt: skip
