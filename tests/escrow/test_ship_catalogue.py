"""The conflict catalogue's rows about parcels: each with its one outcome, through edge and hub."""

from dataclasses import replace

import pytest

from sync.domain import operations as op
from sync.domain import ship_operations as so
from sync.domain.errors import OperationRefused
from sync.domain.flows import status_of
from sync.domain.flows.ship import shipment_of
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus, ShortReason
from sync.domain.operations import LineQuantity
from tests.central_server.services.test_parcels import carriers_of, place
from tests.support.central_world import World
from tests.support.conflicts import (
    CANCELLED,
    RECEIVED,
    agree,
    cancel,
    customer_reads,
    do,
    people,
    refused,
    sale_sentence,
    sentence,
)
from tests.support.parcels import CARRIERS, whole_parcel
from tests.support.store_side import POLICY, StoreSide

COUNTS = "The order had ended at central, but the carrier has the box: it counts as shipped."
PUT_BACK = "The order ended while you worked on it: put the goods back."
NOTHING = "The order had already ended at central: nothing changed."
ON_ITS_WAY = "Order N is on its way"


@pytest.fixture
def world(world: World) -> World:
    """Three stores that share by escrow, to which two carriers come."""
    world.parts.intake.carriers(CARRIERS)
    return world


def parcel_at(world: World, store: StoreSide, **how) -> tuple[str, FulfillmentOrder]:
    """Place a parcel order of two units and let the store hear of it."""
    order_id, (work,) = place(world, **how)
    store.settle()
    return order_id, work


def packed(work: FulfillmentOrder) -> tuple[object, ...]:
    return (op.LinePicked(work.id, 1, 2), so.BoxPacked(work.id, 1, 800, (LineQuantity(1, 2),)))


def test_cancelled_centrally_and_shipped_offline(world: World, store: StoreSide):
    """The carrier has it: the fact wins, and a person voids the refund."""
    order_id, work = parcel_at(world, store)
    store.cut()
    do(store, *whole_parcel(work))
    cancel(world, order_id)
    agree(world, store)
    assert world.order(order_id)["status"] == "fulfilled"
    assert sentence(store, work.id) == COUNTS
    assert customer_reads(world) == [ON_ITS_WAY, RECEIVED], "not that it is cancelled"
    assert people(world) == ["refund_to_void: central, within 24 hours"]
    assert world.stock("S001") == (8, 0)


def test_cancelled_centrally_and_packed_offline(world: World, store: StoreSide):
    """The cancellation wins: out of the box, the label is void, nothing is charged."""
    order_id, work = parcel_at(world, store)
    store.cut()
    do(store, *whole_parcel(work)[:-1])
    cancel(world, order_id)
    store.settle()
    assert sentence(store, work.id) == PUT_BACK
    assert people(world) == ["put_back_due: store, within 8 hours"]
    assert world.stock("S001") == (10, 2), "in our hands: not to be sold"
    do(store, op.PutBack(work.id, 1, 2))
    agree(world, store)
    world.parts.labels.run()
    assert carriers_of(world).void_numbers == {work.shipment.numbers[0]}  # type: ignore[union-attr]
    assert world.stock("S001") == (10, 0)
    assert customer_reads(world) == [CANCELLED, RECEIVED]
    assert people(world) == []


def test_a_label_that_arrives_for_a_cancelled_order_is_void_once_it_is_put_back(
    world: World, store: StoreSide
):
    """Central bought it while the customer called off: nobody pays for it."""
    order_id, work = parcel_at(world, store, method="express")
    do(store, *packed(work), so.LabelRequested(work.id, 1, "harbor", "express"))
    store.settle()
    cancel(world, order_id)
    world.parts.labels.run()
    store.settle()
    do(store, op.PutBack(work.id, 1, 2))
    agree(world, store)
    world.parts.labels.run()
    carriers = carriers_of(world)
    assert carriers.void_numbers == set(carriers.bought.values())


def test_a_request_for_a_label_of_a_cancelled_order_is_refused(world: World, store: StoreSide):
    """A request may be refused, in words; the goods go back."""
    order_id, work = parcel_at(world, store, method="express")
    store.cut()
    do(store, *packed(work), so.LabelRequested(work.id, 1, "harbor", "express"))
    cancel(world, order_id)
    store.settle()
    assert store.store.fates_of(work.id)[-1].state == "refused"
    assert sentence(store, work.id) == "label requested is not possible: the order is cancelled"
    assert people(world) == ["put_back_due: store, within 8 hours"]
    world.parts.labels.run()
    assert carriers_of(world).bought == {}
    do(store, op.PutBack(work.id, 1, 2))
    agree(world, store)
    assert customer_reads(world) == [CANCELLED, RECEIVED]
    assert people(world) == []


def test_torn_off_offline_while_central_bought_it(world: World, store: StoreSide):
    """The store gave the request up and used a label of its own: the bought one is void."""
    _, work = parcel_at(world, store, method="express")
    do(store, *packed(work), so.LabelRequested(work.id, 1, "harbor", "express"))
    store.settle()
    store.cut()
    do(store, so.LabelVoided(work.id, 1), so.LabelPrinted(work.id, 1, "gull", "fast", "G1"))
    world.parts.labels.run()
    agree(world, store)
    world.parts.labels.run()
    carriers = carriers_of(world)
    assert carriers.void_numbers == set(carriers.bought.values())
    assert "G1" in carriers.announced
    after = store.store.fulfillment(work.id)
    assert after is not None
    assert [box.tracking for box in shipment_of(after).boxes] == ["G1"]


def test_sold_on_the_floor_over_a_parcel_is_sent_by_another_store(world: World, store: StoreSide):
    """The sale stands; another store sends the piece, and this one is not asked again today."""
    order_id, (work,) = place(world, ("SKU-1", 8))
    store.settle()
    store.cut()
    store.sell(3)
    agree(world, store)
    parts = world.fulfillments(order_id)
    assert [one.location_id for one in parts] == ["S001", "S002"]
    assert parts[1].shipment is not None
    assert parts[1].shipment.numbers
    assert work.total("allocated") == 8
    assert sale_sentence(store) == (
        "Store S001 is not asked for this order again before Mon 24 Nov, 07:13."
        " Store S002 sends 1 piece by Mon 24 Nov, 16:30."
    )
    assert customer_reads(world) == [RECEIVED], "it comes to the same door"
    assert people(world) == []


def test_both_stores_shipped_the_same_parcel(world: World, store: StoreSide, neighbor):
    """The first was cut off and never confirmed: both facts stand, and a person settles it."""
    order_id, (work,) = place(world)
    hello = store.daemon._hello()
    store.daemon._pull(hello, hello.heads)
    store.cut()
    do(store, *whole_parcel(work))
    world.clock.advance(3 * POLICY.lease_ms)
    neighbor.clock.advance(3 * POLICY.lease_ms)
    neighbor.settle()
    world.parts.promises.run()
    neighbor.settle()
    (_, moved) = world.fulfillments(order_id)
    do(neighbor, *whole_parcel(moved))
    neighbor.settle()
    agree(world, store, neighbor)
    assert sentence(store, work.id) == COUNTS
    assert sentence(neighbor, moved.id) == "", "its own order was as it should be"
    assert customer_reads(world) == [ON_ITS_WAY, ON_ITS_WAY, RECEIVED]
    assert people(world) == ["double_fulfillment: central, within 24 hours"]


def test_rejected_offline_after_the_customer_called_off(world: World, store: StoreSide):
    """Nothing happens twice: accepted, without an effect, no pause and no count."""
    order_id, work = parcel_at(world, store)
    store.cut()
    do(store, op.FulfillmentRejected(work.id, ShortReason.NOT_FOUND))
    cancel(world, order_id)
    agree(world, store)
    assert sentence(store, work.id) == NOTHING
    assert customer_reads(world) == [CANCELLED, RECEIVED]
    assert people(world) == []
    assert world.stock("S001") == (10, 0)
    assert place(world)[1][0].location_id == "S001"


def test_two_terminals_pack_the_same_units(world: World, store: StoreSide):
    """One store has one journal: the second box is refused at once, without a network."""
    _, work = parcel_at(world, store)
    store.cut()
    do(store, *packed(work))
    with pytest.raises(OperationRefused) as caught:
        store.store.perform(so.BoxPacked(work.id, 2, 800, (LineQuantity(1, 2),)), by="A2", dev="T2")
    assert refused(caught.value) == (
        "“box packed” does not fit: the order stands at “Packed”. See the next step at the top."
    )
    agree(world, store)
    assert customer_reads(world) == [RECEIVED]
    assert people(world) == []


def test_a_week_without_a_network_ships_every_day(world: World, store: StoreSide):
    """What was confirmed is shipped whoever is away; pauses and cut-offs are central's clock."""
    orders = [parcel_at(world, store) for _ in range(3)]
    store.cut()
    for order_id, work in orders:
        store.clock.advance(2 * 86_400_000)
        world.clock.advance(2 * 86_400_000)
        store.round()
        world.parts.promises.run()
        do(store, *whole_parcel(replace(work)))
        assert world.order(order_id)["status"] == "open"
    agree(world, store)
    for order_id, work in orders:
        assert world.order(order_id)["status"] == "fulfilled"
        assert status_of(world.fulfillments(order_id)[0]) is FulfillmentStatus.SHIPPED
        assert work.shipment is not None
        assert sentence(store, work.id) == "", "as it should be: nothing has to be said"
    assert customer_reads(world) == [ON_ITS_WAY] * 3 + [RECEIVED] * 3
    assert people(world) == []
