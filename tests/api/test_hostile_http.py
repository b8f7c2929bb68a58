"""What nobody should send: it is refused in the house's words, and nothing stays broken."""

import json

import pytest

from central_server.web.pagination import encode_cursor
from sync.domain import operations as op
from sync.protocol.session import PushHeader
from sync.transport import frames
from tests.api.test_orders_http import is_problem, place

pytestmark = pytest.mark.anyio

BEYOND_64_BITS = 10**30


@pytest.fixture
def store(world):
    """A device of S001 with a session."""
    return world.device("S001")


@pytest.mark.parametrize("at_ms", [10**18, -(10**18), 2**63 - 1, 253_402_300_800_000])
async def test_a_claimed_time_beyond_the_calendar_leaves_the_order_usable(
    client, world, store, order_body, at_ms
):
    """A device's clock is a claim: its order is still read, and still cancelled."""
    placed = (await place(client, order_body())).json()
    fulfillment = placed["fulfillments"][0]["id"]
    store.do(
        op.LinePicked(fulfillment, 1, 2), op.Staged(fulfillment, "A1"),
        op.MarkedReady(fulfillment, ready_at_ms=at_ms, expires_at_ms=at_ms),
        at_ms=at_ms,
    )  # fmt: skip
    assert store.push().acked_seq == 3
    assert (await client.get(f"/v1/orders/{placed['id']}")).status_code == 200
    assert (await client.post(f"/v1/orders/{placed['id']}/cancel")).status_code == 200


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/stores"])
@pytest.mark.parametrize(
    "parts", [(BEYOND_64_BITS, "x"), (1, "\ud800"), ("\ud800",), ("\0",), (1, "\0")]
)
async def test_a_cursor_that_no_database_could_hold_is_invalid(client, path, parts):
    """A made-up cursor is a 400 problem, whatever is in it."""
    answer = await client.get(path, params={"cursor": encode_cursor(*parts)})
    assert is_problem(answer, 400, "cursor_invalid")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/bundles/SKU-5", {"components": {"SKU-1\0": 1}}),
        ("/v1/promise-rules/1", {"rules": [
            {"id": "r", "kind": "safety_stock", "units": 1, "skus": ["SKU-1", "SKU\0"]}
        ]}),
    ],
)  # fmt: skip
async def test_control_characters_are_refused_in_lists_and_names_too(client, path, body):
    """PostgreSQL keeps no NUL, wherever in a body it stands: that is the client's to mend."""
    assert is_problem(await client.put(path, json=body), 422, "validation_failed")


@pytest.mark.parametrize("text", ["a\0b", "\x1b[2Jcleared", "two\r\nlines", "a\x85b", "\x7f"])
@pytest.mark.parametrize("field", ["name", "proxy_name", "external_ref", "location_id", "sku"])
async def test_control_characters_are_refused(client, order_body, field, text):
    """They would reach databases that cannot keep them, messages, and terminals."""
    body = order_body()
    owner = {"name": body["customer"], "sku": body["lines"][0]}.get(field, body)
    owner[field] = text
    assert is_problem(await place(client, body), 422, "validation_failed")


@pytest.mark.parametrize(
    "address",
    ["/v1/orders?email=%00", "/v1/stores/%00", "/v1/availability?sku=%00&location=S001"],
)
async def test_an_address_with_nul_is_a_bad_request(client, address):
    """PostgreSQL keeps no NUL, so nothing can have such a name."""
    assert is_problem(await client.get(address), 400, "bad_request")


@pytest.mark.parametrize(
    "claim",
    [
        {"sent_at_ms": BEYOND_64_BITS}, {"sent_at_ms": 2**63 - 1}, {"backlog": BEYOND_64_BITS},
        {"app_version": "a\0b"}, {"epoch": BEYOND_64_BITS}, {"sent_at_ms": -(2**63)},
    ],
)  # fmt: skip
async def test_a_hello_that_cannot_be_kept_is_refused(client, store, claim):
    """A signed hello with impossible claims is the device's fault, not central's."""
    request = store.hello_request(**claim)
    answer = await client.post("/v1/sync/hello", content=request.model_dump_json())
    assert is_problem(answer, 422, "validation_failed")


@pytest.mark.parametrize(
    "claim",
    [
        {"known_seq": BEYOND_64_BITS}, {"known_seq": -BEYOND_64_BITS}, {"backlog": BEYOND_64_BITS},
        {"epoch": BEYOND_64_BITS}, {"backlog": 2**63},
        {"escrow": [{"sku": "S", "generation": 2**63, "granted": 0, "sold": 0, "over": 0}]},
        {"escrow": [{"sku": "\0", "generation": 1, "granted": 0, "sold": 0, "over": 0}]},
    ],
)  # fmt: skip
async def test_a_push_header_that_cannot_be_kept_is_unreadable(client, store, claim):
    """A header no database could hold is refused whole, before anything is touched."""
    header, _ = store.frame()
    document = {**header.model_dump(mode="json"), **claim}
    body = frames.pack(PushHeader.model_validate(document), ())
    answer = await client.post(
        "/v1/sync/push", content=body,
        headers={
            "Authorization": f"Bearer {store.token}", "Content-Type": frames.CONTENT_TYPE,
            "Content-Encoding": "zstd",
        },
    )  # fmt: skip
    assert is_problem(answer, 400, "frame_unreadable")


async def test_enrolment_with_a_nul_is_refused(client, store):
    """What a device says of itself is kept, so it must be text that can be."""
    body = {
        "code": "X", "replica_id": "R", "install_nonce": "N", "app_version": "a\0b",
        "public_key": store.key.public_key().public_bytes_raw().hex(),
    }  # fmt: skip
    answer = await client.post("/v1/devices/enrol", content=json.dumps(body))
    assert is_problem(answer, 422, "validation_failed")
