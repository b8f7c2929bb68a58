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

    __slots__ = ("by_band", "edges")

    def __init__(
        self, services: Sequence[ReadyService], days_max: float | None, *, counts_days: bool
    ) -> None:
        """With `counts_days`, a service that is dearer but quicker is kept beside the cheapest."""
        edges = sorted({cosine for service in services for cosine in service.edges})
        self.edges = edges
        middles = [
            (low + high) / 2 for low, high in zip([-1.0, *edges], [*edges, 1.0], strict=True)
        ]
        self.by_band = [
            _carriers(services, middle, days_max, counts_days=counts_days) for middle in middles
        ]

    def carriers(self, cosine: float) -> Sequence[Carrier]:
        """Return who carries in time over the angle of this cosine."""
        return self.by_band[bisect_right(self.edges, cosine)]

    def least(self, kg: float) -> float:
        """Return less than any parcel with one unit of `kg` costs, wherever it goes."""
        zones = (zone for carriers in self.by_band for _, zone in carriers)
        return min((zone.parcel(0.0) + zone.unit(0.0, kg) for zone in zones), default=0.0)


def _carriers(
    services: Sequence[ReadyService], cosine: float, days_max: float | None, *, counts_days: bool
) -> Sequence[Carrier]:
    found: list[Carrier] = []
    for service in services:
        zone = service.zone(cosine)
        if zone is not None and (days_max is None or zone.transit_days <= days_max):
            found.append((service.name, zone))
    return [
        (name, zone) for name, zone in found
        if not any(other is not zone and _is_better(other, zone, counts_days=counts_days)
                   for _, other in found)
    ]  # fmt: skip


def _is_better(one: Zone, other: Zone, *, counts_days: bool) -> bool:
    """Return whether one zone is at most as dear as another at any distance, weight and count.

    Where days do not count, they tell equal costs apart.
    """
    mine, theirs = _figures(one), _figures(other)
    if any(a > b for a, b in zip(mine, theirs, strict=True)):
        return False
    if counts_days and one.transit_days > other.transit_days:
        return False
    return mine != theirs or one.transit_days < other.transit_days


def _figures(zone: Zone) -> tuple[float, ...]:
    return (
        zone.parcel_minor, zone.unit_minor, zone.kg_minor,
        zone.parcel_km_minor, zone.unit_km_minor, zone.kg_km_minor,
    )  # fmt: skip
