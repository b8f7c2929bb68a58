"""Of which places an answer is about what there is: named, around a point, or the fullest."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from central_server.records import Location
from central_server.services.errors import NotFound
from central_server.sourcing.geo import haversine_km

if TYPE_CHECKING:
    from central_server.storage.unit import View

LOCATIONS_MAX = 50
"""How many locations are answered where none is named: the nearest, or those with most."""
RADIUS_KM = 50.0
Point = tuple[float, float]
"""Latitude and longitude in degrees."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which places are meant."""

    location_ids: tuple[str, ...] = ()
    near: Point | None = None
    radius_km: float = RADIUS_KM

    def places(
        self, view: "View", skus: Collection[str], first: Sequence[str], now_ms: int
    ) -> list[Location]:
        """Return them: the named ones, or those that have any of `skus`.

        Without a point those with most of the `first` of them. Raises `NotFound`.
        """
        named = self.location_ids
        if not named:
            named = self._nearest(view, skus) if self.near else _fullest(view, first, now_ms)
        found = view.locations.get_many(named)
        for location_id in named:
            if location_id not in found:
                raise NotFound("location", location_id)
        return [found[location_id] for location_id in named]

    def _nearest(self, view: "View", skus: Collection[str]) -> tuple[str, ...]:
        assert self.near is not None
        far = sorted(
            (haversine_km(*self.near, latitude, longitude), location_id)
            for location_id, latitude, longitude in view.locations.all_points()
        )
        within = [location_id for km, location_id in far if km <= self.radius_km]
        found: list[str] = []
        start, size = 0, LOCATIONS_MAX
        while start < len(within) and len(found) < LOCATIONS_MAX:
            part = within[start : start + size]
            carrying = view.stock.carrying(skus, part)
            found += [location_id for location_id in part if location_id in carrying]
            start, size = start + size, 2 * size
        return tuple(found[:LOCATIONS_MAX])


def _fullest(view: "View", skus: Sequence[str], now_ms: int) -> tuple[str, ...]:
    carrying = [
        (one.allocated - one.on_hand, one.location_id) for one in view.stock.positions(skus, now_ms)
    ]
    best = dict.fromkeys(location_id for _, location_id in sorted(carrying))
    return tuple(best)[:LOCATIONS_MAX]
