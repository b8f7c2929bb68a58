"""Files that hold what a store did: the engine, the key and the pragmas are checked."""

from contextlib import suppress
from pathlib import Path

import pytest
import sqlcipher3.dbapi2

from store_client.replica import database, schema
from sync.edge import journal, journal_schema, sqlite
from sync.edge.sqlite import (
    CommitPoint,
    OperationalError,
    UnsafeDatabase,
    open_database,
    transaction,
)

KEY = "ab" * 32


@pytest.mark.parametrize("key", ["", KEY], ids=["plain", "encrypted"])
@pytest.mark.parametrize(("level", "number"), [("FULL", 2), ("NORMAL", 1)])
def test_the_pragmas_have_taken(tmp_path: Path, key: str, level, number: int):
    """What was asked for is what the engine says when asked back."""
    database = open_database(tmp_path / "a" / "x.db", key=key, synchronous=level)
    read = {
        name: database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
    }
    assert read == {
        "journal_mode": "wal", "synchronous": number, "foreign_keys": 1, "secure_delete": 1,
        "busy_timeout": sqlite.BUSY_TIMEOUT_MS,
    }  # fmt: skip
    database.close()


@pytest.mark.parametrize("key", ["", "cd" * 32], ids=["no key", "another key"])
def test_a_wrong_key_is_unsafe(tmp_path: Path, key: str):
    """An encrypted file says nothing without its key, and is not harmed by a try."""
    path = tmp_path / "x.db"
    database = open_database(path, key=KEY, synchronous="FULL")
    database.execute("CREATE TABLE t (a)")
    database.close()
    before = path.read_bytes()
    with pytest.raises(UnsafeDatabase, match="wrong key"):
        open_database(path, key=key, synchronous="FULL")
    assert path.read_bytes() == before
    assert b"CREATE TABLE" not in before


@pytest.mark.parametrize("size", [1, 50, 99, 600])
def test_a_truncated_or_foreign_file_is_unsafe(tmp_path: Path, size: int):
    """A file that is not a database, or no longer one, is refused and left alone."""
    path = tmp_path / "x.db"
    path.write_bytes(b"\x17" * size)
    with pytest.raises(UnsafeDatabase):
        open_database(path, synchronous="FULL")
    assert path.read_bytes() == b"\x17" * size


def test_a_key_that_is_no_key_is_refused(tmp_path: Path):
    """A key never reaches the engine as anything but hexadecimal digits."""
    with pytest.raises(ValueError):
        open_database(tmp_path / "x.db", key="'; DROP", synchronous="FULL")


def test_an_engine_with_the_wal_bug_is_refused(tmp_path: Path, monkeypatch):
    """An older SQLite can corrupt a file that two processes share."""
    monkeypatch.setattr(sqlcipher3.dbapi2, "sqlite_version_info", (3, 51, 2))
    with pytest.raises(UnsafeDatabase, match="older"):
        open_database(tmp_path / "x.db", synchronous="FULL")


def test_a_full_disk_rolls_back_and_the_connection_lives_on(tmp_path: Path):
    """The statement or the commit fails; the next transaction is possible, with all as it was."""
    database = open_database(tmp_path / "x.db", synchronous="FULL")
    database.execute("CREATE TABLE t (a)")
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OperationalError, match="full"), transaction(database):
        database.executemany("INSERT INTO t VALUES (zeroblob(?))", [(4000,)] * 50)
    database.execute("PRAGMA max_page_count = 100000")
    with transaction(database):
        database.execute("INSERT INTO t VALUES (1)")
    assert database.execute("SELECT count(*) FROM t").fetchone()[0] == 1
    database.close()


def test_a_failed_commit_rolls_back_and_the_connection_lives_on(tmp_path: Path):
    """A commit that is refused leaves no transaction open behind it."""
    database = open_database(tmp_path / "x.db", synchronous="FULL")
    database.execute("CREATE TABLE p (id INTEGER PRIMARY KEY)")
    database.execute("CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite.IntegrityError), transaction(database):
        database.execute("INSERT INTO c VALUES (1)")
    with transaction(database):
        database.execute("INSERT INTO p VALUES (1)")
    database.close()


def test_the_newest_migrations_are_known_by_name():
    """A start without anything to migrate skips the library: the names must be the last ones."""
    assert list(journal_schema.migrations._migrations)[-1].name == journal.NEWEST_MIGRATION
    assert list(schema.migrations._migrations)[-1].name == database.NEWEST_MIGRATION


def test_a_hook_stands_around_every_commit(tmp_path: Path):
    """What it raises before the commit undoes the work; after it, the work is there."""
    seen = []

    def hook(file: str, point: CommitPoint) -> None:
        seen.append((file, point))
        if len(seen) in {3, 5}:
            raise KeyError(point)

    database = open_database(tmp_path / "x.db", synchronous="FULL")
    database.execute("CREATE TABLE t (a)")
    for number in (1, 2, 3):
        with suppress(KeyError), transaction(database, "x.db", hook):
            database.execute("INSERT INTO t VALUES (?)", (number,))
    both = [("x.db", CommitPoint.BEFORE), ("x.db", CommitPoint.AFTER)]
    assert seen == [*both, both[0], *both]
    assert database.execute("SELECT a FROM t").fetchall() == [(1,), (3,)]
    database.close()
