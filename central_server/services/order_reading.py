"""Reading orders: one with everything that happened to it, or a page of a search."""

from typing import TYPE_CHECKING

from central_server.records import OrderCursor, OrderFilter
from central_server.services.errors import NotFound
from central_server.services.order_views import (
    Document,
    deliveries_of,
    order_document,
    orders_in,
    summary_document,
    timeline,
)
from central_server.services.times import rfc3339

if TYPE_CHECKING:
    from central_server.storage.database import Database


class OrderReading:
    """Answers questions about orders; changes nothing."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    def order(self, order_id: str) -> Document:
        """Return an order with its timeline and how its locations were chosen."""
        with self._database.read() as view:
            order = view.orders.get(order_id)
            if order is None:
                raise NotFound("order", order_id)
            stored = view.fulfillments.of_orders([order_id])[order_id]
            events = view.orders.events(order_id)
            operations = view.journal.history([one.row.order.id for one in stored])
            traces = view.orders.traces(order_id)
            holds = view.holds.of(order_id)
            expected_ms = view.supply.promised_by(order_id)
        fulfillments = orders_in(stored)
        by_id = {one.id: one for one in fulfillments}
        return {
            **order_document(
                order, fulfillments, holds, deliveries_of(events), expected_ms=expected_ms
            ),
            "timeline": timeline(events, operations, by_id),
            "routing": [{"at": rfc3339(one.at_ms), **one.trace} for one in traces],
        }

    def search(
        self, wanted: OrderFilter, after: tuple[int, str] | None, limit: int
    ) -> tuple[list[Document], tuple[int, str] | None]:
        """Return a page of hits, newest first, and where the next page goes on."""
        cursor = None if after is None else OrderCursor(*after)
        with self._database.read() as view:
            found, last = view.orders.search(wanted, cursor, limit)
        hits = [summary_document(order, order.status) for order in found]
        return hits, None if last is None else (last.placed_at_ms, last.id)
