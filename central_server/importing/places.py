"""Are coordinates where the address is, and which time zone is there? By ZIP centroids.

The centroids are a file of the operator's (columns `zcta5` or `zip`, `lat`,
`lon`, and `timezone` if it has them); nothing is looked up anywhere else.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, floor, inf, isfinite, radians
from pathlib import Path

from central_server.importing.problems import EXIT_USAGE, ImportFailed
from central_server.importing.sources import open_source
from central_server.importing.transforms import text_of
from central_server.sourcing.geo import haversine_km

FAR_KM = 80.0
"""Farther than this from the center of its ZIP area, a location's coordinates are wrong."""
RINGS_MAX = 12
"""How many degrees around a place a neighbor is looked for."""
_CODE_COLUMNS = ("zcta5", "zip", "postal_code")


@dataclass(frozen=True, slots=True)
class Centroid:
    """The middle of a ZIP area."""

    code: str
    latitude: float
    longitude: float
    timezone: str


class Centroids:
    """All ZIP areas of a file, by code and by place."""

    def __init__(self, centroids: list[Centroid]) -> None:
        self._by_code = {centroid.code: centroid for centroid in centroids}
        self._by_cell: defaultdict[tuple[int, int], list[Centroid]] = defaultdict(list)
        for centroid in centroids:
            self._by_cell[_cell(centroid.latitude, centroid.longitude)].append(centroid)

    def problem(self, values: Mapping[str, object], far_km: float = FAR_KM) -> str:
        """Return what is wrong with a location's place; empty where nothing is, or none can tell.

        A ZIP without an area (PO boxes have none) cannot tell.
        """
        centroid = self._by_code.get(text_of(values.get("postal_code")).strip()[:5])
        place = _place(values)
        if centroid is None or place is None:
            return ""
        distance = haversine_km(*place, centroid.latitude, centroid.longitude)
        if distance <= far_km:
            return ""
        return f"{distance:,.0f} km from the center of ZIP {centroid.code}"

    def timezone(self, values: Mapping[str, object]) -> str:
        """Return the time zone of the nearest ZIP area; empty where none is near."""
        place = _place(values)
        nearest = None if place is None else self.nearest(*place)
        return "" if nearest is None else nearest.timezone

    def nearest(self, latitude: float, longitude: float) -> Centroid | None:
        """Return the nearest centroid; None where none lies within `RINGS_MAX` degrees.

        Distances are those on a flat map around the place: exact enough between neighbors.
        """
        row, column = _cell(latitude, longitude)
        narrowing = cos(radians(min(85.0, abs(latitude) + 1)))
        best: Centroid | None = None
        shortest = inf
        for ring in range(RINGS_MAX):
            # Whatever lies in this ring is at least `ring - 1` narrow degrees away.
            if shortest < (max(0, ring - 1) * narrowing) ** 2:
                break
            for cell in _ring(row, column, ring):
                for one in self._by_cell.get(cell, ()):
                    north = one.latitude - latitude
                    east = (one.longitude - longitude) * narrowing
                    apart = north * north + east * east
                    if apart < shortest:
                        best, shortest = one, apart
        return best


def load_centroids(path: Path) -> Centroids:
    """Return the centroids in a CSV or Parquet file."""
    source = open_source(path)
    code = next((name for name in _CODE_COLUMNS if name in source.columns), None)
    if code is None or not {"lat", "lon"} <= set(source.columns):
        raise ImportFailed(f"{path.name} lacks zcta5 (or zip), lat and lon", EXIT_USAGE)
    return Centroids(
        [
            Centroid(
                text_of(row[code]).zfill(5),
                float(text_of(row["lat"])),
                float(text_of(row["lon"])),
                text_of(row.get("timezone")),
            )
            for _, row in source.rows()
        ]
    )


def _place(values: Mapping[str, object]) -> tuple[float, float] | None:
    try:
        place = float(text_of(values.get("latitude"))), float(text_of(values.get("longitude")))
    except ValueError:
        return None
    return place if all(map(isfinite, place)) else None


def _cell(latitude: float, longitude: float) -> tuple[int, int]:
    return floor(latitude), floor(longitude)


def _ring(row: int, column: int, ring: int) -> list[tuple[int, int]]:
    span = range(-ring, ring + 1)
    return [(row + y, column + x) for y in span for x in span if max(abs(x), abs(y)) == ring]
