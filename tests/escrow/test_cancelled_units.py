"""The conflict catalogue's rows about units that are cancelled of an order that goes on."""

from collections.abc import Callable

import pytest

from sync.domain import operations as op
from sync.domain import ship_operations as so
from sync.domain import transitions
from sync.domain.errors import QuantityRefused
from sync.domain.flows import status_of
from sync.domain.flows.ship import shipment_of
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus, ShortReason
from sync.domain.operations import LineQuantity
from sync.edge.fold import fold
from sync.protocol.lines import OperationRecord
from tests.central_server.services.test_cancel_units import cancel
from tests.central_server.services.test_parcels import place
from tests.support.central_world import World
from tests.support.conflicts import (
    PROOF,
    RECEIVED,
    agree,
    customer_reads,
    do,
    exceptions,
    inbox,
    order_at,
    people,
    sentence,
)
from tests.support.parcels import CARRIERS, whole_parcel
from tests.support.store_side import StoreSide

S = FulfillmentStatus
DAY_MS = 86_400_000
FEWER = "Order N: a part of it is cancelled"
MOVED = "Order N: pick up at Store S002"
SURPLUS = (
    "Some of these units are not expected any more (cancelled, or another store has them): put"
    " those back."
)
TAKES_OVER = "Store S002 takes over {}; the customer is told."
ONLY_THE_OTHERS = "Some of these units were not expected any more: only the others count."
PUT_BACK = ["put_back_due: store, within 8 hours"]
TO_VOID = ["refund_to_void: central, within 24 hours"]

Does = Callable[[FulfillmentOrder], tuple[object, ...]]
"""What a store does about its order."""


def here(store: StoreSide, work: FulfillmentOrder) -> FulfillmentOrder:
    found = store.store.fulfillment(work.id)
    assert found is not None
    return found


def handed(work: FulfillmentOrder, units: int) -> op.HandedOver:
    return op.HandedOver(work.id, (LineQuantity(1, units),), PROOF)


def on_the_shelf(work: FulfillmentOrder, units: int) -> tuple[object, ...]:
    return (
        op.LinePicked(work.id, 1, units), op.Staged(work.id, "A1"),
        op.MarkedReady(work.id, 0, 7 * DAY_MS),
    )  # fmt: skip


def picked(units: int) -> Does:
    return lambda work: (op.LinePicked(work.id, 1, units),)


def lost(in_hand: int, missing: int) -> Does:
    """Pick what is there, and do not find the rest."""
    return lambda work: (
        op.LinePicked(work.id, 1, in_hand),
        op.LineShortPicked(work.id, 1, missing, ShortReason.NOT_FOUND),
    )


def cancelled_meanwhile(
    world: World, store: StoreSide, ordered: int, gone: int, does: Does
) -> tuple[str, FulfillmentOrder]:
    """Let a store that is cut off do something, while units of its order are cancelled."""
    order_id, work = order_at(world, store, ordered)
    meanwhile(world, store, order_id, gone, does(work))
    return order_id, work


def meanwhile(
    world: World, store: StoreSide, order_id: str, gone: int, done: tuple[object, ...]
) -> None:
    """Cancel units of an order while its store, cut off, works on it; then let all be said."""
    store.cut()
    do(store, *done)
    cancel(world, order_id, {1: gone})
    agree(world, store)


def test_the_store_hears_of_it_with_its_next_pull(world: World, store: StoreSide):
    """Fewer are to be picked, and nothing else of the order changes."""
    order_id, work = order_at(world, store, 3)
    cancel(world, order_id, {1: 1})
    assert here(store, work).total("to_pick") == 3
    store.settle()
    assert (here(store, work).total("to_pick"), here(store, work).total("cancelled")) == (2, 1)
    do(store, *on_the_shelf(work, 2), handed(work, 2))
    agree(world, store)
    assert world.order(order_id)["status"] == "fulfilled"
    assert exceptions(world) == []
    assert world.stock("S001") == (8, 0)


def test_units_that_were_picked_are_put_back_with_the_network_cut(world: World, store: StoreSide):
    """Once it has heard, the store needs nobody to put them back and to hand the others over."""
    order_id, work = order_at(world, store, 3)
    do(store, *on_the_shelf(work, 3))
    store.settle()
    cancel(world, order_id, {1: 1})
    store.settle()
    assert exceptions(world) == ["put_back_due"]
    store.cut()
    assert status_of(here(store, work)) is S.READY_FOR_PICKUP
    do(store, op.PutBack(work.id, 1, 1), handed(work, 2))
    agree(world, store)
    assert exceptions(world) == []
    assert world.order(order_id)["status"] == "fulfilled"
    assert world.stock("S001") == (8, 0)


def test_cancelled_centrally_and_picked_offline(world: World, store: StoreSide):
    """The cancellation wins: what was picked too many is put back."""
    _, work = cancelled_meanwhile(world, store, 3, 2, picked(3))
    assert sentence(store, work.id) == SURPLUS
    assert people(world) == PUT_BACK
    assert world.stock("S001") == (10, 3)
    do(store, op.PutBack(work.id, 1, 2))
    agree(world, store)
    assert customer_reads(world) == [FEWER, RECEIVED]
    assert people(world) == []
    assert world.stock("S001") == (10, 1)


def test_cancelled_centrally_and_handed_over_offline(world: World, store: StoreSide):
    """The customer has them: the fact wins, a person voids the refund, no letter is sent."""
    order_id, work = cancelled_meanwhile(
        world, store, 3, 1, lambda work: (*on_the_shelf(work, 3), handed(work, 3))
    )
    after = world.order(order_id)
    assert (after["status"], after["lines"][0]["cancelled"]) == ("fulfilled", 0)
    assert sentence(store, work.id) == (
        "Central had taken some of these units away, but the customer has them: they count as"
        " picked up."
    )
    assert customer_reads(world) == [RECEIVED]
    assert people(world) == TO_VOID
    assert world.stock("S001") == (7, 0)


def test_as_many_as_were_left_were_handed_over_offline(world: World, store: StoreSide):
    """The customer took two of three, the third is cancelled: it is put back, and all is well."""
    order_id, work = cancelled_meanwhile(
        world, store, 3, 1, lambda work: (*on_the_shelf(work, 3), handed(work, 2))
    )
    assert sentence(store, work.id) == ""
    assert inbox(store) == [
        f"Order {work.order_number} ended while its goods were in hand: 1 to put back."
    ]
    assert people(world) == PUT_BACK
    assert here(store, work).total("to_put_back") == 1
    do(store, op.PutBack(work.id, 1, 1))
    agree(world, store)
    assert customer_reads(world) == [FEWER, RECEIVED]
    assert people(world) == []
    assert world.order(order_id)["status"] == "fulfilled"


def test_cancelled_centrally_and_given_up_offline(world: World, store: StoreSide):
    """What is cancelled is not sought elsewhere: only what was still wanted moves."""
    order_id, work = cancelled_meanwhile(
        world, store, 3, 1,
        lambda work: (op.LineShortPicked(work.id, 1, 3, ShortReason.STORE_BUSY),),
    )  # fmt: skip
    assert sentence(store, work.id) == f"{ONLY_THE_OTHERS} {TAKES_OVER.format('2 pieces')}"
    assert customer_reads(world) == [FEWER, MOVED, RECEIVED]
    assert people(world) == []
    parts = world.fulfillments(order_id)
    assert sum(one.total("open") for one in parts) == 2
    assert {one.location_id: one.total("open") for one in parts} == {"S001": 0, "S002": 2}


def test_what_is_not_found_is_what_was_cancelled_first(world: World, store: StoreSide):
    """Two of five are in hand and wanted: they stay so, one is sought, three are not there."""
    order_id, work = cancelled_meanwhile(world, store, 5, 2, lost(2, 3))
    assert sentence(store, work.id) == f"{ONLY_THE_OTHERS} {TAKES_OVER.format('1 piece')}"
    assert customer_reads(world) == [FEWER, MOVED, RECEIVED]
    assert people(world) == []
    left = here(store, work)
    assert (left.total("deliverable"), left.total("to_put_back"), left.total("short")) == (2, 0, 1)
    assert world.stock("S001") == (7, 2)
    do(store, op.Staged(work.id, "A1"), op.MarkedReady(work.id, 0, 7 * DAY_MS), handed(work, 2))
    agree(world, store)
    parts = world.fulfillments(order_id)
    assert {one.location_id: one.total("open") for one in parts} == {"S001": 0, "S002": 1}
    assert world.stock("S001") == (5, 0)


def test_nothing_is_sought_where_all_that_is_not_found_was_cancelled(
    world: World, store: StoreSide
):
    """Three are wanted, three are in hand: the two that are not there are nobody's."""
    order_id, work = cancelled_meanwhile(world, store, 5, 2, lost(3, 2))
    assert sentence(store, work.id) == ONLY_THE_OTHERS
    assert customer_reads(world) == [FEWER, RECEIVED]
    assert people(world) == []
    assert here(store, work).total("deliverable") == 3
    assert [one.location_id for one in world.fulfillments(order_id)] == ["S001"]
    assert world.stock("S001") == (8, 3)


def test_a_store_that_knows_of_it_gives_up_no_unit_in_hand_as_not_found(
    world: World, store: StoreSide
):
    """What is in hand is there; a pick that was none is taken back first."""
    order_id, work = order_at(world, store, 3)
    do(store, op.LinePicked(work.id, 1, 2))
    cancel(world, order_id, {1: 1})
    store.settle()
    lost = op.LineShortPicked(work.id, 1, 1, ShortReason.NOT_FOUND)
    with pytest.raises(QuantityRefused):
        do(store, lost)
    do(store, op.LineUnpicked(work.id, 1, 1), lost)
    agree(world, store)
    assert world.stock("S001") == (9, 1)


def test_a_parcel_store_that_does_not_find_what_was_cancelled(world: World, store: StoreSide):
    """Parcels are judged alike: two in hand are sent, one is sought elsewhere."""
    world.parts.intake.carriers(CARRIERS)
    order_id, (work,) = place(world, ("SKU-1", 5))
    store.settle()
    meanwhile(world, store, order_id, 2, lost(2, 3)(work))
    assert sentence(store, work.id) == (
        f"{ONLY_THE_OTHERS} Store S001 is not asked for these goods again before Mon 24 Nov, 07:13."
        " Store S002 sends 1 piece by Mon 24 Nov, 16:30."
    )
    assert customer_reads(world) == [FEWER, RECEIVED]
    assert people(world) == ["count_due: store, within 24 hours"]
    left = here(store, work)
    assert (left.total("deliverable"), left.total("to_put_back"), left.total("short")) == (2, 0, 1)
    assert world.stock("S001") == (7, 2)
    parts = world.fulfillments(order_id)
    assert sum(one.total("open") for one in parts) == 3


def test_more_was_picked_of_the_rest_than_is_left(world: World, store: StoreSide):
    """A pick is undone and done again after a part was handed over, and nothing is held back."""
    order_id, work = order_at(world, store, 3)
    do(store, *on_the_shelf(work, 3), handed(work, 1), op.LineUnpicked(work.id, 1, 2))
    store.settle()
    meanwhile(world, store, order_id, 1, picked(2)(work))
    assert exceptions(world) == ["put_back_due"]
    do(store, op.PutBack(work.id, 1, 1), op.Staged(work.id, "A1"), handed(work, 1))
    agree(world, store)
    assert world.order(order_id)["status"] == "fulfilled"
    assert exceptions(world) == []


@pytest.fixture
def shipping(world: World) -> World:
    """The same stores, to which two carriers come."""
    world.parts.intake.carriers(CARRIERS)
    return world


def test_units_in_a_box_are_taken_out_and_its_label_is_void(shipping: World, store: StoreSide):
    """Packed and labeled offline: put back, packed anew, and it leaves without them."""
    order_id, (work,) = place(shipping, ("SKU-1", 3))
    store.settle()
    meanwhile(shipping, store, order_id, 1, whole_parcel(work)[:-1])
    assert sentence(store, work.id) == ""
    assert inbox(store) == [
        f"Some goods of order {work.order_number} are not wanted any more: 1 to put back."
    ]
    assert customer_reads(shipping) == [FEWER, RECEIVED]
    assert people(shipping) == PUT_BACK
    store.cut()
    do(store, op.PutBack(work.id, 1, 1))
    (box,) = shipment_of(here(store, work)).boxes
    assert (box.units, box.tracking) == (2, "")
    number = shipment_of(work).numbers[1]
    do(
        store, so.LabelPrinted(work.id, 1, "swift", "standard", number),
        so.Manifested(work.id, 1, "swift-2"), so.HandedToCarrier(work.id, 1),
    )  # fmt: skip
    agree(shipping, store)
    assert shipping.order(order_id)["status"] == "fulfilled"
    assert people(shipping) == []
    assert shipping.stock("S001") == (8, 0)


def test_a_box_that_the_carrier_has_is_shipped(shipping: World, store: StoreSide):
    """With units that were cancelled meanwhile: the fact wins, and a person voids the refund."""
    order_id, (work,) = place(shipping, ("SKU-1", 3))
    store.settle()
    meanwhile(shipping, store, order_id, 1, whole_parcel(work))
    after = shipping.order(order_id)
    assert (after["status"], after["lines"][0]["cancelled"]) == ("fulfilled", 0)
    assert sentence(store, work.id) == (
        "Central had taken some of these units away, but the carrier has the box: it counts as"
        " shipped."
    )
    assert customer_reads(shipping) == ["Order N is on its way", RECEIVED]
    assert people(shipping) == TO_VOID
    assert shipping.stock("S001") == (7, 0)


def test_a_store_of_an_older_version_goes_on(
    world: World, store: StoreSide, monkeypatch: pytest.MonkeyPatch
):
    """What it does not understand of its own work it passes over, until central has judged it."""
    order_id, work = order_at(world, store, 3)
    store.cut()
    picked = op.LinePicked(work.id, 1, 3)
    do(store, picked)
    cancel(world, order_id, {1: 1})
    (row,) = world.fulfillments(order_id)
    pending = [OperationRecord("A1", "T1", "b", 0, 0, picked)]
    with monkeypatch.context() as older:
        older.setattr(transitions, "_was_overtaken", lambda order: bool(order.total("short")))
        assert fold(row, pending).order == row
    assert fold(row, pending).order.total("to_put_back") == 1
    store.settle()
    assert here(store, work).total("to_put_back") == 1
    do(store, op.PutBack(work.id, 1, 1))
    agree(world, store)
