"""Two people at one counter, in two processes: each saw the order before the other was quicker."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from store_client.adapters.payment_terminals import SimulatedTerminal
from store_client.devices import CardAnswer
from store_client.services import (
    card_settling,
    drawer,
    drawer_book,
    giving_back,
    stored_value,
    tender_report,
    tendering,
)
from store_client.services.desk import Desk, Refusal
from sync.domain.errors import OperationRefused
from sync.domain.money_operations import CashReason
from sync.domain.reservations import ReservePolicy
from sync.domain.tenders import CardCaps, TenderKind, ValueLimits
from tests.support.central_world import World
from tests.support.conflicts import agree
from tests.support.counter import CODE, all_of, allow, aside, books, gift_card, online
from tests.support.quicker import late
from tests.support.store_side import StoreSide

PSP = "psp.json"


def test_a_payment_is_given_back_once(world: World, store: StoreSide, desk: Desk):
    """Both saw 5.00 to give back: the second is told that it is gone, not to give it again."""
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_cash(desk, key, 500, 500)
    tendering.pay_cash(desk, key, 300, 300)
    second = late(desk, lambda: giving_back.give_back(desk, key, 1))
    with pytest.raises(Refusal, match="nothing of it to give back"):
        giving_back.give_back(second, key, 1)
    agree(world, store)
    assert books(world, desk)["cash:T1"] == 10_300


@pytest.mark.parametrize(
    "act",
    [
        lambda desk, key: tendering.pay_cash(desk, key, 2_000),
        lambda desk, key: tendering.pay_card(desk, key, 1_000),
        lambda desk, key: giving_back.give_back(desk, key, 1),
        lambda desk, key: tendering.sell(desk, key, ((1, 1),)),
    ],
    ids=["cash", "card", "given back", "sold"],
)
def test_nothing_is_paid_into_a_drawer_that_was_counted_meanwhile(
    world: World, store: StoreSide, desk: Desk, act: Callable[[Desk, str], object]
):
    """It would be in no tender report: refused, and what is in the drawer is what was counted."""
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_cash(desk, key, 1_000, 1_000)
    second = late(desk, lambda: drawer.count_drawer(desk, 11_000))
    with pytest.raises(Refusal, match="drawer of this terminal is not open"):
        act(second, key)
    agree(world, store)
    assert "cash:T1" not in books(world, desk)


def test_a_drawer_is_counted_as_it_is(world: World, store: StoreSide, desk: Desk):
    """Somebody paid while it was counted: what is expected is not what the count was made for."""
    _, key = online(world, store)
    aside(desk, key)
    second = late(desk, lambda: tendering.pay_cash(desk, key, 2_000))
    with pytest.raises(OperationRefused, match="changed while it was counted"):
        drawer.count_drawer(second, 10_000)
    drawer.count_drawer(desk, 12_000)
    (report,) = map(tender_report.report_of, drawer_book.sessions(desk.store, "T1"))
    assert (report.difference_minor, report.is_balanced) == (0, True)
    agree(world, store)
    assert "cash:T1" not in books(world, desk)


def test_no_two_take_the_same_cash_out(desk: Desk):
    """There are 100.00 in it: 60.00 go to the safe once."""
    second = late(desk, lambda: drawer.move_cash(desk, -6_000, CashReason.DEPOSIT))
    with pytest.raises(Refusal, match=r"only \$40.00 in the drawer"):
        drawer.move_cash(second, -6_000, CashReason.DEPOSIT)
    assert drawer_book.sessions(desk.store, "T1")[-1].expected_minor == 4_000


def test_a_gift_card_offline_pays_up_to_the_limit_once(world: World, store: StoreSide, desk: Desk):
    """At two tills, for two orders: together no more than the store may take without asking."""
    gift_card(world, 1_000)
    allow(world, store, ReservePolicy(value_offline=ValueLimits(1_500, 1_500)))
    (_, first), (_, other) = online(world, store, 1), online(world, store, 1)
    for key in (first, other):
        aside(desk, key)
    store.cut()
    store.clock.advance(10 * 60_000)

    def pay(at: Desk, key: str) -> tendering.Paid:
        return tendering.pay_value(at, key, TenderKind.GIFT_CARD, CODE, 1_000)

    second = late(desk, lambda: pay(desk, first))
    with pytest.raises(Refusal, match="limit"):
        pay(second, other)
    assert sum(one.amount_minor for one in stored_value.unheard_values(desk)) == 1_000
    assert "Central cannot be reached" in pay(desk, other).says
    agree(world, store)
    books(world, desk)
    assert all_of(desk, other) == ((1, 1),)


def test_money_that_central_holds_back_stays_in_its_drawer_and_under_its_caps(
    world: World, store: StoreSide, desk: Desk
):
    """The device was shut out and is enrolled anew: what it took and charged is taken."""
    allow(world, store, ReservePolicy(cards_offline=CardCaps(True, 900, 900, 9)))
    _, key = online(world, store)
    _, second = online(world, store)
    aside(desk, key)
    aside(desk, second)
    store.cut()
    tendering.pay_cash(desk, key, 1_000, 1_000)
    assert "OFFLINE" in tendering.pay_card(desk, key, 554).says
    before = drawer_book.open_session(store.store, "T1")
    world.parts.devices.revoke(store.store.replica_id)
    store.faulty.restore()
    store.daemon._session = None
    store.round()
    store.enrol_anew()
    store.settle()
    desk = replace(desk, store=store.store)
    after = drawer_book.open_session(store.store, "T1")
    assert before is not None
    assert after is not None
    assert (after.number, after.expected_minor) == (before.number, before.expected_minor)
    assert "declined" in tendering.pay_card(desk, second, 554).says, "the cap still counts it"


def test_two_cards_at_once_stay_below_the_cap_of_their_terminal(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """Another process of the terminal is charging: that card may be approved offline too."""
    allow(world, store, ReservePolicy(cards_offline=CardCaps(True, 900, 900, 9)))
    _, first = online(world, store)
    _, second = online(world, store)
    for key in (first, second):
        aside(desk, key)

    class Slow(SimulatedTerminal):
        def charge(
            self, payment: str, amount_minor: int, currency: str, *, allow_offline: bool
        ) -> CardAnswer:
            assert "declined" in tendering.pay_card(desk, second, 554).says
            return super().charge(payment, amount_minor, currency, allow_offline=allow_offline)

    slow = replace(desk, devices=replace(desk.devices, payment_terminal=Slow(tmp_path / PSP)))
    assert "OFFLINE" in tendering.pay_card(slow, first, 554).says
    assert [one.amount_minor for one in card_settling.unsettled_cards(desk)] == [554]
