"""The reckoning: every store with central, and central with itself, to the last unit."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from pydantic import TypeAdapter
from sqlalchemy import select

from central_server.storage.database import Database
from central_server.storage.tables import (
    FEED_ROWS,
    FULFILLMENT_ORDERS,
    OP_LOG,
    ORDER_LINES,
    ORDERS,
    STOCK,
)
from central_server.storage.unit import View
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.orders import OrderStatus, progress_of
from sync.protocol.rows import STORE_PREFIX, Entity, FulfillmentRow
from tests.replay.visits import Visited, view_bytes

_ROW: TypeAdapter[FulfillmentRow] = TypeAdapter(FulfillmentRow)
Rows = dict[str, FulfillmentOrder]


def differences(database: Database, stores: Sequence[Visited]) -> list[str]:
    """Return every difference in words; none means that everything agrees."""
    with database.read() as view:
        rows = _fulfillments(view)
        return [
            *_stores_with_central(view, rows, stores),
            *_operations(view, stores),
            *_ledger(view),
            *_orders(view, rows),
        ]


def _fulfillments(view: View) -> Rows:
    bodies = view.connection.execute(select(FULFILLMENT_ORDERS.c.id, FULFILLMENT_ORDERS.c.body))
    return {key: _ROW.validate_json(body).order for key, body in bodies}


def _stores_with_central(view: View, rows: Rows, stores: Iterable[Visited]) -> Iterator[str]:
    """Compare each store's views with central's rows, and its stock with central's."""
    living: defaultdict[str, set[str]] = defaultdict(set)
    table = FEED_ROWS.c
    for scope, key, body in view.connection.execute(
        select(table.scope, table.key, table.body).where(
            table.entity == Entity.FULFILLMENT.value, table.body.is_not(None)
        )
    ):
        living[scope.removeprefix(STORE_PREFIX)].add(key)
        if _ROW.validate_json(body).order != rows[key]:
            yield f"feed row {key}: not what the table has"
    stock: defaultdict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    columns = (STOCK.c.location_id, STOCK.c.sku, STOCK.c.on_hand, STOCK.c.allocated)
    for place, sku, on_hand, allocated in view.connection.execute(select(*columns)):
        stock[place][sku] = (on_hand, allocated)
    for store in stores:
        place = store.location_id
        yield from (f"{place}: {problem}" for problem in store.problems)
        for key in store.views.keys() ^ living[place]:
            yield f"{place}: order {key} is on one side only"
        for key in store.views.keys() & rows.keys():
            if store.views[key] != view_bytes(rows[key]):
                yield f"{place}: order {key} differs"
        for sku in store.stock.keys() | stock[place].keys():
            if store.stock.get(sku) != stock[place].get(sku):
                there = stock[place].get(sku)
                yield f"{place}: stock of {sku}: store {store.stock.get(sku)}, central {there}"


def _operations(view: View, stores: Iterable[Visited]) -> Iterator[str]:
    """Every operation that a store journaled is at central once, and no other one is."""
    table = OP_LOG.c
    central: defaultdict[str, dict[int, bytes]] = defaultdict(dict)
    for replica, seq, hashed, status in view.connection.execute(
        select(table.replica_id, table.seq, table.hash, table.status)
    ):
        if seq in central[replica]:
            yield f"{replica}: operation {seq} is at central twice"
        central[replica][seq] = bytes(hashed)
        if status == "quarantined":
            yield f"{replica}: operation {seq} is in quarantine"
    for store in stores:
        if central.pop(store.replica_id, {}) != store.operations:
            yield f"{store.location_id}: the journals differ"
        if store.acked != len(store.operations):
            yield f"{store.location_id}: {len(store.operations) - store.acked} not acknowledged"
    yield from (f"operations of the unknown replica {replica}" for replica in central)


def _ledger(view: View) -> Iterator[str]:
    """The ledger's sums are the positions, for every SKU at every location."""
    sums = view.stock_ledger.sums()
    columns = (STOCK.c.location_id, STOCK.c.sku, STOCK.c.on_hand, STOCK.c.allocated)
    for place, sku, on_hand, allocated in view.connection.execute(select(*columns)):
        if sums.pop((place, sku), (0, 0)) != (on_hand, allocated):
            yield f"{place}: the ledger of {sku} does not add up to its position"
    yield from (f"{place}: ledger entries of {sku} without a position" for place, sku in sums)


def _orders(view: View, rows: Rows) -> Iterator[str]:
    """Units of each order line add up, allocations are what open orders tie, status follows."""
    carried: defaultdict[tuple[str, int], int] = defaultdict(int)
    parts: defaultdict[str, list[FulfillmentOrder]] = defaultdict(list)
    tied: defaultdict[tuple[str, str], int] = defaultdict(int)
    for order in rows.values():
        parts[order.order_id].append(order)
        for line in order.lines:
            carried[order.order_id, line.line] += line.allocated - line.short
            tied[order.location_id, line.sku] += line.tied
    ordered: Counter[str] = Counter()
    unsourced: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    for row in view.connection.execute(select(ORDER_LINES)):
        if row.quantity != carried[row.order_id, row.line] + row.unsourced + row.dropped:
            yield f"order {row.order_id}: line {row.line} does not add up"
        ordered[row.order_id] += row.quantity
        unsourced[row.order_id] += row.unsourced
        dropped[row.order_id] += row.dropped
    for order_id, status in view.connection.execute(select(ORDERS.c.id, ORDERS.c.status)):
        state = progress_of(
            ordered[order_id], unsourced[order_id], dropped[order_id], tuple(parts[order_id])
        )
        if state.status is not OrderStatus(status):
            yield f"order {order_id} is called {status}, its quantities say {state.status}"
    columns = (STOCK.c.location_id, STOCK.c.sku, STOCK.c.allocated)
    for place, sku, allocated in view.connection.execute(select(*columns)):
        if tied[place, sku] != allocated:
            yield f"{place}: {sku} has {allocated} allocated, open orders tie {tied[place, sku]}"
