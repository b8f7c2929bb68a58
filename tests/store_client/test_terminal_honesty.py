"""What the terminal says is true, and does not cover what is being read."""

from dataclasses import replace

import pytest

from store_client.services.desk import TerminalSettings
from sync.domain import operations as op
from tests.support.clocks import FrozenClock
from tests.support.fake_store import gtin_of, make_order, make_store
from tests.support.terminals import QUIET_SECONDS, hash_pin, terminal

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock):
    return make_store(clock, 3, hash_pin())


@pytest.fixture
def key(store) -> str:
    """The most urgent order: two kettles of 0.8 L, one of 1.2 L."""
    return next(iter(store.orders))


async def open_ready(term) -> None:
    await term.press("enter")
    for index in (0, 0, 1):
        await term.scan(gtin_of(index))
    await term.scan("a2")
    await term.press("enter")


async def test_news_stay_in_the_bar_until_today_is_seen(store, clock):
    """Whoever picks keeps reading what the last scan did; F2 is where the new order is."""
    async with terminal(store, clock) as term:
        await term.press("enter")
        store.add(make_order(7, clock.now_ms(), due_minutes=-90))
        await term.look()
        clock.advance(60_000)
        await term.look()
        assert "★ 1 new ! 1 late: F2" in term.text()
        assert term.toasts() == ""
        await term.press("f2")
        await term.look()
        assert "★ 1 new" not in term.text().splitlines()[0]


async def test_ready_promises_no_message_that_cannot_be_sent(store, clock):
    """Offline, central tells the customer later; online, at once."""
    store.state = replace(store.state, last_error="no route to host")
    async with terminal(store, clock) as term:
        await open_ready(term)
        assert "central tells the customer when it hears of it" in term.text()
        assert "the customer is told" not in term.text()


async def test_what_central_made_of_something_is_no_error(store, clock, key):
    """Taken with a consequence is said as that, not as a refusal."""
    async with terminal(store, clock) as term:
        await term.press("enter", "f7", "1", "1", "enter", "enter")
        store.settle("amended", "Raleigh takes over 2 pieces.")
        await term.look()
        assert "± Taken, with a consequence. Raleigh takes over 2 pieces." in term.text()
        assert "✗ Taken" not in term.text()


async def test_a_spot_scanned_while_the_order_waits_moves_it(store, clock):
    """It is never tried as a pickup code."""
    async with terminal(store, clock) as term:
        await open_ready(term)
        await term.scan("b3")
        assert "Put at B3" in term.text()
    assert store.performed[-1].kind == "staged"


async def test_a_second_terminal_beside_the_first_is_no_crash(store, clock, key, tmp_path):
    """The marker belongs to who holds it, and goes when they go."""
    marker = tmp_path / "running"
    settings = TerminalSettings(poll_seconds=QUIET_SECONDS, running_marker=marker)
    store.perform(op.LinePicked(key, 1, 1), by="A103", dev="T1")
    async with terminal(store, clock, role=None, settings=settings):
        async with terminal(store, clock, role=None, settings=settings) as second:
            assert second.toasts() == ""
        assert marker.exists()
    assert not marker.exists()


async def test_the_demo_says_who_may_sign_in(store, clock):
    """And a real terminal says nothing of it."""
    hint = "Demo: A102, PIN 690769"
    settings = TerminalSettings(poll_seconds=QUIET_SECONDS, demo_hint=hint)
    async with terminal(store, clock, role=None, settings=settings) as term:
        assert hint in term.text()
    async with terminal(store, clock, role=None) as term:
        assert not term.screen.query_one("#demo-hint").display


async def test_a_short_line_is_not_called_unwanted(store, clock):
    """The customer wants it; this store has none."""
    async with terminal(store, clock) as term:
        await term.press("enter", "down", "f7", "1", "1", "enter")
        assert "✗ 1 short" in term.text()
        assert "not wanted" not in term.text()


async def test_a_line_handed_over_in_part_says_what_is_still_here(store, clock):
    """Two of two picked is no answer to what lies on the shelf."""
    async with terminal(store, clock) as term:
        await open_ready(term)
        await term.press("enter", "tab", "tab", "left", "shift+tab", "shift+tab")
        await term.type("3FQ7Z0KD")
        await term.press("enter")
        assert "◑ 1 still here" in term.text()
        assert "1 item still waits" in term.text()


async def test_a_screen_that_is_gone_keeps_no_painted_lines(store, clock):
    """Hundreds of screens a day: what they painted is given back, not kept for the next ones."""
    async with terminal(store, clock) as term:
        await term.press("enter")
        work = [*term.screen.walk_children(with_self=True)]
        assert any(widget._styles_cache._cache for widget in work)
        await term.press("f3")
        lookup = [*term.screen.walk_children(with_self=True)]
        await term.scan("K7Q2-0001")  # in the place of the lookup
        await term.press("f2")
        assert not any(widget._styles_cache._cache for widget in (*work, *lookup))
