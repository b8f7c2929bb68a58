"""Offers over HTTP: a store's device asks and claims; the shop's key may not."""

import pytest

from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from tests.api.test_orders_http import is_problem
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import World
from tests.support.parcels import CARRIERS

pytestmark = pytest.mark.anyio


async def test_a_device_claims_for_its_store(client, world: World):
    """The session says which store it is; the second store is told that it came too late."""
    world.parts.intake.carriers(CARRIERS)
    publish(world, RoutingRule("offer", RoutingRuleKind.ROUTE, offer_stores=2))
    order_id, _ = place(world)
    first, second = world.device("S002"), world.device("S001")
    here = {"Authorization": f"Bearer {first.token}"}
    (offer,) = (await client.get("/v1/sync/offers", headers=here)).json()["offers"]
    assert (offer["order_id"], offer["lines"][0]["sku"]) == (order_id, "SKU-1")
    won = await client.post(f"/v1/sync/offers/{order_id}/claim", headers=here)
    assert won.json()["location_id"] == "S002"
    late = {"Authorization": f"Bearer {second.token}"}
    lost = await client.post(f"/v1/sync/offers/{order_id}/claim", headers=late)
    assert is_problem(lost, 409, "offer_gone")
    none = await client.post("/v1/sync/offers/nothing/claim", headers=late)
    assert is_problem(none, 404, "not_found")
    shop = await client.get("/v1/sync/offers")
    assert shop.status_code == 401
