"""Dialogs that lead to something: answered by a person who has seen what is true now."""

import pytest

from sync.domain import operations as op
from tests.support.clocks import FrozenClock
from tests.support.pickup_store import pickup_store
from tests.support.terminals import terminal

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
