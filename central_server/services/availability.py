"""What may be promised, term by term, and how old the data behind it is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from central_server.records import Location
from central_server.services.errors import NotFound, UnknownSkus
from central_server.services.order_views import Document
from central_server.services.times import rfc3339
from central_server.sourcing.atp import Availability, explain
from sync.clock import Clock
from sync.domain.inventory import StockPosition
from sync.domain.orders import Channel

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import View

LOCATIONS_MAX = 50
"""How many locations are answered where none is named: those with most of the first SKU."""


class AvailabilityQuery:
    """Explains ATP."""

    def __init__(self, database: "Database", clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def explain(
        self, skus: tuple[str, ...], location_ids: tuple[str, ...], channel: Channel
    ) -> Document:
        """Return ATP of `skus` at the named locations, or where there is most of the first."""
        now = self._clock.now_ms()
        with self._database.read() as view:
            if unknown := tuple(sku for sku in skus if sku not in view.catalogue.products(skus)):
                raise UnknownSkus(unknown)
            positions = view.stock.positions(skus, now, location_ids or None)
            locations = _locations(view, location_ids, positions, skus[0])
            heard = view.replicas.last_contacts([one.id for one in locations])
        known = {(one.location_id, one.sku): one for one in positions}
        found = [
            explain(
                known.get((place.id, sku), StockPosition(place.id, sku)),
                is_offered=place.pickup_enabled,
                last_contact_ms=heard.get(place.id),
                now_ms=now,
            )
            for place in locations
            for sku in skus
        ]
        return {
            "channel": channel.value,
            "at": rfc3339(now),
            "availability": [_document(one) for one in found],
        }


def _locations(
    view: "View",
    location_ids: tuple[str, ...],
    positions: Sequence[StockPosition],
    first_sku: str,
) -> list[Location]:
    if location_ids:
        found = view.locations.get_many(location_ids)
        for location_id in location_ids:
            if location_id not in found:
                raise NotFound("location", location_id)
        return [found[location_id] for location_id in location_ids]
    carrying = [one for one in positions if one.sku == first_sku]
    carrying.sort(key=lambda one: (one.allocated - one.on_hand, one.location_id))
    best = [one.location_id for one in carrying[:LOCATIONS_MAX]]
    found = view.locations.get_many(best)
    return [found[location_id] for location_id in best]


def _document(one: Availability) -> Document:
    return {
        "location_id": one.location_id,
        "sku": one.sku,
        "available_to_promise": one.quantity,
        "offered": one.is_offered,
        "terms": {
            "on_hand": one.terms.on_hand,
            "allocated": one.terms.allocated,
            "floor": one.terms.floor,
            "safety_stock": one.terms.safety_stock,
            "held_back": one.terms.held_back,
            "raw": one.terms.raw,
        },
        "data_age_seconds": None if one.age_ms is None else one.age_ms / 1000,
    }
