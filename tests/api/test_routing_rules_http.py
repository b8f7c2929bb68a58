"""Rules of routing over HTTP, a trial, and why an order went where it went."""

import pytest

from tests.api.test_orders_http import is_problem
from tests.support.central_world import World
from tests.support.parcels import CARRIERS

pytestmark = pytest.mark.anyio
AWAY = {"id": "away", "kind": "route", "except_locations": ["S001"], "goals": ["cost", "speed"]}
ORDER = {
    "ship_to": {
        "name": "Jo Pike", "line1": "12 Elm Street", "city": "Columbus", "postal_code": "43215",
        "country": "US", "latitude": 39.96, "longitude": -83.0,
    },
    "customer": {"name": "Jo"}, "lines": [{"sku": "SKU-1", "quantity": 2}],
}  # fmt: skip


async def test_rules_live_and_decide(client, world: World):
    """Drafted, refused to its writer, published by another key, used, rolled back, archived."""
    world.parts.intake.carriers(CARRIERS)
    made = await client.post("/v1/routing-rules", json={"rules": [AWAY], "note": "start"})
    assert (made.status_code, made.json()["findings"]) == (201, [])
    refused = await client.post("/v1/routing-rules/1/publish", json={})
    assert is_problem(refused, 403, "needs_approval")
    trial = await client.post("/v1/routing/dry-run?version=1", json=ORDER)
    assert (trial.status_code, trial.json()["taken"]) == (200, "S002")
    lee = {"Authorization": f"Bearer {world.parts.central.keys.create('lee', ('admin',))}"}
    blind = await client.post("/v1/routing-rules/1/publish", json={}, headers=lee)
    assert is_problem(blind, 428, "read_it_first")
    lee["If-Match"] = '"0123456789abcdef"'
    other = await client.post("/v1/routing-rules/1/publish", json={}, headers=lee)
    assert is_problem(other, 412, "changed_since_read")
    lee["If-Match"] = f'"{made.json()["reading"]}"'
    published = await client.post("/v1/routing-rules/1/publish", json={}, headers=lee)
    assert published.json()["in_force"] is True
    placed = await client.post("/v1/orders", json=ORDER, headers={"Idempotency-Key": "one"})
    why = (await client.get(f"/v1/orders/{placed.json()['id']}/routing")).json()
    assert why["sentence"].startswith("S002 ships 2 units")
    assert (why["decisions"][0]["rule"], why["decisions"][0]["rule_version"]) == ("away", 1)
    period = {"placed_from": "2020-01-01T00:00:00Z", "placed_until": "2040-01-01T00:00:00Z"}
    report = (await client.post("/v1/routing/simulations", json=period)).json()
    assert report["happened"]["parcels_by_location"] == {"S002": 1}
    assert report["simulated"] == report["happened"]
    assert (await client.get("/v1/routing/capacity")).json() == {"parts": []}
    again = await client.put("/v1/routing-rules/1", json={"rules": []})
    assert is_problem(again, 409, "version_fixed")
    await client.post("/v1/routing-rules/1/archive", json={"note": "over"})
    assert (await client.post("/v1/routing/dry-run", json=ORDER)).json()["taken"] == "S001"
    back = await client.post("/v1/routing-rules/1/roll-back", json={"note": "sorry"})
    assert (back.json()["version"], back.json()["in_force"]) == (2, True)
    shown = (await client.get("/v1/routing-rules/2")).json()
    assert shown["rules"] == [AWAY]
    page = (await client.get("/v1/routing-rules")).json()
    assert [one["version"] for one in page["versions"]] == [2, 1]
    audit = (await client.get("/v1/routing-audit")).json()["audit"]
    assert [one["action"] for one in audit] == [
        "rolled back to 1", "archived", "published", "drafted",
    ]  # fmt: skip


async def test_what_is_wrong_is_said(client):
    """Wrong fields are findings with advice; wrong forms are refused."""
    rule = {"id": "r", "kind": "capacity", "goals": ["cost"]}
    made = (await client.post("/v1/routing-rules", json={"rules": [rule]})).json()
    assert {one["field"] for one in made["findings"]} == {"goals", "units"}
    strange = await client.post("/v1/routing-rules", json={"rules": [{**AWAY, "unit": 2}]})
    assert is_problem(strange, 422, "validation_failed")
    assert is_problem(await client.get("/v1/routing-rules/9"), 404, "not_found")
    assert is_problem(
        await client.post("/v1/routing/dry-run?version=9", json=ORDER), 404, "not_found"
    )
    assert is_problem(await client.post("/v1/routing/dry-run", json=ORDER), 409,
                      "shipping_not_offered")  # fmt: skip
    assert is_problem(await client.get("/v1/orders/nope/routing"), 404, "not_found")


async def test_what_somebody_else_made_of_a_draft_is_not_lost(client, world):
    """Who edits says what they read: changed since, it is refused, and the edit before it stays."""
    made = await client.post("/v1/routing-rules", json={"rules": []})
    read = {"If-Match": f'"{made.json()["reading"]}"'}
    body = {"rules": [AWAY]}
    first = await client.put("/v1/routing-rules/1", json=body, headers=read)
    assert (first.status_code, len(first.json()["rules"])) == (200, 1)
    second = await client.put("/v1/routing-rules/1", json={"rules": []}, headers=read)
    assert is_problem(second, 412, "changed_since_read")
    assert len((await client.get("/v1/routing-rules/1")).json()["rules"]) == 1
