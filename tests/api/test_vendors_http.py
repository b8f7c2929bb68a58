"""A vendor's orders over HTTP: taken on, sent in boxes, given up, by the rules of stores."""

from dataclasses import replace

import httpx
import pytest

from central_server.services.carrier_file import CarrierFile
from central_server.web.idempotency import REPLAYED_HEADER
from tests.api.test_orders_http import is_problem
from tests.central_server.services.test_parcels import exceptions, place
from tests.support.central_world import World
from tests.support.parcels import CARRIERS, SWIFT

pytestmark = pytest.mark.anyio


def with_vendor(world: World) -> None:
    """Let the third location be a vendor's, the only one that ships."""
    carriers = CarrierFile(CARRIERS.carriers, CARRIERS.rates, {"S003": (SWIFT,), "*": ()})
    with world.database.read() as view:
        place = view.locations.get("S003")
    assert place is not None
    world.parts.intake.locations([replace(place, kind="dc")])
    world.parts.intake.carriers(carriers)


async def test_a_vendor_sends_an_order(client, world: World):
    """Acknowledged, sent in two boxes, each counted once however often it is said."""
    with_vendor(world)
    order_id, _ = place(world, ("SKU-1", 2), ("SKU-2", 1))
    (work,) = (await client.get("/v1/vendors/S003/fulfillments")).json()["work"]
    assert (work["location_id"], work["shipment"]["to"][0]) == ("S003", "Jo Pike")
    there = f"/v1/vendors/S003/fulfillments/{work['id']}"
    for _ in range(2):
        taken = await client.post(f"{there}/acknowledge", json={})
        assert taken.json()["status"] == "accepted"
    box = {"tracking": "V-1", "carrier": "swift", "weight_grams": 700,
           "lines": [{"line": 1, "quantity": 2}]}  # fmt: skip
    for _ in range(2):
        sent = await client.post(f"{there}/ship", json=box)
        assert (sent.status_code, [one["fulfilled"] for one in sent.json()["lines"]]) == (
            200, [2, 0],
        )  # fmt: skip
    too_many = {**box, "tracking": "V-2", "lines": [{"line": 2, "quantity": 5}]}
    refused = await client.post(f"{there}/ship", json=too_many)
    assert is_problem(refused, 409, "quantity_refused")
    rest = {**too_many, "lines": [{"line": 2, "quantity": 1}]}
    assert (await client.post(f"{there}/ship", json=rest)).json()["status"] == "shipped"
    order = (await client.get(f"/v1/orders/{order_id}")).json()
    assert order["status"] == "fulfilled"
    assert [one["tracking"] for one in order["fulfillments"][0]["shipment"]["boxes"]] == [
        "V-1", "V-2",
    ]  # fmt: skip
    assert (await client.get("/v1/vendors/S003/fulfillments")).json() == {"work": []}
    world.check_books()


async def test_a_box_that_left_before_a_cancellation_was_heard_counts(client, world: World):
    """Goods are gone, whatever central thinks: they count as sent, and a person is asked."""
    with_vendor(world)
    order_id, (part,) = place(world, ("SKU-1", 2), ("SKU-2", 1))
    world.parts.central.cancelling.cancel(order_id, reason="", actor="shop")
    there = f"/v1/vendors/S003/fulfillments/{part.id}"
    box = {"tracking": "V-1", "carrier": "swift", "weight_grams": 700,
           "lines": [{"line": 1, "quantity": 2}]}  # fmt: skip
    refused = await client.post(f"{there}/acknowledge", json={})
    assert is_problem(refused, 409, "illegal_transition")
    too_many = {**box, "lines": [{"line": 1, "quantity": 3}]}
    assert is_problem(await client.post(f"{there}/ship", json=too_many), 409, "quantity_refused")
    for _ in range(2):
        sent = await client.post(f"{there}/ship", json=box)
        assert sent.status_code == 200, sent.text
        assert [one["fulfilled"] for one in sent.json()["lines"]] == [2, 0]
    assert exceptions(world) == ["refund_to_void"]
    assert world.stock("S003")[1] == 0
    world.check_books()


async def test_a_box_with_more_than_is_wanted_any_more_counts_whole(client, world: World):
    """Some units were called off while it was on its way; without that more is a slip."""
    with_vendor(world)
    order_id, (part,) = place(world, ("SKU-1", 3))
    there = f"/v1/vendors/S003/fulfillments/{part.id}"
    box = {"tracking": "V-1", "carrier": "swift", "weight_grams": 700,
           "lines": [{"line": 1, "quantity": 4}]}  # fmt: skip
    assert is_problem(await client.post(f"{there}/ship", json=box), 409, "quantity_refused")
    lines = {"lines": [{"line": 1, "quantity": 1}]}
    key = {"Idempotency-Key": "one-less"}
    less = await client.post(f"/v1/orders/{order_id}/cancellations", json=lines, headers=key)
    assert less.status_code == 200, less.text
    sent = await client.post(f"{there}/ship", json={**box, "lines": [{"line": 1, "quantity": 3}]})
    assert [one["fulfilled"] for one in sent.json()["lines"]] == [3], sent.text
    assert exceptions(world) == ["refund_to_void"]
    world.check_books()


async def test_units_are_given_up_once_however_often_it_is_said(client, world: World):
    """The request that is sent again gets its answer; another key means other units."""
    with_vendor(world)
    _, (part,) = place(world, ("SKU-1", 5))
    path = f"/v1/vendors/S003/fulfillments/{part.id}/give-up"

    async def give_up(units: int, key: str) -> httpx.Response:
        body = {"lines": [{"line": 1, "quantity": units}]}
        return await client.post(path, json=body, headers={"Idempotency-Key": key} if key else {})

    said = [await give_up(2, "one") for _ in range(2)]
    assert [one.json()["lines"][0]["short"] for one in said] == [2, 2]
    assert [one.headers[REPLAYED_HEADER] for one in said] == ["false", "true"]
    assert said[0].content == said[1].content
    assert is_problem(await give_up(1, "one"), 422, "idempotency_key_reused")
    assert is_problem(await give_up(1, ""), 400, "idempotency_key_missing")
    assert (await give_up(1, "two")).json()["lines"][0]["short"] == 3
    for _ in range(2):
        rest = await client.post(path, json={})
        assert rest.json()["lines"][0]["short"] == 5
    world.check_books()


async def test_a_store_is_no_vendor(client, world: World):
    """Work of stores is done on their terminals, and nothing of another vendor is to be seen."""
    with_vendor(world)
    _, (part,) = place(world)
    assert is_problem(await client.get("/v1/vendors/S001/fulfillments"), 404, "not_found")
    wrong = await client.post(f"/v1/vendors/S001/fulfillments/{part.id}/acknowledge", json={})
    assert is_problem(wrong, 404, "not_found")
    unknown = await client.post("/v1/vendors/S003/fulfillments/nothing/acknowledge", json={})
    assert is_problem(unknown, 404, "not_found")


async def test_a_key_of_a_vendor_speaks_for_that_vendor_alone(client, world: World):
    """Its own work and nothing else; who may place orders does not speak for vendors."""
    with_vendor(world)
    _, (part,) = place(world)
    keys = world.parts.central.keys

    def as_(*scopes: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {keys.create('key', scopes)}"}

    there = f"/v1/vendors/S003/fulfillments/{part.id}/acknowledge"
    others = [as_("vendor:S002"), as_("orders:read", "orders:write")]
    for headers in others:
        assert is_problem(await client.post(there, json={}, headers=headers), 403, "scope_missing")
        listed = await client.get("/v1/vendors/S003/fulfillments", headers=headers)
        assert is_problem(listed, 403, "scope_missing")
    own = as_("vendor:S003")
    (work,) = (await client.get("/v1/vendors/S003/fulfillments", headers=own)).json()["work"]
    assert work["id"] == part.id
    assert (await client.post(there, json={}, headers=own)).status_code == 200
    orders = await client.get("/v1/orders", headers=own)
    assert is_problem(orders, 403, "scope_missing")


@pytest.mark.parametrize("scope", ["vendor:", "vendor:S009", "vendor", "vendor:{location_id}"])
async def test_a_key_is_made_for_a_location_that_there_is(world: World, scope):
    """A slip of the pen makes no key that works later."""
    with pytest.raises(ValueError, match="vendor:LOCATION"):
        world.parts.central.keys.create("acme", (scope,))
