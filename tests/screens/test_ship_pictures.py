"""What shipping looks like, at both sizes: compare with `make snapshots` after a change."""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from store_client.app import StoreApp
from store_client.services.desk import TerminalSettings
from sync.domain.flows.ship import shipment_of
from sync.domain.people import Role
from tests.support.clocks import FrozenClock
from tests.support.fake_store import FakeStore, State, gtin_of
from tests.support.ship_store import busy_ship_store, ship_store
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


def away(store: FakeStore) -> FakeStore:
    """The same store, away from central for a while, with work waiting."""
    contact_ms = store.clock.now_ms() - 12 * 60_000
    store.state = replace(
        State(last_contact_ms=contact_ms), backlog=5, last_error="central cannot be reached"
    )
    return store


@pytest.fixture
def shows(snap_compare, clock, size):
    """Compare a picture of the terminal after some steps with the stored one."""

    def compare(store: FakeStore, steps: Steps, role: Role = Role.ASSOCIATE):
        keys = KeyTimes()
        settings = TerminalSettings(poll_seconds=QUIET_SECONDS)
        app = StoreApp(store, clock, settings, key_ms=keys)

        async def run_before(pilot) -> None:
            term = Terminal(app, pilot, keys)
            await term.rest()
            app.signed_in(actor_of(role))
            await term.rest()
            await steps(term)
            await term.rest()

        return snap_compare(app, terminal_size=size, run_before=run_before)

    return compare


def keys(*pressed: str) -> Steps:
    """Steps that press keys."""

    async def press(term: Terminal) -> None:
        if pressed:
            await term.press(*pressed)

    return press


def order(number: int, *pressed: str) -> Steps:
    """Steps that open the order of this place and press keys."""

    async def open_it(term: Terminal) -> None:
        store = term.app.store
        assert isinstance(store, FakeStore)
        term.app.open_order("ship_from_store", [*store.orders][number])
        await term.rest()
        if pressed:
            await term.press(*pressed)

    return open_it


@SIZES
def test_today_with_parcels(shows, clock):
    """Parcels stand among the day's work, by their cut-offs."""
    assert shows(busy_ship_store(clock), keys())


@SIZES
def test_desk_busy(shows, clock):
    """Clocks of the carriers, open waves, boxes on their way out."""
    assert shows(busy_ship_store(clock), keys("f4"))


@SIZES
def test_desk_empty(shows, clock):
    """Carriers come, and nothing is to be sent."""
    assert shows(ship_store(clock), keys("f4"))


@SIZES
def test_desk_offline(shows, clock):
    """Listed without a network: it says that central hears of it later."""
    assert shows(away(busy_ship_store(clock)), keys("f4", "f8", "enter"))


@SIZES
def test_desk_refused(shows, clock):
    """No wave without orders: why, and what to do."""
    assert shows(ship_store(clock), keys("f4", "f6"))


@SIZES
def test_wave_busy(shows, clock):
    """Place by place, with totes; the last scan says where the unit goes."""

    async def steps(term: Terminal) -> None:
        await term.press("f4", "f6")
        await term.scan(gtin_of(0))

    assert shows(ship_store(clock, 5), steps)


@SIZES
def test_wave_offline(shows, clock):
    """Picking asks no network."""
    assert shows(away(ship_store(clock, 3)), keys("f4", "f6", "f4"))


@SIZES
def test_wave_refused(shows, clock):
    """An item that no order of the wave wants."""

    async def steps(term: Terminal) -> None:
        await term.press("f4", "f6")
        await term.scan(gtin_of(7))

    assert shows(ship_store(clock, 2), steps)


@SIZES
def test_wave_over(shows, clock):
    """Everything is in its tote: what comes next."""
    assert shows(ship_store(clock, 1), keys("f4", "f6", "f4", "f4", "f4"))


@SIZES
def test_wave_none_left(shows, clock):
    """Why nothing of an item can be picked."""
    assert shows(ship_store(clock, 2), keys("f4", "f6", "f7"))


@SIZES
def test_order_to_pack(shows, clock):
    """Everything is in hand."""
    assert shows(busy_ship_store(clock), order(1))


@SIZES
def test_order_weigh(shows, clock):
    """The weight of the next box."""
    assert shows(busy_ship_store(clock), order(1, "enter"))


@SIZES
def test_order_weight_refused(shows, clock):
    """What is no weight stays in the field, with the reason."""

    async def steps(term: Terminal) -> None:
        await order(1, "enter")(term)
        await term.type("heavy")
        await term.press("enter")

    assert shows(busy_ship_store(clock), steps)


@SIZES
def test_order_label_here(shows, clock):
    """A box is packed, its number came with the order."""

    async def steps(term: Terminal) -> None:
        await order(1, "enter")(term)
        await term.type("1.25kg")
        await term.press("enter")

    assert shows(busy_ship_store(clock), steps)


@SIZES
def test_order_label_asked_offline(shows, clock):
    """Asked of central, which is not reached: provisional, and said to be."""
    assert shows(away(busy_ship_store(clock)), order(2, "enter"))


@SIZES
def test_order_label_refused_by_the_carrier(shows, clock):
    """What the carrier said stands on top until somebody acts."""
    store = busy_ship_store(clock)
    key = [*store.orders][2]
    shipment = shipment_of(store.orders[key])
    box = replace(shipment.boxes[0], problem="there is no place with postal code 00012")
    store.add(replace(store.orders[key], shipment=replace(shipment, boxes=(box,))))
    assert shows(store, order(2))


@SIZES
def test_order_on_the_manifest(shows, clock):
    """It waits for its carrier."""
    assert shows(busy_ship_store(clock), order(4))


@SIZES
def test_order_cancelled_in_its_box(shows, clock):
    """Called off after packing: out of the box, and back."""
    assert shows(busy_ship_store(clock), order(10))


@SIZES
def test_reject_preview(shows, clock):
    """What follows is shown before anything is done."""
    assert shows(busy_ship_store(clock), order(0, "f7", "2", "1"))


@SIZES
def test_reject_preview_offline(shows, clock):
    """The same, where central hears of it later."""
    assert shows(away(busy_ship_store(clock)), order(3, "f7", "2", "1"))


@SIZES
def test_problems(shows, clock):
    """Everything that can go wrong with a labeled box."""
    assert shows(busy_ship_store(clock), order(3, "f7"))
