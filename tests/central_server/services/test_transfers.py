"""Goods that come from other locations to the store where they are fetched, and what they leave."""

from dataclasses import replace

from central_server.records import OrderFilter
from central_server.services.catalogue_intake import StockItem
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import Placed
from central_server.sourcing.promise_rules import Level, PromiseRule, RuleKind
from central_server.sourcing.receipts import Receipt
from sync.domain import operations as op
from sync.domain.fulfillment import ShortReason
from tests.central_server.services.test_parcels import exceptions
from tests.central_server.services.test_promise_rules import publish
from tests.support.central_world import PLACES, World
from tests.support.parcels import CARRIERS

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


def fetch(world: World, units: int) -> Placed:
    """Place a pickup at S001 that may come from elsewhere, or later."""
    new = replace(world.new_order(("SKU-1", units)), transfer=True, accept_later=True)
    world.keys += 1
    return world.parts.central.orders.place(new, RequestIdentity("test", f"t{world.keys}", "b"))


def test_a_transfer_that_nobody_sends_whole_leaves_nothing_behind(world: World):
    """Where one place reserved its part and another could not, the order waits; none is kept."""
    world.parts.intake.carriers(CARRIERS)
    counts = zip(PLACES, (0, 3, 3), strict=True)
    world.parts.intake.stock([StockItem(place, "SKU-1", n) for (place, *_), n in counts], "count")
    publish(world, PromiseRule("r", RuleKind.SAFETY_STOCK, level=Level.NETWORK, units=2))
    due_ms = world.clock.now_ms() + 2 * DAY_MS
    world.parts.central.supply.expect(Receipt("R1", "S001", "SKU-1", 20, due_ms))
    placed = fetch(world, 5)
    events = [one["kind"] for one in world.order(placed.order_id)["timeline"]]
    assert events == ["backordered"]
    assert [world.stock(place) for place, *_ in PLACES] == [(0, 0), (3, 0), (3, 0)]
    world.check_books()


def test_the_store_that_a_transfer_is_for_does_not_send_it_to_itself(world: World):
    """It got goods meanwhile: what came early to the sender still waits until that is asked."""
    world.parts.intake.carriers(CARRIERS)
    counts = zip(PLACES, (0, 2, 0), strict=True)
    world.parts.intake.stock([StockItem(place, "SKU-1", n) for (place, *_), n in counts], "count")
    number = world.order(fetch(world, 2).order_id)["number"]
    hits, _ = world.parts.central.reading.search(OrderFilter(), None, 9)
    (moving,) = [str(one["id"]) for one in hits if one["number"] == f"{number}-T"]
    (part,) = world.fulfillments(moving)
    sender = world.device("S002")
    sender.do(op.FulfillmentRejected(part.id, ShortReason.NOT_FOUND))
    sender.push()
    due_ms = world.clock.now_ms() + 25 * HOUR_MS
    world.parts.central.supply.expect(Receipt("PO-1", "S002", "SKU-1", 2, due_ms))
    world.parts.central.unfillable.back_order(moving, by="Kim")
    world.clock.advance(22 * HOUR_MS)
    world.parts.intake.stock([StockItem(place, "SKU-1", 2) for place in ("S001", "S002")], "came")
    world.parts.central.supply.close("PO-1")
    world.parts.backorders.run()
    assert "unsourced" not in exceptions(world)
    world.clock.advance(2 * HOUR_MS)
    world.parts.backorders.run()
    (work,) = [one for one in world.fulfillments(moving) if one.total("open")]
    assert work.location_id == "S002"
    world.check_books()
