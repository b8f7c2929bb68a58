"""Opening hours: working time forwards and between two moments, and reminders."""

from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from sync.domain.opening import OpenHours, any_open_until_ms, open_between_ms, open_until_ms
from sync.domain.pickups import HOUR_MS, PickupPolicy, SpotCapacity, reminder_due

MINUTE_MS = 60_000
STORE = OpenHours("America/New_York", ((540, 1260),) * 6 + ((0, 0),), ("2026-03-06",))


def at(day: int, hour: int, minute: int = 0) -> int:
    moment = datetime(2026, 3, day, hour, minute, tzinfo=ZoneInfo("America/New_York"))
    return round(moment.timestamp() * 1000)


def test_a_night_is_no_working_time():
    """What was due at closing is late by what the store has been open since."""
    assert open_between_ms(STORE, at(3, 20, 50), at(4, 9, 5)) == 15 * MINUTE_MS
    assert open_between_ms(STORE, at(4, 9, 5), at(3, 20, 50)) == 0


def test_closed_days_are_no_working_time():
    """A closed Friday and a Sunday between two moments count nothing; nor does a clock change."""
    assert open_between_ms(STORE, at(5, 20), at(9, 10)) == (1 + 12 + 1) * HOUR_MS


def test_a_store_without_hours_is_always_open():
    """Nothing known of when it closes: plain time."""
    assert open_between_ms(OpenHours("UTC"), 5, 905) == 900


def test_a_night_that_began_yesterday_is_open_until_it_ends():
    """Open from 18:00 to 02:00: at one in the morning there is an hour left, not none."""
    late = OpenHours("America/New_York", ((18 * 60, 26 * 60),) * 7)
    assert open_until_ms(late, at(3, 1), 30 * MINUTE_MS) == at(3, 1, 30)
    assert open_until_ms(late, at(3, 1), 90 * MINUTE_MS) == at(3, 18, 30)
    assert open_between_ms(late, at(3, 1), at(3, 19)) == 2 * HOUR_MS


def test_days_that_overlap_count_once():
    """Hours that run into the next day's are the same hours."""
    always = OpenHours("America/New_York", ((0, 30 * 60),) * 7)
    assert open_between_ms(always, at(3, 1), at(5, 1)) == 48 * HOUR_MS
    assert open_until_ms(always, at(3, 1), 48 * HOUR_MS) == at(5, 1)


def test_of_several_stores_the_time_runs_while_one_is_open():
    """A later time zone adds its evening; hours that both are open count once."""
    west = OpenHours("America/Los_Angeles", STORE.hours)
    both = (STORE, west)
    assert any_open_until_ms(both, at(3, 8), 14 * HOUR_MS) == at(3, 23)
    assert any_open_until_ms(both, at(3, 23, 30), 90 * MINUTE_MS) == at(4, 10)
    assert any_open_until_ms(both, at(6, 8), HOUR_MS) == at(6, 13)
    assert any_open_until_ms((*both, OpenHours("UTC")), at(3, 1), HOUR_MS) == at(3, 2)


@given(st.integers(0, 20 * 24 * 60), st.integers(0, 3 * 24 * 60))
def test_the_two_ways_of_counting_agree(start: int, working: int):
    """From a moment to the end of so much working time lies exactly that working time."""
    from_ms = at(2, 0) + start * MINUTE_MS
    until_ms = open_until_ms(STORE, from_ms, working * MINUTE_MS)
    assert open_between_ms(STORE, from_ms, until_ms) == working * MINUTE_MS


def test_the_latest_reminder_that_has_come_is_due():
    """One at a time, never before the goods were ready, never after the end."""
    hours, ready, end = (48, 12), at(2, 10), at(9, 21)
    assert reminder_due(hours, ready, end, end - 49 * HOUR_MS) is None
    assert reminder_due(hours, ready, end, end - 48 * HOUR_MS) == 48
    assert reminder_due(hours, ready, end, end - 11 * HOUR_MS) == 12
    assert reminder_due(hours, ready, end, end) is None
    assert reminder_due(hours, end - 40 * HOUR_MS, end, end - 30 * HOUR_MS) is None
    assert reminder_due((), ready, end, end - 1) is None


def test_a_spot_without_a_number_has_no_limit():
    """Only the spots that a retailer numbers are limited."""
    policy = PickupPolicy(capacities=(SpotCapacity("A1", 3),))
    assert (policy.capacity_of("A1"), policy.capacity_of("B1")) == (3, None)
