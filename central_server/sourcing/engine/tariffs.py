"""What a parcel costs by service, distance and weight, and how long it travels. Data, not code."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import acos, cos, pi

from central_server.sourcing.geo import EARTH_RADIUS_KM

HALF_AROUND_KM = EARTH_RADIUS_KM * pi


@dataclass(frozen=True, slots=True)
class Zone:
    """What a service costs up to a distance. Rates in minor units."""

    transit_days: float
    parcel_minor: float
    unit_minor: float = 0.0
    kg_minor: float = 0.0
    parcel_km_minor: float = 0.0
    unit_km_minor: float = 0.0
    kg_km_minor: float = 0.0
    up_to_km: float | None = None
    """None: any distance; of the last zone."""

    def parcel(self, km: float) -> float:
        """Return what a parcel costs beside its content."""
        return self.parcel_minor + self.parcel_km_minor * km

    def unit(self, km: float, kg: float) -> float:
        """Return what a unit of `kg` adds."""
        return (
            self.unit_minor + self.unit_km_minor * km + kg * (self.kg_minor + self.kg_km_minor * km)
        )


@dataclass(frozen=True, slots=True)
class Service:
    """One way of shipping, such as ground or express: its zones, nearest first."""

    name: str
    zones: tuple[Zone, ...]


ANYWHERE = -2.0
"""Below any cosine: that of the far end of the globe may be below -1 by its rounding."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """The services of one carrier or contract."""

    services: tuple[Service, ...]


class ReadyService:
    """A service whose zones are compared by the cosine of the angle, without trigonometry."""

    __slots__ = ("_zones", "edges", "name")

    def __init__(self, service: Service) -> None:
        self.name = service.name
        self._zones = [
            (ANYWHERE if zone.up_to_km is None else _cosine(zone.up_to_km), zone)
            for zone in service.zones
        ]
        self.edges = [cosine for cosine, _ in self._zones if cosine > ANYWHERE]

    def zone(self, cosine: float) -> Zone | None:
        """Return the zone at an angle of this cosine; None beyond the last."""
        for least, zone in self._zones:
            if cosine >= least:
                return zone
        return None


def kilometers(cosine: float) -> float:
    """Return the distance over an angle given by its cosine; exact to 0.1 km."""
    return EARTH_RADIUS_KM * acos(min(1.0, max(-1.0, cosine)))


def ready(tariff: Tariff) -> Sequence[ReadyService]:
    """Return the services of a tariff, ready for many look-ups."""
    return [ReadyService(service) for service in tariff.services]


def _cosine(up_to_km: float) -> float:
    if up_to_km >= HALF_AROUND_KM:
        return ANYWHERE
    return cos(up_to_km / EARTH_RADIUS_KM)
