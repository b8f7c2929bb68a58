"""Orders that must be there by a day, over HTTP."""

import pytest

from tests.api.test_orders_http import is_problem, place
from tests.api.test_parcels_http import body
from tests.support.parcels import CARRIERS

pytestmark = pytest.mark.anyio
TOO_EARLY, THURSDAY = "2025-11-26", "2025-11-27"


async def test_the_day_is_kept_and_read_again(client, world):
    """The order shows it, and so does the decision."""
    world.parts.intake.carriers(CARRIERS)
    answer = await place(client, body(need_by=THURSDAY))
    assert (answer.status_code, answer.json()["need_by"]) == (201, THURSDAY)
    why = await client.get(f"/v1/orders/{answer.json()['id']}/routing")
    assert why.json()["decisions"][0]["need_by"] == THURSDAY
    assert f"It must be there by {THURSDAY}." in why.json()["sentence"]
    tried = await client.post("/v1/routing/dry-run", json=body(need_by=THURSDAY))
    assert tried.json()["need_by"] == THURSDAY


async def test_too_early_a_day_is_refused_with_the_day_that_could_be(client, world, order_body):
    """409 `not_in_time`, for what is sent and for what is fetched."""
    world.parts.intake.carriers(CARRIERS)
    refused = await place(client, body(need_by=TOO_EARLY))
    assert is_problem(refused, 409, "not_in_time")
    found = refused.json()
    assert (found["need_by"], found["possible_by"]) == (TOO_EARLY, THURSDAY)
    fetched = await place(client, order_body(need_by="2025-11-22"), "k2")
    assert is_problem(fetched, 409, "not_in_time")
    assert fetched.json()["possible_by"] == "2025-11-23"
    for new, answer in (
        (body(need_by=TOO_EARLY), refused),
        (order_body(need_by="2025-11-22"), fetched),
    ):
        tried = await client.post("/v1/routing/dry-run", json=new)
        assert is_problem(tried, 409, "not_in_time")
        assert tried.json()["detail"] == answer.json()["detail"]
        may_wait = await client.post("/v1/routing/dry-run", json={**new, "accept_later": True})
        assert (may_wait.status_code, may_wait.json()["taken"]) == (200, None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"need_by": "soon"}, "need_by"),
        ({"need_by": THURSDAY, "payment": "in_store"}, "leaves when it is paid"),
    ],
)
async def test_what_has_no_day_is_refused(client, order_body, changes, words):
    """No date, or goods that leave whenever somebody pays: 422."""
    refused = await place(client, order_body(**changes))
    assert is_problem(refused, 422, "validation_failed")
    assert words in refused.text


@pytest.mark.parametrize("day", ["9999-12-31", "2200-01-01", "0001-01-01"])
async def test_a_day_that_no_calendar_reaches_is_refused(client, world, order_body, day):
    """Wherever an order, or a question, may name a day: 422, never an error of central's."""
    world.parts.intake.carriers(CARRIERS)
    for order in (body(need_by=day), order_body(need_by=day)):
        answers = [
            await place(client, order),
            await client.post("/v1/routing/dry-run", json=order),
            await client.post("/v1/bulk/orders", json={"orders": [{"key": "k", "order": order}]}),
        ]
        for answer in answers:
            assert is_problem(answer, 422, "validation_failed")
            assert "need_by" in answer.text
    asked = f"/v1/availability?sku=SKU-1&location=S001&need_by={day}"
    assert is_problem(await client.get(asked), 422, "validation_failed")


async def test_availability_of_a_day(client, world):
    """Of places, not of a network, which has no days."""
    world.parts.intake.carriers(CARRIERS)
    asked = "/v1/availability?sku=SKU-1&location=S001&method=ship&need_by="
    (entry,) = (await client.get(asked + TOO_EARLY)).json()["availability"]
    assert (entry["available_to_promise"], entry["too_late"]) == (0, True)
    methods = {one["method"]: one for one in entry["methods"]}
    assert methods["ship"]["delivery"]["latest"] == THURSDAY
    assert (methods["ship"]["available_to_promise"], methods["ship"]["too_late"]) == (0, True)
    assert methods["pickup"]["available_to_promise"] == 10
    (entry,) = (await client.get(asked + THURSDAY)).json()["availability"]
    assert (entry["available_to_promise"], entry["too_late"]) == (10, False)
    network = await client.get(f"/v1/availability?sku=SKU-1&scope=network&need_by={THURSDAY}")
    assert is_problem(network, 422, "validation_failed")
