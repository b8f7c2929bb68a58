"""O4 and O2: after quiet a store sees what central has, but for what central could not take."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import select

from central_server.services.digest import digest_of as central_digest
from central_server.storage.tables import FEED_ROWS
from store_client.replica.digest import digest_of as store_digest
from sync.domain.paying import begun
from sync.domain.reserve_operations import ReservationMade, WaitRequested
from sync.domain.stock_operations import RIGHTS
from sync.edge.fold import Folded, fold
from sync.protocol.digest import StoreDigest, differences, order_digest
from sync.protocol.lines import decode_line
from sync.protocol.rows import Entity, encode_body, store_scope
from sync.protocol.verdicts import VerdictStatus
from tests.simulation.memory import location_of
from tests.simulation.model import Books, read_books
from tests.simulation.registry import Oracle, When
from tests.simulation.store import EVERYTHING

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
    ours = (one for one in books.operations if location_of(one.replica_id) == store.location_id)
    held = {one.aggregate for one in ours if one.status == "quarantined"}
    orders, stock = dict(digest.orders), dict(digest.stock)
    for key in sorted(held):
        folded = _folded_here(store, books, key)
        if folded is not None:
            orders[key] = order_digest(folded.order)
        effects = _done_to_forgotten(store, key) if folded is None else folded.effects
        for sku, on_hand, allocated in effects:
            had = stock.get(sku, (0, 0))
            stock[sku] = (had[0] + on_hand, had[1] + allocated)
    for sku, on_hand in _held_sales(store, books):
        had = stock.get(sku, (0, 0))
        stock[sku] = (had[0] + on_hand, had[1])
    return digest.model_copy(update={"orders": orders, "stock": stock})


def _folded_here(store: "StoreMachine", books: Books, key: str) -> Folded | None:
    """Return an order as the store has to see it; None for what neither side has.

    One that began here, and that central holds back as a whole, is only the store's, as
    long as nobody has set its beginning aside.
    """
    if key in books.orders:
        row = books.orders[key].row
        after = store.store.journal.included_seq(row.watermark)
        begun_by = store.store.journal.lives.begun_by(row.watermark, store.replica_id)
        return fold(row.order, [one.record for one in store.pending(key, after, begun_by)])
    pending = [one.record for one in store.pending(key, 0)]
    first = pending[0] if pending else None
    if first is None or not isinstance(first.op, ReservationMade | WaitRequested):
        return None
    _, said = store.store.journal.history(EVERYTHING, 0, key)[-1]
    if said is not None and said.status is VerdictStatus.REFUSED:
        return None  # set aside by a person: there is no such order, whatever else is held back
    return fold(begun(first.op, store.location_id, first.at), pending)


def _done_to_forgotten(store: "StoreMachine", key: str) -> Iterator[tuple[str, int, int]]:
    """Yield what held work did to an order that central has not, or not any more.

    What left the store, as it was written down when it was done; and what is in hand, as
    long as the store knows of which goods: its replica.db may have been made anew.
    """
    if ":" in key or key == RIGHTS:
        return
    moved = store.store.journal._all(
        "SELECT sku, on_hand FROM operations JOIN stock_effects USING (epoch, seq)"
        " JOIN verdicts USING (epoch, seq) WHERE aggregate = ? AND status = 'quarantined'",
        (key,),
    )
    yield from ((sku, on_hand, 0) for sku, on_hand in moved)
    order = store.store.fulfillment(key)
    for line in () if order is None else order.lines:
        yield line.sku, 0, line.picked - line.fulfilled - line.put_back


def _held_sales(store: "StoreMachine", books: Books) -> Iterator[tuple[str, int]]:
    """Yield (SKU, how on hand moved) of sales that were handed in by a device that was shut out.

    The store has sold them and goes on without; for central a person decides.
    """
    journal = store.store.journal
    for one in books.operations:
        life = journal.lives.named(one.replica_id, one.epoch)
        if one.kind != "floor_sold" or one.status != "quarantined" or life is None:
            continue
        if journal.hash_at(one.seq, life) is None:
            continue
        for line in decode_line(one.line).op.lines:
            yield line.sku, -line.units


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
