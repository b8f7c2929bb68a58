"""What a transaction promises: consistent reads, durable writes, failures that hurt nobody else."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from central_server.storage.database import CommitPoint, Database, DatabaseClosed
from tests.central_server.storage.data import location

COUNT = text("SELECT count(*) FROM locations")


def _add(location_id: str) -> Callable:
    return lambda unit: unit.locations.upsert([location(location_id)])


def _ids(database: Database) -> list[str]:
    with database.read() as view:
        return [one.id for one in view.locations.all()]


def test_a_write_is_there_once_it_returned(database):
    """A result is returned after the commit."""
    assert database.write(lambda unit: (_add("L1")(unit), 7)[1]) == 7
    assert _ids(database) == ["L1"]


def test_a_failing_command_leaves_nothing(database):
    """An exception undoes the command and reaches its caller."""

    def fail(unit):
        _add("L1")(unit)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        database.write(fail)
    assert _ids(database) == []


def test_a_read_sees_one_snapshot(database):
    """What is committed during a read does not show in it."""
    database.write(_add("L1"))
    with database.read() as view:
        assert view.connection.execute(COUNT).scalar_one() == 1
        database.write(_add("L2"))
        assert view.connection.execute(COUNT).scalar_one() == 1
    assert _ids(database) == ["L1", "L2"]


def test_a_read_cannot_write(database):
    """A view refuses to change anything."""
    with pytest.raises(DBAPIError), database.read() as view:
        view.locations.upsert([location()])


def test_callbacks_run_after_the_commit_only(database):
    """What is to follow a commit does not follow a rollback."""
    seen: list[list[str]] = []

    def good(unit):
        _add("L1")(unit)
        unit.after_commit(lambda: seen.append(_ids(database)))

    def bad(unit):
        good(unit)
        raise ValueError

    with pytest.raises(ValueError):
        database.write(bad)
    assert seen == []
    database.write(good)
    assert seen == [["L1"]]


def test_a_closed_database_takes_nothing(database):
    """After closing, a write fails with a reason; closing again is harmless."""
    database.close()
    with pytest.raises(DatabaseClosed):
        database.write(_add("L1"))
    database.close()


class _Gate:
    """Holds the first commit back until the others wait behind it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.release = threading.Event()
        self.commits = 0
        self.break_commit = False

    def __call__(self, point: CommitPoint) -> None:
        if point is CommitPoint.BEFORE:
            self.commits += 1
            if self.break_commit:
                raise OSError("disk full")

    def hold(self, unit: object) -> None:
        self.entered.set()
        assert self.release.wait(10)


def _grouped(url: str, gate: _Gate, commands: list[Callable]) -> tuple[Database, list]:
    """Run `commands` so that they share one commit; return the database and their futures."""
    database = Database.open(url, hook=gate)
    writer: Any = database._writer
    pool = ThreadPoolExecutor(len(commands) + 1)
    first = pool.submit(database.write, gate.hold)
    assert gate.entered.wait(10)
    futures = []
    for count, command in enumerate(commands, start=1):
        futures.append(pool.submit(database.write, command))
        while len(writer._waiting) < count:
            threading.Event().wait(0.001)
    gate.release.set()
    first.result()
    pool.shutdown()
    return database, futures


def test_waiting_commands_share_a_commit_and_one_bad_one_hurts_nobody(make_sqlite_url):
    """A failing command of a group takes back only its own changes."""
    gate = _Gate()

    def bad(unit):
        _add("BAD")(unit)
        unit.connection.execute(text("INSERT INTO locations (id) VALUES ('half')"))

    database, futures = _grouped(make_sqlite_url(), gate, [_add("L1"), bad, _add("L2")])
    assert gate.commits == 2
    assert futures[0].result() is None
    assert futures[2].result() is None
    assert isinstance(futures[1].exception(), IntegrityError)
    assert _ids(database) == ["L1", "L2"]
    database.close()


def test_nobody_learns_a_result_of_a_commit_that_failed(make_sqlite_url):
    """When the commit fails, every command in it failed."""
    gate = _Gate()

    def breaking(unit):
        gate.break_commit = True
        _add("L1")(unit)

    database, futures = _grouped(make_sqlite_url(), gate, [breaking, _add("L2")])
    gate.break_commit = False
    assert [type(future.exception()) for future in futures] == [OSError, OSError]
    assert _ids(database) == []
    database.write(_add("L3"))
    assert _ids(database) == ["L3"]
    database.close()


def test_results_wait_for_the_commit(make_sqlite_url):
    """A caller of a group returns only when its commit is on disk."""
    finished_early: list[bool] = []
    ready: list = []

    def look(point: CommitPoint) -> None:
        if point is CommitPoint.BEFORE:
            finished_early.extend(future.done() for future in ready)

    gate = _Gate()
    database = Database.open(make_sqlite_url(), hook=look)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(database.write, gate.hold)
        assert gate.entered.wait(10)
        ready += [pool.submit(database.write, _add(f"L{n}")) for n in range(5)]
        gate.release.set()
        first.result()
        for future in ready:
            future.result()
    assert finished_early
    assert len(_ids(database)) == 5
    database.close()


def test_closing_finishes_what_waits(make_sqlite_url):
    """Commands that wait when the database is closed are still committed."""
    gate = _Gate()
    url = make_sqlite_url()
    database, futures = _grouped(url, gate, [_add(f"L{n}") for n in range(4)])
    database.close()
    assert [future.exception() for future in futures] == [None] * 4
    again = Database.open(url)
    assert len(_ids(again)) == 4
    again.close()


def test_a_command_cannot_wait_for_its_own_writer(sqlite_database):
    """A write inside a write is an error, not a deadlock."""
    with pytest.raises(RuntimeError, match="cannot write through"):
        sqlite_database.write(lambda _: sqlite_database.write(_add("L1")))


@pytest.mark.slow
@pytest.mark.postgres
def test_a_deadlock_is_run_again(postgresql_database):
    """Two commands that lock in opposite order both succeed: one is run again."""
    database = postgresql_database
    database.write(lambda unit: unit.locations.upsert([location("L1"), location("L2")]))
    barrier = threading.Barrier(2)
    runs = []

    def rename(first: str, second: str) -> Callable:
        def command(unit):
            is_first_run = command not in runs
            runs.append(command)
            for step, location_id in enumerate((first, second)):
                unit.connection.execute(
                    text("UPDATE locations SET hold_days = hold_days + 1 WHERE id = :id"),
                    {"id": location_id},
                )
                if step == 0 and is_first_run:
                    barrier.wait(10)

        return command

    with ThreadPoolExecutor(2) as pool:
        waiting = [
            pool.submit(database.write, command)
            for command in (rename("L1", "L2"), rename("L2", "L1"))
        ]
        for future in waiting:
            future.result()
    # The loser may be back before the winner has woken up: then they meet once more.
    assert len(runs) >= 3
    with database.read() as view:
        assert [one.hold_days for one in view.locations.all()] == [9, 9]


def test_an_inline_writer_commits_in_its_callers_thread(make_sqlite_url: Callable[[], str]):
    """One thread, one commit a command; a hook that fails before the commit undoes the work."""
    gate = _Gate()
    database = Database.open(make_sqlite_url(), hook=gate, inline=True)
    threads = threading.active_count()
    database.write(_add("L1"))
    gate.break_commit = True
    with pytest.raises(OSError, match="disk full"):
        database.write(_add("L2"))
    gate.break_commit = False
    database.write(_add("L3"))
    assert threading.active_count() == threads
    assert gate.commits == 3
    assert _ids(database) == ["L1", "L3"]
    database.close()
    database.close()
    with pytest.raises(DatabaseClosed):
        database.write(_add("L4"))
