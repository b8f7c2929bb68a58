"""Orders that wait: none is forgotten, and none is with a store while it waits."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from central_server.services.late_receipts import OVERDUE_AFTER_MS
from sync.domain.exceptions import ExceptionKind
from tests.simulation.registry import Oracle, When

if TYPE_CHECKING:
    from tests.simulation.world import World


def nobody_works_on_what_waits(world: "World") -> Iterator[str]:
    """O7: what is held is with no store."""
    with world.central.database.read() as view:
        for hold in view.holds.waiting(None, 1000):
            parts = view.fulfillments.of_orders([hold.order_id])[hold.order_id]
            if any(one.row.order.total("open") for one in parts):
                yield f"{hold.order_id}: held for {hold.kind}, and a store works on it"


def what_nobody_carries_waits_or_is_somebodys(world: "World") -> Iterator[str]:
    """O7: units without a place wait for something, or a person was told of them."""
    with world.central.database.read() as view:
        for placing in world.placed:
            order = view.orders.get(placing.order_id)
            if order is None or not order.ship_to:
                continue  # what is fetched has a waiting list of its own
            if not any(line.unsourced for line in order.lines):
                continue
            if any(one.closed_ms is None for one in view.holds.of(order.id)):
                continue
            told = {one.kind for one in view.exceptions.of_order(order.id)}
            if "unsourced" not in told:
                yield f"{order.id}: units that nobody carries, and nobody was told"


def late_goods_are_somebodys(world: "World") -> Iterator[str]:
    """O6: somebody is asked about goods that orders wait for, overdue or too few, and no others."""
    central = world.central
    with central.database.read() as view:
        late = view.supply.late(central.clock.now_ms() - OVERDUE_AFTER_MS)
        told = Counter(
            str(one.detail["source"])
            for one in view.exceptions.list_open()
            if one.kind == ExceptionKind.RECEIPT_LATE
        )
    if told != Counter(one.id for one in late):
        yield f"late are {[one.id for one in late]}, somebody is asked about {dict(told)}"


ORACLES = (
    Oracle("O7 nobody works on what waits", When.QUIET, nobody_works_on_what_waits),
    Oracle("O7 what nobody carries is somebody's", When.QUIET,
           what_nobody_carries_waits_or_is_somebodys),
    Oracle("O6 late goods are somebody's", When.QUIET, late_goods_are_somebodys),
)  # fmt: skip
