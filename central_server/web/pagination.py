"""Opaque cursors: what a list continues after, encoded so that nobody builds on its inside."""

import base64
import binascii
import json

from central_server.web.bounds import unstorable
from central_server.web.problems import ProblemError

LIMIT_MAX = 200
LIMIT_DEFAULT = 50
CURSOR_LENGTH_MAX = 1024


def encode_cursor(*parts: str | int) -> str:
    """Return the cursor that stands for `parts`."""
    text = json.dumps(parts, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def decode_cursor(cursor: str, *kinds: type) -> tuple[str | int, ...]:
    """Return the parts of a cursor, which must be of `kinds`; raise a 400 problem otherwise."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, binascii.Error) as problem:
        raise ProblemError("cursor_invalid", "this cursor is not one of ours") from problem
    is_list = isinstance(parts, list) and len(parts) == len(kinds)
    is_ours = is_list and all(type(p) is k for p, k in zip(parts, kinds, strict=True))
    if not is_ours or unstorable(parts):
        raise ProblemError("cursor_invalid", "this cursor is not one of ours")
    return tuple(parts)
