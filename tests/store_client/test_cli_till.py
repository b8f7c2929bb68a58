"""The counter at the command line: what it prints, as JSON and as text, and how it ends."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from store_client.cli import app
from store_client.replica.store import Store
from sync.domain.reservations import Reservation, ReservePolicy
from sync.edge.sqlite import OperationalError
from tests.support.clocks import FrozenClock
from tests.support.fake_store import STORE, make_catalogue, make_order, make_people, sku_of
from tests.support.filled_store import fill, open_filled, send_orders
from tests.support.terminals import PIN, hash_pin

pytestmark = pytest.mark.slow
RUNNER = CliRunner()
DAY_MS = 86_400_000
BY = ("--by", "A102")


@pytest.fixture
def run(tmp_path, monkeypatch, request):
    """Run a command on a store that has one reservation, as the lead with the right PIN."""
    from sync.clock import SystemClock

    clock = FrozenClock()
    store = open_filled(tmp_path, clock)
    now_ms = SystemClock().now_ms()
    order = make_order(0, now_ms)
    held = replace(
        order, flow="reserve", pickup_code_hash="", expires_at_ms=now_ms + DAY_MS,
        reserve=Reservation(now_ms + DAY_MS, now_ms + 2 * DAY_MS),
    )  # fmt: skip
    here = replace(STORE, reserve=getattr(request, "param", STORE.reserve))
    fill(store, here, make_people(hash_pin()), make_catalogue(), [held])
    from sync.domain.operations import LinePicked

    for line in held.lines:
        store.perform(LinePicked(held.id, line.line, line.allocated), by="A102", dev="T1")
    store.close()
    (tmp_path / "store.key").write_text("")
    (tmp_path / "store.toml").write_text('terminal = "T1"\npayment_terminal = "simulated"\n')
    monkeypatch.setenv("HOLDSHELF_PIN", PIN)

    def command(*arguments: str, code: int = 0):
        done = RUNNER.invoke(app, ["--data-dir", str(tmp_path), *arguments])
        assert done.exit_code == code, done.output
        return done

    return command


def read(done) -> dict:
    return json.loads(done.stdout)


def test_a_day_at_the_command_line(run):
    """Open, list, pay by card and cash, sell, count: every step as JSON, and it balances."""
    run("drawer", "open", "--float", "100", "--by", "A102", "--json")
    (held,) = json.loads(run("reserve", "list", "--json").stdout)
    number = held["number"]
    assert held["due_minor"] == 3 * 4899
    paid = read(
        run("reserve", "pay", number, "--by", "A102", "--means", "card", "--amount", "40", "--json")
    )
    assert (paid["due_minor"], paid["tenders"][0]["state"]) == (3 * 4899 - 4000, "taken")
    change = read(run("reserve", "pay", number, "--by", "A102", "--amount", "110", "--json"))
    assert change["change_minor"] == 11_000 - (3 * 4899 - 4000)
    sold = read(run("reserve", "sell", number, "--by", "A102", "--json"))
    assert sold["status"] == "converted"
    assert "once more, as a copy" in run("reserve", "receipt", number, *BY).stdout
    counted = read(run("drawer", "count", "--counted", "206.97", "--by", "A102", "--json"))
    assert (counted["is_balanced"], counted["difference_minor"]) == (True, 0)
    text = run("drawer", "report").stdout
    assert "Balances to the minor unit." in text
    assert "Devi D." in text


def test_reserving_and_what_is_refused(run):
    """Held at once or queued; unknown products and reservations, and too many, have their codes."""
    made = read(
        run("reserve", "make", "--sku", sku_of(0), "--name", "Ines Hale", "--by", "A102", "--json")
    )
    assert made["status"] == "new"
    waits = run("reserve", "make", "--sku", sku_of(0), "--name", "Kira", "--by", "A102",
                "--quantity", "50", "--wait")  # fmt: skip
    assert "waiting list" in waits.stdout
    refused = run("reserve", "make", "--sku", sku_of(0), "--name", "Kira", "--by", "A102",
                  "--quantity", "50", code=4)  # fmt: skip
    assert "Not free in this store" in refused.output
    run("reserve", "make", "--sku", "NO", "--name", "Kira", "--by", "A102", code=3)
    run("reserve", "sell", "K0-0", "--by", "A102", code=3)
    run("drawer", "report", code=3)
    number = made["number"]
    unpaid = run("reserve", "pay", number, "--by", "A102", code=4)
    assert "not open" in unpaid.output


def test_a_card_that_is_not_clear_and_a_payment_given_back(run):
    """Asked again by a command of its own; then given back."""
    run("drawer", "open", "--float", "1", "--by", "A102")
    (held,) = json.loads(run("reserve", "list", "--json").stdout)
    number = held["number"]
    unclear = run("reserve", "pay", number, "--by", "A102", "--means", "card", "--amount", "1.52")
    assert "NOT CLEAR" in unclear.stdout
    assert "approved" in run("reserve", "ask-card", number, "--by", "A102").stdout
    back = read(run("reserve", "give-back", number, "--tender", "1", "--by", "A102", "--json"))
    assert back["tenders"][0]["state"] == "returned"


def test_whoever_has_not_the_pin_does_nothing(run, monkeypatch):
    """A wrong PIN is refused; none at all, without a screen, is a mistake in the call."""
    monkeypatch.setenv("HOLDSHELF_PIN", "0000")
    assert "Wrong PIN" in run("drawer", "open", "--float", "1", "--by", "A102", code=4).output
    monkeypatch.delenv("HOLDSHELF_PIN")
    run("drawer", "open", "--float", "1", "--by", "A102", code=2)


def test_the_goods_of_a_reservation_by_script(run, tmp_path):
    """A pick taken back and made again, shelf, told, more time, a unit short, one not wanted."""
    number, sku = "K7Q2-0000", sku_of(0)

    def told(*arguments: str) -> dict:
        return read(run("reserve", *arguments[:1], number, *arguments[1:], *BY, "--json"))

    told("unpick", "--sku", sku)
    told("short", "--sku", sku, "--units", "1", "--reason", "damaged")
    assert told("stage", "--spot", "a1")["status"] == "staged"
    assert told("unstage")["status"] == "picked"
    told("stage", "--spot", "a1")
    ready = told("ready")
    assert ready["status"] == "ready_for_pickup"
    longer = told("extend", "--hours", "2")
    assert longer["held_until_ms"] >= ready["held_until_ms"]
    run("reserve", "release", number, *BY, code=4)
    for wrong, code in (("x", 2), ("9=1", 4), ("2=9", 4)):
        parts = ("--take", "2=1", "--take", wrong, "--reason", "price")
        run("reserve", "refuse", number, *parts, *BY, code=code)
        (still,) = json.loads(run("reserve", "list", "--json").stdout)
        assert still["due_minor"] == ready["due_minor"]
    told("refuse", "--take", "2=1", "--reason", "price")
    told("put-back")
    told("refuse", "--reason", "price")
    run("reserve", "pick", number, "--sku", sku, *BY, code=4)
    run("reserve", "accept", "NOPE", *BY, code=3)


def test_of_two_reservations_with_one_number_none_is_paid_by_it(run, tmp_path):
    """Their ids are named; by its own id each is found. No money goes to whichever came first."""
    store = open_filled(tmp_path, FrozenClock())
    first = store.fulfillment(store.find_orders("K7Q2-0000", 1)[0].id)
    assert first is not None
    send_orders(store, [replace(first, id="FO-OTHER")])
    store.close()
    run("drawer", "open", "--float", "100", *BY)
    for command in (["pay"], ["ask-card"], ["give-back", "--tender", "1"], ["sell"], ["receipt"]):
        refused = run("reserve", command[0], "K7Q2-0000", *command[1:], *BY, code=3)
        assert f"several of 'K7Q2-0000': give one of {first.id}, FO-OTHER" in refused.output
    paid = read(run("reserve", "pay", "fo-other", "--amount", "1", *BY, "--json"))
    assert (paid["id"], len(paid["tenders"])) == ("FO-OTHER", 1)


def test_a_damaged_file_is_said(run, tmp_path):
    """In a sentence, as the other commands say it."""
    (tmp_path / "journal.db").write_bytes(b"no database" * 1000)
    assert "journal.db cannot be read" in run("drawer", "report", code=1).stderr


def test_cash_that_goes_out_is_noted(run):
    """Change in, a deposit out: the report knows both."""
    run("drawer", "open", "--float", "100", *BY)
    run("drawer", "cash", "--amount", "20", "--reason", "change", *BY)
    report = read(run("drawer", "cash", "--amount", "50", "--reason", "deposit", *BY, "--json"))
    assert report["expected_minor"] == 7_000
    run("drawer", "cash", "--amount", "500", "--reason", "deposit", *BY, code=4)
    for wrong in ("-5", "0"):
        said = run("drawer", "cash", "--amount", wrong, "--reason", "change", *BY, code=4)
        assert f"“{wrong}” is not more than nothing." in said.output
        for means in ("cash", "card"):
            paying = ("K7Q2-0000", "--means", means, "--amount", wrong)
            assert "more than nothing" in run("reserve", "pay", *paying, *BY, code=4).output
    assert read(run("drawer", "report", "--json"))["expected_minor"] == 7_000
    paid = run("reserve", "pay", "K7Q2-0000", *BY).stdout
    assert "taken" in paid
    assert "'means': 'cash'" in run("reserve", "stage", "K7Q2-0000", "--spot", "a1", *BY).stdout


@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["text", "json"])
def test_a_full_disk_is_said(run, monkeypatch, as_json):
    """What is not recorded, and what to do; an exit code by which a script tries again later."""

    def full(*_arguments, **_more):
        raise OperationalError("database or disk is full")

    def said(*arguments: str, code: int = 75) -> str:
        done = run(*arguments, *BY, *as_json, code=code)
        assert done.stdout == ""
        return done.stderr

    with monkeypatch.context() as disk:
        for what in ("perform", "record_money", "record_task"):
            disk.setattr(Store, what, full)
        for command in (["drawer", "open", "--float", "1"], ["inbox", "add", "Call"],
                        ["reserve", "stage", "K7Q2-0000", "--spot", "a1"]):  # fmt: skip
            assert "NOT recorded: database or disk is full. Make room" in said(*command)
    real = Store.record_money

    def full_later(*arguments, **more):
        real(*arguments, **more)
        full()

    monkeypatch.setattr(Store, "record_money", full_later)
    assert "look before you do it again" in said("drawer", "open", "--float", "1", code=1)


@pytest.mark.parametrize("run", [ReservePolicy(cash_step_minor=5)], indirect=True)
@pytest.mark.parametrize(("left", "change"), [(998, 2), (2, -2)], ids=["9.98", "0.02"])
def test_all_that_is_due_is_paid_in_coins_that_exist(run, left, change):
    """The smallest coin is 0.05: 9.98 are 10.00 in cash, and 0.02 nothing, as on the screen."""
    run("drawer", "open", "--float", "100", *BY)
    (held,) = json.loads(run("reserve", "list", "--json").stdout)
    number, due = held["number"], held["due_minor"]
    card = f"{(due - left) / 100:.2f}"
    run("reserve", "pay", number, "--means", "card", "--amount", card, *BY)
    paid = read(run("reserve", "pay", number, *BY, "--json"))
    assert (paid["due_minor"], paid["change_minor"]) == (0, 0)
    report = read(run("drawer", "report", "--json"))
    assert report["expected_minor"] == 10_000 + left + change
