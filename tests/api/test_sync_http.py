"""The sync protocol over HTTP: frames, refusals as problems, ranges, pokes, scopes."""

import hashlib
import json

import anyio
import pytest
import zstandard

from central_server.records import Price
from sync.transport import frames
from tests.api.test_orders_http import is_problem
from tests.support.central_world import whole_pickup

pytestmark = pytest.mark.anyio

PUSH_HEADERS = {"Content-Type": frames.CONTENT_TYPE, "Content-Encoding": "zstd"}


@pytest.fixture
def store(world):
    """A device of S001 with a session."""
    return world.device("S001")


@pytest.fixture
def session(store):
    """Its header."""
    return {"Authorization": f"Bearer {store.token}"}


async def push(client, session, store, first=1):
    body = frames.pack(*store.frame(first))
    return await client.post("/v1/sync/push", content=body, headers={**session, **PUSH_HEADERS})


def pulled(answer):
    header, *rows = (json.loads(line) for line in unpacked(answer).splitlines())
    return header, rows


def unpacked(answer):
    # httpx may have decoded the body itself.
    content = answer.content
    is_packed = content[:4] == b"\x28\xb5\x2f\xfd"
    return frames.decompress(content, 1 << 26) if is_packed else content


async def test_enrol_hello_and_a_first_pull(client, world):
    """A new device gets in with a code once, says hello, and reads its scopes."""
    from tests.support.central_world import Device

    device = Device(world, "S002")
    code = (await client.post("/v1/admin/enrolment-codes", json={"location_id": "S002"})).json()
    body = {
        "code": code["code"].lower(), "replica_id": device.replica_id,
        "install_nonce": device.nonce, "app_version": "1.0",
        "public_key": device.key.public_key().public_bytes_raw().hex(),
    }  # fmt: skip
    enrolled = await client.post("/v1/devices/enrol", json=body)
    assert enrolled.status_code == 201
    assert enrolled.json()["scopes"] == ["catalogue", "prices:EAST", "store:S002"]
    again = await client.post("/v1/devices/enrol", json={**body, "replica_id": "R-other"})
    assert is_problem(again, 403, "enrolment_refused")
    hello = device.hello_request()
    answer = (await client.post("/v1/sync/hello", json=hello.model_dump())).json()
    headers = {"Authorization": f"Bearer {answer['session_token']}"}
    page = await client.get("/v1/sync/pull?scope=store:S002", headers=headers)
    header, rows = pulled(page)
    assert (header["count"], header["more"], len(rows)) == (6, False, 6)
    assert {row["e"] for row in rows} == {"store", "stock"}


async def test_code_is_over_after_ten_minutes(client, world):
    """An old code lets nobody in."""
    from tests.support.central_world import Device

    device = Device(world, "S002")
    made = world.parts.central.enrolment.create_code("S002")
    world.clock.advance(10 * 60_000)
    body = {
        "code": made["code"], "replica_id": "R", "install_nonce": "n", "app_version": "1",
        "public_key": device.key.public_key().public_bytes_raw().hex(),
    }  # fmt: skip
    assert is_problem(await client.post("/v1/devices/enrol", json=body), 403, "enrolment_refused")


async def test_hello_refusals(client, world, store):
    """Old nonce, foreign signature, other installation, other version, retired device."""

    async def hello(request):
        return await client.post("/v1/sync/hello", json=request.model_dump())

    old = store.hello_request()
    world.clock.advance(61_000)
    assert is_problem(await hello(old), 401, "not_authentic")
    forged = store.hello_request().model_copy(update={"last_seq": 7})
    assert is_problem(await hello(forged), 401, "not_authentic")
    clone = store.hello_request(install_nonce="another machine")
    assert is_problem(await hello(clone), 409, "duplicate_replica")
    newer = store.hello_request(protocol_min=9, protocol_max=9)
    assert is_problem(await hello(newer), 426, "version_unsupported")
    world.parts.central.enrolment.create_code("S001", replace=True)
    assert is_problem(await hello(store.hello_request()), 403, "replica_disabled")


async def test_push_is_taken_and_repeated(client, world, store, session):
    """A push is answered with what central has; sent again, it is answered the same."""
    placed = world.place()
    store.do(*whole_pickup(world.fulfillments(placed.order_id)[0]))
    first = await push(client, session, store)
    assert (first.status_code, first.json()["acked_seq"]) == (200, 5)
    assert (await push(client, session, store)).json() == first.json()
    assert world.stock("S001") == (8, 0)


async def test_answers_to_devices_carry_no_house_headers(client, store, session):
    """What a device asked for comes bare; a refusal and answers to people keep their trace id."""
    good = await push(client, session, store)
    assert set(good.headers) <= {"content-length", "content-type", "content-encoding"}
    refused = await client.get("/v1/sync/pull?scope=store:S001")
    assert refused.headers["x-trace-id"] == refused.json()["trace_id"]
    assert "x-trace-id" in (await client.get("/v1/stores")).headers


async def test_push_refusals_are_problems_with_data(client, world, store, session):
    """Gap with the expected number; fork; a broken frame; another replica's session."""
    store.do(*whole_pickup(world.fulfillments(world.place().order_id)[0]))
    gap = await push(client, session, store, first=3)
    assert is_problem(gap, 409, "gap")
    assert gap.json()["expected_seq"] == 1
    await push(client, session, store)
    store.hashes[2] = b"\0" * 32
    assert is_problem(await push(client, session, store, first=3), 409, "fork")
    broken = {**session, **PUSH_HEADERS}
    answer = await client.post("/v1/sync/push", content=b"not zstd", headers=broken)
    assert is_problem(answer, 400, "frame_unreadable")
    stale = store.frame(1)[0].model_copy(update={"epoch": 0})
    body = frames.pack(stale, store.frame(1)[1])
    answer = await client.post("/v1/sync/push", content=body, headers=broken)
    assert is_problem(answer, 409, "epoch_stale")


async def test_frame_that_unpacks_to_too_much_is_refused(client, session):
    """A small body that would fill the memory is cut off while it is unpacked."""
    bomb = zstandard.ZstdCompressor().compress(b"\n" * (64 * 1024 * 1024))
    assert len(bomb) < 64 * 1024
    answer = await client.post("/v1/sync/push", content=bomb, headers={**session, **PUSH_HEADERS})
    assert is_problem(answer, 400, "frame_unreadable")


async def test_session_is_needed_and_ends(client, world, store, session):
    """No session, a forged one, an old one: 401. A retired device: 403 at once."""
    path = "/v1/sync/pull?scope=catalogue"
    assert is_problem(await client.get(path, headers={"Authorization": ""}), 401, "not_authentic")
    forged = {"Authorization": f"Bearer {store.token}x"}
    assert is_problem(await client.get(path, headers=forged), 401, "not_authentic")
    assert (await client.get(path, headers=session)).status_code == 200
    world.parts.central.enrolment.create_code("S001", replace=True)
    assert is_problem(await client.get(path, headers=session), 403, "replica_disabled")
    world.clock.advance(16 * 60_000)
    assert is_problem(await client.get(path, headers=session), 401, "not_authentic")


async def test_store_reads_only_its_own_scopes(client, session):
    """Another store's rows, or another zone's prices, are never given out."""
    for scope in ("store:S002", "prices:WEST", "store:", "nonsense"):
        for path in (f"/v1/sync/pull?scope={scope}", f"/v1/sync/snapshot/{scope}"):
            answer = await client.get(path, headers=session)
            assert is_problem(answer, 403, "scope_missing"), path


async def test_pull_goes_on_where_it_was(client, world, session):
    """Pages end with the scope's checksum; a cursor of another life is 410."""
    first = await client.get("/v1/sync/pull?scope=catalogue&limit=3", headers=session)
    header, rows = pulled(first)
    assert (header["more"], len(rows)) == (True, 3)
    place = f"/v1/sync/pull?scope=catalogue&inc={header['incarnation']}&after={header['to']}"
    header, rows = pulled(await client.get(place, headers=session))
    assert (header["more"], len(rows), header["rows_live"]) == (False, 2, 5)
    other = "/v1/sync/pull?scope=catalogue&inc=99&after=3"
    answer = await client.get(other, headers=session)
    assert is_problem(answer, 410, "cursor_expired")
    packed = await client.get(place, headers={**session, "Accept-Encoding": "zstd"})
    assert packed.headers["content-encoding"] == "zstd"
    assert pulled(packed) == (header, rows)


async def test_snapshot_is_fetched_in_ranges(client, session):
    """The file answers ranges, names its hash as ETag, and refuses what it has not."""
    manifest = (await client.get("/v1/sync/snapshot/prices:EAST", headers=session)).json()
    path = "/v1/sync/snapshot/prices:EAST/file"
    whole = await client.get(path, headers=session)
    size = manifest["bytes_compressed"]
    assert (whole.status_code, len(whole.content)) == (200, size)
    assert hashlib.sha256(whole.content).hexdigest() == manifest["sha256"]
    part = await client.get(path, headers={**session, "Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{size}"
    beyond = await client.get(path, headers={**session, "Range": f"bytes={size}-"})
    assert is_problem(beyond, 416, "range_not_satisfiable")
    other = await client.get(path, headers={**session, "If-Match": '"other"'})
    assert is_problem(other, 412, "precondition_failed")
    own = await client.get("/v1/sync/snapshot/store:S001", headers=session)
    assert is_problem(own, 404, "not_found")


async def test_a_store_in_the_middle_of_an_older_snapshot_goes_on(client, world, session):
    """While prices change faster than a slow line downloads them, the download comes to its end."""
    path, prices = "/v1/sync/snapshot/prices:EAST", world.parts.intake.prices
    first = (await client.get(path, headers=session)).json()
    asked = {**session, "Range": "bytes=0-9", "If-Match": f'"{first["sha256"]}"'}
    for cents in range(1, 402):  # five SKUs each: more rows than a snapshot may be behind
        prices([Price("EAST", f"SKU-{n}", cents, "USD") for n in range(1, 6)])
    second = (await client.get(path, headers=session)).json()
    assert second["rev"] > first["rev"]
    part = await client.get(path + "/file", headers=asked)
    assert (part.status_code, len(part.content)) == (206, 10)
    assert part.headers["etag"] == asked["If-Match"]
    assert part.headers["content-range"] == f"bytes 0-9/{first['bytes_compressed']}"
    world.parts.database.write(lambda unit: unit.meta.begin_new_life())
    over = await client.get(path + "/file", headers=asked)
    assert is_problem(over, 412, "precondition_failed")


async def test_new_order_pokes_its_store(client, world, session):
    """A stream of a store hears of its scope, and ends when central drains."""
    answers = []

    async def listen():
        answers.append(await client.get("/v1/sync/events", headers=session))

    async with anyio.create_task_group() as group:
        group.start_soon(listen)
        with anyio.fail_after(10):
            while not world.parts.central.pokes.count():  # noqa: ASYNC110 - it has no event
                await anyio.sleep(0.01)
            await anyio.to_thread.run_sync(world.place)
            await anyio.sleep(0.05)
            world.parts.central.pokes.close()
    (answer,) = answers
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.startswith(": connected")
    (data,) = [line for line in answer.text.splitlines() if line.startswith("data:")]
    assert json.loads(data.removeprefix("data:"))["scope"] == "store:S001"
    assert world.parts.central.pokes.count() == 0
