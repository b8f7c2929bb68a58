"""Dialogs that lead to something: answered by a person who has seen what is true now."""

import pytest

from store_client.screens.approval import ApprovalDialog
from store_client.services.desk import Actor
from sync.domain import operations as op
from sync.domain.people import Action, Role
from tests.support.clocks import FrozenClock
from tests.support.fake_store import make_store
from tests.support.pickup_store import pickup_store
from tests.support.slow_store import SlowStore
from tests.support.terminals import PIN, Terminal, hash_pin, terminal

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


async def test_a_label_that_is_scanned_answers_nothing(clock):
    """A spot has two characters, too few to be told as a scan: its Enter is no yes."""
    store = pickup_store(clock, 1)
    async with terminal(store, clock) as term:
        await term.press("enter", "f7", "2")
        await term.shows("Why does this store reject the order?")
        await term.scan("A1")
        await term.shows("Why does this store reject the order?")
        await term.press("1")
        await term.shows("This is what follows")
        await term.scan("A1")
        assert "This is what follows" in term.text()
    assert store.performed == []


async def test_a_digit_and_enter_choose_what_was_typed(clock):
    """However quick the fingers are: not the row that happens to be marked."""
    store = pickup_store(clock, 1)
    async with terminal(store, clock) as term:
        await term.press("enter", "f7")
        await term.pilot.press("2", "enter")
        await term.shows("Why does this store reject the order?")


@pytest.mark.parametrize("problem", ["1", "2"], ids=["a line", "the order"])
async def test_what_was_shown_is_not_done_to_an_order_that_changed(clock, problem: str):
    """Somebody else found the goods meanwhile: they are not given up for lost."""
    store = pickup_store(clock, 1)
    (order,) = store.orders.values()
    async with terminal(store, clock) as term:
        await term.press("enter", "f7", problem, "1")
        if problem == "1":
            await term.shows("How many?")
            await term.press("enter")
        await term.shows("This is what follows")
        found = order.lines[0]
        store.perform(op.LinePicked(order.id, found.line, found.allocated), by="A104", dev="T2")
        done = len(store.performed)
        await term.press("enter")
        await term.shows("The order has changed meanwhile.")
    assert len(store.performed) == done


@pytest.mark.parametrize("taken_over", [False, True], ids=["same", "taken over"])
async def test_what_is_approved_waits_its_turn_with_its_approval(clock, taken_over: bool):
    """Nobody types the PIN again, it is for no other command, and for nobody else who stands here.

    The approved command waits behind one that is being recorded, and another that nobody approved.
    """
    store = make_store(clock, 1, hash_pin())
    waits, done = SlowStore(store, ""), []

    def money_back(name: str):
        def command(desk) -> None:
            approval = desk.require(Action.GIVE_MONEY_BACK)
            done.append((name, desk.actor.id, approval.by, approval.why))

        return command

    async with terminal(store, clock) as term:
        await term.press("f9")
        screen = term.screen
        screen.do_answer(money_back("approved"), "")
        await term.rest()
        screen.do(lambda _desk: waits._wait(), "")
        screen.do_answer(money_back("other"), "")
        await waits.reached(term)
        await approve(term)
        assert done == []
        if taken_over:
            term.app.unlocked(Actor("A104", "Sofia V.", Role.ASSOCIATE))
        waits.release.set()
        await term.rest()
        assert done == ([] if taken_over else [("approved", "A103", "A102", "a slip")])
        asked = [one for one in term.app.screen_stack if isinstance(one, ApprovalDialog)]
        assert len(asked) == 1 + taken_over


async def approve(term: Terminal) -> None:
    """Answer as a lead, while something else is recorded."""
    for key in (*"A102", "enter", *"a slip".replace(" ", "_"), "enter", *PIN, "enter"):
        await term.pilot.press({"_": "space"}.get(key, key))
    for _ in range(500):
        if not isinstance(term.screen, ApprovalDialog):
            return
        await term.pilot.pause(0.01)
    raise AssertionError(term.text())
