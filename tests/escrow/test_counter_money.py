"""Money at a counter where things go wrong: what is paid, recorded and reported stays one."""

import pytest

from store_client.flows.reserve import commands
from store_client.services import tendering
from store_client.services.desk import Desk, Refusal
from sync.domain.flows import status_of
from sync.domain.fulfillment import RefusalReason
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
