"""Cards that go back: by their device and by the books, both or neither, whatever happens."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from store_client.adapters.payment_terminals import SimulatedTerminal
from store_client.devices import CardAnswer, NoPrinter, TerminalSilent
from store_client.flows.ship import manifests
from store_client.services import (
    card_settling,
    drawer,
    drawer_book,
    giving_back,
    tender_report,
    tendering,
)
from store_client.services.card_voiding import CardUnclear
from store_client.services.desk import Actor, Desk, NeedsRole, Refusal
from sync.domain.errors import OperationRefused
from sync.domain.paying import due_of, reservation_of
from sync.domain.people import Role
from sync.domain.reservations import ReservePolicy
from sync.domain.tenders import CardCaps, TenderKind, TenderState
from tests.escrow.test_paid_parcels import boxed, placed
from tests.support.central_world import World
from tests.support.conflicts import agree, exceptions
from tests.support.counter import all_of, allow, aside, books, charges, online, with_device
from tests.support.quicker import late
from tests.support.store_side import StoreSide


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
        giving_back.give_back(desk, key, 1)
    assert charges(tmp_path) == {f"{key}/1": 2_000}
    tenders = reservation_of(order).tenders
    assert [giving_back.can_go_back(order, one) for one in tenders] == [False, True]
    tendering.sell(desk, key, all_of(desk, key))
    with pytest.raises(OperationRefused):
        giving_back.give_back(desk, key, 1)
    assert charges(tmp_path) == {f"{key}/1": 2_000}
    agree(world, store)
    assert exceptions(world) == []
    assert books(world, desk)["card"] == 2_000


# --- given back by the device, and not recorded yet -------------------------------------------


class Torn:
    """A store of a machine whose power goes before the next operation is recorded."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        def torn(*_: object, **__: object) -> None:
            raise OSError("the power went")

        return torn if name == "perform" else getattr(self._store, name)


class Silent(SimulatedTerminal):
    """A payment terminal that says nothing when it is asked to give money back."""

    def void(self, payment: str) -> bool:
        raise TerminalSilent(payment)


def given_back_unrecorded(world: World, store: StoreSide, desk: Desk) -> str:
    """Return an order whose card has its money back while nobody could record it."""
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_card(desk, key)
    with pytest.raises(OSError, match="power"):
        giving_back.give_back(replace(desk, store=Torn(desk.store)), key, 1)
    return key


def at_second_terminal(desk: Desk, device: SimulatedTerminal) -> Desk:
    """Return another terminal of the store, with a device of its own and its drawer open."""
    second = replace(with_device(desk, device), device="T2")
    drawer.open_drawer(second, 1_000)
    return second


def test_no_goods_leave_for_a_card_that_has_its_money_back(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """The power went between the device and the record: nobody sells, and giving back goes on."""
    key = given_back_unrecorded(world, store, desk)
    assert charges(tmp_path) == {}
    store.reboot("boot-2")
    desk = replace(desk, store=store.store)
    second = replace(desk, device="T2")
    drawer.open_drawer(second, 1_000)
    with pytest.raises(Refusal, match=r"Terminal T1 began to give \$20.00 back") as caught:
        tendering.sell(second, key, all_of(desk, key))
    assert "Give that payment back there" in caught.value.todo
    assert giving_back.give_back(desk, key, 1).says == "Card: $20.00 given back"
    tendering.pay_cash(desk, key, 2_000)
    tendering.sell(desk, key, all_of(desk, key))
    agree(world, store)
    assert "card" not in books(world, desk)


def test_no_parcel_leaves_for_a_card_that_has_its_money_back(
    world: World, store: StoreSide, desk: Desk
):
    """As at the counter: its carrier does not get the box."""
    key = placed(world, store)
    boxed(desk, key)
    tendering.pay_card(desk, key)
    with pytest.raises(OSError, match="power"):
        giving_back.give_back(replace(desk, store=Torn(desk.store)), key, 1)
    with pytest.raises(Refusal, match="began to give"):
        manifests.hand_over(desk, "swift")


def test_who_sells_first_keeps_the_card(world: World, store: StoreSide, desk: Desk, tmp_path: Path):
    """A colleague sells before the device is asked: it is not asked, and the card has paid."""
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_card(desk, key)
    second = late(desk, lambda: tendering.sell(desk, key, all_of(desk, key)), "begin_void")
    with pytest.raises(OperationRefused):
        giving_back.give_back(second, key, 1)
    assert charges(tmp_path) == {f"{key}/1": 2_000}
    agree(world, store)
    assert books(world, desk)["card"] == 2_000


def test_who_gives_back_first_keeps_the_goods(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """The device is being asked while a colleague sells: refused at the last moment."""
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_card(desk, key)
    torn = replace(desk, store=Torn(desk.store))

    def give_back() -> None:
        with pytest.raises(OSError, match="power"):
            giving_back.give_back(torn, key, 1)

    with pytest.raises(Refusal, match="began to give"):
        tendering.sell(late(desk, give_back), key, all_of(desk, key))
    assert charges(tmp_path) == {}


def test_a_silent_device_leaves_it_open_and_one_that_knows_nothing_does_not(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """Not clear whether the card has its money back: the goods stay until its device says so.

    A device that never heard of the payment has given nothing back: the goods may go.
    """
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_card(desk, key)
    with pytest.raises(Refusal, match="NOT CLEAR"):
        giving_back.give_back(with_device(desk, Silent(tmp_path / "psp.json")), key, 1)
    other = at_second_terminal(desk, SimulatedTerminal(tmp_path / "other.json"))
    with pytest.raises(Refusal, match="Terminal T1 began to give it back: NOT CLEAR"):
        giving_back.give_back(other, key, 1)
    with pytest.raises(Refusal, match="began to give"):
        tendering.sell(desk, key, all_of(desk, key))
    with pytest.raises(Refusal, match="does not know payment"):
        giving_back.give_back(with_device(desk, SimulatedTerminal(tmp_path / "new.json")), key, 1)
    tendering.sell(desk, key, all_of(desk, key))
    assert charges(tmp_path) == {f"{key}/1": 2_000}


def test_another_terminal_sends_nobody_to_give_a_card_its_money_back_by_hand(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """T1's device has done it, and T1 died before the record: by hand it would be done twice."""
    key = given_back_unrecorded(world, store, desk)
    second = at_second_terminal(desk, SimulatedTerminal(tmp_path / "other.json"))
    with pytest.raises(Refusal, match="Terminal T1 began to give it back: NOT CLEAR") as caught:
        giving_back.give_back(second, key, 1)
    assert caught.value.todo.startswith("Give it back there: ^Z.")
    assert "by hand" not in f"{caught.value} {caught.value.todo}"
    assert giving_back.give_back(desk, key, 1).says == "Card: $20.00 given back"
    with pytest.raises(Refusal, match="nothing of it to give back"):
        giving_back.give_back(second, key, 1)
    agree(world, store)
    assert "card" not in books(world, desk)


def test_who_ends_giving_back_meanwhile_leaves_nothing_to_do_by_hand(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """T1 goes on and ends it while T2 asks a device that does not know: look again, says T2."""
    key = given_back_unrecorded(world, store, desk)

    class Overtaken(SimulatedTerminal):
        def void(self, payment: str) -> bool:
            giving_back.give_back(desk, key, 1)
            return super().void(payment)

    second = at_second_terminal(desk, Overtaken(tmp_path / "other.json"))
    with pytest.raises(Refusal, match="answered this very moment"):
        giving_back.give_back(second, key, 1)
    agree(world, store)
    assert "card" not in books(world, desk)


def test_a_lead_who_made_sure_says_that_a_card_of_a_terminal_that_is_gone_has_its_money(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """T1 gave the money back and is gone for good: at T2 that is recorded, once and by a lead."""
    key = given_back_unrecorded(world, store, desk)
    second = at_second_terminal(desk, SimulatedTerminal(tmp_path / "other.json"))
    with pytest.raises(CardUnclear) as caught:
        giving_back.give_back(second, key, 1)
    assert caught.value.tender == 1
    with pytest.raises(NeedsRole):
        giving_back.made_sure(replace(second, actor=Actor("A103", "Bo", Role.ASSOCIATE)), key, 1)
    said = giving_back.made_sure(second, key, 1)
    assert said.says == "Card: $20.00 recorded as given back"
    assert desk.store.voids_begun(key) == {}
    with pytest.raises(Refusal, match="nothing of it to give back"):
        giving_back.made_sure(second, key, 1)
    tendering.pay_cash(second, key, 2_000)
    tendering.sell(second, key, all_of(second, key))
    agree(world, store)
    assert charges(tmp_path) == {}
    assert "card" not in books(world, desk)


def test_nobody_says_so_of_a_card_whose_terminal_has_not_been_asked(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """A device that may only be slow is asked twice; before that, nothing can be said for it."""
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_card(desk, key)
    with pytest.raises(Refusal, match="Nobody has begun"):
        giving_back.made_sure(desk, key, 1)
    silent = with_device(desk, Silent(tmp_path / "psp.json"))
    with pytest.raises(Refusal, match="does not answer") as caught:
        giving_back.give_back(silent, key, 1)
    assert not isinstance(caught.value, CardUnclear)
    with pytest.raises(CardUnclear, match="does not answer"):
        giving_back.give_back(silent, key, 1)
    order = store.store.fulfillment(key)
    assert order is not None
    assert [one.state for one in reservation_of(order).tenders] == [TenderState.TAKEN]


def test_what_a_device_answers_meanwhile_is_not_said_once_more(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """T1 comes back and ends it while the lead at T2 says so: one return in the books."""
    key = given_back_unrecorded(world, store, desk)
    second = at_second_terminal(desk, SimulatedTerminal(tmp_path / "other.json"))
    overtaken = late(second, lambda: giving_back.give_back(desk, key, 1))
    with pytest.raises(OperationRefused):
        giving_back.made_sure(overtaken, key, 1)
    agree(world, store)
    assert "card" not in books(world, desk)


def test_a_card_that_is_charged_after_it_was_recorded_as_not_is_given_back(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """Asked again from another process before the device had it: one charge, not two."""
    _, key = online(world, store)
    aside(desk, key)

    class Slow(SimulatedTerminal):
        def charge(
            self, payment: str, amount_minor: int, currency: str, *, allow_offline: bool
        ) -> CardAnswer:
            assert "charged nothing" in tendering.ask_card_again(desk, key).says
            return super().charge(payment, amount_minor, currency, allow_offline=allow_offline)

    with pytest.raises(Refusal, match="it has its money back"):
        tendering.pay_card(with_device(desk, Slow(tmp_path / "psp.json")), key)
    assert charges(tmp_path) == {}
    assert due_of(tendering.pay_card(desk, key).order) == 0
    assert charges(tmp_path) == {f"{key}/2": 2_000}
    agree(world, store)
    assert books(world, desk)["card"] == 2_000


# --- approved offline, and declined afterwards ------------------------------------------------


def test_nothing_is_sold_for_a_card_of_which_it_is_known_that_it_was_declined(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """The settlement came before the goods left: not paid. Taken out, another payment pays."""
    allow(world, store, ReservePolicy(cards_offline=CardCaps(enabled=True)))
    _, key = online(world, store)
    aside(desk, key)
    order = tendering.pay_card(desk, key, 1_055).order
    assert card_settling.issuers_said(desk, order) == {}
    second = late(desk, lambda: card_settling.settle_cards(desk))
    tendering.pay_cash(desk, key, 945)
    with pytest.raises(Refusal, match=r"card of \$10.55 was declined"):
        tendering.sell(second, key, all_of(desk, key))
    with pytest.raises(Refusal, match=r"card of \$10.55 was declined"):
        tendering.sell(desk, key, all_of(desk, key))
    assert card_settling.issuers_said(desk, order) == {1: True}
    nobody_asks = with_device(desk, Silent(tmp_path / "psp.json"))
    assert "its issuer has paid nothing" in giving_back.give_back(nobody_asks, key, 1).says
    tendering.pay_cash(desk, key, 1_055)
    tendering.sell(desk, key, all_of(desk, key))
    agree(world, store)
    assert books(world, desk) == {"cash:T1": 12_000, "safe": -10_000, "sales": -2_000}
    (report,) = map(tender_report.report_of, drawer_book.sessions(desk.store, "T1"))
    assert report.is_balanced
    assert [(one.means, one.net_minor) for one in report.tenders] == [
        (TenderKind.CASH, 2_000), (TenderKind.CARD, 0),
    ]  # fmt: skip


def test_nobody_made_sure_that_a_declined_card_has_its_money(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """Its device fell silent, then its issuer declined: nothing was paid that could go back."""
    allow(world, store, ReservePolicy(cards_offline=CardCaps(enabled=True)))
    _, key = online(world, store)
    aside(desk, key)
    tendering.pay_card(desk, key, 1_055)
    silent = with_device(desk, Silent(tmp_path / "psp.json"))
    with pytest.raises(Refusal, match="NOT CLEAR"):
        giving_back.give_back(silent, key, 1)
    card_settling.settle_cards(desk)
    with pytest.raises(Refusal, match="its issuer has paid nothing"):
        giving_back.made_sure(desk, key, 1)
    assert "its issuer has paid nothing" in giving_back.give_back(silent, key, 1).says
    tendering.pay_cash(desk, key, 2_000)
    tendering.sell(desk, key, all_of(desk, key))
    agree(world, store)
    assert books(world, desk) == {"cash:T1": 12_000, "safe": -10_000, "sales": -2_000}


def test_no_payment_is_added_to_a_card_that_was_declined(
    world: World, store: StoreSide, desk: Desk
):
    """It would look paid together with it: said before anybody pays; no parcel leaves for it."""
    allow(world, store, ReservePolicy(cards_offline=CardCaps(enabled=True)))
    key = placed(world, store)
    boxed(desk, key)
    tendering.pay_card(desk, key, 1_055)
    card_settling.settle_cards(desk)
    with pytest.raises(Refusal, match="was declined"):
        tendering.pay_cash(desk, key, 945)
    giving_back.give_back(desk, key, 1)
    tendering.pay_card(desk, key, 1_055)
    tendering.pay_cash(desk, key, 945)
    card_settling.settle_cards(desk)
    with pytest.raises(Refusal, match="was declined"):
        manifests.hand_over(desk, "swift")


def test_a_card_that_settled_well_is_confirmed(world: World, store: StoreSide, desk: Desk):
    """Its issuer has paid: the screen says so no longer, and it goes back by its device."""
    allow(world, store, ReservePolicy(cards_offline=CardCaps(enabled=True)))
    _, key = online(world, store)
    aside(desk, key)
    order = tendering.pay_card(desk, key, 1_054).order
    card_settling.settle_cards(desk)
    assert card_settling.issuers_said(desk, order) == {1: False}
    assert giving_back.give_back(desk, key, 1).says == "Card: $10.54 given back"
    agree(world, store)
    assert books(world, desk) == {"cash:T1": 10_000, "safe": -10_000}


def sold_before_it_was_declined(world: World, store: StoreSide, desk: Desk) -> str:
    """Sell two of three pieces for a card and some cash."""
    allow(world, store, ReservePolicy(cards_offline=CardCaps(enabled=True)))
    _, key = online(world, store, 3)
    aside(desk, key)
    tendering.pay_card(desk, key, 1_055)
    tendering.pay_cash(desk, key, 945, 945)
    tendering.sell(desk, key, ((1, 2),))
    return key


def test_the_rest_of_an_order_is_sold_beside_a_declined_card_whose_goods_have_left(
    world: World, store: StoreSide, desk: Desk
):
    """The card is a debt and a task, and cannot be taken out: the third piece is paid and goes."""
    key = sold_before_it_was_declined(world, store, desk)
    card_settling.settle_cards(desk)
    with pytest.raises(OperationRefused):
        giving_back.give_back(desk, key, 1)
    tendering.pay_cash(desk, key, 1_000)
    assert "all done" in tendering.sell(desk, key, all_of(desk, key)).says
    agree(world, store)
    assert exceptions(world) == ["card_not_settled"]
    assert books(world, desk)["bad_debt"] == 1_055


def test_what_was_paid_beside_a_card_that_is_declined_later_is_sold(
    world: World, store: StoreSide, desk: Desk
):
    """The third piece was paid before its issuer said so: nothing of that is to be given back."""
    key = sold_before_it_was_declined(world, store, desk)
    tendering.pay_cash(desk, key, 1_000)
    card_settling.settle_cards(desk)
    assert "all done" in tendering.sell(desk, key, all_of(desk, key)).says
    agree(world, store)
    assert exceptions(world) == ["card_not_settled"]
    assert books(world, desk)["bad_debt"] == 1_055


def test_boxes_that_leave_together_do_so_where_a_card_is_declined_in_between(
    world: World, store: StoreSide, desk: Desk
):
    """The first box has left with it when its issuer is heard: the driver takes the other, too."""
    allow(world, store, ReservePolicy(cards_offline=CardCaps(enabled=True)))
    key = placed(world, store)
    boxed(desk, key, 1, 1)
    tendering.pay_card(desk, key, 1_055)
    order = tendering.pay_cash(desk, key, 945).order

    class Between(NoPrinter):
        def print(self, name: str, text: str, code: str = "") -> str:
            card_settling.settle_cards(desk)
            return super().print(name, text, code)

    driver = replace(desk, devices=replace(desk.devices, receipts=Between()))
    assert manifests.hand_over_order(driver, order).total("open") == 0
    agree(world, store)
    assert exceptions(world) == ["card_not_settled"]
