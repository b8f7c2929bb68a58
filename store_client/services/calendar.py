"""The store's calendar: opening hours, closed days, and until when ready goods wait.

Pure functions of a `StoreRow` and a time; daylight saving comes from the store's time zone.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from sync.domain.opening import moment_of
from sync.protocol.rows import StoreRow

SEARCH_DAYS_MAX = 366
MIDNIGHT_MINUTES = 24 * 60
FIRST_MS = -62_135_424_000_000
"""0001-01-03 UTC: a calendar has it in every time zone."""
LAST_MS = 253_402_128_000_000
"""9999-12-30 UTC, likewise."""


def zone_of(store: StoreRow | None) -> dt.tzinfo:
    """Return the store's time zone; UTC as long as that is not known."""
    return dt.UTC if store is None else ZoneInfo(store.timezone)


def local(store: StoreRow, at_ms: int) -> dt.datetime:
    """Return `at_ms` as the store's wall clock shows it.

    An instant that no calendar has becomes the nearest that one has, in any time zone:
    what somebody mistyped, or a broken clock claims, must not end a screen.
    """
    within_ms = min(max(at_ms, FIRST_MS), LAST_MS)
    utc = dt.datetime.fromtimestamp(within_ms / 1000, tz=dt.UTC)
    return utc.astimezone(ZoneInfo(store.timezone))


def hours_on(store: StoreRow, day: dt.date) -> tuple[int, int] | None:
    """Return opening and closing in minutes after midnight, or None where closed that day."""
    if day.isoformat() in store.closures:
        return None
    if not store.hours:
        return (0, MIDNIGHT_MINUTES)
    opening, closing = store.hours[day.weekday()]
    return None if closing <= opening else (opening, closing)


def closing_ms(store: StoreRow, day: dt.date) -> int | None:
    """Return when the store closes on `day`, or None where it does not open."""
    hours = hours_on(store, day)
    if hours is None:
        return None
    return moment_of(ZoneInfo(store.timezone), day, hours[1])


def hold_until_ms(store: StoreRow, ready_at_ms: int, days: int | None = None) -> int:
    """Return until when goods wait that are ready at `ready_at_ms`.

    The closing time of the last of `days` open days after that day; days on
    which the store is closed do not count. A store that never opens is a mistake
    in its data: plain days are counted then.
    """
    wanted = store.hold_days if days is None else days
    start = local(store, ready_at_ms).date()
    counted = 0
    for offset in range(1, SEARCH_DAYS_MAX):
        closing = closing_ms(store, start + dt.timedelta(days=offset))
        if closing is None:
            continue
        counted += 1
        if counted >= wanted:
            return closing
    return ready_at_ms + max(1, wanted) * MIDNIGHT_MINUTES * 60_000


def extended_until_ms(store: StoreRow, expires_at_ms: int, days: int) -> int:
    """Return the closing time `days` open days after the day on which a hold ends."""
    return hold_until_ms(store, expires_at_ms, days)
