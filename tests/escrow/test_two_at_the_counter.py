"""Two people at one counter, in two processes: each saw the order before the other was quicker."""

from collections.abc import Callable

import pytest

from store_client.services import drawer, drawer_book, stored_value, tender_report, tendering
from store_client.services.desk import Desk, Refusal
from sync.domain.errors import OperationRefused
from sync.domain.money_operations import CashReason
from sync.domain.reservations import ReservePolicy
from sync.domain.tenders import TenderKind, ValueLimits
from tests.support.central_world import World
from tests.support.counter import CODE, agree, all_of, allow, aside, books, gift_card, online
from tests.support.quicker import late
from tests.support.store_side import StoreSide


def test_a_payment_is_given_back_once(world: World, store: StoreSide, desk: Desk):
    """Both saw 5.00 to give back: the second is told that it is gone, not to give it again."""
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_cash(desk, key, 500, 500)
    tendering.pay_cash(desk, key, 300, 300)
    second = late(desk, lambda: tendering.give_back(desk, key, 1))
    with pytest.raises(Refusal, match="nothing of it to give back"):
        tendering.give_back(second, key, 1)
    agree(world, store)
    assert books(world, desk)["cash:T1"] == 10_300


@pytest.mark.parametrize(
    "act",
    [
        lambda desk, key: tendering.pay_cash(desk, key, 2_000),
        lambda desk, key: tendering.pay_card(desk, key, 1_000),
        lambda desk, key: tendering.give_back(desk, key, 1),
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
