"""Orders over HTTP: status codes, problems, idempotency, pages, scopes."""

import pytest
from pydantic import BaseModel

from central_server.api.order_bodies import OrderBody
from central_server.storage.tables import IDEMPOTENCY_KEYS
from central_server.web.idempotency import identity

pytestmark = pytest.mark.anyio


def is_problem(answer, status: int, code: str) -> bool:
    body = answer.json()
    return (
        answer.status_code == status
        and answer.headers["content-type"] == "application/problem+json"
        and body["code"] == code
        and body["type"] == f"urn:holdshelf:problem:{code}"
        and body["status"] == status
        and body["trace_id"] == answer.headers["x-trace-id"]
    )


async def place(client, body, key="k1"):
    return await client.post("/v1/orders", json=body, headers={"Idempotency-Key": key})


async def test_order_is_created_and_found(client, order_body):
    """201 with a Location that answers the same order, with its timeline."""
    answer = await place(client, order_body())
    assert answer.status_code == 201
    found = await client.get(answer.headers["location"])
    assert found.json()["number"] == answer.json()["number"]
    assert found.json()["timeline"][0]["kind"] == "placed"


async def test_repetition_is_replayed(client, order_body):
    """The same key and body get the stored answer, marked as such."""
    first = await place(client, order_body())
    again = await place(client, order_body())
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"


async def test_key_is_required_and_bounded(client, order_body):
    """No key is 400, so is an endless one; a used one with another body is 422."""
    assert is_problem(
        await client.post("/v1/orders", json=order_body()), 400, "idempotency_key_missing"
    )
    assert is_problem(await place(client, order_body(), "x" * 129), 400, "idempotency_key_invalid")
    await place(client, order_body())
    assert is_problem(await place(client, order_body(3)), 422, "idempotency_key_reused")


async def test_what_is_said_as_if_it_were_not_makes_no_other_request(client, order_body):
    """A client that spells defaults out after its own upgrade asks for the same order."""
    first = await place(client, order_body())
    again = await place(client, order_body() | {"curbside": False, "customer_tier": ""})
    assert (again.status_code, again.content) == (201, first.content)
    other = await place(client, order_body() | {"customer_tier": "gold"})
    assert is_problem(other, 422, "idempotency_key_reused")


def test_what_a_later_version_may_be_told_makes_no_other_request():
    """An order that is sent again across an upgrade is known: of the new field nothing is said."""

    class Before(BaseModel):
        lines: tuple[int, ...]
        tier: str = ""

    class After(Before):
        gift: bool = False

    body = {"lines": [1], "tier": "gold"}
    before, after = (identity("k", one(**body), "shop") for one in (Before, After))
    assert before == after
    assert identity("k", After(**body, gift=True), "shop") != after


async def test_what_was_kept_by_versions_of_before_is_the_same_request(client, world, order_body):
    """They hashed all defaults; keys of imported orders are kept for ever."""
    first = await place(client, order_body())
    body = OrderBody.model_validate(order_body())
    former = identity("k1", body, "").former_hash
    assert former is not None
    table = IDEMPOTENCY_KEYS
    world.database.write(
        lambda unit: unit.connection.execute(
            table.update().where(table.c.key == "k1").values(body_hash=former())
        )
    )
    again = await place(client, order_body())
    assert (again.status_code, again.content) == (201, first.content)
    assert is_problem(await place(client, order_body(3)), 422, "idempotency_key_reused")


async def test_keys_of_two_clients_do_not_meet(client, world, order_body):
    """Another program's equal key is another key."""
    await place(client, order_body())
    other = world.parts.central.keys.create("other", ("orders:write",))
    answer = await client.post(
        "/v1/orders", json=order_body(3),
        headers={"Idempotency-Key": "k1", "Authorization": f"Bearer {other}"},
    )  # fmt: skip
    assert answer.status_code == 201


async def test_what_is_missing_is_told(client, order_body):
    """409 with the shortfall by SKU."""
    answer = await place(client, order_body(11))
    assert is_problem(answer, 409, "insufficient_stock")
    assert answer.json()["shortfall"] == {"SKU-1": 1}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"lines": []}, "/body/lines"),
        ({"lines": [{"sku": "SKU-1", "quantity": 0}]}, "/body/lines/0/quantity"),
        ({"lines": [{"sku": "SKU-1", "quantity": True}]}, "/body/lines/0/quantity"),
        ({"currency": "usd"}, "/body/currency"),
        ({"colour": "red"}, "/body/colour"),
        ({"customer": {"name": ""}}, "/body/customer/name"),
    ],
)
async def test_invalid_fields_are_pointed_at(client, order_body, change, pointer):
    """422 names each field that is wrong."""
    answer = await place(client, order_body(**change))
    assert is_problem(answer, 422, "validation_failed")
    assert pointer in {one["pointer"] for one in answer.json()["errors"]}


async def test_every_error_is_a_problem(client):
    """Unknown paths, methods, bodies and ids are problem+json too."""
    assert is_problem(await client.get("/nope"), 404, "not_found")
    assert is_problem(await client.put("/v1/orders"), 405, "method_not_allowed")
    assert is_problem(await client.get("/v1/orders/nope"), 404, "not_found")
    broken = await client.post(
        "/v1/orders", content=b"{", headers={"Content-Type": "application/json"}
    )
    assert is_problem(broken, 422, "validation_failed")
    large = await client.post("/v1/orders", content=b" " * (1024 * 1024 + 1))
    assert is_problem(large, 413, "body_too_large")


async def test_body_without_a_length_is_bounded_too(client):
    """A stream that never says how long it is gets cut off."""

    async def endless():
        for _ in range(40):
            yield b" " * 65536

    answer = await client.post("/v1/orders", content=endless())
    assert is_problem(answer, 413, "body_too_large")


async def test_fault_says_nothing_of_the_inside(client, world, monkeypatch):
    """A bug of central's is a 500 problem with a trace id and no details."""

    def broken(*_, **__):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(world.parts.central.stores), "page", broken)
    answer = await client.get("/v1/stores")
    assert is_problem(answer, 500, "internal")
    assert "secret" not in answer.text


async def test_keys_and_scopes_are_enforced(client, world, order_body):
    """No key or a wrong one is 401; one that lacks the scope 403."""
    for credentials in ("", "Bearer nope", "Bearer hs_aaaaaaaa_bbbb"):
        answer = await client.get("/v1/orders", headers={"Authorization": credentials})
        assert is_problem(answer, 401, "not_authenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
    reader = world.parts.central.keys.create("reader", ("orders:read",))
    headers = {"Authorization": f"Bearer {reader}", "Idempotency-Key": "k"}
    answer = await client.post("/v1/orders", json=order_body(), headers=headers)
    assert is_problem(answer, 403, "scope_missing")
    assert (await client.get("/v1/orders", headers=headers)).status_code == 200
    assert is_problem(
        await client.get("/v1/admin/exceptions", headers=headers), 403, "scope_missing"
    )


async def test_a_key_that_is_revoked_opens_nothing(client, world):
    """At once where it was revoked; other processes have forgotten it ten seconds later."""
    keys = world.parts.central.keys
    made = keys.create("reader", ("orders:read",))
    headers = {"Authorization": f"Bearer {made}"}
    assert (await client.get("/v1/orders", headers=headers)).status_code == 200
    keys.revoke(made.split("_")[1])
    answer = await client.get("/v1/orders", headers=headers)
    assert is_problem(answer, 401, "not_authenticated")


async def test_search_pages_are_complete(client, world, order_body):
    """Pages of two give each order once, newest first, also while the clock stands."""
    numbers = [(await place(client, order_body(1), f"k{n}")).json()["number"] for n in range(5)]
    seen, cursor = [], None
    while True:
        params = {"limit": 2, "location": "S001", **({"cursor": cursor} if cursor else {})}
        page = (await client.get("/v1/orders", params=params)).json()
        seen += [one["number"] for one in page["orders"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(numbers)
    assert is_problem(await client.get("/v1/orders?cursor=nope"), 400, "cursor_invalid")
    assert is_problem(await client.get("/v1/orders?limit=201"), 422, "validation_failed")


async def test_search_finds_by_what_people_know(client, order_body):
    """By number, mail and status."""
    number = (await place(client, order_body())).json()["number"]
    for params in ({"number": number}, {"email": "JO@example.com"}, {"status": "open"}):
        found = (await client.get("/v1/orders", params=params)).json()["orders"]
        assert [one["number"] for one in found] == [number]
    assert (await client.get("/v1/orders?status=fulfilled")).json()["orders"] == []


async def test_cancel_over_http(client, order_body):
    """Cancel, cancel again: the same answer."""
    placed = (await place(client, order_body())).json()
    path = f"/v1/orders/{placed['id']}/cancel"
    first = await client.post(path, json={"reason": "changed my mind"})
    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert (await client.post(path)).json() == first.json()
    assert is_problem(await client.post("/v1/orders/nope/cancel"), 404, "not_found")


async def test_availability_adds_up(client, world, order_body):
    """ATP = on hand - allocated - floor - safety stock, with the age of the data."""
    await place(client, order_body())
    world.device("S001")
    world.clock.advance(90_000)
    params = {"sku": ["SKU-1", "SKU-2"], "location": ["S001"]}
    answer = (await client.get("/v1/availability", params=params)).json()
    first, second = answer["availability"]
    terms = first["terms"]
    taken = terms["allocated"] + terms["floor"] + terms["safety_stock"]
    assert terms["raw"] == terms["on_hand"] - taken == first["available_to_promise"] == 8
    assert first["data_age_seconds"] == 90.0
    assert second["available_to_promise"] == 10
    everywhere = (await client.get("/v1/availability?sku=SKU-1")).json()["availability"]
    assert [one["location_id"] for one in everywhere] == ["S002", "S003", "S001"]
    assert is_problem(await client.get("/v1/availability?sku=NOPE"), 422, "unknown_sku")
    assert is_problem(
        await client.get("/v1/availability?sku=SKU-1&location=NOPE"), 404, "not_found"
    )


async def test_store_tells_how_it_is_heard_from(client, world, order_body):
    """Last contact, backlog, version, clock, open work."""
    await place(client, order_body())
    before = (await client.get("/v1/stores/S001")).json()
    assert (before["enrolled"], before["last_contact"]) == (False, None)
    device = world.device("S001")
    device.do()
    world.clock.advance(5_000)
    store = (await client.get("/v1/stores/S001")).json()
    assert (store["enrolled"], store["app_version"], store["seconds_since_contact"]) == (
        True, "1.0", 5.0,
    )  # fmt: skip
    assert store["open_work"] == {"total": 1, "by_status": {"new": 1}}
    assert is_problem(await client.get("/v1/stores/NOPE"), 404, "not_found")
    page = (await client.get("/v1/stores?limit=2")).json()
    rest = (await client.get("/v1/stores", params={"cursor": page["next"]})).json()
    assert [one["id"] for one in page["stores"] + rest["stores"]] == ["S001", "S002", "S003"]


async def test_busy_central_asks_to_come_back(client, world, monkeypatch, order_body):
    """More writers than central takes: 503 with Retry-After, before any work."""
    monkeypatch.setattr("central_server.web.shell.WRITERS_MAX", 0)
    answer = await place(client, order_body())
    assert is_problem(answer, 503, "try_later")
    assert int(answer.headers["retry-after"]) > 0
    assert (await client.get("/livez")).status_code == 200


async def test_health_and_figures(client, order_body):
    """Alive, ready, and figures of what was done."""
    await place(client, order_body())
    assert (await client.get("/livez")).json() == {"status": "alive"}
    assert (await client.get("/readyz")).json() == {"status": "ready"}
    figures = (await client.get("/metrics")).text
    assert 'holdshelf_http_requests_total{method="POST",route="/v1/orders",status="201"} 1.0' in (
        figures
    )


async def test_openapi_needs_nothing_from_outside(client):
    """The document is served; pages that would fetch scripts from elsewhere are not."""
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    for path in ("/docs", "/redoc"):
        assert is_problem(await client.get(path), 404, "not_found")


async def test_many_orders_each_have_their_outcome(client, order_body):
    """One request, one result for each order; sent again, alone too, each is the same."""
    wanted = [
        {"key": "a", "order": order_body()},
        {"key": "b", "order": order_body(11)},
        {"key": "c", "order": order_body()},
    ]
    answer = await client.post("/v1/bulk/orders", json={"orders": wanted})
    assert answer.status_code == 200
    first, second, third = answer.json()["results"]
    assert (first["key"], first["status"], first["replayed"]) == ("a", 201, False)
    assert (second["status"], second["problem"]["code"]) == (409, "insufficient_stock")
    assert second["problem"]["trace_id"] == answer.headers["x-trace-id"]
    assert third["order"]["fulfillments"][0]["location_id"]
    alone = await place(client, order_body(), "a")
    assert (alone.json(), alone.headers["idempotency-replayed"]) == (first["order"], "true")
    again = await client.post("/v1/bulk/orders", json={"orders": wanted})
    assert [one.get("replayed") for one in again.json()["results"]] == [True, None, True]


async def test_many_orders_are_not_too_many(client, order_body):
    """A hundred at most, and each needs a key; a mistake in one is a mistake in the request."""
    one = {"key": "a", "order": order_body()}
    for orders in ([], [one] * 101, [{"order": order_body()}], [{**one, "key": "with space"}]):
        answer = await client.post("/v1/bulk/orders", json={"orders": orders})
        assert is_problem(answer, 422, "validation_failed")
