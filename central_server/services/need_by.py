"""By which day an order must be there, and who makes that.

    parcel    every part is delivered on that day at the latest, as its customer is told
    pickup    it is ready on that day at the latest, in the hours of its store

Days are those of the place that sends it or gets it ready, like all days that customers are
told. A new order that nobody makes in time is refused; what moves later goes late rather than
nowhere, and the decision says so.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from central_server.records import Location, Order
from central_server.services.capacity import Claim, Days
from central_server.services.errors import NotInTime
from central_server.services.promising import open_hours, ready_in_ms
from central_server.sourcing.calendar import promised_by
from central_server.sourcing.routing import Finding, SourcingPlan
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


class Late:
    """Which locations have a pickup ready too late, in one transaction.

    None where any day will do. Others than the chosen store are looked at once, if at all.
    """

    def __init__(
        self, view: "View", order: Order, units: int, days: Days, now_ms: int, promise_ms: int
    ) -> None:
        self._view = view
        self._need_by = order.need_by
        self._units = units
        self._days = days
        self._now_ms = now_ms
        self._promise_ms = promise_ms
        self._overtaken: set[str] = set()

    def at(self, location_id: str) -> frozenset[str]:
        """Return a location, by its id, if it is too late."""
        if not self._need_by:
            return frozenset()
        return self._among(self._view.locations.get_many([location_id]).values())

    @property
    def anywhere(self) -> frozenset[str]:
        """All that are too late."""
        return self._anywhere | self._overtaken

    def makes(self, location_id: str, claim: Claim | None) -> bool:
        """Return whether what was taken of a location's day is in time; else it counts as late.

        The part that had room when it was looked at may have filled before it was taken.
        """
        if claim is None or not self._need_by:
            return True
        place = self._view.locations.get_many([location_id])[location_id]
        if self._is_late(place, claim.starts_ms):
            self._overtaken.add(location_id)
        return location_id not in self._overtaken

    @cached_property
    def _anywhere(self) -> frozenset[str]:
        return self._among(self._view.locations.all()) if self._need_by else frozenset()

    def _among(self, places: Collection[Location]) -> frozenset[str]:
        begins = self._days.begins([one.id for one in places], self._units)
        return frozenset(
            one.id
            for one in places
            if (start := begins.get(one.id, self._now_ms)) is not None
            and (one.id in self._overtaken or self._is_late(one, start))
        )

    def _is_late(self, place: Location, begins_ms: int) -> bool:
        ready = ready_day(place, begins_ms, self._now_ms, self._promise_ms)
        return ready > date.fromisoformat(self._need_by)


def is_for_want_of_time(plan: SourcingPlan) -> bool:
    """Return whether a pickup that nobody takes could be taken by somebody who is late."""
    return plan.location_id is None and any(one.finding is Finding.TOO_LATE for one in plan.trace)


def require_by(order: Order, place: Location, by_ms: int) -> None:
    """Raise `NotInTime` where what waits for other goods would be ready at `by_ms`, too late."""
    if order.need_by and local_day(by_ms, place.timezone).isoformat() > order.need_by:
        raise NotInTime(order.need_by, local_day(by_ms, place.timezone).isoformat())
