"""Admission: a bounded number of stores at once, and an appointment for each of the others."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from central_server.app import build_api
from central_server.web.admission import RETRY_AFTER_S_MAX, Admission
from central_server.web.shell import (
    DEVICES_IN_WORK_MAX,
    DEVICES_WAITING_MAX,
    NEWCOMERS_WAITING_MAX,
    Figures,
    Shell,
)
from tests.support.builders import ManualClock

pytestmark = pytest.mark.anyio
INSIDE = DEVICES_IN_WORK_MAX + NEWCOMERS_WAITING_MAX


@pytest.fixture
def anyio_backend() -> str:
    """Asyncio is what central runs on."""
    return "asyncio"


def admission(clock: ManualClock, *, seats: int = 2, chairs: int = 4, newcomers: int = 1):
    return Admission(
        clock.monotonic_ms,
        in_work_max=seats, waiting_max=chairs, newcomers_waiting_max=newcomers,
    )  # fmt: skip


async def settled() -> None:
    """Let every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_no_more_than_the_seats_are_taken_and_the_next_one_follows():
    """Two seats: the third waits until one is given back."""
    place = admission(ManualClock())
    assert [await place.enter(is_newcomer=False) for _ in range(2)] == [0, 0]
    third = asyncio.create_task(place.enter(is_newcomer=False))
    await settled()
    assert not third.done()
    place.leave()
    assert await third == 0


async def test_who_finds_no_chair_gets_an_appointment():
    """Nobody waits on an open call behind more than the chairs."""
    place = admission(ManualClock())
    tasks = [asyncio.create_task(place.enter(is_newcomer=False)) for _ in range(8)]
    await settled()
    assert [task.result() > 0 for task in tasks if task.done()] == [False] * 2 + [True] * 2
    for _ in range(6):
        place.leave()
    assert [await task for task in tasks[2:6]] == [0] * 4


async def test_a_store_with_a_session_goes_before_one_that_wants_to_open_one():
    """Newcomers have fewer chairs: what was begun is finished first."""
    place = admission(ManualClock())
    for _ in range(2):
        await place.enter(is_newcomer=True)
    waiting = asyncio.create_task(place.enter(is_newcomer=True))
    await settled()
    assert await place.enter(is_newcomer=True) > 0
    known = asyncio.create_task(place.enter(is_newcomer=False))
    await settled()
    assert not known.done()
    for task in (waiting, known):
        task.cancel()


async def test_appointments_are_spread_at_the_pace_of_the_work():
    """A thousand stores that are turned away come back one after another, not together."""
    clock = ManualClock()
    place = admission(clock, chairs=1)
    for _ in range(2):
        await place.enter(is_newcomer=False)
    for _ in range(200):  # a call takes central 5 ms
        waiting = asyncio.create_task(place.enter(is_newcomer=False))
        await settled()
        clock.advance(5)
        place.leave()
        assert await waiting == 0
    waiting = asyncio.create_task(place.enter(is_newcomer=False))
    await settled()
    asked = [await place.enter(is_newcomer=True) for _ in range(1000)]
    assert asked == sorted(asked)
    assert 12 <= asked[-1] <= 18  # a thousand talks of three calls, 5 ms each
    assert max(map(asked.count, set(asked))) <= 100
    waiting.cancel()


async def test_no_appointment_is_later_than_the_limit():
    """However many come, nobody is sent away for long."""
    place = admission(ManualClock(), chairs=1)
    for _ in range(2):
        await place.enter(is_newcomer=False)
    waiting = asyncio.create_task(place.enter(is_newcomer=False))
    await settled()
    asked = [await place.enter(is_newcomer=True) for _ in range(20_000)]
    assert 1 <= min(asked) <= max(asked) <= RETRY_AFTER_S_MAX
    assert max(map(asked.count, set(asked))) < 20_000 / RETRY_AFTER_S_MAX * 1.2
    waiting.cancel()


async def test_one_that_hangs_up_while_it_waits_leaves_no_seat_taken():
    """A cancelled call gives up its chair and takes no seat."""
    place = admission(ManualClock(), seats=1)
    await place.enter(is_newcomer=False)
    gone = asyncio.create_task(place.enter(is_newcomer=False))
    await settled()
    gone.cancel()
    await settled()
    place.leave()
    assert await asyncio.wait_for(place.enter(is_newcomer=False), 1) == 0


class Slow:
    """An application that answers when it is let; events begin to stream before."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/v1/sync/") and scope["path"] != "/v1/sync/events":
            await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/v1/sync/events":
            await self.may_answer.wait()
        await send({"type": "http.response.body", "body": b"{}"})


@pytest.fixture
async def slow() -> Slow:
    return Slow()


@pytest.fixture
async def client(slow: Slow):
    shell = Shell(
        slow, figures=Figures(), new_trace_id=lambda: "T", monotonic_ms=ManualClock().monotonic_ms
    )
    transport = httpx.ASGITransport(app=shell)
    async with httpx.AsyncClient(transport=transport, base_url="http://central") as opened:
        yield opened


async def test_stores_that_are_too_many_are_answered_429_and_shops_are_served(slow, client):
    """Whom there is no room for hears when to come back, as a problem; orders go through."""
    calls = [asyncio.create_task(client.get("/v1/sync/challenge")) for _ in range(INSIDE + 5)]
    await settled()
    done = [call.result() for call in calls if call.done()]
    assert [answer.status_code for answer in done] == [429] * 5
    assert all(1 <= int(answer.headers["retry-after"]) <= RETRY_AFTER_S_MAX for answer in done)
    assert {answer.json()["code"] for answer in done} == {"overloaded"}
    assert (await client.post("/v1/orders")).status_code == 200
    slow.may_answer.set()
    assert {(await call).status_code for call in calls} == {200, 429}


async def test_open_streams_take_no_seats(slow, client):
    """Every store listens all day: only the opening of a stream counts."""
    streams = [
        asyncio.create_task(client.get("/v1/sync/events"))
        for _ in range(DEVICES_IN_WORK_MAX + DEVICES_WAITING_MAX)
    ]
    await settled()
    call = asyncio.create_task(client.get("/v1/sync/challenge"))
    slow.may_answer.set()
    assert (await call).status_code == 200
    assert {(await stream).status_code for stream in streams} == {200}


async def test_a_seat_is_given_back_whatever_comes_of_the_call(slow, client):
    """A refused body takes no seat for ever."""
    for _ in range(INSIDE + 1):
        answer = await client.post("/v1/sync/hello", content=b"x" * (1024 * 1024 + 1))
        assert answer.status_code == 413
    slow.may_answer.set()
    assert (await client.get("/v1/sync/challenge")).status_code == 200


class HalfBody(httpx.AsyncByteStream):
    """The first half of a body comes; then the link is dead, and nobody says so."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"protocol_min":1,'
        await asyncio.Event().wait()


def _impatient(app: ASGIApp) -> Shell:
    """Return a shell that waits for no byte of a body that is not there."""
    return Shell(
        app, figures=Figures(), new_trace_id=lambda: "T",
        monotonic_ms=ManualClock().monotonic_ms, body_silence_s_max=0,
    )  # fmt: skip


@pytest.mark.parametrize(("path", "places"), [("/v1/sync/hello", INSIDE), ("/v1/orders", 128)])
async def test_a_body_that_stops_half_way_gives_its_place_back(path, places):
    """A link that goes dead says nothing: after the bound 408, and whoever comes next is served."""
    transport = httpx.ASGITransport(app=_impatient(build_api(version="1")))
    async with httpx.AsyncClient(transport=transport, base_url="http://central") as client:
        calls = [asyncio.create_task(client.post(path, content=HalfBody())) for _ in range(places)]
        answers = [await call for call in calls]
        assert {answer.status_code for answer in answers} == {408}
        assert {answer.json()["code"] for answer in answers} == {"body_too_late"}
        assert {answer.headers["connection"] for answer in answers} == {"close"}
        assert (await client.post(path, content=b"{")).status_code == 422


async def test_a_client_that_listens_may_be_silent():
    """Behind the body's end nothing is to come: that wait has no bound."""
    hangs_up, heard = asyncio.Event(), list[str]()
    coming: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if coming:
            return coming.pop()
        await hangs_up.wait()
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None: ...

    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        heard.extend([(await receive())["type"] for _ in "12"])

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    call = asyncio.create_task(_impatient(listening)(scope, receive, send))
    await settled()
    hangs_up.set()
    await call
    assert heard == ["http.request", "http.disconnect"]


@pytest.mark.parametrize(("bytes_each", "status"), [(1, 408), (20_000, 422)])
async def test_a_body_that_trickles_keeps_no_seat(bytes_each, status):
    """A byte every 29 seconds would keep it for months; a slow link brings more than that."""
    clock = ManualClock()

    class Trickle(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for _ in range(40):
                clock.advance(29_000 if bytes_each == 1 else 15_000)
                yield b" " * bytes_each

    shell = Shell(
        build_api(version="1"), figures=Figures(), new_trace_id=lambda: "T",
        monotonic_ms=clock.monotonic_ms,
    )  # fmt: skip
    transport = httpx.ASGITransport(app=shell)
    async with httpx.AsyncClient(transport=transport, base_url="http://central") as client:
        answer = await client.post("/v1/sync/hello", content=Trickle())
        assert answer.status_code == status
        assert clock.monotonic_ms() < 120_000 or status != 408
