"""Release dates, pre-orders and parcels that wait for goods, as a shop sees them over HTTP."""

import datetime as dt

import pytest

from tests.api.test_orders_http import is_problem, place
from tests.api.test_parcels_http import TO, body
from tests.support.parcels import CARRIERS

pytestmark = pytest.mark.anyio


def after(world, days: int) -> str:
    """Return a moment some days from now, as the API writes it."""
    moment = dt.datetime.fromtimestamp(world.clock.now_ms() / 1000, dt.UTC)
    return (moment + dt.timedelta(days=days)).isoformat().replace("+00:00", "Z")


async def test_a_release_date_is_said_read_and_taken_back(client, world):
    """By SKU; null says that it may be sold at once. An unknown SKU has none."""
    url, at = "/v1/release-dates/SKU-1", after(world, 5)
    nobody_said = {"sku": "SKU-1", "release_at": None}
    assert (await client.get(url)).json() == nobody_said
    said = await client.put(url, json={"release_at": at})
    assert (said.status_code, said.json()["sku"]) == (200, "SKU-1")
    assert dt.datetime.fromisoformat(said.json()["release_at"]) == dt.datetime.fromisoformat(at)
    assert (await client.get(url)).json() == said.json()
    assert (await client.put(url, json={"release_at": None})).json() == nobody_said
    assert is_problem(await client.get("/v1/release-dates/NOPE"), 404, "not_found")
    unknown = await client.put("/v1/release-dates/NOPE", json={"release_at": at})
    assert is_problem(unknown, 422, "unknown_sku")
    local = await client.put(url, json={"release_at": "2026-12-01T00:00:00"})
    assert is_problem(local, 422, "validation_failed")


async def test_before_its_date_it_is_pre_ordered_and_availability_says_so(
    client, world, order_body
):
    """Nothing now, ten for later; a pickup today is refused with the date, not one that waits."""
    world.parts.intake.carriers(CARRIERS)
    said = await client.put("/v1/release-dates/SKU-1", json={"release_at": after(world, 5)})
    release_at = said.json()["release_at"]
    params = {"sku": ["SKU-1", "SKU-2"], "location": "S001", "explain": "true"}
    answer = (await client.get("/v1/availability", params=params)).json()
    dated, plain = answer["availability"]
    assert (dated["available_to_promise"], dated["release_at"]) == (0, release_at)
    assert (dated["terms"]["not_released"], dated["terms"]["raw"]) == (10, 0)
    assert {"term": "not_released", "units": -10, "rule": None} in dated["explained"]
    pickup, ship = (one["pre_order"] for one in dated["methods"])
    assert (pickup["available_to_promise"], ship["available_to_promise"]) == (10, 10)
    assert pickup["promised_by"] > release_at
    assert ship["leaves_at"] > release_at
    assert ship["delivery"]["earliest"] > release_at[:10]
    assert (plain["available_to_promise"], plain["release_at"]) == (10, None)
    assert [one["pre_order"] for one in plain["methods"]] == [None, None]
    network = {"sku": "SKU-1", "scope": "network"}
    (whole,) = (await client.get("/v1/availability", params=network)).json()["network"]
    assert (whole["available_to_promise"], whole["pre_order"]) == (0, 30)
    assert whole["release_at"] == release_at

    refused = await place(client, order_body())
    assert is_problem(refused, 409, "not_released")
    assert refused.json()["release_at"] == release_at
    assert f"may not be sold before {release_at}" in refused.json()["detail"]
    tried = await client.post("/v1/routing/dry-run", json=order_body())
    assert is_problem(tried, 409, "not_released")
    assert tried.json()["detail"] == refused.json()["detail"]
    taken = await place(client, order_body(accept_later=True), "k2")
    assert taken.status_code == 201
    assert taken.json()["promised_by"] == pickup["promised_by"]
    (hold,) = taken.json()["holds"]
    assert (hold["kind"], hold["until"]) == ("pre_order", release_at)
    listed = (await client.get("/v1/waiting-orders?kind=pre_order")).json()["waiting"]
    assert [one["number"] for one in listed] == [taken.json()["number"]]
    url = f"/v1/orders/{taken.json()['id']}/holds/pre_order/clear"
    assert is_problem(await client.post(url, json={}), 409, "not_released")
    answer = (await client.get("/v1/availability", params=params)).json()
    assert answer["availability"][0]["methods"][0]["pre_order"]["available_to_promise"] == 8


async def test_a_parcel_waits_for_goods_on_their_way(client, world):
    """201 with its date; sent when they came. Without `accept_later` it is refused."""
    world.parts.intake.carriers(CARRIERS)
    receipt = {"location_id": "S002", "sku": "SKU-1", "units": 8, "due_at": after(world, 2)}
    assert (await client.put("/v1/receipts/R1", json=receipt)).status_code == 200
    lines = [{"sku": "SKU-1", "quantity": 33}]
    assert is_problem(await place(client, body(lines=lines)), 409, "insufficient_stock")
    taken = await place(client, body(lines=lines, accept_later=True), "k2")
    assert (taken.status_code, taken.json()["status"]) == (201, "open")
    assert taken.json()["fulfillments"] == []
    assert taken.json()["promised_by"] > after(world, 2)
    again = await place(client, body(lines=lines, accept_later=True), "k2")
    assert again.content == taken.content
    found = await client.get(taken.headers["location"])
    assert found.json()["promised_by"] == taken.json()["promised_by"]
    (event,) = found.json()["timeline"]
    assert event["kind"] == "backordered"
    too_many = [{"sku": "SKU-1", "quantity": 6}]
    refused = await place(client, body(lines=too_many, accept_later=True), "k3")
    assert is_problem(refused, 409, "insufficient_stock")


async def test_what_is_paid_where_it_leaves_does_not_wait(client, world):
    """A reservation waits on a store's list, so what is sent unpaid does not wait at all."""
    world.parts.intake.carriers(CARRIERS)
    later = body(ship_to=TO, payment="in_store", accept_later=True)
    assert is_problem(await place(client, later), 422, "validation_failed")
