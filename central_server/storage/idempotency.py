"""Answers by idempotency key: the same request gets the same answer, once done."""

from sqlalchemy import Connection, bindparam, delete, select, text, update

from central_server.records import KeptAnswer
from central_server.storage.prepared import Prepared
from central_server.storage.tables import IDEMPOTENCY_KEYS

_CLAIM = Prepared(lambda _: text(
    "INSERT INTO idempotency_keys (principal, key, body_hash, status, response, created_ms)"
    " VALUES (:principal, :key, :body_hash, 0, '', :now_ms)"
    " ON CONFLICT (principal, key) DO NOTHING RETURNING key"
))  # fmt: skip
_TABLE = IDEMPOTENCY_KEYS.c
_KEPT = Prepared(
    lambda _: select(_TABLE.body_hash, _TABLE.status, _TABLE.response).where(
        _TABLE.principal == bindparam("principal"), _TABLE.key == bindparam("key")
    )
)
_KEEP = Prepared(
    lambda _: (
        update(IDEMPOTENCY_KEYS)
        .where(_TABLE.principal == bindparam("of"), _TABLE.key == bindparam("its_key"))
        .values(status=bindparam("new_status"), response=bindparam("new_response"))
    )
)


class IdempotencyKeys:
    """The table `idempotency_keys`. Claim first, keep the answer last, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(self, principal: str, key: str, body_hash: str, now_ms: int) -> KeptAnswer | None:
        """Take the key for this transaction and return None; or return the answer it got before.

        A concurrent request with the same key waits for the first one's outcome. The
        caller compares `body_hash`.
        """
        claimed = _CLAIM.row(
            self._connection, principal=principal, key=key, body_hash=body_hash, now_ms=now_ms
        )
        if claimed is not None:
            return None
        return self.get(principal, key)

    def get(self, principal: str, key: str) -> KeptAnswer | None:
        """Return the answer kept under a key."""
        row = _KEPT.row(self._connection, principal=principal, key=key)
        return None if row is None else KeptAnswer(*row)

    def keep(self, principal: str, key: str, status: int, response: str) -> None:
        """Keep the answer to the request that claimed the key."""
        _KEEP.run(
            self._connection, of=principal, its_key=key, new_status=status, new_response=response
        )

    def forget(self, before_ms: int, *, sparing: str) -> int:
        """Drop keys made before a time, but for those that begin with `sparing`; return how many.

        What is spared costs its row, a kilobyte or two, and is looked at again each time.
        """
        old = delete(IDEMPOTENCY_KEYS).where(
            _TABLE.created_ms < before_ms, ~_TABLE.key.startswith(sparing, autoescape=True)
        )
        return self._connection.execute(old).rowcount
