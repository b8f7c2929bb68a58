"""Selling on the real files: once, judged under the lock, and what is known of each SKU."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from store_client.replica.models import Sale
from store_client.replica.store import Store
from store_client.services.sales import examine
from sync.domain import operations as op
from sync.domain.errors import OperationRefused
from sync.domain.stock_operations import FloorSold, SkuUnits
from tests.support.clocks import FrozenClock
from tests.support.fake_store import make_order
from tests.support.filled_store import send_orders
from tests.support.till import OTHER, SKU, open_shop


@pytest.fixture
def store(tmp_path) -> Iterator[Store]:
    """Two orders wait for kettles: four and two."""
    clock = FrozenClock()
    orders = [
        make_order(0, clock.now_ms(), quantities=(4, 1), due_minutes=60),
        make_order(8, clock.now_ms(), quantities=(2, 1), due_minutes=300),
    ]
    store = open_shop(tmp_path, clock, orders=orders)
    yield store
    store.close()


def sell(store: Store, transaction: str, *items: tuple[str, int], **more):
    sale = Sale(transaction, tuple(SkuUnits(*one) for one in items))
    return store.sell(sale, by="pos", dev="pos", **more)


def test_a_sale_is_kept_once_and_can_be_read_again(store):
    """By its own number, with what it was over."""
    kept = sell(store, "T1", (SKU, 3), (OTHER, 1))
    assert kept == FloorSold("T1", (SkuUnits(SKU, 3), SkuUnits(OTHER, 1)), (SkuUnits(SKU, 2),))
    assert sell(store, "T1", (SKU, 3)) is None
    assert store.sale("T1") == kept
    assert store.sale("T2") is None
    assert store.sales_taken() == 1


def test_a_sale_that_is_called_off_has_not_happened(store):
    """Whoever judges sees what it would be over; raising leaves nothing behind."""
    seen = []

    def judge(operation: FloorSold) -> None:
        seen.append(operation.over)
        raise OperationRefused("no")

    with pytest.raises(OperationRefused):
        sell(store, "T1", (SKU, 3), judge=judge)
    assert seen == [(SkuUnits(SKU, 2),)]
    assert (store.sales_taken(), store.journal.head().seq) == (0, 0)
    assert sell(store, "T1", (SKU, 1)) is not None


@pytest.mark.parametrize("sku", ['7" pan', "back\\slash", "grün/1", "100%_x"])
def test_promises_are_found_whatever_the_sku_looks_like(store, sku):
    """SKUs are the retailer's: quotes, slashes and umlauts among them."""
    order = make_order(3, store.clock.now_ms(), quantities=(2,))
    odd = replace(order, lines=(replace(order.lines[0], sku=sku),))
    send_orders(store, [odd])
    assert [one.id for one in store.promises_of(sku)] == [odd.id]
    assert store.promises_of(sku[:-1]) == []


def test_goods_in_hand_are_no_promise_on_the_shelf(store):
    """What is picked cannot be sold by the till; the order that is left is named."""
    first, second = store.promises_of(SKU)
    late = max(first, second, key=lambda one: one.promised_by_ms)
    store.perform(op.LinePicked(late.id, 1, 2), by="A103", dev="T1")
    assert [one.id for one in store.promises_of(SKU)] != [late.id]
    (line,) = examine(store, [SkuUnits(SKU, 7)]).lines
    assert [(one.order.id == late.id, one.units) for one in line.broken] == [(False, 1)]
    assert line.unheard == 5


def test_an_order_for_several_lines_of_a_sku_gives_way_line_by_line(store):
    """All lines of the order count, and no unit counts twice."""
    (line,) = examine(store, [SkuUnits(SKU, 12)]).lines
    assert sum(one.units for one in line.broken) == 6
    assert [one.units for one in line.broken] == [2, 4]


def test_shares_of_a_closed_generation_are_nobody_s_to_promise(store):
    """After taking back, the lookup says that all free units are for walk-in customers."""
    assert store.product_by_code(SKU)[0].online == 5
    with store.journal.writing():
        store.journal.rights.open_generation(2)
    assert store.product_by_code(SKU)[0].online == 0


def test_a_note_is_left_once(store):
    """A ghost that is sold all day is one line on the Sync screen."""
    for text in ("one", "two", "one"):
        store.alert(text)
    assert store.sync_state().alerts == ("two", "one")


def test_a_code_stands_for_its_skus(store):
    """A SKU, a barcode with any padding, or nothing."""
    (gtin, *_) = store.product_by_code(SKU)[0].gtins
    for code in (SKU, gtin, gtin.lstrip("0"), f" {SKU} "):
        assert store.skus_of(code) == [SKU]
    assert store.skus_of("GHOST") == []
