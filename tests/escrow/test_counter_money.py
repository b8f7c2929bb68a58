"""Money at a counter where things go wrong: what is paid, recorded and reported stays one."""

from collections.abc import Callable

import pytest

from central_server.records import Price
from store_client.flows.reserve import commands
from store_client.services import drawer, tendering
from store_client.services.desk import Desk, Refusal
from sync.domain.flows import status_of
from sync.domain.fulfillment import RefusalReason
from sync.domain.money_operations import CashReason
from tests.support.central_world import World
from tests.support.counter import S, agree, all_of, aside, books, online
from tests.support.store_side import StoreSide

# --- a part of what was paid ------------------------------------------------------------------


def test_a_sale_leaves_no_payment_that_could_not_be_given_back(
    world: World, store: StoreSide, desk: Desk
):
    """Payments go back whole: 20.00 for two are not cut in half by taking one."""
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_cash(desk, key, 2_000)
    with pytest.raises(Refusal, match=r"\$10.00 of what was paid"):
        tendering.sell(desk, key, ((1, 1),))
    tendering.give_back(desk, key, 1)
    tendering.pay_cash(desk, key, 1_000, 1_000)
    tendering.sell(desk, key, ((1, 1),))
    agree(world, store)
    assert books(world, desk) == {"cash:T1": 11_000, "safe": -10_000, "sales": -1_000}


def test_a_part_goes_where_whole_payments_are_left_for_the_rest(
    world: World, store: StoreSide, desk: Desk
):
    """Two payments of 10.00, one piece taken, the other not wanted: one payment goes back."""
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_cash(desk, key, 1_000, 1_000)
    tendering.pay_card(desk, key, 1_000)
    tendering.sell(desk, key, ((1, 1),))
    commands.customer_refuses(desk, key, 1, 1, RefusalReason.DAMAGED)
    assert status_of(commands.load(desk, key)) is S.REFUND_DUE
    tendering.give_back(desk, key, 2)
    commands.put_back_all(desk, key)
    agree(world, store)
    assert status_of(commands.load(desk, key)) is S.CONVERTED
    assert all_of(desk, key) == ((1, 0),)
    books(world, desk)


# --- the drawer -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "act",
    [
        lambda desk, key: tendering.sell(desk, key, all_of(desk, key)),
        lambda desk, key: tendering.give_back(desk, key, 1),
        tendering.ask_card_again,
    ],
    ids=["sale", "card given back", "card asked again"],
)
def test_whatever_moves_money_belongs_to_an_open_drawer(
    world: World, store: StoreSide, desk: Desk, act: Callable[[Desk, str], object]
):
    """Counted in between: what would be in no tender report waits until a drawer is open."""
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_card(desk, key, 948)
    tendering.pay_card(desk, key, 1_052)
    drawer.count_drawer(desk, 10_000)
    with pytest.raises(Refusal, match="not open"):
        act(desk, key)
    drawer.open_drawer(desk, 5_000)
    tendering.ask_card_again(desk, key)
    tendering.sell(desk, key, all_of(desk, key))
    first, second = map(drawer.report_of, drawer.sessions(desk.store, "T1"))
    assert (first.prepaid_minor, second.prepaid_minor) == (948, -948)
    assert (first.sales_minor, second.sales_minor) == (0, 2_000)
    assert first.is_balanced
    assert second.is_balanced


def test_no_more_cash_goes_back_than_is_in_the_drawer(world: World, store: StoreSide, desk: Desk):
    """It was taken to the safe: said before anything is written down, and possible once it is in.

    The same holds at another terminal, whose drawer never had that money.
    """
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_cash(desk, key, 2_000)
    drawer.move_cash(desk, -11_000, CashReason.DEPOSIT)
    with pytest.raises(Refusal, match=r"only \$10.00 in the drawer"):
        tendering.give_back(desk, key, 1)
    drawer.move_cash(desk, 1_000, CashReason.CHANGE)
    tendering.give_back(desk, key, 1)
    assert drawer.sessions(desk.store, "T1")[-1].expected_minor == 0
    agree(world, store)
    books(world, desk)


def test_a_drawer_is_in_the_stores_currency(world: World, store: StoreSide, desk: Desk):
    """Opened without a word about it, it is in that of the price list, whatever that is."""
    drawer.count_drawer(desk, 10_000)
    world.parts.intake.prices([Price("EAST", f"SKU-{n}", 900, "EUR") for n in (1, 2, 3)])
    store.settle()
    assert drawer.open_drawer(desk, 10_000).currency == "EUR"


def test_a_drawer_takes_no_other_currency(world: World, store: StoreSide, desk: Desk):
    """Dollars in a drawer of euros would make its report a sum of both."""
    _, key = online(world, store)
    aside(desk, key)
    drawer.count_drawer(desk, 10_000)
    drawer.open_drawer(desk, 10_000, "EUR")
    with pytest.raises(Refusal, match="is in EUR, and this is paid in USD"):
        tendering.pay_cash(desk, key, 2_000)
    with pytest.raises(Refusal, match="is in EUR"):
        tendering.pay_card(desk, key)


def test_a_drawer_has_never_less_than_nothing_in_it(desk: Desk):
    """A minus that slipped in is refused, at the count as at the float."""
    with pytest.raises(Refusal, match="less than nothing"):
        drawer.count_drawer(desk, -10_000)
    drawer.count_drawer(desk, 10_000)
    with pytest.raises(Refusal, match="less than nothing"):
        drawer.open_drawer(desk, -1)
