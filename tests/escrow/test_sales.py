"""Sales at the till over promises: the sale stands, and the promise that it breaks is moved."""

from typing import Any

from central_server.records import ExceptionFilter
from sync.domain import operations as op
from sync.domain.escrow import Rights
from sync.protocol.verdicts import VerdictStatus
from tests.support.central_world import World, whole_pickup
from tests.support.store_side import POLICY, StoreSide


def rights(world: World, location_id: str = "S001") -> Rights:
    with world.database.read() as view:
        (row,) = view.stock.rows(location_id, ["SKU-1"])
    return row.rights


def test_a_sale_within_the_floor_touches_no_promise(world: World, store: StoreSide):
    """Cut off, the store sells its two; the eight promised are there when the customers come."""
    placed = world.place(("SKU-1", 8))
    store.settle()
    store.cut()
    store.sell(2)
    store.settle()
    (work,) = world.fulfillments(placed.order_id)
    assert (work.location_id, work.total("open")) == ("S001", 8)
    assert world.stock("S001") == (8, 8)
    assert store.differences() == []


def test_a_sale_over_unpromised_rights_breaks_nothing(world: World, store: StoreSide):
    """What the till sold beyond the floor was promised to nobody: central gives up the right."""
    store.cut()
    store.sell(5)
    assert store.share().floor == -3
    store.settle()
    assert rights(world) == Rights(1, 8, 0, 5)  # three gave way, two were asked back
    assert (store.share().floor, store.share().online) == (2, 3)
    world.check_books()


def test_a_sale_of_a_promised_unit_moves_the_promise(
    world: World, store: StoreSide, neighbor: StoreSide
):
    """In the transaction in which central hears of it, with a mail to the customer."""
    early, late = world.place(("SKU-1", 4)), world.place(("SKU-1", 4))
    store.settle()
    store.cut()
    store.sell(3)
    store.settle()
    (kept,) = world.fulfillments(early.order_id)
    assert (kept.location_id, kept.total("open")) == ("S001", 4)
    here, moved = world.fulfillments(late.order_id)
    assert (here.total("short"), here.total("open")) == (1, 3)
    assert (moved.location_id, moved.total("open")) == ("S002", 1)
    assert any("S002" in mail.text for mail in world.mails())
    neighbor.settle()
    assert neighbor.store.fulfillment(moved.id) is not None
    assert store.differences() == neighbor.differences() == []
    world.check_books()


def test_an_override_names_the_promise_that_it_breaks(world: World, store: StoreSide, neighbor):
    """The supervisor chose which customer is told: that order moves, not the latest one."""
    named, other = world.place(("SKU-1", 4)), world.place(("SKU-1", 4))
    store.settle()
    (work,) = world.fulfillments(named.order_id)
    store.cut()
    store.sell(3, breaks=work.id)
    store.settle()
    here, moved = world.fulfillments(named.order_id)
    assert (here.total("short"), moved.total("open")) == (1, 1)
    assert len(world.fulfillments(other.order_id)) == 1
    told = store.store.operations(limit=3)
    (sale,) = [one for one in told if one.kind == "floor_sold"]
    assert sale.state.value == VerdictStatus.AMENDED.value
    assert "S002" in sale.text
    neighbor.settle()
    assert neighbor.differences() == []


def test_goods_in_hand_are_not_sold_twice(world: World, store: StoreSide):
    """A picked order is safe: the promise that is broken is one that still lies on the shelf."""
    picked, waiting = world.place(("SKU-1", 4)), world.place(("SKU-1", 4))
    store.settle()
    (work,) = world.fulfillments(picked.order_id)
    store.cut()
    store.store.perform(op.LinePicked(work.id, 1, 4), by="A1", dev="T1")
    store.sell(4, breaks=work.id)
    store.settle()
    (kept,) = world.fulfillments(picked.order_id)
    assert kept.total("held") == 4
    assert world.fulfillments(waiting.order_id)[0].total("short") == 2
    assert store.differences() == []


def test_a_promise_that_nobody_can_keep_waits_for_a_person(world: World, store: StoreSide):
    """No other store has one: the customer is told, and the exception has an owner and a due."""
    world.place(("SKU-1", 8))
    store.settle()
    for place in ("S002", "S003"):
        world.parts.intake.stock([_none(place)], "count")
    store.cut()
    store.sell(3)
    store.settle()
    found, _ = world.parts.central.exceptions.page(ExceptionFilter(), None, 10)
    assert [one["kind"] for one in found] == ["unsourced"]
    assert all(one["owner"] and one["due_at"] for one in found)
    world.check_books()


def _none(place: str):
    from central_server.services.catalogue_intake import StockItem

    return StockItem(place, "SKU-1", 0)


def test_an_unconfirmed_promise_gives_way_before_a_confirmed_one(world: World, store: StoreSide):
    """The customer whose order nobody has looked at yet is the one who is moved."""
    confirmed = world.place(("SKU-1", 4))
    store.settle()
    store.cut()
    unheard = world.place(("SKU-1", 4))
    store.sell(3)
    store.settle()
    assert len(world.fulfillments(confirmed.order_id)) == 1
    assert len(world.fulfillments(unheard.order_id)) == 2
    world.check_books()


def test_returned_goods_are_shared_again(world: World, store: StoreSide):
    """Negative units of a sale: back on the shelf, and granted if the floor is full."""
    store.sell(-3)
    store.settle()
    assert world.stock("S001")[0] == 13
    assert store.share().floor == 2
    assert rights(world).online == 11


def test_a_sale_of_what_the_store_never_had_is_kept(world: World, store: StoreSide):
    """A ghost item: the book goes below zero, nothing is refused, nothing is lost."""
    store.sell(2, "SKU-NEVER-SEEN")
    store.settle()
    assert world.stock("S001", "SKU-NEVER-SEEN") == (-2, 0)
    assert store.differences() == []


def test_thirty_days_of_sales_alone_lose_nothing(world: World, store: StoreSide):
    """Long after every lease: all sales count once, and no customer was promised a sold unit."""
    placed = world.place(("SKU-1", 2))
    store.settle()
    store.cut()
    for _ in range(30):
        store.clock.advance(86_400_000)
        world.clock.advance(86_400_000)
        store.round()
        store.sell(1 if store.share().floor > 0 else 0)
    store.settle()
    (work,) = world.fulfillments(placed.order_id)
    assert (work.location_id, work.total("open")) == ("S001", 2)
    assert world.stock("S001") == (2, 2)
    assert POLICY.reclaim_after_ms < 86_400_000


def test_work_that_a_moved_promise_overtook_is_never_held_back(
    world: World, store: StoreSide, neighbor: StoreSide
):
    """The till sold a promised unit; the associate, cut off, picked and gave all of them."""
    placed = world.place(("SKU-1", 8))
    store.settle()
    (work,) = world.fulfillments(placed.order_id)
    store.cut()
    store.sell(3)
    steps: Any = whole_pickup(work)
    for operation in steps:
        store.store.perform(operation, by="A1", dev="T1")
    store.settle()
    assert store.store.sync_state().quarantined == 0
    here, moved = world.fulfillments(placed.order_id)
    assert here.total("fulfilled") == 8
    assert moved.total("open") == 1
    found, _ = world.parts.central.exceptions.page(ExceptionFilter(), None, 10)
    kinds = [one["kind"] for one in found]
    assert "double_fulfillment" in kinds
    neighbor.settle()
    assert store.differences() == neighbor.differences() == []
    world.check_books()
