"""Cards that go back: by their device and by the books, both or neither, whatever happens."""

from pathlib import Path

import pytest

from store_client.adapters.payment_terminals import SimulatedTerminal
from store_client.services import tendering
from store_client.services.desk import Desk
from sync.domain.errors import OperationRefused
from sync.domain.paying import reservation_of
from tests.support.central_world import World
from tests.support.conflicts import agree, exceptions
from tests.support.counter import all_of, aside, books, online
from tests.support.store_side import StoreSide


def charges(folder: Path) -> dict[str, int]:
    """Return what the payment terminal has charged and not given back."""
    return SimulatedTerminal(folder / "psp.json").charges()


def test_a_card_whose_goods_have_left_does_not_go_back(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """Two of three pieces left with what the card paid: its device is not asked for anything."""
    _, key = online(world, store, 3)
    aside(desk, key)
    tendering.pay_card(desk, key, 2_000)
    tendering.pay_cash(desk, key, 1_000)
    order = tendering.sell(desk, key, ((1, 2),)).order
    with pytest.raises(OperationRefused, match="cannot give back 2000: 1000 left"):
        tendering.give_back(desk, key, 1)
    assert charges(tmp_path) == {f"{key}/1": 2_000}
    tenders = reservation_of(order).tenders
    assert [tendering.can_go_back(order, one) for one in tenders] == [False, True]
    tendering.sell(desk, key, all_of(desk, key))
    with pytest.raises(OperationRefused):
        tendering.give_back(desk, key, 1)
    assert charges(tmp_path) == {f"{key}/1": 2_000}
    agree(world, store)
    assert exceptions(world) == []
    assert books(world, desk)["card"] == 2_000
