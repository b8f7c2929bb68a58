"""The terminal driven by keys and scans, as people at a counter do it."""

import threading
from dataclasses import replace

import pytest

from store_client.services.desk import TerminalSettings
from store_client.services.scanner import Code
from sync.domain import operations as op
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentStatus
from sync.domain.people import Role
from sync.transport import switch
from tests.support.clocks import FrozenClock
from tests.support.fake_store import CODE, State, gtin_of, make_order, make_store
from tests.support.terminals import PIN, QUIET_SECONDS, hash_pin, terminal

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


# --- the whole way ------------------------------------------------------------------------


async def test_an_order_travels_the_whole_way_by_keys_and_scans(store, clock, key):
    """Open, accept, scan, shelf, ready, code: done, and the screen says each step."""
    async with terminal(store, clock) as term:
        await term.press("enter")
        assert "NEW: PICK 3" in term.text()
        await term.press("enter")
        assert "Accepted" in term.text()
        await pick_all(term)
        assert "PUT ON THE HOLD SHELF" in term.text()
        await term.scan("B3")
        assert "Put at B3" in term.text()
        await term.press("enter")
        assert "WAITING FOR CUSTOMER UNTIL" in term.text()
        await term.press("enter")
        await term.type(CODE.lower())
        await term.press("enter")
        assert "Handed over: all done" in term.text()
    assert status_of(store.orders[key]) is S.PICKED_UP
    assert kinds(store) == [
        "fulfillment_accepted", *["line_picked"] * 3, "staged", "marked_ready", "handed_over",
    ]  # fmt: skip


async def test_signing_in_needs_number_and_pin(store, clock):
    """A number, a PIN, and Today is there with the person's name on it."""
    async with terminal(store, clock, role=None) as term:
        await term.type("A103")
        await term.press("enter")
        await term.type("0000")
        await term.press("enter")
        assert "Wrong PIN" in term.text()
        await term.type(PIN)
        await term.press("enter")
        assert "Rafael C. (associate)" in term.text()
        assert "To pick 3" in term.text()


async def test_a_badge_chooses_the_person_but_never_signs_in(store, clock):
    """The PIN is still asked for."""
    async with terminal(store, clock, role=None) as term:
        await term.scan("A104")
        assert "Sofia V. (associate)" in term.text()
        assert term.app.actor is None


# --- scanning -----------------------------------------------------------------------------


async def test_the_wrong_item_is_refused_in_words(store, clock, key):
    """It is named; nothing is recorded."""
    async with terminal(store, clock) as term:
        await term.press("enter")
        await term.scan(gtin_of(4))
        assert "Wrong item: Pellam Cast Iron Skillet" in term.text()
    assert store.performed == []


async def test_scans_in_a_row_are_all_recorded_in_order(store, clock, key):
    """Three scans faster than the disk: three picks."""
    async with terminal(store, clock) as term:
        await term.press("enter")
        for index in (0, 1, 0):
            term.screen.take_code(Code(gtin_of(index), gtin_of(index)))
        await term.rest()
    assert [operation.line for operation in store.performed] == [1, 2, 1]


async def test_a_typed_code_works_without_a_field(store, clock):
    """A slow scanner, or a person, is as good as a fast one."""
    async with terminal(store, clock) as term:
        await term.press("enter")
        await term.type("HS-10002")
        assert "Code: HS-10002" in term.text()
        await term.press("enter")
        assert "Picked 1 of 1" in term.text()


async def test_a_scan_in_a_field_counts_alone(store, clock, key):
    """Half a code was typed, then it was scanned: the scan is the code."""
    async with terminal(store, clock) as term:
        await open_ready(term)
        await term.press("enter")
        await term.type("3F")
        await term.scan(CODE)
    assert status_of(store.orders[key]) is S.PICKED_UP


async def test_a_scan_keeps_what_was_typed_on_a_screen(store, clock):
    """The item is picked and the half-typed code is still there."""
    async with terminal(store, clock) as term:
        await term.press("enter")
        await term.type("HS-1")
        await term.scan(gtin_of(0))
        assert term.screen.typed == "HS-1"
    assert kinds(store) == ["line_picked"]


async def test_a_scan_on_today_opens_its_order_or_looks_the_item_up(store, clock, key):
    """No focus, no field: the code decides."""
    async with terminal(store, clock) as term:
        await term.scan("K7Q2-0002")
        assert "K7Q2-0002 Kira Drake" in term.text()
        await term.press("f2")
        await term.scan(gtin_of(4))
        assert "Pellam Cast Iron Skillet 26 cm" in term.text()
        assert "1 free" in term.text()


async def test_a_pickup_code_scanned_at_a_ready_order_opens_the_counter(store, clock, key):
    """The customer shows the code; scanning it is enough to begin."""
    async with terminal(store, clock) as term:
        await open_ready(term)
        await term.scan(CODE)
        assert "Hand over K7Q2-0000" in term.text()
        await term.press("enter")
    assert status_of(store.orders[key]) is S.PICKED_UP


# --- one thing at a time --------------------------------------------------------------------


async def test_a_second_key_press_does_nothing_twice(store, clock, key):
    """While one pick is being made durable, pressing the key again changes nothing."""
    release, started, real = threading.Event(), threading.Event(), store.perform

    def slow(operation, **told):
        started.set()
        assert release.wait(10)
        return real(operation, **told)

    store.perform = slow
    async with terminal(store, clock) as term:
        await term.press("enter")
        await term.pilot.press("f4", "f4", "f4")
        assert started.wait(10)
        assert "Picked" not in term.widget_text("#says")
        release.set()
        await term.rest()
        assert "Picked 1 by hand" in term.text()
    assert kinds(store) == ["line_picked"]


async def test_a_disk_that_fails_is_said_and_nothing_is_shown_as_done(store, clock, key, tmp_path):
    """What is not recorded is never shown as recorded, and the log has the cause."""

    def full(_operation, **_told):
        raise OSError("database or disk is full")

    store.perform = full
    log = tmp_path / "terminal.log"
    settings = TerminalSettings(poll_seconds=QUIET_SECONDS, log_path=log)
    async with terminal(store, clock, settings=settings) as term:
        await term.press("enter", "f4")
        assert "NOT recorded: database or disk is full" in term.text()
        assert "0 of 2" in term.text()
    assert "disk is full" in log.read_text(encoding="utf-8")


async def test_undo_takes_the_last_pick_back(store, clock, key):
    """One key, and the unit is to be picked again."""
    async with terminal(store, clock) as term:
        await term.press("enter")
        await term.scan(gtin_of(1))
        await term.press("ctrl+z")
        assert "Undone" in term.text()
        await term.press("ctrl+z")
        assert "No pick of yours to undo" in term.text()
    assert kinds(store) == ["line_picked", "line_unpicked"]


async def test_undo_takes_back_own_picks_of_earlier_screens(store, clock, key):
    """Left, opened again, at another terminal: one's own last pick; never somebody else's."""
    store.perform(op.LinePicked(key, 1, 1), by="A104", dev="T2")
    store.perform(op.LinePicked(key, 2, 1), by="A103", dev="T2")
    async with terminal(store, clock) as term:
        await term.press("enter")
        await term.scan(gtin_of(0))
        await term.press("escape", "enter")
        assert "^Z Undo" in term.text()
        await term.press("ctrl+z", "ctrl+z")
        assert [line.picked for line in store.orders[key].lines] == [1, 0]
        await term.press("ctrl+z")
        assert "No pick of yours to undo" in term.text()
        await term.press("f1")
        assert "cannot be undone" in " ".join(term.text().replace("│", "").split())
    assert [line.picked for line in store.orders[key].lines] == [1, 0]


async def test_what_was_called_ready_by_mistake_comes_off_the_shelf(store, clock, key):
    """The same key, asked first where the customer was told; then it can be staged again."""
    async with terminal(store, clock) as term:
        await open_ready(term)
        await term.press("ctrl+z")
        assert "is told not to come yet" in term.text()
        await term.press("escape", "ctrl+z", "enter")
        assert "Not ready any more" in term.text()
        await term.scan("a1")
        await term.press("ctrl+z")
        assert "Off the hold shelf" in term.text()
    assert kinds(store)[-4:] == ["marked_ready", "unstaged", "staged", "unstaged"]


# --- what changes meanwhile -------------------------------------------------------------------


async def test_a_cancellation_mid_pick_changes_the_screen_at_once(store, clock, key):
    """A banner with the time, other actions, and what was typed is still there."""
    async with terminal(store, clock) as term:
        await term.press("enter")
        await term.scan(gtin_of(0))
        await term.scan(gtin_of(1))
        await term.type("HS")
        store.cancel(key)
        await term.look()
        assert "Cancelled by the customer 10:32: put back 2" in term.text()
        assert "PUT BACK 2" in term.text()
        assert term.screen.typed == "HS"
        await term.press("escape")
        await term.scan(gtin_of(0))
        await term.press("enter", "enter")
        assert "NOTHING" not in term.text()
        assert "nothing to put back" in term.text()
    assert kinds(store)[-2:] == ["put_back", "put_back"]


async def test_a_cancellation_at_the_counter_stops_the_hand_over(store, clock, key):
    """What is typed stays; nothing can be handed over any more."""
    async with terminal(store, clock) as term:
        await open_ready(term)
        await term.press("enter")
        await term.type(CODE)
        store.cancel(key)
        await term.look()
        assert "do not hand anything over" in term.text()
        assert CODE in term.text()
        await term.press("enter")
        assert "Nothing chosen to hand over" in term.text()
    assert "handed_over" not in kinds(store)


async def test_a_new_order_appears_by_itself_and_is_announced(store, clock):
    """Nobody presses refresh, and the cursor stays on its order."""
    async with terminal(store, clock) as term:
        await term.press("down")
        store.add(make_order(7, clock.now_ms(), due_minutes=-90))
        await term.look()
        assert "All 4" in term.text()
        assert "★ 1 new" in term.text()
        assert term.toasts() == ""
        await term.press("enter")
        assert "K7Q2-0001" in term.text()


async def test_a_refusal_by_central_is_said_on_the_open_order(store, clock, key):
    """The associate reads it where they work."""
    async with terminal(store, clock) as term:
        await open_ready(term)
        await term.press("f7", "5")
        await term.type("3")
        await term.press("enter")
        store.settle("refused", "The goods cannot wait longer.")
        await term.look()
        assert "The goods cannot wait longer." in term.text()


# --- around it --------------------------------------------------------------------------------


async def test_an_auditor_sees_everything_and_changes_nothing(store, clock, key):
    """The refusal says why."""
    async with terminal(store, clock, role=Role.AUDITOR) as term:
        await term.press("enter", "f4")
        assert "may only read" in term.text()
    assert store.performed == []


async def test_the_sync_screen_says_what_became_of_each_operation(store, clock, key):
    """Waiting, accepted, refused: in words."""
    async with terminal(store, clock) as term:
        await term.press("enter", "f4", "f2", "ctrl+s")
        assert "Waiting to be sent" in term.text()
        assert "safe on this disk" in term.text()
        store.settle("amended", "The order ended while you worked on it: put the goods back.")
        await term.look()
        assert "Taken, with a consequence" in term.text()
        assert "put the goods back" in term.text()


async def test_the_timeline_names_people_and_verdicts(store, clock, key):
    """Who did what, when, and what central said."""
    async with terminal(store, clock) as term:
        await term.press("enter", "f4", "ctrl+t")
        assert "Picked (1)" in term.text()
        assert "Rafael C." in term.text()


async def test_help_lists_the_keys_of_the_screen_it_was_asked_on(store, clock, key):
    """It is made of the bindings, so it cannot be out of date."""
    async with terminal(store, clock, size=(120, 50)) as term:
        await term.press("enter", "f1")
        assert "Pick one of this line by hand" in term.text()
        await term.press("f1", "f2", "f1")
        assert "Pick one of this line by hand" not in term.text()


async def test_help_within_a_dialog_lists_only_keys_that_work_there(store, clock, key):
    """A dialog takes the keys of the terminal away, but for those that always work."""
    async with terminal(store, clock, size=(120, 50)) as term:
        await term.press("f9", "f4", "f1")
        assert "Lock: your work stays on the screen" in term.text()
        assert "Menu: every action" not in term.text()


async def test_the_menu_holds_every_action_of_the_screen(store, clock, key):
    """What has a key is in the menu as well, and works from there."""
    async with terminal(store, clock) as term:
        await term.press("enter")
        commands = {
            command.title: command for command in term.app.get_system_commands(term.app.screen)
        }
        commands["Pick one of this line by hand"].callback()
        await term.rest()
    assert kinds(store) == ["line_picked"]


async def test_the_network_switch_is_a_demo_and_says_so(store, clock, tmp_path):
    """F12 cuts and restores; without the setting the key does nothing."""
    path = tmp_path / "switch"
    settings = TerminalSettings(poll_seconds=QUIET_SECONDS, network_switch=path)
    async with terminal(store, clock, settings=settings) as term:
        await term.press("f12")
        assert "NETWORK CUT (demo)" in term.text()
        assert switch.read_mode(path) is switch.LinkMode.CUT
        await term.press("f12")
        assert switch.read_mode(path) is switch.LinkMode.PASS
        assert "ONLINE" in term.text()


async def test_after_a_crash_the_last_recorded_action_is_told(store, clock, key, tmp_path):
    """A marker left behind means that the end was not meant; a clean end removes it."""
    marker = tmp_path / "running"
    settings = TerminalSettings(poll_seconds=QUIET_SECONDS, running_marker=marker)
    store.perform(op.LinePicked(key, 1, 1), by="A103", dev="T1")
    async with terminal(store, clock, role=None, settings=settings) as term:
        assert term.toasts() == ""
        assert marker.exists()
    assert not marker.exists()
    marker.touch()
    async with terminal(store, clock, role=None, settings=settings) as term:
        assert "stopped without warning" in term.toasts()
        assert "Picked (1) for K7Q2-0000, 10:32" in term.toasts()


async def test_the_bar_says_how_long_the_store_is_offline(store, clock):
    """In words, with what waits."""
    async with terminal(store, clock) as term:
        store.state = replace(State(last_contact_ms=clock.now_ms()), backlog=5)
        clock.advance(12 * 60_000)
        await term.look()
        assert "OFFLINE 12 min, 5 waiting" in term.text()


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 36)])
async def test_no_screen_is_wider_than_the_terminal(store, clock, size):
    """No sideways scrolling, and both bars stay in sight, also after a resize."""
    async with terminal(store, clock, size=size) as term:
        for keys in (["enter"], ["f2", "f3"], ["escape", "ctrl+s"]):
            await term.press(*keys)
            lines = term.text().splitlines()
            assert len(lines) <= size[1]
            assert "F1" in lines[-1]
            assert "10:32" in lines[0]
            assert not term.app.screen.show_horizontal_scrollbar
        await term.pilot.resize_terminal(80, 24)
        await term.rest()
        assert "F1" in term.text().splitlines()[-1]
