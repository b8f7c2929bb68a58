"""Several pickups on one walk, at the terminal: keys, scans and words, connected or not."""

import pytest

from store_client.services.open_orders import SHOWN_MAX
from store_client.services.waves import ORDERS_MAX
from sync.domain import operations as op
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentStatus
from sync.domain.people import Role
from sync.domain.waves import PickMode
from tests.support.clocks import FrozenClock
from tests.support.fake_store import gtin_of
from tests.support.filled_store import fill, open_filled
from tests.support.pickup_store import away, pickup_store, with_wave
from tests.support.terminals import terminal

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


async def test_marked_orders_are_picked_on_one_walk_and_opened_tote_by_tote(clock):
    """Space marks, F6 starts, each scan says its tote, Enter opens what is to be shelved."""
    store = pickup_store(clock, 3)
    async with terminal(store, clock) as term:
        await term.press("f7")
        assert "3 to pick, in no wave" in term.text()
        await term.press("space", "down", "space")
        assert "2 marked" in term.text()
        await term.press("f6", "1")
        assert "AISLE 1" in term.text()
        for index in (0, 0, 1, 1, 1, 2):
            await term.scan(gtin_of(index))
        assert "ALL PICKED" in term.text()
        await term.press("enter")
        assert "PUT ON THE HOLD SHELF" in term.text()
    statuses = [status_of(order).value for order in store.orders.values()]
    assert statuses == ["picked", "picked", "new"]


async def test_marked_orders_that_are_left_out_are_named_and_stay_marked(clock):
    """One is a colleague's by then: who has it is said on the wave, and its mark stays."""
    store = pickup_store(clock, 3)
    second = [*store.orders][1]
    async with terminal(store, clock) as term:
        await term.press("f7", "space", "down", "space")
        store.perform(op.LinePicked(second, 1, 1), by="A104", dev="T2")
        await term.press("f6", "1")
        assert "▲ Left out. K7Q2-0001 (Sofia V. picks it at T2)" in term.text()
        await term.press("escape")
        assert "1 marked" in term.text()
        assert "☑ K7Q2-0001" in term.text()


async def test_more_marked_orders_than_a_cart_has_room_for(clock):
    """How many go is said before; which are left is said after, and they are still marked."""
    store = pickup_store(clock, ORDERS_MAX + 3)
    async with terminal(store, clock) as term:
        await term.press("f7")
        for _ in range(ORDERS_MAX + 3):
            await term.press("space", "down")
        await term.press("f6")
        assert "15 orders marked; the 12 most urgent go." in term.text()
        await term.press("1")
        said = " ".join(term.widget_text("#says").split())
        assert said == "▲ Left out. K7Q2-0012, K7Q2-0013 and 1 more (12 fit on a cart)."
        await term.press("escape")
        assert "3 marked" in term.text()


async def test_picked_first_and_sorted_then_without_a_network(clock):
    """Offline: the sum is picked, then each scan sorts; F6 turns back to picking."""
    store = away(pickup_store(clock, 2))
    async with terminal(store, clock) as term:
        await term.press("f7", "f6", "2")
        await term.press("f4", "f4", "f4")
        assert "Picked 1 of 3" in term.text()  # the cursor walks on when a place is done
        await term.press("f6")
        await term.scan(gtin_of(0))
        assert "Tote 1 (K7Q2-0000)" in term.text()
        await term.press("f6")
        for index in (1, 1, 2):
            await term.scan(gtin_of(index))
        assert "SORT" in term.text()
        for index in (0, 1, 1, 1, 2):
            await term.scan(gtin_of(index))
        assert "ALL PICKED" in term.text()
        assert "OFFLINE 12 min" in term.text()
    assert {status_of(order) for order in store.orders.values()} == {FulfillmentStatus.PICKED}


async def test_a_wave_of_another_terminal_is_taken_over(clock):
    """Who has the orders stands on the desk, on the wave and on the order."""
    store = pickup_store(clock, 2)
    with_wave(store, "A104", PickMode.SORT_WHILE_PICK)
    async with terminal(store, clock) as term:
        await term.press("enter")
        assert "In wave T2-0302-1, picked by Sofia V., tote 1" in term.text()
        await term.press("escape", "f7")
        assert "Sofia V." in term.text()
        await term.press("enter")
        await term.scan(gtin_of(0))
        assert "Sofia V. picks this wave" in term.text()
        await term.press("f8")
        assert "Sofia V. picks this wave. Take it over first" in term.text()
        await term.press("f7")
        assert "why?" not in term.text()
        await term.press("enter")
        assert all(order.wave for order in store.orders.values())
        await term.press("ctrl+g", "enter")
        assert "Yours now" in term.text()
        await term.scan(gtin_of(0))
        assert "Tote 1 (K7Q2-0000)" in term.text()


async def test_what_is_to_be_sorted_stays_when_a_wave_is_given_back(clock):
    """The order that lies apart leaves; the screen stays for the other, and says what to do."""
    store = pickup_store(clock, 2)
    first, second = store.orders
    async with terminal(store, clock) as term:
        await term.press("f7", "f6", "2")
        await term.scan(gtin_of(0))
        await term.press("f8", "enter")
        assert "Given back 1 order; 1 order to be sorted first: F6" in term.text()
        assert [store.orders[one].wave is None for one in (first, second)] == [False, True]
        done = len(store.performed)
        await term.press("f8")
        assert "Its items lie among those of other orders. Sort them first: F6." in term.text()
    assert len(store.performed) == done


@pytest.mark.parametrize(
    ("role", "picker", "words"),
    [
        (Role.ASSOCIATE, "A103", "This wave is yours already. Go on scanning."),
        (Role.AUDITOR, "A104", "Amir L. is signed in as auditor and may only read."),
    ],
    ids=["one's own", "an auditor"],
)
async def test_nobody_is_asked_to_take_over_what_they_cannot(clock, role, picker, words):
    """Of one's own wave nobody else has to be told; who may only read is told so at once."""
    store = pickup_store(clock, 1)
    with_wave(store, picker, PickMode.SORT_WHILE_PICK, 1)
    async with terminal(store, clock, role=role) as term:
        await term.press("f7", "enter", "ctrl+g")
        assert words in " ".join(term.widget_text("#says").split())


async def test_a_wave_that_ends_under_the_screen_says_so(clock):
    """Called off at central while it is open here: the place to walk to and its keys are gone."""
    store = pickup_store(clock, 1)
    with_wave(store, "A103", PickMode.SORT_WHILE_PICK, 1)
    async with terminal(store, clock) as term:
        await term.press("f7", "enter")
        assert "AISLE" in term.widget_text("#next").upper()
        store.cancel(next(iter(store.orders)))
        await term.look()
        assert "THIS WAVE IS OVER" in term.widget_text("#next").upper()
        assert "F4 By hand" not in term.text()
        done = len(store.performed)
        for key in ("f4", "f6", "f7", "f8", "ctrl+g", "enter"):
            await term.press(key)
            assert "This wave is over. Start another one." in term.text(), key
        await term.scan(gtin_of(0))
        assert "This wave is over. Start another one." in term.text()
        await term.press("escape")
        assert "no wave" in term.text()
    assert len(store.performed) == done


async def test_what_a_wave_gives_up_is_seen_before_it_is_recorded(clock):
    """All units of the place in all its orders, what central does; Esc records nothing."""
    store = away(pickup_store(clock, 2))
    async with terminal(store, clock) as term:
        await term.press("f7", "f6", "1", "down")
        done = len(store.performed)
        await term.press("f7", "1")
        await term.shows("3 items in 2 orders given up")
        assert "The book stock falls by 3." in term.text()
        assert "Central looks for another store when it hears of it" in term.text()
        await term.press("escape")
        assert len(store.performed) == done
        await term.press("f7", "1")
        await term.shows("3 items in 2 orders given up")
        await term.press("enter")
        await term.shows("Given up 3")
    assert [one.kind for one in store.performed[done:]] == ["line_short_picked"] * 2


async def test_a_row_that_changed_is_not_given_up_as_it_was_shown(clock):
    """The goods were found at another terminal between the preview and Enter."""
    store = pickup_store(clock, 1)
    (order,) = store.orders.values()
    async with terminal(store, clock) as term:
        await term.press("f7", "f6", "1", "f7", "1")
        await term.shows("This is what follows")
        line = order.lines[0]
        store.perform(op.LinePicked(order.id, line.line, line.allocated), by="A103", dev="T2")
        done = len(store.performed)
        await term.press("enter")
        await term.shows("The order has changed meanwhile.")
    assert len(store.performed) == done


async def test_an_auditor_starts_no_wave(clock):
    """Who may only read is told so, and nothing is recorded."""
    store = pickup_store(clock, 1)
    async with terminal(store, clock, role=Role.AUDITOR) as term:
        await term.press("f7", "f6", "1")
        assert "may only read" in term.text()
    assert store.performed == []


async def test_a_power_cut_in_mid_walk_loses_nothing(clock, tmp_path):
    """The files are opened anew by another process: the wave stands as it was, to the unit."""
    filled = pickup_store(clock, 2)
    store = open_filled(tmp_path, clock)
    assert filled.row is not None
    fill(store, filled.row, filled.people, filled.catalogue, filled.orders.values())
    async with terminal(store, clock) as term:
        await term.press("f7", "f6", "2")
        for index in (0, 0, 1):
            await term.scan(gtin_of(index))
        await term.press("f6")
        await term.scan(gtin_of(0))
    again = open_filled(tmp_path, clock)  # the first process never closed its files
    async with terminal(again, clock) as term:
        await term.press("f7")
        assert "3 of 6, sort 2" in term.text()
        await term.press("enter")
        await term.scan(gtin_of(1))
        assert "Picked 2 of 3" in term.text()
    again.close()
    store.close()


async def test_a_desk_with_very_many_orders_lists_the_most_urgent(clock):
    """It counts all of them; a wave takes the first, so nobody needs the rest to choose from."""
    store = pickup_store(clock, SHOWN_MAX + 20)
    async with terminal(store, clock) as term:
        await term.press("f7")
        assert f"{SHOWN_MAX + 20} to pick, in no wave" in term.text()
        assert f"the {SHOWN_MAX} most urgent are listed" in term.text()
        await term.press("f6", "1")
        await term.shows("12 totes")
