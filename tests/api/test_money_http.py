"""Gift cards, store credit and tender reports over HTTP."""

from itertools import count

import pytest

from central_server.money_records import MoneyEntry
from tests.api.test_orders_http import is_problem

pytestmark = pytest.mark.anyio
VALUES = "/v1/admin/stored-values"
AT_MS = 1_763_900_000_000
NUMBERS = count(1_000)
DAY = {"since": "2025-11-23T00:00:00Z", "before": "2025-11-24T00:00:00Z"}


async def issued(client, **changes) -> str:
    body = {"amount_minor": 2500, "currency": "USD", **changes}
    answer = await client.post(VALUES, json=body, headers=key(next(NUMBERS)))
    assert answer.status_code == 201, answer.text
    return answer.json()["code"]


def key(number: int) -> dict[str, str]:
    return {"Idempotency-Key": f"card-{number}"}


async def test_a_gift_card_is_issued_looked_up_blocked_and_given_back(client, world):
    """Blocked, nothing of it pays; its entries say who did what, and the books agree."""
    code = await issued(client)
    found = (await client.post(f"{VALUES}/lookup", json={"code": code.lower()})).json()
    assert (found["means"], found["balance"]["amount_minor"]) == ("gift_card", 2500)
    assert (found["is_blocked"], [one["amount_minor"] for one in found["entries"]]) == (
        False, [2500],
    )  # fmt: skip
    told = {"code": code, "note": "reported stolen"}
    blocked = (await client.post(f"{VALUES}/block", json=told)).json()
    assert (blocked["is_blocked"], blocked["balance"]["amount_minor"]) == (True, 0)
    assert blocked["blocked"] == {"amount_minor": 2500, "currency": "USD"}
    assert blocked["entries"][-1]["source"] == "blocked: tests: reported stolen"
    assert is_problem(await client.post(f"{VALUES}/block", json=told), 409, "nothing_to_block")
    for _ in range(2):
        back = (await client.post(f"{VALUES}/unblock", json=told)).json()
    assert (back["is_blocked"], back["balance"]["amount_minor"]) == (False, 2500)
    with world.database.read() as view:
        assert view.money.value_differences() == []


async def test_a_card_whose_answer_was_lost_is_issued_once(client, world):
    """The same key gives the same code, also when it was forgotten; another amount is refused."""
    body = {"amount_minor": 2500, "currency": "USD"}
    first = await client.post(VALUES, json=body, headers=key(1))
    code = first.json()["code"]
    await client.post(f"{VALUES}/block", json={"code": code, "note": "lost"})
    again = await client.post(VALUES, json=body, headers=key(1))
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    other = {**body, "amount_minor": 2600}
    answer = await client.post(VALUES, json=other, headers=key(1))
    assert is_problem(answer, 422, "idempotency_key_reused")
    world.database.write(lambda unit: unit.idempotency.forget(2 * AT_MS, sparing="import-"))
    late = await client.post(VALUES, json=body, headers=key(1))
    assert (late.status_code, late.json()) == (201, first.json())
    answer = await client.post(VALUES, json=other, headers=key(1))
    assert is_problem(answer, 422, "idempotency_key_reused")
    assert (await client.post(VALUES, json=body, headers=key(2))).json()["code"] != code
    assert is_problem(await client.post(VALUES, json=body), 400, "idempotency_key_missing")
    with world.database.read() as view:
        assert view.money.value_differences() == []


async def test_store_credit_in_another_currency_and_codes_that_nobody_has(client):
    """What is not known is not found; an amount is a whole number of minor units."""
    code = await issued(client, means="store_credit", currency="EUR")
    found = (await client.post(f"{VALUES}/lookup", json={"code": code})).json()
    assert (found["means"], found["balance"]["currency"]) == ("store_credit", "EUR")
    unknown = {"code": "NOSUCH-CODE", "note": "?"}
    assert is_problem(
        await client.post(f"{VALUES}/lookup", json={"code": "NOSUCH"}), 404, "not_found"
    )
    for path in ("block", "unblock"):
        answer = await client.post(f"{VALUES}/{path}", json=unknown)
        assert is_problem(answer, 404, "not_found")
    for wrong in ({"amount_minor": 0}, {"amount_minor": 1.5}, {"means": "cash"}):
        body = {"amount_minor": 1, "currency": "USD", **wrong}
        answer = await client.post(VALUES, json=body, headers=key(3))
        assert is_problem(answer, 422, "validation_failed")


async def test_the_tender_report_of_a_store_by_drawer_and_associate(client, world):
    """What the store's operations led to, in a time; it balances to the minor unit."""
    entries = [
        MoneyEntry("S001", account, amount, "USD", f"R/1/{number}", drawer, who, AT_MS + number)
        for number, (drawer, who, paid) in enumerate((("T1", "A1", 2000), ("T2", "A2", 500)))
        for account, amount in ((f"cash:{drawer}", paid), ("sales", -paid))
    ]
    world.database.write(lambda unit: unit.money.post(entries))
    answer = await client.get("/v1/admin/locations/S001/tenders", params=DAY)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert report["accounts"] == {"cash": 2500, "sales": -2500}
    assert report["by_drawer"]["T2"] == report["by_associate"]["A2"] == {"cash": 500, "sales": -500}
    assert report["is_balanced"]
    missing = await client.get("/v1/admin/locations/S999/tenders", params=DAY)
    assert is_problem(missing, 422, "unknown_location")


async def test_money_wants_an_administrators_key(client, world):
    """A shop's key reads and writes none of it."""
    shop = world.parts.central.keys.create("shop", ("orders:write", "stores:read"))
    client.headers["Authorization"] = f"Bearer {shop}"
    assert is_problem(
        await client.get("/v1/admin/locations/S001/tenders", params=DAY), 403, "scope_missing"
    )
    body = {"amount_minor": 1, "currency": "USD"}
    assert is_problem(await client.post(VALUES, json=body), 403, "scope_missing")
