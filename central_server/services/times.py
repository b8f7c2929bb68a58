"""Milliseconds inside, RFC 3339 outside."""

from datetime import UTC, datetime


def rfc3339(at_ms: int) -> str:
    """Return an instant as `2026-03-02T17:30:00.000Z`."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rfc3339_or_none(at_ms: int | None) -> str | None:
    """Return an instant as RFC 3339; None stays None."""
    return None if at_ms is None else rfc3339(at_ms)
