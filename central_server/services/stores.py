"""Locations, and how central hears from them."""

from collections import Counter
from typing import TYPE_CHECKING

from central_server.records import Location, Replica
from central_server.services.digest import digest_of
from central_server.services.errors import NotFound
from central_server.services.order_views import Document
from central_server.services.times import rfc3339_or_none
from central_server.sourcing.atp import data_age_ms
from sync.clock import Clock
from sync.protocol.digest import StoreDigest

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import View


class StoreDirectory:
    """Answers questions about locations."""

    def __init__(self, database: "Database", clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def one(self, location_id: str) -> Document:
        """Return one location."""
        with self._database.read() as view:
            location = view.locations.get(location_id)
            if location is None:
                raise NotFound("store", location_id)
            return self._document(view, location, view.replicas.at_location(location_id))

    def page(self, after: str, limit: int) -> tuple[list[Document], str | None]:
        """Return locations by id after one, and where the next page goes on."""
        with self._database.read() as view:
            rest = [one for one in view.locations.all() if one.id > after]
            shown = rest[:limit]
            replicas: dict[str, list[Replica]] = {}
            for replica in view.replicas.all():
                replicas.setdefault(replica.location_id, []).append(replica)
            found = [self._document(view, one, tuple(replicas.get(one.id, ()))) for one in shown]
        return found, shown[-1].id if len(rest) > limit else None

    def digest(self, location_id: str) -> StoreDigest:
        """Return central's data of one store, to be compared with the store's own digest."""
        with self._database.read() as view:
            return digest_of(view, location_id)

    def _document(
        self, view: "View", location: Location, replicas: tuple[Replica, ...]
    ) -> Document:
        device = next((one for one in replicas if one.enabled), None)
        contact = device.last_contact_ms if device else None
        age = data_age_ms(contact, self._clock.now_ms())
        work = Counter(one.status for one in view.fulfillments.open_at(location.id))
        return {
            "id": location.id,
            "name": location.name,
            "kind": location.kind,
            "timezone": location.timezone,
            "latitude": location.latitude,
            "longitude": location.longitude,
            "pickup_enabled": location.pickup_enabled,
            "price_zone": location.price_zone,
            "enrolled": device is not None,
            "last_contact": rfc3339_or_none(contact),
            "seconds_since_contact": None if age is None else age / 1000,
            "backlog": device.backlog if device else 0,
            "app_version": device.app_version if device else "",
            "clock_offset_ms": device.clock_offset_ms if device else None,
            "open_work": {"total": work.total(), "by_status": dict(sorted(work.items()))},
        }
