"""The feed's tables: the hub's `FeedStore`, and what compaction needs."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import BigInteger, Connection, and_, bindparam, delete, select, update

from central_server.storage.bulk import find_among, insert_among, update_among
from central_server.storage.meta import NotInitialized
from central_server.storage.prepared import Prepared
from central_server.storage.raw import Together, Values
from central_server.storage.tables import FEED_ROWS, FEED_SCOPES, META
from sync.hub.ports import Row, ScopeState, StoredRow

_KEY = ("scope", "entity", "key")
_COLUMNS = (*_KEY, "rev", "body")
_SCOPE_COLUMNS = ("scope", "rev", "floor_rev", "checksum", "rows_live")

_INCARNATION = Prepared(lambda _: select(META.c.incarnation))
_SCOPE = Prepared(
    lambda _: select(
        FEED_SCOPES.c.rev, FEED_SCOPES.c.floor_rev, FEED_SCOPES.c.checksum, FEED_SCOPES.c.rows_live
    ).where(FEED_SCOPES.c.scope == bindparam("scope"))
)
_AFTER = Prepared(
    lambda _: (
        select(FEED_ROWS.c.entity, FEED_ROWS.c.key, FEED_ROWS.c.rev, FEED_ROWS.c.body)
        .where(FEED_ROWS.c.scope == bindparam("scope"), FEED_ROWS.c.rev > bindparam("after"))
        .order_by(FEED_ROWS.c.rev)
        .limit(bindparam("limit", type_=BigInteger))
    )
)
_REPLACE = (
    " ON CONFLICT (scope, entity, key) DO UPDATE SET rev = excluded.rev, body = excluded.body"
)
_TAKE = " ON CONFLICT (scope) DO UPDATE SET rev = feed_scopes.rev + excluded.rev"
# a XOR b, in operators that both engines have.
_ADJUST = (
    "rows_live = feed_scopes.rows_live + v.rows_live, checksum ="
    " (feed_scopes.checksum | v.checksum) - (feed_scopes.checksum & v.checksum)"
)


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
        rows = self._connection.execute(select(*(FEED_SCOPES.c[name] for name in _SCOPE_COLUMNS)))
        return {name: ScopeState(*state) for name, *state in rows}

    def take_revs(
        self, keys: Mapping[str, Collection[Row]]
    ) -> tuple[dict[str, int], dict[tuple[str, Row], int]]:
        """Add to the rev of each scope; return the new revs, and those of rows that are alive.

        The scopes stay locked.
        """
        counts = [(scope, len(keys[scope]), 0, 0, 0) for scope in sorted(keys)]
        wanted = [(scope, *row) for scope, rows in keys.items() for row in rows]
        alive: list[Values] = []
        with Together(self._connection) as together:
            revs = insert_among(
                together, FEED_SCOPES, _SCOPE_COLUMNS, counts, _TAKE, returning="scope, rev"
            )
            find_among(
                together, FEED_ROWS, _KEY, wanted, then=alive.extend,
                what="feed_rows.scope, feed_rows.entity, feed_rows.key, feed_rows.rev",
                more="AND feed_rows.body IS NOT NULL",
            )  # fmt: skip
        return (
            {scope: int(rev) for scope, rev in revs},
            {(scope, (entity, key)): rev for scope, entity, key, rev in alive},
        )

    def write(
        self, rows: Mapping[str, Sequence[StoredRow]], changes: Mapping[str, tuple[int, int]]
    ) -> None:
        """Insert or replace rows of scopes; XOR their checksums, count their living rows."""
        values = [
            (scope, row.entity, row.key, row.rev, row.body)
            for scope, some in rows.items()
            for row in some
        ]
        with Together(self._connection) as together:
            insert_among(together, FEED_ROWS, _COLUMNS, values, _REPLACE)
            update_among(
                together, FEED_SCOPES, ("scope", "checksum", "rows_live"),
                [(scope, *change) for scope, change in changes.items()],
                sets=_ADJUST, where="feed_scopes.scope = v.scope",
            )  # fmt: skip

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
