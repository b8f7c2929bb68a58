"""Rules of promising on the command line."""

import json

import pytest
from typer.testing import CliRunner

from central_server.cli import CONFLICT, NOT_FOUND, REFUSED, USAGE, app
from central_server.storage.database import Database
from tests.support.central_world import SECRET, build_world
from tests.support.databases import prepare

RULES = {"rules": [{"id": "keep-one", "kind": "safety_stock", "units": 1}]}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs commands on a central with three stores."""
    url = f"sqlite:///{tmp_path / 'central.db'}"
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DATABASE_URL", url)
    monkeypatch.setenv("HOLDSHELF_CENTRAL_SERVER_SECRET", SECRET)
    prepare(url)
    database = Database.open(url)
    build_world(database, tmp_path)
    database.close()
    return lambda *words, given="": CliRunner().invoke(app, ["promise-rules", *words], input=given)


def reading(run) -> str:
    """Return what somebody else has read of the first version."""
    return str(json.loads(run("show", "1", "--json").stdout)["reading"])


def test_a_version_lives_on_the_command_line(run, tmp_path):
    """Draft, preview, publish by somebody else, roll back: words for people, JSON for programs."""
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(RULES), "utf-8")
    assert "version 1  draft  1 rules" in run("draft", str(file), "--by", "Kim").stdout
    preview = run("preview", "1").stdout
    assert "-15 units (150 to 135), 5 SKUs and 3 stores change (web, pickup)." in preview
    assert json.loads(run("preview", "1", "--json").stdout)["stores_changed"] == 3
    assert run("publish", "1", "--by", "Kim").exit_code == CONFLICT
    unread = run("publish", "1", "--by", "Lee")
    assert (unread.exit_code, "say which rules" in unread.output) == (CONFLICT, True)
    approved = run("publish", "1", "--note", "go", "--by", "Lee", "--reading", reading(run))
    assert "active, in force" in approved.stdout
    shown = run("show", "1").stdout
    assert "keep-one: safety_stock" in shown
    assert "published by Lee  go" in shown
    assert json.loads(run("list", "--json").stdout)[0]["in_force"] is True
    assert run("publish", "1").exit_code == CONFLICT
    assert "archived" in run("archive", "1").stdout
    assert "version 2  active, in force" in run("roll-back", "1", "--by", "Kim").stdout
    assert "version 2 rolled back to 1 by Kim" in run("audit").stdout
    assert "version 1 drafted by Kim" in run("audit").stdout


@pytest.mark.parametrize(("option", "word"), [("--channel", "marketplce"), ("--method", "fly")])
def test_a_preview_for_nobody_is_refused(run, tmp_path, option, word):
    """A slip of the pen is no channel for which nothing changes."""
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(RULES), "utf-8")
    run("draft", str(file), "--by", "Kim")
    refused = run("preview", "1", option, word)
    assert (refused.exit_code, word in refused.output) == (USAGE, True)
    known = run("preview", "1", "--channel", "marketplace", "--method", "ship", "--json")
    assert json.loads(known.stdout)["channel"] == "marketplace"


def test_what_is_wrong_is_said(run):
    """Each refusal has its exit code and says what to do."""
    wrong = json.dumps({"rules": [{"id": "r", "kind": "offer"}]})
    made = run("draft", "-", given=wrong)
    assert "! r.offered: say true to offer it, or false not to" in made.stdout
    assert run("publish", "1", "--by", "Lee", "--reading", reading(run)).exit_code == REFUSED
    replace = ("draft", "-", "--version", "1", "--reading", reading(run))
    assert run(*replace, given=json.dumps(RULES)).exit_code == 0
    assert run(*replace, given=wrong).exit_code == CONFLICT
    assert run("draft", "-", "--reading", "1f", given=wrong).exit_code == USAGE
    assert run("publish", "1", "--from", "tomorrow").exit_code == USAGE
    assert run("draft", "-", given="{}").exit_code == USAGE
    assert run("show", "7").exit_code == NOT_FOUND
