"""The hold shelf: what fits at a spot, and where the next order goes."""

from dataclasses import replace

import pytest

from store_client.flows.pickup import commands
from store_client.services.desk import Desk, Refusal
from store_client.services.open_orders import open_orders
from store_client.services.spots import free_spot, spots_of
from sync.domain import operations as op
from sync.domain.people import Role
from sync.domain.pickups import PickupPolicy, SpotCapacity
from tests.support.clocks import FrozenClock
from tests.support.fake_store import (
    STORE,
    FakeStore,
    make_catalogue,
    make_order,
    make_people,
)
from tests.support.filled_store import fill, open_filled
from tests.support.pickup_store import away, on_the_shelf, pickup_store, with_capacity
from tests.support.terminals import actor_of, terminal


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock) -> FakeStore:
    return with_capacity(pickup_store(clock, 4))


@pytest.fixture
def desk(store, clock) -> Desk:
    return Desk(store, clock, actor_of(Role.ASSOCIATE), "T1")


def picked(desk: Desk, store: FakeStore, place: int) -> str:
    order = [*store.orders.values()][place]
    for line in order.lines:
        commands.pick_by_hand(desk, order.id, line.line, line.allocated)
    return order.id


def test_a_full_spot_is_refused_and_the_next_free_one_named(desk, store):
    """In words, with how many lie there; where all are full, that is said."""
    on_the_shelf(store, 0, "A1")
    second = picked(desk, store, 1)
    with pytest.raises(Refusal) as refused:
        commands.stage(desk, second, "a1")
    assert refused.value.why == "A1 is full: 1 of 1 orders lie there."
    assert refused.value.todo == "Next free: A2."
    commands.stage(desk, second, "A2")
    with pytest.raises(Refusal) as refused:
        commands.stage(desk, picked(desk, store, 2), "A2")
    assert "Every spot is full" in refused.value.todo


def test_an_order_is_not_in_its_own_way(desk, store):
    """Scanning the label of the spot at which an order lies already is no mistake."""
    key = on_the_shelf(store, 0, "A1")
    assert commands.stage(desk, key, "A1").staging_spot == "A1"


def test_goods_that_have_to_go_back_take_room_until_they_are_back(desk, store):
    """Called off, the goods still lie there: the spot is free when they are on the shelf."""
    key = on_the_shelf(store, 0, "A1")
    store.cancel(key)
    assert [spot.orders for spot in spots_of(desk)] == [1, 0]
    commands.put_back_all(desk, key)
    assert [spot.orders for spot in spots_of(desk)] == [0, 0]


def test_a_spot_without_a_limit_takes_any_number(desk, store, clock):
    """A store that numbers nothing works as before; the emptiest spot is proposed."""
    plain = pickup_store(clock, 3)
    for place in range(2):
        on_the_shelf(plain, place, "A1")
    free_desk = Desk(plain, clock, actor_of(Role.ASSOCIATE), "T1")
    spots = spots_of(free_desk)
    assert (spots[0].orders, spots[0].is_full) == (2, False)
    free = free_spot(spots)
    assert free is not None
    assert free.name == "A2"


@pytest.mark.slow
def test_thousands_of_open_orders_hide_nothing(tmp_path, clock):
    """What lies at a spot is counted and found behind any number of orders that are to be done."""
    shop = open_filled(tmp_path, clock)
    orders = [make_order(number, clock.now_ms(), quantities=(1,)) for number in range(2_600)]
    places = {number: "b2" if number == 2_599 else "A1" for number in range(2_594, 2_600)}
    placed = [replace(order, staging_spot=places.get(number, ""), lines=tuple(
        replace(line, picked=int(number in places)) for line in order.lines
    )) for number, order in enumerate(orders)]  # fmt: skip
    row = replace(STORE, pickup=PickupPolicy(capacities=(SpotCapacity("A1", 5),)))
    fill(shop, row, make_people(), make_catalogue(), placed)
    desk = Desk(shop, clock, actor_of(Role.ASSOCIATE), "T1")
    assert [spot.words for spot in spots_of(desk)][:2] == ["A1 full", "A2"]
    assert [one.order_number for one in shop.orders_at("B2")] == ["K7Q2-2599"]
    assert [len(shop.orders_at(spot)) for spot in ("a1", "A2")] == [5, 0]
    assert len(open_orders(desk, "pickup")) == 2_600
    shop.close()


@pytest.mark.anyio
async def test_the_terminal_proposes_the_next_free_spot_offline(store, clock):
    """How full each spot is stands in the dialog, the free one in the field; Enter takes it."""
    on_the_shelf(store, 0, "A1")
    key = [*store.orders][1]
    for line in store.orders[key].lines:
        store.perform(op.LinePicked(key, line.line, line.allocated), by="A103", dev="T1")
    away(store)
    async with terminal(store, clock) as term:
        term.app.open_order("pickup", key)
        await term.rest()
        await term.scan("A1")
        assert "A1 is full: 1 of 1 orders lie there. Next free: A2." in term.text()
        await term.press("enter")
        assert "A1 full, A2 0/1" in term.text()
        await term.press("enter")
        assert "Put at A2" in term.text()
