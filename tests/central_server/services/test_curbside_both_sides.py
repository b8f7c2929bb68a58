"""Curbside: from the customer's word at central to the car, and back, connected and cut off."""

import json
import re
from dataclasses import replace

import pytest

from central_server.services.errors import CurbsideNotOffered, NotFound
from central_server.services.idempotency import RequestIdentity
from store_client.flows.curbside import commands
from store_client.services import fetching
from store_client.services.counter import HandOver
from store_client.services.desk import TerminalSettings
from sync.domain.flows import status_of
from sync.domain.flows.curbside import arrival_of
from sync.domain.fulfillment import FulfillmentOrder, ShortReason
from sync.domain.pickups import PickupPolicy
from tests.central_server.services.test_pickup_both_sides import (
    CONNECTED,
    S,
    anyio_backend,
    assert_books_agree,
    desk_of,
    here,
    make_ready,
    order_of,
    pick_and_make_ready,
    side,
)
from tests.support.central_world import World
from tests.support.store_side import StoreSide
from tests.support.terminals import QUIET_SECONDS, terminal

__all__ = ["anyio_backend", "side"]


@pytest.fixture
def world(world: World) -> World:
    """The small central, whose first store has parking spots."""
    world.parts.tills.set_pickup_policy("S001", PickupPolicy(parking=("P1", "P2")))
    return world


def place(world: World, key: str = "car") -> FulfillmentOrder:
    new = replace(world.new_order(("SKU-1", 2)), curbside=True)
    placed = world.parts.central.orders.place(new, RequestIdentity("test", key, "body"))
    return order_of(world, placed.order_id)


@pytest.mark.anyio
@CONNECTED
async def test_from_the_order_to_the_car(world: World, side: StoreSide, connected: bool):
    """Picked, shelved, ready, arrived by the customer's word, brought out, handed over by code.

    With the network cut the arrival is typed, and central hears all of it later, once.
    """
    order = place(world)
    side.settle()
    if not connected:
        side.cut()
        side.round()
    settings = TerminalSettings(poll_seconds=QUIET_SECONDS)
    async with terminal(side.store, side.clock, settings=settings) as term:
        await pick_and_make_ready(term, "SKU-1", "SKU-1")
        await term.press("f2")
        if connected:
            side.settle()
            assert any("say in the shop where you stand" in mail.text for mail in world.mails())
            document = world.parts.central.arrivals.arrived(order.order_id, "P2", "red van")
            assert '"customer_waiting"' in json.dumps(document)
            side.settle()
            await term.look()
            await term.press("f6")
        else:
            await term.press("f6", "f6")
            await term.type("P2, red van")
            await term.press("enter")
        assert "1 customer outside" in term.text()
        assert "P2 red van" in term.text()
        await term.press("enter")
        assert "BRING OUT" in term.text()
        await term.scan(world.mails()[0].qr)
        await term.press("enter")
        assert "Handed over: all done" in term.text()
    side.settle()
    assert status_of(order_of(world, order.order_id)) is S.PICKED_UP
    assert world.order(order.order_id)["status"] == "fulfilled"
    told = [one for one in world.order(order.order_id)["timeline"] if "arrived" in one["kind"]]
    assert [one["text"] for one in told] == (["The customer waits at P2."] if connected else [""])
    assert world.stock("S001") == (8, 0)
    assert_books_agree(world, side)


def test_said_again_the_place_is_corrected_and_after_the_end_nothing_happens(
    world: World, side: StoreSide
):
    """A customer who taps twice waits once; one who taps at home afterwards waits nowhere."""
    order = place(world)
    arrivals = world.parts.central.arrivals
    arrivals.arrived(order.order_id, "P1", "")
    world.clock.advance(60_000)
    arrivals.arrived(order.order_id, "P2", "")
    found = arrival_of(order_of(world, order.order_id))
    assert found is not None
    assert (found.parking, world.clock.now_ms() - found.since_ms) == ("P2", 60_000)
    world.parts.central.cancelling.cancel(order.order_id, reason="", actor="shop")
    answer = arrivals.arrived(order.order_id, "P1", "")
    assert answer["status"] == "cancelled"
    side.settle()
    assert_books_agree(world, side)


def test_offline_it_is_brought_out_while_central_hears_that_the_customer_arrived(
    world: World, side: StoreSide
):
    """Typed at the store, handed over there; what central heard meanwhile changes nothing."""
    order = place(world)
    side.settle()
    desk = desk_of(side)
    make_ready(desk, order.id)
    side.cut()
    commands.arrived(desk, order.id, "P1")
    world.parts.central.arrivals.arrived(order.order_id, "P2", "")
    code = re.search(r"pickup code: (\S+)", world.mails()[0].text)
    assert code is not None
    told = HandOver(fetching.everything(here(side, order.id)), code=code.group(1))
    assert status_of(fetching.hand_over(desk, order.id, told)) is S.PICKED_UP
    side.settle()
    assert status_of(order_of(world, order.order_id)) is S.PICKED_UP
    assert world.stock("S001") == (8, 0)
    assert_books_agree(world, side)


def test_what_is_not_brought_out_is_refused(world: World, side: StoreSide):
    """A store without parking spots, a plain pickup, and an order that is not there."""
    with pytest.raises(CurbsideNotOffered):
        world.parts.central.orders.place(
            replace(world.new_order(at="S002"), curbside=True), RequestIdentity("t", "k", "b")
        )
    with pytest.raises(CurbsideNotOffered):
        world.parts.central.arrivals.arrived(world.place().order_id, "P1", "")
    with pytest.raises(NotFound):
        world.parts.central.arrivals.arrived("nowhere", "P1", "")


def test_an_order_that_moves_to_a_store_without_parking_is_a_pickup_there(
    world: World, side: StoreSide
):
    """What the other store cannot do is not promised there."""
    order = place(world)
    side.settle()
    fetching.reject(desk_of(side), order.id, ShortReason.STORE_BUSY)
    side.settle()
    flows = {one.location_id: one.flow for one in world.fulfillments(order.order_id)}
    assert flows == {"S001": "curbside", "S002": "pickup"}


def test_said_twice_alike_it_is_written_once(world: World):
    """A customer's phone that sends it again and again fills no timeline and no feed."""
    order = place(world)
    for vehicle in ("red van", "red van", ""):
        world.parts.central.arrivals.arrived(order.order_id, "P1", vehicle)
    texts = [one["text"] for one in world.order(order.order_id)["timeline"]]
    assert texts.count("The customer waits at P1.") == 1
