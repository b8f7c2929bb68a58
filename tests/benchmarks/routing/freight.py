"""What a decision costs to ship, for policies that do not reckon costs themselves."""

from central_server.sourcing.engine.network import point
from central_server.sourcing.engine.tariffs import kilometers, ready
from central_server.sourcing.engine.ways import DAY_MS
from tests.benchmarks.routing.play import Parts
from tests.benchmarks.routing.world import Placed, World, tariff


class Freight:
    """The tariff, with the cheapest service that keeps the promise."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._services = ready(tariff())
        self._points = [point(one.latitude, one.longitude) for one in world.sites]

    def of(self, placed: Placed, parts: Parts) -> float:
        """Return freight and handling of what is decided (cents)."""
        total = 0.0
        for site in {part.site for part in parts}:
            units = sum(part.units for part in parts if part.site == site)
            kg = sum(
                part.units * self._world.goods[part.goods].kg for part in parts if part.site == site
            )
            total += self._parcel(placed, site, units, kg)
        return total

    def _parcel(self, placed: Placed, site: int, units: int, kg: float) -> float:
        here, there = self._points[site], point(placed.order.latitude, placed.order.longitude)
        cosine = sum(a * b for a, b in zip(here, there, strict=True))
        promised = placed.order.promised_by_ms
        assert promised is not None
        km = kilometers(cosine)
        costs = []
        for service in self._services:
            zone = service.zone(cosine)
            if zone is not None and placed.at_ms + zone.transit_days * DAY_MS <= promised:
                costs.append(zone.parcel(km) + zone.unit(km, kg) + (units - 1) * zone.unit(km, 0.0))
        one = self._world.sites[site]
        return min(costs) + one.handling + units * one.unit_handling
