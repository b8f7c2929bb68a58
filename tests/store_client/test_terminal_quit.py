"""Ctrl+Q: nothing that is recorded is cut off, and nobody gets past the lock by it."""

import pytest

from store_client.adapters.payment_terminals import SimulatedTerminal
from store_client.screens.help import HelpScreen
from store_client.screens.lock import LockScreen
from sync.domain.people import Role
from tests.store_client.test_terminal_dialogs import names, scan_more
from tests.support.clocks import FrozenClock
from tests.support.fake_store import CODE, gtin_of
from tests.support.pickup_store import on_the_shelf, pickup_store, ready
from tests.support.slow_store import SlowStore
from tests.support.terminals import Terminal, actor_of, terminal, till_settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


async def quit_by_key(term: Terminal) -> None:
    """Press Ctrl+Q, and let what it does begin."""
    await term.pilot.press("ctrl+q")
    await term.pilot.pause()


async def test_quitting_does_not_lift_the_lock_over_a_counter_with_a_scan_under_it(clock):
    """Spot, customer's code and a wrong item at once: the item waits, and so does Ctrl+Q."""
    store = pickup_store(clock, 1)
    ready(store, 0, "A1")
    slow = SlowStore(store, "staged")
    async with terminal(store, clock) as term:
        await term.press("enter")
        await slow.entered(term, "A2")
        await scan_more(term, CODE, gtin_of(2))
        slow.release.set()
        await term.rest()
        assert names(term) == ["PickupScreen", "HandOverScreen"]
        await term.press("ctrl+o")
        assert isinstance(term.screen, LockScreen)
        await quit_by_key(term)
        await term.rest()
        assert not term.app.is_running or names(term)[-1] == "LockScreen"
        assert "not recorded yet" in term.toasts()


async def test_quitting_a_locked_drawer_shows_nothing_of_it(clock, tmp_path, monkeypatch):
    """While settled cards are recorded the lock stays, and until it is read that they were not."""
    store = pickup_store(clock, 1)
    slow = SlowStore(store, "", OSError(28, "No space left on device"))
    async with terminal(store, clock, settings=till_settings(tmp_path)) as term:
        await term.press("f8", "ctrl+o")
        monkeypatch.setattr(SimulatedTerminal, "settlements", slow.stop)
        term.app.tell_screens()
        await slow.reached(term)
        await quit_by_key(term)
        assert names(term) == ["DrawerScreen", "LockScreen"]
        slow.release.set()
        await term.rest()
        assert names(term) == ["DrawerScreen", "LockScreen"]
        await quit_by_key(term)
        assert names(term) == ["DrawerScreen", "LockScreen"]
        assert "not read yet" in term.toasts()
        term.app.unlocked(actor_of(Role.ASSOCIATE))
        await term.rest()
        assert "Settled cards are not recorded" in term.text()
        await quit_by_key(term)
        assert not term.app.is_running


@pytest.mark.parametrize("fails", [True, False])
async def test_a_lock_that_comes_with_a_failure_keeps_it(clock, fails: bool):
    """Ctrl+O while a spot is recorded: the terminal does not end before a failure was read."""
    store = pickup_store(clock, 1)
    on_the_shelf(store, 0, "A1")
    slow = SlowStore(store, "staged", OSError(28, "No space left on device") if fails else None)
    async with terminal(store, clock) as term:
        await term.press("enter", "f8")
        await slow.entered(term, "A2")
        await term.pilot.press("ctrl+o")
        slow.release.set()
        while not term.app.is_locked:
            await term.pilot.pause(0.01)
        await term.rest()
        await quit_by_key(term)
        assert term.app.is_running is fails
        if fails:
            assert "not read yet" in term.toasts()
            term.app.unlocked(actor_of(Role.ASSOCIATE))
            await term.rest()
            assert "Not recorded: [Errno 28]" in term.text()
            await quit_by_key(term)
            assert not term.app.is_running


async def test_a_locked_question_of_an_approval_holds_nobody(clock, tmp_path):
    """Cash out that nobody approved yet: there is nothing to read, and the terminal ends."""
    store = pickup_store(clock)
    async with terminal(store, clock, settings=till_settings(tmp_path)) as term:
        await term.press("f8", "enter", "enter", "f6", "2")
        await term.type("50")
        await term.press("enter", "ctrl+o")
        assert names(term)[-2:] == ["ApprovalDialog", "LockScreen"]
        await quit_by_key(term)
        assert not term.app.is_running


async def test_what_failed_under_help_is_read_before_its_screen_goes(clock):
    """The help goes at once, the screen that says "not recorded" with the next press."""
    store = pickup_store(clock, 1)
    slow = SlowStore(store, "line_picked", OSError(28, "No space left on device"))
    async with terminal(store, clock) as term:
        await term.press("enter")
        await slow.while_waiting(term, "f4", "f1")
        assert names(term) == ["PickupScreen", "HelpScreen"]
        await quit_by_key(term)
        assert names(term) == ["PickupScreen"]
        assert "NOT recorded" in term.text()
        await quit_by_key(term)
        assert not term.app.is_running


async def test_quitting_over_help_waits_for_the_dialog_under_it(clock):
    """F1 over a dialog that records makes Ctrl+Q no quicker."""
    store = pickup_store(clock, 1)
    key = on_the_shelf(store, 0, "A1")
    slow = SlowStore(store, "staged")
    async with terminal(store, clock) as term:
        await term.press("enter", "f8")
        await slow.entered(term, "A2")
        await term.pilot.press("f1")
        await quit_by_key(term)
        assert isinstance(term.screen, HelpScreen)
        assert "Still being recorded" in term.toasts()
        slow.release.set()
        await term.rest()
        assert store.orders[key].staging_spot == "A2"
