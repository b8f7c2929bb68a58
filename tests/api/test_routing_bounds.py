"""`POST /v1/routing/plan`: what cannot be planned honestly, or not in time, is refused."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from central_server.api.routing import EXAMPLE
from central_server.api.routing_schemas import CELLS_MAX, COMPARISONS_MAX, DAYS_MAX

pytestmark = pytest.mark.anyio
PATH = "/v1/routing/plan"
Body = dict[str, Any]


def changed(change: Callable[[Body], object]) -> Body:
    body: Body = copy.deepcopy(EXAMPLE)
    change(body)
    return body


def in_group(name: str) -> Callable[[Body], object]:
    return lambda body: [line.update(group=name) for line in body["order"]["lines"]]


@pytest.mark.parametrize("name", ["/gift", "/", "HS-10001", "/HS-10001", "gift"])
async def test_a_group_is_called_as_the_customer_likes(client, name):
    """All lines of a group leave together, or are unsourced together, whatever it is called."""
    plan = (await client.post(PATH, json=changed(in_group(name)))).json()
    assert [shipment["location_id"] for shipment in plan["shipments"]] == ["S001"]
    assert plan["shipments"][0]["lines"] == [
        {"line": 1, "sku": "HS-10001", "quantity": 2},
        {"line": 2, "sku": "HS-10002", "quantity": 1},
    ]


def _two_weights(body: Body) -> None:
    body["order"]["lines"][1].update(sku="HS-10001", weight_grams=20_000)


def _two_needs(body: Body) -> None:
    body["order"]["lines"][1].update(sku="HS-10001", weight_grams=450, needs=["gift"])


def _night(body: Body) -> None:
    body["candidates"][0]["calendar"] = {"hours": [[1320, 360]] * 7}


def _part(start: str, end: str) -> Body:
    return {"starts_at": start, "ends_at": end, "units": 5, "orders": 5}


MORNING = _part("2026-03-02T08:00:00Z", "2026-03-02T12:00:00Z")
EVENING = _part("2026-03-02T16:00:00Z", "2026-03-02T20:00:00Z")


def in_parts(*parts: Body) -> Callable[[Body], object]:
    return lambda body: body["candidates"][0].update(parts=list(parts))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_two_weights, "HS-10001 has 450 g and 20000 g in different lines: say one weight"),
        (_two_needs, "lines of HS-10001 need different capabilities: say the same"),
        (_night, "[1320, 360] closes before it opens: after midnight add 1440"),
        (
            in_parts(_part("2026-03-02T16:00:00.0001Z", "2026-03-02T16:00:00.0002Z")),
            "ends before it begins",
        ),
        (in_parts(_part(EVENING["ends_at"], EVENING["starts_at"])), "ends before it begins"),
        (in_parts(_part(EVENING["ends_at"], EVENING["ends_at"])), "ends before it begins"),
        (in_parts(EVENING, MORNING), "parts stand in order of time"),
        (lambda body: body["rules"].update(ordered=["cost", "cost"]), "a goal stands there twice"),
    ],
)
async def test_what_would_be_planned_wrongly_is_refused(client, change, words):
    """One weight and one way for a SKU; days and their parts in order of time; each goal once."""
    answer = await client.post(PATH, json=changed(change))
    assert answer.status_code == 422
    assert words in answer.text


async def test_parts_in_order_are_taken(client):
    """A part that is over, and one to come: the parcel is ready in the second."""
    answer = await client.post(PATH, json=changed(in_parts(MORNING, EVENING)))
    assert answer.status_code == 200


def _many_units(body: Body, *, ordered: bool, stores: int, units: int) -> None:
    one = body["candidates"][0]
    one["stock"] = {"HS-10001": {"units": units}}
    body["order"]["lines"] = [{"line": 1, "sku": "HS-10001", "quantity": 1_000}]
    body["candidates"] = [{**one, "location_id": f"L{number}"} for number in range(stores)]
    body["rules"]["ordered"] = ["speed"] if ordered else []


async def test_units_that_are_weighed_one_by_one_are_bounded(client):
    """Goals in order look at each unit: what would take a minute is refused, with a remedy."""
    stores = CELLS_MAX // 1_000 + 1
    fewer = changed(lambda body: _many_units(body, ordered=True, stores=8, units=1_000))
    assert (await client.post(PATH, json=fewer)).status_code == 200
    weighed = changed(lambda body: _many_units(body, ordered=False, stores=stores, units=1_000))
    assert (await client.post(PATH, json=weighed)).status_code == 200
    many = changed(lambda body: _many_units(body, ordered=True, stores=stores, units=1_000))
    answer = await client.post(PATH, json=many)
    assert answer.status_code == 422
    assert f"at most {CELLS_MAX}" in answer.text
    assert "send fewer candidates or units, or weigh the goals" in answer.text


async def test_ways_of_shipping_are_bounded(client):
    """Each service in each part of a day is compared with the others of its location."""

    def many(body: Body) -> None:
        day = [
            _part(f"2026-03-02T{hour}:{ten}0:00Z", f"2026-03-02T{hour}:{ten}9:00Z")
            for hour in range(16, 24) for ten in range(6)
        ]  # fmt: skip
        service = body["rules"]["tariffs"][""][0]
        body["rules"]["tariffs"][""] = [{**service, "name": f"s{number}"} for number in range(8)]
        one = {**body["candidates"][0], "parts": day}
        body["candidates"] = [{**one, "location_id": f"L{number}"} for number in range(100)]

    answer = await client.post(PATH, json=changed(many))
    assert answer.status_code == 422
    assert f"at most {COMPARISONS_MAX}" in answer.text


async def test_days_that_are_looked_ahead_are_bounded(client):
    """Work of a year by a minute a day, in each part of a day, at each place: refused at once."""

    def many(body: Body) -> None:
        day = [
            _part(f"2026-03-02T{hour}:{ten}0:00Z", f"2026-03-02T{hour}:{ten}9:00Z")
            for hour in range(16, 24) for ten in range(6)
        ]  # fmt: skip
        one = {
            **body["candidates"][0], "parts": day, "lead_minutes": 525_600,
            "calendar": {"timezone": "UTC", "hours": [[540, 541]] * 7},
        }  # fmt: skip
        body["candidates"] = [{**one, "location_id": f"L{number}"} for number in range(20)]

    answer = await client.post(PATH, json=changed(many))
    assert answer.status_code == 422
    assert f"at most {DAYS_MAX}: send fewer candidates or parts" in answer.text

    def usual(body: Body) -> None:
        one = {
            **body["candidates"][0], "lead_minutes": 4_800,
            "calendar": {"timezone": "UTC", "hours": [[540, 1020]] * 7},
        }  # fmt: skip
        body["candidates"] = [{**one, "location_id": f"L{number}"} for number in range(1_000)]
        body["trace"] = False

    assert (await client.post(PATH, json=changed(usual))).status_code == 200
