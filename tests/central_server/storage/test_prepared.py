"""Queries that are sent as text: the same answers, the same errors, the same snapshot."""

import pytest
from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from central_server.storage.database import Database
from central_server.storage.prepared import Prepared
from central_server.storage.tables import FEED_SCOPES, META, REPLICAS
from tests.central_server.storage.data import location

_SCOPES = Prepared(
    lambda engine: (
        select(FEED_SCOPES.c.scope, FEED_SCOPES.c.rev)
        .where(engine.among(FEED_SCOPES.c.scope, "scopes"), FEED_SCOPES.c.rows_live == 0)
        .order_by(FEED_SCOPES.c.scope)
    )
)
_ENABLED = Prepared(lambda _: select(REPLICAS.c.replica_id, REPLICAS.c.enabled))
_ADD = Prepared(
    lambda _: insert(FEED_SCOPES).values(
        scope=bindparam("name"), rev=1, floor_rev=0, checksum=0, rows_live=bindparam("alive")
    )
)
ODD = ["a'b", 'c"d', "e\\f", "g,{h}", "100 %", ":i", "naïve"]


def test_lists_and_constants_travel_as_they_are(database: Database):
    """Names with quotes, braces, percent signs and colons are found, and nothing else is."""

    def fill(unit) -> None:
        for name in ODD:
            _ADD.run(unit.connection, name=name, alive=0)
        _ADD.run(unit.connection, name="alive", alive=1)

    database.write(fill)
    with database.read() as view:
        found = _SCOPES.rows(view.connection, scopes=[*ODD, "alive", "unknown"])
        assert sorted(found) == [(name, 1) for name in sorted(ODD)]
        assert _SCOPES.row(view.connection, scopes=[]) is None
        assert _SCOPES.value(view.connection, scopes=["a'b"]) == "a'b"


def test_flags_are_flags_on_every_engine(database: Database):
    """SQLite keeps them as numbers; what is returned is true or false."""

    def fill(unit) -> None:
        unit.locations.upsert([location("S001")])
        unit.replicas.enrol("R1", "S001", "nonce", "key", "1", 0)

    database.write(fill)
    with database.read() as view:
        assert repr(_ENABLED.row(view.connection)) == "('R1', True)"


def test_an_error_is_what_sqlalchemy_makes_of_it(database: Database):
    """Callers tell a row that cannot be from a conflict by the error's class."""

    def add(unit) -> None:
        _ADD.run(unit.connection, name="S", alive=0)

    database.write(add)
    with pytest.raises(IntegrityError):
        database.write(add)


def test_a_view_that_asks_so_first_is_one_snapshot(database: Database):
    """The first question begins the snapshot, as one of SQLAlchemy's does."""
    clock = Prepared(lambda _: select(META.c.clock_ms))
    database.write(lambda unit: unit.meta.ensure("central", "secret"))
    with database.read() as view:
        assert clock.value(view.connection) == 0
        database.write(lambda unit: unit.meta.set_clock(7))
        assert clock.value(view.connection) == 0
    with database.read() as view:
        assert clock.value(view.connection) == 7
