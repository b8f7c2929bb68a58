"""When a parcel is ready, and when a carrier takes it."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from central_server.sourcing.calendar import DAYS_AHEAD_MAX, OpenHours, promised_by

MINUTE_MS = 60_000


def is_timezone(name: str) -> bool:
    """Return whether there is a time zone of this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def ready_ms(calendar: OpenHours | None, from_ms: int, lead_minutes: int) -> int:
    """Return when a location has worked `lead_minutes` since `from_ms`, within opening hours."""
    if calendar is None or lead_minutes == 0:
        return from_ms + lead_minutes * MINUTE_MS
    return promised_by(calendar, from_ms, lead_minutes * MINUTE_MS)


def leaves_ms(calendar: OpenHours | None, done_ms: int, cut_off_minutes: int) -> int:
    """Return the first collection at or after `done_ms`.

    The carrier comes once a day, at `cut_off_minutes` after local midnight, on days
    on which the location is open.
    """
    zone = ZoneInfo("UTC" if calendar is None else calendar.timezone)
    today = datetime.fromtimestamp(done_ms / 1000, zone).date()
    for ahead in range(DAYS_AHEAD_MAX):
        day = today + timedelta(days=ahead)
        if calendar is not None and not _is_open(calendar, day.isoformat(), day.weekday()):
            continue
        wall = datetime.combine(
            day, time(cut_off_minutes % 1440 // 60, cut_off_minutes % 60), tzinfo=zone
        )
        leaving = int(wall.astimezone(UTC).timestamp() * 1000)
        if leaving >= done_ms:
            return leaving
    return done_ms + DAYS_AHEAD_MAX * 1440 * MINUTE_MS


def _is_open(calendar: OpenHours, day: str, weekday: int) -> bool:
    if day in calendar.closures:
        return False
    if not any(closing > opening for opening, closing in calendar.hours):
        return True
    if weekday >= len(calendar.hours):
        return False
    opening, closing = calendar.hours[weekday]
    return closing > opening
