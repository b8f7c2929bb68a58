"""Reservations where store and central decided apart: the rows of the conflict catalogue."""

import pytest

from central_server.services.catalogue_intake import StockItem
from store_client.flows.reserve import commands
from store_client.services import holds, reserving, tendering
from store_client.services.desk import Desk, Refusal
from sync.domain import operations as op
from sync.domain.card_numbers import CardNumberRefused
from sync.domain.flows import status_of
from sync.domain.tenders import TenderKind
from tests.support.central_world import World
from tests.support.counter import (
    HIT,
    HOUR_MS,
    S,
    agree,
    all_of,
    aside,
    books,
    exceptions,
    online,
    pass_time,
    sentence,
)
from tests.support.store_side import StoreSide

# --- the catalogue: holds ---------------------------------------------------------------------


def test_a_hold_ends_on_the_terminal_while_cut_off(world: World, store: StoreSide, desk: Desk):
    """The machine releases it by itself, payment is refused, and central agrees afterwards."""
    order_id, key = online(world, store)
    aside(desk, key)
    store.settle()
    store.cut()
    pass_time(world, store, 8 * 24 * HOUR_MS)
    with pytest.raises(Refusal, match="is over"):
        tendering.pay_cash(desk, key, 2_000)
    assert holds.end_holds(store.store, "T1") == 1
    assert status_of(commands.load(desk, key)) is S.EXPIRED
    commands.put_back_all(desk, key)
    agree(world, store)
    assert world.order(order_id)["status"] == "cancelled"
    assert world.stock("S001") == (10, 0)


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
    assert "counts as sold" in sentence(store, key)
    assert exceptions(world) == []
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
    assert exceptions(world) == []
    assert world.stock("S001") == (1, 0)
    assert [one.subject for one in world.mails() if "cannot hold" in one.text] == []


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
    assert "give the money back" in sentence(store, key)
    tendering.give_back(desk, key, 1)
    commands.put_back_all(desk, key)
    agree(world, store)
    assert status_of(commands.load(desk, key)) is S.CANCELLED
    assert books(world, desk) == {"cash:T1": 10_000, "safe": -10_000}


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
    assert "not possible" in sentence(store, key)
    commands.put_back_all(desk, key)
    agree(world, store)


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
    assert exceptions(world) == ["unsourced"]
    assert commands.load(desk, key).total("open") == 7


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
