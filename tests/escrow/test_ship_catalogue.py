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
from tests.escrow.test_catalogue import agree, cancel, do, exceptions, sentence
from tests.support.central_world import World
from tests.support.parcels import CARRIERS, whole_parcel
from tests.support.store_side import POLICY, StoreSide


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
    assert exceptions(world) == ["refund_to_void"]
    assert "counts as shipped" in sentence(store, work.id)
    assert world.stock("S001") == (8, 0)


def test_cancelled_centrally_and_packed_offline(world: World, store: StoreSide):
    """The cancellation wins: out of the box, the label is void, nothing is charged."""
    order_id, work = parcel_at(world, store)
    store.cut()
    do(store, *whole_parcel(work)[:-1])
    cancel(world, order_id)
    store.settle()
    assert "put the goods back" in sentence(store, work.id)
    assert world.stock("S001") == (10, 2), "in our hands: not to be sold"
    do(store, op.PutBack(work.id, 1, 2))
    agree(world, store)
    world.parts.labels.run()
    assert carriers_of(world).void_numbers == {work.shipment.numbers[0]}  # type: ignore[union-attr]
    assert world.stock("S001") == (10, 0)
    assert exceptions(world) == []


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
    fate = store.store.fates_of(work.id)[-1]
    assert (fate.state, "cancelled" in fate.text) == ("refused", True)
    world.parts.labels.run()
    assert carriers_of(world).bought == {}
    do(store, op.PutBack(work.id, 1, 2))
    agree(world, store)


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
    assert exceptions(world) == []


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
    assert exceptions(world) == ["double_fulfillment"]


def test_rejected_offline_after_the_customer_called_off(world: World, store: StoreSide):
    """Nothing happens twice: accepted, without an effect, no pause and no count."""
    order_id, work = parcel_at(world, store)
    store.cut()
    do(store, op.FulfillmentRejected(work.id, ShortReason.NOT_FOUND))
    cancel(world, order_id)
    agree(world, store)
    assert "nothing changed" in sentence(store, work.id)
    assert exceptions(world) == []
    assert world.stock("S001") == (10, 0)
    assert place(world)[1][0].location_id == "S001"


def test_two_terminals_pack_the_same_units(world: World, store: StoreSide):
    """One store has one journal: the second box is refused at once, without a network."""
    _, work = parcel_at(world, store)
    store.cut()
    do(store, *packed(work))
    with pytest.raises(OperationRefused):
        store.store.perform(so.BoxPacked(work.id, 2, 800, (LineQuantity(1, 2),)), by="A2", dev="T2")


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
    assert exceptions(world) == []
