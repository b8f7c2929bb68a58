"""What goes wrong at the command line: a sentence and an exit code, never a traceback."""

import socket

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from central_server.cli import CONFLICT, FAILURE, REFUSED, USAGE, app
from central_server.storage.database import Database

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
