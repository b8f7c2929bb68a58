"""Orders, their lines, timelines and routing traces."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection, bindparam, exists, func, select, text

from central_server.records import (
    Order,
    OrderCursor,
    OrderEvent,
    OrderFilter,
    OrderHead,
    OrderLine,
    Trace,
)
from central_server.sourcing.routing_rules import HoldKind
from central_server.storage.bulk import (
    AnyRow,
    Rows,
    among,
    insert_among,
    insert_many,
    update_many,
)
from central_server.storage.order_search import search_orders
from central_server.storage.prepared import Prepared
from central_server.storage.promise_tables import BACKORDERS
from central_server.storage.raw import Together
from central_server.storage.routing_tables import ORDER_HOLDS
from central_server.storage.tables import (
    FULFILLMENT_ORDERS,
    ORDER_EVENTS,
    ORDER_LINES,
    ORDERS,
    ROUTING_TRACES,
)
from sync.domain.fulfillment import FulfillmentStatus

_ORDER = tuple(field.name for field in fields(Order) if field.name != "lines")
_LINE = tuple(field.name for field in fields(OrderLine))
_ORDER_LINE = ("order_id", *_LINE)
_OF_ORDER = attrgetter(*_ORDER)
_OF_LINE = attrgetter(*_LINE)
_EMAIL = _ORDER.index("customer_email")
_TRACE = ("order_id", "at_ms", "trace")
_EVENT = ("order_id", "at_ms", "kind", "text", "actor", "data")
_ID_OF = Prepared(lambda _: select(ORDERS.c.id).where(ORDERS.c.number == bindparam("number")))
_HEADS = Prepared(
    lambda engine: (
        select(ORDERS.c.id, ORDERS.c.status, ORDERS.c.customer_email)
        .where(engine.among(ORDERS.c.id, "ids"))
        .order_by(ORDERS.c.id)
        .with_for_update()
    )
)
_UNITS = Prepared(
    lambda engine: (
        select(
            ORDER_LINES.c.order_id,
            func.sum(ORDER_LINES.c.quantity),
            func.sum(ORDER_LINES.c.unsourced),
            func.sum(ORDER_LINES.c.dropped),
        )
        .where(engine.among(ORDER_LINES.c.order_id, "ids"))
        .group_by(ORDER_LINES.c.order_id)
    )
)

_UNSOURCED = Prepared(
    lambda engine: (
        select(ORDER_LINES.c.sku, func.sum(ORDER_LINES.c.unsourced))
        .where(
            engine.among(ORDER_LINES.c.sku, "skus"),
            text("order_lines.unsourced > 0"),
            ~exists().where(
                FULFILLMENT_ORDERS.c.order_id == ORDER_LINES.c.order_id,
                FULFILLMENT_ORDERS.c.status == FulfillmentStatus.WAITLISTED.value,
            ),
        )
        .group_by(ORDER_LINES.c.sku)
    )
)


class Orders:
    """The tables `orders`, `order_lines`, `order_events` and `routing_traces`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def insert(self, order: Order) -> None:
        """Add an order with its lines. Raises `IntegrityError` where id or number exists."""
        self.insert_many([order])

    def insert_many(self, orders: Sequence[Order]) -> None:
        """Add orders with their lines, two statements in all."""
        insert_many(self._connection, ORDERS, _ORDER, [_order_values(one) for one in orders])
        insert_many(self._connection, ORDER_LINES, _ORDER_LINE, _line_values(orders))

    def unsourced(self, skus: Collection[str]) -> dict[str, int]:
        """Return the units by SKU that orders were promised and no fulfillment order carries.

        Who is on a store's waiting list was promised nothing.
        """
        return {sku: int(units) for sku, units in _UNSOURCED.rows(self._connection, skus=skus)}

    def all_unsourced(self) -> dict[str, int]:
        """Return the units by SKU that no fulfillment order carries, waiting lists included.

        Of a narrow index: so many as wait now, not as there ever were.
        """
        wanted = (
            select(ORDER_LINES.c.sku, func.sum(ORDER_LINES.c.unsourced))
            .where(text("order_lines.unsourced > 0"))
            .group_by(ORDER_LINES.c.sku)
        )
        return {sku: int(units) for sku, units in self._connection.execute(wanted)}

    def ask_unsourced(
        self, together: Together, skus: Collection[str], then: Callable[[dict[str, int]], None]
    ) -> None:
        """Ask for `unsourced` among others."""
        _UNSOURCED.ask(
            together, lambda rows: then({sku: int(units) for sku, units in rows}), skus=skus
        )

    def insert_among(
        self,
        together: Together,
        orders: Sequence[Order],
        events: Sequence[OrderEvent],
        traces: Sequence[Trace],
    ) -> None:
        """Add orders with their lines, timelines and traces among other statements."""
        insert_among(together, ORDERS, _ORDER, [_order_values(one) for one in orders])
        insert_among(together, ORDER_LINES, _ORDER_LINE, _line_values(orders))
        insert_among(together, ORDER_EVENTS, _EVENT, _event_values(events))
        insert_among(together, ROUTING_TRACES, _TRACE, _trace_values(traces))

    def number_taken(self, number: str) -> bool:
        """Return whether an order has this number."""
        return _ID_OF.row(self._connection, number=number) is not None

    def get(self, order_id: str, *, lock: bool = False) -> Order | None:
        """Return one order with its lines; `lock` keeps others from changing it meanwhile."""
        return self.get_many([order_id], lock=lock).get(order_id)

    def get_by_number(self, number: str) -> Order | None:
        """Return the order with this number."""
        order_id = _ID_OF.value(self._connection, number=number)
        return None if order_id is None else self.get(order_id)

    def get_many(self, order_ids: Collection[str], *, lock: bool = False) -> dict[str, Order]:
        """Return those of the given orders that exist, by id; locked in id order."""
        wanted = (
            select(*(ORDERS.c[name] for name in _ORDER))
            .where(among(self._connection, ORDERS.c.id, order_ids))
            .order_by(ORDERS.c.id)
        )
        rows = self._connection.execute(wanted.with_for_update() if lock else wanted).all()
        lines = self._lines(order_ids) if rows else defaultdict(list)
        return {row.id: _order(row, lines[row.id]) for row in rows}

    def heads(self, order_ids: Collection[str]) -> dict[str, OrderHead]:
        """Lock those of the given orders that exist, in id order, and return their heads by id."""
        heads = _HEADS.rows(self._connection, ids=order_ids)
        sums = _UNITS.rows(self._connection, ids=order_ids)
        units = {key: (int(a), int(b), int(c)) for key, a, b, c in sums}
        return {key: OrderHead(key, status, to, *units[key]) for key, status, to in heads}

    def _lines(self, order_ids: Collection[str]) -> defaultdict[str, list[OrderLine]]:
        rows = self._connection.execute(
            select(ORDER_LINES.c.order_id, *(ORDER_LINES.c[name] for name in _LINE))
            .where(among(self._connection, ORDER_LINES.c.order_id, order_ids))
            .order_by(ORDER_LINES.c.order_id, ORDER_LINES.c.line)
        ).all()
        lines: defaultdict[str, list[OrderLine]] = defaultdict(list)
        for order_id, *values in rows:
            lines[order_id].append(OrderLine(*values))
        return lines

    def search(
        self, wanted: OrderFilter, after: OrderCursor | None, limit: int
    ) -> tuple[tuple[Order, ...], OrderCursor | None]:
        """Return a page of orders, newest first, and the cursor of the next one if there is any."""
        ids, cursor = search_orders(self._connection, wanted, after, limit)
        found = self.get_many(ids)
        return tuple(found[order_id] for order_id in ids), cursor

    def parcels_placed(self, from_ms: int, until_ms: int, limit: int) -> tuple[list[str], int]:
        """Return the newest orders of a period that are sent, and how many more there are."""
        table = ORDERS.c
        wanted = (
            select(table.id)
            .where(table.placed_at_ms >= from_ms, table.placed_at_ms < until_ms)
            .where(table.ship_to != "")
        )
        count = self._connection.execute(
            select(func.count()).select_from(wanted.subquery())
        ).scalar_one()
        newest = wanted.order_by(table.placed_at_ms.desc(), table.id.desc()).limit(limit)
        ids = list(self._connection.execute(newest).scalars())
        return ids, count - len(ids)

    def waited(self, order_ids: Collection[str]) -> dict[str, bool]:
        """Return those of `order_ids` that waited, or wait, for a receipt or a release date.

        And of each whether it was a date.
        """
        held, coming = ORDER_HOLDS.c, BACKORDERS.c
        dated = select(held.order_id).where(
            among(self._connection, held.order_id, order_ids),
            held.kind == HoldKind.PRE_ORDER.value,
        )
        late = select(coming.order_id).where(among(self._connection, coming.order_id, order_ids))
        found = dict.fromkeys(self._connection.execute(late).scalars(), False)
        return {**found, **dict.fromkeys(self._connection.execute(dated).scalars(), True)}

    def add_line(self, order_id: str, line: OrderLine) -> None:
        """Add a line to an order."""
        row = (order_id, *(getattr(line, name) for name in _LINE))
        insert_many(self._connection, ORDER_LINES, ("order_id", *_LINE), [row])

    def unfillable(self, limit: int) -> list[str]:
        """Return orders with units that nobody carries and nothing is awaited of, oldest first."""
        held = select(ORDER_HOLDS.c.order_id).where(ORDER_HOLDS.c.closed_ms.is_(None))
        coming = select(BACKORDERS.c.order_id).where(BACKORDERS.c.closed_ms.is_(None))
        listed = select(FULFILLMENT_ORDERS.c.order_id).where(
            FULFILLMENT_ORDERS.c.status == FulfillmentStatus.WAITLISTED.value
        )
        lacking = select(ORDER_LINES.c.order_id).where(text("order_lines.unsourced > 0"))
        wanted = (
            select(ORDERS.c.id)
            .where(ORDERS.c.id.in_(lacking), ORDERS.c.id.not_in(held), ORDERS.c.id.not_in(coming))
            .where(ORDERS.c.id.not_in(listed))
            .order_by(ORDERS.c.placed_at_ms, ORDERS.c.id)
            .limit(limit)
        )
        return list(self._connection.execute(wanted).scalars())

    def set_destination(self, order: Order) -> None:
        """Set where an order is sent."""
        names = ("ship_to", "ship_method", "latitude", "longitude")
        values = {name: getattr(order, name) for name in names}
        self._connection.execute(ORDERS.update().where(ORDERS.c.id == order.id).values(**values))

    def set_statuses(self, statuses: Mapping[str, str]) -> None:
        """Update the projection of the status, in bulk, in id order."""
        update_many(
            self._connection,
            ORDERS,
            ("id", "status"),
            sorted(statuses.items()),
            sets="status = v.status",
            where="orders.id = v.id AND orders.status <> v.status",
            returning="orders.id",
        )

    def set_line_counts(self, counts: Mapping[tuple[str, int], tuple[int, int]]) -> None:
        """Set (unsourced, dropped) by (order, line), in bulk."""
        update_many(
            self._connection,
            ORDER_LINES,
            ("order_id", "line", "unsourced", "dropped"),
            [(*key, *counts[key]) for key in sorted(counts)],
            sets="unsourced = v.unsourced, dropped = v.dropped",
            where="order_lines.order_id = v.order_id AND order_lines.line = v.line",
            returning="order_lines.order_id",
        )

    def append_events(self, events: Sequence[OrderEvent]) -> None:
        """Append entries to timelines, in bulk."""
        insert_many(self._connection, ORDER_EVENTS, _EVENT, _event_values(events))

    def events(self, order_id: str) -> tuple[OrderEvent, ...]:
        """Return an order's timeline, oldest first."""
        rows = self._connection.execute(
            select(*(ORDER_EVENTS.c[name] for name in _EVENT))
            .where(ORDER_EVENTS.c.order_id == order_id)
            .order_by(ORDER_EVENTS.c.at_ms, ORDER_EVENTS.c.id)
        )
        return tuple(
            OrderEvent(row.order_id, row.at_ms, row.kind, row.text, row.actor, json.loads(row.data))
            for row in rows
        )

    def called_off(self, order_ids: Collection[str]) -> set[str]:
        """Return those of `order_ids` that somebody cancelled as a whole."""
        rows = self._connection.execute(
            select(ORDER_EVENTS.c.order_id)
            .where(among(self._connection, ORDER_EVENTS.c.order_id, order_ids))
            .where(ORDER_EVENTS.c.kind == "cancelled")
        )
        return set(rows.scalars())

    def add_trace(self, trace: Trace) -> None:
        """Keep why an order went where it went."""
        insert_many(self._connection, ROUTING_TRACES, _TRACE, _trace_values([trace]))

    def traces(self, order_id: str) -> tuple[Trace, ...]:
        """Return an order's routing decisions, oldest first."""
        table = ROUTING_TRACES.c
        rows = self._connection.execute(
            select(table.order_id, table.at_ms, table.trace)
            .where(table.order_id == order_id)
            .order_by(table.at_ms, table.id)
        )
        return tuple(Trace(row.order_id, row.at_ms, json.loads(row.trace)) for row in rows)


def _line_values(orders: Sequence[Order]) -> Rows:
    return [(order.id, *_OF_LINE(line)) for order in orders for line in order.lines]


def _event_values(events: Sequence[OrderEvent]) -> Rows:
    return [
        (event.order_id, event.at_ms, event.kind, event.text, event.actor, _json(event.data))
        for event in events
    ]


def _trace_values(traces: Sequence[Trace]) -> Rows:
    return [(one.order_id, one.at_ms, _json(one.trace)) for one in traces]


def _json(document: Mapping[str, object]) -> str:
    return to_json(document).decode()


def _order_values(order: Order) -> tuple[Any, ...]:
    values = list(_OF_ORDER(order))
    values[_EMAIL] = order.customer_email.lower()
    return tuple(values)


def _order(row: AnyRow, lines: Sequence[OrderLine]) -> Order:
    return Order(**row._mapping, lines=tuple(lines))  # noqa: SLF001 - SQLAlchemy's public name
