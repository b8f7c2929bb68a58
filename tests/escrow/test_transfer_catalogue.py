"""The conflict catalogue's rows about transfers that central orders: what came is what counts.

The receiving store has no terminal work on them yet (`test_catalogue.py` says what waits), so
what an associate reads is the receipt's own words at central, and nothing at the store.
"""

from dataclasses import replace

import pytest

from central_server.records import OrderFilter
from central_server.services.catalogue_intake import StockItem
from central_server.services.idempotency import RequestIdentity
from sync.domain import operations as op
from sync.domain.fulfillment import FulfillmentOrder, ShortReason
from sync.domain.inventory import StockReason
from tests.central_server.services.test_promise_rules import ONLY_HERE
from tests.central_server.services.test_promise_rules import publish as publish_promises
from tests.support.central_world import World
from tests.support.conflicts import RECEIVED, agree, customer_reads, people, said
from tests.support.parcels import CARRIERS
from tests.support.store_side import StoreSide, share_by_escrow

DAY_MS = 86_400_000
WAITS = "Order N: for Fri 28 Nov, 11:00"
DISCREPANCY = "receipt_discrepancy: central, within 48 hours"
UNSOURCED = "unsourced: central, within 4 hours"

RECEIPT = "Receipt N-T-1, SKU-1 at S001 (from Store S002 for order N)"
DID_NOT_COME = "What order N waited for did not come: no location can promise 12 x SKU-1"


def sent_for(world: World) -> list[FulfillmentOrder]:
    """Return all that carries the transfer, what was given up first."""
    found = world.parts.central.reading.search(OrderFilter(), None, 9)[0]
    moving = [str(one["id"]) for one in found if str(one["number"]).endswith("-T")]
    parts = [part for one in moving for part in world.fulfillments(one)]
    return sorted(parts, key=lambda one: -one.total("short"))


def transfer(world: World, store: StoreSide) -> str:
    """Let a customer order twelve at S001, which has ten; return the receipt of the rest."""
    share_by_escrow(world)
    agree(world, store)
    world.parts.intake.carriers(CARRIERS)
    new = replace(world.new_order(("SKU-1", 12)), transfer=True)
    world.parts.central.orders.place(new, RequestIdentity("test", "transfer", "body"))
    (receipt,) = world.parts.central.supply.coming("SKU-1")
    assert receipt["units"] == 2
    return str(receipt["id"])


@pytest.mark.parametrize(
    ("came", "kinds"),
    [(2, []), (1, [DISCREPANCY, UNSOURCED]), (0, [DISCREPANCY, UNSOURCED]), (5, [DISCREPANCY])],
)
def test_a_transfer_that_comes_short_or_over(
    world: World, store: StoreSide, came: int, kinds: list[str]
):
    """Stock is what was counted; a person finds out about the rest, and the customer is served."""
    receipt = transfer(world, store)
    publish_promises(world, ONLY_HERE)
    intake = world.parts.intake
    intake.stock([StockItem("S001", "SKU-1", 10 + came)], "transfer", StockReason.IMPORT)
    world.parts.central.supply.close(receipt, came)
    agree(world, store)
    world.parts.backorders.run()
    assert people(world) == kinds
    words = [f"{RECEIPT}: {came} of 2 came.", DID_NOT_COME]
    assert said(world) == words[: len(kinds)]
    assert customer_reads(world) == ([WAITS, RECEIVED] if came >= 2 else [WAITS])
    agree(world, store)
    tied = 12 if came >= 2 else 0
    assert world.stock("S001") == (10 + came, tied)


def test_what_comes_short_for_two_is_granted_to_the_first(world: World, store: StoreSide):
    """Both wait for what the store grants; the first has its goods, the other goes elsewhere."""
    receipt = transfer(world, store)
    world.clock.advance(1)
    new = replace(world.new_order(("SKU-1", 2)), transfer=True)
    world.parts.central.orders.place(new, RequestIdentity("test", "second", "body"))
    coming = {str(one["id"]) for one in world.parts.central.supply.coming("SKU-1")}
    (second,) = coming - {receipt}
    world.parts.intake.stock([StockItem("S001", "SKU-1", 12)], "transfer", StockReason.IMPORT)
    for one, came in ((receipt, 2), (second, 0)):
        world.parts.central.supply.close(one, came)
    agree(world, store)
    world.parts.backorders.run()
    agree(world, store)
    orders = world.parts.central.reading.search(OrderFilter(), None, 9)[0]
    paid = {str(one["number"]): world.fulfillments(str(one["id"])) for one in orders
            if not str(one["number"]).endswith("-T")}  # fmt: skip
    places = {number: [part.location_id for part in parts] for number, parts in paid.items()}
    assert list(places.values()) == [["S002"], ["S001"]], "the newest first"
    assert said(world) == [f"{RECEIPT}: 0 of 2 came."]
    assert customer_reads(world) == [WAITS, WAITS, RECEIVED, RECEIVED]
    assert people(world) == [DISCREPANCY]


def test_a_transfer_to_a_store_that_is_cut_off(world: World, store: StoreSide):
    """Nobody can grant what came there: after a quarter of an hour somebody hears of it."""
    receipt = transfer(world, store)
    store.cut()
    order_id = str(world.parts.central.reading.search(OrderFilter(), None, 1)[0][0]["id"])
    world.parts.intake.stock([StockItem("S001", "SKU-1", 12)], "transfer", StockReason.IMPORT)
    world.parts.central.supply.close(receipt, 2)
    world.clock.advance(14 * 60_000)
    assert (world.parts.backorders.run(), world.fulfillments(order_id)) == (0, [])
    world.clock.advance(60_000)
    world.parts.backorders.run()
    assert world.fulfillments(order_id) == []
    assert said(world) == [DID_NOT_COME]
    assert people(world) == [UNSOURCED], "nobody else has twelve: somebody asks the customer"
    agree(world, store)
    world.parts.central.unfillable.route_again(order_id, by="Kim")
    agree(world, store)
    assert world.stock("S001") == (12, 12)
    assert customer_reads(world) == [WAITS, RECEIVED]
    assert people(world) == []


def test_a_transfer_that_another_store_sends_later(world: World, store: StoreSide):
    """Who was to send it gives it up after two days: the customer hears the new day, once."""
    receipt = transfer(world, store)
    (parcel,) = sent_for(world)
    world.clock.advance(2 * DAY_MS)
    agree(world, store)
    sender = world.device(parcel.location_id)
    sender.do(op.FulfillmentRejected(parcel.id, ShortReason.NOT_FOUND))
    sender.push_all()
    (_, moved) = sent_for(world)
    assert moved.location_id != parcel.location_id
    (coming,) = world.parts.central.supply.coming("SKU-1")
    assert (coming["id"], coming["due_at"]) == (receipt, "2025-11-29T05:00:00.000Z")
    for _ in range(2):
        world.parts.backorders.run()
    agree(world, store)
    assert people(world) == ["count_due: store, within 24 hours"], "where it was not found"
    assert customer_reads(world) == [WAITS, "Order N: later, by Sat 29 Nov, 11:00"]


def test_a_transfer_that_is_received_twice(world: World, store: StoreSide):
    """The same told again changes nothing; another figure is somebody's to find out about."""
    receipt = transfer(world, store)
    supply, intake = world.parts.central.supply, world.parts.intake
    intake.stock([StockItem("S001", "SKU-1", 12)], "transfer", StockReason.IMPORT)
    for _ in range(2):
        supply.close(receipt)
        supply.close(receipt, 2)
    agree(world, store)
    world.parts.backorders.run()
    assert people(world) == []
    for _ in range(2):
        supply.close(receipt, 4)
    assert people(world) == [DISCREPANCY]
    assert said(world) == [
        f"{RECEIPT}: 4 came by what is said now; it was closed with 2 units.",
    ]
    agree(world, store)
    assert world.stock("S001") == (12, 12)
    assert customer_reads(world) == [WAITS, RECEIVED], "once"
