"""How dialogs and screens go away while something is recorded: in order, and never unheard."""

from dataclasses import replace

import pytest

from store_client.adapters.payment_terminals import SimulatedTerminal
from store_client.devices import PrintForm, PrintJob, PrintKind
from store_client.replica.print_queue import PrintJobs
from store_client.screens.dialogs import EntryDialog
from store_client.screens.hand_over import HandOverScreen
from store_client.screens.help import HelpScreen
from store_client.screens.sign_in import SignInScreen
from store_client.screens.today import TodayScreen
from store_client.services import inbox
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentStatus
from sync.domain.people import Role
from tests.support.clocks import FrozenClock
from tests.support.fake_store import CODE, Item, gtin_of
from tests.support.pickup_store import on_the_shelf, pickup_store, ready
from tests.support.slow_store import SlowStore
from tests.support.terminals import Terminal, actor_of, terminal, till_settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


def names(term: Terminal) -> list[str]:
    """What stands over Today, lowest first."""
    return [type(screen).__name__ for screen in term.app.screen_stack[2:]]


async def post_scans(term: Terminal, slow: SlowStore, *texts: str) -> None:
    """Let scans arrive, until the disk is waited for."""
    term.keys.gap_ms = 8
    for text in texts:
        term.keys.at_ms += 500
        term._post(*text, "enter")
    await slow.reached(term)
    await term.pilot.pause()
    term.keys.gap_ms = 180


async def scan_more(term: Terminal, *texts: str) -> None:
    """Let scans arrive while the disk is waited for."""
    term.keys.gap_ms = 8
    for text in texts:
        for key in (*text, "enter"):
            await term.pilot.press(key)
        term.keys.at_ms += 500
    term.keys.gap_ms = 180


# --- what stands over a dialog that is done -----------------------------------------------------


async def test_help_over_a_hand_over_that_succeeds_is_closed_before_it(clock):
    """What is on top goes first: then the counter closes with its result, and Esc does no harm."""
    store = pickup_store(clock, 1)
    ready(store, 0, "A1")
    slow = SlowStore(store, "handed_over")
    async with terminal(store, clock) as term:
        await term.press("enter", "f6")
        await term.type(CODE)
        await slow.while_waiting(term, "enter", "f1")
        assert isinstance(term.screen, HelpScreen)
        await term.press("escape")
        assert names(term) == ["PickupScreen"]
        assert "Handed over" in term.text()
        await term.press("escape")
        assert isinstance(term.screen, TodayScreen)


async def test_help_over_what_is_typed_and_recorded_is_closed_before_it(clock):
    """The same for the dialog with one field: it never stays behind with what is done already."""
    store = pickup_store(clock, 1)
    key = on_the_shelf(store, 0, "A1")
    slow = SlowStore(store, "staged")
    async with terminal(store, clock) as term:
        await term.press("enter", "f8")
        assert isinstance(term.screen, EntryDialog)
        await term.type("A2")
        await slow.while_waiting(term, "enter", "f1")
        await term.press("escape")
        assert names(term) == ["PickupScreen"]
        assert store.orders[key].staging_spot == "A2"


async def test_help_over_a_screen_that_is_being_left_is_closed_before_it(clock):
    """Esc while scans wait, then F1: the order goes once its help is closed, not instead of it."""
    store = pickup_store(clock, 1)
    slow = SlowStore(store, "line_picked")
    async with terminal(store, clock) as term:
        await term.press("enter")
        await post_scans(term, slow, gtin_of(0), gtin_of(0))
        await term.pilot.press("escape")
        await term.pilot.press("f1")
        await term.pilot.pause()
        slow.release.set()
        await term.rest()
        assert names(term) == ["PickupScreen", "HelpScreen"]
        await term.press("escape")
        assert isinstance(term.screen, TodayScreen)
        assert len(store.performed) == 2


async def test_a_dialog_is_answered_once(clock):
    """An answer that comes again while the dialog goes closes nothing else."""
    store = pickup_store(clock, 1)
    ready(store, 0, "A1")
    async with terminal(store, clock) as term:
        await term.press("enter", "f6")
        counter = term.screen
        assert isinstance(counter, HandOverScreen)
        counter.dismiss(None)
        counter.dismiss(None)
        await term.rest()
        assert names(term) == ["PickupScreen"]


# --- Esc and F2 while something is recorded ----------------------------------------------------

FULL = OSError(28, "No space left on device")


async def opened(term: Terminal, where: str) -> None:
    """Open an order, or its wave."""
    await term.press(*{"order": ("enter",), "wave": ("f7", "f6", "1")}[where])


@pytest.mark.parametrize("where", ["order", "wave"])
@pytest.mark.parametrize("leave", ["escape", "f2"])
async def test_a_full_disk_is_said_to_who_has_left_already(clock, where, leave):
    """Leaving waits for the scan that is being recorded: where that fails, its screen says so."""
    store = pickup_store(clock, 1)
    slow = SlowStore(store, "line_picked", FULL)
    async with terminal(store, clock) as term:
        await opened(term, where)
        here = names(term)
        await post_scans(term, slow, gtin_of(0))
        await term.pilot.press(leave)
        assert "Recording" in term.text()
        slow.release.set()
        await term.rest()
        assert "NOT recorded" in term.text()
        assert names(term) == here
        await term.press(leave)
        assert names(term) == ([] if leave == "f2" else here[:-1])


async def test_f2_over_an_order_that_still_records_goes_no_further_than_its_failure(clock):
    """The lookup that stands over it goes at once; the order stays, and says what failed."""
    store = pickup_store(clock, 1)
    slow = SlowStore(store, "line_picked", FULL)
    async with terminal(store, clock) as term:
        await term.press("enter")
        await post_scans(term, slow, gtin_of(0))
        await term.pilot.press("f3")
        await term.pilot.press("f2")
        await term.pilot.pause()
        assert names(term) == ["PickupScreen"]
        assert "Recording" in term.text()
        slow.release.set()
        await term.rest()
        assert names(term) == ["PickupScreen"]
        assert "NOT recorded" in term.text()


async def test_who_signs_out_hears_first_what_could_not_be_recorded(clock):
    """Signing out waits, too: who is signed in stays so until it is clear what was done."""
    store = pickup_store(clock, 1)
    slow = SlowStore(store, "line_picked", FULL)
    async with terminal(store, clock) as term:
        await term.press("enter")
        await post_scans(term, slow, gtin_of(0))
        await term.pilot.press("ctrl+l")
        slow.release.set()
        await term.rest()
        assert "NOT recorded" in term.text()
        await term.press("ctrl+l")
        assert isinstance(term.screen, SignInScreen)
        assert term.app.actor is None


async def test_who_quits_hears_first_what_could_not_be_recorded(clock):
    """Ctrl+Q over an order and over a dialog: the terminal is there until all is recorded."""
    store = pickup_store(clock, 1)
    slow = SlowStore(store, "line_picked", FULL)
    async with terminal(store, clock) as term:
        await term.press("enter")
        await post_scans(term, slow, gtin_of(0))
        await term.pilot.press("ctrl+q")
        assert "Recording" in term.text()
        slow.release.set()
        await term.rest()
        assert "NOT recorded" in term.text()
        assert term.app.is_running
        await term.pilot.press("ctrl+q")
        await term.pilot.pause()
        assert not term.app.is_running


async def test_quitting_waits_for_a_dialog_that_records(clock):
    """A dialog that is gone says nothing: Ctrl+Q says that it still records."""
    store = pickup_store(clock, 1)
    async with terminal(store, clock) as term:
        await term.press("enter")
        order = term.screen.order
        dialog = HandOverScreen(order, lambda _: order)
        term.app.push_screen(dialog)
        dialog.busy = True
        await term.pilot.press("ctrl+q")
        await term.pilot.pause()
        assert term.app.is_running
        dialog.busy = False
        await term.pilot.press("ctrl+q")
        await term.pilot.pause()
        assert not term.app.is_running


async def test_another_order_is_opened_once_this_one_is_recorded(clock):
    """An order's number, then an item, scanned at once: the item's failure is not covered."""
    store = pickup_store(clock, 2)
    slow = SlowStore(store, "line_picked", FULL)
    async with terminal(store, clock) as term:
        await term.press("enter")
        here, first = term.screen, term.screen.order.order_number
        (other,) = [one for one in store.orders.values() if one.order_number != first]
        await post_scans(term, slow, gtin_of(0))
        term.app.open_order("pickup", other.id)
        slow.release.set()
        await term.rest()
        assert term.screen is here
        assert "NOT recorded" in term.text()


@pytest.mark.parametrize("where", ["order", "wave"])
async def test_esc_goes_back_once_the_last_scan_is_recorded(clock, where):
    """Where all is well nobody presses Esc twice."""
    store = pickup_store(clock, 1)
    slow = SlowStore(store, "line_picked")
    async with terminal(store, clock) as term:
        await opened(term, where)
        here = names(term)
        await post_scans(term, slow, gtin_of(0))
        await term.pilot.press("escape")
        slow.release.set()
        await term.rest()
        assert names(term) == here[:-1]
        assert store.performed[-1].kind == "line_picked"


@pytest.mark.parametrize("leave", ["escape", "f2"])
@pytest.mark.parametrize(
    ("where", "keys", "fails", "words"),
    [
        ("drawer", ["f8"], (SimulatedTerminal, "settlements"), "Settled cards are not recorded"),
        ("printing", ["ctrl+r", "f4"], (PrintJobs, "again"), "NOT recorded"),
        ("inbox", ["f9", "f5", "1"], (inbox, "assign"), "NOT recorded"),
    ],
)
async def test_no_screen_hides_what_it_could_not_record(
    clock, tmp_path, monkeypatch, where, keys, fails, words, leave
):
    """Cards that settled, a print and a follow-up: whoever leaves meanwhile reads it, then goes."""
    store = pickup_store(clock, 1)
    now_ms = clock.now_ms()
    store.inbox = [Item("E1", "promise_broken", "Lima takes over.", now_ms, now_ms + 1)]
    queue = PrintJobs(tmp_path / "print.db", {PrintKind.RECEIPT: "counter"}, ("counter",))
    queue.add(PrintJob(PrintKind.RECEIPT, "receipt-1", PrintForm.TEXT, b"", ""), now_ms)
    settings = till_settings(tmp_path)
    settings = replace(settings, devices=replace(settings.devices, queue=queue))
    slow = SlowStore(store, "", FULL)
    monkeypatch.setattr(*fails, slow.stop)
    async with terminal(store, clock, settings=settings) as term:
        for key in keys[:-1]:
            await term.press(key)
        await slow.while_waiting(term, keys[-1], leave)
        assert len(names(term)) == 1, where
        assert words in term.text()
        await term.press("f2")
        assert names(term) == []
    queue.close()


async def test_a_refusal_is_said_to_who_has_pressed_esc_already(clock):
    """The order was cancelled in the moment of the scan: its screen stays, with the reason."""
    store = pickup_store(clock, 1)
    slow = SlowStore(store, "line_picked")
    async with terminal(store, clock) as term:
        await term.press("enter")
        await post_scans(term, slow, gtin_of(0))
        store.cancel(next(iter(store.orders)))
        await term.pilot.press("escape")
        slow.release.set()
        await term.rest()
        assert names(term) == ["PickupScreen"]
        assert "✗" in term.text()


@pytest.mark.parametrize("fails", [None, FULL], ids=["recorded", "disk full"])
async def test_esc_does_not_hide_what_became_of_a_hand_over(clock, fails):
    """While goods are handed over Esc only says so; the dialog ends, or says that it failed."""
    store = pickup_store(clock, 1)
    ready(store, 0, "A1")
    slow = SlowStore(store, "handed_over", fails)
    async with terminal(store, clock) as term:
        await term.press("enter", "f6")
        await term.type(CODE)
        await slow.while_waiting(term, "enter", "escape")
        assert "Still being recorded" in term.toasts()
        if fails is None:
            assert names(term) == ["PickupScreen"]
            assert "Handed over" in term.text()
        else:
            assert names(term) == ["PickupScreen", "HandOverScreen"]
            assert "Not recorded" in term.text()
            await term.press("escape")
            assert names(term) == ["PickupScreen"]


async def test_esc_does_not_hide_what_became_of_what_was_typed(clock):
    """The same for the dialog with one field."""
    store = pickup_store(clock, 1)
    on_the_shelf(store, 0, "A1")
    slow = SlowStore(store, "staged", FULL)
    async with terminal(store, clock) as term:
        await term.press("enter", "f8")
        await term.type("A2")
        await slow.while_waiting(term, "enter", "escape")
        assert names(term) == ["PickupScreen", "EntryDialog"]
        assert "Not recorded" in term.text()


# --- at the counter -----------------------------------------------------------------------------


async def test_who_takes_the_counter_over_is_asked_for_an_approval(clock):
    """A lead checked an ID, then an associate unlocked: the fields for an approver are there."""
    store = pickup_store(clock, 1)
    ready(store, 0, "A1")
    async with terminal(store, clock, role=Role.LEAD) as term:
        await term.press("enter", "f6", "f4", "1")
        assert "Approved by" not in term.text()
        term.app.action_lock()
        await term.rest()
        term.app.unlocked(actor_of(Role.ASSOCIATE))
        await term.rest()
        assert "Approved by" in term.text()


async def test_a_second_scan_at_the_counter_is_tried_after_the_first_is_refused(clock):
    """The customer turns the right code up while the wrong one is tried: nobody scans it again."""
    store = pickup_store(clock, 1)
    key = ready(store, 0, "A1")
    slow = SlowStore(store, "wrong_code")
    async with terminal(store, clock) as term:
        await term.press("enter", "f6")
        await post_scans(term, slow, "AAAABBBB")
        await scan_more(term, CODE)
        slow.release.set()
        await term.rest()
        assert status_of(store.orders[key]) is FulfillmentStatus.PICKED_UP
        assert term.toasts() == ""


async def test_a_second_scan_is_named_where_the_first_one_was_right(clock):
    """The goods have left by the first: what was scanned after it was used for nothing."""
    store = pickup_store(clock, 1)
    key = ready(store, 0, "A1")
    slow = SlowStore(store, "handed_over")
    async with terminal(store, clock) as term:
        await term.press("enter", "f6")
        await post_scans(term, slow, CODE)
        await scan_more(term, CODE, "AAAABBBB")
        slow.release.set()
        await term.rest()
        assert status_of(store.orders[key]) is FulfillmentStatus.PICKED_UP
        assert term.toasts().count("That scan was not used") == 1
        assert "AAAABBBB" in term.toasts()


async def test_a_second_code_that_is_typed_is_tried_after_the_first_is_refused(clock):
    """The same for who types: Enter is pressed once for each code."""
    store = pickup_store(clock, 1)
    key = ready(store, 0, "A1")
    slow = SlowStore(store, "wrong_code")
    async with terminal(store, clock) as term:
        await term.press("enter", "f6")
        await slow.entered(term, "AAAABBBB")
        term.screen.query_one("#code").value = ""
        for pressed in (*CODE, "enter"):
            await term.pilot.press(pressed)
        slow.release.set()
        await term.rest()
        assert status_of(store.orders[key]) is FulfillmentStatus.PICKED_UP
        assert term.toasts() == ""


async def test_enter_twice_is_one_try(clock):
    """An impatient second Enter with the same code counts no second wrong code."""
    store = pickup_store(clock, 1)
    ready(store, 0, "A1")
    slow = SlowStore(store, "wrong_code")
    async with terminal(store, clock) as term:
        await term.press("enter", "f6")
        await term.type("AAAABBBB")
        await slow.while_waiting(term, "enter", "enter", "enter")
        assert [one.failures for one in store.locks.values()] == [1]


async def test_what_was_typed_is_said_to_be_unused_where_its_dialog_is_done(clock):
    """Another spot, and Enter, while the first is recorded: the order lies at the first."""
    store = pickup_store(clock, 1)
    key = on_the_shelf(store, 0, "A1")
    slow = SlowStore(store, "staged")
    async with terminal(store, clock) as term:
        await term.press("enter", "f8")
        await term.type("A2")
        await slow.while_waiting(term, "enter", "backspace", "3", "enter")
        assert store.orders[key].staging_spot == "A2"
        assert "What was typed meanwhile was not used" in term.toasts()
