"""Search over orders, newest first, page by page."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, tuple_

from central_server.records import OrderCursor, OrderFilter
from central_server.storage.tables import FULFILLMENT_ORDERS, ORDER_LINES, ORDERS


def search_orders(
    connection: Connection, wanted: OrderFilter, after: OrderCursor | None, limit: int
) -> tuple[tuple[str, ...], OrderCursor | None]:
    """Return the ids of at most `limit` orders after the cursor, and the next cursor if any.

    The cursor is a place in (placed at, id), so orders that arrive meanwhile
    neither shift nor repeat a page.
    """
    conditions = _conditions(wanted)
    if after is not None:
        place = tuple_(ORDERS.c.placed_at_ms, ORDERS.c.id)
        conditions.append(place < tuple_(after.placed_at_ms, after.id))
    rows = connection.execute(
        select(ORDERS.c.id, ORDERS.c.placed_at_ms)
        .where(and_(True, *conditions))
        .order_by(ORDERS.c.placed_at_ms.desc(), ORDERS.c.id.desc())
        .limit(limit + 1)
    ).all()
    page = rows[:limit]
    last = page[-1] if len(rows) > limit else None
    cursor = None if last is None else OrderCursor(last.placed_at_ms, last.id)
    return tuple(row.id for row in page), cursor


def _conditions(wanted: OrderFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.location_id is not None:
        conditions.append(_at_location(wanted.location_id))
    if wanted.sku is not None:
        holding = select(ORDER_LINES.c.order_id).where(ORDER_LINES.c.sku == wanted.sku)
        conditions.append(ORDERS.c.id.in_(holding))
    email = None if wanted.email is None else wanted.email.lower()
    equal: tuple[tuple[Any, object], ...] = (
        (ORDERS.c.channel, wanted.channel),
        (ORDERS.c.status, wanted.status),
        (ORDERS.c.customer_email, email),
        (ORDERS.c.number, wanted.number),
    )
    conditions += [column == value for column, value in equal if value is not None]
    if wanted.placed_from_ms is not None:
        conditions.append(ORDERS.c.placed_at_ms >= wanted.placed_from_ms)
    if wanted.placed_before_ms is not None:
        conditions.append(ORDERS.c.placed_at_ms < wanted.placed_before_ms)
    return conditions


def _at_location(location_id: str) -> ColumnElement[bool]:
    carried = select(FULFILLMENT_ORDERS.c.order_id).where(
        FULFILLMENT_ORDERS.c.location_id == location_id
    )
    return or_(ORDERS.c.pickup_location_id == location_id, ORDERS.c.id.in_(carried))
