"""Money at a counter where things go wrong: what is paid, recorded and reported stays one."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from central_server.money_records import StoredValue
from central_server.records import Price
from store_client.adapters.payment_terminals import SimulatedTerminal
from store_client.chores import chores_of
from store_client.config import StoreSettings
from store_client.devices import CardAnswer, NoPrinter, Settlement
from store_client.flows.reserve import commands
from store_client.hardware import Hardware
from store_client.paper import NO_PAPER
from store_client.replica.till import OutOfTurn
from store_client.services import (
    card_settling,
    drawer,
    drawer_book,
    giving_back,
    tender_report,
    tendering,
)
from store_client.services.desk import MACHINE, Desk, Refusal
from sync.domain.flows import status_of
from sync.domain.fulfillment import RefusalReason
from sync.domain.money_operations import (
    CardSettled,
    CashMoved,
    CashReason,
    DrawerCounted,
    DrawerOpened,
)
from sync.domain.paying import due_of
from sync.domain.reservations import ReservePolicy
from sync.domain.tenders import CardCaps, TenderKind, ValueLimits, account_of
from tests.support.builders import NOON_MS
from tests.support.central_world import World
from tests.support.conflicts import agree, exceptions, sentence
from tests.support.counter import (
    CODE,
    S,
    all_of,
    allow,
    aside,
    books,
    gift_card,
    left_on_card,
    online,
)
from tests.support.store_side import StoreSide

PSP = "psp.json"

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
    giving_back.give_back(desk, key, 1)
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
    giving_back.give_back(desk, key, 2)
    commands.put_back_all(desk, key)
    agree(world, store)
    assert status_of(commands.load(desk, key)) is S.CONVERTED
    assert all_of(desk, key) == ((1, 0),)
    books(world, desk)


def _sums(receipt: str) -> tuple[int, int]:
    """Return a receipt's total, and the sum of what stands below it, in cents."""
    _, _, below = receipt.partition("TOTAL")
    amounts = [round(float(text.replace("$", "")) * 100) for text in
               re.findall(r"-?\$[0-9.]+$", below.partition("---")[0], re.MULTILINE)]  # fmt: skip
    return amounts[0], sum(amounts[1:])


def test_each_receipt_of_a_reservation_adds_up(world: World, store: StoreSide, desk: Desk):
    """What an earlier receipt has is not on the next one; what stays here is taken off."""
    _, key = online(world, store, 4)
    aside(desk, key)
    tendering.pay_cash(desk, key, 1_000, 1_000)
    first = tendering.sell(desk, key, ((1, 1),))
    tendering.pay_card(desk, key, 1_000)
    tendering.pay_cash(desk, key, 1_000, 1_000)
    second = tendering.sell(desk, key, ((1, 1),))
    tendering.pay_cash(desk, key, 1_000)
    third = tendering.sell(desk, key, all_of(desk, key))
    assert [_sums(one.text) for one in (first, second, third)] == [
        (1_000, 1_000), (1_000, 1_000), (2_000, 2_000),
    ]  # fmt: skip
    assert first.text.count("Cash") == third.text.count("Cash") == 1
    assert "Paid, still held                   -$10.00" in second.text
    assert "Paid earlier                        $10.00" in third.text


@pytest.mark.parametrize("taken", [True, False], ids=["one taken", "none taken"])
def test_who_cancels_hears_what_of_their_money_stays_and_what_goes_back(
    world: World, store: StoreSide, desk: Desk, taken: bool
):
    """One piece was paid and taken, the other paid: nobody says that nothing is charged."""
    order_id, key = online(world, store)
    aside(desk, key)
    tendering.pay_cash(desk, key, 1_000, 1_000)
    if taken:
        tendering.sell(desk, key, ((1, 1),))
        tendering.pay_cash(desk, key, 1_000)
    store.settle()
    world.parts.central.cancelling.cancel(order_id, reason="", actor="test")
    (mail,) = [one for one in world.mails() if "is cancelled" in one.subject]
    assert "Nothing is charged" not in mail.text
    assert ("What you have taken is paid and stays yours." in mail.text) is taken
    assert "gives you 10.00 USD back." in mail.text


# --- the drawer -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "act",
    [
        lambda desk, key: tendering.sell(desk, key, all_of(desk, key)),
        lambda desk, key: giving_back.give_back(desk, key, 1),
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
    first, second = map(tender_report.report_of, drawer_book.sessions(desk.store, "T1"))
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
        giving_back.give_back(desk, key, 1)
    drawer.move_cash(desk, 1_000, CashReason.CHANGE)
    giving_back.give_back(desk, key, 1)
    assert drawer_book.sessions(desk.store, "T1")[-1].expected_minor == 0
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


def test_a_drawer_is_opened_and_counted_once_whoever_is_quicker(desk: Desk):
    """Two programs that both saw it closed, or open: the journal takes one of them."""
    with pytest.raises(OutOfTurn, match="open already"):
        desk.store.record_money(DrawerOpened("T1", 1, 10_000, "USD"), by="A1", dev="T1")
    drawer.count_drawer(desk, 10_000)
    counted = DrawerCounted("T1", 1, 9_000, 10_000, "USD")
    with pytest.raises(OutOfTurn, match="not open"):
        desk.store.record_money(counted, by="A1", dev="T1")
    with pytest.raises(OutOfTurn, match="not open"):
        desk.store.record_money(
            CashMoved("T1", 1, 500, "USD", CashReason.CHANGE), by="A1", dev="T1"
        )
    assert len(drawer_book.sessions(desk.store, "T1")) == 1


def test_a_drawer_has_never_less_than_nothing_in_it(desk: Desk):
    """A minus that slipped in is refused, at the count as at the float."""
    with pytest.raises(Refusal, match="less than nothing"):
        drawer.count_drawer(desk, -10_000)
    drawer.count_drawer(desk, 10_000)
    with pytest.raises(Refusal, match="less than nothing"):
        drawer.open_drawer(desk, -1)


def test_a_count_stands_where_its_report_cannot_be_printed(desk: Desk):
    """No paper: the drawer is counted all the same, and nobody is told that it is not."""

    class Jammed(NoPrinter):
        def print(self, name: str, text: str, code: str = "") -> str:
            raise OSError(28, "no space left")

    jammed = replace(desk, devices=replace(desk.devices, receipts=Jammed()))
    assert drawer.count_drawer(jammed, 10_000).counted is not None
    assert drawer_book.open_session(desk.store, "T1") is None


# --- cards ------------------------------------------------------------------------------------


class Forgetful(SimulatedTerminal):
    """A payment terminal beside a machine that loses its power before it says thank you."""

    def settled(self, reference: str) -> None:
        raise OSError("the power went")


def _offline(world: World, store: StoreSide, desk: Desk, amount_minor: int) -> str:
    allow(world, store, ReservePolicy(cards_offline=CardCaps(enabled=True)))
    _, key = online(world, store)
    aside(desk, key)
    assert "OFFLINE" in tendering.pay_card(desk, key, amount_minor).says
    return key


def test_a_card_is_lost_once_however_often_its_device_says_so(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """Recorded, then the power went before the device heard of it: one debt, one task."""
    _offline(world, store, desk, 1_055)
    torn = replace(desk, devices=replace(desk.devices, payment_terminal=Forgetful(tmp_path / PSP)))
    with pytest.raises(OSError, match="power"):
        card_settling.settle_cards(torn)
    card_settling.settle_cards(desk)
    assert card_settling.unsettled_cards(desk) == []
    agree(world, store)
    assert exceptions(world) == ["card_not_settled"]
    assert books(world, desk)["bad_debt"] == 1_055


def test_a_card_that_was_given_back_is_waited_for_no_longer(
    world: World, store: StoreSide, desk: Desk
):
    """It never settles: counted on, it would stop all cards offline after a day."""
    key = _offline(world, store, desk, 1_054)
    giving_back.give_back(desk, key, 1)
    assert card_settling.unsettled_cards(desk) == []


def test_the_daemon_follows_up_on_cards_and_the_terminal_that_took_them_is_named(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """Nobody opens a screen: a declined card is a debt and a task, of the terminal that took it."""
    second = replace(desk, device="T2")
    drawer.open_drawer(second, 1_000)
    _offline(world, store, second, 1_055)
    hardware = Hardware(desk.devices, NO_PAPER)
    chores = chores_of(StoreSettings(data_dir=tmp_path, terminal="T1"), store.store, None, hardware)
    (cards,) = [chore for chore in chores if chore.name == "cards"]
    assert (cards.do(), cards.do()) == (1, 0)
    assert card_settling.unsettled_cards(second) == []
    (move,) = [one for one in store.store.money_moves() if isinstance(one.operation, CardSettled)]
    assert (move.device, move.by) == ("T2", MACHINE)
    agree(world, store)
    assert exceptions(world) == ["card_not_settled"]
    assert books(world, desk)["bad_debt"] == 1_055


def test_a_settlement_under_a_name_like_a_card_number(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """Kept by the end of that name from the beginning, it is found again when it settles."""

    class Numbered(SimulatedTerminal):
        def charge(
            self, payment: str, amount_minor: int, currency: str, *, allow_offline: bool
        ) -> CardAnswer:
            made = super().charge(payment, amount_minor, currency, allow_offline=allow_offline)
            return replace(made, reference="4111111111111111")

        def settlements(self) -> Sequence[Settlement]:
            return [replace(one, reference="4111111111111111") for one in super().settlements()]

    device = Numbered(tmp_path / PSP)
    numbered = replace(desk, devices=replace(desk.devices, payment_terminal=device))
    _offline(world, store, numbered, 1_054)
    assert card_settling.settle_cards(numbered) == 1
    assert card_settling.unsettled_cards(numbered) == []
    agree(world, store)
    books(world, desk)


@pytest.mark.parametrize("amount_minor", [1_052, 1_053], ids=["charged", "not charged"])
def test_another_terminals_device_cannot_say_that_nothing_was_charged(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path, amount_minor: int
):
    """It never heard of the payment: that is no answer. The terminal that asked gets one."""
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_card(desk, key, amount_minor)
    device = SimulatedTerminal(tmp_path / "other.json")
    other = replace(desk, device="T2", devices=replace(desk.devices, payment_terminal=device))
    drawer.open_drawer(other, 1_000)
    with pytest.raises(Refusal, match="terminal T1"):
        tendering.ask_card_again(other, key)
    assert due_of(tendering.ask_card_again(desk, key).order) == (
        948 if amount_minor == 1_052 else 2_000
    )


def test_the_count_of_a_drawer_says_what_central_has_not_heard(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """No session ends as if all were sent: on the report until it is, and then no more."""
    _, key = online(world, store)
    aside(desk, key)
    store.settle()
    store.cut()
    tendering.pay_cash(desk, key, 2_000)
    tendering.sell(desk, key, all_of(desk, key))
    ended = drawer.count_drawer(desk, 12_000)
    (printed,) = (tmp_path / "receipts").glob("tenders-T1-*")
    assert "2 operations are not sent yet." in printed.read_text()
    assert tender_report.report_of(ended).unsent == 2
    store.settle()
    report = tender_report.report_of(drawer_book.sessions(store.store, "T1")[-1])
    assert "not sent" not in tender_report.report_text(report, store.store)
    agree(world, store)


# --- gift cards and store credit --------------------------------------------------------------


def test_a_gift_card_given_back_on_the_next_day_changes_no_counted_session(
    world: World, store: StoreSide, desk: Desk
):
    """What was printed yesterday stays; the next session has what went back onto the card."""
    gift_card(world, 2_000)
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_value(desk, key, TenderKind.GIFT_CARD, CODE)
    store.settle()
    counted = tender_report.report_of(drawer.count_drawer(desk, 10_000))
    drawer.open_drawer(desk, 10_000)
    giving_back.give_back(desk, key, 1)
    agree(world, store)
    first, second = map(tender_report.report_of, drawer_book.sessions(desk.store, "T1"))
    assert first == counted
    assert (first.prepaid_minor, second.prepaid_minor) == (2_000, -2_000)
    assert first.is_balanced
    assert second.is_balanced
    assert left_on_card(world) == 2_000
    books(world, desk)


def test_a_card_of_another_currency_gains_nothing_by_being_given_back(
    world: World, store: StoreSide, desk: Desk
):
    """Taken while cut off, of which central could take nothing: nothing goes back onto it."""
    card = StoredValue(account_of(CODE), TenderKind.GIFT_CARD, "EUR", 700, NOON_MS)
    world.database.write(lambda unit: unit.money.issue(card, "test"))
    allow(world, store, ReservePolicy(value_offline=ValueLimits(1_500, 1_000)))
    _, key = online(world, store)
    aside(desk, key)
    store.cut()
    store.round()
    tendering.pay_value(desk, key, TenderKind.GIFT_CARD, CODE, 1_000)
    giving_back.give_back(desk, key, 1)
    agree(world, store)
    assert left_on_card(world) == 700
    books(world, desk)


def test_a_gift_card_is_no_store_credit(world: World, store: StoreSide, desk: Desk):
    """Scanned under the wrong key it is not taken, and says so; under its own it is."""
    gift_card(world, 2_000)
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_value(desk, key, TenderKind.STORE_CREDIT, CODE)
    store.settle()
    assert "not known" in sentence(store, key)
    tendering.pay_value(desk, key, TenderKind.GIFT_CARD, CODE)
    store.settle()
    tendering.sell(desk, key, all_of(desk, key))
    agree(world, store)
    assert books(world, desk)["gift_card"] == 2_000
    assert left_on_card(world) == 0
