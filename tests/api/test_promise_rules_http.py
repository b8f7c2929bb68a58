"""Rules of promising over HTTP."""

from random import Random

import httpx
import pytest

from central_server.bootstrap import assemble
from central_server.records import Product
from tests.api.test_orders_http import is_problem

pytestmark = pytest.mark.anyio
KEEP_ONE = {"id": "keep-one", "kind": "safety_stock", "units": 1}


async def promised(client) -> int:
    """Return what the first store offers of a SKU."""
    asked = {"sku": "SKU-1", "location": "S001"}
    (one,) = (await client.get("/v1/availability", params=asked)).json()["availability"]
    return one["available_to_promise"]


async def test_rules_are_drafted_previewed_and_published(client, world):
    """Previewed, refused to its writer, published by another key, rolled back, archived."""
    made = await client.post("/v1/promise-rules", json={"rules": [KEEP_ONE], "note": "start"})
    assert (made.status_code, made.json()["state"]) == (201, "draft")
    preview = (await client.get("/v1/promise-rules/1/preview")).json()
    assert (preview["units_before"], preview["units_after"]) == (150, 135)
    body = {"note": "go", "effective_from": "2020-01-01T00:00:00Z"}
    refused = await client.post("/v1/promise-rules/1/publish", json=body)
    assert is_problem(refused, 403, "needs_approval")
    lee = {"Authorization": f"Bearer {world.parts.central.keys.create('lee', ('admin',))}"}
    blind = await client.post("/v1/promise-rules/1/publish", json=body, headers=lee)
    assert is_problem(blind, 428, "read_it_first")
    lee["If-Match"] = '"0123456789abcdef"'
    other = await client.post("/v1/promise-rules/1/publish", json=body, headers=lee)
    assert is_problem(other, 412, "changed_since_read")
    lee["If-Match"] = f'"{made.json()["reading"]}"'
    published = await client.post("/v1/promise-rules/1/publish", json=body, headers=lee)
    assert (published.status_code, published.json()["in_force"]) == (200, True)
    again = await client.put("/v1/promise-rules/1", json={"rules": []})
    assert is_problem(again, 409, "version_fixed")
    await client.post("/v1/promise-rules/1/archive", json={"note": "over"})
    assert await promised(client) == 10
    back = await client.post("/v1/promise-rules/1/roll-back", json={"note": "sorry"})
    assert (back.json()["version"], back.json()["in_force"]) == (2, True)
    assert await promised(client) == 9
    shown = (await client.get("/v1/promise-rules/2")).json()
    assert shown["rules"] == [{**KEEP_ONE, "level": "node"}]
    page = (await client.get("/v1/promise-rules")).json()
    assert [one["version"] for one in page["versions"]] == [2, 1]
    audit = (await client.get("/v1/promise-audit")).json()["audit"]
    assert [one["action"] for one in audit] == [
        "rolled back to 1", "archived", "published", "drafted",
    ]  # fmt: skip


async def test_what_never_held_is_not_rolled_back_to(client):
    """Rolling back needs no second person, so it is for what did hold; and only for versions."""
    await client.post("/v1/promise-rules", json={"rules": [KEEP_ONE]})
    refused = await client.post("/v1/promise-rules/1/roll-back", json={})
    assert is_problem(refused, 409, "version_fixed")
    missing = await client.post("/v1/promise-rules/7/roll-back", json={})
    assert is_problem(missing, 404, "not_found")


async def test_wrong_rules_are_pointed_at(client, world):
    """What the form allows and sense does not is a finding; it keeps a version from publishing."""
    rule = {"id": "r", "kind": "holdback", "skus": ["nope"]}
    made = await client.post("/v1/promise-rules", json={"rules": [rule]})
    assert {one["field"] for one in made.json()["findings"]} == {"units", "skus"}
    lee = {"Authorization": f"Bearer {world.parts.central.keys.create('lee', ('admin',))}"}
    lee["If-Match"] = made.json()["reading"]
    answer = await client.post("/v1/promise-rules/1/publish", json={}, headers=lee)
    assert is_problem(answer, 422, "rules_invalid")
    assert "say how many units were agreed" in answer.json()["detail"]
    strange = await client.post("/v1/promise-rules", json={"rules": [{**KEEP_ONE, "unit": 2}]})
    assert is_problem(strange, 422, "validation_failed")
    assert is_problem(await client.get("/v1/promise-rules/9"), 404, "not_found")


async def test_availability_over_http(client):
    """One call for a page: at stores, near a point, or of the network; explained on demand."""
    near = {"sku": "SKU-1", "near": "39.9,-83.1", "radius_km": 20, "explain": "1"}
    answer = (await client.get("/v1/availability", params=near)).json()
    (one,) = answer["availability"]
    assert (one["location_id"], one["explained"][0]) == (
        "S001", {"term": "on_hand", "units": 10, "rule": None},
    )  # fmt: skip
    page = {"sku": ["SKU-1", "SKU-2"], "scope": "network", "channel": "marketplace"}
    answer = (await client.get("/v1/availability", params=page)).json()
    assert [one["available_to_promise"] for one in answer["network"]] == [30, 30]
    nowhere = await client.get("/v1/availability?sku=SKU-1&near=99,0")
    assert is_problem(nowhere, 422, "validation_failed")


async def test_a_sku_may_have_a_slash(world, client):
    """A SKU is the retailer's own, 12/34 as well: its kit and its release date can be had."""
    world.parts.intake.products([Product("12/34", "Two in one")])
    made = await client.put("/v1/bundles/12%2F34", json={"components": {"SKU-1": 2}})
    assert (made.status_code, made.json()["sku"]) == (200, "12/34")
    assert (await client.get("/v1/bundles/12%2F34")).json() == made.json()
    release = {"release_at": None}
    said = await client.put("/v1/release-dates/12%2F34", json=release)
    assert (said.status_code, said.json()["sku"]) == (200, "12/34")
    assert (await client.get("/v1/release-dates/12%2F34")).status_code == 200
    wrong = await client.delete("/v1/bundles/12%2F34")
    assert is_problem(wrong, 405, "method_not_allowed")
    assert wrong.headers["allow"] == "GET, PUT"


async def test_kits_and_receipts_over_http(client):
    """What kits are made of and what is on its way is told to central, and asked of it."""
    made = await client.put("/v1/bundles/SKU-5", json={"components": {"SKU-1": 2}})
    assert is_problem(made, 422, "bundle_invalid")
    assert is_problem(await client.get("/v1/bundles/SKU-5"), 404, "not_found")
    body = {
        "location_id": "S001", "sku": "SKU-1", "units": 5, "due_at": "2099-01-01T00:00:00Z",
    }  # fmt: skip
    assert (await client.put("/v1/receipts/R1", json=body)).json()["claimed"] == 0
    found = (await client.get("/v1/receipts?sku=SKU-1")).json()["receipts"]
    assert [one["id"] for one in found] == ["R1"]
    for said in ({"units": 5}, {"units": 5}, None):
        closed = await client.post("/v1/receipts/R1/close", json=said)
        assert (closed.status_code, closed.json()["id"]) == (200, "R1")
    again = await client.post("/v1/receipts/R1/close", json={"units": 4})
    assert again.status_code == 200
    exceptions = (await client.get("/v1/admin/exceptions")).json()
    assert ["closed with 5 units" in one["text"] for one in exceptions["exceptions"]] == [True]
    assert is_problem(await client.post("/v1/receipts/R2/close"), 404, "not_found")


async def test_the_feed_over_http(client, world):
    """The whole feed first, then only what changed after its cursor."""
    publisher = world.parts.publisher
    while publisher.run():
        pass
    whole = (await client.get("/v1/availability/feed?limit=3")).json()
    assert (len(whole["items"]), whole["more"]) == (3, True)
    params = {"after": whole["next"]}
    rest = (await client.get("/v1/availability/feed", params=params)).json()
    assert (len(rest["items"]), rest["more"]) == (2, False)
    strange = await client.get("/v1/availability/feed?after=abc")
    assert is_problem(strange, 400, "cursor_invalid")


@pytest.mark.parametrize("other", [{"method": "ship"}, {"channel": "marketplace"}])
async def test_a_cursor_of_another_feed_is_refused(client, world, other):
    """Feeds count by themselves: with another's cursor changes would be skipped in silence."""
    while world.parts.publisher.run():
        pass
    url = "/v1/availability/feed"
    here = {"after": (await client.get(url)).json()["next"]}
    assert (await client.get(url, params=here)).status_code == 200
    assert is_problem(await client.get(url, params=here | other), 400, "cursor_invalid")
    there = {"after": (await client.get(url, params=other)).json()["next"]}
    assert (await client.get(url, params=there | other)).status_code == 200


async def test_the_feed_of_a_place(world, key):
    """Its own pages and cursors where settings name it; 404 where they do not."""
    settings = world.parts.settings.model_copy(update={"availability_feed_locations": ("S002",)})
    parts = assemble(settings, world.database, clock=world.clock, random=Random(3))
    while parts.publisher.run():
        pass
    transport = httpx.ASGITransport(app=parts.app(), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://central", headers=headers
    ) as client:
        url = "/v1/availability/feed"
        page = (await client.get(url, params={"location": "S002", "limit": 3})).json()
        assert (page["location_id"], page["more"], len(page["items"])) == ("S002", True, 3)
        assert page["items"][0]["available_to_promise"] == 10
        params = {"location": "S002", "after": page["next"]}
        rest = (await client.get(url, params=params)).json()
        assert (rest["more"], len(rest["items"])) == (False, 2)
        assert (await client.get(url)).json()["location_id"] is None
        elsewhere = await client.get(url, params={"after": page["next"]})
        assert is_problem(elsewhere, 400, "cursor_invalid")
        assert is_problem(await client.get(f"{url}?location=S001"), 404, "not_found")


async def test_what_somebody_else_made_of_a_draft_is_not_lost(client, world):
    """Who edits says what they read: changed since, it is refused, and the edit before it stays."""
    made = await client.post("/v1/promise-rules", json={"rules": []})
    read = {"If-Match": f'"{made.json()["reading"]}"'}
    body = {"rules": [KEEP_ONE]}
    first = await client.put("/v1/promise-rules/1", json=body, headers=read)
    assert (first.status_code, len(first.json()["rules"])) == (200, 1)
    second = await client.put("/v1/promise-rules/1", json={"rules": []}, headers=read)
    assert is_problem(second, 412, "changed_since_read")
    assert len((await client.get("/v1/promise-rules/1")).json()["rules"]) == 1
