"""Pickup orders for the store in memory: several to pick at once, some on the hold shelf."""

from dataclasses import replace

from sync.clock import Clock
from sync.domain import operations as op
from sync.domain.pickups import PickupPolicy, SpotCapacity
from sync.domain.waves import PickMode
from tests.support.fake_store import FakeStore, State, make_order, make_store

WAVE = "T2-0302-1"


def pickup_store(clock: Clock, orders: int = 0) -> FakeStore:
    """Return the small store with so many new pickup orders, due one after the other."""
    store = make_store(clock)
    for number in range(orders):
        store.add(make_order(number, clock.now_ms(), due_minutes=20 * number + 30))
    return store


def with_wave(store: FakeStore, picker: str, mode: PickMode, orders: int = 2) -> None:
    """Let somebody at another terminal have a wave of the first orders."""
    for tote, key in enumerate([*store.orders][:orders], 1):
        store.perform(op.WaveAssigned(key, WAVE, picker, tote, mode), by=picker, dev="T2")
    store.settle()


def with_capacity(store: FakeStore, orders: int = 1) -> FakeStore:
    """Let the first two spots of the store hold so many orders each, and no others exist."""
    assert store.row is not None
    limits = tuple(SpotCapacity(spot, orders) for spot in ("A1", "A2"))
    policy = PickupPolicy(capacities=limits)
    store.row = replace(store.row, spots=("A1", "A2"), pickup=policy)
    return store


def on_the_shelf(store: FakeStore, place: int, spot: str) -> str:
    """Pick an order and put it at a spot; return its id."""
    order = [*store.orders.values()][place]
    for line in order.lines:
        store.perform(op.LinePicked(order.id, line.line, line.allocated), by="A103", dev="T1")
    store.perform(op.Staged(order.id, spot), by="A103", dev="T1")
    store.settle()
    return order.id


def curbside_store(clock: Clock, orders: int = 0) -> FakeStore:
    """Return the small store with parking spots and so many new orders to be brought out."""
    store = make_store(clock)
    assert store.row is not None
    policy = replace(store.row.pickup, parking=("P1", "P2", "P3"))
    store.row = replace(store.row, pickup=policy)
    for number in range(orders):
        order = make_order(number, clock.now_ms(), due_minutes=20 * number + 30)
        store.add(replace(order, flow="curbside"))
    return store


def ready(store: FakeStore, place: int, spot: str) -> str:
    """Let an order wait for its customer at a spot; return its id."""
    key, now_ms = on_the_shelf(store, place, spot), store.clock.now_ms()
    store.perform(op.MarkedReady(key, now_ms, now_ms + 7 * 86_400_000), by="A103", dev="T1")
    store.settle()
    return key


def away(store: FakeStore) -> FakeStore:
    """The same store, away from central for a while, with work waiting."""
    contact_ms = store.clock.now_ms() - 12 * 60_000
    store.state = replace(
        State(last_contact_ms=contact_ms), backlog=5, last_error="central cannot be reached"
    )
    store.version += 1
    return store
