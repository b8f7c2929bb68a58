"""The feed on both engines, and the trap of commits that come out of order."""

import threading

import pytest
from sqlalchemy import text

from central_server.storage.feed import SqlFeedStore
from sync.hub.feed import FeedWriter, read_page
from sync.hub.ports import ScopeState, StoredRow
from sync.protocol.errors import CursorExpired
from sync.protocol.rows import Entity, row_digest

SCOPE = "store:L1"
BODY = '{"sku":"A"}'


def _put(unit, *keys: str) -> None:
    writer = FeedWriter(unit.feed)
    for key in keys:
        writer.put_body(SCOPE, Entity.STOCK, key, BODY)
    writer.flush()


def _page(database, after: int, limit: int = 100):
    with database.read() as view:
        return read_page(view.feed, SCOPE, incarnation=1, after=after, limit=limit)


def test_rows_come_in_rev_order_and_only_the_newest_of_each(database):
    """The feed is compacted: a row that changed is there once, at its newest rev."""
    database.write(lambda unit: _put(unit, "A", "B", "C"))
    database.write(lambda unit: _put(unit, "A"))
    page = _page(database, 0)
    assert [(row.key, row.rev) for row in page.rows] == [("B", 2), ("C", 3), ("A", 4)]
    assert (page.header.to, page.header.more, page.header.rows_live) == (4, False, 3)
    assert [row.key for row in _page(database, 3).rows] == ["A"]
    assert _page(database, 0, limit=2).header.more


def test_checksum_is_that_of_the_living_rows(database):
    """The scope's checksum is the XOR of the digests of what is alive, tombstones excluded."""
    database.write(lambda unit: _put(unit, "A", "B", "C"))

    def change(unit):
        writer = FeedWriter(unit.feed)
        writer.remove(SCOPE, Entity.STOCK, "B")
        writer.put_body(SCOPE, Entity.STOCK, "C", BODY)
        writer.remove(SCOPE, Entity.STOCK, "never there")
        writer.flush()

    database.write(change)
    expected = row_digest("stock", "A", 1) ^ row_digest("stock", "C", 5)
    with database.read() as view:
        assert view.feed.scope(SCOPE) == ScopeState(6, 0, expected, 2)
        assert view.feed.scope("unknown") == ScopeState(0, 0, 0, 0)
    keys = [("stock", "A"), ("stock", "B"), ("x", "A")]
    revs, alive = database.write(lambda unit: unit.feed.take_revs({SCOPE: keys}))
    assert (revs, alive) == ({SCOPE: 9}, {(SCOPE, ("stock", "A")): 1})


def test_dropped_tombstones_raise_the_floor(database):
    """A cursor below what was forgotten has to start again; the others go on."""
    database.write(lambda unit: _put(unit, "A", "B"))

    def remove(unit):
        writer = FeedWriter(unit.feed)
        writer.remove(SCOPE, Entity.STOCK, "A")
        writer.flush()

    database.write(remove)
    database.write(lambda unit: _put(unit, "C"))
    assert database.write(lambda unit: unit.feed.drop_tombstones(SCOPE, 3)) == 1
    with pytest.raises(CursorExpired):
        _page(database, 2)
    assert [row.key for row in _page(database, 3).rows] == ["C"]
    assert [row.key for row in _page(database, 0).rows] == ["B", "C"]


def test_many_rows_in_one_flush(database):
    """A catalogue of thousands of rows is written at once, odd characters included."""
    keys = [f"k{n} \"\\{{}},'é%" for n in range(3000)]
    database.write(lambda unit: _put(unit, *keys))
    page = _page(database, 0, limit=5000)
    assert [row.key for row in page.rows] == keys


def _is_waiting(database) -> bool:
    """Return whether a transaction waits for the lock of another."""
    with database.read() as view:
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return view.connection.execute(waiting).scalar_one() > 0


def _out_of_order(database, take_rev) -> list[int]:
    """Write row 1 in a transaction that commits late, row 2 in one that does not wait for it.

    A reader reads as soon as anything can be read, and again at the end, each
    time after its cursor. Returns the revs that it saw.
    """
    seen: list[int] = []

    def read() -> None:
        with database.read() as view:
            rows = view.feed.rows_after(SCOPE, max(seen, default=0), 100)
            seen.extend(row.rev for row in rows)

    first_has_its_rev, second_is_done = threading.Event(), threading.Event()
    engine = database._writer._engine

    def second() -> None:
        first_has_its_rev.wait(10)
        with engine.begin() as connection:
            rev = take_rev(connection)
            SqlFeedStore(connection).write({SCOPE: [StoredRow("stock", "second", rev, BODY)]}, {})
        second_is_done.set()

    thread = threading.Thread(target=second)
    thread.start()
    with engine.begin() as connection:
        rev = take_rev(connection)
        SqlFeedStore(connection).write({SCOPE: [StoredRow("stock", "first", rev, BODY)]}, {})
        first_has_its_rev.set()
        while not second_is_done.is_set() and not _is_waiting(database):
            threading.Event().wait(0.005)
        read()
    thread.join(10)
    read()
    return seen


@pytest.mark.postgres
def test_a_transaction_that_commits_late_is_not_skipped(postgresql_database):
    """The scope's counter row makes the second writer wait: no rev appears behind a reader."""
    seen = _out_of_order(
        postgresql_database,
        lambda connection: SqlFeedStore(connection).take_revs({SCOPE: [("stock", "x")]})[0][SCOPE],
    )
    assert seen == [1, 2]


@pytest.mark.postgres
def test_a_plain_sequence_would_lose_a_row(postgresql_database):
    """Positive control: with revs from a sequence the same reader never sees the first row."""
    database = postgresql_database
    database.write(lambda unit: unit.connection.execute(text("CREATE SEQUENCE plain")))
    seen = _out_of_order(
        database,
        lambda connection: connection.execute(text("SELECT nextval('plain')")).scalar_one(),
    )
    assert seen == [2]
