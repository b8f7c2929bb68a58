"""The shorter way to frequent calls answers as the usual way does."""

import json

import pytest

pytestmark = pytest.mark.anyio

USUAL = "application/json; charset=utf-8"
"""A type of body that is not read directly."""


async def both_ways(client, content: bytes, key: str, **headers: str) -> list:
    """Return (status, code or first lines) of a body sent the short and the usual way."""
    found = []
    for kind in ("application/json", USUAL):
        answer = await client.post(
            "/v1/orders", content=content,
            headers={"Content-Type": kind, "Idempotency-Key": key} | headers,
        )  # fmt: skip
        body = answer.json()
        found.append((answer.status_code, body.get("code"), body.get("errors"), body.get("id")))
    return found


async def test_both_ways_agree(client, order_body):
    """Whatever is sent: the same order, or the same refusal, and one way repeats the other."""
    good = order_body()
    line = good["lines"][0]
    bodies = [
        good,
        good | {"channel": "store"},
        good | {"latitude": 1},
        good | {"lines": []},
        good | {"lines": {"0": line}},
        good | {"lines": [line | {"quantity": 1.0}]},
        good | {"lines": [line | {"quantity": "1"}]},
        good | {"lines": [line | {"quantity": True}]},
        good | {"lines": [line | {"unit_price_minor": None}]},
        good | {"accept_later": 1},
        good | {"accept_later": "yes"},
        good | {"curbside": None},
        good | {"currency": "usd"},
        good | {"customer": {"name": "A\tB"}},
        good | {"customer": {"name": "A\x85B"}},
        good | {"customer": {"name": 7}},
        good | {"customer": {"name": "4111 1111 1111 1111"}},
        good | {"location_id": ""},
        [good],
        None,
    ]
    contents = [json.dumps(one).encode() for one in bodies]
    contents += [b"", b"{", b"\xff", json.dumps(good).encode("utf-16"), b'{"lines": NaN}']
    contents.append(json.dumps(good | {"proxy_name": "\ud800"}).encode())
    for number, content in enumerate(contents):
        short, usual = await both_ways(client, content, f"way-{number}")
        assert short == usual, content


async def test_who_may_not_is_refused_alike(client, world, order_body):
    """A missing, wrong or narrow key, and a missing name of the request."""
    content = json.dumps(order_body()).encode()
    reader = world.parts.central.keys.create("reader", ("orders:read",))
    for authorization in ("", "Bearer", "Basic eDp5", "Bearer hs_nope_nope", f"Bearer {reader}"):
        short, usual = await both_ways(client, content, "k", Authorization=authorization)
        assert short == usual
        assert short[0] in {401, 403}
    short, usual = await both_ways(client, content, "")
    assert short == usual
    assert short[1] == "idempotency_key_missing"
