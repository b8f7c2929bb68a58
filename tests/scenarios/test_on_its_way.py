"""Goods on their way to a store: for whom they come, where they go, and what becomes of claims."""

import json
from dataclasses import replace

import pytest

from central_server.records import Price, Product
from central_server.services.errors import PickupNotOffered
from central_server.services.idempotency import RequestIdentity
from central_server.sourcing.receipts import Receipt
from sync.domain import operations as op
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import PickupProof, ProofKind, ShortReason
from tests.scenarios.world import Retail

DAY_MS = 86_400_000
STORES = ("S001", "S002", "S003")
BY_ID = PickupProof(ProofKind.ID_CHECK, "Jo")


def test_what_a_customer_has_is_not_waited_for(retail: Retail):
    """Given up, back-ordered by a person, and handed over after all: the claim is over.

    Its receipt is told later, and nobody hears of it; nor is anybody asked.
    """
    world = retail.world
    for name in ("S002", "S003"):
        retail.stock(name, 0)
    retail.stock("S001", 2)
    order = retail.pickup(2)
    (part,) = retail.work(order)
    device = world.device("S001")
    device.do(op.LinePicked(part.id, 1, 2), op.FulfillmentRejected(part.id, ShortReason.STORE_BUSY))
    device.push()
    supply, due_ms = world.parts.central.supply, world.clock.now_ms() + 2 * DAY_MS
    supply.expect(Receipt("PO-1", "S001", "SKU-1", 2, due_ms))
    world.parts.central.unfillable.back_order(order, by="Kim")
    device.do(op.HandedOver(part.id, (op.LineQuantity(1, 2),), BY_ID))
    device.push(3)
    assert world.order(order)["status"] == "fulfilled"
    told = len(world.mails())
    supply.expect(Receipt("PO-1", "S001", "SKU-1", 2, due_ms + 3 * DAY_MS))
    world.parts.backorders.run()
    assert [one.subject for one in world.mails()[told:]] == []
    with world.database.read() as view:
        assert view.supply.promised_by(order) is None
        assert view.supply.waiting(["SKU-1"]) == {}


def test_of_two_kits_the_one_that_cannot_be_filled_is_cancelled(retail: Retail):
    """A component of one is nowhere: the customer does without that kit, the other one is sent."""
    world = retail.world
    world.parts.intake.products([Product("KIT", "Kit")])
    world.parts.intake.prices([Price("EAST", "KIT", 3000, "USD")])
    world.parts.central.supply.set_bundle("KIT", {"SKU-1": 1, "SKU-2": 1})
    for name in ("S002", "S003"):
        retail.stock(name, 0, "SKU-2")
    order = retail.order(world.new_order(("KIT", 2)))
    (part,) = retail.work(order)
    lines = {line.sku: line.line for line in part.lines}
    lacking = op.LineShortPicked(part.id, lines["SKU-2"], 1, ShortReason.NOT_FOUND)
    retail.do("S001", [lacking])
    one_kit = {lines["SKU-1"]: 1, lines["SKU-2"]: 1}
    answer = world.parts.central.cancelling_units.cancel(
        order, one_kit, RequestIdentity("shop", "less", "body"), reason="", actor="shop"
    )
    document = json.loads(answer.body)
    assert [one["unsourced"] for one in document["lines"]] == [0, 0]
    (left,) = retail.work(order)
    assert {line.sku: line.open for line in left.lines} == {"SKU-1": 1, "SKU-2": 1}


@pytest.mark.parametrize("place", ["pickup", "reserve"])
def test_nothing_is_sent_to_a_store_where_nobody_fetches_anything(retail: Retail, place: str):
    """It would lie there, promised to somebody who may not come."""
    with retail.world.database.read() as view:
        store = view.locations.get("S001")
    assert store is not None
    retail.world.parts.intake.locations([replace(store, pickup_enabled=False)])
    with pytest.raises(PickupNotOffered):
        getattr(retail, place)(transfer=True)
    assert retail.world.stock("S002") == (10, 0)


def test_a_transfer_that_moves_never_goes_to_the_store_that_it_is_for(retail: Retail):
    """That has some by now: it would send a parcel to itself."""
    retail.stock("S001", 0)
    order = retail.pickup(transfer=True)
    moving = retail.moving(order)
    retail.stock("S001", 3)
    (part,) = retail.work(moving)
    retail.do("S002", [op.FulfillmentRejected(part.id, ShortReason.STORE_BUSY)])
    assert retail.stores(moving) == ["S003"]


def test_what_is_sent_for_a_reservation_is_promised_to_nobody_else(retail: Retail):
    """The next customer who would wait finds nothing on its way; the first one is served."""
    world = retail.world
    for name, units in zip(STORES, (0, 1, 0), strict=True):
        retail.stock(name, units)
    first = retail.reserve(1, transfer=True)
    second = replace(world.new_order(("SKU-1", 1)), accept_later=True)
    with pytest.raises(InsufficientStock):
        retail.order(second)
    assert retail.finish(retail.moving(first)) == "fulfilled"
    retail.arrive(first)
    assert world.parts.holds.run() == 1
    (held,) = world.fulfillments(first)
    assert not held.waits
    world.parts.central.supply.expect(
        Receipt("PO-9", "S001", "SKU-1", 1, world.clock.now_ms() + DAY_MS)
    )
    assert retail.stores(retail.order(second)) == []


def test_who_may_wait_waits_for_a_delivery_where_nobody_can_send_it(retail: Retail):
    """A transfer is what is tried first, not what is insisted on."""
    for name in STORES:
        retail.stock(name, 0)
    supply, world = retail.world.parts.central.supply, retail.world
    supply.expect(Receipt("PO-1", "S001", "SKU-1", 5, world.clock.now_ms() + DAY_MS))
    new = replace(world.new_order(("SKU-1", 2)), transfer=True, accept_later=True)
    order = retail.order(new)
    assert world.order(order)["promised_by"] is not None
    with pytest.raises(InsufficientStock):
        retail.pickup(transfer=True)
