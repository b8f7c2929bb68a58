"""By which day an order must be there, and who makes that.

    parcel    every part is delivered on that day at the latest, as its customer is told
    pickup    it is ready on that day at the latest, in the hours of its store

Days are those of the place that sends it or gets it ready, like all days that customers are
told. A new order that nobody makes in time is refused; what moves later goes late rather than
nowhere, and the decision says so.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from central_server.records import Location, Order
from central_server.services.capacity import Days
from central_server.services.errors import NotInTime
from central_server.services.promising import open_hours, ready_in_ms
from central_server.sourcing.calendar import promised_by
from central_server.sourcing.routing import RoutingRules, SourcingPlan
from sync.domain.opening import DAY_MINUTES, moment_of

if TYPE_CHECKING:
    from central_server.storage.unit import View


def local_day(at_ms: int, timezone: str) -> date:
    """Return on which day something happens at a place."""
    return datetime.fromtimestamp(at_ms / 1000, ZoneInfo(timezone)).date()


def day_ends_ms(need_by: str, timezones: Iterable[str]) -> int:
    """Return when a day has ended everywhere; with no time zones given, in UTC."""
    day = date.fromisoformat(need_by)
    return max(moment_of(ZoneInfo(zone), day, DAY_MINUTES) for zone in {*timezones} or {"UTC"})


def ready_day(place: Location, begins_ms: int, now_ms: int, promise_ms: int) -> date:
    """Return on which day a store has ready what is ordered now.

    Or what it begins with at `begins_ms`, if that is later.
    """
    ready_ms = promised_by(
        open_hours(place), max(now_ms, begins_ms), ready_in_ms(place, promise_ms)
    )
    return local_day(ready_ms, place.timezone)


def in_time(
    view: "View", order: Order, units: int, rules: RoutingRules, days: Days, now_ms: int,
    promise_ms: int,
) -> RoutingRules:  # fmt: skip
    """Return rules for a pickup by which nobody gets it who has it ready too late."""
    if not order.need_by:
        return rules
    latest = date.fromisoformat(order.need_by)
    places = view.locations.all()
    begins = days.begins([one.id for one in places], units)
    late = {
        one.id
        for one in places
        if (start := begins.get(one.id, now_ms)) is not None
        and ready_day(one, start, now_ms, promise_ms) > latest
    }
    return replace(rules, late=frozenset(late))


def is_for_want_of_time(plan: SourcingPlan, rules: RoutingRules) -> bool:
    """Return whether a pickup that nobody takes could be taken by somebody who is late."""
    return plan.location_id is None and bool(rules.late)


def require_by(order: Order, place: Location, by_ms: int) -> None:
    """Raise `NotInTime` where what waits for other goods would be ready at `by_ms`, too late."""
    if order.need_by and local_day(by_ms, place.timezone).isoformat() > order.need_by:
        raise NotInTime(order.need_by, local_day(by_ms, place.timezone).isoformat())
