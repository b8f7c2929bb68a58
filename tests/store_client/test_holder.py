"""Two people and one order: the second is told who has it, and can take over."""

from typing import Any

import pytest

from store_client.flows.pickup import commands
from store_client.services import shelf, waves
from store_client.services.desk import Actor, Desk, Refusal, TerminalSettings
from store_client.services.holder import (
    HeldByOther,
    held_by_others,
    rows_of_others,
    take_over,
)
from store_client.services.open_orders import for_a_desk
from sync.domain import operations as op
from sync.domain.fulfillment import ShortReason
from sync.domain.people import Role
from sync.domain.waves import PickMode
from tests.support.clocks import FrozenClock
from tests.support.fake_store import STORE, gtin_of, make_catalogue, make_order, make_people
from tests.support.filled_store import fill, open_filled
from tests.support.pickup_store import away, pickup_store, with_wave
from tests.support.terminals import QUIET_SECONDS, actor_of, terminal

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
SOFIA = Actor("A104", "Sofia V.", Role.ASSOCIATE)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


def at(device: str) -> TerminalSettings:
    return TerminalSettings(device=device, poll_seconds=QUIET_SECONDS)


@pytest.mark.parametrize("connected", [True, False], ids=["connected", "cut off"])
async def test_the_second_is_told_who_has_an_order_and_takes_it_over(clock, connected):
    """On Today, on the order, at the scan; after Ctrl+G and a pick it is the second's, everywhere.

    The first is told the same then. Nobody needs the network for it.
    """
    store = pickup_store(clock, 2) if connected else away(pickup_store(clock, 2))
    key = next(iter(store.orders))
    async with (
        terminal(store, clock, settings=at("T1")) as first,
        terminal(store, clock, role=None, settings=at("T2")) as second,
    ):
        await first.press("enter", "f4")
        second.app.signed_in(SOFIA)
        await second.rest()
        assert "Rafael C., T1" in second.text()
        assert "Rafael C., T1" not in first.text()
        await second.press("enter")
        assert "▲ Rafael C. picks it at T1" in second.text()
        assert "^G Take over" in second.text()
        await second.scan(gtin_of(0))
        assert "✗ Rafael C. picks it at T1. Ctrl+G takes it over." in second.text()
        await second.press("f4")
        assert "✗ Rafael C. picks it at T1. Ctrl+G takes it over." in second.text()
        assert len(store.performed) == 1
        await second.press("ctrl+g", "enter")
        await second.scan(gtin_of(0))
        await second.look()
        assert "Picked 2 of 2" in second.text()
        assert "Rafael C. picks it" not in second.text()
        await first.look()
        assert "▲ Sofia V. picks it at T2" in first.text()
        await first.scan(gtin_of(1))
        assert "✗ Sofia V. picks it at T2." in first.text()
    assert store.orders[key].total("picked") == 2


async def test_nobody_has_to_take_over_what_nobody_has(clock):
    """The key says so; one's own order at another terminal is one's own."""
    store = pickup_store(clock, 1)
    store.perform(op.FulfillmentAccepted(next(iter(store.orders))), by="A103", dev="T2")
    async with terminal(store, clock) as term:
        await term.press("enter", "ctrl+g")
        assert "Nobody else picks this order" in term.text()
        await term.scan(gtin_of(0))
        assert "Picked 1 of 2" in term.text()


async def test_taking_over_is_asked_again_when_the_other_goes_on(clock):
    """To and fro between two terminals: whoever lost it to the other's pick is told so."""
    store = pickup_store(clock, 1)
    store.perform(op.FulfillmentAccepted(next(iter(store.orders))), by="A103", dev="T1")
    async with (
        terminal(store, clock, settings=at("T1")) as first,
        terminal(store, clock, role=None, settings=at("T2")) as second,
    ):
        await first.press("enter")
        second.app.signed_in(SOFIA)
        await second.rest()
        await second.press("enter", "ctrl+g", "enter")
        await second.scan(gtin_of(0))
        await first.look()
        await first.press("ctrl+g", "enter")
        await first.scan(gtin_of(0))
        await second.look()
        assert "▲ Rafael C. picks it at T1" in second.text()
        done = len(store.performed)
        await second.scan(gtin_of(1))
        assert "✗ Rafael C. picks it at T1." in second.text()
    assert len(store.performed) == done


async def test_who_takes_a_terminal_over_goes_on_with_what_was_done_at_it(clock):
    """The colleague's own picks at it; what a third person picks elsewhere is still theirs."""
    store = pickup_store(clock, 1)
    key = next(iter(store.orders))
    store.perform(op.FulfillmentAccepted(key), by="A103", dev="T1")
    lead = actor_of(Role.LEAD)
    async with terminal(store, clock, settings=at("T1")) as term:
        await term.press("enter")
        term.app.action_lock()
        await term.rest()
        term.app.unlocked(lead)
        await term.rest()
        await term.look()
        assert "picks it at" not in term.text()
        await term.scan(gtin_of(0))
        assert "Picked 1 of 2" in term.text()
        store.perform(op.LinePicked(key, 1, 1), by=SOFIA.id, dev="T2")
        await term.look()
        assert "▲ Sofia V. picks it at T2" in term.text()
        term.app.action_lock()
        await term.rest()
        term.app.unlocked(actor_of(Role.ASSOCIATE))
        await term.rest()
        await term.look()
        assert "▲ Sofia V. picks it at T2" in term.text()
        done = len(store.performed)
        await term.scan(gtin_of(1))
        assert "✗ Sofia V. picks it at T2." in term.text()
    assert len(store.performed) == done


async def test_an_auditor_takes_nothing_over(clock):
    """Who may only read is told so at once, not at the first scan."""
    store = pickup_store(clock, 1)
    store.perform(op.LinePicked(next(iter(store.orders)), 1, 1), by=SOFIA.id, dev="T2")
    async with terminal(store, clock, role=Role.AUDITOR) as term:
        await term.press("enter", "ctrl+g")
        assert "Amir L. may only read." in term.text()


def test_what_somebody_picks_is_neither_unpicked_nor_given_up_by_another(clock):
    """Not without taking it over."""
    store = pickup_store(clock, 1)
    key = next(iter(store.orders))
    commands.pick_by_hand(Desk(store, clock, actor_of(Role.ASSOCIATE), "T1"), key, 1)
    sofia = Desk(store, clock, SOFIA, "T2")
    for act in (
        lambda desk: shelf.unpick(desk, key, 1),
        lambda desk: shelf.short(desk, key, 1, 1, ShortReason.DAMAGED),
        lambda desk: shelf.reject(desk, key, ShortReason.STORE_BUSY),
    ):
        with pytest.raises(HeldByOther, match="Rafael"):
            act(sofia)
    assert shelf.unpick(take_over(sofia, key), key, 1).total("held") == 0


GIVING_UP = {
    "unpick": lambda desk, key: shelf.unpick(desk, key, 1),
    "short": lambda desk, key: shelf.short(desk, key, 1, 1, ShortReason.DAMAGED),
    "reject": lambda desk, key: shelf.reject(desk, key, ShortReason.STORE_BUSY),
}


@pytest.mark.parametrize("act", GIVING_UP.values(), ids=GIVING_UP)
def test_what_somebody_picks_in_a_wave_is_neither_unpicked_nor_given_up_by_another(clock, act):
    """Who has it and what to do is said; out of the wave, or for its picker, it is done."""
    store = pickup_store(clock, 3)
    with_wave(store, SOFIA.id, PickMode.SORT_WHILE_PICK, 3)
    first, second, third = store.orders
    for key in store.orders:
        store.perform(op.LinePicked(key, 1, 1), by=SOFIA.id, dev="T2")
    rafael = Desk(store, clock, actor_of(Role.ASSOCIATE), "T1")
    words = r"Sofia V\. picks it in wave T2-0302-1, tote 1\..*take it over there, or .*: F7"
    with pytest.raises(Refusal, match=words):
        act(rafael, first)
    act(Desk(store, clock, SOFIA, "T2"), first)
    waves.leave_one(rafael, store.orders[second])
    act(rafael, second)
    act(take_over(rafael, third), third)  # as asked for by --take-over


def test_a_wave_that_begins_meanwhile_is_seen_by_the_judge(clock, monkeypatch):
    """Between looking and recording: the order is in another's wave by then."""
    store = pickup_store(clock, 1)
    key = next(iter(store.orders))
    rafael = Desk(store, clock, actor_of(Role.ASSOCIATE), "T1")
    perform = store.perform

    def later(operation, **others):
        monkeypatch.undo()
        perform(op.WaveAssigned(key, "W", SOFIA.id, 1), by=SOFIA.id, dev="T2")
        return perform(operation, **others)

    monkeypatch.setattr(store, "perform", later)
    with pytest.raises(Refusal, match=r"Sofia V\. picks it in wave W"):
        commands.pick_by_hand(rafael, key, 1)


@pytest.mark.parametrize("on_disk", [False, True], ids=["in memory", "on disk"])
def test_an_order_of_which_nothing_is_picked_any_more_is_nobodys(clock, tmp_path, on_disk):
    """Whoever undoes their last pick has left it; after one of two they still have it."""
    store: Any = pickup_store(clock, 1)
    if on_disk:
        filled = store
        store = open_filled(tmp_path, clock)
        fill(store, filled.row, filled.people, filled.catalogue, filled.orders.values())
    key = store.board("pickup")[0].id
    rafael = Desk(store, clock, actor_of(Role.ASSOCIATE), "T1")
    sofia = Desk(store, clock, SOFIA, "T2")
    shelf.accept(rafael, key)
    shelf.pick_by_hand(rafael, key, 1, 2)
    shelf.unpick(rafael, key, 1)
    with pytest.raises(HeldByOther):
        shelf.pick_by_hand(sofia, key, 1)
    assert rows_of_others(store, SOFIA, store.board("pickup"))[key].device == "T1"
    shelf.unpick(rafael, key, 1)
    assert rows_of_others(store, SOFIA, store.board("pickup")) == {}
    shelf.pick_by_hand(sofia, key, 1)
    if on_disk:
        store.close()


def test_a_wave_does_not_take_what_was_begun_while_it_was_put_together(clock, monkeypatch):
    """Read as free, picked at the other terminal, then put into the wave: it is not."""
    store = pickup_store(clock, 2)
    first, second = store.orders
    read = for_a_desk

    def read_then_picked(desk, flow, wanted):
        found = read(desk, flow, wanted)
        if not store.performed:
            store.perform(op.LinePicked(first, 1, 1), by="A103", dev="T1")
        return found

    monkeypatch.setattr(waves, "for_a_desk", read_then_picked)
    monkeypatch.setattr(waves, "held_by_others", held_after_a_while())
    wave = waves.start(Desk(store, clock, SOFIA, "T2"), "pickup")
    assert [tote.order.id for tote in wave.totes] == [second]


def held_after_a_while():
    """Return what says that nobody has anything, once, as just before the pick; then the truth."""
    asked = []

    def held(*args):
        asked.append(args)
        return {} if len(asked) == 1 else held_by_others(*args)

    return held


def test_a_wave_leaves_out_what_somebody_picks_alone(clock):
    """And says who, where nothing else is to be picked; giving a wave back frees its orders."""
    store = pickup_store(clock, 2)
    first, second = store.orders
    store.perform(op.FulfillmentAccepted(first), by="A103", dev="T1")
    desk = Desk(store, clock, SOFIA, "T2")
    with pytest.raises(Refusal, match=r"Rafael C\. picks it at T1"):
        waves.start(desk, "pickup", (first,))
    wave = waves.start(desk, "pickup")
    assert [tote.order.id for tote in wave.totes] == [second]
    commands.pick_by_hand(Desk(store, clock, actor_of(Role.ASSOCIATE), "T1"), first, 1)
    waves.leave(desk, wave.key)
    store.perform(op.WaveAssigned(first, "W", "A104", 1), by="A104", dev="T2")
    store.perform(op.WaveAssigned(first, ""), by="A104", dev="T2")
    assert held_by_others(store, SOFIA, store.orders.values()) == {}


def test_the_journal_says_who_has_an_order(tmp_path, clock):
    """Two processes on one machine, and after one of them was killed: the same answer."""
    shop = open_filled(tmp_path, clock)
    orders = [make_order(number, clock.now_ms()) for number in range(3)]
    fill(shop, STORE, make_people(), make_catalogue(), orders)
    other = open_filled(tmp_path, clock)
    rafael = Desk(shop, clock, actor_of(Role.ASSOCIATE), "T1")
    sofia = Desk(other, clock, SOFIA, "T2")
    commands.accept(rafael, orders[0].id)
    commands.pick_by_hand(rafael, orders[1].id, 1)
    for order in orders[:2]:
        with pytest.raises(HeldByOther, match="Rafael"):
            commands.pick_by_hand(sofia, order.id, 1)
    commands.pick_by_hand(sofia, orders[2].id, 1)
    shop.close()
    seen = [found for order in orders if (found := other.fulfillment(order.id)) is not None]
    held = held_by_others(other, actor_of(Role.LEAD), seen)
    assert [held[order.id].device for order in orders] == ["T1", "T1", "T2"]
    other.close()
