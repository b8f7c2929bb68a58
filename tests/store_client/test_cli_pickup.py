"""`store-client pickup`: the same commands as at the screen, for scripts."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from store_client import bootstrap
from store_client.cli import app
from tests.support.clocks import FrozenClock
from tests.support.fake_store import CODE, STORE, gtin_of, make_catalogue, make_order, make_people
from tests.support.filled_store import fill, open_filled, send_orders
from tests.support.terminals import PIN, hash_pin

pytestmark = pytest.mark.slow


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch, clock) -> Path:
    """A store with three new pickup orders."""
    orders = [make_order(number, clock.now_ms()) for number in range(3)]
    store = open_filled(tmp_path, clock)
    fill(store, STORE, make_people(hash_pin()), make_catalogue(), orders)
    store.close()
    (tmp_path / "store.key").write_text("")
    monkeypatch.setattr(bootstrap, "SystemClock", lambda: clock)
    monkeypatch.setenv("HOLDSHELF_PIN", PIN)
    return tmp_path


def run(folder: Path, *arguments: str):
    return CliRunner().invoke(app, ["--data-dir", str(folder), "pickup", *arguments])


def told(folder: Path, *arguments: str):
    answer = run(folder, *arguments, "--json")
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def by(number: str = "A103") -> tuple[str, str]:
    return ("--by", number)


def test_a_script_takes_an_order_to_the_shelf(shop):
    """Accept, pick, stage, ready; the list shows how far it is."""
    assert [one["status"] for one in told(shop, "list")] == ["new"] * 3
    number = "K7Q2-0000"
    told(shop, "accept", number, *by())
    other = ("pick", number, *by("A104"), "--sku", gtin_of(0))
    answer = run(shop, *other)
    assert (answer.exit_code, "Rafael C. picks it" in answer.output) == (4, True)
    assert "--take-over goes on with it" in answer.output
    assert "Ctrl+G" not in answer.output
    told(shop, *other, "--take-over")
    for index in (0, 1):
        told(shop, "pick", number, *by(), "--sku", gtin_of(index), "--take-over")
    assert told(shop, "stage", number, *by(), "--spot", "a1")["spot"] == "A1"
    assert told(shop, "ready", number, *by())["status"] == "ready_for_pickup"
    assert told(shop, "unstage", number, *by())["status"] == "picked"
    assert run(shop, "unstage", number, *by()).exit_code == 4
    assert run(shop, "pick", number, *by(), "--sku", gtin_of(0)).exit_code == 4


@pytest.mark.parametrize("text", ["Eastman", "K7Q2", "K7Q2-000", "0000", "%", ""])
def test_a_command_wants_the_whole_number(shop, text):
    """A name, or a part of a number, may be somebody else's order: nothing is done with it."""
    answer = run(shop, "reject", text, *by(), "--reason", "damaged")
    assert (answer.exit_code, "give its whole number" in answer.output) == (3, True)
    assert [one["status"] for one in told(shop, "list")] == ["new"] * 3


def test_hyphens_and_capitals_do_not_matter(shop):
    """The number as people type it."""
    assert told(shop, "accept", "k7q20001", *by())["number"] == "K7Q2-0001"


def test_a_script_picks_two_orders_on_one_walk(shop):
    """Wave, pick list, sorting and taking over; each prints what a program needs."""
    wave = told(
        shop, "wave", *by(), "--number", "K7Q2-0000", "--number", "K7Q2-0001",
        "--mode", "sort_after_pick",
    )  # fmt: skip
    name = wave["wave"]
    assert wave["totes"] == {"1": "K7Q2-0000", "2": "K7Q2-0001"}
    assert [one["picker"] for one in told(shop, "waves")] == ["A103"]
    told(shop, "pick-wave", name, *by(), "--sku", gtin_of(0))
    assert run(shop, "pick-wave", name, *by("A104"), "--sku", gtin_of(0)).exit_code == 4
    assert told(shop, "take-over", name, *by("A104"))["picker"] == "A104"
    assert told(shop, "sort", name, *by("A104"), "--sku", gtin_of(0))["tote"] == 1
    assert told(shop, "pick-list", name)["to_pick"] == 5
    assert told(shop, "leave", name, *by("A104"))["orders"] == 2
    assert run(shop, "pick-list", name).exit_code == 4
    assert run(shop, "wave", *by("A109")).exit_code == 4
    assert run(shop, "accept", "NOPE", *by()).exit_code == 3


def test_a_script_is_told_what_a_wave_leaves_out(shop):
    """In the document for programs, and as a line of its own."""
    told(shop, "accept", "K7Q2-0000", *by())
    both = ("--number", "K7Q2-0000", "--number", "K7Q2-0001", "--json")
    answer = run(shop, "wave", *by("A104"), *both)
    assert answer.exit_code == 0
    wave = json.loads(answer.stdout)
    assert wave["totes"] == {"1": "K7Q2-0001"}
    assert wave["left_out"]["K7Q2-0000"].startswith("Rafael C. picks it at ")
    assert "left out K7Q2-0000: Rafael C. picks it at " in answer.stderr


def test_what_cannot_be_given_by_script(shop):
    """A pick taken back, a unit short, the rest rejected; one order out of its wave."""
    number, sku = "K7Q2-0000", gtin_of(0)
    told(shop, "pick", number, *by(), "--sku", sku)
    assert told(shop, "unpick", number, *by(), "--sku", sku)["units_to_pick"] == 3
    short = told(shop, "short", number, *by(), "--sku", sku, "--units", "1", "--reason", "damaged")
    assert short["units_open"] == 2
    assert run(shop, "short", number, *by(), "--sku", "X", "--reason", "damaged").exit_code == 4
    assert told(shop, "reject", number, *by(), "--reason", "not_found")["status"] == "rejected"
    wave = told(shop, "wave", *by())["wave"]
    assert told(shop, "leave-wave", "K7Q2-0001", *by())["wave"] == ""
    left = told(shop, "none-left", wave, *by(), "--sku", gtin_of(2), "--reason", "not_found")
    assert left["to_pick"] == 1
    for code, words in (("NOPE", "not in this wave"), (gtin_of(2), "is left to pick")):
        gone = run(shop, "none-left", wave, *by(), "--sku", code, "--reason", "not_found")
        assert (gone.exit_code, words in gone.output) == (4, True), gone.output
    assert run(shop, "release", "K7Q2-0001", *by()).exit_code == 4


def test_a_no_show_and_an_extension_by_script(shop, clock):
    """Longer as far as the policy goes; after the date it is on the list, and closed from there."""
    number = "K7Q2-0000"
    for index in (0, 0, 1):
        told(shop, "pick", number, *by(), "--sku", gtin_of(index))
    told(shop, "stage", number, *by(), "--spot", "A1")
    told(shop, "ready", number, *by())
    assert [one["orders"] for one in told(shop, "spots") if one["spot"] == "A1"] == [1]
    assert told(shop, "put-backs") == []
    assert run(shop, "no-show", number, *by()).exit_code == 4
    assert run(shop, "extend", number, *by(), "--days", "90").exit_code == 4
    longer = told(shop, "extend", number, *by(), "--days", "2")["pickup_by_ms"]
    clock.wall_ms = longer + 1
    assert [one["number"] for one in told(shop, "put-backs")] == [number]
    ended = told(shop, "no-show", number, *by())
    assert (ended["status"], ended["units_to_put_back"]) == ("expired", 0)
    assert run(shop, "put-back", number, *by()).exit_code == 4


def test_the_counter_by_script(shop):
    """Part of it by code, the rest signed for with a lead, another order refused."""
    for number, first in (("K7Q2-0000", 0), ("K7Q2-0001", 1)):
        for index in (first, first, first + 1):
            told(shop, "pick", number, *by(), "--sku", gtin_of(index))
        told(shop, "stage", number, *by(), "--spot", "A1")
        told(shop, "ready", number, *by())
    part = told(
        shop, "hand-over", "K7Q2-0000", *by(), "--code", CODE, "--take", "1=1", "--to", "Tom Weir"
    )
    assert (part["status"], part["units_open"]) == ("partially_picked_up", 2)
    assert run(shop, "hand-over", "K7Q2-0000", *by(), "--signed").exit_code == 4
    signed = told(shop, "hand-over", "K7Q2-0000", *by("A102"), "--signed")
    assert signed["status"] == "picked_up"
    for wrong, code in (("x", 2), ("9=1", 4)):
        parts = ("--take", "2=1", "--take", wrong)
        answer = run(shop, "refuse", "K7Q2-0001", *by(), "--reason", "price", *parts)
        assert answer.exit_code == code
    refused = told(shop, "refuse", "K7Q2-0001", *by(), "--reason", "price", "--take", "2=1")
    assert refused["units_to_put_back"] == 1
    ended = told(shop, "refuse", "K7Q2-0001", *by(), "--reason", "wrong_item")
    assert ended["status"] == "refused"
    assert run(shop, "hand-over", "K7Q2-0001", *by(), "--take", "one").exit_code == 2


def test_a_doubtful_hand_over_by_script_needs_a_lead_who_says_so(shop, clock):
    """As at the counter: refused, until a lead or manager answers for it; the option is named."""
    store, number = open_filled(shop, clock), "K7Q2-0007"
    send_orders(store, [replace(make_order(7, clock.now_ms()), confirm_by_ms=clock.now_ms() + 1)])
    store.close()
    for index in (7, 7, 0):
        told(shop, "pick", number, *by(), "--sku", gtin_of(index))
    told(shop, "stage", number, *by(), "--spot", "A1")
    given = ("hand-over", number, "--code", CODE)
    for more in (by(), by("A102"), (*by(), "--despite-doubt")):
        refused = run(shop, *given, *more)
        assert (refused.exit_code, "another store may have" in refused.output) == (4, True)
        assert "--despite-doubt" in refused.output
        assert "Enter" not in refused.output
    done = told(shop, *given, *by("A102"), "--despite-doubt")
    assert done["status"] == "picked_up"


def test_curbside_by_script(shop, clock):
    """Who arrives is listed first; a spot may be any word where the store names none."""
    store = open_filled(shop, clock)
    order = replace(make_order(7, clock.now_ms()), flow="curbside")
    send_orders(store, [order])
    store.close()

    def curbside(*arguments: str):
        return CliRunner().invoke(app, ["--data-dir", str(shop), "curbside", *arguments])

    begun = json.loads(curbside("wave", *by(), "--json").stdout)
    assert begun["totes"] == {"1": "K7Q2-0007"}
    arrived = curbside("arrived", "K7Q2-0007", *by(), "--parking", "P4", "--vehicle", "red van")
    assert arrived.exit_code == 0, arrived.output
    (found,) = json.loads(curbside("list", "--json").stdout)
    assert (found["parking"], found["vehicle"]) == ("P4", "red van")
    assert found["waits_since_ms"] == clock.now_ms()
    assert curbside("left", "K7Q2-0007", *by()).exit_code == 0
    assert curbside("left", "K7Q2-0007", *by()).exit_code == 4
    assert curbside("left", "K7Q2-0000", *by()).exit_code == 3


def test_a_follow_up_by_script(shop):
    """Written down for a role, given to a person, done: each says how it stands."""

    def inbox(*arguments: str):
        return CliRunner().invoke(app, ["--data-dir", str(shop), "inbox", *arguments, "--json"])

    added = inbox(
        "add", "Call back", "--about", "K7Q2-0001", "--hours", "2", "--for", "lead", *by()
    )
    made = json.loads(added.stdout)
    assert (made["order_number"], made["for"], made["is_done"]) == ("K7Q2-0001", "lead", False)
    given = inbox("assign", made["id"], "--for", "A103", *by())
    assert json.loads(given.stdout)["for"] not in {"", "lead", "A103"}
    assert [one["id"] for one in json.loads(inbox("list").stdout)] == [made["id"]]
    assert json.loads(inbox("done", made["id"], "Called.", *by()).stdout)["is_done"]
    assert inbox("done", made["id"], "Again.", *by()).exit_code == 4
    assert inbox("add", "Call", "--for", "nobody", *by()).exit_code == 4
    refused = inbox("add", "Call", "--hours", "99999999999", *by())
    assert (refused.exit_code, "from 1 to 672" in refused.output) == (4, True)


def test_who_has_not_the_pin_does_nothing_in_anothers_name(shop, monkeypatch):
    """No PIN is a mistake in the call; wrong ones are refused and lock out, as at the terminal."""
    accept = ("accept", "K7Q2-0000", *by("A101"))
    monkeypatch.delenv("HOLDSHELF_PIN")
    assert run(shop, *accept).exit_code == 2
    assert len(told(shop, "list")) == 3
    monkeypatch.setenv("HOLDSHELF_PIN", "0000")
    for _ in range(5):
        assert run(shop, *accept).exit_code == 4
    monkeypatch.setenv("HOLDSHELF_PIN", PIN)
    answer = run(shop, *accept)
    assert (answer.exit_code, "locked out" in answer.output) == (4, True)
    for group in (["inbox", "add", "Call"], ["print", "pick-list"], ["ship", "wave"],
                  ["curbside", "wave"]):  # fmt: skip
        answer = CliRunner().invoke(app, ["--data-dir", str(shop), *group, *by("A101")])
        assert (answer.exit_code, "locked out" in answer.output) == (4, True)
    assert {one["status"] for one in told(shop, "list")} == {"new"}
