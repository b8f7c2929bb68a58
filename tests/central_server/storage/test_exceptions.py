"""The table of what people must look at, on both engines."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from alembic import command
from sqlalchemy import text

from central_server.records import ExceptionCursor, ExceptionFilter, ExceptionRecord
from central_server.storage import schema
from tests.central_server.storage.data import NOW

LATER = ExceptionRecord(
    "E1", "unsourced", "central", NOW + 9, NOW, "O1", "F1", "L1", {"n": [1]}, cause="one"
)
SOONER = ExceptionRecord(
    "E2", "clock_wrong", "store", NOW + 5, NOW, "O1", "F2", "L2", cause="other"
)


@pytest.fixture
def opened(database):
    """Two exceptions, of two owners."""
    database.write(lambda unit: unit.exceptions.open([LATER, SOONER]))
    return database


def close(database, causes, at=NOW + 1, by="Ann"):
    return database.write(lambda unit: unit.exceptions.close_causes(causes, at, by=by, note="done"))


def test_they_are_listed_by_due_time_until_closed(opened):
    """What a person must look at stays listed, the most urgent first, until it is closed."""
    with opened.read() as view:
        assert view.exceptions.list_open() == (SOONER, LATER)
        assert view.exceptions.list_open("central") == (LATER,)
        assert view.exceptions.count_open() == 2
    assert close(opened, ["other"]) == (SOONER,)
    assert close(opened, ["other"]) == ()
    with opened.read() as view:
        assert view.exceptions.list_open() == (LATER,)
        closed = view.exceptions.get("E2")
        assert closed == replace(SOONER, closed_ms=NOW + 1, closed_by="Ann", note="done")
        assert view.exceptions.of_order("O1") == (LATER, closed)


def test_a_cause_is_open_once(opened):
    """The same cause opens nothing while it is open, and anew once it is closed."""
    again = replace(LATER, id="E3")
    assert opened.write(lambda unit: unit.exceptions.open([again])) == ()
    close(opened, ["one"])
    assert opened.write(lambda unit: unit.exceptions.open([again])) == (again,)
    with opened.read() as view:
        assert view.exceptions.open_of(["one", "other", "none"]) == {"one": "E3", "other": "E2"}
        assert view.exceptions.newest_of("one") == again


def test_of_many_that_see_the_same_cause_at_once_one_opens_it(database):
    """Concurrent transactions with one cause leave one row."""

    def see(number: int) -> int:
        record = replace(LATER, id=f"E{number}")
        return len(database.write(lambda unit: unit.exceptions.open([record])))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(see, range(24))) == 1


def test_pages_neither_repeat_nor_leave_out(database):
    """A cursor goes on after a place in (due time, id), also among equal due times."""
    rows = [replace(LATER, id=f"E{n}", cause=f"c{n}", due_ms=NOW + n // 3) for n in range(10)]
    database.write(lambda unit: unit.exceptions.open(rows))
    seen, after = [], None
    while True:
        with database.read() as view:
            page, after = view.exceptions.page(ExceptionFilter(), after, 4)
        seen += [one.id for one in page]
        if after is None:
            break
        assert isinstance(after, ExceptionCursor)
    assert seen == [f"E{n}" for n in range(10)]


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (ExceptionFilter(), ["E2", "E1"]),
        (ExceptionFilter(owner="store"), ["E2"]),
        (ExceptionFilter(kind="unsourced"), ["E1"]),
        (ExceptionFilter(location_id="L1"), ["E1"]),
        (ExceptionFilter(order_id="O1", owner="central"), ["E1"]),
        (ExceptionFilter(order_id="O2"), []),
        (ExceptionFilter(is_open=False), []),
        (ExceptionFilter(is_open=None), ["E2", "E1"]),
    ],
)
def test_filters_must_all_hold(opened, wanted, ids):
    """Each filter leaves out what it does not name."""
    with opened.read() as view:
        assert [one.id for one in view.exceptions.page(wanted, None, 10)[0]] == ids


def test_words_and_owner_can_change_while_it_is_open(opened):
    """Who looks after it and what is the matter are kept; the rest stays as it was."""
    opened.write(lambda unit: unit.exceptions.assign("E1", "store", "Ann"))
    changed = opened.write(lambda unit: unit.exceptions.describe("one", "tried again"))
    assert changed == replace(
        LATER, owner="store", assignee="Ann", detail={"n": [1], "text": "tried again"}
    )
    with opened.read() as view:
        assert view.exceptions.get("E1") == changed
    close(opened, ["one"])
    assert opened.write(lambda unit: unit.exceptions.describe("one", "too late")) is None


def test_a_store_gives_to_its_people_what_is_open_and_its_own(opened):
    """What central has, and what is closed, stays as it is."""

    def give(key: str) -> ExceptionRecord | None:
        return opened.write(lambda unit: unit.exceptions.give_within_store(key, "lead"))

    assert give("E1") is None
    assert give("E2") == replace(SOONER, assignee="lead")
    close(opened, ["other"])
    assert give("E2") is None
    with opened.read() as view:
        assert view.exceptions.get("E1") == LATER


def test_rows_of_before_the_inbox_keep_their_own_cause(database):
    """Two exceptions that were open before it both survive the migration."""
    insert = text(
        "INSERT INTO exceptions (id, kind, owner, due_ms, order_id, fulfillment_id,"
        " location_id, detail, opened_ms) VALUES (:id, 'k', 'central', 1, '', '', '', '{}', 1)"
    )

    def go_back_and_fill(unit):
        command.downgrade(schema._config(unit.connection), "0004-1")
        for key in ("E1", "E2"):
            unit.connection.execute(insert, {"id": key})

    database.write(go_back_and_fill)
    schema.migrate(database)
    assert schema.differences(database) == []
    with database.read() as view:
        found = [(one.id, one.cause) for one in view.exceptions.list_open()]
    assert found == [("E1", "E1"), ("E2", "E2")]
