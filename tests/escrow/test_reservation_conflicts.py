"""Reservations where store and central decided apart: the rows of the conflict catalogue."""

import re

import pytest

from central_server.records import Price
from central_server.services.catalogue_intake import StockItem
from store_client.flows.reserve import commands
from store_client.services import giving_back, holds, reserving, tendering
from store_client.services.desk import Desk, Refusal
from sync.domain import operations as op
from sync.domain.card_numbers import CardNumberRefused
from sync.domain.flows import status_of
from sync.domain.paying import due_of
from sync.domain.reservations import ReservePolicy
from sync.domain.tenders import TenderKind, ValueLimits
from tests.support.central_world import World
from tests.support.conflicts import (
    agree,
    customer_reads,
    people,
    refused,
    sale_sentence,
    sentence,
)
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

HELD = "Reservation N: it is held for you"
OVER = "Reservation N is no longer held"

# --- the catalogue: holds ---------------------------------------------------------------------


def test_a_hold_ends_on_the_terminal_while_cut_off(world: World, store: StoreSide, desk: Desk):
    """The machine releases it by itself, payment is refused, and central agrees afterwards."""
    order_id, key = online(world, store)
    aside(desk, key)
    store.settle()
    store.cut()
    pass_time(world, store, 8 * 24 * HOUR_MS)
    with pytest.raises(Refusal) as caught:
        tendering.pay_cash(desk, key, 2_000)
    assert refused(caught.value) == (
        "It was held until 24 Nov 21:00 and is over."
        " Release it; the customer can still buy at today's price."
    )
    assert holds.end_holds(store.store, "T1") == 1
    assert status_of(commands.load(desk, key)) is S.EXPIRED
    commands.put_back_all(desk, key)
    agree(world, store)
    assert world.order(order_id)["status"] == "cancelled"
    assert world.stock("S001") == (10, 0)
    assert sentence(store, key) == "", "as it should be: nothing has to be said"
    assert customer_reads(world) == [OVER, HELD]
    assert people(world) == []


def test_all_holds_that_are_over_end_at_once(world: World, store: StoreSide, desk: Desk):
    """What ends first and stays to be put back hides nothing from the machine."""
    keys = [online(world, store)[1] for _ in range(3)]
    for key in keys:
        aside(desk, key)
    store.settle()
    pass_time(world, store, 8 * 24 * HOUR_MS)
    assert holds.end_holds(store.store, "T1") == 3
    assert {status_of(commands.load(desk, key)) for key in keys} == {S.EXPIRED}


def test_a_wrong_wall_clock_ends_nobodys_hold(world: World, store: StoreSide, desk: Desk):
    """Within a boot, time is central's by a clock that nobody can set."""
    _, key = online(world, store)
    aside(desk, key)
    store.settle()
    store.clock.wall_ms += 400 * 24 * HOUR_MS
    assert holds.end_holds(store.store, "T1") == 0
    tendering.pay_cash(desk, key, 2_000)
    tendering.sell(desk, key, all_of(desk, key))
    store.reboot("boot-2")
    assert holds.end_holds(store.store, "T1") == 0


def test_the_reservation_expired_at_central_and_was_paid_offline_before_it_heard(
    world: World, store: StoreSide, desk: Desk
):
    """The fact wins: the end is undone, the money is booked, nobody has to act."""
    order_id, key = online(world, store)
    aside(desk, key)
    store.settle()
    store.cut()
    tendering.pay_cash(desk, key, 2_000)
    tendering.sell(desk, key, all_of(desk, key))
    world.clock.advance(8 * 24 * HOUR_MS)
    assert world.parts.holds.run() == 1
    assert world.order(order_id)["status"] == "cancelled"
    agree(world, store)
    assert world.order(order_id)["status"] == "fulfilled"
    assert sentence(store, key) == (
        "The reservation had ended at central, but the goods are paid and with the customer:"
        " it counts as sold."
    )
    assert customer_reads(world) == [HELD], "not that it is held no longer"
    assert people(world) == []
    books(world, desk)


def test_a_hold_that_is_over_gives_way_by_ending(world: World, store: StoreSide):
    """Sold at the till after its time, before anybody ended it: the customer is not asked anew."""
    order_id, _ = online(world, store)
    store.cut()
    pass_time(world, store, 8 * 24 * HOUR_MS)
    number = world.order(order_id)["number"]
    store.sell(9, breaks=number)
    agree(world, store)
    (work,) = world.fulfillments(order_id)
    assert status_of(work) is S.EXPIRED
    assert world.order(order_id)["status"] == "cancelled"
    assert world.stock("S001") == (1, 0)
    assert sale_sentence(store) == "", "the book has a unit for each promise that holds"
    assert customer_reads(world) == [OVER, HELD]
    assert people(world) == []


def test_cancelled_centrally_while_the_customer_was_paying(
    world: World, store: StoreSide, desk: Desk
):
    """Paid, not taken: the order says that the money goes back, until it has."""
    order_id, key = online(world, store)
    aside(desk, key)
    store.settle()
    store.cut()
    tendering.pay_cash(desk, key, 2_000)
    world.parts.central.cancelling.cancel(order_id, reason="", actor="test")
    agree(world, store)
    order = commands.load(desk, key)
    assert status_of(order) is S.REFUND_DUE
    assert [row.id for row in store.store.board("reserve")] == [key]
    assert sentence(store, key) == (
        "The reservation had ended at central when this was paid: give the money back, or sell"
        " the goods at the till."
    )
    assert people(world) == ["put_back_due: store, within 8 hours"]
    giving_back.give_back(desk, key, 1)
    commands.put_back_all(desk, key)
    agree(world, store)
    assert status_of(commands.load(desk, key)) is S.CANCELLED
    assert books(world, desk) == {"cash:T1": 10_000, "safe": -10_000}
    assert customer_reads(world) == ["Reservation N is cancelled", HELD]
    assert people(world) == []


def test_an_extension_is_shown_at_once_and_answered_later(
    world: World, store: StoreSide, desk: Desk
):
    """Asked while cut off: held that long here meanwhile, marked as asked, granted on return."""
    _, key = online(world, store)
    aside(desk, key)
    store.settle()
    before = commands.load(desk, key).expires_at_ms
    assert before is not None
    store.cut()
    after = commands.extend(desk, key, 24)
    assert after.expires_at_ms == before + 24 * HOUR_MS
    assert [row.provisional for row in store.store.board("reserve")] == [True]
    agree(world, store)
    assert [row.provisional for row in store.store.board("reserve")] == [False]
    held = commands.load(desk, key)
    assert held.expires_at_ms == before + 24 * HOUR_MS
    commands.extend(desk, key, 1000)
    with pytest.raises(Refusal, match="as long as it may be"):
        commands.extend(desk, key, 1)
    agree(world, store)


def test_the_extension_came_too_late_for_central(world: World, store: StoreSide, desk: Desk):
    """Central had ended it: the request is refused in words, and the view lets go of it."""
    _, key = online(world, store)
    aside(desk, key)
    store.settle()
    store.cut()
    commands.extend(desk, key, 24)
    world.clock.advance(8 * 24 * HOUR_MS)
    world.parts.holds.run()
    store.settle()
    assert status_of(commands.load(desk, key)) is S.EXPIRED
    assert sentence(store, key) == "extension requested is not possible: the order is expired"
    assert people(world) == ["put_back_due: store, within 8 hours"]
    commands.put_back_all(desk, key)
    agree(world, store)
    assert customer_reads(world) == [OVER, HELD]
    assert people(world) == []


def test_a_place_on_the_waiting_list_is_queued_and_followed_up(
    world: World, store: StoreSide, desk: Desk
):
    """Asked for while cut off, shown as asked; when stock comes it is held by itself."""
    store.cut()
    order = reserving.wait(desk, HIT, reserving.Wish("Ines Hale", 12))
    (row,) = store.store.board("reserve")
    assert (row.status, row.provisional) == (S.WAITLISTED, True)
    store.settle()
    (row,) = store.store.board("reserve")
    assert (row.status, row.provisional) == (S.WAITLISTED, False)
    world.parts.intake.stock([StockItem("S001", "SKU-1", 30)], "delivery")
    for _ in range(3):
        store.settle()
        world.parts.holds.run()
    store.settle()
    (row,) = store.store.board("reserve")
    assert row.status is S.NEW
    aside(desk, order.id)
    tendering.pay_cash(desk, order.id, 12_000)
    tendering.sell(desk, order.id, all_of(desk, order.id))
    agree(world, store)
    assert world.stock("S001") == (18, 0)
    books(world, desk)


def test_sold_on_the_floor_over_a_reservation(world: World, store: StoreSide, desk: Desk):
    """The till sold what was held: the customer is asked, nothing is moved elsewhere."""
    order_id, key = online(world, store, 8)
    store.cut()
    store.sell(3, breaks=key)
    agree(world, store)
    assert len(world.fulfillments(order_id)) == 1
    assert commands.load(desk, key).total("open") == 7
    assert sale_sentence(store) == "The store cannot hold 1 piece: central asks the customer."
    assert customer_reads(world) == [HELD, "Reservation N: not all of it is there"]
    assert people(world) == ["unsourced: central, within 4 hours"]


def test_a_price_that_went_up_while_cut_off_is_recorded(world: World, store: StoreSide, desk: Desk):
    """The price on the store's screen is paid; the difference is written down."""
    store.cut()
    world.parts.intake.prices([Price("EAST", "SKU-1", 9_999, "USD")])
    order = reserving.reserve(desk, HIT, reserving.Wish("Ines Hale", 2))
    aside(desk, order.id)
    tendering.pay_cash(desk, order.id, 2_000)
    receipt = tendering.sell(desk, order.id, all_of(desk, order.id)).text
    assert re.search(r"TOTAL +\$20\.00", receipt)
    agree(world, store)
    assert books(world, desk)["sales"] == -2_000
    placed = world.order(order.id)["timeline"][0]["text"]
    assert "SKU-1 at 10.00 USD, the price list says 99.99 USD" in placed
    assert sentence(store, order.id) == "", "nothing is priced anew"
    assert customer_reads(world) == []
    assert people(world) == []


def test_a_gift_card_while_cut_off(world: World, store: StoreSide, desk: Desk):
    """What is on it only central knows: the goods stay here until it has answered."""
    gift_card(world, 300)
    _, key = online(world, store)
    aside(desk, key)
    store.cut()
    store.round()
    assert tendering.pay_value(desk, key, TenderKind.GIFT_CARD, CODE).says == (
        "Central cannot be reached: the gift card is asked about when it is."
        " Take another payment, or let the goods wait here"
    )
    with pytest.raises(Refusal) as caught:
        tendering.sell(desk, key, all_of(desk, key))
    assert refused(caught.value) == (
        "$20.00 hang on an answer. The goods stay here until it is given."
    )
    agree(world, store)
    assert due_of(commands.load(desk, key)) == 2_000
    assert [one.text for one in store.store.fates_of(key) if one.text] == [
        "Not taken: the gift card has 3.00 USD left, 20.00 USD were asked."
    ]
    assert customer_reads(world) == [HELD]
    assert people(world) == []


def test_a_gift_card_within_the_stores_limit_while_cut_off(
    world: World, store: StoreSide, desk: Desk
):
    """The store's own allowance: goods and receipt go along; what was not on it is somebody's."""
    gift_card(world, 900)
    allow(world, store, ReservePolicy(value_offline=ValueLimits(1_500, 1_000)))
    _, key = online(world, store, 1)
    aside(desk, key)
    store.cut()
    store.round()
    assert tendering.pay_value(desk, key, TenderKind.GIFT_CARD, CODE, 1_000).says == (
        "Gift card $10.00 taken within this store's limit: central checks it when it is reached"
    )
    tendering.sell(desk, key, all_of(desk, key))
    agree(world, store)
    assert left_on_card(world) == -100
    assert sentence(store, key) == "", "who accepted it reads nothing: it is central's to settle"
    assert customer_reads(world) == [HELD]
    assert people(world) == ["value_overdrawn: central, within 48 hours"]


# --- card numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["name", "phone"])
def test_no_card_number_gets_into_a_reservation(desk: Desk, field: str, store: StoreSide):
    """Typed into the wrong field: refused in words, and nowhere on the disk."""
    number = "4111 1111 1111 1111"
    wish = reserving.Wish("Ines", 1, number) if field == "phone" else reserving.Wish(number, 1)
    head = store.store.journal.head().seq
    with pytest.raises(CardNumberRefused, match="payment terminal only"):
        reserving.reserve(desk, HIT, wish)
    assert store.store.journal.head().seq == head


def test_no_card_number_is_taken_for_a_gift_card(world: World, store: StoreSide, desk: Desk):
    """A bank card that is scanned as a gift card is refused before anything is made of it."""
    _, key = online(world, store)
    aside(desk, key)
    with pytest.raises(CardNumberRefused):
        tendering.pay_value(desk, key, TenderKind.GIFT_CARD, "4111111111111111")


def test_nothing_typed_reaches_the_journal_with_a_card_number_in_it(
    world: World, store: StoreSide, desk: Desk
):
    """Whatever the field: the journal itself refuses it."""
    _, key = online(world, store)
    aside(desk, key)
    with pytest.raises(CardNumberRefused) as caught:
        desk.perform(op.Staged(key, "4111111111111111"))
    assert "4111" not in str(caught.value)
