"""Changing what holds at one location: written, and told to its store in the same commit."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from central_server.ports import Pokes
from central_server.records import Location
from central_server.services.errors import UnknownLocation
from central_server.services.scopes import store_row
from sync.hub.feed import FeedWriter
from sync.protocol.rows import Entity, store_scope

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit


def change_location(
    database: "Database", pokes: Pokes, location_id: str, change: Callable[[Location], Location]
) -> Location:
    """Change a location and let its store hear of it in its own row; return it as it is then."""

    def work(unit: "Unit") -> Location:
        place = unit.locations.lock([location_id]).get(location_id)
        if place is None:
            raise UnknownLocation(location_id)
        changed = change(place)
        unit.locations.upsert([changed])
        feed = FeedWriter(unit.feed)
        feed.put(store_scope(location_id), Entity.STORE, location_id, store_row(changed))
        heads = feed.flush()
        unit.after_commit(lambda: pokes.publish(heads))
        return changed

    return database.write(work)


def read_location(database: "Database", location_id: str) -> Location:
    """Return a location, or raise `UnknownLocation`."""
    with database.read() as view:
        place = view.locations.get(location_id)
    if place is None:
        raise UnknownLocation(location_id)
    return place
