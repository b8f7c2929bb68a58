"""Central's command line for paying in stores: policies, gift cards, the tender report."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from central_server.cli import app
from tests.central_server.test_cli import SECRET

pytestmark = pytest.mark.slow
PLACES = "id,name,timezone,price_zone\nS001,Lantern Row,UTC,EAST\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs commands on a data folder with one store; returns what they print as JSON."""
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOLDSHELF_CENTRAL_SERVER_SECRET", SECRET)

    def command(*arguments: str, code: int = 0):
        done = CliRunner().invoke(app, list(arguments))
        assert done.exit_code == code, done.output
        return json.loads(done.stdout) if code == 0 and "--json" in arguments else done

    command("migrate")
    from central_server.bootstrap import opened
    from central_server.config import load_settings
    from central_server.records import Location

    with opened(load_settings()) as parts:
        parts.intake.locations([Location("S001", "Lantern Row", price_zone="EAST")])
    return command


def test_a_gift_card_is_issued_and_looked_up(run, monkeypatch):
    """The code is shown once, and is all that finds it again."""
    made = run("gift-card", "issue", "--amount-minor", "2500", "--json")
    assert made["balance"] == {"amount_minor": 2500, "currency": "USD"}
    monkeypatch.setenv("HOLDSHELF_VALUE_CODE", made["code"].lower())
    assert run("gift-card", "show", "--json")["balance"]["amount_minor"] == 2500
    other = run("gift-card", "issue", "--amount-minor", "1", "--currency", "eur", "--json")
    assert other["balance"]["currency"] == "EUR", "another spelling would pay for nothing"
    run("gift-card", "issue", "--amount-minor", "1", "--currency", "euro", code=2)
    for most in (100_000_001, 10**20):
        run("gift-card", "issue", "--amount-minor", str(most), code=2)
    monkeypatch.setenv("HOLDSHELF_CENTRAL_CURRENCY", "CHF")
    here = run("gift-card", "issue", "--amount-minor", "1", "--json")
    assert here["balance"]["currency"] == "CHF", "a central's own money, unless another is named"
    monkeypatch.setenv("HOLDSHELF_VALUE_CODE", "NOSUCH-CODE")
    assert "no gift card" in run("gift-card", "show", code=3).output


def test_a_stores_policy_is_changed_in_part_and_survives_an_import(run):
    """What is not given stays; importing the location again does not undo it."""
    run("reserve-policy", "S001", "--hold-hours", "48", "--category", "Food=4", "--json")
    found = run("reserve-policy", "S001", "--coin", "5", "--cards-offline", "--json")["policy"]
    assert (found["hold_hours"], found["cash_step_minor"]) == (48, 5)
    assert found["cards_offline"]["enabled"] is True
    assert found["category_holds"] == [{"category": "Food", "hours": 4}]
    from central_server.bootstrap import opened
    from central_server.config import load_settings
    from central_server.records import Location

    with opened(load_settings()) as parts:
        parts.intake.locations([Location("S001", "Renamed", price_zone="EAST")])
        assert parts.tills.policy("S001").hold_hours == 48
    for wrong in ("Food", "Food=0", "Food=-4", "=4", "Food=99999"):
        run("reserve-policy", "S001", "--category", wrong, code=2)
    run("reserve-policy", "S001", "--hold-hours", "1000000000", code=2)
    run("reserve-policy", "S999", code=3)


def test_the_tender_report_of_a_day(run):
    """By account, associate and drawer; it adds up to zero."""
    from central_server.bootstrap import opened
    from central_server.config import load_settings
    from central_server.money_records import MoneyEntry

    at_ms = 1_763_900_000_000
    entries = [
        MoneyEntry("S001", account, amount, "USD", "R/1/1", "T1", "A1", at_ms)
        for account, amount in (("cash:T1", 2000), ("sales", -2000))
    ]
    with opened(load_settings()) as parts:
        parts.database.write(lambda unit: unit.money.post(entries))
    found = run("tenders", "S001", "--day", "2025-11-23", "--json")
    assert found["accounts"] == {"cash": 2000, "sales": -2000}
    assert found["by_associate"] == {"A1": found["accounts"]}
    assert found["is_balanced"]
    assert "Balances" in run("tenders", "S001", "--day", "2025-11-23").output
    assert run("tenders", "S001", "--day", "2025-11-24", "--json")["accounts"] == {}
    both = [replace(one, currency="EUR", amount_minor=one.amount_minor // 2) for one in entries]
    with opened(load_settings()) as parts:
        parts.database.write(lambda unit: unit.money.post(both))
    mixed = run("tenders", "S001", "--day", "2025-11-23", "--json")
    assert mixed["accounts"] == {
        "cash EUR": 1000, "cash USD": 2000, "sales EUR": -1000, "sales USD": -2000,
    }  # fmt: skip
    run("tenders", "S001", "--day", "today", code=2)
    run("tenders", "S999", "--day", "2025-11-23", code=3)
