"""`Idempotency-Key`: the same key and body give the same answer, however often they are sent.

The answer is stored in the transaction that does the work, so there is no moment
at which one exists without the other.
"""

import hashlib

from fastapi import Request
from pydantic import BaseModel

from central_server.services.idempotency import RequestIdentity
from central_server.web.problems import ProblemError

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
KEY_LENGTH_MAX = 128
PARAMETERS = {
    "parameters": [
        {
            "name": HEADER, "in": "header", "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH_MAX,
                       "pattern": r"^[!-~]+$"},
            "description": "Any text unique to this request. The same key and body give the"
            " same answer; the same key with another body is refused.",
            "example": "cart-5b1c2f",
        }
    ]
}  # fmt: skip
"""How the API's description tells of it."""
WHERE_NEEDED = {"parameters": [{**PARAMETERS["parameters"][0], "required": False}]}
"""The same where not every body needs one."""
PLACING = "POST /v1/orders"
"""What a key stands for; a part of the hash, so that keys of earlier versions hold."""


def identify(request: Request, body: BaseModel, owner: str, act: str = PLACING) -> RequestIdentity:
    """Return the identity of `request`; a missing or unusable key is a 400 problem."""
    key = request.headers.get(HEADER, "").strip()
    if not key:
        raise ProblemError(
            "idempotency_key_missing", f"send an {HEADER} header: any text unique to this request"
        )
    if len(key) > KEY_LENGTH_MAX or not key.isprintable() or not key.isascii():
        raise ProblemError(
            "idempotency_key_invalid",
            f"an {HEADER} has at most {KEY_LENGTH_MAX} printable ASCII characters",
        )
    return identity(key, body, owner, act)


def identity(key: str, body: BaseModel, owner: str, act: str = PLACING) -> RequestIdentity:
    """Return the identity of a request under a key, however it was sent.

    What a body does not say, or says as if it had not, is no part of it: what a later version
    may be told besides makes no other request of one that is sent again across an upgrade.
    """
    digest = _digest(act, body.model_dump_json(exclude_defaults=True))
    return RequestIdentity(owner, key, digest, lambda: _digest(act, body.model_dump_json()))


def _digest(act: str, body: str) -> str:
    return hashlib.blake2b(f"{act}\n{body}".encode(), digest_size=16).hexdigest()
