"""The sync protocol over HTTP: challenge, hello, push, pull, snapshot, events.

A frame that cannot be used is refused before anything is touched. Handlers that
read or write run on worker threads; the challenge, who speaks, and the stream of
pokes need no database and live on the event loop.
"""

import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from starlette.concurrency import run_in_threadpool

from central_server.api.documented import DEVICE, problems
from central_server.services.tokens import DeviceSession
from central_server.web import frames
from central_server.web.auth import device_session
from central_server.web.deps import central_of
from central_server.web.pokes import PokeBoard, Subscription
from central_server.web.problems import ProblemError, require_storable, require_storable_text
from sync.protocol.offers import Claimed, OfferPage
from sync.protocol.session import (
    ROWS_PER_PULL_MAX,
    Challenge,
    HelloAnswer,
    HelloRequest,
    PushAnswer,
    SnapshotManifest,
)

router = APIRouter(prefix="/v1/sync", tags=["sync"])

PLAIN_BYTES_MAX = 200
"""A shorter answer travels as it is."""
HEARTBEAT_SECONDS = 15.0
OCTETS = "application/octet-stream"
_RANGE = re.compile(r"^bytes=(\d{1,15})-(\d{0,15})$")
Session = Annotated[DeviceSession, Depends(device_session)]
ScopeName = Annotated[str, Path(min_length=1, max_length=128)]
"""A retailer's own names of price zones are in scopes, and may have a slash: N/A, CH/DE."""
Encodings = Annotated[str, Header(alias="accept-encoding")]


def _frame(media_type: str) -> dict[str, object]:
    return {media_type: {"schema": {"type": "string", "format": "binary"}}}


async def whole_body(request: Request) -> bytes:
    """Read the body, which the shell has bounded."""
    return await request.body()


@router.get("/challenge", response_model=Challenge, responses=problems("overloaded"))
async def challenge(request: Request) -> object:
    """Return a nonce that a hello must be signed over within a minute."""
    return central_of(request).sessions.challenge()


@router.post(
    "/hello",
    response_model=HelloAnswer,
    responses=problems(
        "not_authentic", "replica_disabled", "duplicate_replica", "version_unsupported",
        "validation_failed", "bad_request", "overloaded",
    ),
)  # fmt: skip
def hello(request: Request, body: HelloRequest) -> object:
    """Open a session: who speaks, which protocol, how far both sides are."""
    require_storable(body)
    return central_of(request).sessions.hello(body)


@router.post(
    "/push",
    response_model=PushAnswer,
    responses=problems(
        *DEVICE, "gap", "fork", "epoch_stale", "duplicate_replica", "version_unsupported",
        "body_too_large",
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": _frame(frames.NDJSON),
        }
    },
)  # fmt: skip
def push(
    request: Request,
    session: Session,
    body: Annotated[bytes, Depends(whole_body)],
    content_encoding: Annotated[str, Header()] = "",
    accept_encoding: Encodings = "",
) -> Response:
    """Take a contiguous run of operations, exactly once, and answer with their verdicts."""
    central = central_of(request)
    plain = frames.unpack(body, content_encoding.strip().lower())
    header, lines = frames.read_push(plain)
    answer = central.sync.push(session.replica_id, header, lines)
    central.figures.operations.inc(len(lines))
    plain = answer.model_dump_json(exclude_defaults=True).encode()
    return _packed(plain, "application/json", accept_encoding)


@router.get(
    "/pull",
    response_class=Response,
    responses={
        200: {"description": "a header line and a line a row", "content": _frame(frames.NDJSON)},
        **problems(*DEVICE, "cursor_expired", "scope_missing"),
    },
)
def pull(
    request: Request,
    session: Session,
    scope: Annotated[str, Query(min_length=1, max_length=128)],
    inc: Annotated[int, Query(ge=0, le=2**53)] = 0,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=ROWS_PER_PULL_MAX)] = ROWS_PER_PULL_MAX,
    accept_encoding: Encodings = "",
) -> Response:
    """Return the rows of a scope after a cursor: a header line and a line a row."""
    central = central_of(request)
    page = central.sync.page(session.replica_id, scope, inc, after, limit)
    central.figures.rows.inc(len(page.rows))
    answer = _packed(frames.write_pull(page.header, page.rows), frames.NDJSON, accept_encoding)
    answer.headers["Vary"] = "Accept-Encoding"
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get(
    "/replicas/ops",
    response_class=Response,
    responses={
        200: {"description": "a header line, then operations", "content": _frame(frames.NDJSON)},
        **problems(*DEVICE, "not_found"),
    },
)
def operations(
    request: Request,
    session: Session,
    epoch: Annotated[int, Query(ge=1, le=2**53)],
    from_seq: Annotated[int, Query(alias="from", ge=1, le=2**53)],
    replica: Annotated[str, Query(max_length=64)] = "",
    accept_encoding: Encodings = "",
) -> Response:
    """Return a store's own operations as central has them, for one that was restored."""
    require_storable_text(replica)
    page = central_of(request).sync.operations(session.replica_id, replica, epoch, from_seq)
    return _packed(frames.write_operations(page), frames.NDJSON, accept_encoding)


@router.get(
    "/snapshot/{scope:path}/file",
    response_class=Response,
    responses={
        200: {"description": "the whole file", "content": _frame(OCTETS)},
        206: {"description": "a range of it", "content": _frame(OCTETS)},
        **problems(
            *DEVICE, "not_found", "scope_missing", "range_not_satisfiable", "precondition_failed"
        ),
    },
)
def snapshot_file(
    request: Request,
    session: Session,
    scope: ScopeName,
    wanted: Annotated[str, Header(alias="range", max_length=64)] = "",
    if_match: Annotated[str, Header(max_length=128)] = "",
) -> Response:
    """Return the snapshot's file, or the range of it that is asked for."""
    sync = central_of(request).sync
    if if_match in {"", "*"}:
        meant = sync.manifest(session.replica_id, scope)
    else:
        kept = sync.kept_manifest(session.replica_id, scope, if_match.strip('"'))
        if kept is None:
            raise ProblemError("precondition_failed", "the snapshot was replaced by a newer one")
        meant = kept
    start, end = _range(wanted, meant.bytes_compressed)
    content = sync.snapshot_bytes(meant, start, end)
    headers = {"ETag": f'"{meant.sha256}"', "Accept-Ranges": "bytes"}
    if not wanted:
        return Response(content, 200, headers, OCTETS)
    headers["Content-Range"] = f"bytes {start}-{end}/{meant.bytes_compressed}"
    return Response(content, 206, headers, OCTETS)


@router.get(
    "/snapshot/{scope:path}",
    response_model=SnapshotManifest,
    responses=problems(*DEVICE, "not_found", "scope_missing"),
)
def manifest(request: Request, session: Session, scope: ScopeName) -> object:
    """Return what the newest snapshot of a scope consists of."""
    return central_of(request).sync.manifest(session.replica_id, scope)


@router.get("/offers", response_model=OfferPage, responses=problems(*DEVICE))
def list_offers(request: Request, session: Session) -> object:
    """Return the orders that this store may claim now."""
    central = central_of(request)
    place = central.sync.location_of(session.replica_id)
    return {"offers": central.offers.offers(place)}


@router.post(
    "/offers/{order_id}/claim",
    response_model=Claimed,
    responses=problems(*DEVICE, "not_found", "offer_gone"),
)
def claim_offer(
    request: Request,
    session: Session,
    order_id: Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z\-]+$")],
) -> object:
    """Claim an order that is offered: of all stores that do, the first one gets it."""
    central = central_of(request)
    return central.offers.claim(order_id, central.sync.location_of(session.replica_id))


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {"description": "pokes", "content": _frame("text/event-stream")},
        **problems(*DEVICE),
    },
)
async def events(request: Request, session: Session) -> StreamingResponse:
    """Stream a poke whenever one of the store's scopes moves, and a heartbeat in between."""
    central = central_of(request)
    scopes = await run_in_threadpool(central.sync.scopes, session.replica_id)
    subscription = central.pokes.subscribe(scopes)
    central.figures.streams.set(central.pokes.count())
    return StreamingResponse(
        _stream(central.pokes, subscription),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(board: PokeBoard, subscription: Subscription) -> AsyncIterator[bytes]:
    """Yield events until the store hangs up or central drains."""
    try:
        yield format_sse_event(comment="connected")
        while (pokes := await subscription.next(HEARTBEAT_SECONDS)) is not None:
            if not pokes:
                yield format_sse_event(comment="heartbeat")
            for poke in pokes:
                yield format_sse_event(data_str=poke.model_dump_json(), event="poke")
    finally:
        board.unsubscribe(subscription)


def _packed(plain: bytes, media_type: str, accepted: str) -> Response:
    """Return the answer, compressed where the store takes that and it is worth the header."""
    if frames.ZSTD in accepted.lower() and len(plain) > PLAIN_BYTES_MAX:
        return Response(frames.pack(plain), 200, {"Content-Encoding": frames.ZSTD}, media_type)
    return Response(plain, 200, media_type=media_type)


def _range(wanted: str, size: int) -> tuple[int, int]:
    """Return first and last byte to send; only one range of bytes can be asked for."""
    if not wanted:
        return 0, size - 1
    match = _RANGE.match(wanted.strip())
    if match is None:
        raise ProblemError("range_not_satisfiable", "ask for one range: bytes=first-last")
    start = int(match[1])
    end = min(int(match[2]) if match[2] else size - 1, size - 1)
    if start > end:
        raise ProblemError(
            "range_not_satisfiable", f"the file has {size} bytes",
            headers={"Content-Range": f"bytes */{size}"},
        )  # fmt: skip
    return start, end
