"""Pickups, and locations whose day is full: whoever has room is found, and no day is overrun."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from central_server.records import Location
from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import UnknownLocation
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import Placed
from central_server.services.order_giving import give
from central_server.services.order_groups import OrderRequest
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain import reserve_operations as res
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import RefusalReason, ShortReason
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_reservations import reserve
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import NINE_TO_NINE, World
from tests.support.parcels import CARRIERS

CAPACITY = RoutingRuleKind.CAPACITY
HOUR_MS = 3_600_000


def at(world: World, order_id: str) -> list[str]:
    return [one.location_id for one in world.fulfillments(order_id) if one.total("open")]


def test_a_pickup_finds_the_one_store_with_room(world: World):
    """However many nearer stores have a full day, they are no reason to refuse it."""
    names = [f"S{number:03}" for number in range(4, 14)]
    world.parts.intake.locations(
        [
            Location(
                name, f"Store {name}", latitude=42.0 + number, longitude=-83.0,
                timezone="America/New_York", price_zone="EAST", hours=NINE_TO_NINE,
            )
            for number, name in enumerate(names)
        ]
    )  # fmt: skip
    world.parts.intake.stock([StockItem(name, "SKU-1", 5) for name in names], "opening")
    full = ("S001", "S002", "S003", *names[:-1])
    publish(world, RoutingRule("full", CAPACITY, locations=full, orders=0))
    assert at(world, world.place(("SKU-1", 1)).order_id) == [names[-1]]
    publish(world, RoutingRule("full", CAPACITY, orders=0))
    with pytest.raises(InsufficientStock):
        world.place(("SKU-1", 1))


def test_a_dry_run_of_a_pickup_knows_of_full_days(world: World):
    """It says what placing would do, also by the rules of a draft, and why the choice is passed."""
    desk, book = world.parts.central.routing, world.parts.central.routing_rules
    full = RoutingRule("full", CAPACITY, locations=("S001",), orders=0)
    draft: dict[str, Any] = book.draft([full], note="", by="Kim")
    new = world.new_order(("SKU-1", 1), at="S001")
    assert desk.dry_run(new)["taken"] == "S001"
    assert desk.dry_run(new, draft["version"])["taken"] == "S002"
    publish(world, full)
    found = desk.dry_run(new)
    order_id = world.place(("SKU-1", 1), at="S001").order_id
    assert [found["taken"]] == at(world, order_id) == ["S002"]
    passed = "S001, which the customer chose, has no room left in its day."
    assert passed in found["sentence"]
    assert passed in desk.why(order_id)["sentence"]
    publish(world, RoutingRule("full", CAPACITY, orders=0))
    assert desk.dry_run(new)["unsourced"] == {"SKU-1": 1}


def test_why_a_pickup_went_where_it_went(world: World):
    """What the chosen store lacked, and who would have been next, in a sentence."""
    desk = world.parts.central.routing
    sentence = desk.why(world.place(("SKU-1", 8)).order_id)["sentence"]
    assert sentence.startswith(
        "S001 gets it ready: the customer chose it and it can promise everything. No other store"
    )
    sentence = desk.why(world.place(("SKU-1", 8)).order_id)["sentence"]
    assert sentence == (
        "S002 gets it ready: it is the nearest that can promise everything. S001, which the"
        " customer chose, lacks 6 of SKU-1. The next best choice is S003, 203.729 km away."
    )


def test_a_pickup_that_moves_takes_room_where_it_goes(world: World):
    """Who takes over has room for it; that counts there, and is free again where it was."""
    publish(
        world,
        RoutingRule("full", CAPACITY, locations=("S002",), orders=0),
        RoutingRule("few", CAPACITY, locations=("S001", "S003"), orders=1),
    )
    order_id = world.place(("SKU-1", 1), at="S001").order_id
    device = world.device("S001")
    device.do(op.FulfillmentRejected(world.fulfillments(order_id)[0].id, ShortReason.DAMAGED))
    device.push()
    assert at(world, order_id) == ["S003"]
    taken = {
        one["location_id"]: one["orders"]["taken"] for one in world.parts.central.routing.capacity()
    }
    assert taken == {"S001": 0, "S002": 0, "S003": 1}
    world.parts.central.cancelling.cancel(order_id, reason="", actor="test")
    assert all(one["orders"]["taken"] == 0 for one in world.parts.central.routing.capacity())
    world.check_books()


def taken(world: World) -> dict[str, int]:
    return {
        one["location_id"]: one["orders"]["taken"] for one in world.parts.central.routing.capacity()
    }


def test_reservations_take_room_like_pickups(world: World):
    """A store that is full holds nothing more; who waits is served when its day has room."""
    publish(world, RoutingRule("few", CAPACITY, orders=1))
    first = reserve(world)
    assert taken(world) == {"S001": 1, "S002": 0, "S003": 0}
    with pytest.raises(InsufficientStock):
        reserve(world)
    second = reserve(world, waiting_list=True)
    assert world.parts.central.routing.why(second.order_id)["sentence"] == (
        "It is reserved at S001, on the waiting list. S001, which the customer chose, has no"
        " room left in its day."
    )
    assert world.parts.holds.run() == 0
    assert world.stock("S001") == (10, 2)
    world.parts.central.cancelling.cancel(first.order_id, reason="", actor="test")
    assert world.parts.holds.run() == 1
    assert taken(world)["S001"] == 1
    assert world.stock("S001") == (10, 2)
    world.check_books()


def released(key: str) -> object:
    return res.ReservationReleased(key, RefusalReason.CHANGED_MIND)


def rejected(key: str) -> object:
    return op.FulfillmentRejected(key, ShortReason.STORE_BUSY)


@pytest.mark.parametrize("ended_by", [released, rejected, op.HoldExpired])
def test_a_reservation_that_ends_untaken_gives_its_room_back(
    world: World, ended_by: Callable[[str], object]
):
    """However it ended, who waits for room on the store's list is served the same day."""
    publish(world, RoutingRule("few", CAPACITY, orders=1))
    first, second = reserve(world), reserve(world, waiting_list=True)
    assert world.parts.holds.run() == 0
    device = world.device("S001")
    device.do(ended_by(world.fulfillments(first.order_id)[0].id))
    device.push()
    assert taken(world)["S001"] == 0
    assert world.parts.holds.run() == 1
    assert at(world, second.order_id) == ["S001"]
    assert taken(world)["S001"] == 1
    world.check_books()


def test_orders_of_a_group_take_room_together(world: World, monkeypatch: pytest.MonkeyPatch):
    """A day of N admits exactly N of a group; only who has to go elsewhere is placed alone."""
    publish(world, RoutingRule("few", CAPACITY, orders=3))
    orders = world.parts.central.orders
    alone = []
    place_alone = orders._groups._alone

    def noted(*asked):
        alone.append(asked)
        return place_alone(*asked)

    monkeypatch.setattr(orders._groups, "_alone", noted)
    requests = [
        OrderRequest(world.new_order(("SKU-1", 1), at="S001"), RequestIdentity("t", f"k{n}", "b"))
        for n in range(5)
    ]
    found = orders.place_many(requests)
    assert all(isinstance(one, Placed) for one in found)
    went = [at(world, one.order_id) for one in found if isinstance(one, Placed)]
    assert went.count(["S001"]) == 3
    assert len(alone) == 2
    assert (taken(world)["S001"], sum(taken(world).values())) == (3, 5)
    for one in found:
        assert isinstance(one, Placed)
        world.parts.central.cancelling.cancel(one.order_id, reason="", actor="test")
    assert set(taken(world).values()) == {0}
    world.check_books()


def test_room_of_an_order_that_is_refused_is_free_again(world: World, monkeypatch):
    """Within the group too: what an order took is taken back with it."""
    publish(world, RoutingRule("few", CAPACITY, orders=2))

    def fails_once(unit, order, *asked, **how):
        if order.customer_name == "Nobody":
            raise UnknownLocation("S001")
        return give(unit, order, *asked, **how)

    monkeypatch.setattr("central_server.services.order_capture.give", fails_once)
    requests = []
    for number, name in enumerate(("A", "Nobody", "B")):
        new = world.new_order(("SKU-1", 1), at="S001")
        new = replace(new, customer=replace(new.customer, name=name))
        requests.append(OrderRequest(new, RequestIdentity("t", f"k{number}", "b")))
    found = world.parts.central.orders.place_many(requests)
    assert [type(one).__name__ for one in found] == ["Placed", "UnknownLocation", "Placed"]
    assert taken(world)["S001"] == 2
    world.check_books()


def parcel(world: World) -> str:
    return place(world)[0]


def test_each_part_of_a_day_has_its_own_minutes(world: World):
    """What an order takes of a later part is what that part's rule says; too dear, others send."""
    world.parts.intake.carriers(CARRIERS)
    later = RoutingRule(
        "later", CAPACITY, locations=("S001",), from_minute=1200, labor_minutes=30,
        minutes_per_order=60.0,
    )  # fmt: skip
    sooner = RoutingRule(
        "sooner", CAPACITY, locations=("S001",), until_minute=1200, orders=0, labor_minutes=600,
        minutes_per_order=1.0,
    )  # fmt: skip
    publish(world, sooner, later)
    assert at(world, parcel(world)) == ["S002"]
    publish(world, sooner, replace(later, minutes_per_order=15.0))
    assert [at(world, parcel(world)) for _ in range(3)] == [["S001"], ["S001"], ["S002"]]
    world.check_books()


def test_parts_from_which_a_parcel_is_ready_alike_are_told_apart(world: World):
    """Before opening one part is full, and the next one takes the order: its room is counted."""
    world.parts.intake.carriers(CARRIERS)
    now = datetime.fromtimestamp(world.clock.now_ms() / 1000, ZoneInfo("America/New_York"))
    world.clock.advance((24 - now.hour) * HOUR_MS)
    night = RoutingRule("night", CAPACITY, locations=("S001",), until_minute=360, orders=1)
    morning = RoutingRule(
        "morning", CAPACITY, locations=("S001",), from_minute=360, until_minute=540, orders=1
    )
    publish(world, night, morning)
    assert [at(world, parcel(world)) for _ in range(3)] == [["S001"], ["S001"], ["S002"]]


def test_of_limits_for_the_same_hours_the_first_holds(world: World):
    """One store takes less than all others: its own limit does not add to theirs."""
    own = RoutingRule("own", CAPACITY, locations=("S001",), orders=1)
    publish(world, own, RoutingRule("all", CAPACITY, orders=3))
    orders = [world.place(("SKU-1", 1), at="S001").order_id for _ in range(5)]
    taken = [place for one in orders for place in at(world, one)]
    assert [taken.count(name) for name in ("S001", "S002", "S003")] == [1, 3, 1]


def test_a_day_is_full_in_its_twenty_fifth_hour(world: World):
    """In the night when clocks are set back: what was taken after midnight is still taken."""
    world.parts.intake.carriers(CARRIERS)
    zone = ZoneInfo("America/New_York")
    fall_back = datetime(2026, 11, 1, 0, 5, tzinfo=zone)
    world.clock.advance(int(fall_back.timestamp() * 1000) - world.clock.now_ms())
    publish(world, RoutingRule("day", CAPACITY, orders=1))
    assert [order.location_id for order in place(world)[1]] == ["S001"]
    world.clock.advance(24 * HOUR_MS + HOUR_MS // 2)
    assert [order.location_id for order in place(world)[1]] == ["S002"]
    parts = world.parts.central.routing.capacity()
    assert {one["location_id"]: one["orders"]["taken"] for one in parts} == {
        "S001": 1, "S002": 1, "S003": 0,
    }  # fmt: skip


def new_york(day: int, hour: int = 0) -> int:
    """Return an hour of a day of December at the stores, in ms."""
    zone = ZoneInfo("America/New_York")
    return int(datetime(2025, 12, day, hour, tzinfo=zone).timestamp() * 1000)


def at_hour(world: World, day: int, hour: int) -> None:
    world.clock.advance(new_york(day, hour) - world.clock.now_ms())


def test_the_evening_before_takes_room_by_the_limits_of_the_day(world: World):
    """What is ordered after hours is work of the next day: as much as fits then, and no more."""
    eve = RoutingRule(
        "eve", CAPACITY, locations=("S001",), until_minute=1080, orders=1,
        effective_from_ms=new_york(24),
    )  # fmt: skip
    publish(world, eve, RoutingRule("day", CAPACITY, until_minute=1080, orders=4))
    at_hour(world, 23, 17)
    assert at(world, world.place(("SKU-1", 1)).order_id) == ["S001"]
    at_hour(world, 23, 19)
    orders = [world.place(("SKU-1", 1)).order_id for _ in range(2)]
    assert [at(world, one) for one in orders] == [["S001"], ["S002"]]
    assert taken(world) == {"S001": 1, "S002": 1, "S003": 0}
    at_hour(world, 24, 9)
    assert at(world, world.place(("SKU-1", 1)).order_id) == ["S002"]
    world.check_books()


def test_a_day_on_which_nobody_works_has_no_room_of_its_own(world: World):
    """What comes on a Sunday is Monday's work: both together are as much as a Monday takes."""
    publish(world, RoutingRule("day", CAPACITY, locations=("S001",), orders=2))
    with world.database.read() as view:
        closed = view.locations.get("S001")
    assert closed is not None
    sundays_off = (*NINE_TO_NINE[:6], (0, 0))
    world.parts.intake.locations([replace(closed, hours=sundays_off, closures=("2025-12-29",))])
    at_hour(world, 28, 12)
    sunday = world.place(("SKU-1", 1)).order_id
    at_hour(world, 29, 12)
    holiday = [world.place(("SKU-1", 1)).order_id for _ in range(2)]
    assert [at(world, one) for one in (sunday, *holiday)] == [["S001"], ["S001"], ["S002"]]
    assert taken(world)["S001"] == 2
    at_hour(world, 30, 9)
    assert at(world, world.place(("SKU-1", 1)).order_id) == ["S002"]
    world.check_books()


def test_limits_of_tomorrow_send_nothing_there_today(world: World):
    """A day without limits takes its own work, though the next one has some."""
    tomorrow = new_york(24)
    publish(world, RoutingRule("eve", CAPACITY, orders=0, effective_from_ms=tomorrow))
    at_hour(world, 23, 19)
    assert at(world, world.place(("SKU-1", 1)).order_id) == ["S001"]
