"""API keys: found by prefix, proved by hash. The secret itself is never kept."""

import json

from sqlalchemy import Connection, insert, select, update

from central_server.records import ApiKey
from central_server.storage.bulk import AnyRow
from central_server.storage.tables import API_KEYS


class ApiKeys:
    """The table `api_keys`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, key: ApiKey) -> None:
        """Keep a key."""
        self._connection.execute(
            insert(API_KEYS).values(
                id=key.id, prefix=key.prefix, hash=key.hash, scopes=json.dumps(key.scopes),
                name=key.name, created_ms=key.created_ms, revoked_ms=key.revoked_ms,
            )
        )  # fmt: skip

    def by_prefix(self, prefix: str) -> ApiKey | None:
        """Return the key with this prefix, revoked or not."""
        found = select(API_KEYS).where(API_KEYS.c.prefix == prefix)
        row = self._connection.execute(found).one_or_none()
        return None if row is None else _key(row)

    def all(self) -> tuple[ApiKey, ...]:
        """Return every key, oldest first."""
        rows = self._connection.execute(
            select(API_KEYS).order_by(API_KEYS.c.created_ms, API_KEYS.c.id)
        )
        return tuple(_key(row) for row in rows)

    def revoke(self, key_id: str, now_ms: int) -> bool:
        """Revoke a key; return whether there was a living one."""
        living = API_KEYS.c.id == key_id, API_KEYS.c.revoked_ms.is_(None)
        changed = update(API_KEYS).where(*living).values(revoked_ms=now_ms)
        return self._connection.execute(changed).rowcount == 1


def _key(row: AnyRow) -> ApiKey:
    return ApiKey(
        row.id, row.prefix, row.hash, tuple(json.loads(row.scopes)), row.name, row.created_ms,
        row.revoked_ms,
    )  # fmt: skip
