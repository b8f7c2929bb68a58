"""The feed's tables: the hub's `FeedStore`, and what compaction needs."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, and_, delete, select, text, update

from central_server.storage.bulk import among, upsert_many
from central_server.storage.meta import NotInitialized
from central_server.storage.tables import FEED_ROWS, FEED_SCOPES, META
from sync.hub.ports import ScopeState, StoredRow

_COLUMNS = ("scope", "entity", "key", "rev", "body")

_TAKE = text(
    "INSERT INTO feed_scopes (scope, rev, floor_rev, checksum, rows_live)"
    " VALUES (:scope, :count, 0, 0, 0)"
    " ON CONFLICT (scope) DO UPDATE SET rev = feed_scopes.rev + excluded.rev RETURNING rev"
)
# a XOR b, in operators that both engines have.
_ADJUST = text(
    "UPDATE feed_scopes SET rows_live = rows_live + :rows,"
    " checksum = (checksum | :xor) - (checksum & :xor) WHERE scope = :scope"
)


class SqlFeedStore:
    """Implements `sync.hub.ports.FeedStore` inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def incarnation(self) -> int:
        """Return central's life number."""
        found = self._connection.execute(select(META.c.incarnation)).scalar_one_or_none()
        if found is None:
            raise NotInitialized("this database has no server identity")
        return int(found)

    def scope(self, scope: str) -> ScopeState:
        """Return a scope's state; an unknown scope is at zero."""
        wanted = (
            FEED_SCOPES.c.rev, FEED_SCOPES.c.floor_rev,
            FEED_SCOPES.c.checksum, FEED_SCOPES.c.rows_live,
        )  # fmt: skip
        row = self._connection.execute(
            select(*wanted).where(FEED_SCOPES.c.scope == scope)
        ).one_or_none()
        return ScopeState(0, 0, 0, 0) if row is None else ScopeState(*row)

    def all_scopes(self) -> dict[str, ScopeState]:
        """Return every scope with its state."""
        names = ("scope", "rev", "floor_rev", "checksum", "rows_live")
        rows = self._connection.execute(select(*(FEED_SCOPES.c[name] for name in names)))
        return {name: ScopeState(*state) for name, *state in rows}

    def take_revs(self, scope: str, count: int) -> int:
        """Add `count` to the scope's rev and return the new one; the row stays locked."""
        taken = self._connection.execute(_TAKE, {"scope": scope, "count": count})
        return int(taken.scalar_one())

    def living_revs(
        self, scope: str, keys: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], int]:
        """Return rev by (entity, key) of the given rows that exist and are not tombstones."""
        by_entity = defaultdict(list)
        for entity, key in keys:
            by_entity[entity].append(key)
        found: dict[tuple[str, str], int] = {}
        for entity, wanted in by_entity.items():
            rows = self._connection.execute(
                select(FEED_ROWS.c.key, FEED_ROWS.c.rev).where(
                    FEED_ROWS.c.scope == scope,
                    FEED_ROWS.c.entity == entity,
                    among(self._connection, FEED_ROWS.c.key, wanted),
                    FEED_ROWS.c.body.is_not(None),
                )
            )
            found.update({(entity, key): rev for key, rev in rows})
        return found

    def write(self, scope: str, rows: Sequence[StoredRow]) -> None:
        """Insert or replace rows by (scope, entity, key)."""
        values = [(scope, row.entity, row.key, row.rev, row.body) for row in rows]
        upsert_many(self._connection, FEED_ROWS, _COLUMNS, values)

    def adjust(self, scope: str, checksum_xor: int, rows_delta: int) -> None:
        """XOR the scope's checksum and add to its number of living rows."""
        self._connection.execute(_ADJUST, {"scope": scope, "xor": checksum_xor, "rows": rows_delta})

    def rows_after(self, scope: str, after: int, limit: int) -> Sequence[StoredRow]:
        """Return rows with rev > after in rev order, at most `limit`."""
        rows = self._connection.execute(
            select(FEED_ROWS.c.entity, FEED_ROWS.c.key, FEED_ROWS.c.rev, FEED_ROWS.c.body)
            .where(FEED_ROWS.c.scope == scope, FEED_ROWS.c.rev > after)
            .order_by(FEED_ROWS.c.rev)
            .limit(limit)
        )
        return [StoredRow(*row) for row in rows]

    def drop_tombstones(self, scope: str, up_to: int) -> int:
        """Forget tombstones with rev <= `up_to`, raise the floor to it, return how many went.

        A store whose cursor is below the floor has to bootstrap the scope again.
        """
        self._connection.execute(
            update(FEED_SCOPES)
            .where(
                FEED_SCOPES.c.scope == scope,
                and_(FEED_SCOPES.c.floor_rev < up_to, FEED_SCOPES.c.rev >= up_to),
            )
            .values(floor_rev=up_to)
        )
        gone = delete(FEED_ROWS).where(
            FEED_ROWS.c.scope == scope, FEED_ROWS.c.rev <= up_to, FEED_ROWS.c.body.is_(None)
        )
        return self._connection.execute(gone).rowcount
