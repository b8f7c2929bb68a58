"""Migrations lead to the schema that the code declares, on both engines."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from central_server.storage import schema
from central_server.storage.database import Database, UnsafeDatabase


def test_migrated_schema_is_the_declared_one(database):
    """After all revisions the database has just the tables, columns and indexes of tables.py."""
    assert schema.differences(database) == []


def test_migrating_again_changes_nothing(database):
    """A database at the newest revision stays there."""
    assert schema.migrate(database) == schema.schema_version(database) == schema.newest_version()
    with database.read() as view:
        assert view.meta.get() is not None


def test_every_partial_index_is_partial(database):
    """Indexes of the exceptional rows hold only these."""
    catalog = (
        "SELECT sql FROM sqlite_master WHERE type = 'index'"
        if database.dialect == "sqlite"
        else "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
    )
    with database.read() as view:
        texts = [sql for (sql,) in view.connection.execute(text(catalog)) if sql]
    assert sum(" WHERE " in sql for sql in texts) == 14


def test_unmigrated_database_says_so(tmp_path):
    """A new file has no schema version."""
    opened = Database.open(f"sqlite:///{tmp_path / 'new.db'}")
    assert schema.schema_version(opened) is None
    opened.close()


def test_encrypted_file_needs_its_key(tmp_path):
    """With a key the file is unreadable without it, or with another."""
    url = f"sqlite:///{tmp_path / 'secret.db'}"
    opened = Database.open(url, key="ab" * 32)
    schema.migrate(opened)
    opened.close()
    assert b"SQLite format" not in (tmp_path / "secret.db").read_bytes()[:16]
    for key in (None, "cd" * 32):
        with pytest.raises(UnsafeDatabase):
            Database.open(url, key=key)
    again = Database.open(url, key="ab" * 32)
    assert schema.schema_version(again) == schema.newest_version()
    again.close()


def test_declared_checks_exist(database):
    """Central cannot allocate less than nothing, and on hand may be negative."""
    insert = text(
        "INSERT INTO stock (location_id, sku, on_hand, allocated, floor, safety_stock, aisle)"
        " VALUES ('L1', 'A', :on_hand, :allocated, 0, 0, '')"
    )
    place = text(
        "INSERT INTO locations VALUES ('L1','','store',0,0,'','','','','','','','',:yes,'[]',"
        "'[]','[]',7,0,0,'','','','[]')"
    )

    def put(on_hand: int, allocated: int) -> Callable:
        return lambda unit: unit.connection.execute(
            insert, {"on_hand": on_hand, "allocated": allocated}
        )

    database.write(lambda unit: unit.connection.execute(place, {"yes": True}))
    with pytest.raises(Exception, match="ck_stock_allocated"):
        database.write(put(1, -1))
    database.write(put(-1, 0))
