"""Opening hours: when a store will have had so much working time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

PROMISE_MS = 2 * 3_600_000
"""Working time that a store gets between an order and the time told to the customer."""
DAYS_AHEAD_MAX = 60
"""A store that is closed longer than this has no useful calendar."""


@dataclass(frozen=True, slots=True)
class OpenHours:
    """When a store is open, in its own time zone."""

    timezone: str
    hours: tuple[tuple[int, int], ...] = ()
    """Opening and closing in minutes after local midnight, Monday first; (0, 0) is closed."""
    closures: frozenset[str] = frozenset()
    """Dates on which it is closed, YYYY-MM-DD."""


def promised_by(calendar: OpenHours, from_ms: int, working_ms: int = PROMISE_MS) -> int:
    """Return when the store will have been open for `working_ms` since `from_ms`.

    A store without opening hours counts as always open.
    """
    if not any(closing > opening for opening, closing in calendar.hours):
        return from_ms + working_ms
    zone = ZoneInfo(calendar.timezone)
    today = datetime.fromtimestamp(from_ms / 1000, zone).date()
    left = working_ms
    for ahead in range(DAYS_AHEAD_MAX):
        opens, closes = _span(calendar, zone, today + timedelta(days=ahead))
        start = max(opens, from_ms)
        if closes > start:
            if closes - start >= left:
                return start + left
            left -= closes - start
    return from_ms + DAYS_AHEAD_MAX * 86_400_000


def _span(calendar: OpenHours, zone: ZoneInfo, day: date) -> tuple[int, int]:
    """Return opening and closing of `day` in ms UTC; (0, 0) if it stays closed."""
    weekday = day.weekday()
    if day.isoformat() in calendar.closures or weekday >= len(calendar.hours):
        return 0, 0
    opening, closing = calendar.hours[weekday]
    if closing <= opening:
        return 0, 0
    return _at(zone, day, opening), _at(zone, day, closing)


def _at(zone: ZoneInfo, day: date, minutes: int) -> int:
    """Return the instant at which the clocks of `zone` show `minutes` after midnight."""
    day += timedelta(days=minutes // 1440)
    wall = datetime.combine(day, time(minutes % 1440 // 60, minutes % 60), tzinfo=zone)
    return int(wall.astimezone(UTC).timestamp() * 1000)
