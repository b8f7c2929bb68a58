"""Around every request: a trace id, bounded bodies, bounded queues, figures, a net.

Plain ASGI, because the streams of the stores pass through here and must not be buffered.
"""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NoReturn

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from central_server.web.admission import Admission
from central_server.web.problems import describe, internal_problem, problem_response

BODY_BYTES_MAX = 1024 * 1024
PUSH_BODY_BYTES_MAX = 8 * 1024 * 1024
SYNC_PATH = "/v1/sync/"
PUSH_PATH = SYNC_PATH + "push"
BODY_BYTES_BY_PATH = {PUSH_PATH: PUSH_BODY_BYTES_MAX, "/v1/routing/plan": 4 * 1024 * 1024}
"""Paths whose bodies may be larger than `BODY_BYTES_MAX`."""
CHALLENGE_PATH = SYNC_PATH + "challenge"
EVENTS_PATH = SYNC_PATH + "events"
FILE_SUFFIX = "/file"
DEVICES_IN_WORK_MAX = 16
"""Half of the worker threads: the other half is for shops and people, whatever the stores do."""
DEVICES_WAITING_MAX = 64
NEWCOMERS_WAITING_MAX = 16
DOWNLOADS_MAX = 16
"""Parts of snapshots that are in memory at once; each is kept until it has been sent."""
WRITERS_MAX = 128
"""Requests that may wait to write; more are told to come back rather than kept waiting."""
RETRY_AFTER_SECONDS = 2
BODY_SILENCE_SECONDS_MAX = 30.0
"""A link may go dead in the middle of a body and never say so: its seat is somebody else's then."""
BODY_BYTES_PER_SECOND_MIN = 1_000
"""What a body brings at least, beyond that silence: a byte now and then keeps no seat for hours."""
_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_log = logging.getLogger(__name__)


class Figures:
    """What `/metrics` shows. Each central has a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "holdshelf_http_requests", "Requests answered", ("method", "route", "status"),
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "holdshelf_http_seconds", "Time to answer", ("route",),
            buckets=_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.operations = Counter(
            "holdshelf_sync_operations", "Operations pushed by stores", registry=self.registry
        )
        self.rows = Counter(
            "holdshelf_sync_rows", "Feed rows pulled by stores", registry=self.registry
        )
        self.streams = Gauge(
            "holdshelf_sync_streams", "Open streams of stores", registry=self.registry
        )
        self.turned_away = Counter(
            "holdshelf_sync_turned_away", "Calls of stores told to come back later",
            registry=self.registry,
        )  # fmt: skip


class Shell:
    """The outermost ASGI application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        figures: Figures,
        new_trace_id: Callable[[], str],
        monotonic_ms: Callable[[], int],
        body_silence_s_max: float = BODY_SILENCE_SECONDS_MAX,
    ) -> None:
        self._app = app
        self._figures = figures
        self._new_trace_id = new_trace_id
        self._monotonic_ms = monotonic_ms
        self._body_silence_s_max = body_silence_s_max
        self._writers = 0
        self._talks = Admission(
            monotonic_ms,
            in_work_max=DEVICES_IN_WORK_MAX,
            waiting_max=DEVICES_WAITING_MAX,
            newcomers_waiting_max=NEWCOMERS_WAITING_MAX,
        )
        self._downloads = Admission(
            monotonic_ms,
            in_work_max=DOWNLOADS_MAX,
            waiting_max=DOWNLOADS_MAX,
            newcomers_waiting_max=DOWNLOADS_MAX,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or pass the lifespan through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._new_trace_id(), self._monotonic_ms)
        exchange.silence_s_max = self._body_silence_s_max
        started = self._monotonic_ms()
        is_writing = scope["method"] in _WRITING and not exchange.is_device
        self._writers += is_writing
        try:
            if exchange.is_device:
                await self._serve_device(scope, exchange)
            else:
                await self._serve(scope, exchange, is_crowded=self._writers > WRITERS_MAX)
        finally:
            self._writers -= is_writing
            route = getattr(scope.get("route"), "path", "unknown")
            self._figures.requests.labels(scope["method"], route, exchange.status).inc()
            self._figures.seconds.labels(route).observe((self._monotonic_ms() - started) / 1000)

    async def _serve_device(self, scope: Scope, exchange: "_Exchange") -> None:
        """Serve a store's call, or tell it when to ask again."""
        path = scope["path"]
        admission = self._downloads if path.endswith(FILE_SUFFIX) else self._talks
        wait_s = await admission.enter(is_newcomer=path == CHALLENGE_PATH)
        if wait_s:
            self._figures.turned_away.inc()
            await exchange.answer_busy("overloaded", wait_s)
            return
        exchange.leave = admission.leave
        try:
            await self._serve(scope, exchange, is_crowded=False)
        finally:
            exchange.give_seat_back()

    async def _serve(self, scope: Scope, exchange: "_Exchange", *, is_crowded: bool) -> None:
        try:
            if is_crowded and scope["method"] in _WRITING:
                await exchange.answer_busy("try_later", RETRY_AFTER_SECONDS)
            elif exchange.announced_bytes() > exchange.bytes_max:
                await exchange.answer_too_large()
            elif "\0" in scope["path"] or b"%00" in scope["query_string"]:
                await exchange.answer_unusable()
            else:
                await self._app(scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            raise
        except Exception as problem:
            _log.error("request %s failed\n%s", exchange.trace_id, describe(problem))
            if exchange.status and not exchange.is_complete:
                raise
            if not exchange.status:
                answer = internal_problem(exchange.trace_id)
                await answer(scope, exchange.receive, exchange.send)


class _Exchange:
    """One request and its answer, counted and labeled."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        trace_id: str,
        monotonic_ms: Callable[[], int],
    ) -> None:
        self.status = 0
        self.is_complete = False
        self.trace_id = trace_id
        self.bytes_max = BODY_BYTES_BY_PATH.get(scope["path"], BODY_BYTES_MAX)
        self.is_device = scope["path"].startswith(SYNC_PATH)
        self.leave: Callable[[], None] | None = None
        """Gives the seat back that this call has."""
        self.silence_s_max = BODY_SILENCE_SECONDS_MAX
        self._has_body = False
        """Whether all of the body has come: what is received then is that the client hangs up."""
        self._scope = scope
        self._receive = receive
        self._send = send
        self._received = 0
        self._monotonic_ms = monotonic_ms
        self._waited_ms = 0
        """For the body, in all; what is done with its pieces meanwhile is not the client's."""
        state: dict[str, Any] = scope.setdefault("state", {})
        state["trace_id"] = trace_id

    def give_seat_back(self) -> None:
        """Let the next call in, unless that was done."""
        leave, self.leave = self.leave, None
        if leave is not None:
            leave()

    def announced_bytes(self) -> int:
        """Return the length that the request announces; 0 where it does not."""
        for name, value in self._scope["headers"]:
            if name == b"content-length" and value.isdigit():
                return int(value)
        return 0

    async def receive(self) -> Message:
        """Pass on a piece of the body, as long as it comes and there is not too much of it."""
        began_ms = self._monotonic_ms()
        try:
            async with asyncio.timeout(None if self._has_body else self.silence_s_max):
                message = await self._receive()
        except TimeoutError:
            self._refuse_late(f"nothing of the body came for {self.silence_s_max:g} seconds")
        self._waited_ms += self._monotonic_ms() - began_ms
        self._has_body = not message.get("more_body", False)
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > self.bytes_max:
                raise HTTPException(413, f"the body is larger than {self.bytes_max} bytes")
        may_take_s = self.silence_s_max + self._received / BODY_BYTES_PER_SECOND_MIN
        if not self._has_body and self._waited_ms > may_take_s * 1000:
            self._refuse_late(f"less than {BODY_BYTES_PER_SECOND_MIN} bytes of it came a second")
        return message

    def _refuse_late(self, why: str) -> NoReturn:
        raise HTTPException(408, why, {"Connection": "close"}) from None

    async def send(self, message: Message) -> None:
        """Pass on a piece of the answer; its head gets the trace id and the house's headers.

        Not on what a device asked for and got: no browser reads that, and nobody quotes its id.
        """
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self._scope["path"] == EVENTS_PATH:
                self.give_seat_back()  # a stream stays open for days
            is_lean = self.is_device and self.status < HTTPStatus.BAD_REQUEST
            message["headers"] = (
                message["headers"]
                if is_lean
                else [
                    *message["headers"],
                    (b"x-trace-id", self.trace_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            )
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.is_complete = True

    async def answer_busy(self, code: str, wait_s: int) -> None:
        """Tell the client when to come back."""
        response = problem_response(
            code, "central is busy", self.trace_id, headers={"Retry-After": str(wait_s)}
        )
        await response(self._scope, self.receive, self.send)

    async def answer_unusable(self) -> None:
        """Refuse an address with NUL in it: PostgreSQL keeps no such text, so nothing has it."""
        detail = "the address has the character NUL in it"
        response = problem_response("bad_request", detail, self.trace_id)
        await response(self._scope, self.receive, self.send)

    async def answer_too_large(self) -> None:
        """Refuse the body before it is read."""
        detail = f"the body is larger than {self.bytes_max} bytes"
        response = problem_response("body_too_large", detail, self.trace_id)
        await response(self._scope, self.receive, self.send)
