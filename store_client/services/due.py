"""By when something is due, as people say it, counted in opening hours. Pure."""

from store_client.services.words import MINUTE_MS, Said, day_time, duration
from sync.domain.opening import OpenHours, open_between_ms
from sync.protocol.rows import StoreRow

SOON_MS = 15 * MINUTE_MS
FAR_MS = 12 * 60 * MINUTE_MS
NOW = Said("!", "now", "bad")
NOTHING = Said("", "–", "dim")


def calendar_of(store: StoreRow | None) -> OpenHours:
    """Return when a store is open; always, as long as that is not known."""
    if store is None:
        return OpenHours("UTC")
    return OpenHours(store.timezone, store.hours, store.closures)


def due_said(
    store: StoreRow | None,
    due_ms: int,
    now_ms: int,
    *,
    soon_ms: int = SOON_MS,
    calendar: OpenHours | None = None,
) -> Said:
    """Return by when something is due, or how late it is.

    With a `calendar`, lateness and what is left are counted in opening time: what
    was due at closing time is not late by a night in the morning.
    """
    hours = calendar or OpenHours("UTC")
    if due_ms < now_ms:
        late_ms = open_between_ms(hours, due_ms, now_ms)
        return Said("!", f"late {duration(late_ms)}", "bad")
    left_ms = open_between_ms(hours, now_ms, due_ms)
    if left_ms < soon_ms:
        when = f"in {duration(left_ms)}" if left_ms == due_ms - now_ms else ""
        return Said("▲", when or f"by {day_time(store, due_ms, now_ms)}", "warn")
    tone = "" if due_ms - now_ms < FAR_MS else "dim"
    return Said("", f"by {day_time(store, due_ms, now_ms)}", tone)
