"""What a store gave up, nobody else had, and its customer called off, leaves there after all.

Nothing left twice: the cancellation was overtaken, and its refund must not go out.
"""

from dataclasses import replace

import pytest

from central_server.services.catalogue_intake import StockItem
from central_server.services.idempotency import RequestIdentity
from sync.domain import operations as op
from sync.domain import reserve_operations as res
from sync.domain import ship_operations as ship
from sync.domain.fulfillment import FulfillmentOrder, ShortReason
from sync.domain.operations import LineQuantity
from sync.domain.orders import PaymentPlace
from sync.domain.tenders import TenderKind
from tests.central_server.services.test_replication import PROOF, exceptions
from tests.support.central_world import World
from tests.support.parcels import listed_parcel, parcel_order


@pytest.fixture
def alone(shipping: World) -> World:
    """Nobody but S001 has anything."""
    others = [StockItem(name, "SKU-1", 0) for name in ("S002", "S003")]
    shipping.parts.intake.stock(others, "none")
    return shipping


def only(world: World, order_id: str) -> FulfillmentOrder:
    (work,) = world.fulfillments(order_id)
    return work


def placed(world: World, kind: str) -> str:
    new = parcel_order() if kind == "ship" else world.new_order(("SKU-1", 2))
    if kind == "reserve":
        new = replace(new, payment=PaymentPlace.IN_STORE)
    return world.parts.central.orders.place(new, RequestIdentity("test", "k", "b")).order_id


def leaves(kind: str, work: FulfillmentOrder) -> tuple[object, ...]:
    """Return how two units leave the store that had given them up."""
    units = (LineQuantity(1, 2),)
    return {
        "bopis": (op.HandedOver(work.id, units, PROOF),),
        "ship": (ship.HandedToCarrier(work.id, 1),),
        "reserve": (
            res.TenderTaken(work.id, 1, TenderKind.CASH, 2000),
            res.ReservationConverted(work.id, units, 2000),
        ),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "settled"),
    [("bopis", {"refund_to_void"}), ("ship", {"refund_to_void"}), ("reserve", set())],
)
def test_what_was_called_off_and_left_is_no_double(alone: World, kind: str, settled: set[str]):
    """It counts; of the money, where central has it, somebody is asked."""
    order_id = placed(alone, kind)
    work = only(alone, order_id)
    store = alone.device("S001")
    begun = listed_parcel(work) if kind == "ship" else (op.LinePicked(work.id, 1, 2),)
    store.do(*begun, op.FulfillmentRejected(work.id, ShortReason.STORE_BUSY))
    store.push()
    assert alone.order(order_id)["lines"][0]["unsourced"] == 2
    alone.parts.central.cancelling.cancel(order_id, reason="", actor="web")
    assert alone.order(order_id)["lines"][0]["cancelled"] == 2
    sent = len(store.lines)
    store.do(*leaves(kind, work))
    store.push(sent + 1)
    (line,) = alone.order(order_id)["lines"]
    assert (line["fulfilled"], line["cancelled"], line["unsourced"]) == (2, 0, 0)
    assert alone.order(order_id)["status"] == "fulfilled"
    kinds = {one for one, _ in exceptions(alone)}
    assert kinds & {"refund_to_void", "double_fulfillment"} == settled
    alone.check_books()


def test_what_another_store_has_of_it_is_still_a_double(shipping: World):
    """Of two units one was sent elsewhere, one was called off: both leave here."""
    stock = [StockItem("S002", "SKU-1", 1), StockItem("S003", "SKU-1", 0)]
    shipping.parts.intake.stock(stock, "one")
    order_id = placed(shipping, "ship")
    work = next(one for one in shipping.fulfillments(order_id) if one.location_id == "S001")
    store = shipping.device("S001")
    store.do(*listed_parcel(work), op.FulfillmentRejected(work.id, ShortReason.STORE_BUSY))
    store.push()
    (moved,) = [one for one in shipping.fulfillments(order_id) if one.location_id == "S002"]
    assert (moved.total("open"), shipping.order(order_id)["lines"][0]["unsourced"]) == (1, 1)
    shipping.parts.central.cancelling_units.cancel(
        order_id, {1: 1}, RequestIdentity("test", "c", "b"), reason="", actor="web"
    )
    sent = len(store.lines)
    store.do(*leaves("ship", work))
    store.push(sent + 1)
    (line,) = shipping.order(order_id)["lines"]
    assert (line["fulfilled"], line["cancelled"], line["unsourced"]) == (2, 0, 0)
    kinds = {one for one, _ in exceptions(shipping)}
    assert kinds >= {"refund_to_void", "double_fulfillment"}
    shipping.check_books()
