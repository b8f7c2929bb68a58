"""Cancelling units over HTTP."""

import pytest

from tests.api.test_orders_http import is_problem, place

pytestmark = pytest.mark.anyio


async def cancel(client, order_id, *units, key="c1", **changes):
    """Send (line, quantity) to be cancelled."""
    lines = [{"line": line, "quantity": quantity} for line, quantity in units]
    return await client.post(
        f"/v1/orders/{order_id}/cancellations",
        json={"lines": lines, **changes},
        headers={"Idempotency-Key": key} if key else {},
    )


async def test_units_are_cancelled_once(client, order_body):
    """The answer is the order; the same request again is replayed and marked."""
    order_id = (await place(client, order_body(3))).json()["id"]
    answer = await cancel(client, order_id, (1, 1), reason="one too many")
    assert (answer.status_code, answer.json()["lines"][0]["cancelled"]) == (200, 1)
    again = await cancel(client, order_id, (1, 1), reason="one too many")
    assert (again.content, again.headers["idempotency-replayed"]) == (answer.content, "true")
    found = (await client.get(f"/v1/orders/{order_id}")).json()
    assert found["lines"][0]["cancelled"] == 1
    assert "(one too many)" in found["timeline"][-1]["text"]


async def test_a_key_belongs_to_one_order_and_one_body(client, order_body):
    """It is required, and not used for anything else; also not for placing an order."""
    order_id = (await place(client, order_body(3), "k1")).json()["id"]
    other = (await place(client, order_body(3), "k2")).json()["id"]
    nameless = await cancel(client, order_id, (1, 1), key="")
    assert is_problem(nameless, 400, "idempotency_key_missing")
    await cancel(client, order_id, (1, 1))
    for refused in (
        await cancel(client, order_id, (1, 2)),
        await cancel(client, other, (1, 1)),
        await cancel(client, other, (1, 1), key="k1"),
    ):
        assert is_problem(refused, 422, "idempotency_key_reused")


@pytest.mark.parametrize("units", [(), ((1, 0),), ((1, 1), (1, 1))])
async def test_what_makes_no_sense_is_refused(client, order_body, units):
    """No units, none of a line, a line twice: 422, and nothing is cancelled."""
    order_id = (await place(client, order_body(3))).json()["id"]
    assert is_problem(await cancel(client, order_id, *units), 422, "validation_failed")
    assert (await client.get(f"/v1/orders/{order_id}")).json()["lines"][0]["cancelled"] == 0


async def test_what_there_is_not_is_named(client, order_body):
    """422 with how many are still to come; 404 for no order; 409 for what is paid in a store."""
    order_id = (await place(client, order_body(3))).json()["id"]
    refused = await cancel(client, order_id, (1, 4))
    assert is_problem(refused, 422, "order_change_invalid")
    assert "line 1 has 3" in refused.json()["detail"]
    assert is_problem(await cancel(client, "nope", (1, 1)), 404, "not_found")
    held = (await place(client, order_body(2, payment="in_store"), "k3")).json()["id"]
    paid_there = await cancel(client, held, (1, 1), key="c3")
    assert is_problem(paid_there, 409, "reserved_in_store")
