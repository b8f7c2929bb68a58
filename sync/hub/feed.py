"""The feed: current rows by scope, read after a cursor, always compacted.

A bootstrap and a catch-up are the same query. A scope's rev comes from its own
counter row inside the writing transaction, so a reader that has seen rev n has
seen every rev below n: no row can commit behind its back.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sync.hub.ports import FeedStore, Row, StoredRow
from sync.protocol import errors
from sync.protocol.rows import Entity, encode_body, row_digest
from sync.protocol.session import PullHeader, ScopeHead

BODY_CHARS_PER_PAGE_MAX = 8 * 1024 * 1024
"""Of a page's rows together. A store refuses answers that are far larger, and would for ever."""


class FeedWriter:
    """Collects what changed in one transaction and writes it once, at its end."""

    def __init__(self, store: FeedStore) -> None:
        self._store = store
        self._changes: defaultdict[str, dict[Row, str | None]] = defaultdict(dict)

    def put(self, scope: str, entity: Entity, key: str, row: object) -> None:
        """Set the newest body of a row (a dataclass of `sync.protocol.rows`)."""
        self.put_body(scope, entity, key, encode_body(entity, row))

    def put_body(self, scope: str, entity: Entity, key: str, body: str) -> None:
        """Set the newest body of a row that is JSON already."""
        self._changes[scope][entity.value, key] = body

    def remove(self, scope: str, entity: Entity, key: str) -> None:
        """Leave a tombstone: stores that have the row forget it."""
        self._changes[scope][entity.value, key] = None

    def flush(self) -> tuple[ScopeHead, ...]:
        """Write all changes, scopes in name order (one lock order for all), and return the heads.

        Call it last in the transaction: the scopes stay locked until the commit.
        """
        if not self._changes:
            return ()
        changes = {scope: self._changes[scope] for scope in sorted(self._changes)}
        self._changes = defaultdict(dict)
        last, alive = self._store.take_revs(changes)
        before: defaultdict[str, dict[Row, int]] = defaultdict(dict)
        for (scope, row), rev in alive.items():
            before[scope][row] = rev
        written = {
            scope: [
                StoredRow(entity, key, rev, body)
                for rev, ((entity, key), body) in enumerate(
                    rows.items(), last[scope] - len(rows) + 1
                )
            ]
            for scope, rows in changes.items()
        }
        self._store.write(
            written, {scope: _difference(before[scope], written[scope]) for scope in changes}
        )
        return tuple(ScopeHead(scope=scope, rev=last[scope]) for scope in changes)


def _difference(before: dict[Row, int], rows: Sequence[StoredRow]) -> tuple[int, int]:
    """Return (checksum to XOR, living rows to add) for replacing rows."""
    checksum = 0
    for (entity, key), rev in before.items():
        checksum ^= row_digest(entity, key, rev)
    alive = 0
    for row in rows:
        if row.body is not None:
            checksum ^= row_digest(row.entity, row.key, row.rev)
            alive += 1
    return checksum, alive - len(before)


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A pull's answer: its header and its rows."""

    header: PullHeader
    rows: Sequence[StoredRow]


def read_page(
    store: FeedStore,
    scope: str,
    *,
    incarnation: int,
    after: int,
    limit: int,
    chars_max: int = BODY_CHARS_PER_PAGE_MAX,
) -> FeedPage:
    """Return the rows of `scope` after the cursor (incarnation, after), `limit` at most.

    Fewer where their bodies are large: as many as have `chars_max`, at least one.

    Raises `CursorExpired` where the cursor is of another life of central, ahead
    of it, or below the floor to which tombstones have been dropped. A cursor of
    (0, 0) always works: it is a bootstrap.
    """
    alive = store.incarnation()
    state = store.scope(scope)
    fresh = after == 0
    if not fresh and (incarnation != alive or not state.floor_rev <= after <= state.rev):
        raise errors.CursorExpired("bootstrap this scope again", floor_rev=state.floor_rev)
    found = store.rows_after(scope, after, limit + 1)
    rows = found[: _fitting(found[:limit], chars_max)]
    more = len(rows) < len(found)
    header = PullHeader(
        incarnation=alive,
        scope=scope,
        after=after,
        to=rows[-1].rev if more else state.rev,
        more=more,
        count=len(rows),
        checksum=None if more else state.checksum,
        rows_live=None if more else state.rows_live,
    )
    return FeedPage(header, rows)


def _fitting(rows: Sequence[StoredRow], chars_max: int) -> int:
    """Return how many of the first rows go into one page."""
    chars = 0
    for count, row in enumerate(rows):
        chars += len(row.body or "")
        if chars > chars_max:
            return max(count, 1)
    return len(rows)
