"""Pre-orders whose date comes before their store has granted what came for them."""

from dataclasses import replace

from central_server.services.catalogue_intake import StockItem
from central_server.services.idempotency import RequestIdentity
from central_server.sourcing.receipts import Receipt
from sync.domain.inventory import StockReason
from tests.central_server.services.test_promise_rules import ONLY_HERE, publish
from tests.support.central_world import World
from tests.support.conflicts import agree
from tests.support.store_side import StoreSide, share_by_escrow

MINUTE_MS = 60_000


def test_nobody_passes_an_older_pre_order_that_waits_for_its_grant(world: World, store: StoreSide):
    """Thirteen were promised and twelve are there: the older order has them, all of them."""
    share_by_escrow(world)
    agree(world, store)
    publish(world, ONLY_HERE)
    now, central = world.clock.now_ms(), world.parts.central
    central.supply.expect(Receipt("R1", "S001", "SKU-1", 3, now + MINUTE_MS))
    central.supply.set_release("SKU-1", now + 10 * MINUTE_MS)
    placed = []
    for units in (12, 1):
        new = replace(world.new_order(("SKU-1", units)), accept_later=True)
        identity = RequestIdentity("test", f"pre-{units}", "body")
        placed.append(central.orders.place(new, identity).order_id)
        world.clock.advance(1)
    older, younger = placed
    world.clock.advance(5 * MINUTE_MS)
    world.parts.intake.stock([StockItem("S001", "SKU-1", 12)], "receipt", StockReason.IMPORT)
    central.supply.close("R1", 2)
    world.clock.advance(5 * MINUTE_MS)
    assert (central.waiting.run(), central.waiting.run()) == (0, 0)
    agree(world, store)
    assert world.parts.backorders.run() == 1
    assert central.waiting.run() == 1
    (work,) = world.fulfillments(older)
    assert (work.location_id, work.total("allocated")) == ("S001", 12)
    assert world.fulfillments(younger) == []
    agree(world, store)
