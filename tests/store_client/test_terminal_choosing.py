"""Choosing: from a list by number, also one of two digits; and from what the menu lists."""

import pytest

from store_client.screens.dialogs import Choice, ChooseDialog
from store_client.screens.help import keys_of
from tests.support.clocks import FrozenClock
from tests.support.fake_store import gtin_of
from tests.support.pickup_store import curbside_store, pickup_store
from tests.support.ship_store import ship_store
from tests.support.terminals import terminal

pytestmark = pytest.mark.anyio
TWELVE = [Choice(f"c{place}", f"Person {place}") for place in range(1, 13)]


async def chosen_by(*keys: str, fast: str = "", choices=TWELVE) -> list[str | None]:
    """Return what was chosen of so many, or nothing while the list is still open."""
    chosen: list[str | None] = []
    clock = FrozenClock()
    async with terminal(pickup_store(clock, 1), clock) as term:
        term.app.push_screen(ChooseDialog("Who does it?", choices), chosen.append)
        await term.rest()
        if fast:
            term._post(*fast)
            while isinstance(term.screen, ChooseDialog):
                await term.pilot.pause(0.01)
        await term.press(*keys)
        assert bool(chosen) is not isinstance(term.screen, ChooseDialog)
    return chosen


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        (("1", "2"), 12), (("1", "0"), 10), (("1", "enter"), 1), (("2",), 2), (("9",), 9),
        (("1", "down", "enter"), 2), (("1", "down", "2"), 2), (("1", "backspace", "2"), 2),
        (("down", "down", "1", "enter"), 1), (("1", "5", "3"), 3),
    ],
)  # fmt: skip
async def test_a_number_of_two_digits_is_typed_at_a_persons_pace(keys, place):
    """The first digit alone chooses only where no longer number begins with it, or by Enter."""
    assert await chosen_by(*keys) == [f"c{place}"]


@pytest.mark.parametrize("keys", [("1",), ("1", "5"), ("0",)])
async def test_what_may_go_on_or_is_no_number_chooses_nothing(keys):
    """The list stays, and a person types on."""
    assert await chosen_by(*keys) == []


async def test_a_digit_that_no_longer_number_begins_with_chooses_at_once():
    """In a list of nine, 1 is the first."""
    assert await chosen_by("1", choices=TWELVE[:9]) == ["c1"]


async def test_both_digits_may_come_fast():
    """Within what might still be a scan, they are one number."""
    assert await chosen_by(fast="12") == ["c12"]


async def test_the_list_says_that_a_digit_may_follow():
    """The cursor stands on what Enter takes; a scan in between chooses nothing."""
    clock = FrozenClock()
    async with terminal(pickup_store(clock, 1), clock) as term:
        term.app.push_screen(ChooseDialog("Who does it?", TWELVE))
        await term.press("down", "1")
        assert "Enter: 1   or type the next digit" in term.text()
        assert "▶ 1  Person 1 " in term.text()
        await term.scan(gtin_of(0))
        assert isinstance(term.screen, ChooseDialog)
        await term.press("backspace")
        assert "Number or Enter: choose" in term.text()


@pytest.mark.parametrize(
    ("make", "desk"), [(pickup_store, "F7"), (curbside_store, "F6"), (ship_store, "F4")]
)
async def test_help_and_menu_of_today_name_the_desks_of_the_store(make, desk):
    """The keys that open a flow's desk, and only where the store has a use for it."""
    clock = FrozenClock()
    async with terminal(make(clock), clock) as term:
        listed = {entry.key: entry for entry in keys_of(term.screen)}
        assert desk in listed
        assert ("F4" in listed) is (desk == "F4")
        (command,) = [
            one for one in term.app.get_system_commands(term.screen) if one.help == f"Key {desk}"
        ]
        command.callback()
        await term.rest()
        assert len(term.app.screen_stack) == 3


async def test_a_scan_over_the_menu_is_named_as_not_used():
    """The bell and the code: nothing that was scanned goes away without a word."""
    clock = FrozenClock()
    store = pickup_store(clock, 1)
    async with terminal(store, clock) as term:
        await term.press("enter", "f10")
        rung = term.count_bells()
        await term.scan(gtin_of(0))
        assert rung == [1]
        assert "That scan was not used" in term.toasts()
        assert gtin_of(0) in term.toasts()
        await term.press("escape")
        await term.scan(gtin_of(0))
    assert [operation.kind for operation in store.performed] == ["line_picked"]
