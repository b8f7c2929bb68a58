"""What an HTTP answer means: a body of ours, a refusal, a wish to wait, or none of these.

A status says little: a guest network answers 200 to everything. So an answer is
believed only if its media type is the one that the protocol has there.
"""

import hashlib
import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import httpx

from sync.protocol.errors import (
    FrameUnreadable,
    NotAuthentic,
    ProtocolError,
    ProtocolRefused,
    TryLater,
    Unreachable,
)
from sync.protocol.session import SnapshotManifest
from sync.transport import frames, problems

PROBLEM_BYTES_MAX = 64 * 1024
RETRY_AFTER_S_MIN = 1.0
RETRY_AFTER_S_MAX = 300.0
RETRY_AFTER_S_UNSAID = 10.0
"""Where central does not say how long."""

_REFUSING_STATUSES = range(400, 500)
_BUSY = frozenset({httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE})


def body_of(response: httpx.Response, content_type: str, limit: int) -> bytes:
    """Return the whole body of a good answer, decompressed; raise what any other answer means."""
    if response.status_code not in (httpx.codes.OK, httpx.codes.CREATED):
        raise meaning_of(response)
    expect_type(response, content_type)
    try:
        return _read(response, limit)
    except frames.BadFrame as problem:
        raise Unreachable(f"central's answer cannot be read: {problem}") from problem


def expect_type(response: httpx.Response, content_type: str) -> None:
    """Raise `Unreachable` unless the answer has this media type."""
    got = _media_type(response)
    if got != content_type:
        raise Unreachable(
            f"somebody else answered for central: {got or 'no content type'} instead of"
            f" {content_type} (the sign-in page of a network?)"
        )


def part_of(response: httpx.Response, manifest: SnapshotManifest, part: int) -> bytes:
    """Return one part of a snapshot, checked against the manifest."""
    if response.status_code == httpx.codes.PRECONDITION_FAILED:
        raise Unreachable(f"the snapshot of {manifest.scope} was replaced by a newer one")
    whole = response.status_code == httpx.codes.OK and len(manifest.part_sha256) == 1
    if response.status_code != httpx.codes.PARTIAL_CONTENT and not whole:
        raise meaning_of(response)
    start, end = range_of(manifest, part)
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Unreachable("a part of a snapshot came in an encoding that was not asked for")
    try:
        content = _raw(response, end - start + 1)
    except frames.BadFrame as problem:
        raise Unreachable(f"part {part} of {manifest.scope} is too long: {problem}") from problem
    if hashlib.sha256(content).hexdigest() != manifest.part_sha256[part]:
        raise Unreachable(f"part {part} of {manifest.scope} arrived damaged")
    return content


def range_of(manifest: SnapshotManifest, part: int) -> tuple[int, int]:
    """Return first and last byte of a part within the file."""
    start = part * manifest.part_bytes
    end = min(start + manifest.part_bytes, manifest.bytes_compressed) - 1
    if not 0 <= part < len(manifest.part_sha256) or end < start:
        raise ValueError(f"the snapshot of {manifest.scope} has no part {part}")
    return start, end


def meaning_of(response: httpx.Response) -> ProtocolError:
    """Return the error that an answer without a body of ours stands for."""
    status = response.status_code
    if status in _BUSY:
        is_ours = _media_type(response) == problems.CONTENT_TYPE
        return TryLater(_retry_after_s(response.headers), by_central=is_ours)
    if status in _REFUSING_STATUSES and status != httpx.codes.REQUEST_TIMEOUT:
        refusal = _refusal(response)
        if refusal is not None:
            return refusal
    if status == httpx.codes.UNAUTHORIZED:
        return NotAuthentic("central does not accept the session; say hello again")
    if status == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
        return FrameUnreadable("something on the way to central takes no frame of this size")
    if response.has_redirect_location:
        return Unreachable(f"the answer leads away from central ({status}): a network's sign-in?")
    return Unreachable(f"central, or something before it, failed with status {status}")


def _refusal(response: httpx.Response) -> ProtocolRefused | None:
    """Return what a problem document tells; None where there is none."""
    if _media_type(response) != problems.CONTENT_TYPE:
        return None
    try:
        document = json.loads(_read(response, PROBLEM_BYTES_MAX))
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    if response.status_code == httpx.codes.UNAUTHORIZED and "code" not in document:
        return None
    return problems.refusal_of(document)


def _read(response: httpx.Response, limit: int) -> bytes:
    """Read and decompress a body. This module decompresses: httpx has no bound for it."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        return _raw(response, limit)
    if encoding != frames.CONTENT_ENCODING:
        raise frames.BadFrame(f"content encoding {encoding!r} was not asked for")
    return frames.decompress(_raw(response, limit), limit)


def _raw(response: httpx.Response, limit: int) -> bytes:
    """Read the bytes as they come; at most `limit`."""
    chunks = []
    size = 0
    for chunk in response.iter_raw():
        size += len(chunk)
        if size > limit:
            raise frames.BadFrame(f"more than {limit} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _media_type(response: httpx.Response) -> str:
    stated: str = response.headers.get("content-type", "")
    return stated.partition(";")[0].strip().lower()


def _retry_after_s(headers: Mapping[str, str]) -> float:
    """Return how long to wait. A date counts from central's own date, not from this clock."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])
    else:
        try:
            until = parsedate_to_datetime(text)
            seconds = (until - parsedate_to_datetime(headers.get("date", ""))).total_seconds()
        except (ValueError, TypeError, OverflowError):
            seconds = RETRY_AFTER_S_UNSAID
    return min(max(seconds, RETRY_AFTER_S_MIN), RETRY_AFTER_S_MAX)
