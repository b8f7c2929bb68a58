"""The conflict catalogue's rows about units that are cancelled of an order that goes on."""

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
from tests.support.conflicts import PROOF, agree, do, exceptions, order_at, sentence
from tests.support.parcels import CARRIERS, whole_parcel
from tests.support.store_side import StoreSide

S = FulfillmentStatus
DAY_MS = 86_400_000


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
    order_id, work = order_at(world, store, 3)
    store.cut()
    do(store, op.LinePicked(work.id, 1, 3))
    cancel(world, order_id, {1: 2})
    store.settle()
    assert "not expected any more" in sentence(store, work.id)
    assert exceptions(world) == ["put_back_due"]
    assert world.stock("S001") == (10, 3)
    do(store, op.PutBack(work.id, 1, 2))
    agree(world, store)
    assert exceptions(world) == []
    assert world.stock("S001") == (10, 1)


def test_cancelled_centrally_and_handed_over_offline(world: World, store: StoreSide):
    """The customer has them: the fact wins, a person voids the refund, no letter is sent."""
    order_id, work = order_at(world, store, 3)
    store.cut()
    do(store, *on_the_shelf(work, 3), handed(work, 3))
    cancel(world, order_id, {1: 1})
    agree(world, store)
    after = world.order(order_id)
    assert (after["status"], after["lines"][0]["cancelled"]) == ("fulfilled", 0)
    assert exceptions(world) == ["refund_to_void"]
    assert "the customer has them: they count as picked up" in sentence(store, work.id)
    assert not any("a part of it is cancelled" in mail.subject for mail in world.mails())
    assert world.stock("S001") == (7, 0)


def test_as_many_as_were_left_were_handed_over_offline(world: World, store: StoreSide):
    """The customer took two of three, the third is cancelled: it is put back, and all is well."""
    order_id, work = order_at(world, store, 3)
    store.cut()
    do(store, *on_the_shelf(work, 3), handed(work, 2))
    cancel(world, order_id, {1: 1})
    store.settle()
    assert exceptions(world) == ["put_back_due"]
    assert any("a part of it is cancelled" in mail.subject for mail in world.mails())
    assert here(store, work).total("to_put_back") == 1
    do(store, op.PutBack(work.id, 1, 1))
    agree(world, store)
    assert exceptions(world) == []
    assert world.order(order_id)["status"] == "fulfilled"


def test_cancelled_centrally_and_given_up_offline(world: World, store: StoreSide):
    """What is cancelled is not sought elsewhere: only what was still wanted moves."""
    order_id, work = order_at(world, store, 3)
    store.cut()
    do(store, op.LineShortPicked(work.id, 1, 3, ShortReason.STORE_BUSY))
    cancel(world, order_id, {1: 1})
    agree(world, store)
    parts = world.fulfillments(order_id)
    assert sum(one.total("open") for one in parts) == 2
    assert {one.location_id: one.total("open") for one in parts} == {"S001": 0, "S002": 2}


def test_what_is_not_found_is_what_was_cancelled_first(world: World, store: StoreSide):
    """Two of five are in hand and wanted: they stay so, one is sought, three are not there."""
    order_id, work = order_at(world, store, 5)
    store.cut()
    do(
        store, op.LinePicked(work.id, 1, 2),
        op.LineShortPicked(work.id, 1, 3, ShortReason.NOT_FOUND),
    )  # fmt: skip
    cancel(world, order_id, {1: 2})
    store.settle()
    assert sentence(store, work.id).startswith("Some of these units were not expected any more:")
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
    order_id, work = order_at(world, store, 5)
    store.cut()
    do(
        store, op.LinePicked(work.id, 1, 3),
        op.LineShortPicked(work.id, 1, 2, ShortReason.NOT_FOUND),
    )  # fmt: skip
    cancel(world, order_id, {1: 2})
    agree(world, store)
    assert here(store, work).total("deliverable") == 3
    assert [one.location_id for one in world.fulfillments(order_id)] == ["S001"]
    assert world.stock("S001") == (8, 3)
    assert exceptions(world) == []


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
    store.cut()
    do(
        store, op.LinePicked(work.id, 1, 2),
        op.LineShortPicked(work.id, 1, 3, ShortReason.NOT_FOUND),
    )  # fmt: skip
    cancel(world, order_id, {1: 2})
    agree(world, store)
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
    store.cut()
    do(store, op.LinePicked(work.id, 1, 2))
    cancel(world, order_id, {1: 1})
    store.settle()
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
    store.cut()
    do(store, *whole_parcel(work)[:-1])
    cancel(shipping, order_id, {1: 1})
    store.settle()
    assert exceptions(shipping) == ["put_back_due"]
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
    assert exceptions(shipping) == []
    assert shipping.stock("S001") == (8, 0)


def test_a_box_that_the_carrier_has_is_shipped(shipping: World, store: StoreSide):
    """With units that were cancelled meanwhile: the fact wins, and a person voids the refund."""
    order_id, (work,) = place(shipping, ("SKU-1", 3))
    store.settle()
    store.cut()
    do(store, *whole_parcel(work))
    cancel(shipping, order_id, {1: 1})
    agree(shipping, store)
    after = shipping.order(order_id)
    assert (after["status"], after["lines"][0]["cancelled"]) == ("fulfilled", 0)
    assert exceptions(shipping) == ["refund_to_void"]
    assert "it counts as shipped" in sentence(store, work.id)
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
