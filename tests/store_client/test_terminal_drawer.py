"""The drawer at the terminal: what is typed is what is recorded, or it is refused."""

import pytest

from sync.domain.people import Role
from tests.support.clocks import FrozenClock
from tests.support.fake_store import make_store
from tests.support.terminals import terminal, till_settings

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("reason", ["1", "2", "3"], ids=["change", "deposit", "expense"])
async def test_cash_moves_the_way_that_its_reason_says(tmp_path, reason: str):
    """A sign is no second way to say it: -50 is refused as at the command line, and 50 goes on."""
    clock = FrozenClock()
    store, settings = make_store(clock), till_settings(tmp_path)
    async with terminal(store, clock, role=Role.LEAD, settings=settings) as term:
        await term.press("f8", "enter", "enter", "f6", reason)
        for wrong in ("-50", "0"):
            await term.type(wrong)
            await term.press("enter")
            assert f"“{wrong}” is not more than nothing." in term.text()
            assert "Type it like 48.99." in term.text()
            assert term.screen.query_one("#entry").value == wrong
            assert len(store.moves) == 1
            await term.press(*["backspace"] * len(wrong))
        await term.type("50")
        await term.press("enter")
        assert store.moves[-1].operation.amount_minor == (5_000 if reason == "1" else -5_000)


@pytest.mark.parametrize("opened", [False, True], ids=["float", "count"])
async def test_there_is_never_less_than_nothing_in_a_drawer(tmp_path, opened: bool):
    """A float or a count with a minus is a slip: refused, never taken for one without it."""
    clock = FrozenClock()
    store = make_store(clock)
    async with terminal(store, clock, settings=till_settings(tmp_path)) as term:
        await term.press("f8", *(["enter", "enter"] if opened else []), "enter")
        await term.press(*["backspace"] * 3)
        await term.type("-100")
        await term.press("enter")
        assert "There is never less than nothing in a drawer. Type what is in it." in term.text()
    assert len(store.moves) == opened
