"""How stores share their stock, on the command line."""

import json

import pytest
from typer.testing import CliRunner

from central_server.cli import NOT_FOUND, USAGE, app
from central_server.storage.database import Database
from tests.support.central_world import SECRET, build_world
from tests.support.databases import prepare


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs commands on a central with three stores that share nothing yet."""
    url = f"sqlite:///{tmp_path / 'central.db'}"
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DATABASE_URL", url)
    monkeypatch.setenv("HOLDSHELF_CENTRAL_SERVER_SECRET", SECRET)
    prepare(url)
    database = Database.open(url)
    build_world(database, tmp_path)
    database.close()
    return lambda *arguments: CliRunner().invoke(app, ["escrow", *arguments])


def shown(run, store: str = "S001") -> dict:
    answer = run("show", store, "--json")
    assert answer.exit_code == 0, answer.stderr
    return json.loads(answer.stdout)


def test_a_store_without_a_rule_is_shown_as_it_is(run):
    """Nothing set yet is an answer, too: the policy that the location came in with."""
    answer = run("show", "S001")
    assert answer.exit_code == 0
    assert "does not share by escrow" in answer.stdout
    assert shown(run)["rules"] == []


def test_a_rule_is_set_from_now_on(run):
    """Everything the API can: strict categories, lease, confirmation and service."""
    answer = run(
        "set", "S001", "--mode", "open", "--strict-category", "Wine", "--strict-category", "Toys",
        "--lease-minutes", "60", "--confirm-minutes", "10", "--service-percent", "97",
    )  # fmt: skip
    assert answer.exit_code == 0, answer.stderr
    policy = shown(run)["policy"]
    assert (policy["enabled"], policy["strict"]) == (True, False)
    assert policy["strict_categories"] == ["Wine", "Toys"]
    assert (policy["lease_ms"], policy["confirm_ms"]) == (3_600_000, 600_000)
    assert [one["state"] for one in shown(run)["rules"]] == ["in_force"]
    table = run("show", "S001").stdout
    assert "open; strict: Wine, Toys" in table
    assert "97 %" in table


def test_rules_in_force_to_come_and_past_are_told_apart(run):
    """One rule holds; the ones before it are kept, the ones after it wait for their time."""
    run("set", "S001", "--mode", "open", "--from", "2020-01-01T00:00:00Z")
    run("set", "S001", "--mode", "strict", "--from", "2021-01-01T00:00:00Z")
    run("set", "S001", "--mode", "off", "--from", "2199-01-01T00:00:00+02:00")
    run("set", "*", "--mode", "open", "--from", "2021-06-01T00:00:00Z")
    states = {one["effective_from"][:10]: one["state"] for one in shown(run)["rules"]}
    assert states == {
        "2020-01-01": "past", "2021-01-01": "in_force", "2198-12-31": "to_come",
        "2021-06-01": "overruled",
    }  # fmt: skip
    (everywhere,) = shown(run, "S002")["rules"]
    assert (everywhere["location_id"], everywhere["state"]) == ("*", "in_force")
    table = run("show", "S001").stdout
    assert [word in table for word in ("in force", "to come", "past", "overruled")] == [True] * 4


def test_a_rule_that_is_set_is_said_whole(run):
    """What was not named has its default, and whoever sets it sees that."""
    answer = run("set", "S001", "--mode", "strict", "--json")
    made = json.loads(answer.stdout)
    assert (made["policy"]["lease_ms"], made["service_percent"]) == (7_200_000, 95)
    assert "lease 120 min" in run("set", "S001", "--mode", "strict").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--mode", "sometimes"), "sometimes"),
        (("--mode", "open", "--lease-minutes", "0"), "lease-minutes"),
        (("--mode", "open", "--service-percent", "100"), "service-percent"),
        (("--mode", "open", "--from", "tomorrow"), "RFC 3339"),
        (("--mode", "open", "--from", "2026-03-01T00:00:00"), "time zone"),
        (("--mode", "off", "--strict-category", "Wine"), "off"),
        (("--mode", "strict", "--strict-category", "Wine"), "strict already"),
        (("--mode", "open", "--strict-category", " "), "category"),
        ((), "mode"),
    ],
)
def test_what_makes_no_sense_is_a_mistake_of_usage(run, arguments, said):
    """It is said which word is wrong, and nothing is set."""
    answer = run("set", "S001", *arguments)
    assert answer.exit_code == USAGE, answer.stdout
    assert said in answer.stderr
    assert shown(run)["rules"] == []


def test_a_store_that_does_not_exist_is_not_found(run):
    """For both commands."""
    assert run("show", "S999").exit_code == NOT_FOUND
    answer = run("set", "S999", "--mode", "open")
    assert (answer.exit_code, "S999" in answer.stderr) == (NOT_FOUND, True)
