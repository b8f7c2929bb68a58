"""Reservations through the real store and the real central: connected, cut off, and back.

The rows of the conflict catalogue that are about holds and tenders are here; each
has its one outcome, stock and money agree to the unit and the cent, and the associate
reads in words what became of it.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from store_client.adapters.payment_terminals import SimulatedTerminal
from store_client.flows.reserve import commands
from store_client.replica.till import NotFree
from store_client.services import (
    card_settling,
    drawer,
    giving_back,
    reserving,
    stored_value,
    tendering,
)
from store_client.services.desk import Desk, Refusal
from store_client.services.drawer_book import sessions
from store_client.services.tender_report import report_of
from sync.domain.flows import status_of
from sync.domain.paying import due_of, reservation_of
from sync.domain.reservations import ReservePolicy
from sync.domain.tenders import CardCaps, TenderKind, TenderState, ValueLimits
from tests.support.central_world import World
from tests.support.conflicts import agree, exceptions, sentence
from tests.support.counter import (
    CODE,
    HIT,
    HOUR_MS,
    S,
    all_of,
    allow,
    aside,
    books,
    gift_card,
    left_on_card,
    online,
    pass_time,
)
from tests.support.store_side import StoreSide

# --- paid and taken ---------------------------------------------------------------------------


@pytest.mark.parametrize("connected", [True, False], ids=["connected", "cut off"])
def test_reserved_online_and_paid_in_cash(
    world: World, store: StoreSide, desk: Desk, connected: bool, tmp_path: Path
):
    """The same work with and without a network: change, receipt, stock, ledgers, status."""
    order_id, key = online(world, store)
    if not connected:
        store.cut()
    aside(desk, key)
    commands.mark_ready(desk, key)
    paid = tendering.pay_cash(desk, key, 5_000)
    assert paid.change_minor == 3_000
    sold = tendering.sell(desk, key, all_of(desk, key))
    receipt = Path(sold.receipt).read_text(encoding="utf-8")
    assert "TOTAL" in receipt
    assert "$20.00" in receipt
    agree(world, store)
    assert world.order(order_id)["status"] == "fulfilled"
    assert books(world, desk) == {"cash:T1": 12_000, "safe": -10_000, "sales": -2_000}
    session = drawer.count_drawer(desk, 12_000)
    report = report_of(session)
    assert (report.is_balanced, report.difference_minor, report.sales_minor) == (True, 0, 2_000)
    assert "Balances to the minor unit" in (tmp_path / "receipts" / "tenders-T1-1.txt").read_text()
    agree(world, store)
    assert books(world, desk) == {"safe": 2_000, "sales": -2_000}


def test_no_receipt_without_its_record(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What could not be written down is on no paper; the receipt comes with the record."""
    order_id, key = online(world, store)
    aside(desk, key)
    tendering.pay_cash(desk, key, 2_000)

    def full(*_what: object, **_more: object) -> None:
        raise OSError("database or disk is full")

    with monkeypatch.context() as disk:
        disk.setattr(store.store, "perform", full)
        with pytest.raises(OSError, match="disk is full"):
            tendering.sell(desk, key, all_of(desk, key))
    assert list((tmp_path / "receipts").glob("receipt-*")) == []
    assert Path(tendering.sell(desk, key, all_of(desk, key)).receipt).exists()
    agree(world, store)
    assert world.order(order_id)["status"] == "fulfilled"
    assert books(world, desk)["sales"] == -2_000


def test_reserved_and_paid_at_the_counter_while_cut_off(world: World, store: StoreSide, desk: Desk):
    """Central hears of the order, its payment and its end in one go, exactly once."""
    store.cut()
    order = reserving.reserve(desk, HIT, reserving.Wish("Ines Hale", 2, "+1 555-0199"))
    assert store.share().allocated == 2
    aside(desk, order.id)
    tendering.pay_cash(desk, order.id, 2_000)
    tendering.sell(desk, order.id, all_of(desk, order.id))
    agree(world, store)
    assert world.order(order.id)["status"] == "fulfilled"
    assert world.stock("S001") == (8, 0)
    assert exceptions(world) == []
    books(world, desk)


def test_the_counter_gives_only_what_is_the_stores_own(store: StoreSide, desk: Desk):
    """Units that central may promise are not reserved behind its back; the queue is offered."""
    with pytest.raises(NotFree, match="waiting list"):
        reserving.reserve(desk, HIT, reserving.Wish("Ines Hale", 9))


def test_a_reservation_made_here_survives_the_loss_of_what_is_disposable(
    world: World, store: StoreSide, desk: Desk
):
    """Not heard by central yet, and replica.db is gone: the journal brings it back."""
    store.cut()
    order = reserving.reserve(desk, HIT, reserving.Wish("Ines Hale", 2))
    commands.pick_by_hand(desk, order.id, 1, 1)
    store.lose_replica()
    again = store.store.fulfillment(order.id)
    assert again is not None
    assert (again.total("allocated"), again.total("held")) == (2, 1)
    agree(world, store)


def test_a_reservation_of_which_a_journal_that_was_put_back_knows_nothing_is_gone(
    world: World, store: StoreSide, desk: Desk
):
    """Only the journal says that it began; replica.db alone does not keep it."""
    store.settle()
    store.store.close()
    backup = store.folder / "backup.db"
    shutil.copy(store.folder / "journal.db", backup)
    store.open()
    store.cut()
    there = replace(desk, store=store.store)
    order = reserving.reserve(there, HIT, reserving.Wish("Ines Hale", 2))
    store.store.close()
    for file in store.folder.glob("journal.db*"):
        file.unlink()
    shutil.copy(backup, store.folder / "journal.db")
    store.open()
    assert store.store.fulfillment(order.id) is None
    agree(world, store)


def test_partial_payment_of_part_of_it(world: World, store: StoreSide, desk: Desk):
    """One of two is paid and taken; the other stays held, and is released later."""
    order_id, key = online(world, store)
    aside(desk, key)
    tendering.pay_cash(desk, key, 1_000, 1_000)
    tendering.sell(desk, key, ((1, 1),))
    assert status_of(commands.load(desk, key)) is S.PARTIALLY_CONVERTED
    agree(world, store)
    assert world.order(order_id)["status"] == "partially_fulfilled"
    pass_time(world, store, 8 * 24 * HOUR_MS)
    commands.release(desk, key)
    commands.put_back_all(desk, key)
    agree(world, store)
    assert world.stock("S001") == (9, 0)
    books(world, desk)


def test_split_tender_adds_up_on_both_sides(world: World, store: StoreSide, desk: Desk):
    """A gift card, a card and cash make the price; each is in its own account."""
    gift_card(world, 700)
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_value(desk, key, TenderKind.GIFT_CARD, CODE, 700)
    store.settle()
    tendering.pay_card(desk, key, 800)
    paid = tendering.pay_cash(desk, key, 1_000)
    assert paid.change_minor == 500
    tendering.sell(desk, key, all_of(desk, key))
    agree(world, store)
    assert books(world, desk) == {
        "card": 800, "cash:T1": 10_500, "gift_card": 700, "safe": -10_000, "sales": -2_000,
    }  # fmt: skip
    assert report_of(sessions(desk.store, "T1")[-1]).is_balanced


def test_the_price_that_was_promised_is_paid(world: World, store: StoreSide, desk: Desk):
    """The price went up while the store was cut off: what the customer saw is what they pay."""
    from central_server.records import Price

    _, key = online(world, store)
    store.cut()
    world.parts.intake.prices([Price("EAST", "SKU-1", 9_999, "USD")])
    aside(desk, key)
    tendering.pay_cash(desk, key, 2_000)
    tendering.sell(desk, key, all_of(desk, key))
    agree(world, store)
    assert books(world, desk)["sales"] == -2_000


def test_rounding_by_the_smallest_coin(world: World, store: StoreSide, desk: Desk):
    """Due 20.00 less 7 on a card: 19.93 are 19.95 in coins of five; the two cents are booked."""
    allow(world, store, ReservePolicy(cash_step_minor=5))
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_card(desk, key, 7)
    paid = tendering.pay_cash(desk, key, 2_000)
    assert paid.change_minor == 5
    tendering.sell(desk, key, all_of(desk, key))
    agree(world, store)
    assert books(world, desk)["rounding"] == -2
    assert report_of(sessions(desk.store, "T1")[-1]).is_balanced


def test_no_money_without_an_open_drawer(store: StoreSide, desk: Desk, world: World):
    """Every payment belongs to a session, so that the report is complete."""
    _, key = online(world, store)
    aside(desk, key)
    drawer.count_drawer(desk, 10_000)
    with pytest.raises(Refusal, match="not open"):
        tendering.pay_cash(desk, key, 2_000)


# --- cards ------------------------------------------------------------------------------------


def test_a_card_terminal_that_falls_silent_after_charging(
    world: World, store: StoreSide, desk: Desk
):
    """Shown as not clear, asked again, charged once: by name, not by luck."""
    _, key = online(world, store)
    aside(desk, key)
    unclear = tendering.pay_card(desk, key, 1_052)
    assert "NOT CLEAR" in unclear.says
    with pytest.raises(Refusal, match="not clear"):
        tendering.pay_cash(desk, key, 2_000)
    with pytest.raises(Refusal, match="hang on an answer"):
        tendering.sell(desk, key, all_of(desk, key))
    agree(world, store)
    clear = tendering.ask_card_again(desk, key)
    assert "approved" in clear.says
    tendering.pay_cash(desk, key, 948)
    tendering.sell(desk, key, all_of(desk, key))
    agree(world, store)
    assert books(world, desk)["card"] == 1_052
    terminal = desk.devices.payment_terminal
    assert isinstance(terminal, SimulatedTerminal)
    assert terminal.charges() == {f"{key}/1": 1_052}


def test_a_card_terminal_that_falls_silent_before_charging(
    world: World, store: StoreSide, desk: Desk
):
    """Asked again it knows of nothing: nothing was charged, and the next try is another payment."""
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_card(desk, key, 1_053)
    again = tendering.ask_card_again(desk, key)
    assert "charged nothing" in again.says
    assert due_of(again.order) == 2_000


def test_a_declined_card_leaves_everything_due(world: World, store: StoreSide, desk: Desk):
    """Declined is an answer: the order is as it was."""
    _, key = online(world, store)
    aside(desk, key)
    declined = tendering.pay_card(desk, key, 1_051)
    assert "declined" in declined.says
    assert status_of(declined.order) is S.STAGED
    assert due_of(declined.order) == 2_000


def test_a_crash_between_charging_and_recording_is_resolved_by_asking(
    world: World, store: StoreSide, desk: Desk
):
    """The terminal died after the card was charged: the journal knows that it was asked."""
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_card(desk, key, 1_052)
    store.store.close()
    store.open()
    fresh = replace(desk, store=store.store)
    assert "approved" in tendering.ask_card_again(fresh, key).says
    agree(world, store)


def test_cards_offline_are_off_and_capped(world: World, store: StoreSide, desk: Desk):
    """Off: the device must not approve alone. On: up to the caps, and one more is refused."""
    _, key = online(world, store)
    aside(desk, key)
    assert "declined" in tendering.pay_card(desk, key, 54).says
    allow(world, store, ReservePolicy(cards_offline=CardCaps(True, 500, 500, 2)))
    assert "OFFLINE" in tendering.pay_card(desk, key, 454).says
    assert "declined" in tendering.pay_card(desk, key, 154).says, "the sum of this terminal"
    assert sum(one.amount_minor for one in card_settling.unsettled_cards(desk)) == 454
    card_settling.settle_cards(desk)
    assert card_settling.unsettled_cards(desk) == []
    assert "OFFLINE" in tendering.pay_card(desk, key, 154).says


def test_an_offline_card_that_is_declined_when_it_settles(
    world: World, store: StoreSide, desk: Desk
):
    """The goods are gone: a debt in the ledger, and a task with an owner."""
    allow(world, store, ReservePolicy(cards_offline=CardCaps(enabled=True)))
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_card(desk, key, 1_055)
    tendering.pay_cash(desk, key, 945)
    tendering.sell(desk, key, all_of(desk, key))
    assert card_settling.settle_cards(desk) == 1
    assert card_settling.settle_cards(desk) == 0
    agree(world, store)
    assert exceptions(world) == ["card_not_settled"]
    assert books(world, desk)["bad_debt"] == 1_055


# --- gift cards and store credit --------------------------------------------------------------


def test_a_gift_card_beyond_the_limit_waits_for_central(world: World, store: StoreSide, desk: Desk):
    """Cut off: asked, shown as waiting, goods stay here; it follows up by itself on return."""
    gift_card(world, 5_000)
    _, key = online(world, store)
    aside(desk, key)
    store.cut()
    store.round()
    asked = tendering.pay_value(desk, key, TenderKind.GIFT_CARD, CODE)
    assert "cannot be reached" in asked.says
    with pytest.raises(Refusal, match="hang on an answer"):
        tendering.sell(desk, key, all_of(desk, key))
    store.settle()
    (tender,) = reservation_of(commands.load(desk, key)).tenders
    assert tender.state is TenderState.TAKEN
    tendering.sell(desk, key, all_of(desk, key))
    agree(world, store)
    assert left_on_card(world) == 3_000
    books(world, desk)


def test_a_gift_card_that_central_declines_says_so(world: World, store: StoreSide, desk: Desk):
    """Declined when it is heard: the associate reads what is left, and all is due again."""
    gift_card(world, 300)
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_value(desk, key, TenderKind.GIFT_CARD, CODE)
    store.settle()
    assert "3.00 USD left" in sentence(store, key)
    assert due_of(commands.load(desk, key)) == 2_000
    agree(world, store)


def test_a_gift_card_within_the_limit_is_taken_while_cut_off(
    world: World, store: StoreSide, desk: Desk
):
    """Up to the store's limit, then no further until central has heard of it."""
    gift_card(world, 900)
    allow(world, store, ReservePolicy(value_offline=ValueLimits(1_500, 1_000)))
    _, key = online(world, store)
    aside(desk, key)
    store.cut()
    store.round()
    taken = tendering.pay_value(desk, key, TenderKind.GIFT_CARD, CODE, 1_000)
    assert "within this store's limit" in taken.says
    asked = tendering.pay_value(desk, key, TenderKind.GIFT_CARD, CODE, 1)
    assert "cannot be reached" in asked.says
    giving_back.give_back(desk, key, 2)
    tendering.pay_cash(desk, key, 1_000)
    tendering.sell(desk, key, all_of(desk, key))
    agree(world, store)
    assert left_on_card(world) == -100
    assert exceptions(world) == ["value_overdrawn"]
    assert stored_value.unheard_values(desk) == []
    books(world, desk)
