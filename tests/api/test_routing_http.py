"""`POST /v1/routing/plan`: a dry run over HTTP gives what the function gives, and says why."""

import copy
import json
from collections import Counter
from random import Random
from typing import Any

import pytest

from central_server.api.routing import EXAMPLE
from central_server.api.routing_schemas import RoutingPlanBody
from central_server.services.routing_dry_run import plan_document
from central_server.services.times import to_ms
from central_server.sourcing.engine.explain import route_explained
from central_server.sourcing.engine.routing import route

pytestmark = pytest.mark.anyio
PATH = "/v1/routing/plan"


async def test_example_is_planned_and_explained(client):
    """The documented example gets a plan, its terms, a sentence and a finding for each location."""
    answer = await client.post(PATH, json=EXAMPLE)
    assert answer.status_code == 200
    plan = answer.json()
    assert [shipment["location_id"] for shipment in plan["shipments"]] == ["DC1", "S001"]
    assert plan["gap"] == 0
    assert plan["sentence"].startswith("DC1 ships 2 units by ground over")
    assert {one["location_id"]: one["finding"] for one in plan["candidates"]} == {
        "S001": "chosen", "DC1": "chosen",
    }  # fmt: skip
    for terms in (plan["terms"], *(shipment["terms"] for shipment in plan["shipments"])):
        assert sum(value for name, value in terms.items() if name != "total") == terms["total"]
    assert sum(shipment["terms"]["total"] for shipment in plan["shipments"]) == plan["cost_minor"]
    assert plan["terms"]["total"] == plan["cost_minor"]


async def test_answer_is_that_of_the_function(client):
    """Whoever calls the engine in Python gets the same plan."""
    body = RoutingPlanBody.model_validate(EXAMPLE)
    assert body.now is not None
    plan = route(
        body.order.value(), [one.value() for one in body.candidates], body.rules.value(),
        to_ms(body.now),
    )  # fmt: skip
    answer = (await client.post(PATH, json=EXAMPLE)).json()
    assert answer["objective"] == pytest.approx(plan.objective)
    assert [one["location_id"] for one in answer["shipments"]] == list(plan.locations)


async def test_a_broken_run_of_sizes_is_priced_and_named(client):
    """The only location gives the last unit of a full run: what that costs, and of what it is."""
    body: Any = copy.deepcopy(EXAMPLE)
    body["order"]["lines"] = body["order"]["lines"][:1]
    body["candidates"] = body["candidates"][:1]
    body["candidates"][0]["stock"]["HS-10001"]["is_full_run"] = True
    body["rules"]["broken_run_minor"] = 700
    plan = (await client.post(PATH, json=body)).json()
    assert plan["terms"]["balance"] == 700
    assert plan["shipments"][0]["broken_runs"] == ["HS-10001"]
    assert "That breaks the run of sizes of HS-10001." in plan["sentence"]


async def test_nothing_is_allocated(client, order_body):
    """What was planned can be promised afterwards as before."""
    before = (await client.get("/v1/availability?sku=SKU-1")).json()
    await client.post(PATH, json=EXAMPLE)
    assert (await client.get("/v1/availability?sku=SKU-1")).json() == before


def _farthest_first(body: Any) -> None:
    service = next(iter(body["rules"]["tariffs"].values()))[0]
    near = {**service["zones"][0], "up_to_km": 100}
    service["zones"] = [{**near, "up_to_km": 500}, near]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda body: body["candidates"].append(body["candidates"][0]), "distinct location_ids"),
        (lambda body: body["candidates"][0].update(tariff="air"), "rules.tariffs lacks 'air'"),
        (lambda body: body["order"]["lines"][0].update(quantity=0), "quantity"),
        (lambda body: body["candidates"][0].update(colour="red"), "colour"),
        (lambda body: body["candidates"][0].update(calendar={"timezone": "Mars/Base"}), "Mars"),
        (lambda body: body["order"]["lines"].append(body["order"]["lines"][0]), "line numbers"),
        (lambda body: body["candidates"][0]["stock"]["HS-10001"].update(units=-1), "units"),
        (
            lambda body: body["candidates"][0]["stock"]["HS-10001"].update(prices_minor=[9, 1]),
            "never fall",
        ),
        (lambda body: body.update(now="9999-12-31T23:59:59Z"), "now"),
        (lambda body: body["order"].update(promised_by="0001-01-01T00:00:00Z"), "promised_by"),
        (_farthest_first, "nearest first"),
    ],
)
async def test_mistakes_are_named(client, change, where):
    """A request that makes no sense is refused with the place and the reason."""
    body: Any = copy.deepcopy(EXAMPLE)
    change(body)
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 422
    assert where in answer.text


async def test_size_is_bounded(client):
    """More candidates than the bound are refused, not planned."""
    body: Any = copy.deepcopy(EXAMPLE)
    one = body["candidates"][1]
    body["candidates"] = [{**one, "location_id": f"L{number}"} for number in range(1_501)]
    assert (await client.post(PATH, json=body)).status_code == 422


async def test_a_thousand_candidates_fit(client):
    """A network of a thousand locations is planned in one request."""
    body: Any = copy.deepcopy(EXAMPLE)
    one = body["candidates"][0]
    body["candidates"] = [
        {**one, "location_id": f"L{number}", "latitude": 25 + number % 24}
        for number in range(1_000)
    ]
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 200
    assert answer.json()["gap"] == 0


def drawn(seed: int) -> Any:
    """Return a request as anybody might make it: odd names, missing weights, duplicate lines."""
    dice = Random(seed)
    names = ["größe 40/靴", "Ärmel-№ 1", "a" * 64, "' OR 1=1 --", "SKU\u200b1"]
    lines = [
        {"line": number, "sku": dice.choice(names), "quantity": dice.choice((1, 2, 3, 1000))}
        for number in dice.sample(range(1, 10_000), dice.randint(1, 10))
    ]
    if dice.random() < 0.5:
        grams = {name: dice.choice((0, 1, 10_000_000)) for name in names}
        lines = [{**line, "weight_grams": grams[str(line["sku"])]} for line in lines]
    stores = [
        {
            "location_id": f"Ort {number} ☃",
            "latitude": dice.uniform(-90, 90), "longitude": dice.uniform(-180, 180),
            "stock": {
                name: {"units": dice.choice((0, 1, 5, 1_000_000)), **dice.choice((
                    {}, {"prices_minor": [-5, 0, 900]}, {"fill_probability": 0},
                    {"walk_ins_per_day": 1, "horizon_days": 7, "walk_in_margin_minor": 800},
                ))}
                for name in dice.sample(names, dice.randint(0, 4))
            },
            **dice.choice(({}, {"handling_minor": 99.5}, {"radius_km": 3_000}, {"parts": [{
                "starts_at": "2026-03-02T15:00:00Z", "ends_at": "2026-03-02T19:00:00Z",
                "units": 7, "orders": 2,
            }]})),
        }
        for number in range(dice.randint(1, 12))
    ]  # fmt: skip
    goals = dice.choice(([], [], ["speed", "cost"], ["shipments"]))
    rules = {
        **EXAMPLE["rules"], "ordered": goals, "splits_lines": dice.random() < 0.7,  # type: ignore[dict-item]
        "shipments_max": dice.choice((None, 1, 3)),
    }  # fmt: skip
    order = {"lines": lines, "latitude": 0, "longitude": 179.99}
    if goals:
        lines[:] = [{**line, "quantity": min(3, line["quantity"])} for line in lines]
    return {"order": order, "candidates": stores, "rules": rules, "now": EXAMPLE["now"]}


@pytest.mark.parametrize("seed", range(25))
async def test_http_and_the_function_say_the_same(client, seed):
    """The whole answer, trace and all, for requests that nobody has tidied up."""
    request = drawn(seed)
    body = RoutingPlanBody.model_validate(request)
    assert body.now is not None
    found = route_explained(
        body.order.value(), [one.value() for one in body.candidates], body.rules.value(),
        to_ms(body.now),
    )  # fmt: skip
    answer = await client.post(PATH, json=request)
    assert answer.status_code == 200
    assert answer.json() == json.loads(json.dumps(plan_document(*found)))
    shipped: Counter[int] = Counter()
    for line in (
        *answer.json()["unsourced"],
        *(one for part in answer.json()["shipments"] for one in part["lines"]),
    ):
        shipped[line["line"]] += line["quantity"]  # fmt: skip
    assert shipped == {line["line"]: line["quantity"] for line in request["order"]["lines"]}


async def test_ten_lines_at_a_thousand_locations_are_one_request(client):
    """With every figure of stock given: it is neither too large nor left unproved by much."""
    stock = {
        f"SKU-{number}": {
            "units": 3, "walk_ins_per_day": 0.25, "horizon_days": 7, "walk_in_margin_minor": 1250,
            "markdown_minor": 300, "dual_minor": 0, "fill_probability": 0.97,
        }
        for number in range(10)
    }  # fmt: skip
    body: Any = copy.deepcopy(EXAMPLE)
    body["order"]["lines"] = [
        {"line": number + 1, "sku": f"SKU-{number}", "quantity": 2} for number in range(10)
    ]
    body["candidates"] = [
        {"location_id": f"L{number}", "latitude": 25 + number % 24, "longitude": -120 + number % 50,
         "stock": stock}
        for number in range(1_000)
    ]  # fmt: skip
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 200
    assert (answer.json()["unsourced"], len(answer.json()["candidates"])) == ([], 1_000)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda body: body["order"].update(currency="EUR"), "/body/order/currency"),
        (lambda body: body["order"]["lines"][0].update(quantity=1_001), "/lines/0/quantity"),
        (lambda body: body["order"]["lines"][0].update(quantity="2"), "/lines/0/quantity"),
        (lambda body: body["order"]["lines"][0].update(weight_grams=None), "/lines/0/weight_grams"),
        (lambda body: body["order"].update(latitude=None), "/order/latitude"),
        (lambda body: body["candidates"][0]["stock"].update({"HS-10001": 3}), "/stock/HS-10001"),
        (lambda body: body.pop("rules"), "/body/rules"),
        (lambda body: body.update(candidates=[]), "/body/candidates"),
    ],
)
async def test_what_is_missing_or_of_another_type_is_named(client, change, where):
    """The answer has the path of the field, as the body has it."""
    body: Any = copy.deepcopy(EXAMPLE)
    change(body)
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 422
    assert where in answer.text
