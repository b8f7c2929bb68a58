"""A store that keeps a share of its book for walk-ins keeps none of what comes for an order."""

from dataclasses import replace

import pytest

from central_server.services.catalogue_intake import StockItem
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import NewOrder
from central_server.sourcing.receipts import Receipt
from sync.domain.inventory import StockReason
from sync.domain.orders import PaymentPlace
from sync.hub.feed import read_page
from sync.protocol.rows import Entity, store_scope
from tests.central_server.services.test_backorders import DAY_MS, later
from tests.central_server.services.test_promise_rules import shown
from tests.support.central_world import World


@pytest.fixture
def keeping(shipping) -> World:
    """S001 keeps a fifth of its ten: two."""
    with shipping.database.read() as view:
        place = view.locations.get("S001")
    assert place is not None
    shipping.parts.intake.locations([replace(place, floor_percent=20)])
    count(shipping, 10)
    assert shown(shipping) == 8
    return shipping


def count(world: World, on_hand: int) -> None:
    item = StockItem("S001", "SKU-1", on_hand)
    world.parts.intake.stock([item], "count", StockReason.IMPORT)


def order(world: World, new: NewOrder) -> str:
    world.keys += 1
    identity = RequestIdentity("test", f"transfer-{world.keys}", "body")
    return world.parts.central.orders.place(replace(new, transfer=True), identity).order_id


def coming(world: World) -> dict[str, int]:
    found = world.parts.central.supply.coming("SKU-1")
    return {str(one["id"]): int(str(one["units"])) for one in found}


def floor(world: World) -> int:
    with world.database.read() as view:
        (row,) = view.stock.rows("S001", ["SKU-1"])
    return row.floor


@pytest.mark.parametrize("said", [4, None], ids=["counted", "not counted"])
def test_a_transfer_of_what_is_lacking_does(keeping, said):
    """Twelve are wanted and eight may be promised: with the four that come the store has them."""
    order_id = order(keeping, keeping.new_order(("SKU-1", 12)))
    ((receipt, units),) = coming(keeping).items()
    assert units == 4
    count(keeping, 14)
    keeping.parts.central.supply.close(receipt, said)
    (work,) = keeping.fulfillments(order_id)
    assert (work.location_id, work.total("allocated"), floor(keeping)) == ("S001", 12, 2)
    keeping.check_books()


def test_who_reserved_is_served_by_a_transfer_of_what_is_lacking(keeping):
    """The same where it is paid in the store, and waits on its list."""
    new = replace(keeping.new_order(("SKU-1", 12)), payment=PaymentPlace.IN_STORE)
    order_id = order(keeping, new)
    (receipt,) = coming(keeping)
    count(keeping, 14)
    keeping.parts.central.supply.close(receipt, 4)
    assert keeping.parts.holds.run() == 1
    (held,) = keeping.fulfillments(order_id)
    assert (held.total("allocated"), floor(keeping)) == (12, 2)


def test_a_count_meanwhile_keeps_no_share_of_it_either(keeping):
    """An order waits for two receipts, and the store counts between them."""
    for name, days in (("R1", 1), ("R2", 2)):
        due = keeping.clock.now_ms() + days * DAY_MS
        keeping.parts.central.supply.expect(Receipt(name, "S001", "SKU-1", 10, due))
    keeping.place(("SKU-1", 10), at="S002")
    keeping.place(("SKU-1", 10), at="S003")
    order_id = later(keeping, 28).order_id
    count(keeping, 20)
    keeping.parts.central.supply.close("R1", 10)
    assert floor(keeping) == 2
    count(keeping, 20)
    assert floor(keeping) == 2
    count(keeping, 30)
    keeping.parts.central.supply.close("R2", 10)
    (work,) = keeping.fulfillments(order_id)
    assert (work.total("allocated"), floor(keeping)) == (28, 2)


@pytest.mark.parametrize(("claimed", "kept"), [(0, 4), (5, 3)])
def test_of_what_comes_for_nobody_the_store_keeps_its_share(keeping, claimed, kept):
    """Ten come, of which so many are wanted: the share is of the others."""
    due = keeping.clock.now_ms() + DAY_MS
    keeping.parts.central.supply.expect(Receipt("R1", "S001", "SKU-1", 10, due))
    keeping.place(("SKU-1", 10), at="S002")
    keeping.place(("SKU-1", 10), at="S003")
    if claimed:
        later(keeping, 8 + claimed)
    count(keeping, 20)
    keeping.parts.central.supply.close("R1", 10)
    assert floor(keeping) == kept


def test_of_a_receipt_that_came_short_no_more_than_came_is_an_orders(keeping):
    """Four are wanted and one came: the floor is a fifth of the other ten."""
    order(keeping, keeping.new_order(("SKU-1", 12)))
    (receipt,) = coming(keeping)
    count(keeping, 11)
    assert floor(keeping) == 3
    keeping.parts.central.supply.close(receipt, 1)
    assert floor(keeping) == 2


def test_a_store_that_shares_its_stock_is_told(keeping):
    """What it should keep is in its feed: it grants the rest."""
    order(keeping, keeping.new_order(("SKU-1", 12)))
    (receipt,) = coming(keeping)
    count(keeping, 14)
    keeping.parts.central.supply.close(receipt, 4)
    scope = store_scope("S001")
    with keeping.database.read() as view:
        page = read_page(view.feed, scope, incarnation=view.feed.incarnation(), after=0, limit=1000)
    (row,) = [one for one in page.rows if (one.entity, one.key) == (Entity.STOCK, "SKU-1")]
    assert '"floor":2' in str(row)
