"""Opening hours of a store: one calendar for promises, due times and holds, on both sides. Pure.

Days are the store's own; daylight saving comes from its time zone. A store
without opening hours counts as always open.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from heapq import merge
from zoneinfo import ZoneInfo

DAY_MS = 86_400_000
DAY_MINUTES = 24 * 60
MINUTE_MS = 60_000
DAYS_AHEAD_MAX = 60
"""A store that is closed longer than this has no useful calendar."""
DAYS_OF_WORK_MAX = 1_100
"""Work that takes longer, in open days and nights, is done some day."""


@dataclass(frozen=True, slots=True)
class OpenHours:
    """When a store is open, in its own time zone."""

    timezone: str
    hours: tuple[tuple[int, int], ...] = ()
    """Opening and closing in minutes after local midnight, Monday first; (0, 0) is closed."""
    closures: Collection[str] = frozenset()
    """Dates on which it is closed, YYYY-MM-DD."""

    @property
    def is_always_open(self) -> bool:
        """Whether nothing is known of when it closes."""
        return not any(closing > opening for opening, closing in self.hours)


def span_on(calendar: OpenHours, day: date) -> tuple[int, int] | None:
    """Return opening and closing of `day` in ms UTC; None where it stays closed."""
    weekday = day.weekday()
    if day.isoformat() in calendar.closures or weekday >= len(calendar.hours):
        return None
    opening, closing = calendar.hours[weekday]
    if closing <= opening:
        return None
    zone = ZoneInfo(calendar.timezone)
    return moment_of(zone, day, opening), moment_of(zone, day, closing)


@lru_cache(maxsize=4096)
def moment_of(zone: ZoneInfo, day: date, minutes: int) -> int:
    """Return the instant at which the clocks of `zone` show `minutes` after midnight, in ms."""
    day += timedelta(days=minutes // DAY_MINUTES)
    wall = datetime.combine(day, time(minutes % DAY_MINUTES // 60, minutes % 60), tzinfo=zone)
    return round(wall.astimezone(UTC).timestamp() * 1000)


def _spans(
    calendar: OpenHours, from_ms: int, days_max: int = DAYS_AHEAD_MAX
) -> Iterator[tuple[int, int]]:
    """Yield opening and closing of the days that are open after `from_ms`, `days_max` ahead.

    Beginning with the day before, whose night may not be over; no moment comes twice.
    """
    today = datetime.fromtimestamp(from_ms / 1000, ZoneInfo(calendar.timezone)).date()
    done_ms = from_ms
    for ahead in range(-1, days_max):
        span = span_on(calendar, today + timedelta(days=ahead))
        if span is not None and span[1] > done_ms:
            yield max(span[0], done_ms), span[1]
            done_ms = span[1]


def open_until_ms(calendar: OpenHours, from_ms: int, working_ms: int) -> int:
    """Return when the store will have been open for `working_ms` since `from_ms`."""
    return any_open_until_ms((calendar,), from_ms, working_ms)


def any_open_until_ms(calendars: Collection[OpenHours], from_ms: int, working_ms: int) -> int:
    """Return when at least one of some stores will have been open for `working_ms`, in all."""
    if any(one.is_always_open for one in calendars):
        return from_ms + working_ms
    left, done_ms = working_ms, from_ms
    days = _days_for(calendars, working_ms)
    for opened, closes in merge(*(_spans(one, from_ms, days) for one in calendars)):
        opens = max(opened, done_ms)
        if closes - opens >= left:
            return opens + left
        left -= max(0, closes - opens)
        done_ms = max(done_ms, closes)
    return from_ms + days * DAY_MS


def _days_for(calendars: Collection[OpenHours], working_ms: int) -> int:
    """Return how many days to look ahead for so much work: as many weeks more as it fills."""
    weekly = [
        sum(max(0, closing - opening) for opening, closing in one.hours) * MINUTE_MS
        for one in calendars
    ]
    longest_ms = max(weekly, default=0)
    weeks = working_ms // longest_ms if longest_ms else 0
    return min(DAYS_AHEAD_MAX + 7 * weeks, DAYS_OF_WORK_MAX)


def open_between_ms(calendar: OpenHours, from_ms: int, until_ms: int) -> int:
    """Return for how long the store is open from one moment to a later one."""
    if calendar.is_always_open or until_ms - from_ms > DAYS_AHEAD_MAX * DAY_MS:
        return max(0, until_ms - from_ms)
    found = 0
    for opens, closes in _spans(calendar, from_ms):
        if opens >= until_ms:
            break
        found += min(closes, until_ms) - opens
    return found
