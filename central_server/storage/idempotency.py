"""Answers by idempotency key: the same request gets the same answer, once done."""

from sqlalchemy import Connection, delete, select, text, update

from central_server.records import KeptAnswer
from central_server.storage.tables import IDEMPOTENCY_KEYS

_CLAIM = text(
    "INSERT INTO idempotency_keys (principal, key, body_hash, status, response, created_ms)"
    " VALUES (:principal, :key, :body_hash, 0, '', :now_ms)"
    " ON CONFLICT (principal, key) DO NOTHING RETURNING key"
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
        values = {"principal": principal, "key": key, "body_hash": body_hash, "now_ms": now_ms}
        if self._connection.execute(_CLAIM, values).first() is not None:
            return None
        return self.get(principal, key)

    def get(self, principal: str, key: str) -> KeptAnswer | None:
        """Return the answer kept under a key."""
        table = IDEMPOTENCY_KEYS.c
        row = self._connection.execute(
            select(table.body_hash, table.status, table.response).where(
                table.principal == principal, table.key == key
            )
        ).one_or_none()
        return None if row is None else KeptAnswer(*row)

    def keep(self, principal: str, key: str, status: int, response: str) -> None:
        """Keep the answer to the request that claimed the key."""
        table = IDEMPOTENCY_KEYS.c
        self._connection.execute(
            update(IDEMPOTENCY_KEYS)
            .where(table.principal == principal, table.key == key)
            .values(status=status, response=response)
        )

    def forget(self, before_ms: int) -> int:
        """Drop keys made before a time; return how many."""
        old = delete(IDEMPOTENCY_KEYS).where(IDEMPOTENCY_KEYS.c.created_ms < before_ms)
        return self._connection.execute(old).rowcount
