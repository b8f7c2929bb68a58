"""Which rows a store may see: the catalogue, its zone's prices, and its own."""

from central_server.records import Location
from sync.protocol.rows import CATALOGUE_SCOPE, StoreRow, prices_scope, store_scope


def scopes_of(location: Location) -> tuple[str, ...]:
    """Return the scopes of a location's devices."""
    return (CATALOGUE_SCOPE, prices_scope(location.price_zone), store_scope(location.id))


def store_row(location: Location) -> StoreRow:
    """Return what a store's own terminal must know of it."""
    return StoreRow(
        location_id=location.id,
        name=location.name,
        timezone=location.timezone,
        price_zone=location.price_zone,
        spots=location.spots,
        hours=location.hours,
        closures=location.closures,
        hold_days=location.hold_days,
        escrow=location.escrow,
        carriers=location.carriers,
        reserve=location.reserve,
        pickup=location.pickup,
    )
