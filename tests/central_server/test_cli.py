"""The command line: data to stdout, talk to stderr, exit codes that a program can act on."""

import json
import socket

import pytest
import sqlcipher3.dbapi2 as driver
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from central_server.cli import CONFLICT, NOT_FOUND, REFUSED, TRY_LATER, USAGE, app
from central_server.storage import sqlite
from central_server.storage.sqlite import GroupWriter, InlineWriter

SECRET = "a secret for tests only, long enough to sign with"
CODES = "0 ok, 1 failure, 2 usage, 3 not found, 4 refused, 5 unreachable, 6 conflict, 75 try later"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs commands on an empty data folder."""
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOLDSHELF_CENTRAL_SERVER_SECRET", SECRET)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_help_lists_the_exit_codes(run):
    """Whoever writes a script finds them."""
    shown = " ".join(run("--help").stdout.split())
    assert CODES in shown


def test_migrate_and_doctor(run):
    """A fresh database is migrated, twice without harm, and found well."""
    assert json.loads(run("migrate", "--json").stdout)["before"] is None
    assert run("migrate").exit_code == 0
    answer = run("doctor", "--json")
    assert answer.exit_code == 0
    assert all(one["ok"] for one in json.loads(answer.stdout).values())


def test_doctor_says_where_mail_goes(run, monkeypatch):
    """Without a relay customers hear nothing, which nobody should find out from them."""
    run("migrate")
    assert "NOT sent" in json.loads(run("doctor", "--json").stdout)["mail_relay"]["detail"]
    monkeypatch.setenv("HOLDSHELF_CENTRAL_MAIL_RELAY", "relay.example:25")
    monkeypatch.setenv("HOLDSHELF_CENTRAL_MAIL_FROM", "orders@example.com")
    found = json.loads(run("doctor", "--json").stdout)["mail_relay"]["detail"]
    assert found == "sent through relay.example:25 from orders@example.com"


def test_doctor_is_unwell_without_a_schema(run):
    """Exit code 1, and it says what to do about it."""
    answer = run("doctor")
    assert (answer.exit_code, "BAD schema" in answer.stdout) == (1, True)


def test_serve_wants_a_schema(run):
    """Serving an empty database is refused, with the command that mends it."""
    answer = run("serve")
    assert (answer.exit_code, "central-server migrate" in answer.stderr) == (REFUSED, True)


def test_the_demo_brings_its_own_database_up(run, monkeypatch):
    """Who pulls a newer version gets a demo that works, over the data of the one before."""
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DEMO", "true")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = run("serve", "--port", str(taken.getsockname()[1]))
    assert answer.exit_code == CONFLICT, answer.stderr
    found = json.loads(run("migrate", "--json").stdout)
    assert found["before"] == found["after"]


@pytest.mark.parametrize("secret", ["", "short", "demo-only-" + "0" * 32])
def test_no_default_secret_is_accepted(run, monkeypatch, secret):
    """Outside the demo, central starts with a secret of its own or not at all."""
    monkeypatch.setenv("HOLDSHELF_CENTRAL_SERVER_SECRET", secret)
    answer = run("serve")
    assert (answer.exit_code, "server_secret" in answer.stderr) == (USAGE, True)


def test_key_is_shown_once(run):
    """The key goes to stdout; a scope that does not exist is a mistake of usage."""
    run("migrate")
    answer = run("key", "create", "--name", "shop", "--scope", "orders:write", "--json")
    assert json.loads(answer.stdout)["key"].startswith("hs_")
    assert run("key", "create", "--name", "shop", "--scope", "everything").exit_code == USAGE


def test_a_key_that_leaked_is_found_and_ended(run):
    """By the part of it that may be shown; a key that is not there is said so."""
    run("migrate")
    assert "key create" in run("key", "list").stdout
    made = run("key", "create", "--name", "shop", "--scope", "orders:write", "--json")
    prefix = json.loads(made.stdout)["key"].split("_")[1]
    assert f"{prefix}  lives    shop: orders:write" in run("key", "list").stdout
    assert "shop" in run("key", "revoke", prefix).stdout
    (listed,) = json.loads(run("key", "list", "--json").stdout)
    assert listed["revoked_at"] is not None
    assert "hash" not in listed
    assert run("key", "revoke", listed["id"]).exit_code == 0
    assert run("key", "revoke", "nobody").exit_code == NOT_FOUND


def test_code_for_an_unknown_store_is_not_found(run):
    """Exit code 3."""
    run("migrate")
    assert run("enrolment-code", "create", "S999").exit_code == NOT_FOUND


def test_sample_is_for_demos_only(run, monkeypatch):
    """Its PINs are public."""
    run("migrate")
    assert run("load-sample").exit_code == REFUSED
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DEMO", "true")
    loaded = json.loads(run("load-sample", "--json").stdout)
    assert (loaded["locations"], loaded["products"]) == (15, 500)
    assert run("enrolment-code", "create", "S001").exit_code == 0


def test_openapi_is_printed(run):
    """The document needs no database."""
    assert "/v1/orders" in json.loads(run("openapi").stdout)["paths"]


def test_misspelt_setting_is_said(run, monkeypatch):
    """A setting that does not exist is not silently ignored."""
    monkeypatch.setenv("HOLDSHELF_CENTRAL_PROT", "1")
    assert run("doctor").exit_code == USAGE


def test_a_full_disk_says_try_later(run, monkeypatch):
    """Nothing was recorded, and a script may send the same again: at opening, and at a write."""

    def full(*_: object, **__: object) -> None:
        raise DBAPIError("COMMIT", {}, sqlite_error(13))

    run("migrate")
    with monkeypatch.context() as patch:
        patch.setattr(InlineWriter, "write", full)
        patch.setattr(GroupWriter, "write", full)
        written = run("key", "create", "--name", "till", "--scope", "orders:read")
    assert (written.exit_code, "disk is full" in written.stderr) == (TRY_LATER, True), written
    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "_connect", full)
        opened = run("doctor")
    assert opened.exit_code == TRY_LATER, opened


def sqlite_error(code: int) -> Exception:
    """Return what the engine raises with this result code."""
    problem = driver.OperationalError("database or disk is full")
    problem.sqlite_errorcode = code
    return problem
