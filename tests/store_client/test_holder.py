"""Two people and one order: the second is told who has it, and can take over."""

import pytest

from store_client.flows.pickup import commands
from store_client.services import waves
from store_client.services.desk import Actor, Desk, Refusal, TerminalSettings
from store_client.services.holder import HeldByOther, held_by_others
from sync.domain import operations as op
from sync.domain.people import Role
from tests.support.clocks import FrozenClock
from tests.support.fake_store import STORE, gtin_of, make_catalogue, make_order, make_people
from tests.support.filled_store import fill, open_filled
from tests.support.pickup_store import away, pickup_store
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
