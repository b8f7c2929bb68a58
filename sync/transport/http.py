"""Central over HTTP/1.1: the real `SyncEndpoint`.

Bodies of pushes and pulls are zstd-compressed and unpacked here, within bounds;
httpx is never asked to decode. Requests carry no header that central does not
read: a store that has nothing to say costs one small request. After anything
but an answer of central's own, the caller hears `Unreachable` in words and may
repeat the call for ever.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import quote

import httpx

from sync.protocol.endpoint import OperationsPage, PullPage
from sync.protocol.errors import FrameUnreadable, NotAuthentic, Unreachable
from sync.protocol.offers import Claimed, OfferPage
from sync.protocol.session import (
    PUSH_BYTES_MAX,
    Challenge,
    EnrolAnswer,
    EnrolRequest,
    HelloAnswer,
    HelloRequest,
    Message,
    OperationsHeader,
    Poke,
    PullHeader,
    PushAnswer,
    PushHeader,
    SnapshotManifest,
)
from sync.transport import answers, events, frames
from sync.transport.client import TIMEOUT, ClientFactory, open_client

M = TypeVar("M", bound=Message)

JSON = "application/json"
USER_AGENT = "holdshelf/1"
"""Said where a session begins; later calls are known by it."""
INTRODUCED = {"user-agent": USER_AGENT}
COMPRESSED = {"accept-encoding": frames.CONTENT_ENCODING}
ANSWER_BYTES_MAX = 16 * 1024 * 1024
"""Of a JSON answer, uncompressed."""
EVENTS_READ_TIMEOUT_S = 45.0
"""Central sends a heartbeat more often than this."""


class Session:
    """The token of a session. Endpoints of several threads may share one."""

    def __init__(self) -> None:
        self.token = ""


class HttpEndpoint:
    """Central behind a URL. Safe to use from several threads."""

    def __init__(
        self,
        base_url: str,
        *,
        session: Session | None = None,
        client_factory: ClientFactory = open_client,
    ) -> None:
        self._client = client_factory(base_url)
        self._session = session or Session()
        self._listening: socket.socket | None = None

    def close(self) -> None:
        """End the listening and close the connections."""
        self.hang_up()
        self._client.close()

    def hang_up(self) -> None:
        """End `pokes()` that runs in another thread: the stream breaks off there."""
        listening = self._listening
        if listening is None:
            return
        try:
            # The plain shutdown, also under TLS: it wakes the reader and nothing else.
            socket.socket.shutdown(listening, socket.SHUT_RDWR)
        except OSError:
            return  # it is closed already

    def challenge(self) -> str:
        """Return a nonce to sign."""
        request = self._client.build_request("GET", "/v1/sync/challenge", headers=INTRODUCED)
        return _message(self._client, request, Challenge).nonce

    def hello(self, request: HelloRequest) -> HelloAnswer:
        """Open a session; later calls use its token."""
        answer = _message(
            self._client, _posting(self._client, "/v1/sync/hello", request), HelloAnswer
        )
        self._session.token = answer.session_token
        return answer

    def push(self, header: PushHeader, lines: tuple[bytes, ...]) -> PushAnswer:
        """Send operations."""
        body = frames.join(header, lines)
        if len(body) > PUSH_BYTES_MAX:
            raise FrameUnreadable(f"a push of {len(body)} bytes is longer than {PUSH_BYTES_MAX}")
        content, encoding = frames.pack_if_smaller(body)
        headers = {"content-type": frames.CONTENT_TYPE}
        if encoding:
            headers["content-encoding"] = encoding
        if lines:  # verdicts may come, many of them
            headers |= COMPRESSED
        with self._authorized() as authorization:
            request = self._client.build_request(
                "POST",
                "/v1/sync/push",
                content=content,
                headers={**headers, **authorization},
            )
            return _message(self._client, request, PushAnswer)

    def pull(self, scope: str, incarnation: int, after: int, limit: int) -> PullPage:
        """Fetch the rows of `scope` after a cursor."""
        with self._authorized() as authorization:
            request = self._client.build_request(
                "GET",
                "/v1/sync/pull",
                params={"scope": scope, "inc": incarnation, "after": after, "limit": limit},
                headers={**COMPRESSED, **authorization},
            )
            with _answer(self._client, request) as response:
                body = answers.body_of(response, frames.CONTENT_TYPE, frames.PULL_BYTES_MAX)
        return _page(body, scope, after)

    def operations(self, replica_id: str, epoch: int, from_seq: int) -> OperationsPage:
        """Fetch what central has of this store's own operations."""
        with self._authorized() as authorization:
            request = self._client.build_request(
                "GET",
                "/v1/sync/replicas/ops",
                params={"replica": replica_id, "epoch": epoch, "from": from_seq},
                headers=authorization,
            )
            with _answer(self._client, request) as response:
                body = answers.body_of(response, frames.CONTENT_TYPE, frames.PULL_BYTES_MAX)
        return _operations(body, replica_id, epoch, from_seq)

    def manifest(self, scope: str) -> SnapshotManifest:
        """Return what the newest snapshot of `scope` consists of."""
        with self._authorized() as authorization:
            request = self._client.build_request(
                "GET", _snapshot_path(scope), headers=authorization
            )
            return _message(self._client, request, SnapshotManifest)

    def snapshot_part(self, manifest: SnapshotManifest, part: int) -> bytes:
        """Fetch one part of a snapshot's file; it is what the manifest says, or `Unreachable`."""
        start, end = answers.range_of(manifest, part)
        wanted = {
            "range": f"bytes={start}-{end}",
            "if-match": f'"{manifest.sha256}"',
            "accept-encoding": "identity",
        }
        with self._authorized() as authorization:
            request = self._client.build_request(
                "GET",
                _snapshot_path(manifest.scope) + "/file",
                headers={**wanted, **authorization},
            )
            with _answer(self._client, request) as response:
                return answers.part_of(response, manifest, part)

    def offers(self) -> OfferPage:
        """Return the orders that this store may claim now."""
        with self._authorized() as authorization:
            request = self._client.build_request("GET", "/v1/sync/offers", headers=authorization)
            return _message(self._client, request, OfferPage)

    def claim(self, order_id: str) -> Claimed:
        """Claim an order. After `Unreachable` ask again: the answer is the same if it was won."""
        with self._authorized() as authorization:
            path = f"/v1/sync/offers/{quote(order_id, safe='')}/claim"
            request = self._client.build_request("POST", path, headers=authorization)
            return _message(self._client, request, Claimed)

    def pokes(self) -> Iterator[Poke | None]:
        """Yield pokes as they come, None as a sign of life; ends when central closes.

        The first None comes when the stream is open. A pull is due then: what
        changed before was poked to nobody.
        """
        timeout = {**TIMEOUT.as_dict(), "read": EVENTS_READ_TIMEOUT_S}
        with self._authorized() as authorization:
            request = self._client.build_request(
                "GET",
                "/v1/sync/events",
                headers={"accept-encoding": "identity", **authorization},
                timeout=httpx.Timeout(**timeout),
            )
            with _answer(self._client, request) as response:
                if response.status_code != httpx.codes.OK:
                    raise answers.meaning_of(response)
                answers.expect_type(response, events.CONTENT_TYPE)
                self._listening = _socket_of(response)
                try:
                    yield None
                    yield from events.pokes_in(response)
                finally:
                    self._listening = None

    @contextmanager
    def _authorized(self) -> Iterator[dict[str, str]]:
        """Give the header with the session; a session that central refuses is forgotten."""
        token = self._session.token
        if not token:
            raise NotAuthentic("no session; say hello first")
        try:
            yield {"authorization": f"Bearer {token}"}
        except NotAuthentic:
            if self._session.token == token:
                self._session.token = ""
            raise


def enrol(
    base_url: str, request: EnrolRequest, *, client_factory: ClientFactory = open_client
) -> EnrolAnswer:
    """Introduce a new device to central with its one-time code."""
    with client_factory(base_url) as client:
        return _message(client, _posting(client, "/v1/devices/enrol", request), EnrolAnswer)


def _snapshot_path(scope: str) -> str:
    return f"/v1/sync/snapshot/{quote(scope, safe=':')}"


def _posting(client: httpx.Client, path: str, message: Message) -> httpx.Request:
    content = message.model_dump_json().encode()
    headers = {"content-type": JSON, **INTRODUCED}
    return client.build_request("POST", path, content=content, headers=headers)


def _message(client: httpx.Client, request: httpx.Request, kind: type[M]) -> M:
    with _answer(client, request) as response:
        body = answers.body_of(response, JSON, ANSWER_BYTES_MAX)
    try:
        return kind.model_validate_json(body)
    except ValueError as problem:
        raise Unreachable(f"the answer is no {kind.__name__}: {body[:80]!r}") from problem


def _page(body: bytes, scope: str, after: int) -> PullPage:
    """Return the page in `body` if it answers this very question and is whole."""
    try:
        header, lines = frames.read(PullHeader, body)
    except frames.BadFrame as problem:
        raise Unreachable(f"central's page cannot be read: {problem}") from problem
    if (header.scope, header.after) != (scope, after):
        raise Unreachable(f"the page is of {header.scope} after {header.after}, not what was asked")
    if len(lines) != header.count:
        raise Unreachable(f"{header.count} rows were announced, {len(lines)} came")
    return PullPage(header, lines)


def _operations(body: bytes, replica_id: str, epoch: int, from_seq: int) -> OperationsPage:
    """Return the operations in `body` if they answer this very question and are whole."""
    try:
        header, lines = frames.read(OperationsHeader, body)
    except frames.BadFrame as problem:
        raise Unreachable(f"central's answer cannot be read: {problem}") from problem
    if (header.replica_id, header.epoch, header.first_seq) != (replica_id, epoch, from_seq):
        raise Unreachable("central answered for other operations than were asked for")
    if len(lines) != header.count:
        raise Unreachable(f"{header.count} operations were announced, {len(lines)} came")
    return OperationsPage(header, lines)


@contextmanager
def _answer(client: httpx.Client, request: httpx.Request) -> Iterator[httpx.Response]:
    """Send `request`; give the answer while its body can be read."""
    try:
        response = client.send(request, stream=True)
        try:
            yield response
        finally:
            response.close()
    except httpx.HTTPError as problem:
        raise Unreachable(_words(problem, request)) from problem


def _words(problem: httpx.HTTPError, request: httpx.Request) -> str:
    """Return what went wrong as somebody in a store may read it."""
    where = f"{request.url.host}:{request.url.port or request.url.scheme}"
    match problem:
        case httpx.ConnectTimeout():
            return f"central does not pick up at {where}"
        case httpx.ConnectError():
            return f"no connection to central at {where}: {problem}"
        case httpx.TimeoutException():
            return f"central at {where} has been silent for too long"
        case httpx.NetworkError() | httpx.RemoteProtocolError():
            return f"the connection to central at {where} broke off: {problem}"
        case _:
            return f"central at {where} cannot be talked to: {problem}"


def _socket_of(response: httpx.Response) -> socket.socket | None:
    stream = response.extensions.get("network_stream")
    found = None if stream is None else stream.get_extra_info("socket")
    return found if isinstance(found, socket.socket) else None
