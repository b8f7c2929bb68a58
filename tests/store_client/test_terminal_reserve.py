"""Reservations at the real terminal, before the real daemon and the real central."""

from dataclasses import replace
from pathlib import Path

import pytest

from central_server.money_records import StoredValue
from central_server.services.idempotency import RequestIdentity
from store_client.adapters.payment_terminals import SimulatedTerminal
from store_client.flows.reserve import commands
from store_client.replica.digest import digest_of
from store_client.services import tendering
from store_client.services.desk import Desk
from store_client.services.words import day_time
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentStatus
from sync.domain.orders import PaymentPlace
from sync.domain.paying import reservation_of
from sync.domain.people import Role
from sync.domain.tenders import TenderKind, TenderState, account_of
from sync.edge.sqlite import OperationalError
from sync.protocol.rows import AssociateRow
from tests.support.builders import NOON_MS
from tests.support.central_world import World, sqlite_world
from tests.support.store_side import StoreSide, in_step
from tests.support.terminals import Terminal, actor_of, terminal, till_settings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
CODE = "GC7Q-29ZX-MK0P"
S = FulfillmentStatus


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = sqlite_world(tmp_path / "central")
    people = [
        AssociateRow("A101", "Jonas V.", Role.MANAGER, "x"),
        AssociateRow("A103", "Rafael C.", Role.ASSOCIATE, "x"),
    ]
    world.parts.intake.associates("S001", people)
    return world


@pytest.fixture
def store(world: World, tmp_path: Path):
    with in_step(world, tmp_path / "one") as store:
        yield store
    world.database.close()


def reserve_online(world: World, store: StoreSide, units: int = 2) -> str:
    new = replace(world.new_order(("SKU-1", units)), payment=PaymentPlace.IN_STORE)
    world.keys += 1
    placed = world.parts.central.orders.place(new, RequestIdentity("t", f"r{world.keys}", "b"))
    store.settle()
    return placed.order_id


async def open_drawer(term: Terminal) -> None:
    await term.press("f8")
    assert "not open" in term.text()
    await term.press("enter", "enter")
    assert "Open with $100.00" in term.text()
    await term.press("escape")


async def to_payment(term: Terminal, units: int = 2) -> None:
    """From Today to the payment of the first reservation."""
    await term.press("enter", *["f4"] * units)
    await term.type("A1")
    await term.press("enter", "f6")


@pytest.mark.parametrize("connected", [True, False], ids=["connected", "cut off"])
async def test_from_today_to_the_receipt(world, store, tmp_path, connected):
    """Drawer, set aside, shelve, cash with change, receipt, count: the same without a network."""
    order_id = reserve_online(world, store)
    if not connected:
        store.cut()
        store.round()
    async with terminal(store.store, store.clock, settings=till_settings(tmp_path)) as term:
        await open_drawer(term)
        assert "Reserved: set aside 2" in term.text() or "Set aside 2" in term.text()
        await to_payment(term)
        assert "DUE $20.00" in term.text()
        await term.type("50")
        await term.press("enter")
        assert "Change: $30.00" in term.text()
        assert "PAID: Enter hands over" in term.text()
        await term.press("enter")
        assert "Sold for $20.00: all done" in term.text()
        await term.press("f7", "2")
        assert "1 receipt once more, as a copy" in term.text()
        await term.press("escape", "f8", "enter")
        await term.type("120")
        await term.press("enter")
        assert "to the cent as expected" in term.text()
        assert "Tenders are sales, to the minor unit" in term.text()
        assert "operations are not sent yet: kept here, and sent by itself" in term.text()
    store.settle()
    assert world.order(order_id)["status"] == "fulfilled"
    assert store.differences() == []
    assert digest_of(store.store).stock["SKU-1"] == (8, 0)
    assert len(list((tmp_path / "receipts").iterdir())) == 3


async def test_split_between_a_gift_card_and_a_card(world, store, tmp_path):
    """The gift card is asked of central and answered on the open screen; a card pays the rest."""
    card = StoredValue(account_of(CODE), TenderKind.GIFT_CARD, "USD", 1_500, NOON_MS)
    world.database.write(lambda unit: unit.money.issue(card, "test"))
    reserve_online(world, store)
    async with terminal(store.store, store.clock, settings=till_settings(tmp_path)) as term:
        await open_drawer(term)
        await to_payment(term)
        await term.type("15")
        await term.press("f6")
        await term.type(CODE)
        await term.press("enter")
        assert "asked central" in term.text()
        store.settle()
        await term.look()
        assert "Gift card $15.00 taken" in term.text()
        await term.press("f5")
        assert "Card $5.00 approved" in term.text()
        await term.press("enter")
        assert "all done" in term.text()
    store.settle()
    assert store.differences() == []


async def test_a_gift_card_while_the_network_is_cut(world, store, tmp_path):
    """It says that central cannot be reached, shows the open answer, and keeps the goods here."""
    reserve_online(world, store)
    store.cut()
    store.round()
    async with terminal(store.store, store.clock, settings=till_settings(tmp_path)) as term:
        await open_drawer(term)
        await to_payment(term)
        await term.press("f6")
        await term.type(CODE)
        await term.press("enter")
        assert "Central cannot be reached" in term.text()
        assert "wait for an answer" in term.text()
        await term.press("enter")
        assert "hang on an answer" in term.text()
        await term.press("f4")
        assert "^Z takes that out" in term.text()
        store.settle()
        await term.look()
        assert "Gift card $20.00 declined" in term.text()
        await term.press("f4", "enter")
        assert "all done" in term.text()


async def test_a_payment_terminal_that_falls_silent(world, store, tmp_path):
    """NOT CLEAR on the screen until it is asked again; nothing is charged twice."""
    reserve_online(world, store)
    async with terminal(store.store, store.clock, settings=till_settings(tmp_path)) as term:
        await open_drawer(term)
        await to_payment(term)
        await term.type("10.52")
        await term.press("f5")
        assert "NOT CLEAR" in term.text()
        assert "no answer yet" in term.text()
        await term.press("f5")
        assert "Card $10.52 approved" in term.text()
        await term.press("f4", "enter")
        assert "all done" in term.text()


async def test_reserving_at_the_counter_and_paying_at_once(world, store, tmp_path):
    """Found, reserved under a name, set aside, paid: all of it with the network cut."""
    store.cut()
    store.round()
    async with terminal(store.store, store.clock, settings=till_settings(tmp_path)) as term:
        await open_drawer(term)
        await term.press("f3")
        await term.type("SKU-1")
        await term.press("enter", "f7")
        await term.type("Ines Hale")
        await term.press("enter", "enter")
        assert "Ines Hale" in term.text()
        await term.press("f4", "f6", "f4", "enter")
        assert "Sold for $10.00: all done" in term.text()
    store.settle()
    assert store.differences() == []
    assert world.stock("S001") == (9, 0)


async def test_a_wish_that_the_store_cannot_fill_waits(world, store, tmp_path):
    """More than there is: refused in words, then queued, shown as asked, and followed up."""
    async with terminal(store.store, store.clock, settings=till_settings(tmp_path)) as term:
        await term.press("f3")
        await term.type("SKU-1")
        await term.press("enter", "f7")
        await term.type("Ines Hale")
        await term.press("enter", "backspace")
        await term.type("40")
        await term.press("enter")
        assert "Not free in this store" in term.text()
        await term.press("f6")
        assert "WAITS FOR STOCK" in term.text()
        store.settle()
        await term.look()
        await term.press("f2")
        assert "Waits for stock" in term.text()


async def test_a_card_number_is_refused_wherever_it_is_typed(world, store, tmp_path):
    """A name, a gift card's code: said in words, and nothing is kept."""
    async with terminal(store.store, store.clock, settings=till_settings(tmp_path)) as term:
        await term.press("f3")
        await term.type("SKU-1")
        await term.press("enter", "f7")
        await term.type("4111 1111 1111 1111")
        await term.press("enter", "enter")
        assert "looks like a card number" in term.text()
    assert store.store.board("reserve") == []


async def test_a_wall_clock_that_is_wrong_does_not_turn_customers_away(world, store, tmp_path):
    """Set forward by a year: the hold goes on by central's time, and the screen says so too."""
    reserve_online(world, store)
    store.settle()
    store.clock.wall_ms += 400 * 86_400_000
    async with terminal(store.store, store.clock, settings=till_settings(tmp_path)) as term:
        await open_drawer(term)
        await to_payment(term)
        await term.press("escape")
        assert "RELEASE" not in term.text().upper()
        await term.press("f2")
        assert "OVER" not in term.text().upper()
        await term.press("enter", "f6")
        assert "DUE $20.00" in term.text()


def full(*_arguments, **_more):
    raise OperationalError("database or disk is full")


async def test_a_full_disk_stops_no_payment_screen(world, store, tmp_path, monkeypatch):
    """The journal cannot be written: said on the payment, and tried again once there is room."""
    reserve_online(world, store)
    async with terminal(store.store, store.clock, settings=till_settings(tmp_path)) as term:
        await open_drawer(term)
        await to_payment(term)
        with monkeypatch.context() as disk:
            disk.setattr(store.store, "perform", full)
            await term.press("f4")
            assert "Not recorded: database or disk is full" in term.text()
            await term.press("f6")
            await term.type(CODE)
            await term.press("enter")
            assert "Not recorded: database or disk is full" in term.text()
            await term.press("escape")
        await term.press("f4", "enter")
        assert "all done" in term.text()


async def test_a_full_disk_stops_no_drawer_and_no_reservation(world, store, tmp_path, monkeypatch):
    """Neither the float, nor what a card settled as, nor a customer's name end the terminal."""
    async with terminal(store.store, store.clock, settings=till_settings(tmp_path)) as term:
        with monkeypatch.context() as disk:
            disk.setattr(store.store, "record_money", full)
            disk.setattr(store.store, "begin_order", full)
            disk.setattr(SimulatedTerminal, "settlements", full)
            await term.press("f8")
            assert "Settled cards are not recorded" in term.text()
            await term.press("enter", "enter")
            assert "Not recorded: database or disk is full" in term.text()
            await term.press("escape", "escape", "f3")
            await term.type("SKU-1")
            await term.press("enter", "f7")
            await term.type("Ines Hale")
            await term.press("enter", "enter")
            assert "Not recorded: database or disk is full" in term.text()
            await term.press("escape", "f2")
        await open_drawer(term)


async def test_money_is_given_back_where_the_order_ended(world, store, tmp_path):
    """Cancelled while the customer paid: the board says so first, and the screen gives it back."""
    order_id = reserve_online(world, store)
    store.cut()
    store.round()
    settings = till_settings(tmp_path)
    async with terminal(store.store, store.clock, role=Role.LEAD, settings=settings) as term:
        await open_drawer(term)
        await to_payment(term)
        await term.press("f4")
        world.parts.central.cancelling.cancel(order_id, reason="", actor="test")
        store.settle()
        await term.look()
        await term.press("escape")
        assert "GIVE THE MONEY BACK" in term.text()
        await term.press("enter", "ctrl+z")
        assert "Give $20.00 back from the drawer" in term.text()
        await term.press("escape", "enter", "enter")
    store.settle()
    (work,) = world.fulfillments(order_id)
    assert status_of(work) is S.CANCELLED
    assert store.differences() == []


async def test_the_payment_says_that_its_order_was_sold_meanwhile(world, store, tmp_path):
    """Another till was quicker: nothing is paid for or handed over twice, and each key says why."""
    reserve_online(world, store)
    key = store.store.board("reserve")[0].id
    settings = till_settings(tmp_path)
    async with terminal(store.store, store.clock, settings=settings) as term:
        await open_drawer(term)
        await to_payment(term)
        desk = Desk(store.store, store.clock, actor_of(Role.LEAD), "T1", devices=settings.devices)
        tendering.pay_cash(desk, key, 2_000)
        tendering.sell(desk, key, ((1, 2),))
        await term.look()
        assert "This order has just ended: do not hand anything over." in term.text()
        assert "Nothing goes out" in term.text()
        assert "Enter hands over" not in term.text()
        for pressed in ("enter", "f4"):
            await term.press(pressed)
            assert "has ended" in term.text()


@pytest.mark.parametrize("means", ["f5", "f6"])
async def test_fewer_goods_are_not_paid_for_as_if_all_went_out(world, store, tmp_path, means):
    """15.00 paid and one for 10.00 goes out: a card pays nothing of what stays here."""
    reserve_online(world, store)
    async with terminal(store.store, store.clock, settings=till_settings(tmp_path)) as term:
        await open_drawer(term)
        await to_payment(term)
        await term.type("15")
        await term.press("enter")
        term.screen.query_one("#tender-lines").focus()
        await term.press("left")
        assert "$5.00 to give back" in term.text()
        await term.press(means)
        if means == "f6":
            await term.type(CODE)
            await term.press("enter")
        assert "$5.00 more is paid than goes out now" in term.text()
        assert "are due" not in term.text()


async def test_more_time_than_the_store_may_give_is_not_promised(world, store, tmp_path):
    """The terminal says until when it asked: a customer who hears "a month" comes back too late."""
    order_id = reserve_online(world, store)
    async with terminal(store.store, store.clock, settings=till_settings(tmp_path)) as term:
        await open_drawer(term)
        await term.press("enter", "f7", "3")
        assert "How many hours longer?" in term.text()
        await term.type("600")
        await term.press("enter")
        (held,) = world.fulfillments(order_id)
        order = store.store.fulfillment(held.id)
        assert order.expires_at_ms == order.reserve.extend_until_ms
        row, now_ms = store.store.store_row(), store.store.central_now_ms()
        until = day_time(row, order.reserve.extend_until_ms, now_ms)
        assert f"Asked: held until {until} here meanwhile" in term.text()


async def test_giving_back_takes_a_payment_whose_goods_are_still_here(world, store, tmp_path):
    """The cursor stands on the first payment, a card for what has left: the other one goes back."""
    reserve_online(world, store, 3)
    key = store.store.board("reserve")[0].id
    settings = till_settings(tmp_path)
    async with terminal(store.store, store.clock, role=Role.LEAD, settings=settings) as term:
        await open_drawer(term)
        await to_payment(term, 3)
        desk = Desk(store.store, store.clock, actor_of(Role.LEAD), "T1", devices=settings.devices)
        tendering.pay_card(desk, key, 2_000)
        tendering.sell(desk, key, ((1, 2),))
        tendering.pay_cash(desk, key, 1_000)
        await term.look()
        await term.press("ctrl+z")
        assert "Give $10.00 back from the drawer" in term.text()
    tender = reservation_of(commands.load(desk, key)).tenders[0]
    assert (tender.means, tender.state) == (TenderKind.CARD, TenderState.TAKEN)
