"""A real store on disk with goods that are free, granted and promised, for tests of its till."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from store_client.replica.store import Store
from sync.domain.escrow import EscrowPolicy, Rights
from sync.domain.fulfillment import FulfillmentOrder
from sync.protocol.rows import Entity, StockRow, store_scope
from tests.support.clocks import FrozenClock
from tests.support.fake_store import STORE, gtin_of, make_catalogue, make_people, sku_of
from tests.support.filled_store import fill, open_filled, send
from tests.support.terminals import hash_pin

OPEN = EscrowPolicy(enabled=True)
STRICT = EscrowPolicy(enabled=True, strict=True)
GENERATION = 1


def open_shop(
    folder: Path,
    clock: FrozenClock,
    policy: EscrowPolicy = OPEN,
    orders: Sequence[FulfillmentOrder] = (),
) -> Store:
    """Open a store with twelve of each product, of which five are central's to promise.

    What the orders still need comes off the shelf's free units.
    """
    fresh = not (folder / "journal.db").exists()
    store = open_filled(folder, clock)
    if fresh:
        row = replace(STORE, escrow=policy)
        fill(store, row, make_people(hash_pin()), make_catalogue(), orders)
        share_out(store, orders)
    return store


def share_out(store: Store, orders: Sequence[FulfillmentOrder], granted: int = 5) -> None:
    """Let the store have granted central units of each product."""
    skus = [hit.sku for hit in make_catalogue()]
    with store.journal.writing():
        store.journal.rights.keep_grants(GENERATION, [(sku, granted) for sku in skus])
    rows = [
        (Entity.STOCK, sku, StockRow(sku, 12, _tied(orders, sku), rights=Rights(GENERATION, 0)))
        for sku in skus
    ]
    send(store, store_scope(store.location_id), rows)


def _tied(orders: Sequence[FulfillmentOrder], sku: str) -> int:
    return sum(line.tied for order in orders for line in order.lines if line.sku == sku)


def sale_of(transaction: str, *items: tuple[str, int], **more: object) -> dict[str, object]:
    """Return a sale as a point of sale writes it."""
    lines = [{"sku": sku, "quantity": units} for sku, units in items]
    return {"transaction": transaction, "lines": lines, **more}


def sale_text(transaction: str, *items: tuple[str, int]) -> str:
    """Return a sale as a JSON line."""
    return json.dumps(sale_of(transaction, *(items or ((sku_of(0), 1),)))) + "\n"


def sales_in(store: Store) -> dict[str, dict[str, int]]:
    """Return the journaled sales: units by SKU by transaction; fails where one is there twice."""
    found: dict[str, dict[str, int]] = {}
    for fate in store.operations(10_000):
        if fate.kind == "floor_sold":
            transaction = fate.fulfillment_id.removeprefix("sale:")
            assert transaction not in found, f"{transaction} was journaled twice"
            sold = store.sale(transaction)
            assert sold is not None
            found[transaction] = {line.sku: line.units for line in sold.lines}
    return found


SKU, OTHER = sku_of(0), sku_of(1)
GTIN = gtin_of(0)
