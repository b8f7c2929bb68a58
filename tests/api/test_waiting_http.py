"""Orders that no location has, over HTTP: held, changed, cleared, and what nobody can fill."""

import pytest

from central_server.services.shipping import ADDRESS
from central_server.sourcing.routing_rules import HoldKind, RoutingRule, RoutingRuleKind
from tests.api.test_orders_http import is_problem
from tests.api.test_routing_rules_http import ORDER
from tests.central_server.services.test_routing_rules import publish
from tests.central_server.services.test_waiting_room import unfillable
from tests.support.central_world import World
from tests.support.parcels import CARRIERS

pytestmark = pytest.mark.anyio


async def test_an_order_waits_and_goes_on(client, world: World):
    """Placed it has holds and no store; changed and cleared it has a store."""
    world.parts.intake.carriers(CARRIERS)
    publish(world, RoutingRule("look", RoutingRuleKind.ROUTE, hold_for=(HoldKind.PAYMENT,)))
    placed = await client.post("/v1/orders", json=ORDER, headers={"Idempotency-Key": "one"})
    order = placed.json()
    assert (placed.status_code, order["status"], order["fulfillments"]) == (201, "open", [])
    assert [one["kind"] for one in order["holds"]] == ["payment"]
    path = f"/v1/orders/{order['id']}"
    assert (await client.get(path)).json()["holds"] == order["holds"]
    (waiting,) = (await client.get("/v1/waiting-orders?kind=payment")).json()["waiting"]
    assert waiting["order_id"] == order["id"]
    more = await client.post(f"{path}/holds", json={"kind": "address", "note": "No such street."})
    assert [one["kind"] for one in more.json()["holds"]] == ["address", "payment"]
    changed = await client.post(f"{path}/changes", json={"lines": [{"line": 1, "quantity": 1}]})
    assert changed.json()["lines"][0]["unsourced"] == 1
    wrong = await client.post(f"{path}/changes", json={"lines": [{"line": 1, "quantity": 5}]})
    assert is_problem(wrong, 422, "order_change_invalid")
    await client.post(f"{path}/holds/address/clear", json={"note": "corrected"})
    cleared = await client.post(f"{path}/holds/payment/clear", json={"note": "paid"})
    assert [one["location_id"] for one in cleared.json()["fulfillments"]] == ["S001"]
    late = await client.post(f"{path}/changes", json={"lines": [{"line": 1, "quantity": 1}]})
    assert is_problem(late, 409, "not_held")


async def test_another_address_leaves_the_method_alone(client, world: World):
    """An express order goes by express to the corrected street, until a change names a method."""
    world.parts.intake.carriers(CARRIERS)
    publish(world, RoutingRule("look", RoutingRuleKind.ROUTE, hold_for=(HoldKind.PAYMENT,)))
    home = ORDER["ship_to"]
    assert isinstance(home, dict)
    body = {**ORDER, "ship_to": {**home, "method": "express"}}
    placed = await client.post("/v1/orders", json=body, headers={"Idempotency-Key": "one"})
    order_id = placed.json()["id"]

    async def changed(**words: str) -> tuple[str, str]:
        to = {"ship_to": {**home, **words}}
        answer = await client.post(f"/v1/orders/{order_id}/changes", json=to)
        assert answer.status_code == 200
        with world.database.read() as view:
            order = view.orders.get(order_id)
        assert order is not None
        return ADDRESS.validate_json(order.ship_to).line1, order.ship_method

    assert await changed(line1="14 Elm Street") == ("14 Elm Street", "express")
    assert await changed(method="standard") == ("12 Elm Street", "standard")


async def test_the_unfillable_are_settled(client, world: World):
    """Listed with what is missing; each action is one call, and wrong ones say why."""
    world.parts.intake.carriers(CARRIERS)
    order_id = unfillable(world)
    (listed,) = (await client.get("/v1/unfillable-orders")).json()["orders"]
    assert listed["order_id"] == order_id
    path = f"/v1/orders/{order_id}/unfillable"
    for action in ("route_again", "back_order"):
        answer = await client.post(path, json={"action": action})
        assert is_problem(answer, 409, "insufficient_stock")
    half = await client.post(path, json={"action": "substitute", "line": 1})
    assert is_problem(half, 422, "validation_failed")
    done = await client.post(path, json={"action": "substitute", "line": 1, "sku": "SKU-3"})
    assert done.json()["lines"][1]["sku"] == "SKU-3"
    again = await client.post(path, json={"action": "cancel"})
    assert is_problem(again, 409, "nothing_unsourced")
