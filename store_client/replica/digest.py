"""This store's side of the comparison with central (see `sync.protocol.digest`)."""

from collections import defaultdict

from store_client.replica.store import Store
from sync.domain.fulfillment import FulfillmentOrder
from sync.protocol.adapters import adapter
from sync.protocol.digest import StoreDigest, order_digest


def digest_of(store: Store) -> StoreDigest:
    """Return the digest of what this store sees, pending operations included."""
    with store.at_one_moment():
        return _digest(store)


def _digest(store: Store) -> StoreDigest:
    orders = [adapter(FulfillmentOrder).validate_json(view) for view in store.views()]
    head = store.journal.head()
    return StoreDigest(
        location_id=store.location_id,
        replica_id=store.replica_id,
        last_seq=head.seq,
        last_hash=head.hash.hex(),
        orders={order.id: order_digest(order) for order in orders},
        stock=_stock(store),
    )


def _stock(store: Store) -> dict[str, tuple[int, int]]:
    pending: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for sku, on_hand, allocated in store.pending_effects():
        pending[sku][0] += on_hand
        pending[sku][1] += allocated
    return {
        sku: (on_hand + pending[sku][0], allocated + pending[sku][1])
        for sku, on_hand, allocated in store.stock_rows()
    }
