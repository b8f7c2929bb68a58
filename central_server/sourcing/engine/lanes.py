"""Which service carries a parcel over a distance in time, looked up instead of reckoned.

Most candidates are plain: always open, no cut-off, no limits. For them what can
arrive in time depends on the distance alone, so the zones of all services fall into
bands, each with the services that are not worse than another in every respect.
"""

from bisect import bisect_right
from collections.abc import Sequence

from central_server.sourcing.engine.tariffs import ReadyService, Zone

Carrier = tuple[str, Zone]


class Bands:
    """The carriers of each band of distances, for parcels that may travel `days_max` days."""

    __slots__ = ("_carriers", "_edges")

    def __init__(self, services: Sequence[ReadyService], days_max: float | None) -> None:
        edges = sorted({cosine for service in services for cosine in service.edges})
        self._edges = edges
        middles = [
            (low + high) / 2 for low, high in zip([-1.0, *edges], [*edges, 1.0], strict=True)
        ]
        self._carriers = [_carriers(services, middle, days_max) for middle in middles]

    def carriers(self, cosine: float) -> Sequence[Carrier]:
        """Return who carries in time over the angle of this cosine."""
        return self._carriers[bisect_right(self._edges, cosine)]

    def least(self, kg: float) -> float:
        """Return less than any parcel with one unit of `kg` costs, wherever it goes."""
        zones = (zone for carriers in self._carriers for _, zone in carriers)
        return min((zone.parcel(0.0) + zone.unit(0.0, kg) for zone in zones), default=0.0)


def _carriers(
    services: Sequence[ReadyService], cosine: float, days_max: float | None
) -> Sequence[Carrier]:
    found: list[Carrier] = []
    for service in services:
        zone = service.zone(cosine)
        if zone is not None and (days_max is None or zone.transit_days <= days_max):
            found.append((service.name, zone))
    return [
        (name, zone) for name, zone in found
        if not any(other is not zone and _is_better(other, zone) for _, other in found)
    ]  # fmt: skip


def _is_better(one: Zone, other: Zone) -> bool:
    """Return whether one zone is at most as dear as another at any distance, weight and count."""
    mine, theirs = _figures(one), _figures(other)
    return mine != theirs and all(a <= b for a, b in zip(mine, theirs, strict=True))


def _figures(zone: Zone) -> tuple[float, ...]:
    return (
        zone.transit_days, zone.parcel_minor, zone.unit_minor, zone.kg_minor,
        zone.parcel_km_minor, zone.unit_km_minor, zone.kg_km_minor,
    )  # fmt: skip
