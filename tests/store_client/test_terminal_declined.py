"""The Payment screen where an issuer has declined a card after it was approved offline."""

from pathlib import Path

import pytest

from store_client.services import card_settling, drawer, tendering
from store_client.services.desk import Desk
from sync.domain.people import Role
from sync.domain.reservations import ReservePolicy
from sync.domain.tenders import CardCaps
from sync.protocol.rows import AssociateRow
from tests.support.central_world import World, sqlite_world
from tests.support.counter import allow, aside, online
from tests.support.store_side import StoreSide, in_step
from tests.support.terminals import actor_of, terminal, till_settings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = sqlite_world(tmp_path / "central")
    world.parts.intake.associates("S001", [AssociateRow("A101", "Jonas V.", Role.MANAGER, "x")])
    return world


@pytest.fixture
def store(world: World, tmp_path: Path):
    with in_step(world, tmp_path / "one") as store:
        allow(world, store, ReservePolicy(cards_offline=CardCaps(enabled=True)))
        yield store
    world.database.close()


def counter(store: StoreSide, tmp_path: Path) -> Desk:
    """Return the counter of the terminal in these tests, with an open drawer."""
    devices = till_settings(tmp_path).devices
    desk = Desk(store.store, store.clock, actor_of(Role.LEAD), "T1", devices=devices)
    drawer.open_drawer(desk, 10_000)
    return desk


async def test_giving_back_takes_nothing_else_for_a_declined_card_whose_goods_have_left(
    world, store, tmp_path
):
    """The cursor is on the card, which is a debt by now: valid cash does not go back for it."""
    desk = counter(store, tmp_path)
    _, key = online(world, store, 3)
    aside(desk, key)
    tendering.pay_card(desk, key, 1_055)
    tendering.pay_cash(desk, key, 945, 945)
    tendering.sell(desk, key, ((1, 2),))
    tendering.pay_cash(desk, key, 1_000)
    card_settling.settle_cards(desk)
    settings = till_settings(tmp_path)
    async with terminal(store.store, store.clock, role=Role.LEAD, settings=settings) as term:
        await term.press("enter", "f6")
        assert "DECLINED by its issuer" in term.text()
        await term.press("ctrl+z")
        assert "Goods have left for that card" in term.text()
        term.screen.query_one("#tender-amount").focus()
        await term.press("enter")
        assert "all done" in term.text()
