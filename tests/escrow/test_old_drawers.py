"""Old drawers, and such of which replica.db has not all: counted to the cent all the same."""

from dataclasses import replace

import pytest

from store_client.replica import till
from store_client.services import drawer, drawer_book, tendering
from store_client.services.desk import Desk
from sync.domain.money_operations import CashReason
from tests.support.central_world import World
from tests.support.counter import all_of, aside, online
from tests.support.store_side import StoreSide


def test_an_open_drawer_is_there_however_much_the_others_do(
    world: World, store: StoreSide, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """More money operations than are read at once, at another terminal: this one is counted."""
    monkeypatch.setattr(till, "MONEY_OPERATIONS_MAX", 8)
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_cash(desk, key, 2_000)
    tendering.sell(desk, key, all_of(desk, key))
    second = replace(desk, device="T2")
    drawer.open_drawer(second, 1_000)
    for _ in range(9):
        drawer.move_cash(second, 1, CashReason.CHANGE)
    session = drawer_book.open_session(desk.store, "T1")
    assert session is not None
    assert (session.number, session.float_minor, session.expected_minor) == (1, 10_000, 12_000)
    drawer.count_drawer(desk, 12_000)
    drawer.count_drawer(second, 1_009)
    assert drawer.open_drawer(desk, 5_000).number == 2
    drawer.count_drawer(desk, 5_000)
    store.settle()
    with world.database.read() as view:
        there = view.money.balances("S001")
    assert there == {"safe": 2_000, "sales": -2_000}
