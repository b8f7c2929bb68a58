"""Problems and the counter, driven by keys: short, reject, refuse, ID checks, nobody came."""

from dataclasses import replace

import pytest

from sync.domain.fulfillment import FulfillmentStatus
from sync.domain.people import Role
from sync.domain.reservations import Reservation
from tests.support.clocks import FrozenClock
from tests.support.fake_store import CODE, gtin_of, make_store
from tests.support.terminals import PIN, hash_pin, terminal

pytestmark = pytest.mark.anyio
S = FulfillmentStatus


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock):
    return make_store(clock, 3, hash_pin())


@pytest.fixture
def key(store) -> str:
    """The most urgent order: two kettles of 0.8 L, one of 1.2 L."""
    return next(iter(store.orders))


def kinds(store) -> list[str]:
    return [operation.kind for operation in store.performed]


async def pick_all(term) -> None:
    for index in (0, 0, 1):
        await term.scan(gtin_of(index))


async def open_ready(term) -> None:
    await term.press("enter")
    await pick_all(term)
    await term.scan("a2")
    await term.press("enter")


# --- problems ---------------------------------------------------------------------------------


async def test_short_asks_for_a_reason_and_a_quantity(store, clock, key):
    """F7, the line, why, how many."""
    async with terminal(store, clock) as term:
        await term.press("enter", "f7", "1", "1")
        await term.press("backspace")
        await term.type("1")
        await term.press("enter")
        assert "The book stock falls by 1." in term.text()
        assert "Central looks for another store now, and tells the customer." in term.text()
        assert store.performed == []
        await term.press("enter")
        assert "Short 1" in term.text()
    assert store.performed[-1].quantity == 1


async def test_rejecting_the_order_closes_it(store, clock, key):
    """Nothing is left to do and the screen says so."""
    async with terminal(store, clock) as term:
        await term.press("enter", "f7", "2", "4")
        assert "The book stock stays as it is." in term.text()
        await term.press("escape")
        assert store.performed == []
        await term.press("f7", "2", "4", "enter")
        assert "Rejected by this store" in term.text()
    assert kinds(store) == ["fulfillment_rejected"]


async def test_a_refused_item_is_put_back(store, clock, key):
    """The customer takes one line and not the other."""
    async with terminal(store, clock) as term:
        await open_ready(term)
        await term.press("f7", "3", "2")
        assert "Refused 1" in term.text()
        assert "PUT BACK 1" in term.text()
    assert kinds(store)[-1] == "line_refused"


@pytest.mark.parametrize("flow", ["pickup", "curbside", "reserve"])
async def test_while_it_is_picked_nothing_is_offered_that_is_refused(store, clock, key, flow):
    """Nobody stands at the counter yet, and it lies at no spot: F7 does not say so."""
    order = store.orders[key]
    until_ms = clock.now_ms() + 72_000_000
    held = Reservation(until_ms, until_ms) if flow == "reserve" else None
    store.add(replace(order, flow=flow, reserve=held, pickup_code_hash=""))
    later = ["Customer does not want it", "Move to another spot"]
    later += [] if flow == "reserve" else ["Customer takes nothing"]
    async with terminal(store, clock) as term:
        term.app.open_order(flow, key)
        await term.rest()
        await term.scan(gtin_of(0))
        await term.press("f7")
        assert "Take a pick back" in term.text()
        assert not any(words in term.text() for words in later)
        await term.press("escape")
        for index in (0, 1):
            await term.scan(gtin_of(index))
        await term.press("f7")
        assert all(words in term.text() for words in later)


async def test_nobody_came(store, clock, key):
    """After the promised time the goods go back, and the order is closed as a no-show."""
    async with terminal(store, clock) as term:
        await open_ready(term)
        clock.advance(10 * 86_400_000)
        await term.look()
        assert "NO-SHOW: PUT BACK 3" in term.text()
        await term.press("enter", "enter")
        assert "Closed as a no-show" in term.text()
    assert kinds(store)[-3:] == ["hold_expired", "put_back", "put_back"]


# --- the counter ------------------------------------------------------------------------------


async def test_part_of_an_order_leaves_with_somebody_else(store, clock, key):
    """One fewer of a line, another name: both stand in the record."""
    async with terminal(store, clock) as term:
        await open_ready(term)
        await term.press("enter")
        await term.type(CODE)
        await term.press("tab", "ctrl+u")
        await term.type("Tom Weir")
        assert "sent by the customer" in term.text()
        listed = term.app.screen.query_one("#counter-lines")
        listed.focus()
        await term.press("left", "enter")
        assert "2 items still wait" in term.text() or "1 item still wait" in term.text()
    done = store.performed[-1]
    assert (done.proof.recipient, done.proof.is_proxy) == ("Tom Weir", True)
    assert sum(entry.quantity for entry in done.lines) == 2


async def test_a_wrong_code_stays_in_the_field_with_the_reason(store, clock, key):
    """Nothing typed is lost by a refusal."""
    async with terminal(store, clock) as term:
        await open_ready(term)
        await term.press("enter")
        await term.type("WRONG1")
        await term.press("enter")
        assert "This is not the pickup code" in term.text()
        assert "WRONG1" in term.text()


@pytest.mark.parametrize("label", ["A1", "a2", "SHELF-7"])
async def test_a_spots_label_is_no_try_at_the_code(clock, label):
    """Too short to be told as a scan, or not: nothing is counted, and the field is as it was."""
    store = make_store(clock, 3, hash_pin())
    assert store.row is not None
    store.row = replace(store.row, spots=("A1", "A2", "SHELF-7"))
    async with terminal(store, clock) as term:
        await open_ready(term)
        await term.press("enter")
        await term.scan(label)
        assert "That is no pickup code." in term.text()
        assert "tries left" not in term.text()
        await term.type(CODE)
        await term.press("enter")
        assert "Handed over: all done" in term.text()


async def test_a_lead_approves_an_id_check_with_a_pin(store, clock, key):
    """The associate stays signed in; the record names both."""
    async with terminal(store, clock) as term:
        await open_ready(term)
        await term.press("enter", "f4", "1")
        assert "passport seen" in term.text()
        await term.type("A102")
        await term.press("enter")
        await term.type(PIN)
        await term.press("enter")
        assert "Handed over: all done" in term.text()
        assert term.app.actor is not None
        assert term.app.actor.id == "A103"
    assert (store.journal[-1].by, store.journal[-1].approved_by) == ("A103", "A102")


async def test_a_signature_is_for_what_the_slip_says(store, clock, key):
    """More or less goes out than was signed for: it is signed anew, or nothing leaves on it."""
    before = len(store.performed)
    async with terminal(store, clock, role=Role.LEAD) as term:
        await open_ready(term)
        await term.press("enter", "f4", "6")
        assert "signed on the slip" in term.text()
        term.app.screen.query_one("#counter-lines").focus()
        await term.press("left")
        assert "signed on the slip" not in term.text()
        assert "print the slip again" in term.text()
        await term.press("enter")
        assert "handed_over" not in kinds(store)[before:]
        await term.press("f4", "6", "enter")
    assert sum(entry.quantity for entry in store.performed[-1].lines) == 2
