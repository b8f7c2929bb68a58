"""Exceptions and quarantine on the command line."""

import json

import pytest
from typer.testing import CliRunner

from central_server.cli import CONFLICT, NOT_FOUND, REFUSED, USAGE, app
from central_server.storage.database import Database
from sync.domain import operations as op
from tests.support.central_world import SECRET, build_world
from tests.support.databases import prepare


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs commands on a central with one step in quarantine, one behind it, and a put-back."""
    url = f"sqlite:///{tmp_path / 'central.db'}"
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DATABASE_URL", url)
    monkeypatch.setenv("HOLDSHELF_CENTRAL_SERVER_SECRET", SECRET)
    prepare(url)
    database = Database.open(url)
    world = build_world(database, tmp_path)
    first, second = world.place(("SKU-1", 2)), world.place(("SKU-2", 2))
    (stuck,), (gone,) = world.fulfillments(first.order_id), world.fulfillments(second.order_id)
    store = world.device("S001")
    store.do(op.LinePicked(stuck.id, 1, 99), op.LinePicked(stuck.id, 1, 1))
    store.do(op.LinePicked(gone.id, 1, 1))
    store.push()
    world.parts.central.cancelling.cancel(second.order_id, reason="", actor="web")
    database.close()
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_exceptions_are_listed(run):
    """For people by line, for programs as JSON; filtered by owner."""
    answer = run("exceptions", "list")
    assert answer.exit_code == 0
    assert "Operation held back" in answer.stdout
    found = json.loads(run("exceptions", "list", "--owner", "store", "--json").stdout)
    assert [one["kind"] for one in found] == ["put_back_due"]
    assert run("exceptions", "list", "--closed").stdout == "Nothing waits.\n"


def test_resolve_refuses_in_words(run):
    """What ends by itself is refused, what does not exist is not found."""
    (found,) = json.loads(run("exceptions", "list", "--owner", "store", "--json").stdout)
    answer = run("exceptions", "resolve", found["id"], "--note", "Done.")
    assert (answer.exit_code, "put back in the order" in answer.stderr) == (REFUSED, True)
    assert run("exceptions", "resolve", "unknown", "--note", "x").exit_code == NOT_FOUND


def test_quarantine_is_worked_off(run):
    """List, retry in vain, skip with a reason; the second of two learns of the first."""
    found = json.loads(run("quarantine", "list", "--json").stdout)
    assert [(one["seq"], one["waits_behind"]) for one in found] == [(1, None), (2, 1)]
    assert "R-S001/1/1" in run("quarantine", "list", "--location", "S001").stdout
    assert run("quarantine", "retry", "R-S001/1/1").exit_code == REFUSED
    assert run("quarantine", "retry", "R-S001/1/2").exit_code == CONFLICT
    assert run("quarantine", "skip", "R-S001/1/1", "--reason", " ").exit_code == USAGE
    done = run("quarantine", "skip", "R-S001/1/1", "--reason", "a slip", "--by", "Ann", "--json")
    assert [one["status"] for one in json.loads(done.stdout)["settled"]] == ["refused", "accepted"]
    late = run("quarantine", "skip", "R-S001/1/1", "--reason", "no idea", "--by", "Ben")
    assert (late.exit_code, "Ann has settled it already" in late.stderr) == (CONFLICT, True)
    assert run("quarantine", "list").stdout == "Nothing is in quarantine.\n"


@pytest.mark.parametrize("place", ["", "R1", "R1/1", "R1/x/1"])
def test_a_place_has_three_parts(run, place):
    """Anything else is a mistake of usage."""
    assert run("quarantine", "retry", place).exit_code == USAGE


def test_all_work_of_a_device_is_retried_at_once(run):
    """What still cannot be done stays, as the exit code says; an unknown device is not found."""
    answer = run("quarantine", "retry-all", "R-S001", "--by", "Ann")
    assert answer.exit_code == REFUSED
    assert "0 settled, 2 still held back" in answer.stdout
    run("quarantine", "skip", "R-S001/1/1", "--reason", "a slip")
    answer = run("quarantine", "retry-all", "R-S001", "--json")
    assert (answer.exit_code, json.loads(answer.stdout)) == (0, {"settled": [], "held": 0})
    assert run("quarantine", "retry-all", "R-S999").exit_code == NOT_FOUND
