"""Cards at a store whose journal was put back: a payment terminal remembers more than it does."""

from dataclasses import replace
from pathlib import Path

import pytest

from store_client.adapters.payment_terminals import SimulatedTerminal
from store_client.devices import CardAnswer, TerminalSilent
from store_client.order_cli import refusal_words
from store_client.replica import copies
from store_client.replica.store import Files
from store_client.services import giving_back, tendering
from store_client.services.desk import Desk, Refusal
from sync.domain.errors import OperationRefused
from sync.domain.paying import due_of, reservation_of
from sync.domain.tenders import TenderState
from tests.support.central_world import World
from tests.support.conflicts import agree
from tests.support.counter import all_of, aside, books, charges, online, with_device
from tests.support.store_side import StoreSide


def put_back(store: StoreSide, desk: Desk, copy: Path) -> Desk:
    """Restore a copy of the journal; return the counter of the process after that."""
    store.store.close()
    copies.restore(Files(store.folder), store.clock, "", copy, force=True)
    store.open()
    return replace(desk, store=store.store)


@pytest.mark.parametrize("is_given_back", [True, False], ids=["given back", "charged"])
def test_a_payment_that_only_the_payment_terminal_knows_is_not_taken_for_a_new_one(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path, is_given_back: bool
):
    """Its old approval pays for nothing: no goods leave for it, and no card is charged twice."""
    _, key = online(world, store)
    aside(desk, key)
    store.settle()
    copies.back_up(store.store, "", tmp_path / "night")
    store.cut()
    tendering.pay_card(desk, key)
    if is_given_back:
        giving_back.give_back(desk, key, 1)
    before = charges(tmp_path)
    desk = put_back(store, desk, tmp_path / "night")
    with pytest.raises(Refusal, match="which is not recorded here: nothing was charged") as refused:
        tendering.pay_card(desk, key)
    assert "tell a manager" in refusal_words(refused.value)
    order = store.store.fulfillment(key)
    assert order is not None
    assert (due_of(order), reservation_of(order).tenders) == (2_000, ())
    with pytest.raises(Refusal, match="still due"):
        tendering.sell(desk, key, all_of(desk, key))
    assert charges(tmp_path) == before


def test_after_a_part_in_cash_a_card_pays_the_rest(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """The next payment has a name that the payment terminal has not heard: it is charged."""
    _, key = online(world, store)
    aside(desk, key)
    store.settle()
    copies.back_up(store.store, "", tmp_path / "night")
    store.cut()
    tendering.pay_card(desk, key)
    giving_back.give_back(desk, key, 1)
    desk = put_back(store, desk, tmp_path / "night")
    with pytest.raises(Refusal):
        tendering.pay_card(desk, key)
    tendering.pay_cash(desk, key, 500, 500)
    assert due_of(tendering.pay_card(desk, key).order) == 0
    assert charges(tmp_path) == {f"{key}/2": 1_500}
    tendering.sell(desk, key, all_of(desk, key))
    agree(world, store)
    assert books(world, desk)["card"] == 1_500


def test_a_payment_terminal_that_cannot_say_what_it_knows_charges_nothing(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """Nothing is open after it: another payment is taken at once."""
    _, key = online(world, store)
    aside(desk, key)

    class Silent(SimulatedTerminal):
        def recall(self, payment: str) -> CardAnswer:
            raise TerminalSilent(payment)

    silent = with_device(desk, Silent(tmp_path / "psp.json"))
    with pytest.raises(Refusal, match="does not answer: nothing was charged"):
        tendering.pay_card(silent, key)
    assert charges(tmp_path) == {}
    assert due_of(tendering.pay_cash(silent, key, 2_000).order) == 0


def test_a_card_that_another_process_has_charged_meanwhile_is_recorded(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """Two programs ask at once: who comes second is not told that nobody has recorded it."""
    _, key = online(world, store)
    aside(desk, key)

    class Behind(SimulatedTerminal):
        def recall(self, payment: str) -> CardAnswer:
            tendering.pay_card(desk, key, 500)
            return super().recall(payment)

    behind = with_device(desk, Behind(tmp_path / "psp.json"))
    with pytest.raises(OperationRefused) as refused:
        tendering.pay_card(behind, key, 500)
    assert "not recorded here" not in str(refused.value)
    order = store.store.fulfillment(key)
    assert order is not None
    assert [one.state for one in reservation_of(order).tenders] == [TenderState.TAKEN]
    assert charges(tmp_path) == {f"{key}/1": 500}
