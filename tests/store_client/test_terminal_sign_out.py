"""Signing out: all that is open goes away, and what it was about to read or ask goes with it."""

import pytest

from store_client.screens.sign_in import SignInScreen
from store_client.screens.today import TodayScreen
from tests.support.clocks import FrozenClock
from tests.support.pickup_store import curbside_store, on_the_shelf, pickup_store
from tests.support.ship_store import ship_store
from tests.support.terminals import Terminal, terminal

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


def shown(term: Terminal) -> list[type[object]]:
    """Return what is open above the screen that is Textual's own."""
    return [type(screen) for screen in term.app.screen_stack[1:]]


@pytest.mark.parametrize(
    ("make", "keys"),
    [
        (pickup_store, ("f7", "enter")),
        (pickup_store, ("f7", "f3")),
        (pickup_store, ("f7", "f6", "1")),
        (pickup_store, ("f7", "f6", "1", "f9", "ctrl+r")),
        (curbside_store, ("f6", "enter")),
        (ship_store, ("f4", "f9")),
    ],
    ids=["order", "find", "wave", "inbox", "curbside", "ship"],
)
async def test_signing_out_takes_away_a_desk_and_what_stands_over_it(make, keys, clock):
    """A desk or a wave that lies under another screen for a moment reads nothing any more."""
    async with terminal(make(clock, 3), clock) as term:
        await term.press(*keys)
        assert len(shown(term)) > 2
        await term.press("ctrl+l")
        assert shown(term) == [SignInScreen]


async def test_signing_out_right_after_a_key_that_reads_for_a_question_asks_nothing(clock):
    """F8 and Ctrl+L at once: nobody is signed in any more when the spots would be read."""
    store = pickup_store(clock, 1)
    on_the_shelf(store, 0, "A1")
    async with terminal(store, clock) as term:
        await term.press("enter")
        term._post("f8", "ctrl+l")
        await term.rest()
        assert shown(term) == [SignInScreen]


@pytest.mark.parametrize("scanned", ["K7Q2-0001", "A1", "NO-SUCH"])
async def test_a_scan_right_before_signing_out_opens_nothing(clock, scanned):
    """What is read of an order, a spot or a product comes when nobody is signed in any more."""
    store = pickup_store(clock, 2)
    on_the_shelf(store, 0, "A1")
    async with terminal(store, clock) as term:
        term.keys.gap_ms = 8
        term._post(*scanned, "enter", "ctrl+l")
        await term.rest()
        assert shown(term) == [SignInScreen]


@pytest.mark.parametrize("key", ["escape", "f2"])
async def test_a_question_does_not_follow_who_left_the_order(clock, key):
    """F8 and Esc at once: the spot is asked for on the order, or not at all."""
    store = pickup_store(clock, 1)
    on_the_shelf(store, 0, "A1")
    async with terminal(store, clock) as term:
        await term.press("enter")
        term._post("f8", key)
        await term.rest()
        assert shown(term) == [TodayScreen]


async def test_going_to_today_from_above_a_desk_reads_nothing_of_it(clock):
    """F2 over a desk ends at Today, still signed in."""
    async with terminal(pickup_store(clock, 3), clock) as term:
        await term.press("f7", "enter", "f2")
        assert shown(term) == [TodayScreen]
        assert term.app.actor is not None
