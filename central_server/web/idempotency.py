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
_PLACING = "POST /v1/orders\n"
"""What every key stands for; a part of the hash, so that keys of earlier versions hold."""


def identify(request: Request, body: BaseModel, owner: str) -> RequestIdentity:
    """Return the identity of `request`; a missing or unusable key is a 400 problem."""
    key = request.headers.get(HEADER, "").strip()
    if not key:
        raise ProblemError(
            "idempotency_key_missing", f"send an {HEADER} header: any text unique to this order"
        )
    if len(key) > KEY_LENGTH_MAX or not key.isprintable() or not key.isascii():
        raise ProblemError(
            "idempotency_key_invalid",
            f"an {HEADER} has at most {KEY_LENGTH_MAX} printable ASCII characters",
        )
    return identity(key, body, owner)


def identity(key: str, body: BaseModel, owner: str) -> RequestIdentity:
    """Return the identity of an order under a key, however it was sent."""
    document = f"{_PLACING}{body.model_dump_json()}".encode()
    digest = hashlib.blake2b(document, digest_size=16).hexdigest()
    return RequestIdentity(owner, key, digest)
