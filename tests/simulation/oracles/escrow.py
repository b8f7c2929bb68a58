"""O3 under escrow: each right has one owner, and both sides agree on who that is."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from central_server.records import Lease
from central_server.services.rights import CLOCK_STEP_MS
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.inventory import StockReason
from sync.protocol.lines import decode_line
from tests.simulation.events.machines import STALE
from tests.simulation.model import op_id, read_books
from tests.simulation.registry import Oracle, When

if TYPE_CHECKING:
    from tests.simulation.store import StoreMachine
    from tests.simulation.world import World


SALE = "floor_sold"


def both_sides_know_who_may_promise(world: "World") -> Iterator[str]:
    """After quiet, what central may still promise is what the store counts as central's."""
    if not world.shared:
        return
    for store in world.stores:
        with world.central.database.read() as view:
            rows = view.stock.rows(store.location_id)
            lease = view.leases.get(store.location_id)
        generation = store.store.journal.rights.generation()
        if lease is None or lease.generation != generation:
            yield f"{store.location_id}: generation {generation}, central {lease}"
            continue
        shares = {one.sku: one for one in store.store.shares.shares([row.sku for row in rows])}
        for row in rows:
            theirs, ours = row.rights.within(generation).online, shares[row.sku].online
            if theirs != ours:
                yield f"{store.location_id} {row.sku}: central may promise {theirs}, it says {ours}"


@dataclass(frozen=True)
class Standing:
    """What central and one store have of the store's stock, until either of them writes."""

    lease: Lease | None
    clock_ms: int
    """The newest time of its own that central has kept."""
    promises: tuple[tuple[int | None, dict[str, int]], ...]
    """Of each open order: until when it must be confirmed (None: it is), units by SKU."""
    online: dict[str, int]
    """By SKU, while the lease lives."""
    given: dict[str, int]
    """By SKU: what the store holds for orders and has left to central."""


def central_spends_what_was_given(world: "World") -> Iterator[str]:
    """G1, after each event: what central promised and may promise stands on what the store gave.

    Promised units that the store knows count as far as its own work has left them;
    what nobody confirmed in time central may not count on any more.
    """
    if not world.shared:
        return
    now = world.central.clock.now_ms()
    for store in world.stores:
        if world.notes.get(STALE + store.location_id):
            continue  # a copy of replica.db put back by hand, before the next round
        standing = _standing(world, store)
        was_set_back = now < standing.clock_ms - CLOCK_STEP_MS
        claims: Counter[str] = Counter()
        for confirm_by_ms, units in standing.promises:
            if confirm_by_ms is None or not (was_set_back or confirm_by_ms < now):
                claims.update(units)
        lease = standing.lease
        if lease is not None and lease.is_alive(now) and not was_set_back:
            claims.update(standing.online)
        for sku, given in standing.given.items():
            if claims[sku] > given:
                where = f"{sku} at {store.location_id}"
                yield f"{where}: central claims {claims[sku]}, {given} were given"


def _standing(world: "World", store: "StoreMachine") -> Standing:
    """Return how a store stands, read anew only where something was written since."""
    key = (id(world.central.parts), world.central.fuse.commits, store.store.change_token())
    kept = store.standing
    if kept is None or kept[0] != key:
        kept = store.standing = (key, _read_standing(world, store))
    found: Standing = kept[1]
    return found


def _read_standing(world: "World", store: "StoreMachine") -> Standing:
    with world.central.database.read() as view:
        rows = view.stock.rows(store.location_id)
        lease = view.leases.get(store.location_id)
        orders = [one.row.order for one in view.fulfillments.open_at(store.location_id)]
        clock_ms = view.meta.clock_ms()
    online = {}
    if lease is not None:
        online = {row.sku: row.rights.within(lease.generation).online for row in rows}
    shares = store.store.shares.shares([row.sku for row in rows])
    return Standing(
        lease,
        clock_ms,
        tuple(
            ((order.confirm_by_ms or 0) if order.is_unconfirmed else None,
             _live(order, store.store.fulfillment(order.id)))
            for order in orders
        ),
        online,
        {one.sku: one.allocated + one.online for one in shares},
    )  # fmt: skip


def _live(order: FulfillmentOrder, seen: FulfillmentOrder | None) -> dict[str, int]:
    """Return the units by SKU that an order still wants, as both sides have it."""
    units: Counter[str] = Counter()
    for line in order.lines:
        known = None if seen is None else seen.line(line.line)
        units[line.sku] += line.tied if known is None else min(line.tied, known.tied)
    return units


def a_sale_by_right_breaks_no_promise(world: "World") -> Iterator[str]:
    """G1: what the till sold within the floor, as the store knew it then, moved no order."""
    if not world.shared:
        return
    books = read_books(world)
    shaken = {one[:2] for one in books.ledger if one[4] == StockReason.SHORT_PICKED.value}
    late = {op_id(one) for one in books.operations if one.status == "amended" and one.kind != SALE}
    shaken |= {one[:2] for one in books.ledger if one[5] in late}
    for one in books.operations:
        if one.kind != SALE or one.status != "amended":
            continue
        sale = decode_line(one.line).op
        place = one.replica_id.removeprefix("R-")
        skus = {line.sku for line in sale.lines}
        if not sale.over and not any((place, sku) in shaken for sku in skus):
            yield f"{op_id(one)} sold {sorted(skus)} by right, and a promise was moved for it"


ORACLES = (
    Oracle("O3 both sides know who may promise", When.QUIET, both_sides_know_who_may_promise),
    Oracle("G1 central spends what was given", When.STEP, central_spends_what_was_given),
    Oracle("G1 a sale by right breaks no promise", When.QUIET, a_sale_by_right_breaks_no_promise),
)
