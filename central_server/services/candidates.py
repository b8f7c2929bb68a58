"""Locations as routing sees them, read in two queries however many there are."""

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from central_server.records import Location
from central_server.services.promising import candidate
from central_server.sourcing.routing import Candidate
from sync.domain.inventory import available_to_promise

if TYPE_CHECKING:
    from central_server.storage.unit import View


def one_candidate(
    view: "View", location: Location, wanted: Mapping[str, int], now_ms: int
) -> Candidate:
    """Return one location with what may be promised there of the wanted SKUs."""
    positions = view.stock.positions(tuple(wanted), now_ms, [location.id])
    free = {one.sku: available_to_promise(one).quantity for one in positions}
    return candidate(location, free)


def all_candidates(view: "View", wanted: Mapping[str, int], now_ms: int) -> list[Candidate]:
    """Return every location that has any of the wanted SKUs, with what may be promised there."""
    free: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for position in view.stock.positions(tuple(wanted), now_ms):
        free[position.location_id][position.sku] = available_to_promise(position).quantity
    return [
        Candidate(location_id, latitude, longitude, pickup_enabled, free[location_id])
        for location_id, latitude, longitude, pickup_enabled in view.locations.points(tuple(free))
    ]
