"""Milliseconds inside, RFC 3339 outside."""

from datetime import UTC, datetime
from functools import lru_cache

_FIRST_MS = -62_135_596_800_000
"""0001-01-01, the first instant that RFC 3339 and Python can write."""
_LAST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""
_REMEMBERED = 256
"""What is decided together happened at the same moment."""


def rfc3339(at_ms: int) -> str:
    """Return an instant as `2026-03-02T17:30:00.000Z`.

    An instant that cannot be written so becomes the nearest that can: what a
    device with a broken clock claims must not make an order unreadable.
    """
    return _written(at_ms)


@lru_cache(_REMEMBERED)
def _written(at_ms: int) -> str:
    at_ms = min(max(at_ms, _FIRST_MS), _LAST_MS)
    moment = datetime.fromtimestamp(at_ms // 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_ms(moment: datetime) -> int:
    """Return an aware moment in milliseconds."""
    return int(moment.timestamp() * 1000)


def rfc3339_or_none(at_ms: int | None) -> str | None:
    """Return an instant as RFC 3339; None stays None."""
    return None if at_ms is None else rfc3339(at_ms)
