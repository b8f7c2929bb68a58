"""O6: units that left twice are said, and nothing else is: the units of each order add up."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlalchemy import select

from central_server.storage.tables import ORDER_LINES
from tests.simulation.model import read_books
from tests.simulation.registry import Oracle, When

if TYPE_CHECKING:
    from tests.simulation.world import World

DOUBLED = "double_fulfillment"


def what_left_twice_is_said(world: "World") -> Iterator[str]:
    """After quiet: what parts of an order have or had, and what nobody carries, is what it wanted.

    More than that is there exactly where somebody was asked about goods that left twice:
    a store had handed over, unheard, what had been sourced elsewhere meanwhile.
    What a reservation waits for is carried by nobody until it is served, like anything else.
    """
    books = read_books(world)
    carried: dict[str, Counter[int]] = defaultdict(Counter)
    for stored in books.orders.values():
        order = stored.row.order
        for line in order.lines:
            carried[order.order_id][line.line] += line.allocated - line.short
    asked = {one.order_id for one in books.exceptions if one.kind == DOUBLED}
    with world.central.database.read() as view:
        columns = (ORDER_LINES.c.order_id, ORDER_LINES.c.line, ORDER_LINES.c.quantity,
                   ORDER_LINES.c.unsourced + ORDER_LINES.c.dropped)  # fmt: skip
        rows = view.connection.execute(select(*columns)).all()
    over: Counter[str] = Counter()
    for order_id, line, wanted, open_units in rows:
        more = carried[order_id][line] + open_units - wanted
        if more < 0:
            yield f"{order_id} line {line}: {-more} of {wanted} are nobody's"
        over[order_id] += max(0, more)
    for order_id in over.keys() | asked:
        if bool(over[order_id]) != (order_id in asked):
            yield f"{order_id}: {over[order_id]} too many, somebody was asked: {order_id in asked}"


ORACLES = (Oracle("O6 what left twice is said", When.QUIET, what_left_twice_is_said),)
