"""The terminal on the real files: what the screen confirmed is there after it was killed."""

import pytest

from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentStatus
from tests.support.clocks import FrozenClock
from tests.support.fake_store import CODE, STORE, gtin_of, make_catalogue, make_order, make_people
from tests.support.filled_store import cancel, fill, open_filled
from tests.support.terminals import PIN, hash_pin, terminal

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def folder(tmp_path, clock):
    store = open_filled(tmp_path, clock)
    orders = [make_order(number, clock.now_ms(), due_minutes=number * 20) for number in range(3)]
    fill(store, STORE, make_people(hash_pin()), make_catalogue(), orders)
    store.close()
    return tmp_path


async def test_the_whole_way_on_real_files(folder, clock):
    """Sign in, pick, shelf, ready, hand over: the same keys, the real journal."""
    store = open_filled(folder, clock)
    async with terminal(store, clock, role=None) as term:
        await term.type("A103")
        await term.press("enter")
        await term.type(PIN)
        await term.press("enter")
        assert "To pick 3" in term.text()
        await term.press("enter", "enter")
        for index in (0, 0, 1):
            await term.scan(gtin_of(index))
        await term.scan("A2")
        await term.press("enter", "enter", "enter")
        await term.type(CODE)
        await term.press("enter")
        assert "Handed over: all done" in term.text()
        await term.press("ctrl+t")
        assert "Handed over" in term.text()
        assert "Waiting to be sent" in term.text()
    key = make_order(0, clock.now_ms()).id
    order = store.fulfillment(key)
    assert order is not None
    assert status_of(order) is FulfillmentStatus.PICKED_UP
    store.close()


async def test_what_the_screen_confirmed_survives_its_end(folder, clock):
    """The files are opened again as after a power cut: no close, no goodbye."""
    store = open_filled(folder, clock)
    async with terminal(store, clock) as term:
        await term.press("enter")
        await term.scan(gtin_of(0))
        assert "Picked 1 of 2" in term.text()
    again = open_filled(folder, clock)
    async with terminal(again, clock, role=None) as term:
        assert "Last recorded here: Picked (1) for K7Q2-0000" in term.text()
    order = again.fulfillment(make_order(0, clock.now_ms()).id)
    assert order is not None
    assert order.total("picked") == 1
    again.close()
    store.close()


async def test_a_cancellation_that_arrives_by_the_daemon_changes_the_open_order(folder, clock):
    """Another connection writes what central sent; the open screen follows."""
    store, daemon = open_filled(folder, clock), open_filled(folder, clock)
    async with terminal(store, clock) as term:
        await term.press("enter")
        await term.scan(gtin_of(0))
        await term.look()
        cancel(daemon, make_order(0, clock.now_ms(), due_minutes=0))
        await term.look()
        assert "Cancelled by the customer 10:32: put back 1" in term.text()
    store.close()
    daemon.close()


async def test_stock_is_found_while_typing_with_own_work_included(folder, clock):
    """What this store just handed over is no longer in its figures."""
    store = open_filled(folder, clock)
    async with terminal(store, clock) as term:
        await term.press("f3")
        await term.type("kett")
        await term.press("enter")
        assert "Marrowick Gooseneck Kettle 1.2 L Steel" in term.text()
        assert "3 free" in term.text()
    store.close()


async def test_a_lock_out_survives_a_restart(folder, clock):
    """Five wrong PINs, then the terminal is opened again: still locked."""
    store = open_filled(folder, clock)
    async with terminal(store, clock, role=None) as term:
        await term.type("A103")
        await term.press("enter")
        for _ in range(5):
            await term.type("0000")
            await term.press("enter")
    store.close()
    again = open_filled(folder, clock)
    async with terminal(again, clock, role=None) as term:
        await term.type("A103")
        await term.press("enter")
        await term.type(PIN)
        await term.press("enter")
        assert "locked out" in term.text()
    again.close()
