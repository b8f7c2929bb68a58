"""On which days a parcel is delivered: the carrier's days, counted from its collection. Pure.

    collection   the cut-off for which the parcel is ready, on the sender's clock
    transit      so many days on which the carrier travels, by service and distance
    delivery     the first and the last day on which it may be at the door

A day is a date where the sender is; a carrier does not cross so many time zones in a
day's delivery that it would matter to whoever waits at home.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

MONDAY_TO_FRIDAY = (True,) * 5 + (False,) * 2
DAYS_SKIPPED_MAX = 60
"""A carrier that rests for longer than this has no useful calendar."""


@dataclass(frozen=True, slots=True)
class Lane:
    """How long a service travels up to a distance, in the carrier's days."""

    service: str
    days_min: int
    days_max: int
    up_to_km: float | None = None
    """None: any distance; of the last lane."""


@dataclass(frozen=True, slots=True)
class CarrierDays:
    """When a carrier travels, and for how long."""

    weekdays: tuple[bool, ...] = MONDAY_TO_FRIDAY
    """Whether it travels and delivers, Monday first."""
    days_off: tuple[str, ...] = ()
    """Dates on which it does not, YYYY-MM-DD."""
    lanes: tuple[Lane, ...] = ()
    """By distance, the nearest first; a service without lanes takes its rate's days."""

    def travels_on(self, day: date) -> bool:
        """Return whether it travels on a date."""
        return self.weekdays[day.weekday()] and day.isoformat() not in self.days_off


ANY_CARRIER = CarrierDays()
"""Of a carrier of which nothing is known."""


@dataclass(frozen=True, slots=True)
class DeliveryDays:
    """The first and the last day on which something is delivered."""

    earliest: date
    latest: date


def transit_days(
    carrier: CarrierDays, service: str, km: float | None, rate_days: int
) -> tuple[int, int]:
    """Return the least and most days of a service over a distance; over any, if that is None.

    `rate_days` count where the carrier has no lane for it: no sooner and no later.
    """
    lanes = [one for one in carrier.lanes if one.service == service]
    if km is not None:
        reaching = (one for one in lanes if one.up_to_km is None or km <= one.up_to_km)
        lanes = [found] if (found := next(reaching, None)) is not None else []
    if not lanes:
        return rate_days, rate_days
    return min(one.days_min for one in lanes), max(one.days_max for one in lanes)


def delivered_on(carrier: CarrierDays, collected: date, days: int) -> date:
    """Return the day after so many of the carrier's days; no day on which it does not travel."""
    day, left = collected, days
    for _ in range(DAYS_SKIPPED_MAX + days):
        if left <= 0 and carrier.travels_on(day):
            return day
        day += timedelta(days=1)
        if carrier.travels_on(day):
            left -= 1
    return day


def delivery_days(
    carrier: CarrierDays, ship_by_ms: int, timezone: str, transit: tuple[int, int]
) -> DeliveryDays:
    """Return when what is collected at `ship_by_ms` is delivered, after `transit` days."""
    collected = datetime.fromtimestamp(ship_by_ms / 1000, ZoneInfo(timezone)).date()
    least, most = transit
    return DeliveryDays(
        delivered_on(carrier, collected, least), delivered_on(carrier, collected, most)
    )
