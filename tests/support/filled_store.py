"""A real store on disk, filled as central would fill it: pages of feed rows."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from store_client.replica.store import Files, Store
from sync.clock import Clock
from sync.domain.fulfillment import FulfillmentOrder, cancel_open
from sync.edge.journal import Identity
from sync.protocol.endpoint import PullPage
from sync.protocol.rows import (
    CATALOGUE_SCOPE,
    AssociateRow,
    Entity,
    FulfillmentRow,
    PriceRow,
    ProductRow,
    StockRow,
    StoreRow,
    encode_body,
    prices_scope,
    store_scope,
)
from sync.protocol.session import PullHeader
from tests.support.fake_store import Hit

PAGE = 5_000


def open_filled(folder: Path, clock: Clock) -> Store:
    """Open the store in `folder`, enrolled as S001."""
    fresh = not (folder / "journal.db").exists()
    store = Store(Files(folder), clock, key="", boot_id="boot-1")
    if fresh:
        store.journal.enrol(
            Identity("R1", "S001", 1, "nonce", "00" * 32, "memory", "http://central.invalid")
        )
    return store


def fill(
    store: Store,
    row: StoreRow,
    people: Iterable[AssociateRow],
    catalogue: list[Hit],
    orders: Iterable[FulfillmentOrder] = (),
) -> None:
    """Send everything that a store starts with."""
    products = [
        (Entity.PRODUCT, hit.sku, ProductRow(hit.sku, hit.name, hit.brand, hit.category, hit.gtins))
        for hit in catalogue
    ]
    prices = [
        (Entity.PRICE, hit.sku, PriceRow(hit.sku, hit.price_minor or 0, hit.currency))
        for hit in catalogue
    ]
    stock = [
        (Entity.STOCK, hit.sku, StockRow(hit.sku, hit.on_hand, hit.allocated, aisle=hit.aisle))
        for hit in catalogue
        if hit.on_hand is not None
    ]
    own = [
        (Entity.STORE, row.location_id, row),
        *((Entity.ASSOCIATE, person.id, person) for person in people),
        *stock,
    ]
    send(store, CATALOGUE_SCOPE, products)
    send(store, prices_scope(row.price_zone), prices)
    send(store, store_scope(row.location_id), own)
    send_orders(store, orders)


def send_orders(store: Store, orders: Iterable[FulfillmentOrder]) -> None:
    """Send fulfillment orders as central has them now."""
    rows = [(Entity.FULFILLMENT, order.id, FulfillmentRow(order)) for order in orders]
    send(store, store_scope(store.location_id), rows)


def cancel(store: Store, order: FulfillmentOrder) -> None:
    """Send `order` as central has it after the customer called it off."""
    send_orders(store, [cancel_open(order)])


def send(store: Store, scope: str, rows: Sequence[tuple[Entity, str, object]]) -> None:
    """Send rows in pages, each with the next revision."""
    cursor = store.writer.cursor(scope).rev
    for start in range(0, len(rows), PAGE):
        part = rows[start : start + PAGE]
        lines = tuple(
            json.dumps(
                {"e": entity.value, "k": key, "r": cursor + place,
                 "b": json.loads(encode_body(entity, row))}
            ).encode()
            for place, (entity, key, row) in enumerate(part, start=1)
        )  # fmt: skip
        header = PullHeader(
            incarnation=1, scope=scope, after=cursor, to=cursor + len(part), more=False,
            count=len(part),
        )  # fmt: skip
        cursor += len(part)
        store.writer.apply_page(PullPage(header, lines))
