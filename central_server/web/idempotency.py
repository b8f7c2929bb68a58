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
    document = f"{request.method} {request.url.path}\n{body.model_dump_json()}".encode()
    digest = hashlib.blake2b(document, digest_size=16).hexdigest()
    return RequestIdentity(owner, key, digest)
