"""What happens at the terminal while a disk is slow: nothing twice, nothing lost."""

import pytest

from store_client.screens.recording import SCANS_WAITING_MAX
from store_client.screens.today import TodayScreen
from store_client.screens.wave import WaveScreen
from store_client.services.scanner import read_code
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentStatus
from tests.support.clocks import FrozenClock
from tests.support.fake_store import gtin_of, make_store
from tests.support.pickup_store import pickup_store
from tests.support.slow_store import SlowStore
from tests.support.terminals import Terminal, terminal

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


async def test_ready_pressed_twice_is_ready_once(clock):
    """The second press does nothing while the first is made durable, and is no error."""
    store = make_store(clock, 3)
    key = next(iter(store.orders))
    slow = SlowStore(store, "marked_ready")
    async with terminal(store, clock) as term:
        await term.press("enter")
        for index in (0, 0, 1):
            await term.scan(gtin_of(index))
        await term.scan("a2")
        await term.pilot.press("enter", "enter")
        await slow.reached(term)
        slow.release.set()
        await term.rest()
        assert "the customer is told" in term.text()
        assert term.toasts() == ""
    assert status_of(store.orders[key]) is FulfillmentStatus.READY_FOR_PICKUP
    assert [one.kind for one in store.performed].count("marked_ready") == 1


async def test_a_scan_is_recorded_though_its_screen_is_left_meanwhile(clock):
    """Esc while the disk is slow takes nothing back: the order is opened with the unit picked."""
    store = make_store(clock, 3)
    slow = SlowStore(store, "line_picked")
    async with terminal(store, clock) as term:
        await term.press("enter")
        term.keys.gap_ms = 8
        term._post(*gtin_of(0), "enter")
        await slow.reached(term)
        await term.pilot.press("escape")
        await term.pilot.pause()
        slow.release.set()
        await term.rest()
        term.keys.gap_ms = 180
        await term.press("enter")
        assert "1 of 2" in term.text()
    assert [one.kind for one in store.performed] == ["line_picked"]


async def test_a_code_that_records_nothing_holds_no_scan_up(clock):
    """The order's own number, scanned between two items: the second item is taken all the same."""
    store = make_store(clock, 3)
    slow = SlowStore(store, "line_picked")
    async with terminal(store, clock) as term:
        await term.press("enter")
        number = term.screen.order.order_number
        term.keys.gap_ms = 8
        for text in (gtin_of(0), number, gtin_of(0)):
            term.keys.at_ms += 500
            for key in (*text, "enter"):
                await term.pilot.press({"-": "minus"}.get(key, key))
        await slow.reached(term)
        slow.release.set()
        await term.rest()
    assert [one.kind for one in store.performed] == ["line_picked"] * 2


async def scan_and_leave(term: Terminal, slow: SlowStore, leave: str) -> None:
    """Scan three items and press a key while the first is being recorded."""
    term.keys.gap_ms = 8
    for index in (0, 0, 1):
        term.keys.at_ms += 500
        term._post(*gtin_of(index), "enter")
    await slow.reached(term)
    term._post(leave)
    await term.pilot.pause()
    slow.release.set()
    await term.rest()


@pytest.mark.parametrize("leave", ["escape", "f2"])
async def test_no_scan_is_lost_in_silence_where_its_screen_is_left(clock, leave):
    """Esc and F2 go when the last is recorded, and lose none on the way."""
    store = make_store(clock, 3)
    slow = SlowStore(store, "line_picked")
    async with terminal(store, clock) as term:
        await term.press("enter")
        await scan_and_leave(term, slow, leave)
        assert isinstance(term.screen, TodayScreen)
        assert [one.kind for one in store.performed] == ["line_picked"] * 3
        assert term.toasts() == ""


@pytest.mark.parametrize("leave", ["escape", "f2"])
async def test_no_scan_of_a_wave_is_lost_in_silence_where_it_is_left(clock, leave):
    """The same on a walk: both wait for what was scanned."""
    store = pickup_store(clock, 2)
    slow = SlowStore(store, "line_picked")
    async with terminal(store, clock) as term:
        await term.press("f7", "f6", "1")
        done = len(store.performed)
        await scan_and_leave(term, slow, leave)
        assert not isinstance(term.screen, WaveScreen)
        assert [one.kind for one in store.performed[done:]] == ["line_picked"] * 3
        assert term.toasts() == ""


async def test_more_scans_than_wait_in_a_wave_are_named(clock):
    """As many as fit wait their turn; the one too many can be scanned again."""
    store = pickup_store(clock, 2)
    async with terminal(store, clock) as term:
        await term.press("f7", "f6", "1")
        term.screen.busy = True
        for _ in range(SCANS_WAITING_MAX + 1):
            term.screen.take_code(read_code(gtin_of(0)))
        await term.pilot.pause()
        assert term.toasts().count("That scan was not used") == 1
        assert len(term.screen._scans) == SCANS_WAITING_MAX
