"""Copies of the embedded database, and what `central-server backup` and `restore` say."""

import json
from pathlib import Path

import alembic.command
import pytest
from typer.testing import CliRunner

from central_server.cli import FAILURE, NOT_FOUND, REFUSED, TRY_LATER, USAGE, app
from central_server.storage import backup as copies
from central_server.storage import schema
from central_server.storage.database import Database, Unavailable
from tests.support.databases import prepare

KEY = "ab" * 32
SECRET = "a secret for tests only, long enough to sign with"


@pytest.fixture
def run(tmp_path: Path, monkeypatch):
    """Runs commands on an encrypted database in an empty folder."""
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HOLDSHELF_CENTRAL_SERVER_SECRET", SECRET)
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DATABASE_KEY", KEY)
    return lambda *arguments: CliRunner().invoke(app, [str(one) for one in arguments])


def incarnation(tmp_path: Path) -> int:
    database = Database.open(f"sqlite:///{tmp_path / 'data' / 'central.db'}", key=KEY)
    with database.read() as view:
        found = view.meta.get()
    database.close()
    assert found is not None
    return found.incarnation


def test_an_encrypted_database_is_copied_and_put_back(run, tmp_path: Path):
    """The copy is encrypted; each restore is a new life, also twice from the same copy."""
    run("migrate")
    run("key", "create", "--name", "kept", "--scope", "admin")
    copy = tmp_path / "copy.db"
    assert json.loads(run("backup", copy, "--json").stdout)["bytes"] > 0
    assert not copy.read_bytes().startswith(b"SQLite format 3")
    assert copy.stat().st_mode & 0o777 == 0o600
    lives = [incarnation(tmp_path)]
    for _ in range(2):
        answer = run("restore", copy, "--verify")
        assert (answer.exit_code, answer.stderr) == (0, "")
        lives.append(incarnation(tmp_path))
    assert lives[0] < lives[1] < lives[2]
    assert len(list((tmp_path / "data").glob("central.db.before-restore-?"))) == 2
    assert run("doctor").exit_code == 0


@pytest.mark.parametrize("named", ["itself", "its log", "its lock", "another way", "a link"])
def test_the_database_is_no_place_for_its_own_copy(run, tmp_path: Path, named: str):
    """A copy there would take its name away: what central writes meanwhile would be lost."""
    run("migrate")
    place = tmp_path / "data" / "central.db"
    (tmp_path / "link").symlink_to(tmp_path / "data")
    (tmp_path / "hard.db").hardlink_to(place)
    target = {
        "itself": place, "its log": place.with_name("central.db-wal"),
        "its lock": place.with_name("central.db.lock"),
        "another way": tmp_path / "link" / ".." / "data" / "central.db",
        "a link": tmp_path / "hard.db",
    }[named]  # fmt: skip
    database = Database.open(f"sqlite:///{place}", key=KEY)
    answer = run("backup", target)
    assert (answer.exit_code, "another file" in answer.stderr) == (REFUSED, True)
    database.write(lambda unit: unit.connection.exec_driver_sql("UPDATE meta SET incarnation = 77"))
    database.close()
    assert incarnation(tmp_path) == 77


def test_a_running_central_is_not_replaced(run, tmp_path: Path):
    """Somebody has the database open: stop it first."""
    run("migrate")
    run("backup", tmp_path / "copy.db")
    with copies.held(f"sqlite:///{tmp_path / 'data' / 'central.db'}"):
        answer = run("restore", tmp_path / "copy.db")
    assert (answer.exit_code, "stop it first" in answer.stderr) == (REFUSED, True)
    assert incarnation(tmp_path) == 1


@pytest.mark.parametrize("damage", ["missing", "torn", "not a database"])
def test_a_bad_copy_is_refused_and_nothing_is_touched(run, tmp_path: Path, damage: str):
    """The database in place stays as it is."""
    run("migrate")
    copy = tmp_path / "copy.db"
    run("backup", copy)
    if damage == "missing":
        copy.unlink()
    elif damage == "torn":
        copy.write_bytes(copy.read_bytes()[:50_000])
    else:
        copy.write_bytes(b"no database at all " * 1000)
    answer = run("restore", copy)
    assert (answer.exit_code, len(answer.stderr.splitlines())) == (REFUSED, 1)
    assert incarnation(tmp_path) == 1


def a_copy_of(revision: str, path: Path) -> Path:
    """Make a copy of a central whose version was that of `revision`."""
    database = Database.open(f"sqlite:///{path}", key=KEY)
    database.write(lambda unit: alembic.command.upgrade(schema._config(unit.connection), revision))
    database.write(lambda unit: unit.meta.ensure("older", ""))
    database.close()
    return path


def test_a_copy_of_an_older_version_is_brought_up_and_verified(run, tmp_path: Path):
    """Last night's copy, put back after an upgrade: nothing is left to do, and all is said."""
    run("migrate")
    older = a_copy_of("0027", tmp_path / "copy.db")
    answer = run("restore", older)
    assert (answer.exit_code, answer.stderr) == (0, "")
    for words in ("Restored", "is kept", "was 0027 and was brought to"):
        assert words in answer.stdout
    told = json.loads(run("restore", older, "--json").stdout)
    assert (told["before"], told["after"], told["wrong"]) == ("0027", schema.newest_version(), [])
    assert run("key", "list").exit_code == 0


def test_a_copy_of_a_newer_version_is_refused_before_anything_moves(run, tmp_path: Path):
    """This version could not work with it: the database in place stays."""
    run("migrate")
    copy = tmp_path / "copy.db"
    run("backup", copy)
    newer = Database.open(f"sqlite:///{copy}", key=KEY)
    newer.write(
        lambda unit: unit.connection.exec_driver_sql(
            "UPDATE alembic_version SET version_num = '9999'"
        )
    )
    newer.close()
    answer = run("restore", copy)
    assert (answer.exit_code, "nothing is changed" in answer.stderr) == (REFUSED, True)
    assert incarnation(tmp_path) == 1
    assert not list((tmp_path / "data").glob("central.db.before-restore-*"))


def test_what_was_done_is_said_also_where_the_rest_fails(run, tmp_path: Path, monkeypatch):
    """The copy is in its place, and what was there is kept: nobody has to find out by looking."""
    run("migrate")
    older = a_copy_of("0027", tmp_path / "copy.db")

    def no_room(_: object) -> str:
        raise Unavailable("central's disk is full")

    monkeypatch.setattr("central_server.bootstrap.migrate", no_room)
    answer = run("restore", older)
    assert (answer.exit_code, answer.stdout) == (TRY_LATER, "")
    assert "Restored" in answer.stderr
    assert "central.db.before-restore-1" in answer.stderr


def test_usage_is_told(run, tmp_path: Path):
    """A copy or --mark, and not both; a device that does not exist."""
    run("migrate")
    assert run("restore").exit_code == USAGE
    assert run("restore", tmp_path / "copy.db", "--mark").exit_code == USAGE
    assert run("device", "revoke", "nobody").exit_code == NOT_FOUND
    assert json.loads(run("device", "list", "--json").stdout) == []


def test_what_does_not_add_up_after_a_restore_is_said(run, tmp_path: Path, monkeypatch):
    """Exit code 1, and each finding on a line."""
    monkeypatch.delenv("HOLDSHELF_CENTRAL_DATABASE_KEY")
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DEMO", "true")
    run("migrate")
    run("load-sample")
    database = Database.open(f"sqlite:///{tmp_path / 'data' / 'central.db'}")
    database.write(
        lambda unit: unit.connection.exec_driver_sql("UPDATE stock SET on_hand = on_hand + 1")
    )
    database.close()
    run("backup", tmp_path / "copy.db")
    answer = run("restore", tmp_path / "copy.db", "--json")
    assert answer.exit_code == FAILURE
    assert "is not what its ledger adds up to" in json.loads(answer.stdout)["wrong"][0]


def test_an_empty_database_is_not_marked_as_restored(run, tmp_path: Path):
    """Its restore failed, or went elsewhere: an empty central would shut every store out."""
    answer = run("restore", "--mark")
    assert (answer.exit_code, "no central" in answer.stderr) == (REFUSED, True)
    assert run("migrate").exit_code == 0
    assert run("restore", "--mark").exit_code == 0


@pytest.mark.postgres
def test_postgresql_is_left_to_its_own_tools(run, make_postgresql_url, monkeypatch, tmp_path: Path):
    """It is said which tools; after a restore by them, `--mark` begins the new life."""
    url = make_postgresql_url()
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DATABASE_URL", url)
    monkeypatch.delenv("HOLDSHELF_CENTRAL_DATABASE_KEY")
    prepare(url)
    for command in ("backup", "restore"):
        answer = run(command, tmp_path / "copy.db")
        assert (answer.exit_code, "pg_dump" in answer.stderr) == (REFUSED, True)
    assert run("restore", "--mark").exit_code == 0
    database = Database.open(url)
    with database.read() as view:
        found = view.meta.get()
    database.close()
    assert found is not None
    assert found.incarnation > 1
