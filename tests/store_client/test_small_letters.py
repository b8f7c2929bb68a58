"""Numbers of staff may have small letters, as lists bring them: they work wherever one types."""

import json

import pytest

from store_client.replica.store import Store
from store_client.services.desk import Refusal
from store_client.services.sign_in import Attempt, approve, sign_in
from sync.domain.people import Action, Role
from sync.protocol.rows import AssociateRow
from tests.store_client.test_cli_sales import SELL, made, run
from tests.store_client.test_terminal_counter import open_ready
from tests.support.clocks import FrozenClock
from tests.support.fake_store import make_order, make_people, make_store
from tests.support.terminals import PIN, actor_of, hash_pin, terminal, till_settings
from tests.support.till import SKU, STRICT, open_shop

pytestmark = pytest.mark.slow


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


def people() -> list[AssociateRow]:
    """Return the staff of the small store, and a lead whose number was kept as it was given."""
    return [*make_people(hash_pin()), AssociateRow("dlead", "Dora L.", Role.LEAD, hash_pin())]


@pytest.fixture
def store(clock):
    store = make_store(clock, 3, hash_pin())
    store.people = people()
    return store


@pytest.mark.parametrize("typed", ["dlead", "DLEAD", " Dlead "])
def test_capitals_do_not_matter(store, clock, typed):
    """However it is typed, it is the number as the list has it that goes on."""
    assert sign_in(store, Attempt(typed, PIN), clock.now_ms()).id == "dlead"


def test_numbers_that_differ_by_capitals_only_are_two_peoples(store, clock):
    """Each signs in by the exact number; what might mean either is nobody's."""
    store.people.append(AssociateRow("DLEAD", "Dan L.", Role.LEAD, hash_pin()))
    for number, name in (("dlead", "Dora L."), ("DLEAD", "Dan L.")):
        assert sign_in(store, Attempt(number, PIN), clock.now_ms()).name == name
    with pytest.raises(Refusal, match="cannot sign in"):
        sign_in(store, Attempt("Dlead", PIN), clock.now_ms())


def test_wrong_pins_count_together_however_the_number_is_typed(store, clock):
    """Five wrong PINs lock a person out, not a way to write the number."""
    for typed in ("dlead", "DLEAD", "Dlead", "dlEAD", "dlead"):
        with pytest.raises(Refusal, match="Wrong PIN"):
            sign_in(store, Attempt(typed, "0000"), clock.now_ms())
    with pytest.raises(Refusal, match="locked out"):
        sign_in(store, Attempt("DLead", PIN), clock.now_ms())


def test_nobody_approves_for_themselves_by_other_capitals(store, clock):
    """Whoever asks is the same person in small letters."""
    with pytest.raises(Refusal, match="for themselves"):
        approve(
            store, Attempt("a102", PIN), Action.TAKE_CASH_OUT, "bank run",
            asker=actor_of(Role.LEAD), now_ms=clock.now_ms(),
        )  # fmt: skip


@pytest.mark.anyio
async def test_such_a_lead_approves_at_the_associates_terminal(store, clock, tmp_path):
    """Cash goes out, and the record names the lead by the number of the list."""
    async with terminal(store, clock, settings=till_settings(tmp_path)) as term:
        await term.press("f8", "enter", "enter", "f6", "2")
        for typed in ("50", "dlead", "bank run", PIN):
            await term.type(typed)
            await term.press("enter")
    assert store.approvals == [("cash_moved", "A103", "dlead", "bank run")]


@pytest.mark.anyio
async def test_such_a_lead_answers_for_an_id_check(store, clock):
    """The counter takes the number as it is."""
    async with terminal(store, clock) as term:
        await open_ready(term)
        await term.press("enter", "f4", "1")
        for typed in ("dlead", PIN):
            await term.type(typed)
            await term.press("enter")
        assert "Handed over: all done" in term.text()
    assert (store.journal[-1].by, store.journal[-1].approved_by) == ("A103", "dlead")


@pytest.mark.anyio
async def test_such_a_lead_answers_for_a_broken_promise(tmp_path, clock, monkeypatch):
    """The sale carries who answered."""
    monkeypatch.setattr(Store, "associates", lambda _self: people())
    store = open_shop(tmp_path, clock, STRICT, [make_order(0, clock.now_ms(), quantities=(7, 1))])
    async with terminal(store, clock) as term:
        await term.press("f3")
        await term.type(SKU)
        await term.press("enter", "f6", "backspace")
        for typed in ("8", "dlead", PIN):
            await term.type(typed)
            await term.press("enter")
        assert "Sold 8 at the counter" in term.text()
    line = json.loads(store.journal.lines_after(store.journal.head().seq - 1, 1, 9_999)[0])
    assert line["ok_by"] == "dlead"
    store.close()


def test_such_a_lead_works_at_the_command_line(tmp_path, monkeypatch):
    """For `--by` and for `--override-by`."""
    shop = made(tmp_path, monkeypatch, STRICT)
    monkeypatch.setattr(Store, "associates", lambda _self: people())
    for told in (
        ("drawer", "open", "--float", "1", "--by", "dlead"),
        (*SELL, "--quantity", "8", "--override-by", "dlead"),
    ):
        done = run(shop, *told, pin=PIN)
        assert done.exit_code == 0, done.output
