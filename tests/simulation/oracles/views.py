"""O4 and O2: after quiet a store sees what central has, but for what central could not take."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import select

from central_server.services.digest import digest_of as central_digest
from central_server.storage.tables import FEED_ROWS
from store_client.replica.digest import digest_of as store_digest
from sync.edge.fold import fold
from sync.protocol.digest import StoreDigest, differences, order_digest
from sync.protocol.rows import Entity, encode_body, store_scope
from tests.simulation.model import Books, read_books
from tests.simulation.registry import Oracle, When

if TYPE_CHECKING:
    from tests.simulation.store import StoreMachine
    from tests.simulation.world import World


def stores_see_what_central_has(world: "World") -> Iterator[str]:
    """O4: the digests agree; orders that central holds back have the store's own steps on top."""
    books = read_books(world)
    for store in world.stores:
        with world.central.database.read() as view:
            expected = central_digest(view, store.location_id)
        expected = _with_held_back(store, books, expected)
        for difference in differences(store_digest(store.store), expected):
            yield f"{store.location_id}: {difference}"


def _with_held_back(store: "StoreMachine", books: Books, digest: StoreDigest) -> StoreDigest:
    held = {one.aggregate for one in books.operations
            if one.replica_id == store.replica_id and one.status == "quarantined"}  # fmt: skip
    orders, stock = dict(digest.orders), dict(digest.stock)
    for key in sorted(held & orders.keys()):
        row = books.orders[key].row
        after = row.watermark.seq_for(store.replica_id, 1)
        pending = [one.record for one in store.pending(key, after)]
        folded = fold(row.order, pending)
        orders[key] = order_digest(folded.order)
        for sku, on_hand, allocated in folded.effects:
            had = stock.get(sku, (0, 0))
            stock[sku] = (had[0] + on_hand, had[1] + allocated)
    return digest.model_copy(update={"orders": orders, "stock": stock})


def the_feed_is_what_central_has(world: "World") -> Iterator[str]:
    """O4: what is sent to stores is what central's own tables say."""
    for store in world.stores:
        scope = store_scope(store.location_id)
        with world.central.database.read() as view:
            bodies = {
                (entity, key): body
                for entity, key, body in view.connection.execute(
                    select(FEED_ROWS.c.entity, FEED_ROWS.c.key, FEED_ROWS.c.body).where(
                        FEED_ROWS.c.scope == scope
                    )
                )
            }
            rows = [(Entity.FULFILLMENT, one.row.order.id, one.row)
                    for one in view.fulfillments.all_at(store.location_id)]  # fmt: skip
            rows += [(Entity.STOCK, row.sku, row) for row in view.stock.rows(store.location_id)]  # type: ignore[misc]
        for entity, key, row in rows:
            if bodies.get((entity.value, key)) != encode_body(entity, row):
                yield f"{scope} {entity} {key}: the feed has {bodies.get((entity.value, key))}"


def scopes_add_up(world: "World") -> Iterator[str]:
    """O4: cursor, checksum and number of rows of every scope are the same on both sides."""
    for store in world.stores:
        rows = store.store._database.all("SELECT scope, rev, checksum, rows_live FROM scopes")
        with world.central.database.read() as view:
            for scope, rev, checksum, alive in rows:
                state = asdict(view.feed.scope(scope))
                have = {"rev": rev, "checksum": checksum, "rows_live": alive}
                want = {name: state[name] for name in have}
                if have != want:
                    yield f"{store.location_id} {scope}: {have}, central {want}"


ORACLES = (
    Oracle("O4 stores see what central has", When.QUIET, stores_see_what_central_has),
    Oracle("O4 the feed is what central has", When.QUIET, the_feed_is_what_central_has),
    Oracle("O4 scopes add up", When.QUIET, scopes_add_up),
)
