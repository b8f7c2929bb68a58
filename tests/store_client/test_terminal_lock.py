"""The idle lock and approvals, by keys: what is on the screen stays, and both names are kept."""

from dataclasses import replace

import pytest
from textual.widgets import Input

from store_client.screens.lock import LockScreen
from store_client.screens.sign_in import SignInScreen
from store_client.services import drawer
from store_client.services.desk import TerminalSettings
from sync.domain.people import Role
from tests.support.clocks import FrozenClock
from tests.support.fake_store import CODE, gtin_of, make_store
from tests.support.slow_store import SlowStore
from tests.support.terminals import (
    PIN,
    QUIET_SECONDS,
    actor_of,
    hash_pin,
    terminal,
    till_settings,
)

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
SETTINGS = TerminalSettings(poll_seconds=QUIET_SECONDS, idle_lock_seconds=300)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock):
    return make_store(clock, 2, hash_pin())


async def idle(term, clock, seconds: int = 301) -> None:
    clock.advance(seconds * 1000)
    await term.look()


async def test_the_terminal_locks_and_the_work_is_still_there(store, clock):
    """Nothing of the order shows while it is locked; after the PIN the typed code is there."""
    async with terminal(store, clock, settings=SETTINGS) as term:
        await term.press("enter")
        await term.type("HS-10")
        await idle(term, clock, 299)
        assert not term.app.is_locked
        await idle(term, clock)
        assert term.app.is_locked
        assert "Locked: Rafael C." in term.text()
        assert "Kettle" not in term.text()
        await term.type("0000")
        await term.press("enter")
        assert "Wrong PIN" in term.text()
        await term.type(PIN)
        await term.press("enter")
        assert not term.app.is_locked
        assert "Kettle" in term.text()
        await term.type("002")
        await term.press("enter")
        assert "Picked 1 of 1" in term.text()
    assert store.journal[-1].by == "A103"


async def test_keys_do_nothing_behind_the_lock(store, clock):
    """No scan, no function key and no menu reaches what is underneath."""
    async with terminal(store, clock, settings=SETTINGS) as term:
        await term.press("enter")
        await idle(term, clock)
        await term.scan(gtin_of(0))
        await term.press("f2", "f3", "f9", "ctrl+s", "ctrl+l", "ctrl+o")
        assert isinstance(term.app.screen, LockScreen)
        assert term.app.actor is not None
    assert store.performed == []


async def test_somebody_else_takes_over_with_their_own_pin(store, clock):
    """The order stays on the screen; what is done from then on is theirs."""
    async with terminal(store, clock, settings=SETTINGS) as term:
        await term.press("enter")
        await term.scan(gtin_of(0))
        await idle(term, clock)
        await term.press("escape")
        await term.type("A104")
        await term.press("enter")
        await term.type(PIN)
        await term.press("enter")
        assert "Sofia V. (associate)" in term.text()
        assert "Kettle" in term.text()
        await term.scan(gtin_of(0))
    assert [fate.by for fate in store.journal] == ["A103", "A104"]


async def test_a_dialog_survives_the_lock_and_is_in_the_new_name(store, clock):
    """The pickup code that was typed is still in its field."""
    async with terminal(store, clock, settings=SETTINGS) as term:
        await term.press("enter")
        for index in (0, 0, 1):
            await term.scan(gtin_of(index))
        await term.scan("a2")
        await term.press("enter", "enter")
        await term.type(CODE)
        await idle(term, clock)
        assert term.app.is_locked
        await term.press("escape")
        await term.type("A104")
        await term.press("enter")
        await term.type(PIN)
        await term.press("enter", "enter")
        assert "Handed over: all done" in term.text()
    assert (store.journal[-1].kind, store.journal[-1].by) == ("handed_over", "A104")


async def test_locking_by_key(store, clock):
    """Who walks away locks; nobody has to wait for the clock."""
    async with terminal(store, clock) as term:
        await term.press("ctrl+o")
        assert term.app.is_locked
        await term.type(PIN)
        await term.press("enter")
        assert not term.app.is_locked


async def test_nobody_signed_in_locks_nothing(store, clock):
    """The sign-in screen is a lock already."""
    async with terminal(store, clock, role=None, settings=SETTINGS) as term:
        await idle(term, clock)
        assert not term.app.is_locked


async def test_a_lead_approves_at_the_associates_terminal(store, clock, tmp_path):
    """Cash out is refused, approved with number, reason and PIN, and then done, once."""
    async with terminal(store, clock, settings=till_settings(tmp_path)) as term:
        await term.press("f8", "enter", "enter", "f6", "2")
        await term.type("50")
        await term.press("enter")
        assert "needs a lead or manager" in term.text()
        await term.type("a102")
        await term.press("enter")
        await term.type("bank run")
        await term.press("enter")
        await term.type("0000")
        await term.press("enter")
        assert "Wrong PIN" in term.text()
        await term.type(PIN)
        await term.press("enter")
        assert term.app.actor is not None
        assert term.app.actor.id == "A103"
    assert store.approvals == [("cash_moved", "A103", "A102", "bank run")]


async def test_without_an_approval_nothing_is_done(store, clock, tmp_path):
    """Esc: what was typed is still there, nothing is recorded."""
    async with terminal(store, clock, settings=till_settings(tmp_path)) as term:
        await term.press("f8", "enter", "enter", "f6", "2")
        await term.type("50")
        await term.press("enter", "escape")
        assert "50" in term.text()
    assert store.approvals == []
    assert len(store.moves) == 1


async def change_amount_while_it_is_tried(term, monkeypatch, *then: str) -> None:
    """Take 50 out; while that is tried make it 60, and press keys then."""
    waits = SlowStore(term.app.store, "")
    asked: list[object] = []
    move = drawer.move_cash

    def slow_once(*told):
        if not asked:
            asked.append(told)
            waits._wait()
        return move(*told)

    monkeypatch.setattr(drawer, "move_cash", slow_once)
    await term.press("f8", "enter", "enter", "f6", "2")
    await term.type("50")
    await waits.while_waiting(term, "enter", "backspace", "backspace", "6", "0", *then)


async def approve_it(term) -> None:
    """Answer as a lead."""
    assert "needs a lead or manager" in term.text()
    for text in ("a102", "bank run", PIN):
        await term.type(text)
        await term.press("enter")


async def test_an_approval_is_for_the_amount_that_was_corrected(
    store, clock, tmp_path, monkeypatch
):
    """Enter with another amount while the first is tried: that one is approved and recorded."""
    async with terminal(store, clock, settings=till_settings(tmp_path)) as term:
        await change_amount_while_it_is_tried(term, monkeypatch, "enter")
        await approve_it(term)
    assert [move.operation.amount_minor for move in store.moves[1:]] == [-6000]


async def test_who_approves_sees_the_amount_that_is_recorded(store, clock, tmp_path, monkeypatch):
    """Without Enter the other amount was not asked for: the field says again what is approved."""
    async with terminal(store, clock, settings=till_settings(tmp_path)) as term:
        await change_amount_while_it_is_tried(term, monkeypatch)
        assert "60 was not tried: 50 was." in term.toasts()
        assert term.app.screen_stack[-2].query_one("#entry", Input).value == "50"
        await approve_it(term)
    assert [move.operation.amount_minor for move in store.moves[1:]] == [-5000]


async def test_an_auditor_looks_at_everything(store, clock):
    """Every screen opens; no key records anything."""
    async with terminal(store, clock, role=Role.AUDITOR) as term:
        for key in ("f3", "f9", "ctrl+s", "f8"):
            await term.press(key)
            await term.press("escape")
        await term.press("f2", "enter", "enter", "f4")
        await term.scan(gtin_of(0))
        assert "may only read" in term.text()
    assert store.performed == []


async def test_the_timeline_names_who_approved(store, clock):
    """Both names stand in the order's timeline."""
    async with terminal(store, clock, size=(120, 36)) as term:
        await term.press("enter")
        await term.scan(gtin_of(0))
        store.journal[-1] = replace(store.journal[-1], approved_by="A102")
        store.version += 1
        await term.look()
        assert "approved by" in term.text()


async def test_a_manager_lets_a_locked_person_try_again(store, clock):
    """At the same terminal: F7, number, reason, PIN; a lead cannot."""
    async with terminal(store, clock, role=None) as term:
        await term.type("A103")
        await term.press("enter")
        await term.press("f7")
        assert "Nobody is locked out here" in term.text()
        for _ in range(5):
            await term.type("0000")
            await term.press("enter")
        assert "is locked out" in term.text()
        await term.press("f7")
        assert "Unlocking a person needs a manager" in term.text()
        await term.type("A101")
        await term.press("enter")
        await term.type("forgot it")
        await term.press("enter")
        await term.type(PIN)
        await term.press("enter")
        assert "may type the PIN again" in term.text()
        await term.type(PIN)
        await term.press("enter")
        assert "Rafael C. (associate)" in term.text()
        assert "To pick" in term.text()
    assert store.alerts == ["A101 let Rafael C. try PINs again: forgot it"]


async def test_a_pin_that_was_typed_does_not_wait_behind_the_lock(store, clock, tmp_path):
    """Who unlocks the terminal cannot send the PIN of somebody who was called away."""
    async with terminal(store, clock, settings=till_settings(tmp_path)) as term:
        await term.press("f8", "enter", "enter", "f6", "2")
        await term.type("50")
        await term.press("enter")
        for text in ("a102", "bank run"):
            await term.type(text)
            await term.press("enter")
        await term.type(PIN)
        await term.press("ctrl+o")
        assert term.app.is_locked
        await term.type(PIN)
        await term.press("enter", "enter")
        assert "Wrong PIN" in term.text()
    assert store.approvals == []


async def test_who_took_the_terminal_over_does_not_approve_for_themselves(store, clock, tmp_path):
    """A lead who unlocks the terminal of an associate is the one who acts from then on."""
    async with terminal(store, clock, settings=till_settings(tmp_path)) as term:
        await term.press("f8", "enter", "enter", "f6", "2")
        await term.type("50")
        await term.press("enter")
        term.app.unlocked(actor_of(Role.LEAD))
        for text in (actor_of(Role.LEAD).id, "bank run", PIN):
            await term.type(text)
            await term.press("enter")
    assert store.approvals == []
    assert [move.by for move in store.moves] == ["A103", actor_of(Role.LEAD).id]


async def test_a_scan_that_is_not_used_is_shown_as_it_is(store, clock):
    """Whatever stands in a code is text: no bracket ends the terminal."""
    async with terminal(store, clock) as term:
        await term.press("enter", "f7")
        await term.scan("A[/B]1")
        assert "A[/B]1" in term.text()


async def test_a_pin_on_a_full_disk_ends_no_terminal(store, clock, tmp_path, monkeypatch):
    """What cannot be counted is said, at the sign-in and in an approval; a right PIN signs in."""

    def full(*_told):
        raise OSError(28, "No space left on device")

    store.record_failure("A103", clock.now_ms())
    for name in ("record_failure", "clear_failures"):
        monkeypatch.setattr(store, name, full)
    async with terminal(store, clock, role=None, settings=till_settings(tmp_path)) as term:
        await term.type("A103")
        await term.press("enter")
        await term.type("0000")
        await term.press("enter")
        assert isinstance(term.screen, SignInScreen)
        assert "Not recorded: [Errno 28]" in term.text()
        await term.type(PIN)
        await term.press("enter")
        assert term.app.actor is not None
        assert store.locks["A103"].failures == 1
        await term.press("f8", "enter", "enter", "f6", "2")
        await term.type("50")
        await term.press("enter")
        for text in ("a102", "bank run", "0000"):
            await term.type(text)
            await term.press("enter")
        assert "Not recorded: [Errno 28]" in term.text()
    assert store.approvals == []


async def test_a_lock_out_that_cannot_be_ended_is_said(store, clock, monkeypatch):
    """F7 of a manager on a full disk: the person stays locked out, and the terminal is there."""

    def full(*_told):
        raise OSError(28, "No space left on device")

    for _ in range(5):
        store.record_failure("A103", clock.now_ms())
    monkeypatch.setattr(store, "clear_failures", full)
    async with terminal(store, clock, role=None) as term:
        await term.type("A103")
        await term.press("enter", "f7")
        for text in ("A101", "forgot it", PIN):
            await term.type(text)
            await term.press("enter")
        assert "Not recorded: [Errno 28]" in term.text()
        assert "may type the PIN again" not in term.text()
