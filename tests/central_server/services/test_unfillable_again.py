"""Units that nobody carries, worked off by two people, or a second time."""

import pytest

from sync.domain import operations as op
from sync.domain.fulfillment import ShortReason
from tests.central_server.services.test_waiting_room import MINUTE_MS
from tests.support.central_world import World
from tests.support.parcels import CARRIERS

DAY_MS = 24 * 60 * MINUTE_MS


@pytest.fixture
def shipping(world: World) -> World:
    """The small central, with carriers at every store."""
    world.parts.intake.carriers(CARRIERS)
    return world


def pickup_of_nobody(world: World) -> str:
    """Return a pickup order that every store has rejected."""
    order_id = world.place(("SKU-1", 2), at="S001").order_id
    for _ in range(3):
        (current,) = [one for one in world.fulfillments(order_id) if one.total("open")]
        device = world.device(current.location_id)
        device.do(op.FulfillmentRejected(current.id, ShortReason.DISPLAY_ONLY))
        device.push()
    return order_id


def test_the_customer_of_a_pickup_that_is_routed_again_gets_its_new_code(shipping):
    """A store is found after all: where it is and the code are told, whatever was told before."""
    order_id = pickup_of_nobody(shipping)
    before = len(shipping.mails())
    shipping.parts.central.unfillable.route_again(order_id, by="Kim")
    (told,) = shipping.mails()[before:]
    (work,) = [one for one in shipping.fulfillments(order_id) if one.total("open")]
    assert f"Store {work.location_id}" in told.text
    assert "code" in told.text.lower()
