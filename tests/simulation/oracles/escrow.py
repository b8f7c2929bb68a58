"""O3 under escrow: each right has one owner, and both sides agree on who that is."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from central_server.records import Lease
from central_server.services.rights import CLOCK_STEP_MS
from sync.domain.escrow import Rights
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.inventory import StockReason
from sync.edge.escrow import CONFIRMED
from sync.protocol.lines import decode_line
from sync.protocol.rows import FulfillmentRow
from tests.simulation.events.machines import STALE
from tests.simulation.events.sales import LOOKED_AFTER
from tests.simulation.memory import location_of
from tests.simulation.model import Books, counts, op_id, read_books
from tests.simulation.registry import Oracle, When
from tests.simulation.template import SKUS
from tests.simulation.world import ALONE, JUMPED

if TYPE_CHECKING:
    from tests.simulation.store import StoreMachine
    from tests.simulation.world import World


SALE = "floor_sold"
PROMISED = "promised"
"""Of a world's notes: the fulfillment orders that were seen."""
AT_CENTRAL = "at central: "
"""Of a world's notes: what central had after its newest commit."""
_ROW: TypeAdapter[FulfillmentRow] = TypeAdapter(FulfillmentRow)


def both_sides_know_who_may_promise(world: "World") -> Iterator[str]:
    """After quiet, what central may still promise is what the store counts as central's.

    A generation that a store has begun and granted nothing in central need not know of.
    """
    if not world.shared:
        return
    for store in world.stores:
        with world.central.database.read() as view:
            rows = view.stock.rows(store.location_id)
            lease = view.leases.get(store.location_id)
        generation = store.store.journal.rights.generation()
        if lease is None or lease.generation > generation:
            yield f"{store.location_id}: generation {generation}, central {lease}"
            continue
        if store.store.journal.holds_rights():
            continue  # they are central's as soon as somebody lets them count
        shares = {one.sku: one for one in store.store.shares.shares([row.sku for row in rows])}
        for row in rows:
            theirs, ours = row.rights.within(lease.generation).online, shares[row.sku].online
            if theirs != ours:
                yield f"{store.location_id} {row.sku}: central may promise {theirs}, it says {ours}"


@dataclass
class AtCentral:
    """What central has of one store's stock."""

    lease: Lease | None = None
    heard: int = 0
    """Up to which operation it knows what the store did."""
    online: dict[str, int] = field(default_factory=dict)
    """Units by SKU that it may promise while the lease lives."""
    rights: dict[str, Rights] = field(default_factory=dict)
    """By SKU, of whatever generation."""
    orders: list[FulfillmentOrder] = field(default_factory=list)


@dataclass(frozen=True)
class AtStore:
    """What one store has of its stock."""

    given: dict[str, int]
    """Units by SKU that it holds for orders or has left to central."""
    orders: dict[str, FulfillmentOrder | None]
    """How it sees the orders that central has of it."""


def central_spends_what_was_given(world: "World") -> Iterator[str]:
    """G1, after each event: what central promised and may promise stands on what the store gave.

    Promised units that the store knows count as far as its own work has left them;
    what nobody confirmed in time central may not count on any more.
    """
    if not world.shared:
        return
    now = world.central.clock.now_ms()
    clock_ms, places = at_central(world)
    was_set_back = now < clock_ms - CLOCK_STEP_MS
    for store in world.stores:
        if world.notes.get(STALE + store.location_id):
            continue  # a copy of replica.db put back by hand, before the next round
        if store.is_unheard or store.has_double:
            continue  # what it gave it does not know, or two machines give and sell the same
        theirs = places[store.location_id]
        ours = _at_store(world, store, theirs)
        claims: Counter[str] = Counter()
        for order in theirs.orders:
            is_over = was_set_back or (order.confirm_by_ms or 0) < now
            if not (order.is_unconfirmed and is_over):
                claims.update(_live(order, ours.orders[order.id]))
        if theirs.lease is not None and theirs.lease.is_alive(now) and not was_set_back:
            claims.update(theirs.online)
        for sku, given in ours.given.items():
            if claims[sku] > given:
                where = f"{sku} at {store.location_id}"
                yield f"{where}: central claims {claims[sku]}, {given} were given"


def a_lease_stands_on_what_was_done(world: "World") -> Iterator[str]:
    """G1, after each event: central knows everything that came before the token it promises on."""
    if not world.shared:
        return
    now = world.central.clock.now_ms()
    _, places = at_central(world)
    for store in world.stores:
        if store.is_unheard or store.has_double:
            continue
        lease, heard = places[store.location_id].lease, places[store.location_id].heard
        if lease is not None and lease.is_alive(now):
            done = store.done_before.get(lease.token_ms)
            if done is None:
                yield f"{store.location_id}: a lease on a time that it never heard from central"
            elif heard < done:
                yield f"{store.location_id}: a lease after operation {done}, central knows {heard}"


def nothing_is_promised_without_a_lease(world: "World") -> Iterator[str]:
    """G1, after each event: a promise that is new can still be confirmed in time."""
    if not world.shared:
        return
    now = world.central.clock.now_ms()
    _, places = at_central(world)
    known: set[str] = world.notes.setdefault(PROMISED, set())  # type: ignore[assignment]
    for store in world.stores:
        for order in places[store.location_id].orders:
            if order.id in known:
                continue
            known.add(order.id)
            if world.notes.get(JUMPED) == now:
                continue  # what was moved just before the jump has a term of another time
            if order.is_unconfirmed and (order.confirm_by_ms or 0) < now:
                yield f"{order.id} at {store.location_id} was promised when its lease was over"


def what_nobody_confirms_is_moved(world: "World") -> Iterator[str]:
    """G1, when the job that moves promises has looked: none is left whose term is over."""
    now = world.central.clock.now_ms()
    if not world.shared or world.notes.get(LOOKED_AFTER) != now:
        return
    _, places = at_central(world)
    for place, there in places.items():
        for order in there.orders:
            is_over = order.is_unconfirmed and (order.confirm_by_ms or 0) < now
            if is_over and order.total("open"):
                yield f"{order.id} at {place}: nobody confirmed it, and it is still there"


def totals_stay_within_what_was_granted(world: "World") -> Iterator[str]:
    """G1, after each event: central has promised and given back no more than it was granted."""
    if not world.shared:
        return
    _, places = at_central(world)
    for place, there in places.items():
        for sku, rights in there.rights.items():
            if rights.promised + rights.returned > rights.granted:
                yield f"{sku} at {place}: more than was granted is gone: {rights}"


def a_store_alone_owns_its_units(world: "World") -> Iterator[str]:
    """G1, when a store has been cut off for the longest term: nothing waits for central there."""
    for store in world.stores:
        if world.notes.get(ALONE + store.location_id) != world.time.now_ms:
            continue
        journal, shares = store.store.journal, store.store.shares
        for one in shares.shares(SKUS):
            if one.online:
                yield f"{one.sku} at {store.location_id}: {one.online} are still central's"
        for key in shares.unacknowledged():
            order = store.store.fulfillment(key)  # given up, its goods may wait to be put back
            is_ours = order is None or not order.total("open")
            if not is_ours and journal.first_seq(key, CONFIRMED) is None:
                yield f"{key} at {store.location_id} was never confirmed, and still ties units"


def at_central(world: "World") -> tuple[int, dict[str, AtCentral]]:
    """Return central's newest time and what it has by location, read once after each commit.

    Written as plain SQL: this runs after every event.
    """
    key = (id(world.central.parts), world.central.fuse.commits)
    kept: tuple[object, int, dict[str, AtCentral]] | None = world.notes.get(AT_CENTRAL)  # type: ignore[assignment]
    if kept is None or kept[0] != key:
        kept = (key, *_read_central(world))
        world.notes[AT_CENTRAL] = kept
    return kept[1:]


def _read_central(world: "World") -> tuple[int, dict[str, AtCentral]]:
    found: defaultdict[str, AtCentral] = defaultdict(AtCentral)
    with world.central.database.read() as view:
        ask = view.connection.exec_driver_sql
        clock_ms = ask("SELECT clock_ms FROM meta").scalar_one()
        for place, last_seq in ask(
            "SELECT location_id, max(last_seq) FROM replicas GROUP BY location_id"
        ):
            found[place].heard = last_seq
        for row in ask(
            "SELECT location_id, generation, token_ms, until_ms, confirm_by_ms FROM leases"
        ):
            found[row[0]].lease = Lease(*row)
        for place, sku, *rights in ask(
            "SELECT location_id, sku, generation, granted, promised, returned FROM stock"
        ):
            lease, found[place].rights[sku] = found[place].lease, Rights(*rights)
            if lease is not None:
                found[place].online[sku] = Rights(*rights).within(lease.generation).online
        for place, body, confirm_by_ms in ask(
            "SELECT location_id, body, confirm_by_ms FROM fulfillment_orders WHERE is_open"
        ):
            found[place].orders.append(_order(body, confirm_by_ms))
    return clock_ms or 0, found


@lru_cache(maxsize=512)
def _order(body: str, confirm_by_ms: int | None) -> FulfillmentOrder:
    order = _ROW.validate_json(body).order
    return order if confirm_by_ms is None else replace(order, confirm_by_ms=confirm_by_ms)


def _at_store(world: "World", store: "StoreMachine", theirs: AtCentral) -> AtStore:
    """Return what a store has, read anew only where either side has written since."""
    key = (world.central.fuse.commits, store.starts, store.store.change_token())
    kept = store.standing
    if kept is None or kept[0] != key:
        shares = store.store.shares.shares(SKUS)
        kept = store.standing = (
            key,
            AtStore(
                {one.sku: one.allocated + one.online for one in shares},
                {order.id: store.store.fulfillment(order.id) for order in theirs.orders},
            ),
        )
    found: AtStore = kept[1]
    return found


def _live(order: FulfillmentOrder, seen: FulfillmentOrder | None) -> dict[str, int]:
    """Return the units by SKU that an order still wants, as both sides have it."""
    units: Counter[str] = Counter()
    for line in order.lines:
        known = None if seen is None else seen.line(line.line)
        units[line.sku] += line.tied if known is None else min(line.tied, known.tied)
    return units


def _held_back(store: "StoreMachine", books: Books) -> Iterator[str]:
    """Yield the SKUs of which central held work back: both sides saw them differently."""
    journal = store.store.journal
    lines = {line for life in journal.lives for _, line in journal.held(life, settled_too=True)}
    for key in {one.aggregate for one in books.operations if one.line in lines}:
        seen = store.store.fulfillment(key)
        known = books.orders[key].row.order if key in books.orders else seen
        for line in () if known is None else known.lines:
            yield line.sku
    for one in books.operations:
        if one.kind == SALE and one.line in lines:
            yield from (line.sku for line in decode_line(one.line).op.lines)


def a_sale_by_right_breaks_no_promise(world: "World") -> Iterator[str]:
    """G1: what the till sold within the floor, as the store knew it then, moved no order."""
    if not world.shared:
        return
    books = read_books(world)
    unbound = {store.location_id: store.history.unbound for store in world.stores}
    shaken = {one[:2] for one in books.ledger if one[4] == StockReason.SHORT_PICKED.value}
    shaken |= world.forgotten.keys() | world.revived
    for store in world.stores:
        shaken |= {(store.location_id, sku) for sku in _held_back(store, books)}
    late = {op_id(one) for one in books.operations if one.status == "amended" and one.kind != SALE}
    shaken |= {one[:2] for one in books.ledger if one[5] in late}
    for one in books.operations:
        if one.kind != SALE or one.status != "amended" or not counts(one):
            continue
        sale = decode_line(one.line).op
        place = location_of(one.replica_id)
        if one.line in unbound[place]:
            continue
        skus = {line.sku for line in sale.lines}
        if not sale.over and not any((place, sku) in shaken for sku in skus):
            yield f"{op_id(one)} sold {sorted(skus)} by right, and a promise was moved for it"


ORACLES = (
    Oracle("O3 both sides know who may promise", When.QUIET, both_sides_know_who_may_promise),
    Oracle("G1 central spends what was given", When.STEP, central_spends_what_was_given),
    Oracle("G1 a lease stands on what was done", When.STEP, a_lease_stands_on_what_was_done),
    Oracle("G1 no promise without a lease", When.STEP, nothing_is_promised_without_a_lease),
    Oracle("G1 totals stay within grants", When.STEP, totals_stay_within_what_was_granted),
    Oracle("G1 a store alone owns its units", When.STEP, a_store_alone_owns_its_units),
    Oracle("G1 what nobody confirms is moved", When.STEP, what_nobody_confirms_is_moved),
    Oracle("G1 a sale by right breaks no promise", When.QUIET, a_sale_by_right_breaks_no_promise),
)
