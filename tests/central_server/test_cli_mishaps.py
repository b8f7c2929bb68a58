"""What goes wrong at the command line: a sentence and an exit code, never a traceback."""

import errno
import shutil
import socket

import pytest
import sqlcipher3.dbapi2 as driver
from sqlalchemy import text
from typer.testing import CliRunner

from central_server.cli import CONFLICT, FAILURE, REFUSED, TRY_LATER, USAGE, app
from central_server.storage import backup as copies
from central_server.storage.database import Database
from tests.support.failing_disk import limit_files_to

SECRET = "a secret for tests only, long enough to sign with"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs commands on an empty data folder."""
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOLDSHELF_CENTRAL_SERVER_SECRET", SECRET)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def is_told(answer, code: int, *words: str) -> bool:
    return answer.exit_code == code and all(word in answer.stderr for word in words)


def test_a_data_folder_that_cannot_be_made_is_told(run, tmp_path, monkeypatch):
    """A file where the folder should be."""
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DATA_DIR", str(tmp_path / "taken"))
    assert is_told(run("migrate"), FAILURE, "taken")


def test_a_settings_file_that_is_no_toml_is_told(run, tmp_path):
    """A mistake of usage, with the file's name."""
    file = tmp_path / "central.toml"
    file.write_text('port = "x')
    assert is_told(run("--config", str(file), "doctor"), USAGE, "central.toml")


def test_a_wrong_setting_is_named(run, monkeypatch):
    """Nobody has to guess which of twenty settings is wrong."""
    monkeypatch.setenv("HOLDSHELF_CENTRAL_PORT", "99999")
    assert is_told(run("doctor"), USAGE, "port")


@pytest.mark.parametrize(
    "command",
    [
        ("serve",), ("migrate",), ("enrolment-code", "create", "S001"), ("load-sample",),
        ("key", "create", "--name", "shop", "--scope", "orders:read"),
    ],
)  # fmt: skip
def test_a_newer_database_is_left_alone(run, tmp_path, monkeypatch, command):
    """A schema that this version does not know is refused, and nothing is written."""
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DEMO", "true")
    run("migrate")
    database = Database.open(f"sqlite:///{tmp_path / 'central.db'}")
    database.write(
        lambda unit: unit.connection.execute(text("UPDATE alembic_version SET version_num = '9'"))
    )
    database.close()
    assert is_told(run(*command), REFUSED, "the database is at 9")


def test_a_database_without_schema_takes_no_key(run):
    """The command that mends it is named."""
    answer = run("key", "create", "--name", "shop", "--scope", "orders:read")
    assert is_told(answer, REFUSED, "central-server migrate")


def test_a_port_in_use_is_a_conflict(run):
    """Another central has it: say so, with the exit code for that."""
    run("migrate")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert is_told(run("serve", "--port", str(port)), CONFLICT, str(port))


@pytest.mark.parametrize(
    "command",
    [
        ("carriers",), ("promise-rules", "draft"), ("routing-rules", "draft"),
        ("routing", "dry-run"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_utf_8_is_told(run, tmp_path, command):
    """An editor of another age saved it: a mistake of usage, with the file's name."""
    run("migrate")
    file = tmp_path / "rules.json"
    file.write_bytes('{"name": "é"}'.encode("latin-1"))
    assert is_told(run(*command, str(file)), USAGE, "rules.json", "UTF-8")


def test_a_settings_file_that_is_not_utf_8_is_told(run, tmp_path):
    """As one that is no TOML."""
    file = tmp_path / "central.toml"
    file.write_bytes('demo = "é"'.encode("latin-1"))
    assert is_told(run("--config", str(file), "doctor"), USAGE, "central.toml")


@pytest.mark.parametrize("named", ["folder", "."])
def test_a_folder_is_no_place_for_a_copy(run, tmp_path, monkeypatch, named):
    """The file has to be named; nothing is left beside the folder."""
    run("migrate")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path / "folder")
    assert is_told(run("backup", str(tmp_path / named) if named != "." else "."), REFUSED, "folder")
    assert not list(tmp_path.glob("**/*.partial"))


def full_engine(*_: object) -> None:
    raise driver.OperationalError("database or disk is full")  # copying tells no code


def full_disk(source: object, target: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", str(target))


def test_a_copy_that_has_no_room_is_tried_later_and_leaves_nothing(run, tmp_path, monkeypatch):
    """The disk of the copies is full: exit code 75, and it is not fuller than before."""
    run("migrate")
    monkeypatch.setattr(copies, "_copy", full_engine)
    assert is_told(run("backup", str(tmp_path / "to" / "copy.db")), TRY_LATER, "copy.db", "full")
    assert list((tmp_path / "to").iterdir()) == []


def test_a_copy_on_a_disk_that_fails_is_told_and_leaves_nothing(run, tmp_path):
    """A real one that takes no more than so many bytes of a file."""
    run("migrate")
    limit_files_to(60_000)
    try:
        answer = run("backup", str(tmp_path / "to" / "copy.db"))
    finally:
        limit_files_to(-1)
    assert is_told(answer, FAILURE, "copy.db")
    assert list((tmp_path / "to").iterdir()) == []


def test_a_restore_that_has_no_room_is_tried_later_and_changes_nothing(run, tmp_path, monkeypatch):
    """The full disk is not filled further by half a copy, and the database stays in its place."""
    run("migrate")
    run("backup", str(tmp_path / "copy.db"))
    monkeypatch.setattr(shutil, "copyfile", full_disk)
    assert is_told(run("restore", str(tmp_path / "copy.db")), TRY_LATER, "No space left")
    assert not (tmp_path / "central.db.incoming").exists()
    assert run("key", "list").exit_code == 0


def test_a_folder_whose_lock_cannot_be_opened_is_told(run, tmp_path):
    """A restore by somebody who may not write there."""
    run("migrate")
    run("backup", str(tmp_path / "copy.db"))
    (tmp_path / "central.db.lock").unlink()
    (tmp_path / "central.db.lock").mkdir()
    assert is_told(run("restore", str(tmp_path / "copy.db")), FAILURE, "central.db.lock")
