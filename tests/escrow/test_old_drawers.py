"""Old drawers, and such of which replica.db has not all: counted to the cent all the same."""

from dataclasses import replace

import pytest

from store_client.replica import till
from store_client.services import drawer, drawer_book, giving_back, tender_report, tendering
from store_client.services.desk import Desk
from sync.domain.money_operations import CashReason
from tests.support.central_world import World
from tests.support.conflicts import agree, exceptions
from tests.support.counter import all_of, aside, books, online
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


def test_a_drawer_is_counted_right_while_replica_db_is_built_anew(
    world: World, store: StoreSide, desk: Desk
):
    """Lost while cut off, its orders are away: the journal knows what was taken and given back."""
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_cash(desk, key, 2_000)
    giving_back.give_back(desk, key, 1)
    tendering.pay_card(desk, key, 700)
    giving_back.give_back(desk, key, 2)
    tendering.pay_card(desk, key, 751)
    tendering.pay_cash(desk, key, 500)
    store.settle()
    store.cut()
    store.lose_replica()
    store.cut()
    desk = replace(desk, store=store.store)
    assert desk.store.fulfillment(key) is None
    session = drawer_book.open_session(desk.store, "T1")
    assert session is not None
    assert session.expected_minor == 10_500
    report = tender_report.report_of(drawer.count_drawer(desk, 10_500))
    assert (report.difference_minor, report.prepaid_minor, report.is_balanced) == (0, 500, True)
    store.daemon._session = None
    agree(world, store)
    assert exceptions(world) == []
    assert books(world, desk) == {"customers": -500, "safe": 500}
