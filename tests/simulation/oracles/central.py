"""O2 and O3: stock is what the ledger says, and nothing is promised that is not there.

And what central cannot take, it says why.
"""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from central_server.services.transfer_receipts import SUFFIX
from central_server.storage.tables import ORDERS
from sync.hub.acceptor import FAULT
from sync.protocol.lines import decode_line
from tests.simulation.memory import location_of
from tests.simulation.model import Books, counts, op_id, read_books
from tests.simulation.registry import Oracle, When
from tests.simulation.world import BROKEN

if TYPE_CHECKING:
    from tests.simulation.world import World

_DIFFERENT = (
    "SELECT s.location_id, s.sku, s.on_hand, s.allocated, l.on_hand, l.allocated"
    " FROM stock s LEFT JOIN (SELECT location_id, sku, sum(on_hand) AS on_hand,"
    " sum(allocated) AS allocated FROM stock_ledger GROUP BY location_id, sku) l"
    " USING (location_id, sku)"
    " WHERE (s.on_hand, s.allocated) IS NOT (coalesce(l.on_hand, 0), coalesce(l.allocated, 0))"
)


def stock_is_the_ledger(world: "World") -> Iterator[str]:
    """O2, after each commit of central: every balance is the sum of its entries."""
    commits = world.central.fuse.commits
    if commits == world.checked_commits:
        return
    world.checked_commits = commits
    with world.central.database.read() as view:
        rows = view.connection.exec_driver_sql(_DIFFERENT).all()
    for location, sku, *figures in rows:
        yield f"{location} {sku}: stock {figures[:2]}, ledger {figures[2:]}"


def orders_tie_what_is_allocated(world: "World") -> Iterator[str]:
    """O2: allocated is what the orders of the place tie, to the unit."""
    books = read_books(world)
    tied: Counter[tuple[str, str]] = Counter()
    for stored in books.orders.values():
        for line in stored.row.order.lines:
            tied[stored.row.order.location_id, line.sku] += line.tied
    for key, (_, allocated) in books.stock.items():
        if tied[key] != allocated:
            yield f"{key}: orders tie {tied[key]}, {allocated} are allocated"


def promises_are_covered(world: "World") -> Iterator[str]:
    """O3: more is tied than there is only as far as facts that came too late explain it."""
    books = read_books(world)
    excused = _excused(books, shared=world.shared) + world.forgotten
    excused += _unbound(world, books) + _held_back(books)
    for key, (on_hand, allocated) in books.stock.items():
        over = allocated - on_hand
        if over > excused[key]:
            yield f"{key}: {allocated} of {on_hand} are promised, {excused[key]} of them excused"


def _excused(books: Books, *, shared: bool) -> Counter[tuple[str, str]]:
    """Return the units that stock may lack: by facts that came late, and by what tills sold over.

    Where stores share by escrow, a sale within the floor excuses nothing; under a
    fixed floor central promises without asking, so that each sale may.
    """
    late, sales = set(), {}
    begun = {op_id(one) for one in books.operations if one.kind == "reservation_made"}
    for one in books.operations:
        if one.kind == "floor_sold" and one.status in {"accepted", "amended"} and counts(one):
            sales[op_id(one)] = decode_line(one.line).op
        elif one.status == "amended":
            late.add(op_id(one))
    excused: Counter[tuple[str, str]] = Counter()
    for location, sku, on_hand, allocated, reason, source in books.ledger:
        if source in late and reason != "allocated":
            excused[location, sku] += max(0, allocated - on_hand)
        elif source in begun and not shared:
            excused[location, sku] += max(0, allocated)
        elif source in sales and reason == "floor_sold" and not shared:
            excused[location, sku] += max(0, -on_hand)
    for source, sold in sales.items():
        for line in sold.over if shared else ():
            excused[location_of(source.partition("/")[0]), line.sku] += line.units
    return excused


def _held_back(books: Books) -> Counter[tuple[str, str]]:
    """Return what is tied by orders of which central holds work back: the store may be further.

    And what customers brought back in sales that do not count: the store has it, and sells it.
    """
    held = {one.aggregate for one in books.operations if one.status == "quarantined"}
    units: Counter[tuple[str, str]] = Counter()
    for key in held & books.orders.keys():
        order = books.orders[key].row.order
        for line in order.lines:
            units[order.location_id, line.sku] += line.tied
    for one in books.operations:
        if one.kind == "floor_sold" and one.status in {"quarantined", "refused"}:
            for line in decode_line(one.line).op.lines:
                units[location_of(one.replica_id), line.sku] += max(0, -line.units)
    return units


def _unbound(world: "World", books: Books) -> Counter[tuple[str, str]]:
    """Return the units that were sold where the floor could not be known."""
    unbound = {store.location_id: store.history.unbound for store in world.stores}
    sold: Counter[tuple[str, str]] = Counter()
    for one in books.operations:
        place = location_of(one.replica_id)
        if one.kind == "floor_sold" and one.line in unbound[place]:
            for line in decode_line(one.line).op.lines:
                sold[place, line.sku] += max(0, line.units)
    return sold


def each_request_is_one_order(world: "World") -> Iterator[str]:
    """An order is placed once per key, however often the shopper asked."""
    known = {one.order_id for one in world.placed}
    with world.central.database.read() as view:
        online = select(func.count()).select_from(ORDERS).where(ORDERS.c.channel != "store")
        online = online.where(ORDERS.c.number.not_like(f"%-{SUFFIX}"))  # sent to a store for one
        count = view.connection.execute(online).scalar_one()
    if len(known) != len(world.placed):
        yield "two keys led to one order"
    if not len(known) <= count <= world.keys:
        yield f"{len(known)} orders were confirmed, central has {count}"


def nothing_is_held_for_a_fault(world: "World") -> Iterator[str]:
    """What is held back has a reason in words, or a moment in which central could not work.

    An operation that meets a fault of the program waits for a person and harms nobody, so
    no other oracle sees that there is one.
    """
    if BROKEN in world.notes:
        return
    for one in read_books(world).operations:
        if one.status == "quarantined" and f'"code":"{FAULT}"' in (one.verdict or ""):
            yield f"{one.kind} {op_id(one)}: {one.verdict}"


ORACLES = (
    Oracle("O2 stock is the ledger", When.STEP, stock_is_the_ledger),
    Oracle("O2 orders tie what is allocated", When.QUIET, orders_tie_what_is_allocated),
    Oracle("O3 promises are covered", When.QUIET, promises_are_covered),
    Oracle("O1 nothing is held for a fault", When.QUIET, nothing_is_held_for_a_fault),
    Oracle("O1 one order per request", When.QUIET, each_request_is_one_order),
)
