"""Reservations: goods that a store holds unpaid, and what a retailer allows of them.

A reservation is a fulfillment order of the flow `reserve`; what stands here is
what it has beside its lines: until when it was held at first, how long it may be
extended, what was tendered for it, and whether it waits for stock.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sync.domain.evolve import evolver
from sync.domain.opening import OpenHours, span_on
from sync.domain.tenders import CardCaps, Tender, TenderState, ValueLimits, total_in

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
SEARCH_DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class CategoryHold:
    """How long goods of one category are held."""

    category: str
    hours: int


@dataclass(frozen=True, slots=True)
class ReservePolicy:
    """What a store may do with reservations. Policy data of central's, sent to the store."""

    hold_hours: int = 24
    category_holds: tuple[CategoryHold, ...] = ()
    """Where they differ from `hold_hours`; the shortest of a reservation's lines counts."""
    hold_hours_max: int = 72
    """The longest hold, extensions included."""
    waiting_days: int = 14
    """How long somebody stays on the waiting list."""
    grace_minutes: int = 30
    """How long after the end central leaves it to the store to release a reservation."""
    cash_step_minor: int = 1
    """The smallest coin."""
    cards_offline: CardCaps = CardCaps()
    value_offline: ValueLimits = ValueLimits()

    def hours_for(self, categories: Iterable[str]) -> int:
        """Return how many hours goods of these categories are held together."""
        known = {one.category: one.hours for one in self.category_holds}
        return min((known.get(name, self.hold_hours) for name in categories),
                   default=self.hold_hours)  # fmt: skip


def hold_end_ms(store: OpenHours, from_ms: int, hours: int) -> int:
    """Return until when goods are held that are reserved for `hours` at `from_ms`.

    A hold that would end while the store is closed ends at its next closing time,
    so that nobody comes to a closed door for it.
    """
    end_ms = from_ms + hours * HOUR_MS
    if store.is_always_open:
        return end_ms
    day = dt.datetime.fromtimestamp(end_ms / 1000, tz=ZoneInfo(store.timezone)).date()
    for ahead in range(SEARCH_DAYS_MAX):
        span = span_on(store, day + dt.timedelta(days=ahead))
        if span is not None and end_ms <= span[1]:
            return end_ms if span[0] < end_ms else span[1]
    return end_ms


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a fulfillment order of the flow `reserve` has beside its lines. Times in ms, UTC."""

    hold_until_ms: int
    """Until when it was held at first; `expires_at_ms` of the order may be later."""
    extend_until_ms: int
    """No extension goes beyond this."""
    wanted: tuple[int, ...] = ()
    """Units by line that were asked for by waiting list; empty where it never waited."""
    waits: bool = False
    """Whether it is on the waiting list now."""
    tenders: tuple[Tender, ...] = ()

    @property
    def paid_minor(self) -> int:
        """What was taken and not given back."""
        return total_in(self.tenders, TenderState.TAKEN)

    @property
    def asked_minor(self) -> int:
        """What hangs on an answer: of a payment terminal, or of central."""
        return total_in(self.tenders, TenderState.ASKED)

    def with_tender(self, tender: Tender) -> "Reservation":
        """Return a copy in which the tender of the same number is `tender`, or with it added."""
        if any(one.number == tender.number for one in self.tenders):
            changed = tuple(tender if one.number == tender.number else one for one in self.tenders)
        else:
            changed = (*self.tenders, tender)
        return evolve_reservation(self, tenders=changed)


evolve_reservation = evolver(Reservation)
"""(reservation, **changes) -> a copy with these fields changed."""
