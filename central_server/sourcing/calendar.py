"""When a store will have had so much working time."""

from sync.domain.opening import DAYS_AHEAD_MAX, OpenHours, open_until_ms

__all__ = ["DAYS_AHEAD_MAX", "PROMISE_MS", "OpenHours", "promised_by"]

PROMISE_MS = 2 * 3_600_000
"""Working time that a store gets between an order and the time told to the customer."""


def promised_by(calendar: OpenHours, from_ms: int, working_ms: int = PROMISE_MS) -> int:
    """Return when the store will have been open for `working_ms` since `from_ms`."""
    return open_until_ms(calendar, from_ms, working_ms)
