"""Scans that come behind another order's label: they are that order's, or nobody's."""

import pytest

from tests.store_client.test_terminal_dialogs import post_scans
from tests.support.clocks import FrozenClock
from tests.support.fake_store import gtin_of
from tests.support.pickup_store import pickup_store
from tests.support.slow_store import SlowStore
from tests.support.terminals import Terminal, terminal

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


async def scan_now(term: Terminal, *texts: str) -> None:
    """Let scans arrive one after the other while the disk is waited for."""
    term.keys.gap_ms = 8
    for text in texts:
        term.keys.at_ms += 500
        for key in (*text, "enter"):
            await term.pilot.press({"-": "minus"}.get(key, key))
    term.keys.gap_ms = 180


@pytest.mark.parametrize("where", ["order", "wave"])
async def test_what_is_scanned_behind_anothers_label_is_picked_of_the_other(clock, where):
    """Item, the other's slip, item, on a slow disk: one unit of each order."""
    store = pickup_store(clock, 3)
    one, other, _ = store.orders.values()
    slow = SlowStore(store, "line_picked")
    async with terminal(store, clock) as term:
        await term.press(*{"order": ("enter",), "wave": ("f7", "f6", "1")}[where])
        done = len(store.performed)
        await post_scans(term, slow, gtin_of(0))
        await scan_now(term, other.order_number, gtin_of(1))
        slow.release.set()
        await term.rest()
        assert term.screen.order.order_number == other.order_number
        assert [each.fulfillment_id for each in store.performed[done:]] == [one.id, other.id]
        assert term.toasts() == ""


async def test_what_is_scanned_behind_a_label_of_no_order_here_is_named(clock):
    """Nothing opens: the item behind the label is not taken for the order on the screen."""
    store = pickup_store(clock, 1)
    slow = SlowStore(store, "line_picked")
    async with terminal(store, clock) as term:
        await term.press("enter")
        number = term.screen.order.order_number
        missing = f"{number[:-1]}{(int(number[-1]) + 5) % 10}"
        await post_scans(term, slow, gtin_of(0))
        await scan_now(term, missing, gtin_of(0))
        slow.release.set()
        await term.rest()
        assert len(store.performed) == 1
        assert "That scan was not used" in term.toasts()
        await term.scan(gtin_of(0))
    assert len(store.performed) == 2
