"""Orders that were taken, and that full days keep from being released: they wait for room."""

from dataclasses import replace

import pytest

from central_server.records import ExceptionFilter
from central_server.services.batches import decide_together
from central_server.sourcing.receipts import Receipt
from central_server.sourcing.routing_rules import HoldKind, RoutingRule, RoutingRuleKind
from sync.domain.errors import InsufficientStock
from tests.central_server.services.test_backorders import arrive, later
from tests.central_server.services.test_batches import EAST, MINUTE_MS, held, stock
from tests.central_server.services.test_full_days import at, taken
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_pre_orders import pickup, release
from tests.central_server.services.test_promise_rules import ONLY_HERE
from tests.central_server.services.test_promise_rules import publish as promise_by
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import World
from tests.support.parcels import CARRIERS

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
ONE_A_DAY = RoutingRule("day", RoutingRuleKind.CAPACITY, orders=1)
GRACE = RoutingRule("grace", RoutingRuleKind.ROUTE, grace_minutes=15)


def told(world: World) -> list[str]:
    with world.database.read() as view:
        found, _ = view.exceptions.page(ExceptionFilter(), None, 50)
    return [str(one.detail["text"]) for one in found]


def held_parcels(world: World, count: int) -> list[str]:
    world.parts.intake.carriers(CARRIERS)
    publish(world, GRACE, ONE_A_DAY)
    orders = [place(world, ("SKU-1", 1))[0] for _ in range(count)]
    world.clock.advance(16 * 60_000)
    return orders


def test_parcels_that_no_day_has_room_for_are_released_the_next_day(world: World):
    """Their stock is there, and their customers were promised: nobody is asked to give them up."""
    orders = held_parcels(world, 5)
    room = world.parts.central.waiting
    assert room.run() == 3
    late = [one for one in orders if not at(world, one)]
    assert len(late) == 2
    waiting = room.page("room", 10)
    assert sorted(str(one["order_id"]) for one in waiting) == sorted(late)
    assert {world.order(one)["status"] for one in late} == {"open"}
    assert (told(world), room.run()) == ([], 0)
    world.clock.advance(DAY_MS)
    assert room.run() == 2
    assert all(at(world, one) for one in late)
    assert (told(world), room.page("room", 10)) == ([], [])
    world.check_books()


def test_room_that_does_not_come_is_somebodys_business(world: World):
    """After three days with none a person hears of it, and of the reason: not of stock."""
    world.parts.intake.carriers(CARRIERS)
    publish(world, GRACE, ONE_A_DAY)
    order_id, room = place(world, ("SKU-1", 1))[0], world.parts.central.waiting
    for _ in range(4):
        for store in ("S001", "S002", "S003"):
            world.place(("SKU-2", 1), at=store)
        world.clock.advance(16 * 60_000)
        room.run()
        world.clock.advance(DAY_MS - 16 * 60_000)
    (text,) = told(world)
    assert "The days of all who could do it are full. Nobody does this of order" in text
    assert text.endswith(": 1 x SKU-1")
    assert world.order(order_id)["status"] == "unfillable"


def test_a_back_order_whose_goods_come_on_a_full_day_is_released_the_next(world: World):
    """They lie there, kept for it: it is nobody else's, and no person looks for them."""
    promise_by(world, ONLY_HERE)
    due_ms = world.clock.now_ms() + DAY_MS
    world.parts.central.supply.expect(Receipt("R1", "S001", "SKU-1", 8, due_ms))
    waiting = later(world, 12)
    world.clock.advance(DAY_MS + 5 * HOUR_MS)
    publish(world, ONE_A_DAY)
    world.place(("SKU-2", 1))
    arrive(world, "R1", 18)
    assert (at(world, waiting.order_id), told(world)) == ([], [])
    with pytest.raises(InsufficientStock):
        world.place(("SKU-1", 7))
    world.clock.advance(DAY_MS)
    assert world.parts.central.waiting.run() == 1
    assert at(world, waiting.order_id) == ["S001"]
    world.check_books()


def test_pre_orders_beyond_a_days_room_are_released_day_by_day(world: World):
    """The first fills the day; the next is the first of the day after, before any newcomer."""
    promise_by(world, ONLY_HERE)
    release(world, 5)
    publish(world, ONE_A_DAY)
    first = pickup(world, 4)
    world.clock.advance(1000)
    second = pickup(world, 6)
    world.clock.advance(5 * DAY_MS)
    room = world.parts.central.waiting
    assert room.run() == 1
    assert (at(world, first.order_id), at(world, second.order_id)) == (["S001"], [])
    assert (taken(world)["S001"], told(world)) == (1, [])
    world.clock.advance(DAY_MS)
    assert room.run() == 1
    assert at(world, second.order_id) == ["S001"]
    world.check_books()


def test_what_no_day_is_long_enough_for_is_not_waited_for(world: World):
    """A limit that the order never fits is no full day: a person hears of it at once."""
    world.parts.intake.carriers(CARRIERS)
    publish(world, GRACE)
    order_id = place(world, ("SKU-1", 1))[0]
    publish(world, RoutingRule("none", RoutingRuleKind.CAPACITY, orders=0))
    world.clock.advance(16 * 60_000)
    world.parts.central.waiting.run()
    assert world.order(order_id)["status"] == "unfillable"
    assert len(told(world)) == 1


def test_who_ends_the_wait_for_room_gets_the_order(world: World):
    """A person does it by hand: what has no room is theirs, and does not go back to waiting."""
    orders = held_parcels(world, 4)
    room = world.parts.central.waiting
    room.run()
    (late,) = [one for one in orders if not at(world, one)]
    for _ in range(2):
        room.clear(late, HoldKind.ROOM, note="by hand", by="Kim")
        assert room.page("room", 10) == []
    assert world.order(late)["status"] == "unfillable"
    (text,) = told(world)
    assert "days of all who could do it are full" in text


def test_an_order_that_was_decided_with_others_waits_whole(world: World, monkeypatch):
    """Its place's day filled while the others were decided: no part of it is given away alone."""
    world.parts.intake.carriers(CARRIERS)
    limit = RoutingRule("day", RoutingRuleKind.CAPACITY, locations=("S001",), orders=1)
    publish(world, replace(GRACE, shipments_max=3), limit)
    stock(world, "SKU-1", 1, 10, 0)
    stock(world, "SKU-2", 10, 0, 0)
    held(world)
    late = held(world, ("SKU-1", 1), ("SKU-2", 1), to=EAST)
    world.clock.advance(30 * MINUTE_MS)

    def then_somebody_else(*given):
        found = decide_together(*given)
        world.place(("SKU-3", 1), at="S001")
        return found

    decided = "central_server.services.waiting_room.decide_together"
    monkeypatch.setattr(decided, then_somebody_else)
    world.parts.central.waiting.run()
    assert (world.fulfillments(late), told(world)) == ([], [])
    assert [one["kind"] for one in world.order(late)["holds"]][-1] == "room"
    world.clock.advance(DAY_MS)
    monkeypatch.setattr(decided, decide_together)
    world.parts.central.waiting.run()
    assert "S001" in at(world, late)
    world.check_books()
