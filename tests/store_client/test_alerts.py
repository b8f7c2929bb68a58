"""Alerts: each new and late thing is told once, rung where that is wanted, and stays in the bar."""

from dataclasses import replace

import pytest

from store_client.services.alerts import SEEN_MS, Alerts, AlertSettings, Work, read_minute
from store_client.services.desk import TerminalSettings
from tests.support.clocks import FrozenClock
from tests.support.fake_store import Item, make_order, make_store
from tests.support.terminals import QUIET_SECONDS, terminal

MINUTE_MS = 60_000
NOON = 12 * 60


def work(new: str = "", late: str = "", tasks: str = "", late_tasks: str = "") -> Work:
    return Work(frozenset(new), frozenset(late), frozenset(tasks), frozenset(late_tasks))


def test_what_waits_at_the_start_is_no_news():
    """Whoever opens the terminal sees it on Today anyway."""
    alerts = Alerts()
    assert not alerts.take(work("ab", "c"), 0, NOON)
    assert alerts.words(0, on_today=False) == ""


def test_a_new_order_rings_once():
    """However often the terminal looks again."""
    alerts = Alerts()
    alerts.take(work(), 0, NOON)
    assert alerts.take(work("a"), 1, NOON)
    assert not any(alerts.take(work("a"), now_ms, NOON) for now_ms in range(2, 50))
    assert alerts.words(60, on_today=False) == "★ 1 new: F2"
    assert alerts.take(work("ab"), 99, NOON)
    assert alerts.words(99, on_today=False) == "★ 2 new: F2"


def test_news_end_when_today_was_seen_or_somebody_took_it():
    """On Today they stay for some seconds; what is accepted is no news."""
    alerts = Alerts()
    alerts.take(work(), 0, NOON)
    alerts.take(work("ab"), 1, NOON)
    assert alerts.words(2, on_today=True) == "★ 2 new"
    alerts.take(work("a"), 3, NOON)
    assert alerts.words(4, on_today=True) == "★ 1 new"
    assert alerts.words(SEEN_MS + 10, on_today=True) == ""
    assert alerts.words(SEEN_MS + 11, on_today=False) == ""


def test_a_late_order_is_rung_again_after_a_while():
    """Not at each refresh, and not when it is done."""
    alerts = Alerts(AlertSettings(again_minutes=15))
    alerts.take(work(), 0, NOON)
    assert alerts.take(work(late="a"), 1, NOON)
    assert alerts.words(2, on_today=False) == "! 1 late: F2"
    assert not alerts.take(work(late="a"), 15 * MINUTE_MS, NOON)
    assert alerts.take(work(late="a"), 15 * MINUTE_MS + 1, NOON)
    alerts.take(work(), 16 * MINUTE_MS, NOON)
    assert alerts.words(16 * MINUTE_MS, on_today=False) == ""
    assert alerts.take(work(late="a"), 17 * MINUTE_MS, NOON)


def test_what_was_late_at_the_start_is_rung_for_later():
    """Nobody can say that they were not told."""
    alerts = Alerts(AlertSettings(again_minutes=15))
    alerts.take(work(late="a"), 0, NOON)
    assert not alerts.take(work(late="a"), MINUTE_MS, NOON)
    assert alerts.take(work(late="a"), 15 * MINUTE_MS, NOON)
    once = Alerts(AlertSettings(again_minutes=0))
    once.take(work(late="a"), 0, NOON)
    assert not once.take(work(late="a"), 99 * MINUTE_MS, NOON)


def test_tasks_ring_when_they_come_and_when_they_are_late():
    """Follow-ups have an owner and a due time; the bar's badge shows them as long as they wait."""
    alerts = Alerts()
    alerts.take(work(), 0, NOON)
    assert alerts.take(work(tasks="t"), 1, NOON)
    assert not alerts.take(work(tasks="t"), 2, NOON)
    assert alerts.take(work(tasks="t", late_tasks="t"), 3, NOON)
    assert not alerts.take(work(tasks="t", late_tasks="t"), 4, NOON)


@pytest.mark.parametrize(
    ("minute", "quiet"),
    [("21:59", False), ("22:00", True), ("23:59", True), ("00:00", True), ("06:59", True),
     ("07:00", False)],
)  # fmt: skip
def test_quiet_hours_span_midnight(minute, quiet):
    """The bell is silent, the bar is not."""
    settings = AlertSettings(quiet_from=read_minute("22:00"), quiet_until=read_minute("07:00"))
    alerts = Alerts(settings)
    alerts.take(work(), 0, 0)
    assert alerts.take(work("a"), 1, read_minute(minute)) is not quiet
    assert alerts.words(2, on_today=False) == "★ 1 new: F2"


def test_without_quiet_hours_it_always_rings_unless_the_bell_is_off():
    """Two equal times are no hours."""
    assert not AlertSettings().is_quiet(NOON)
    assert AlertSettings(bell=False).is_quiet(NOON)


@pytest.mark.parametrize("text", ["24:00", "7", "12:60", "noon", ""])
def test_a_time_that_is_none(text):
    """It is said, not guessed."""
    with pytest.raises(ValueError, match="no time of the day"):
        read_minute(text)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock):
    store = make_store(clock)
    store.add(make_order(0, clock.now_ms(), due_minutes=5))
    return store


@pytest.mark.anyio
@pytest.mark.slow
async def test_the_terminal_rings_for_new_and_for_late_work_once(store, clock):
    """On whatever screen people are; a look without news is silent."""
    async with terminal(store, clock) as term:
        rung = term.count_bells()
        await term.press("f3")
        await term.look()
        assert rung == []
        store.add(make_order(7, clock.now_ms()))
        await term.look()
        await term.look()
        assert len(rung) == 1
        assert "★ 1 new: F2" in term.text()
        clock.advance(6 * MINUTE_MS)
        await term.look()
        await term.look()
        assert len(rung) == 2
        assert "★ 1 new ! 1 late: F2" in term.text()


@pytest.mark.anyio
@pytest.mark.slow
async def test_a_follow_up_rings_and_stands_in_the_bar(store, clock):
    """It has an owner and a due time; when that is over it rings once more."""
    async with terminal(store, clock) as term:
        rung = term.count_bells()
        await term.look()
        now_ms = clock.now_ms()
        store.inbox.append(Item("E1", "unsourced", "Call them.", now_ms, now_ms + 2 * MINUTE_MS))
        store.version += 1
        await term.look()
        assert len(rung) == 1
        assert "1: F9" in term.text()
        clock.advance(3 * MINUTE_MS)
        await term.look()
        await term.look()
        assert len(rung) == 2


@pytest.mark.anyio
@pytest.mark.slow
async def test_in_quiet_hours_the_bar_says_it_alone(store, clock):
    """No sound, nothing missed."""
    settings = TerminalSettings(poll_seconds=QUIET_SECONDS)
    settings = replace(settings, alerts=AlertSettings(bell=False))
    async with terminal(store, clock, settings=settings) as term:
        rung = term.count_bells()
        await term.look()
        store.add(make_order(7, clock.now_ms()))
        await term.look()
        assert rung == []
        assert "★ 1 new" in term.text()
