"""The feed's tables: the hub's `FeedStore`, and what compaction needs."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import BigInteger, Connection, and_, bindparam, delete, select, text, update

from central_server.storage.bulk import upsert_many
from central_server.storage.meta import NotInitialized
from central_server.storage.prepared import Prepared
from central_server.storage.tables import FEED_ROWS, FEED_SCOPES, META
from sync.hub.ports import ScopeState, StoredRow

_COLUMNS = ("scope", "entity", "key", "rev", "body")

_INCARNATION = Prepared(lambda _: select(META.c.incarnation))
_SCOPE = Prepared(
    lambda _: select(
        FEED_SCOPES.c.rev, FEED_SCOPES.c.floor_rev, FEED_SCOPES.c.checksum, FEED_SCOPES.c.rows_live
    ).where(FEED_SCOPES.c.scope == bindparam("scope"))
)
_LIVING = Prepared(
    lambda engine: select(FEED_ROWS.c.key, FEED_ROWS.c.rev).where(
        FEED_ROWS.c.scope == bindparam("scope"),
        FEED_ROWS.c.entity == bindparam("entity"),
        engine.among(FEED_ROWS.c.key, "keys"),
        FEED_ROWS.c.body.is_not(None),
    )
)
_AFTER = Prepared(
    lambda _: (
        select(FEED_ROWS.c.entity, FEED_ROWS.c.key, FEED_ROWS.c.rev, FEED_ROWS.c.body)
        .where(FEED_ROWS.c.scope == bindparam("scope"), FEED_ROWS.c.rev > bindparam("after"))
        .order_by(FEED_ROWS.c.rev)
        .limit(bindparam("limit", type_=BigInteger))
    )
)
_TAKE = Prepared(lambda _: text(
    "INSERT INTO feed_scopes (scope, rev, floor_rev, checksum, rows_live)"
    " VALUES (:scope, :count, 0, 0, 0)"
    " ON CONFLICT (scope) DO UPDATE SET rev = feed_scopes.rev + excluded.rev RETURNING rev"
))  # fmt: skip
# a XOR b, in operators that both engines have.
_ADJUST = Prepared(lambda _: text(
    "UPDATE feed_scopes SET rows_live = rows_live + :rows,"
    " checksum = (checksum | :xor) - (checksum & :xor) WHERE scope = :scope"
))  # fmt: skip


class SqlFeedStore:
    """Implements `sync.hub.ports.FeedStore` inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def incarnation(self) -> int:
        """Return central's life number."""
        found = _INCARNATION.value(self._connection)
        if found is None:
            raise NotInitialized("this database has no server identity")
        return int(found)

    def scope(self, scope: str) -> ScopeState:
        """Return a scope's state; an unknown scope is at zero."""
        row = _SCOPE.row(self._connection, scope=scope)
        return ScopeState(0, 0, 0, 0) if row is None else ScopeState(*row)

    def all_scopes(self) -> dict[str, ScopeState]:
        """Return every scope with its state."""
        names = ("scope", "rev", "floor_rev", "checksum", "rows_live")
        rows = self._connection.execute(select(*(FEED_SCOPES.c[name] for name in names)))
        return {name: ScopeState(*state) for name, *state in rows}

    def take_revs(self, scope: str, count: int) -> int:
        """Add `count` to the scope's rev and return the new one; the row stays locked."""
        return int(_TAKE.value(self._connection, scope=scope, count=count))

    def living_revs(
        self, scope: str, keys: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], int]:
        """Return rev by (entity, key) of the given rows that exist and are not tombstones."""
        by_entity = defaultdict(list)
        for entity, key in keys:
            by_entity[entity].append(key)
        found: dict[tuple[str, str], int] = {}
        for entity, wanted in by_entity.items():
            rows = _LIVING.rows(self._connection, scope=scope, entity=entity, keys=wanted)
            found.update({(entity, key): rev for key, rev in rows})
        return found

    def write(self, scope: str, rows: Sequence[StoredRow]) -> None:
        """Insert or replace rows by (scope, entity, key)."""
        values = [(scope, row.entity, row.key, row.rev, row.body) for row in rows]
        upsert_many(self._connection, FEED_ROWS, _COLUMNS, values)

    def adjust(self, scope: str, checksum_xor: int, rows_delta: int) -> None:
        """XOR the scope's checksum and add to its number of living rows."""
        _ADJUST.run(self._connection, scope=scope, xor=checksum_xor, rows=rows_delta)

    def rows_after(self, scope: str, after: int, limit: int) -> Sequence[StoredRow]:
        """Return rows with rev > after in rev order, at most `limit`."""
        rows = _AFTER.rows(self._connection, scope=scope, after=after, limit=limit)
        return [StoredRow(*row) for row in rows]

    def living(self, scope: str, entity: str, up_to: int) -> Sequence[StoredRow]:
        """Return a scope's living rows of one entity with rev <= `up_to`, by key."""
        rows = self._connection.execute(
            select(FEED_ROWS.c.entity, FEED_ROWS.c.key, FEED_ROWS.c.rev, FEED_ROWS.c.body)
            .where(
                FEED_ROWS.c.scope == scope,
                FEED_ROWS.c.entity == entity,
                FEED_ROWS.c.rev <= up_to,
                FEED_ROWS.c.body.is_not(None),
            )
            .order_by(FEED_ROWS.c.key)
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
