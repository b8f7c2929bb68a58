"""Fulfillment orders: their JSON, which is also their feed row's, and columns for search."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, select, update

from central_server.records import StoredFulfillment
from central_server.storage.bulk import Rows, insert_among, insert_many
from central_server.storage.prepared import Engine, Prepared
from central_server.storage.raw import Together, Values
from central_server.storage.tables import FULFILLMENT_ORDERS
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentStatus
from sync.domain.ids import first_id
from sync.protocol.adapters import adapter
from sync.protocol.rows import Entity, FulfillmentRow, encode_body

_COLUMNS = (
    "id", "order_id", "location_id", "flow", "status", "is_open", "promised_by_ms", "body",
    "revision", "confirm_by_ms", "hold_until_ms", "pickup_by_ms",
)  # fmt: skip
_STORED = (
    FULFILLMENT_ORDERS.c.body, FULFILLMENT_ORDERS.c.status, FULFILLMENT_ORDERS.c.revision,
    FULFILLMENT_ORDERS.c.confirm_by_ms,
)  # fmt: skip
_NOT_HELD = frozenset(
    {
        FulfillmentStatus.TENDERING, FulfillmentStatus.REFUND_DUE, FulfillmentStatus.CONVERTED,
        FulfillmentStatus.RELEASED, FulfillmentStatus.EXPIRED, FulfillmentStatus.CANCELLED,
        FulfillmentStatus.REJECTED, FulfillmentStatus.SHIPPED,
    }
)  # fmt: skip
_REPLACE = (
    " ON CONFLICT (id) DO UPDATE SET status = excluded.status, is_open = excluded.is_open,"
    " location_id = excluded.location_id, promised_by_ms = excluded.promised_by_ms,"
    " body = excluded.body, revision = fulfillment_orders.revision + 1,"
    " confirm_by_ms = excluded.confirm_by_ms, hold_until_ms = excluded.hold_until_ms,"
    " pickup_by_ms = excluded.pickup_by_ms"
)


def _by_id(condition: Any) -> Select[Any]:
    return select(*_STORED).where(condition).order_by(FULFILLMENT_ORDERS.c.id)


def _due(condition: Any) -> Prepared:
    """Return the query for the few orders of a narrow index.

    Not in their order: to save the sort, SQLite would rather walk all orders by id.
    """
    return Prepared(lambda _: select(*_STORED).where(condition))


def _with_and_without_lock(build: Callable[[Engine], Select[Any]]) -> dict[bool, Prepared]:
    return {
        False: Prepared(build),
        True: Prepared(lambda engine: build(engine).with_for_update()),
    }


_BY_ID = _with_and_without_lock(lambda engine: _by_id(engine.among(FULFILLMENT_ORDERS.c.id, "ids")))
_BY_ORDER = _with_and_without_lock(
    lambda engine: _by_id(engine.among(FULFILLMENT_ORDERS.c.order_id, "ids"))
)
_ORDER_IDS = Prepared(
    lambda engine: (
        select(FULFILLMENT_ORDERS.c.order_id)
        .distinct()
        .where(engine.among(FULFILLMENT_ORDERS.c.id, "ids"))
    )
)
_LAPSED = _due(FULFILLMENT_ORDERS.c.confirm_by_ms < bindparam("now_ms"))
_IDLE = _due(
    and_(
        FULFILLMENT_ORDERS.c.accept_by_ms < bindparam("now_ms"),
        FULFILLMENT_ORDERS.c.is_open.is_(True),
        FULFILLMENT_ORDERS.c.status == FulfillmentStatus.NEW.value,
    )
)
_HELD_UNTIL = _due(FULFILLMENT_ORDERS.c.hold_until_ms < bindparam("now_ms"))
_PICKUP_BY = _due(
    and_(
        FULFILLMENT_ORDERS.c.pickup_by_ms > bindparam("now_ms"),
        FULFILLMENT_ORDERS.c.pickup_by_ms <= bindparam("until_ms"),
    )
)
_FETCHED = frozenset({FulfillmentStatus.READY_FOR_PICKUP, FulfillmentStatus.PARTIALLY_PICKED_UP})
_WAITING = _due(
    and_(
        FULFILLMENT_ORDERS.c.hold_until_ms.is_not(None),
        FULFILLMENT_ORDERS.c.status == FulfillmentStatus.WAITLISTED.value,
    )
)
_ALL_AT = Prepared(lambda _: _by_id(FULFILLMENT_ORDERS.c.location_id == bindparam("place")))
_MADE = Prepared(
    lambda _: _by_id(
        and_(
            FULFILLMENT_ORDERS.c.id >= bindparam("first"),
            FULFILLMENT_ORDERS.c.id < bindparam("end"),
        )
    )
)
_OPEN_AT = Prepared(
    lambda _: (
        select(*_STORED)
        .where(
            FULFILLMENT_ORDERS.c.location_id == bindparam("place"),
            FULFILLMENT_ORDERS.c.is_open.is_(True),
        )
        .order_by(FULFILLMENT_ORDERS.c.promised_by_ms, FULFILLMENT_ORDERS.c.id)
    )
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
        rows = _BY_ID[lock].rows(self._connection, ids=fulfillment_ids)
        return {stored.row.order.id: stored for stored in map(_stored, rows)}

    def order_ids(self, fulfillment_ids: Collection[str]) -> set[str]:
        """Return of which orders these fulfillment orders are; unknown ones are left out."""
        rows = _ORDER_IDS.rows(self._connection, ids=fulfillment_ids)
        return {order_id for (order_id,) in rows}

    def of_orders(
        self, order_ids: Collection[str], *, lock: bool = False
    ) -> dict[str, list[StoredFulfillment]]:
        """Return the fulfillment orders of each of `order_ids`, by order id."""
        found: dict[str, list[StoredFulfillment]] = {order_id: [] for order_id in order_ids}
        rows = _BY_ORDER[lock].rows(self._connection, ids=order_ids)
        for stored in map(_stored, rows):
            found[stored.row.order.order_id].append(stored)
        return found

    def open_at(self, location_id: str) -> list[StoredFulfillment]:
        """Return what a location still has to do, the earliest promise first."""
        return [_stored(row) for row in _OPEN_AT.rows(self._connection, place=location_id)]

    def open_with(self, location_id: str, sku: str) -> list[str]:
        """Return the ids of a location's open fulfillment orders that have a line of `sku`."""
        return [
            one.row.order.id
            for one in self.open_at(location_id)
            if any(line.sku == sku for line in one.row.order.lines)
        ]

    def all_at(self, location_id: str) -> list[StoredFulfillment]:
        """Return everything that a location has or had to do, by id."""
        return [_stored(row) for row in _ALL_AT.rows(self._connection, place=location_id)]

    def made(self, from_ms: int, until_ms: int) -> list[StoredFulfillment]:
        """Return those that were made in a period, in that order: ids sort by time."""
        rows = _MADE.rows(self._connection, first=first_id(from_ms), end=first_id(until_ms))
        return [_stored(row) for row in rows]

    def lapsed(self, now_ms: int, location_id: str | None = None) -> list[StoredFulfillment]:
        """Return open promises that were to be confirmed before `now_ms` and are not."""
        return _at(location_id, _LAPSED.rows(self._connection, now_ms=now_ms))

    def set_accept_by(self, times: Mapping[str, int]) -> None:
        """Set by when fulfillment orders have to be accepted, by id (ms)."""
        for fulfillment_id, accept_by_ms in sorted(times.items()):
            self._connection.execute(
                update(FULFILLMENT_ORDERS)
                .where(FULFILLMENT_ORDERS.c.id == fulfillment_id)
                .values(accept_by_ms=accept_by_ms)
            )

    def idle(self, now_ms: int, location_id: str | None = None) -> list[StoredFulfillment]:
        """Return open work that nobody accepted in time."""
        return _at(location_id, _IDLE.rows(self._connection, now_ms=now_ms))

    def held_until(self, now_ms: int, location_id: str | None = None) -> list[StoredFulfillment]:
        """Return reservations whose hold, or whose wait, ended before `now_ms`."""
        return _at(location_id, _HELD_UNTIL.rows(self._connection, now_ms=now_ms))

    def waiting_until(self, now_ms: int, until_ms: int) -> list[StoredFulfillment]:
        """Return paid goods that wait for their customer until a time in this span."""
        rows = _PICKUP_BY.rows(self._connection, now_ms=now_ms, until_ms=until_ms)
        return _at(None, rows)

    def waiting(self, location_id: str | None = None) -> list[StoredFulfillment]:
        """Return what is on waiting lists, in the order in which it came."""
        found = _at(location_id, _WAITING.rows(self._connection))
        return sorted(found, key=lambda one: one.row.order.placed_at_ms)

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
        values = _all_values({row.order.id: row for row in rows}, bodies)
        insert_many(self._connection, FULFILLMENT_ORDERS, _COLUMNS, values, _REPLACE)
        return bodies

    def insert_among(
        self, together: Together, rows: Sequence[FulfillmentRow], bodies: Mapping[str, str]
    ) -> None:
        """Add new fulfillment orders among other statements; `bodies` is their JSON by id."""
        values = _all_values({row.order.id: row for row in rows}, bodies)
        insert_among(together, FULFILLMENT_ORDERS, _COLUMNS, values)


def _at(location_id: str | None, rows: Iterable[Values]) -> list[StoredFulfillment]:
    """Return what is a location's, or of all, by id."""
    found = [one for one in map(_stored, rows) if location_id in {None, one.row.order.location_id}]
    return sorted(found, key=lambda one: one.row.order.id)


def _stored(values: Values) -> StoredFulfillment:
    body, status, revision, confirm_by_ms = values
    found = adapter(FulfillmentRow).validate_json(body)
    # The column rules: `end_confirmations` writes no bodies, as each would be a row of the feed.
    if confirm_by_ms is not None and confirm_by_ms != found.order.confirm_by_ms:
        found = replace(found, order=replace(found.order, confirm_by_ms=confirm_by_ms))
    return StoredFulfillment(found, status, revision)


def _all_values(rows: Mapping[str, FulfillmentRow], bodies: Mapping[str, str]) -> Rows:
    return [_values(rows[key], bodies[key]) for key in sorted(rows)]


def _values(row: FulfillmentRow, body: str) -> tuple[Any, ...]:
    order = row.order
    status = status_of(order)
    is_wanted = any(line.open > 0 for line in order.lines)
    has_units = is_wanted or any(line.held > 0 for line in order.lines)
    is_open = has_units or order.is_unsettled or order.waits
    is_held = order.reserve is not None and status not in _NOT_HELD and not order.is_unsettled
    return (
        order.id, order.order_id, order.location_id, order.flow, status.value, is_open,
        order.promised_by_ms, body, 1,
        order.confirm_by_ms if is_wanted and order.is_unconfirmed else None,
        order.expires_at_ms if is_held else None,
        order.expires_at_ms if order.reserve is None and status in _FETCHED else None,
    )  # fmt: skip
