"""Rules of promising over HTTP."""

import pytest

from tests.api.test_orders_http import is_problem

pytestmark = pytest.mark.anyio
KEEP_ONE = {"id": "keep-one", "kind": "safety_stock", "units": 1}


async def test_rules_are_drafted_previewed_and_published(client):
    """The whole life of a version, and what is in force afterwards."""
    made = await client.post("/v1/promise-rules", json={"rules": [KEEP_ONE], "note": "start"})
    assert (made.status_code, made.json()["state"]) == (201, "draft")
    preview = (await client.get("/v1/promise-rules/1/preview")).json()
    assert (preview["units_before"], preview["units_after"]) == (150, 135)
    body = {"note": "go", "effective_from": "2020-01-01T00:00:00Z"}
    published = await client.post("/v1/promise-rules/1/publish", json=body)
    assert (published.status_code, published.json()["in_force"]) == (200, True)
    again = await client.put("/v1/promise-rules/1", json={"rules": []})
    assert is_problem(again, 409, "version_fixed")
    page = (await client.get("/v1/promise-rules")).json()
    assert [one["version"] for one in page["versions"]] == [1]
    await client.post("/v1/promise-rules/1/archive", json={"note": "over"})
    audit = (await client.get("/v1/promise-rules/audit")).json()["audit"]
    assert [one["action"] for one in audit] == ["archived", "published", "drafted"]


async def test_wrong_rules_are_pointed_at(client):
    """What the form allows and sense does not is a finding; it keeps a version from publishing."""
    rule = {"id": "r", "kind": "holdback", "skus": ["nope"]}
    made = await client.post("/v1/promise-rules", json={"rules": [rule]})
    assert {one["field"] for one in made.json()["findings"]} == {"units", "skus"}
    answer = await client.post("/v1/promise-rules/1/publish", json={})
    assert is_problem(answer, 422, "rules_invalid")
    assert "say how many units were agreed" in answer.json()["detail"]
    strange = await client.post("/v1/promise-rules", json={"rules": [{**KEEP_ONE, "unit": 2}]})
    assert is_problem(strange, 422, "validation_failed")
    assert is_problem(await client.get("/v1/promise-rules/9"), 404, "not_found")
