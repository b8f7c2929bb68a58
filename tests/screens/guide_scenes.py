"""What the guide shows of drawer, reservations, parcels, waves, curbside and no-shows."""

from collections.abc import Awaitable, Callable

from sync.domain import operations as op
from sync.domain.flows.curbside import CustomerArrived
from tests.screens.test_pictures_reserve import held, set_aside
from tests.support.clocks import FrozenClock
from tests.support.fake_store import FakeStore, gtin_of, make_store
from tests.support.pickup_store import curbside_store, on_the_shelf, pickup_store, ready
from tests.support.ship_store import busy_ship_store, parcel, ship_store
from tests.support.terminals import Terminal

Scene = Callable[[Terminal, FakeStore], Awaitable[None]]
Make = Callable[[FrozenClock], FakeStore]


async def drawer(term: Terminal, store: FakeStore) -> None:
    """The float is counted, the drawer is open."""
    del store
    await term.press("f8", "enter", "enter")


async def reservation(term: Terminal, store: FakeStore) -> None:
    """Everything is set aside and lies at B2: the customer may come and pay."""
    del store
    await term.press("enter")
    for index in (0, 0, 1):
        await term.scan(gtin_of(index))
    await term.scan("B2")


async def payment(term: Terminal, store: FakeStore) -> None:
    """A card paid a part, notes the rest; the change is said."""
    await drawer(term, store)
    await term.press("escape", "enter", "f6")
    await term.type("50")
    await term.press("f5")
    await term.type("100")
    await term.press("enter")


async def parcel_packed(term: Terminal, store: FakeStore) -> None:
    """Three units in one box, weighed, labeled with the number that came with the order."""
    del store
    await term.press("enter")
    for index in (1, 1, 2):
        await term.scan(gtin_of(index))
    await term.press("enter")
    await term.type("1.25kg")
    await term.press("enter", "enter")


async def carrier(term: Terminal, store: FakeStore) -> None:
    """What is labeled is on the carrier's manifest."""
    del store
    await term.press("f4", "f7")


async def wave(term: Terminal, store: FakeStore) -> None:
    """Two units of a walk are in their totes."""
    del store
    await term.press("f7", "f6", "1")
    for index in (0, 1):
        await term.scan(gtin_of(index))


async def curbside(term: Terminal, store: FakeStore) -> None:
    """Who waits outside, where and for how long."""
    del store
    await term.press("f6")


async def no_show(term: Terminal, store: FakeStore) -> None:
    """Nobody came for an order: Enter asks whether everything is back on the shelf."""
    term.app.open_order("pickup", next(iter(store.orders)))
    await term.rest()
    await term.press("enter")


def one_reservation(clock: FrozenClock) -> FakeStore:
    """A store with one reservation."""
    store = make_store(clock)
    held(store, 0)
    return store


def to_be_paid(clock: FrozenClock) -> FakeStore:
    """The same, set aside."""
    store = make_store(clock)
    set_aside(store, held(store, 0), "B2")
    return store


def one_parcel(clock: FrozenClock) -> FakeStore:
    """A store with one parcel order."""
    store = ship_store(clock)
    store.add(parcel(1, clock.now_ms()))
    return store


def five_orders(clock: FrozenClock) -> FakeStore:
    """A store with five orders to pick."""
    return pickup_store(clock, 5)


def outside(clock: FrozenClock) -> FakeStore:
    """Two customers wait outside, one has not come yet."""
    store = curbside_store(clock, 3)
    for place, spot in enumerate(("A1", "B2", "B3")):
        ready(store, place, spot)
    keys, now_ms = [*store.orders], clock.now_ms()
    store.perform(CustomerArrived(keys[1], "P2", now_ms - 7 * 60_000, "red van"), by="", dev="")
    store.perform(CustomerArrived(keys[2], "P1", now_ms - 60_000), by="", dev="")
    store.settle()
    return store


def not_fetched(clock: FrozenClock) -> FakeStore:
    """An order whose last day was yesterday."""
    store, now_ms = pickup_store(clock, 1), clock.now_ms()
    key = on_the_shelf(store, 0, "A1")
    late = op.MarkedReady(key, now_ms - 8 * 86_400_000, now_ms - 86_400_000)
    store.perform(late, by="A103", dev="T1")
    store.settle()
    return store


FLOW_SCENES: dict[str, tuple[Scene, Make]] = {
    "drawer": (drawer, make_store),
    "reservation": (reservation, one_reservation),
    "payment": (payment, to_be_paid),
    "parcel": (parcel_packed, one_parcel),
    "carrier": (carrier, busy_ship_store),
    "wave": (wave, five_orders),
    "curbside": (curbside, outside),
    "no-show": (no_show, not_fetched),
}
"""Scene and store of each picture, by the picture's name."""
