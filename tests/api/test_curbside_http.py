"""Orders that are brought out to the car, over HTTP."""

import pytest

from sync.domain.pickups import PickupPolicy
from tests.api.test_orders_http import is_problem, place

pytestmark = pytest.mark.anyio


@pytest.fixture
def parking(world) -> None:
    """The first store brings things out."""
    world.parts.tills.set_pickup_policy("S001", PickupPolicy(parking=("P1",)))


async def test_a_customer_says_where_they_wait(client, order_body, parking):
    """200 with the order; the place stands in it; said again, it is corrected."""
    placed = (await place(client, order_body(curbside=True))).json()
    assert placed["fulfillments"][0]["flow"] == "curbside"
    path = f"/v1/orders/{placed['id']}/arrived"
    answer = await client.post(path, json={"parking": "P1", "vehicle": "red van"})
    assert answer.status_code == 200
    (part,) = answer.json()["fulfillments"]
    assert (part["arrival"]["parking"], part["arrival"]["vehicle"]) == ("P1", "red van")
    again = (await client.post(path, json={"parking": "P2"})).json()["fulfillments"][0]["arrival"]
    assert (again["parking"], again["since"]) == ("P2", part["arrival"]["since"])


async def test_what_is_not_brought_out_is_refused(client, order_body, parking):
    """A store without parking, a plain pickup, an unknown order, what is sent or paid there."""
    elsewhere = order_body(location_id="S002", curbside=True)
    assert is_problem(await place(client, elsewhere), 409, "curbside_not_offered")
    unpaid = order_body(curbside=True, payment="in_store")
    assert is_problem(await place(client, unpaid, "k2"), 422, "validation_failed")
    plain = (await place(client, order_body(), "k3")).json()["id"]
    said = {"parking": "P1"}
    refused = await client.post(f"/v1/orders/{plain}/arrived", json=said)
    assert is_problem(refused, 409, "curbside_not_offered")
    assert is_problem(await client.post("/v1/orders/X/arrived", json=said), 404, "not_found")
    nowhere = await client.post(f"/v1/orders/{plain}/arrived", json={"parking": ""})
    assert is_problem(nowhere, 422, "validation_failed")
