"""The Payment screen where an issuer has declined a card after it was approved offline."""

from dataclasses import replace
from pathlib import Path

import pytest

from store_client.adapters.payment_terminals import SimulatedTerminal
from store_client.devices import TerminalSilent
from store_client.flows.ship.pay_screen import ParcelPaymentScreen
from store_client.screens.host import Approved
from store_client.screens.tender import TenderScreen
from store_client.services import card_settling, drawer, giving_back, tendering
from store_client.services.desk import Desk, Refusal, TerminalSettings
from sync.domain.people import Action, Approval, Role
from sync.domain.reservations import ReservePolicy
from sync.domain.tenders import CardCaps
from sync.protocol.rows import AssociateRow
from tests.escrow.test_paid_parcels import boxed, placed
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


async def test_the_payment_does_not_say_paid_for_a_card_that_was_declined(world, store, tmp_path):
    """Its issuer is heard while the screen is open: not paid, as Enter says, too; ^Z mends it."""
    desk = counter(store, tmp_path)
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_card(desk, key, 1_055)
    settings = till_settings(tmp_path)
    async with terminal(store.store, store.clock, role=Role.LEAD, settings=settings) as term:
        await term.press("enter", "f6", "f4")
        assert "PAID: Enter hands over" in term.text()
        card_settling.settle_cards(desk)
        await term.look()
        assert "PAID: Enter" not in term.text()
        assert "Not paid: a card was declined" in term.text()
        await term.press("enter")
        assert "was declined by its issuer" in term.text()
        await term.press("ctrl+z")
        assert "DUE $10.55" in term.text()
        await term.press("f4", "enter")
        assert "all done" in term.text()


class Silent(SimulatedTerminal):
    """A payment terminal that says nothing when it is asked to give money back."""

    def void(self, payment: str) -> bool:
        raise TerminalSilent(payment)


def asleep_after_a_card(world: World, store: StoreSide, tmp_path: Path) -> TerminalSettings:
    """Return a terminal whose device has charged a card, and then says nothing any more."""
    desk = counter(store, tmp_path)
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_card(desk, key)
    settings = till_settings(tmp_path)
    silent = replace(settings.devices, payment_terminal=Silent(tmp_path / "psp.json"))
    return replace(settings, devices=silent)


async def test_the_payment_does_not_say_paid_for_a_card_that_is_being_given_back(
    world, store, tmp_path
):
    """Its device was silent: not clear, on this screen and after a restart, until it is."""
    asleep = asleep_after_a_card(world, store, tmp_path)
    async with terminal(store.store, store.clock, role=Role.LEAD, settings=asleep) as term:
        await term.press("enter", "f6")
        assert "PAID: Enter hands over" in term.text()
        await term.press("ctrl+z")
        assert "does not answer" in term.text()
        assert "PAID: Enter" not in term.text()
    settings = till_settings(tmp_path)
    async with terminal(store.store, store.clock, role=Role.LEAD, settings=settings) as term:
        await term.press("enter", "f6")
        assert "PAID: Enter" not in term.text()
        assert "NOT CLEAR: a card goes back" in term.text()
        assert "goes back at T1: NOT CLEAR" in term.text()
        await term.press("enter")
        assert "Terminal T1 began to give $20.00 back" in term.text()
        await term.press("ctrl+z")
        assert "DUE $20.00" in term.text()


async def test_who_made_sure_says_that_a_card_of_a_dead_device_has_its_money(
    world, store, tmp_path
):
    """Asked twice and silent: the lead is asked, and one keystroke too many decides nothing."""
    asleep = asleep_after_a_card(world, store, tmp_path)
    async with terminal(store.store, store.clock, role=Role.LEAD, settings=asleep) as term:
        await term.press("enter", "f6", "ctrl+z")
        assert "Has the card its money back?" not in term.text()
        await term.press("ctrl+z")
        assert "Has the card its money back?" in term.text()
        assert "acquirer." in term.text()
        await term.press("enter")  # what stands first changes nothing
        assert "NOT CLEAR: a card goes back" in term.text()
        await term.press("ctrl+z", "escape")
        assert "NOT CLEAR: a card goes back" in term.text()
        await term.press("ctrl+z", "down", "enter")
        assert "recorded as given back" in term.text()
        assert "DUE $20.00" in term.text()


async def test_who_approved_that_a_device_is_asked_has_not_made_sure(world, store, tmp_path):
    """A lead approves giving back and leaves: that the card has its money is approved by itself."""
    desk = counter(store, tmp_path)
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_card(desk, key)
    silent = replace(desk.devices, payment_terminal=Silent(tmp_path / "psp.json"))
    with pytest.raises(Refusal, match="does not answer"):
        giving_back.give_back(replace(desk, devices=silent), key, 1)
    asleep = replace(till_settings(tmp_path), devices=silent)
    rafael = actor_of(Role.ASSOCIATE)
    approved = Approved(Approval("A102", "a slip", Action.GIVE_MONEY_BACK), rafael.id)
    async with terminal(store.store, store.clock, role=Role.ASSOCIATE, settings=asleep) as term:
        await term.press("enter", "f6")
        screen = term.screen
        assert isinstance(screen, TenderScreen)
        screen._do(lambda: giving_back.give_back(screen.desk, key, 1), approved=approved)
        await term.rest()
        assert "Has the card its money back?" in term.text()
        await term.press("down", "enter")
        assert "Approved by" in term.text()
        await term.press("escape")
        assert "NOT CLEAR: a card goes back" in term.text()


async def test_the_payment_of_a_parcel_says_that_its_boxes_stay(world, store, tmp_path):
    """Declined before the driver comes: said where it is paid, not when it should leave."""
    desk = counter(store, tmp_path)
    key = placed(world, store)
    boxed(desk, key)
    tendering.pay_card(desk, key, 1_055)
    tendering.pay_cash(desk, key, 945)
    settings = till_settings(tmp_path)
    async with terminal(store.store, store.clock, role=Role.LEAD, settings=settings) as term:
        order = store.store.fulfillment(key)
        term.app.push_screen(ParcelPaymentScreen(order))
        await term.rest()
        assert "PAID: its boxes may leave" in term.text()
        card_settling.settle_cards(desk)
        await term.look()
        assert "its boxes may leave" not in term.text()
        await term.press("enter")
        assert "Its boxes stay here" in term.text()
