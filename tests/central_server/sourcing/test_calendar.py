"""The promised time: so much of the store's opening hours after the order."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from central_server.sourcing.calendar import OpenHours, promised_by

NEW_YORK = ZoneInfo("America/New_York")
HOUR = 3_600_000
NINE_TO_FIVE = OpenHours("America/New_York", ((540, 1020),) * 6 + ((0, 0),))


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=NEW_YORK).timestamp() * 1000)


def test_within_the_day():
    """Two hours later while the store is open."""
    assert promised_by(NINE_TO_FIVE, at(2026, 3, 4, 10), 2 * HOUR) == at(2026, 3, 4, 12)


def test_evening_order_goes_on_the_next_morning():
    """What is left after closing is taken from the next opening."""
    assert promised_by(NINE_TO_FIVE, at(2026, 3, 4, 16), 2 * HOUR) == at(2026, 3, 5, 10)


def test_order_before_opening_counts_from_opening():
    """The night is no working time."""
    assert promised_by(NINE_TO_FIVE, at(2026, 3, 4, 3), 2 * HOUR) == at(2026, 3, 4, 11)


def test_closed_days_and_closures_are_skipped():
    """Sunday is closed, and so is a Monday that is a closure."""
    hours = OpenHours("America/New_York", NINE_TO_FIVE.hours, frozenset({"2026-03-09"}))
    assert promised_by(hours, at(2026, 3, 7, 16, 30), 2 * HOUR) == at(2026, 3, 10, 10, 30)


def test_clock_change_does_not_move_opening():
    """The morning after the clocks went forward, nine is still nine."""
    hours = OpenHours("America/New_York", ((540, 1020),) * 7)
    assert promised_by(hours, at(2026, 3, 7, 16, 30), HOUR) == at(2026, 3, 8, 9, 30)


def test_store_without_hours_counts_as_open():
    """Unknown hours are no reason for a late promise."""
    now = int(datetime(2026, 3, 4, tzinfo=UTC).timestamp() * 1000)
    assert promised_by(OpenHours("UTC"), now, HOUR) == now + HOUR


def test_midnight_closing():
    """A store may be open until 24:00."""
    hours = OpenHours("America/New_York", ((540, 1440),) * 7)
    assert promised_by(hours, at(2026, 3, 4, 23), 2 * HOUR) == at(2026, 3, 5, 10)


def test_store_that_never_opens_again_still_gets_a_time():
    """A calendar full of closures ends at a bound, not in a loop."""
    closed = frozenset(
        f"2026-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 32)
    )
    hours = OpenHours("America/New_York", NINE_TO_FIVE.hours, closed)
    assert promised_by(hours, at(2026, 3, 4, 10), HOUR) > at(2026, 4, 1, 0)
