"""When a store will have had so much working time."""

from sync.domain.opening import DAYS_AHEAD_MAX, OpenHours, open_until_ms

__all__ = ["DAYS_AHEAD_MAX", "LAST_MS", "PROMISE_MS", "OpenHours", "promised_by"]

PROMISE_MS = 2 * 3_600_000
"""Working time that a store gets between an order and the time told to the customer."""
LAST_MS = 7_258_118_400_000
"""The beginning of 2200: calendars reckon from nothing later."""


def promised_by(calendar: OpenHours, from_ms: int, working_ms: int = PROMISE_MS) -> int:
    """Return when the store will have been open for `working_ms` since `from_ms`.

    Since `LAST_MS`, if that is earlier: what is said to happen later than that is a mistake in
    some file, and must not make an answer impossible.
    """
    return open_until_ms(calendar, min(from_ms, LAST_MS), working_ms)
