"""Harm that only a missing rule of escrow does: asked where one is taken away, see `mutants`.

They hold in the product as it is as well, in worlds that are narrowed to escrow.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from sync.domain.fulfillment import ShortReason
from sync.domain.operations import FulfillmentRejected
from sync.edge.escrow import CONFIRMED
from sync.protocol.lines import decode_line
from tests.simulation.events.narrows import COUNTED, PUT_BACK
from tests.simulation.memory import location_of
from tests.simulation.oracles.escrow import SALE, at_central
from tests.simulation.registry import Oracle, When
from tests.simulation.template import SKUS
from tests.simulation.world import ALONE

if TYPE_CHECKING:
    from tests.simulation.store import StoreMachine
    from tests.simulation.world import World

REJECTED = "fulfillment_rejected"
SEEN = "promises that were there"
LOOKED = "commits that were looked at: "
JUDGED = "operations that were judged"
TAKEN = ("accepted", "amended")
_PLACES = "SELECT location_id, max(enabled) FROM replicas GROUP BY location_id"
_STOCK = "SELECT on_hand, allocated FROM stock WHERE location_id = ? AND sku = ?"
_ENDS = "SELECT replica_id, epoch, last_seq FROM replicas"
_SINCE = (
    "SELECT kind, status, line FROM op_log"
    " WHERE replica_id = ? AND (epoch, seq) > (?, ?) ORDER BY epoch, seq"
)
Ends = dict[str, tuple[int, int]]


def _bound(world: "World") -> "Iterator[StoreMachine]":
    """Yield the stores that know what they did, and are the only ones to do it."""
    return (one for one in world.stores if not (one.is_unheard or one.has_double))


def _has_written(world: "World", who: str) -> bool:
    """Return whether central has committed anything since `who` asked last."""
    now = (world.central.restores, world.central.fuse.commits)
    known = world.notes.get(LOOKED + who)
    world.notes[LOOKED + who] = now
    return known != now


def what_is_confirmed_is_not_given_up(world: "World") -> Iterator[str]:
    """After each event: no store has let go of a promise that central has as confirmed."""
    _, places = at_central(world)
    for store in _bound(world):
        journal = store.store.journal
        for order in places[store.location_id].orders:
            is_kept = order.confirmed_at_ms is not None and order.total("open")
            if is_kept and journal.first_seq(order.id, REJECTED) is not None:
                records = [one.record for one in store.pending(order.id, 0)]
                if any(one is not None and _is_lapse(one.op) for one in records):
                    yield f"{order.id}: {store.location_id} confirmed it, and has let it go"


def _is_lapse(operation: object) -> bool:
    return (
        isinstance(operation, FulfillmentRejected)
        and operation.reason is ShortReason.PROMISE_LAPSED
    )


def what_was_never_sent_is_given_up(world: "World") -> Iterator[str]:
    """When a store has been alone for long: no promise ties units that it only meant to confirm."""
    for store in world.stores:
        if world.notes.get(ALONE + store.location_id) != world.time.now_ms:
            continue
        journal = store.store.journal
        for key in store.store.shares.unacknowledged():
            order = store.store.fulfillment(key)
            confirmed = journal.first_seq(key, CONFIRMED)
            sent = max(store.tried, store.store.journal.acked_seq())
            is_unsent = confirmed is not None and confirmed > sent
            if is_unsent and order is not None and order.total("open"):
                yield f"{key}: {store.location_id} never sent that it keeps it, and keeps it"


def nobody_is_promised_who_would_not_hear(world: "World") -> Iterator[str]:
    """After each event: nothing is promised of a place whose device is shut out."""
    known: set[str] = world.notes.setdefault(SEEN, set())  # type: ignore[assignment]
    new = [
        order
        for there in at_central(world)[1].values()
        for order in there.orders
        if order.id not in known and order.is_unconfirmed
    ]
    if not new:
        return
    known.update(one.id for one in new)
    with world.central.database.read() as view:
        listening = dict(tuple(row) for row in view.connection.exec_driver_sql(_PLACES))
    for order in new:
        if not listening.get(order.location_id):
            yield f"{order.id}: promised at {order.location_id}, whose device is shut out"


def rights_stand_on_units(world: "World") -> Iterator[str]:
    """After each event: no right that central may use is to a unit that its book does not have."""
    if not _has_written(world, "rights"):
        return
    now = world.central.clock.now_ms()
    with world.central.database.read() as view:
        ask = view.connection.exec_driver_sql
        for place, there in at_central(world)[1].items():
            if there.lease is None or not there.lease.is_alive(now):
                continue
            for sku, online in there.online.items():
                ((on_hand, allocated),) = ask(_STOCK, (place, sku)).all()
                if online > max(0, on_hand - allocated) and not world.forgotten[place, sku]:
                    yield f"{sku} at {place}: {online} rights on {on_hand} less {allocated}"


def a_lease_is_of_this_life(world: "World") -> Iterator[str]:
    """After each event: no lease stands on what a store heard before central was put back."""
    now = world.central.clock.now_ms()
    _, places = at_central(world)
    for store in _bound(world):
        lease = places[store.location_id].lease
        if lease is not None and lease.is_alive(now):
            life = store.heard_in.get(lease.token_ms, world.central.restores)
            if life != world.central.restores:
                yield f"{store.location_id}: its lease was heard of in life {life} of central"


def who_knows_again_what_it_did_keeps_it(world: "World") -> Iterator[str]:
    """When a disk that was put back has recovered: it frees nothing that was promised of it."""
    store: StoreMachine | None = world.notes.get(PUT_BACK)  # type: ignore[assignment]
    if store is None or not _has_recovered(world, store):
        return
    now = world.central.clock.now_ms()
    unheard: Counter[str] = Counter()
    for order in at_central(world)[1][store.location_id].orders:
        is_over = order.is_unconfirmed and (order.confirm_by_ms or 0) < now
        if store.store.fulfillment(order.id) is None and not is_over:
            unheard.update({line.sku: line.tied for line in order.lines})
    for one in store.store.shares.shares(SKUS):
        if unheard[one.sku] > one.online:
            lacking = f"{unheard[one.sku]} {one.sku} are promised unheard"
            yield f"{store.location_id}: {lacking}, it leaves {one.online} to central"


def _has_recovered(world: "World", store: "StoreMachine") -> bool:
    """Return whether the journal goes on from all that central has of it."""
    identity, head = store.store.identity, store.store.journal.head().seq
    with world.central.database.read() as view:
        known = view.replicas.get(identity.replica_id)
    is_same = known is not None and known.epoch == store.store.journal.lives.newest.epoch
    return is_same and known is not None and known.last_seq == head


def a_broken_promise_moves_at_once(world: "World") -> Iterator[str]:
    """After each event: where a sale left too little, no promise still waits on that shelf.

    Of those that gave way the one that the cashier named was the first.
    """
    if not _has_written(world, "sales"):
        return
    before: tuple[int, Ends] | None = world.notes.get(JUDGED)  # type: ignore[assignment]
    with world.central.database.read() as view:
        ask = view.connection.exec_driver_sql
        ends = {name: (epoch, seq) for name, epoch, seq in ask(_ENDS)}
        world.notes[JUDGED] = (world.central.restores, ends)
        if before is None or before[0] != world.central.restores:
            return
        for name in ends:
            last = before[1].get(name, (0, 0))
            place, rows = location_of(name), ask(_SINCE, (name, *last)).all()
            yield from _named_and_kept(world, place, rows)
            for sku in _sold(rows):
                ((on_hand, allocated),) = ask(_STOCK, (place, sku)).all()
                waiting = _on_the_shelf(world, place, sku)
                if allocated > on_hand and waiting:
                    lacking = f"{allocated} of {on_hand} {sku} promised at {place}"
                    yield f"{lacking} after a sale, and {waiting} wait on the shelf"


def nothing_is_promised_beyond_the_book(world: "World") -> Iterator[str]:
    """After an order that followed on a count: central promised no more than was counted."""
    counted: tuple[str, str, int] = world.notes.get(COUNTED, ("", "", -1))  # type: ignore[assignment]
    place, sku, commits = counted
    if commits == world.central.fuse.commits:
        with world.central.database.read() as view:
            ((on_hand, allocated),) = view.connection.exec_driver_sql(_STOCK, (place, sku)).all()
        if allocated > on_hand:
            yield f"{allocated} of {on_hand} {sku} are promised at {place}, just counted"


def _sold(rows: Iterable[tuple[str, str, bytes]]) -> set[str]:
    """Return what was sold; nothing where facts that came too late moved the book as well."""
    found: set[str] = set()
    for kind, status, line in rows:
        if kind != SALE and status == "amended":
            return set()
        if kind == SALE and status in TAKEN:
            found.update(one.sku for one in decode_line(bytes(line)).op.lines)
    return found


def _named_and_kept(
    world: "World", place: str, rows: Iterable[tuple[str, str, bytes]]
) -> Iterator[str]:
    """Yield the orders that a cashier named as broken, and in whose stead others were moved."""
    orders = {one.id: one for one in at_central(world)[1][place].orders}
    for kind, status, line in rows:
        if kind != SALE or status != "amended":
            continue
        sale = decode_line(bytes(line)).op
        named = orders.get(sale.breaks)
        skus = {one.sku for one in sale.lines if one.units > 0}
        for one in () if named is None or len(skus) > 1 else named.lines:
            if one.sku in skus and one.to_pick and not one.short:
                yield f"{sale.breaks} was named, and others gave way for {sale.transaction}"


def _on_the_shelf(world: "World", place: str, sku: str) -> int:
    lines = (line for order in at_central(world)[1][place].orders for line in order.lines)
    return sum(line.to_pick for line in lines if line.sku == sku)


def all_is_shared_as_it_should_be(world: "World") -> Iterator[str]:
    """After quiet: central may promise what a store can spare, and knows what it has confirmed."""
    now = world.central.clock.now_ms()
    for store in world.stores:
        if store.store.journal.holds_rights():
            continue  # until a person has decided about them
        there = at_central(world)[1][store.location_id]
        if there.lease is None or not there.lease.is_alive(now):
            yield f"{store.location_id}: all is said, and central has no lease"
        for order in there.orders:
            if order.is_unconfirmed and order.total("open"):
                yield f"{order.id}: all is said, and nobody has confirmed it"
        for one in store.store.shares.shares(SKUS):
            if one.surplus or one.shortage:
                yield f"{store.location_id}: it should give or ask for some of {one}"


ORACLES = (
    Oracle("R1 confirmed is kept", When.STEP, what_is_confirmed_is_not_given_up),
    Oracle("R2 unsent is given up", When.STEP, what_was_never_sent_is_given_up),
    Oracle("R3 who is shut out is not promised", When.STEP, nobody_is_promised_who_would_not_hear),
    Oracle("R4 rights stand on units", When.STEP, rights_stand_on_units),
    Oracle("R5 a broken promise moves at once", When.STEP, a_broken_promise_moves_at_once),
    Oracle("R8 a lease is of this life", When.STEP, a_lease_is_of_this_life),
    Oracle("R9 put back, it keeps what it gave", When.STEP, who_knows_again_what_it_did_keeps_it),
    Oracle("R7 counted is counted", When.STEP, nothing_is_promised_beyond_the_book),
    Oracle("R6 all is shared", When.QUIET, all_is_shared_as_it_should_be),
)
