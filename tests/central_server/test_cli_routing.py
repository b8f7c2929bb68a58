"""Rules of routing, trials and reasons on the command line."""

import json

import pytest
from click.testing import Result
from typer.testing import CliRunner

from central_server.bootstrap import assemble
from central_server.cli import CONFLICT, NOT_FOUND, REFUSED, USAGE, app
from central_server.config import CentralSettings
from central_server.services.idempotency import RequestIdentity
from central_server.storage.database import Database
from tests.api.test_routing_rules_http import AWAY, ORDER
from tests.central_server.services.test_parcels import place
from tests.support.central_world import SECRET, build_world
from tests.support.databases import prepare
from tests.support.parcels import CARRIERS, parcel_order


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs commands on a central with three stores that ship, and one order."""
    url = f"sqlite:///{tmp_path / 'central.db'}"
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DATABASE_URL", url)
    monkeypatch.setenv("HOLDSHELF_CENTRAL_SERVER_SECRET", SECRET)
    prepare(url)
    database = Database.open(url)
    world = build_world(database, tmp_path)
    world.parts.intake.carriers(CARRIERS)
    order_id, _ = place(world)
    number = world.order(order_id)["number"]
    database.close()

    def command(*words: str, given: str = ""):
        return CliRunner().invoke(app, [*words], input=given)

    def place_one() -> str:
        database = Database.open(url)
        try:
            parts = assemble(CentralSettings(data_dir=tmp_path, server_secret=SECRET), database)
            identity = RequestIdentity("test", "later", "body")
            return parts.central.orders.place(parcel_order(), identity).order_id
        finally:
            database.close()

    command.number = number  # type: ignore[attr-defined]
    command.place = place_one  # type: ignore[attr-defined]
    return command


def approve(run) -> Result:
    """Let somebody else read the first version, and publish it."""
    read = json.loads(run("routing-rules", "show", "1", "--json").stdout)["reading"]
    return run("routing-rules", "publish", "1", "--by", "Lee", "--reading", read)


def test_a_version_lives_on_the_command_line(run):
    """Draft, try, publish by somebody else, roll back: words for people, JSON for programs."""
    rules = json.dumps({"rules": [AWAY]})
    assert "1 rules" in run("routing-rules", "draft", "-", "--by", "Kim", given=rules).stdout
    order = json.dumps(ORDER)
    tried = run("routing", "dry-run", "-", "--version", "1", given=order)
    assert "S002 ships 2 units by swift standard" in tried.stdout
    assert "S001: excluded" in tried.stdout
    assert run("routing-rules", "publish", "1", "--by", "Kim").exit_code == CONFLICT
    unread = run("routing-rules", "publish", "1", "--by", "Lee")
    assert (unread.exit_code, "say which rules" in unread.output) == (CONFLICT, True)
    assert "in force" in approve(run).stdout
    assert json.loads(run("routing", "dry-run", "-", "--json", given=order).stdout)["rule"] == (
        "away"
    )
    assert "version 2" in run("routing-rules", "roll-back", "1", "--by", "Kim").stdout
    assert "rolled back to 1 by Kim" in run("routing-rules", "audit").stdout
    assert '"goals": ["cost", "speed"]' in run("routing-rules", "show", "2").stdout


def test_why_an_order_went_where_it_went(run):
    """By number or id, in a sentence with the next best choice."""
    said = run("routing", "why", run.number)
    assert "S001 ships 2 units by swift standard over 0 km: 6.90" in said.stdout
    assert "would have cost 0.10 more" in said.stdout
    found = json.loads(run("routing", "why", run.number, "--json").stdout)
    assert found["decisions"][0]["next_best"]["locations"] == ["S002"]


def test_what_is_taken_of_a_day_is_listed(run):
    """By store and part of the day; without limits it says so."""
    assert "No rule limits" in run("routing", "capacity").stdout
    rule = {"id": "day", "kind": "capacity", "locations": ["S001"], "orders": 3}
    run("routing-rules", "draft", "-", "--by", "Kim", given=json.dumps({"rules": [rule]}))
    approve(run)
    run.place()
    assert "orders 1 of 3" in run("routing", "capacity").stdout


def test_a_simulation_is_a_table(run):
    """Both sides and their difference, a line each, and the sentence."""
    rules = json.dumps({"rules": [AWAY]})
    run("routing-rules", "draft", "-", given=rules)
    period = ("--from", "2020-01-01T00:00:00Z", "--until", "2040-01-01T00:00:00Z")
    said = run("routing", "simulate", "--version", "1", *period)
    assert "1 orders, version 1; 1 would have gone elsewhere." in said.stdout
    assert "parcels" in said.stdout
    found = json.loads(run("routing", "simulate", *period, "--json").stdout)
    assert (found["version"], found["orders_elsewhere"]) == (0, 0)
    assert run("routing", "simulate", "--from", "x", "--until", "y").exit_code == USAGE


def test_what_is_wrong_is_said(run):
    """Each refusal has its exit code."""
    assert run("routing", "why", "nope").exit_code == NOT_FOUND
    assert run("routing", "dry-run", "-", given="{}").exit_code == USAGE
    assert run("routing", "dry-run", "no-such-file.json").exit_code == USAGE
    strange = json.dumps({**ORDER, "lines": [{"sku": "nope", "quantity": 1}]})
    assert run("routing", "dry-run", "-", given=strange).exit_code == REFUSED
    assert run("routing-rules", "show", "7").exit_code == NOT_FOUND


def test_waiting_and_unfillable_orders_are_listed_and_settled(run):
    """Nothing waits at first; wrong names and orders that are carried are refused in words."""
    assert "No order waits." in run("waiting", "list").stdout
    assert "Every order is carried." in run("unfillable", "list").stdout
    order_id = json.loads(run("routing", "why", run.number, "--json").stdout)["order_id"]
    assert run("waiting", "clear", order_id, "weather").exit_code == USAGE
    for words in (
        ("waiting", "clear", order_id, "fraud"), ("waiting", "hold", order_id, "fraud"),
        ("unfillable", "route-again", order_id), ("unfillable", "cancel", order_id),
        ("unfillable", "substitute", order_id, "1", "SKU-2"),
        ("unfillable", "back-order", order_id),
    ):  # fmt: skip
        assert run(*words).exit_code == REFUSED
        assert run(*words[:2], "nope", *words[3:]).exit_code == NOT_FOUND


def test_a_hold_is_cleared_on_the_command_line(run):
    """The order is routed with its last hold, and the list is empty again."""
    rule = {"id": "look", "kind": "route", "hold_for": ["fraud"]}
    run("routing-rules", "draft", "-", "--by", "Kim", given=json.dumps({"rules": [rule]}))
    approve(run)
    order_id = run.place()
    assert f"{order_id}" in run("waiting", "list").stdout
    run("waiting", "hold", order_id, "manual", "--note", "call first")
    assert "nobody has it" in run("waiting", "clear", order_id, "fraud").stdout
    assert "S001 has it" in run("waiting", "clear", order_id, "manual").stdout
    assert "No order waits." in run("waiting", "list").stdout


RATE = {
    "carrier": "gull", "service": "slow", "weight_grams_max": 900, "amount_minor": 300,
    "currency": "EUR", "days": 5,
}  # fmt: skip
COMES = {"carrier": "gull", "services": ["slow"], "cutoffs": ["16:30"] * 7}
GULL = {"carriers": [{"id": "gull", "name": "Gull"}], "rates": [RATE], "pickups": {"*": [COMES]}}


def test_rates_of_a_file_in_two_currencies_are_refused(run, tmp_path):
    """They cannot be compared: nothing changes."""
    file = tmp_path / "carriers.json"
    mixed = [RATE, {**RATE, "weight_grams_max": 1_000, "currency": "USD"}]
    file.write_text(json.dumps({**GULL, "rates": mixed}), "utf-8")
    said = run("carriers", str(file))
    assert (said.exit_code, "in one currency" in said.output) == (USAGE, True)
    assert "swift standard" in run("routing", "dry-run", "-", given=json.dumps(ORDER)).stdout


def test_a_file_of_carriers_takes_the_place_of_the_one_before(run, tmp_path):
    """Two steps of weight, then two others: the cheapest that fits is one of the later two."""
    file = tmp_path / "carriers.json"
    for steps in ((2_000, 690),), ((1_000, 590), (3_000, 890)):
        rates = [{**RATE, "weight_grams_max": grams, "amount_minor": much} for grams, much in steps]
        file.write_text(json.dumps({**GULL, "rates": rates}), "utf-8")
        assert run("carriers", str(file)).exit_code == 0
    database = Database.open(f"sqlite:///{tmp_path / 'central.db'}")
    with database.read() as view:
        kept = [(one.weight_grams_max, one.amount_minor) for one in view.shipping.rates()]
    database.close()
    assert kept == [(1_000, 590), (3_000, 890)]


@pytest.mark.parametrize(
    "told", [{"pickups": {"S001": [COMES]}}, {"rates": [], "pickups": {"S001": [COMES]}}],
    ids=["one place", "no rates"],
)  # fmt: skip
def test_where_places_would_ship_no_more_a_file_of_carriers_is_asked_for_twice(
    run, tmp_path, told: dict[str, object]
):
    """A file of one store's carriers takes those of all others away: it says so, and of which."""
    file = tmp_path / "carriers.json"
    file.write_text(json.dumps({**GULL, **told}), "utf-8")
    stopped = ["S002", "S003"] if "rates" not in told else ["S001", "S002", "S003"]
    words = f"{len(stopped)} places ship no more: {', '.join(stopped)}."
    said = run("carriers", str(file))
    assert (said.exit_code, words in said.output) == (REFUSED, True)
    assert "swift standard" in run("routing", "dry-run", "-", given=json.dumps(ORDER)).stdout
    said = run("carriers", str(file), "--yes")
    assert (said.exit_code, words in said.output) == (0, True)
    again = json.loads(run("carriers", str(file), "--json").stdout)
    assert (again["ship"], again["stopped"]) == (3 - len(stopped), [])


@pytest.mark.parametrize(
    ("named", "detail"),
    [
        (("S001", "S002", "S003"), "3 of 3 stores send them"),
        (("S002",), "1 of 3 stores send them; not S001, S003: `carriers FILE` sets them"),
        ((), "0 of 3 stores send them"),
    ],
)
def test_doctor_says_which_stores_send_no_parcels(run, tmp_path, named, detail: str):
    """One that opened after the carriers were set has none, and is never asked; nobody said so."""
    file = tmp_path / "carriers.json"
    pickups = {key: [COMES] for key in named}
    file.write_text(json.dumps({**GULL, "pickups": pickups}), "utf-8")
    assert run("carriers", str(file), "--yes").exit_code == 0
    found = json.loads(run("doctor", "--json").stdout)["parcels"]["detail"]
    assert found.startswith(detail)
