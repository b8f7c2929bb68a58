"""What picking several pickups at once looks like, at both sizes."""

import sys
from collections.abc import Awaitable, Callable

import pytest

from store_client.app import StoreApp
from store_client.services.desk import TerminalSettings
from sync.domain import operations as op
from sync.domain.flows.curbside import CustomerArrived
from sync.domain.people import Role
from sync.domain.waves import PickMode
from tests.support.clocks import FrozenClock
from tests.support.fake_store import FakeStore, gtin_of
from tests.support.pickup_store import (
    away,
    curbside_store,
    on_the_shelf,
    pickup_store,
    ready,
    with_capacity,
    with_wave,
)
from tests.support.terminals import QUIET_SECONDS, KeyTimes, Terminal, actor_of

pytestmark = [
    pytest.mark.snapshot,
    pytest.mark.slow,
    pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="pictures are taken on 3.11"),
]
SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
Steps = Callable[[Terminal], Awaitable[None]]


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def shows(snap_compare, clock, size):
    """Compare a picture of the terminal after some steps with the stored one."""

    def compare(store: FakeStore, *steps: str | Steps, role: Role = Role.ASSOCIATE):
        keys = KeyTimes()
        app = StoreApp(store, clock, TerminalSettings(poll_seconds=QUIET_SECONDS), key_ms=keys)

        async def run_before(pilot) -> None:
            term = Terminal(app, pilot, keys)
            await term.rest()
            app.signed_in(actor_of(role))
            await term.rest()
            for step in steps:
                if isinstance(step, str):
                    await term.press(step)
                else:
                    await step(term)
            await term.rest()

        return snap_compare(app, terminal_size=size, run_before=run_before)

    return compare


def scans(*indexes: int) -> Steps:
    """Steps that scan these products."""

    async def scan(term: Terminal) -> None:
        for index in indexes:
            await term.scan(gtin_of(index))

    return scan


@SIZES
def test_desk_empty(shows, clock):
    """Nothing waits to be picked."""
    assert shows(pickup_store(clock), "f7")


@SIZES
def test_desk_busy(shows, clock):
    """Waves with who picks them, orders to mark for the next one."""
    store = pickup_store(clock, 6)
    with_wave(store, "A104", PickMode.SORT_WHILE_PICK)
    assert shows(store, "f7", "down", "space")


@SIZES
def test_desk_mode(shows, clock):
    """When items are sorted is asked once."""
    assert shows(pickup_store(clock, 3), "f7", "f6")


@SIZES
def test_desk_refused(shows, clock):
    """No wave without orders: why, and what to do."""
    assert shows(pickup_store(clock), "f7", "f6", "1")


@SIZES
def test_wave_busy(shows, clock):
    """Place by place, with totes; the last scan says where the unit goes."""
    assert shows(pickup_store(clock, 5), "f7", "f6", "1", scans(0, 1))


@SIZES
def test_wave_sorting_offline(shows, clock):
    """The sum is picked; now each scan sorts; no network is asked."""
    assert shows(away(pickup_store(clock, 2)), "f7", "f6", "2", scans(0, 0, 1, 1, 1, 2, 0))


@SIZES
def test_wave_of_somebody_else(shows, clock):
    """Who picks it stands on top; a scan is refused in words."""
    store = pickup_store(clock, 2)
    with_wave(store, "A104", PickMode.SORT_AFTER_PICK)
    assert shows(store, "f7", "enter", scans(0))


@SIZES
def test_wave_over(shows, clock):
    """Everything is in its tote: what comes next."""
    assert shows(pickup_store(clock, 1), "f7", "f6", "1", scans(0, 0, 1))


@SIZES
def test_order_in_a_wave(shows, clock):
    """An order says in whose wave it is, and refuses to be picked beside it."""
    store = pickup_store(clock, 2)
    with_wave(store, "A104", PickMode.SORT_WHILE_PICK)
    assert shows(store, "enter", scans(0))


def opens(place: int) -> Steps:
    """Steps that open the order of this place."""

    async def open_it(term: Terminal) -> None:
        store = term.app.store
        assert isinstance(store, FakeStore)
        term.app.open_order("pickup", [*store.orders][place])
        await term.rest()

    return open_it


@SIZES
def test_spot_proposed(shows, clock):
    """How full each spot is, with the next free one in the field."""
    store = with_capacity(pickup_store(clock, 3), 2)
    for place, spot in ((0, "A1"), (1, "A1"), (2, "A2")):
        on_the_shelf(store, place, spot)
    assert shows(store, opens(2), "f8")


@SIZES
def test_spot_full_offline(shows, clock):
    """The label of a full spot was scanned: why not, and where to."""

    async def scan_spot(term: Terminal) -> None:
        await term.scan("A1")

    store = away(with_capacity(pickup_store(clock, 2)))
    on_the_shelf(store, 0, "A1")
    on_the_shelf(store, 1, "A2")
    assert shows(away(store), opens(1), scan_spot)


@SIZES
def test_no_show(shows, clock):
    """Nobody came: it stands on the put-back list, and Enter asks once."""
    store = pickup_store(clock, 1)
    key = on_the_shelf(store, 0, "A1")
    now_ms = clock.now_ms()
    late = op.MarkedReady(key, now_ms - 8 * 86_400_000, now_ms - 3_600_000)
    store.perform(late, by="A103", dev="T1")
    assert shows(store, opens(0), "enter")


@SIZES
def test_no_show_list_offline(shows, clock):
    """The put-back list, with the network cut."""
    store = pickup_store(clock, 3)
    key = on_the_shelf(store, 0, "A1")
    now_ms = clock.now_ms()
    late = op.MarkedReady(key, now_ms - 8 * 86_400_000, now_ms - 3_600_000)
    store.perform(late, by="A103", dev="T1")
    assert shows(away(store), "right")


@SIZES
def test_longer_than_the_policy_refused(shows, clock):
    """How long goods may wait here, and until when."""

    async def thirty(term: Terminal) -> None:
        await term.type("26")

    store = pickup_store(clock, 1)
    key = on_the_shelf(store, 0, "A1")
    now_ms = clock.now_ms()
    store.perform(op.MarkedReady(key, now_ms, now_ms + 7 * 86_400_000), by="A103", dev="T1")
    assert shows(store, opens(0), "f7", "6", thirty, "enter")


def outside(clock: FrozenClock) -> FakeStore:
    """A store with two customers outside, one of them for long, and one who is on the way."""
    store = curbside_store(clock, 4)
    for place, spot in ((0, "A1"), (1, "B2"), (2, "B3")):
        ready(store, place, spot)
    keys, now_ms = [*store.orders], clock.now_ms()
    store.perform(CustomerArrived(keys[1], "P2", now_ms - 7 * 60_000, "red van"), by="", dev="")
    store.perform(CustomerArrived(keys[3], "P1", now_ms - 60_000), by="", dev="")
    store.settle()
    return store


@SIZES
def test_curbside_empty(shows, clock):
    """Nothing is to be brought out."""
    assert shows(curbside_store(clock), "f6")


@SIZES
def test_curbside_busy(shows, clock):
    """Who waits where, in which car, for how long; then those who are not here yet."""
    assert shows(outside(clock), "f6")


@SIZES
def test_curbside_offline(shows, clock):
    """The same with the network cut, and an arrival that was typed."""

    async def typed(term: Terminal) -> None:
        await term.press("down", "down", "f6")
        await term.type("P3, blue car")
        await term.press("enter")

    assert shows(away(outside(clock)), "f6", typed)


@SIZES
def test_curbside_spot_refused(shows, clock):
    """A spot that is not there stays in the field, with those that are."""

    async def typed(term: Terminal) -> None:
        await term.type("P9")

    assert shows(outside(clock), "f6", "f6", typed, "enter")


@SIZES
def test_curbside_order(shows, clock):
    """An order whose customer waits outside."""

    async def open_it(term: Terminal) -> None:
        store = term.app.store
        assert isinstance(store, FakeStore)
        term.app.open_order("curbside", [*store.orders][1])
        await term.rest()

    assert shows(outside(clock), open_it)


@SIZES
def test_today_with_customers_outside(shows, clock):
    """They stand before all other work."""
    assert shows(outside(clock))


@SIZES
def test_signature_at_the_counter(shows, clock):
    """In place of a document: the slip is signed, and a lead approves."""
    store = pickup_store(clock, 1)
    ready(store, 0, "A1")
    assert shows(store, opens(0), "f6", "f4", "6")


@SIZES
def test_signature_of_a_stranger_refused_offline(shows, clock):
    """Somebody whom the order does not name needs the code."""

    async def stranger(term: Terminal) -> None:
        await term.type("Ann Lee")

    store = away(pickup_store(clock, 1))
    ready(store, 0, "A1")
    assert shows(away(store), opens(0), "f6", "f4", "1", stranger, "enter", role=Role.LEAD)


@SIZES
def test_customer_takes_nothing(shows, clock):
    """Why not is asked once; everything goes back then."""
    store = pickup_store(clock, 1)
    ready(store, 0, "A1")
    assert shows(store, opens(0), "f7", "8", "4")
