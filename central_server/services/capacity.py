"""Taking a part of a location's day for an order, where rules of routing limit it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from central_server.services.promising import open_hours
from central_server.sourcing.capacity import CapacityUse, PartOfDay, parts_of_day
from central_server.sourcing.routing_rules import RoutingRuleSet

if TYPE_CHECKING:
    from central_server.storage.unit import View


@dataclass(frozen=True, slots=True)
class Claim:
    """What is taken of a part of a location's day."""

    starts_ms: int
    use: CapacityUse


class Days:
    """The days of locations, in one transaction."""

    def __init__(self, unit: "View", now_ms: int, rules: RoutingRuleSet | None = None) -> None:
        """`rules` are those in force, if none are given; who takes room needs a `Unit`."""
        self._unit = unit
        self._now_ms = now_ms
        self._rules = unit.routing_rules.in_force(now_ms) if rules is None else rules

    def take(self, location_id: str, units: int) -> tuple[Claim | None, bool]:
        """Take room for an order at a location, in the first part of its day that has some.

        Returns what was taken, and whether the order fits; nothing is taken where
        nothing is limited.
        """
        if not self._rules.limits_capacity:
            return None, True
        place = self._unit.locations.get_many([location_id])[location_id]
        rules = self._rules.capacities_of(place.id, place.region, place.kind)
        parts = parts_of_day(rules, open_hours(place), self._now_ms)
        if not parts:
            return None, True
        for part in parts:
            use = part.use_of(units)
            if self._unit.capacity.take(location_id, part, use):
                return Claim(part.starts_ms, use), True
        return None, False

    def full(self, location_ids: Collection[str], units: int) -> frozenset[str]:
        """Return those of some locations that had no room for an order, all looked at at once."""
        begins = self.begins(location_ids, units)
        return frozenset(place for place, start in begins.items() if start is None)

    def begins(self, location_ids: Collection[str], units: int = 1) -> dict[str, int | None]:
        """Return when the first part of a location's day begins (ms) that has room for an order.

        None: all parts are full. Locations whose days are not limited are not in it.
        """
        if not self._rules.limits_capacity:
            return {}
        parts = self._parts(location_ids)
        used = self._unit.capacity.used(tuple(parts), self._now_ms) if parts else {}
        return {
            place: next(
                (one.starts_ms for one in found if _fits(used.get(place, {}), one, units)), None
            )
            for place, found in parts.items()
        }

    def may_fit(self, location_id: str, units: int) -> bool:
        """Return whether an order fits into a part of a location's day when that is empty."""
        return any(
            one.limit.fits(one.use_of(units))
            for found in self._parts([location_id]).values()
            for one in found
        )

    def next_ms(self, location_ids: Collection[str]) -> int | None:
        """Return when the first of some locations' days is over that have limits (ms)."""
        parts = self._parts(location_ids).values()
        return min((max(one.ends_ms for one in found) for found in parts if found), default=None)

    def starts(self, location_ids: Collection[str]) -> set[tuple[str, int]]:
        """Return the limited parts of some locations' days: location and start (ms)."""
        if not self._rules.limits_capacity:
            return set()
        parts = self._parts(location_ids)
        return {(place, one.starts_ms) for place, found in parts.items() for one in found}

    def _parts(self, location_ids: Collection[str]) -> dict[str, tuple[PartOfDay, ...]]:
        parts = {}
        for place in self._unit.locations.get_many(location_ids).values():
            rules = self._rules.capacities_of(place.id, place.region, place.kind)
            if found := parts_of_day(rules, open_hours(place), self._now_ms):
                parts[place.id] = found
        return parts

    def give_back(self, location_id: str, claim: Claim | None) -> None:
        """Give back what was taken."""
        if claim is not None:
            self._unit.capacity.give_back(location_id, claim.starts_ms, claim.use)


def _fits(used: Mapping[int, CapacityUse], part: PartOfDay, units: int) -> bool:
    return part.limit.fits(part.used_of(used) + part.use_of(units))
