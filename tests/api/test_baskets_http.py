"""A whole basket, and what the network promises by when, over HTTP."""

import datetime as dt

import pytest

from central_server.records import Price, Product
from central_server.services.catalogue_intake import StockItem
from tests.api.test_orders_http import is_problem, place
from tests.api.test_parcels_http import body
from tests.api.test_pre_orders_http import after
from tests.support.central_world import PLACES, World
from tests.support.parcels import CARRIERS

pytestmark = pytest.mark.anyio
COLUMBUS = "39.96,-83.0"


@pytest.fixture
def stocked(world) -> World:
    """S001 has two of SKU-2, S002 none of SKU-1; carriers come everywhere."""
    world.parts.intake.carriers(CARRIERS)
    world.parts.intake.stock(
        [StockItem("S001", "SKU-2", 2), StockItem("S002", "SKU-1", 0)], "count"
    )
    return world


async def ask(client, *lines: tuple[str, int], **params: object) -> dict:
    asked = {"sku": [sku for sku, _ in lines], "quantity": [units for _, units in lines], **params}
    answer = await client.get("/v1/availability/basket", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_who_has_all_of_a_basket_comes_first(client, stocked):
    """Around the customer: S003 has all, the nearer ones lack one thing each, and say what."""
    answer = await ask(client, ("SKU-1", 2), ("SKU-2", 3), near=COLUMBUS, radius_km=500)
    found = [(one["location_id"], one["complete"], one["lacking"]) for one in answer["pickup"]]
    assert found == [
        ("S003", True, {}), ("S001", False, {"SKU-2": 1}), ("S002", False, {"SKU-1": 2}),
    ]  # fmt: skip
    first, second, _ = answer["pickup"]
    assert first["promised_by"] is not None
    assert second["promised_by"] is second["promised_later"] is None
    assert 180 < first["distance_km"] < 230
    named = await ask(client, ("SKU-1", 2), ("SKU-2", 3), location="S001")
    assert [one["location_id"] for one in named["pickup"]] == ["S001"]
    assert named["ship"] is None


async def test_a_basket_is_sent_as_an_order_for_it_would_be(client, stocked):
    """The same locations, leaving at the same time, delivered on the same days."""
    lines = [("SKU-1", 2), ("SKU-2", 3)]
    answer = await ask(client, *lines, near=COLUMBUS)
    sent = answer["ship"]
    assert (sent["complete"], sent["lacking"], sent["promised_later"]) == (True, {}, None)
    assert [one["sku"] for one in body()["lines"]] == ["SKU-1"]
    to = {**body()["ship_to"], "latitude": 39.96, "longitude": -83.0}
    wanted = [{"sku": sku, "quantity": units} for sku, units in lines]
    placed = (await place(client, body(ship_to=to, lines=wanted))).json()
    parts = {
        one["location_id"]: (one["promised_by"], one["delivery"]) for one in placed["fulfillments"]
    }
    assert {
        one["location_id"]: (one["leaves_at"], one["delivery"]) for one in sent["shipments"]
    } == parts
    assert sent["promised_by"][:10] > max(days["latest"] for _, days in parts.values())


async def test_what_is_not_there_says_by_when_it_would_be(client, stocked):
    """With goods on their way to the store, or to anybody who sends them; else nothing helps."""
    due = after(stocked, 2)
    receipt = {"location_id": "S001", "sku": "SKU-2", "units": 4, "due_at": due}
    await client.put("/v1/receipts/R1", json=receipt)
    answer = await ask(client, ("SKU-2", 5), location="S001", near=COLUMBUS)
    (here,) = answer["pickup"]
    assert (here["complete"], here["lacking"]) == (False, {"SKU-2": 3})
    assert here["promised_by"] is None
    assert here["promised_later"] > due
    lots = await ask(client, ("SKU-2", 25), location="S001", near=COLUMBUS)
    assert lots["pickup"][0]["promised_later"] is None
    assert (lots["ship"]["complete"], lots["ship"]["lacking"]) == (False, {"SKU-2": 3})
    assert lots["ship"]["promised_later"] > due
    taken = await place(
        client,
        body(
            ship_to={**body()["ship_to"], "latitude": 39.96, "longitude": -83.0},
            lines=[{"sku": "SKU-2", "quantity": 25}], accept_later=True,
        ),
    )  # fmt: skip
    assert taken.json()["promised_by"] == lots["ship"]["promised_later"]
    nothing = await ask(client, ("SKU-2", 27), near=COLUMBUS)
    assert nothing["ship"]["promised_later"] is None


async def test_a_basket_with_what_may_not_be_sold_yet(client, stocked):
    """Nothing of it now; as a pre-order from its date on, at a store and sent."""
    said = await client.put("/v1/release-dates/SKU-2", json={"release_at": after(stocked, 5)})
    answer = await ask(client, ("SKU-1", 1), ("SKU-2", 1), location="S001", near=COLUMBUS)
    assert answer["release_at"] == said.json()["release_at"]
    (here,) = answer["pickup"]
    assert (here["lacking"], here["promised_by"]) == ({"SKU-2": 1}, None)
    assert here["promised_later"] > answer["release_at"]
    assert answer["ship"]["complete"] is False
    assert answer["ship"]["promised_later"] > answer["release_at"]


async def test_two_lines_may_want_the_same_units(client, stocked):
    """A kit and its component alone share what lies there."""
    stocked.parts.intake.products([Product("KIT", "Both of them")])
    stocked.parts.intake.prices([Price("EAST", "KIT", 1500, "USD")])
    stocked.parts.central.supply.set_bundle("KIT", {"SKU-1": 1, "SKU-3": 2})
    three = await ask(client, ("KIT", 3), ("SKU-3", 4), location="S001", near=COLUMBUS)
    assert three["pickup"][0]["complete"] is True
    more = await ask(client, ("KIT", 3), ("SKU-3", 5), location="S001")
    assert more["pickup"][0]["lacking"] == {"SKU-3": 1}
    assert sum(one["units"]["SKU-3"] for one in three["ship"]["shipments"]) == 10


async def test_a_basket_that_makes_no_sense_is_refused(client, stocked):
    """As many quantities as SKUs, known ones, at known places."""
    uneven = await client.get("/v1/availability/basket?sku=SKU-1&sku=SKU-2&quantity=1")
    assert is_problem(uneven, 422, "validation_failed")
    strange = await client.get("/v1/availability/basket?sku=NOPE&quantity=1")
    assert is_problem(strange, 422, "unknown_sku")
    nowhere = await client.get("/v1/availability/basket?sku=SKU-1&quantity=1&location=NOPE")
    assert is_problem(nowhere, 404, "not_found")


async def test_the_network_promises_by_method_with_a_date(client, stocked):
    """Of the nearest that has it, or the one with most; nobody's where nobody has it."""
    device = stocked.device("S003")
    device.hello()
    stocked.clock.advance(90_000)
    params = {"sku": ["SKU-1", "SKU-2"], "scope": "network", "near": COLUMBUS, "dates": "true"}
    params["explain"] = "true"
    first, second = (await client.get("/v1/availability", params=params)).json()["network"]
    pickup, ship = first["methods"]
    assert (pickup["method"], pickup["available_to_promise"], pickup["location_id"]) == (
        "pickup", 20, "S001",
    )  # fmt: skip
    assert pickup["promised_by"] is not None
    assert (ship["location_id"], ship["leaves_at"] is not None) == ("S001", True)
    assert ship["delivery"]["earliest"] <= ship["delivery"]["latest"]
    assert first["data_age_seconds"] == 90.0
    assert first["places"] == [
        {"location_id": "S001", "available_to_promise": 10, "data_age_seconds": None},
        {"location_id": "S003", "available_to_promise": 10, "data_age_seconds": 90.0},
    ]
    assert [one["location_id"] for one in second["methods"]] == ["S001", "S001"]
    del params["near"]
    _, second = (await client.get("/v1/availability", params=params)).json()["network"]
    assert [one["location_id"] for one in second["methods"]] == ["S002", "S002"]
    nobody = [StockItem(name, "SKU-1", 0) for name, _, _ in PLACES]
    stocked.parts.intake.stock(nobody, "count")
    first, _ = (await client.get("/v1/availability", params=params)).json()["network"]
    assert [(one["location_id"], one["promised_by"]) for one in first["methods"]] == [
        (None, None), (None, None),
    ]  # fmt: skip


async def test_the_network_promises_kits_with_a_date(client, stocked):
    """Where all components lie; a date of release leaves none."""
    stocked.parts.intake.products([Product("KIT", "Both of them")])
    stocked.parts.central.supply.set_bundle("KIT", {"SKU-1": 1, "SKU-2": 2})
    url = f"/v1/availability?sku=KIT&scope=network&dates=true&near={COLUMBUS}"
    (kit,) = (await client.get(url)).json()["network"]
    assert (kit["available_to_promise"], kit["methods"][0]["location_id"]) == (6, "S001")
    later = dt.datetime.fromtimestamp(stocked.clock.now_ms() / 1000 + 3600, dt.UTC).isoformat()
    await client.put("/v1/release-dates/KIT", json={"release_at": later})
    (kit,) = (await client.get(url)).json()["network"]
    assert (kit["available_to_promise"], kit["pre_order"]) == (0, 6)
    assert [one["location_id"] for one in kit["methods"]] == [None, None]
