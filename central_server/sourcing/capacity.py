"""Parts of a location's day as instants, and what still fits into each. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from central_server.sourcing.engine.model import DayPart
from central_server.sourcing.routing_rules import RoutingRule
from sync.domain.opening import DAYS_AHEAD_MAX, OpenHours, span_on

DAY_MINUTES = 1440
DAY_LONGEST_MS = 25 * 3_600_000
"""A part that is not over began at most so long ago: clocks are set back by an hour once a year."""
MINUTE_SECONDS = 60
UNBOUNDED = 1_000_000_000


@dataclass(frozen=True, slots=True)
class CapacityUse:
    """Units, orders and seconds of labor that are taken."""

    units: int = 0
    orders: int = 0
    labor_seconds: int = 0

    def __add__(self, other: "CapacityUse") -> "CapacityUse":
        """Return both together."""
        return CapacityUse(
            self.units + other.units, self.orders + other.orders,
            self.labor_seconds + other.labor_seconds,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CapacityLimit:
    """What fits into a part of a location's day; None: any number."""

    units: int | None = None
    orders: int | None = None
    labor_seconds: int | None = None

    def fits(self, use: CapacityUse) -> bool:
        """Return whether so much fits."""
        return (
            (self.units is None or use.units <= self.units)
            and (self.orders is None or use.orders <= self.orders)
            and (self.labor_seconds is None or use.labor_seconds <= self.labor_seconds)
        )


@dataclass(frozen=True, slots=True)
class PartOfDay:
    """One part of one day at a location (ms UTC), and what fits into it."""

    starts_ms: int
    ends_ms: int
    rule: RoutingRule
    counts_from_ms: int
    counts_until_ms: int
    """What was counted by a part that began between these counts here: its hours may be others
    by now. The parts of a day share the whole day, so it counts once."""

    def used_of(self, used: Mapping[int, CapacityUse]) -> CapacityUse:
        """Return what is taken of it; `used` is by the start of what it was counted by."""
        found = CapacityUse()
        for start, use in used.items():
            if self.counts_from_ms <= start < self.counts_until_ms:
                found += use
        return found

    @property
    def limit(self) -> CapacityLimit:
        """What fits into it."""
        labor = self.rule.labor_minutes
        seconds = None if labor is None else labor * MINUTE_SECONDS
        return CapacityLimit(self.rule.units, self.rule.orders, seconds)

    def use_of(self, units: int) -> CapacityUse:
        """Return what an order of so many units takes of it."""
        minutes = self.rule.minutes_per_order + units * self.rule.minutes_per_unit
        return CapacityUse(units, 1, round(minutes * MINUTE_SECONDS))

    def left(self, used: CapacityUse) -> DayPart:
        """Return what still fits, as the engine takes it."""
        limit = self.limit
        return DayPart(
            self.starts_ms,
            self.ends_ms,
            UNBOUNDED if limit.units is None else max(0, limit.units - used.units),
            UNBOUNDED if limit.orders is None else max(0, limit.orders - used.orders),
            float("inf") if limit.labor_seconds is None
            else max(0.0, (limit.labor_seconds - used.labor_seconds) / MINUTE_SECONDS),
            self.rule.minutes_per_order,
            self.rule.minutes_per_unit,
        )  # fmt: skip


def parts_of_day(
    rules: Sequence[RoutingRule], calendar: OpenHours, now_ms: int
) -> tuple[PartOfDay, ...]:
    """Return the parts of today that are not over, in order of time; else those of the next day.

    Empty: nothing limits what is begun now. What does not fit today goes elsewhere: a location
    does not collect work for days. Days on which nobody works are none: what comes on a Sunday
    is Monday's work. Each day has the rules that hold on that day.
    """
    zone = ZoneInfo(calendar.timezone)
    today = datetime.fromtimestamp(now_ms / 1000, zone).date()
    first = _open_day(calendar, today)
    parts = _parts(_holding(rules, first, zone, now_ms), first, zone)
    left = tuple(one for one in parts if one.ends_ms > now_ms)
    if left or not parts:
        return left
    following = _open_day(calendar, first + timedelta(days=1))
    return tuple(_parts(_holding(rules, following, zone, now_ms), following, zone))


def _open_day(calendar: OpenHours, day: date) -> date:
    """Return the first day from `day` on that is open; `day` where none is for long."""
    if calendar.is_always_open:
        return day
    days = (day + timedelta(days=ahead) for ahead in range(DAYS_AHEAD_MAX))
    return next((one for one in days if span_on(calendar, one) is not None), day)


def _holding(
    rules: Sequence[RoutingRule], day: date, zone: ZoneInfo, now_ms: int
) -> list[RoutingRule]:
    """Return the rules that hold when their part of a day begins, or now if it has begun.

    One limit holds at a time: of those that overlap, the first.
    """
    found: list[RoutingRule] = []
    for rule in rules:
        is_always = rule.effective_from_ms is None and rule.effective_until_ms is None
        holds = is_always or rule.holds(max(now_ms, _instant(day, rule.from_minute, zone)))
        if holds and not any(rule.overlaps(other) for other in found):
            found.append(rule)
    return found


def _parts(rules: Sequence[RoutingRule], day: date, zone: ZoneInfo) -> list[PartOfDay]:
    """Return the parts of a day in order; each counts from where the one before it ends."""
    counted = _instant(day, 0, zone)
    found: list[PartOfDay] = []
    for rule in sorted(rules, key=lambda rule: (rule.from_minute, rule.id)):
        starts, ends = (
            _instant(day, minute, zone) for minute in (rule.from_minute, rule.until_minute)
        )
        found.append(PartOfDay(starts, ends, rule, counted, ends))
        counted = ends
    if found:
        end = max(counted, _instant(day, DAY_MINUTES, zone))
        found[-1] = replace(found[-1], counts_until_ms=end)
    return found


def day_parts(
    parts: Sequence[PartOfDay], used: Mapping[int, CapacityUse]
) -> tuple[DayPart, ...] | None:
    """Return what still fits into each part; None where a location has no limits."""
    if not parts:
        return None
    return tuple(part.left(part.used_of(used)) for part in parts)


def _instant(day: date, minute: int, zone: ZoneInfo) -> int:
    days, rest = divmod(minute, DAY_MINUTES)
    wall = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), tzinfo=zone)
    return int(wall.astimezone(UTC).timestamp() * 1000)
