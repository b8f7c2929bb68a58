"""Central's side of the comparison with a store (see `sync.protocol.digest`)."""

from typing import TYPE_CHECKING

from central_server.services.errors import NotFound
from sync.protocol.digest import StoreDigest, order_digest

if TYPE_CHECKING:
    from central_server.storage.unit import View


def digest_of(view: "View", location_id: str) -> StoreDigest:
    """Return the digest of what central has of a location, from its tables, not from the feed.

    Raises `NotFound` for a location without an enabled device.
    """
    replicas = [one for one in view.replicas.at_location(location_id) if one.enabled]
    if not replicas:
        raise NotFound("enrolled store", location_id)
    replica = max(replicas, key=lambda one: one.enrolled_at_ms)
    orders = [stored.row.order for stored in view.fulfillments.all_at(location_id)]
    return StoreDigest(
        location_id=location_id,
        replica_id=replica.id,
        last_seq=replica.last_seq,
        last_hash=bytes(replica.last_hash).hex(),
        orders={order.id: order_digest(order) for order in orders},
        stock={row.sku: (row.on_hand, row.allocated) for row in view.stock.rows(location_id)},
    )
