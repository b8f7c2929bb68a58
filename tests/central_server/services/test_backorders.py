"""Orders for goods that are on their way: a date when placed, a store when they came."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import text

from central_server.records import OrderFilter
from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import ReceiptAwaited, ReceiptClosed
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import Placed
from central_server.sourcing.receipts import Receipt
from sync.domain.errors import InsufficientStock
from sync.domain.inventory import StockReason
from tests.central_server.services.test_promise_rules import ONLY_HERE, publish, shown
from tests.support.central_world import World

DAY_MS = 86_400_000


@pytest.fixture
def coming(world) -> World:
    """Eight more of SKU-1 will come to S001 tomorrow, four the day after; nobody else sells it."""
    publish(world, ONLY_HERE)
    for name, units, days in (("R1", 8, 1), ("R2", 4, 2)):
        due = world.clock.now_ms() + days * DAY_MS
        world.parts.central.supply.expect(Receipt(name, "S001", "SKU-1", units, due))
    return world


def later(world: World, units: int) -> Placed:
    world.keys += 1
    new = replace(world.new_order(("SKU-1", units)), accept_later=True)
    identity = RequestIdentity("test", f"later-{world.keys}", "body")
    return world.parts.central.orders.place(new, identity)


def claimed(world: World) -> dict[str, int]:
    with world.database.read() as view:
        return {one.id: one.claimed for one in view.supply.coming(["SKU-1"])}


def arrive(world: World, receipt_id: str, on_hand: int) -> None:
    item = StockItem("S001", "SKU-1", on_hand)
    world.parts.intake.stock([item], "receipt", StockReason.IMPORT)
    world.parts.central.supply.close(receipt_id)


def test_what_is_on_its_way_is_promised_once(coming):
    """An order that may wait takes what is there and what comes, to the last unit, not more."""
    with pytest.raises(InsufficientStock):
        later(coming, 23)
    first = later(coming, 15)
    assert claimed(coming) == {"R1": 5, "R2": 0}
    assert shown(coming) == 0, "the ten that are there are for this order too"
    later(coming, 7)
    assert claimed(coming) == {"R1": 8, "R2": 4}
    with pytest.raises(InsufficientStock):
        later(coming, 1)
    order = coming.order(first.order_id)
    assert [one["kind"] for one in order["timeline"]] == ["backordered"]
    assert "for" in coming.mails()[0].subject


def test_an_order_that_awaits_goods_is_open_not_unfillable(coming):
    """In the answer, when read, in the list and on the desk of what nobody can fill."""
    placed = later(coming, 12)
    assert json.loads(placed.body)["status"] == "open"
    assert coming.order(placed.order_id)["status"] == "open"
    hits, _ = coming.parts.central.reading.search(OrderFilter(), None, 10)
    assert [hit["status"] for hit in hits] == ["open"]
    assert coming.parts.central.unfillable.page(10) == []


def test_an_order_is_released_when_its_goods_came(coming):
    """Sourced at its store, with a code for the customer; nobody took the units meanwhile."""
    placed = later(coming, 12)
    assert coming.fulfillments(placed.order_id) == []
    arrive(coming, "R1", 18)
    (order,) = coming.fulfillments(placed.order_id)
    assert (order.location_id, order.total("allocated")) == ("S001", 12)
    assert coming.stock("S001") == (18, 12)
    assert shown(coming) == 6
    assert coming.order(placed.order_id)["lines"][0]["unsourced"] == 0
    assert coming.parts.backorders.run() == 0
    assert any("pickup code" in mail.text.lower() for mail in coming.mails())


def test_goods_that_came_are_not_on_their_way_again(coming):
    """The message about them, sent once more as its answer was lost, counts no unit twice."""
    arrive(coming, "R1", 18)
    with pytest.raises(ReceiptClosed, match="a name of its own"):
        coming.parts.central.supply.expect(
            Receipt("R1", "S001", "SKU-1", 8, coming.clock.now_ms() + DAY_MS)
        )
    assert claimed(coming) == {"R2": 0}
    with pytest.raises(InsufficientStock):
        later(coming, 23)


@pytest.mark.parametrize("other", [{"sku": "SKU-2"}, {"location_id": "S002"}])
def test_goods_that_orders_wait_for_do_not_become_others(coming, other: dict[str, str]):
    """Their units would be counted for what comes instead; what nobody waits for may change."""
    supply, due = coming.parts.central.supply, coming.clock.now_ms() + DAY_MS
    changed = replace(Receipt("R1", "S001", "SKU-1", 8, due), **other)  # type: ignore[arg-type]
    placed = later(coming, 12)
    with pytest.raises(ReceiptAwaited, match="SKU-1 at S001"):
        supply.expect(changed)
    assert claimed(coming)["R1"] > 0
    coming.parts.central.cancelling.cancel(placed.order_id, reason="", actor="shop")
    told = supply.expect(changed)
    assert (told["sku"], told["location_id"]) == (changed.sku, changed.location_id)


def test_who_waits_for_two_receipts_waits_for_both(coming):
    """Half of a pickup is none."""
    placed = later(coming, 20)
    arrive(coming, "R1", 18)
    assert coming.fulfillments(placed.order_id) == []
    arrive(coming, "R2", 22)
    (order,) = coming.fulfillments(placed.order_id)
    assert order.total("allocated") == 20


def test_goods_that_do_not_come_are_somebodys_business(coming):
    """The order stays open without a place, and a person hears of it."""
    placed = later(coming, 12)
    coming.parts.central.supply.close("R1")
    assert coming.fulfillments(placed.order_id) == []
    from central_server.records import ExceptionFilter

    found, _ = coming.parts.central.exceptions.page(ExceptionFilter(), None, 9)
    assert [(one["kind"], one["order_id"]) for one in found] == [("unsourced", placed.order_id)]


def test_a_cancelled_order_waits_for_nothing(coming):
    """Its claim goes to who asks next."""
    placed = later(coming, 18)
    coming.parts.central.cancelling.cancel(placed.order_id, reason="", actor="web")
    assert claimed(coming) == {"R1": 0, "R2": 0}
    assert shown(coming) == 10


def test_without_asking_nothing_waits(coming):
    """An order that does not say so is refused, as before."""
    with pytest.raises(InsufficientStock):
        coming.place(("SKU-1", 11))


def place_timezone(world: World, name: str) -> None:
    world.database.write(
        lambda unit: unit.connection.execute(
            text("UPDATE locations SET timezone = :name WHERE id = 'S002'"), {"name": name}
        )
    )


def test_an_order_that_cannot_be_released_stops_none_behind_it(coming):
    """It becomes a person's, once; the others get their stores, and in the end so does it."""
    due = coming.clock.now_ms() + DAY_MS
    publish(coming)
    for name, units in (("R3", 8), ("R4", 8)):
        coming.parts.central.supply.expect(Receipt(name, "S002", "SKU-2", units, due))
    coming.keys += 1
    new = replace(coming.new_order(("SKU-2", 12), at="S002"), accept_later=True)
    first = coming.parts.central.orders.place(new, RequestIdentity("test", "first", "body"))
    second = later(coming, 12)
    place_timezone(coming, "Nowhere/Land")
    coming.parts.intake.stock([StockItem("S002", "SKU-2", 18)], "receipt", StockReason.IMPORT)
    coming.parts.central.supply.close("R3")
    arrive(coming, "R1", 18)
    assert coming.fulfillments(first.order_id) == []
    assert len(coming.fulfillments(second.order_id)) == 1
    assert coming.parts.backorders.run() == 0
    with coming.database.read() as view:
        (told,) = view.exceptions.list_open()
    assert (told.kind, told.owner, told.order_id) == ("work_failed", "central", first.order_id)
    assert coming.order(first.order_id)["number"] in told.detail["text"]
    assert "Nowhere/Land" in told.detail["text"]
    place_timezone(coming, "America/New_York")
    assert coming.parts.backorders.run() == 1
    assert len(coming.fulfillments(first.order_id)) == 1
    with coming.database.read() as view:
        assert view.exceptions.list_open() == ()
        assert view.exceptions.get(told.id).closed_by == "central"
