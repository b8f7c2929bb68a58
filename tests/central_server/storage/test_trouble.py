"""An engine that cannot do it now: said in words, nothing half done, and gone on from by itself."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlcipher3.dbapi2 as driver
from sqlalchemy.exc import OperationalError

from central_server.storage import sqlite, trouble
from central_server.storage.commits import TROUBLE, CommitPoint, OutOfService
from central_server.storage.database import Database, Unavailable
from central_server.storage.trouble import words_for
from tests.central_server.storage.test_database import _add, _Gate, _grouped, _ids
from tests.support.power_cut import lost

STATES = {
    "53100": "full", "53200": "takes nothing", "53300": "takes nothing", "58030": "fails",
    "40001": "in the way", "40P01": "in the way", "55P03": "in the way", "57014": "stopped",
    "57P01": "away", "57P03": "away", "08006": "away",
}  # fmt: skip
CODES = {
    13: "full", 10: "fails", 10 | 4 << 8: "fails", 14: "fails", 5: "in the way", 6: "in the way",
}  # fmt: skip


def of_sqlite(code: int, kind: type[Exception] = driver.OperationalError) -> OperationalError:
    said: Any = kind("secret words")
    said.sqlite_errorcode = code
    return OperationalError("SELECT secret", {}, said)


def of_postgresql(state: str) -> OperationalError:
    said = psycopg.OperationalError("secret words")
    said.sqlstate = state
    return OperationalError("SELECT secret", {}, said)


@pytest.mark.parametrize(("state", "words"), STATES.items())
def test_what_postgresql_cannot_do_now_has_words(state: str, words: str):
    """Each class of trouble that passes by itself has words for callers, not the engine's own."""
    said = words_for(of_postgresql(state), is_writing=True) or ""
    assert words in said
    assert "secret" not in said


@pytest.mark.parametrize(("code", "words"), CODES.items())
def test_what_sqlite_cannot_do_now_has_words(code: int, words: str):
    """Extended result codes too: an fsync that failed is one."""
    assert words in (words_for(of_sqlite(code), is_writing=True) or "")


@pytest.mark.parametrize("problem", [
    of_sqlite(1), of_sqlite(11), of_sqlite(19), of_postgresql("42P01"), of_postgresql("22003"),
    of_postgresql("XX001"), ValueError("no"),
])  # fmt: skip
def test_a_fault_stays_a_fault(problem: Exception):
    """What trying again does not mend is not called passing: a missing table, damage, a bug."""
    assert words_for(problem, is_writing=True) is None


def test_a_database_that_takes_no_writes_is_told_to_writers_alone():
    """A standby, a file mounted read-only. A read that writes is a bug, as before."""
    for problem in (of_sqlite(8), of_postgresql("25006")):
        assert words_for(problem, is_writing=False) is None
        assert "takes nothing" in (words_for(problem, is_writing=True) or "")


def test_trouble_is_no_poison():
    """Jobs and pushes that meet it raise it; it is no fault of what they were about."""
    assert issubclass(Unavailable, TROUBLE)


def fill(database: Database, room: int) -> None:
    """Let the file grow by `room` pages at most."""

    def limit(unit: Any) -> None:
        pages = unit.connection.exec_driver_sql("PRAGMA page_count").scalar()
        unit.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + room}")

    database.write(limit)


def add_much(location_id: str) -> Callable:
    """Return a command that needs some pages after its first step."""

    def command(unit: Any) -> None:
        _add(location_id)(unit)
        unit.connection.exec_driver_sql("CREATE TABLE much (body BLOB)")
        unit.connection.exec_driver_sql("INSERT INTO much VALUES (zeroblob(200000))")

    return command


def test_a_full_file_refuses_and_goes_on_when_there_is_room(sqlite_database: Database):
    """A statement meets the end of the disk: nothing of its command is kept; then there is room."""
    database = sqlite_database
    fill(database, 1)
    with pytest.raises(Unavailable, match=r"^central's disk is full; send the same again later$"):
        database.write(add_much("L1"))
    assert _ids(database) == []
    fill(database, 1_000)
    database.write(add_much("L1"))
    assert _ids(database) == ["L1"]


def test_a_group_that_the_engine_took_back_is_refused_as_a_whole(make_sqlite_url):
    """The engine undoes the whole transaction, not one savepoint: nobody is told that theirs is."""
    gate = _Gate()
    url = make_sqlite_url()

    def fills(unit: Any) -> None:
        pages = unit.connection.exec_driver_sql("PRAGMA page_count").scalar()
        unit.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")
        add_much("L2")(unit)

    def is_taken_back(unit: Any) -> None:
        try:
            fills(unit)
        finally:
            if unit.connection.connection.driver_connection.in_transaction:
                unit.connection.exec_driver_sql("ROLLBACK")  # as some kinds of trouble do

    database, futures = _grouped(url, gate, [_add("L1"), is_taken_back, _add("L3")])
    assert [type(one.exception()) for one in futures] == [OutOfService] * 3
    assert _ids(database) == []
    fill(database, 1_000)
    database.write(_add("L4"))
    assert _ids(database) == ["L4"]
    database.close()


@pytest.mark.parametrize("inline", [False, True])
def test_a_transaction_that_was_taken_back_is_not_called_committed(make_sqlite_url, inline: bool):
    """A command goes on over an error, and a commit of nothing succeeds: that is no success."""
    database = Database.open(make_sqlite_url(), inline=inline)

    def goes_on(unit: Any) -> None:
        _add("L1")(unit)
        unit.connection.exec_driver_sql("ROLLBACK")

    with pytest.raises(Unavailable):
        database.write(goes_on)
    assert _ids(database) == []
    database.write(_add("L2"))
    assert _ids(database) == ["L2"]
    database.close()


class FailingFlush:
    """A hook: the disk fails at commits, while it is told to."""

    def __init__(self) -> None:
        self.fails = False

    def __call__(self, point: CommitPoint) -> None:
        if self.fails and point is CommitPoint.BEFORE:
            raise of_sqlite(10 | 4 << 8)


@pytest.mark.parametrize("inline", [False, True])
def test_after_an_error_of_the_disk_the_file_is_opened_anew(make_sqlite_url, inline: bool):
    """The connection is not trusted any more, and the log not before it is in the file."""
    hook = FailingFlush()
    url = make_sqlite_url()
    database = Database.open(url, hook=hook, inline=inline)
    log = Path(url.removeprefix("sqlite:///") + "-wal")
    database.write(_add("L1"))
    assert _ids(database) == ["L1"]  # from now on a reader has the file open, too
    kept: list[Any] = []
    database.write(lambda unit: kept.append(unit.connection.connection.driver_connection))
    hook.fails = True
    with pytest.raises(Unavailable, match="disk fails"):
        database.write(_add("L2"))
    hook.fails = False
    with pytest.raises(driver.ProgrammingError, match="closed"):
        kept[0].execute("SELECT 1")
    grown = log.stat().st_size
    database.write(lambda unit: unit.connection.exec_driver_sql("SELECT 1"))
    assert log.stat().st_size == 0 < grown
    assert _ids(database) == ["L1"]
    database.close()


def test_a_log_in_doubt_that_others_read_is_waited_for(
    make_sqlite_url, monkeypatch: pytest.MonkeyPatch
):
    """A long read holds the log: nothing is written behind what is in doubt, then all goes on."""
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 50)
    hook = FailingFlush()
    database = Database.open(make_sqlite_url(), hook=hook)
    with database.read() as view:
        view.locations.all()
        database.write(_add("L1"))
        hook.fails = True
        with pytest.raises(Unavailable):
            database.write(_add("L2"))
        hook.fails = False
        with pytest.raises(Unavailable, match="in the way"):
            database.write(_add("L3"))
    database.write(_add("L4"))
    assert _ids(database) == ["L1", "L4"]
    database.close()


def copied(source: Path, folder: Path) -> Path:
    """Copy a database as a machine leaves it that dies: without what lives in its memory."""
    folder.mkdir()
    for suffix in ("", "-wal"):
        shutil.copyfile(f"{source}{suffix}", folder / f"central.db{suffix}")
    return folder / "central.db"


def test_nothing_stands_behind_a_commit_that_is_not_on_the_disk(make_sqlite_url, tmp_path: Path):
    """An fsync fails, central dies and is started again, then the power is cut.

    The second central saw the refused order, as if it were on the disk. What it
    acknowledged itself is there after the cut.
    """
    first = Path(make_sqlite_url().removeprefix("sqlite:///"))
    database = Database.open(f"sqlite:///{first}")
    database.write(_add("L1"))
    durable = Path(f"{first}-wal").read_bytes()
    database.write(_add("L2"))
    died = copied(first, tmp_path / "died")
    unflushed = Path(f"{died}-wal").read_bytes()
    second = Database.open(f"sqlite:///{died}")
    second.write(_add("L3"))
    cut = copied(died, tmp_path / "cut")
    log = Path(f"{cut}-wal")
    log.write_bytes(lost(durable, unflushed, log.read_bytes()))
    third = Database.open(f"sqlite:///{cut}")
    assert _ids(third) == ["L1", "L2", "L3"]
    for one in (database, second, third):
        one.close()


def test_a_log_that_cannot_be_brought_into_the_file_is_read(
    make_sqlite_url, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Central starts on a full disk: reads are answered, writes are once there is room."""
    first = Path(make_sqlite_url().removeprefix("sqlite:///"))
    database = Database.open(f"sqlite:///{first}")
    database.write(_add("L1"))
    died = copied(first, tmp_path / "died")
    database.close()
    checkpoint = sqlite._checkpoint

    def full(_: object) -> bool:
        raise of_sqlite(trouble.FULL)

    monkeypatch.setattr(sqlite, "_checkpoint", full)
    again = Database.open(f"sqlite:///{died}")
    assert _ids(again) == ["L1"]
    with pytest.raises(Unavailable, match="full"):
        again.write(_add("L2"))
    monkeypatch.setattr(sqlite, "_checkpoint", checkpoint)
    again.write(_add("L3"))
    assert _ids(again) == ["L1", "L3"]
    again.close()


def test_a_disk_that_fails_at_the_end_ends_nothing_badly(
    make_sqlite_url, monkeypatch: pytest.MonkeyPatch
):
    """The log stays beside the file and is read at the next start."""
    url = make_sqlite_url()
    database = Database.open(url)
    database.write(_add("L1"))
    checkpoint = sqlite._checkpoint

    def fails(_: object) -> bool:
        raise of_sqlite(trouble.IO_ERROR)

    monkeypatch.setattr(sqlite, "_checkpoint", fails)
    database.close()
    monkeypatch.setattr(sqlite, "_checkpoint", checkpoint)
    again = Database.open(url)
    assert _ids(again) == ["L1"]
    again.close()
