"""Parcels that are paid in the store that sends them: its commands, its drawer, and central."""

import re
from dataclasses import replace

import pytest

from central_server.services.idempotency import RequestIdentity
from store_client.flows.ship import commands, manifests
from store_client.flows.ship.board import Step, describe, facts_of, next_step
from store_client.services import drawer, drawer_book, giving_back, holds, tender_report, tendering
from store_client.services.desk import Desk, Refusal
from store_client.services.shelf import load
from sync.domain.flows import status_of
from sync.domain.flows.ship import shipment_of
from sync.domain.fulfillment import FulfillmentOrder, RefusalReason, ShortReason
from sync.domain.operations import LineQuantity
from sync.domain.orders import PaymentPlace
from sync.domain.reserve_operations import CardAnswered, CardAsked
from sync.domain.tenders import TenderKind
from tests.support.central_world import World
from tests.support.conflicts import agree, exceptions
from tests.support.counter import CODE, S, books, gift_card, left_on_card
from tests.support.parcels import CARRIERS, parcel_order
from tests.support.quicker import late
from tests.support.store_side import StoreSide

DAY_MS = 86_400_000
OPENED = {"cash:T1": 10_000, "safe": -10_000}


@pytest.fixture
def key(world: World, store: StoreSide) -> str:
    """A parcel of two for S001, to be paid there, which the store knows of."""
    return placed(world, store)


def placed(world: World, store: StoreSide) -> str:
    world.parts.intake.carriers(CARRIERS)
    store.settle()
    world.keys += 1
    new = replace(parcel_order(("SKU-1", 2)), payment=PaymentPlace.IN_STORE)
    order = world.parts.central.orders.place(new, RequestIdentity("t", f"p{world.keys}", "b"))
    store.settle()
    (work,) = world.fulfillments(order.order_id)
    assert work.location_id == "S001"
    return work.id


def boxed(desk: Desk, key: str, *boxes: int) -> FulfillmentOrder:
    """Pick it, pack so many units into each box, label and list them."""
    order = commands.pick_by_hand(desk, key, 1, 2)
    for units in boxes or (2,):
        commands.pack(desk, key, "900", [LineQuantity(1, units)])
        order = commands.label(desk, key).order
    return manifests.list_box(desk, order)


def step(order: FulfillmentOrder) -> Step:
    return next_step(facts_of(order))


def listed_as(desk: Desk) -> str:
    """Return what Today says of the only parcel."""
    (row,) = desk.store.board("ship_from_store")
    return str(describe(row, desk.store.store_row(), desk.clock.now_ms()).step)


def test_an_unpaid_box_stays_and_leaves_once_it_is_paid(world, store, desk, key, tmp_path):
    """The terminal says what is due and what to do; paid in part it says what is left."""
    order = boxed(desk, key)
    assert (step(order), listed_as(desk)) == (Step.PAY, "◐ To be paid, then it leaves")
    for leaving in (lambda: manifests.hand_over(desk, "swift"),
                    lambda: manifests.hand_over_order(desk, order)):  # fmt: skip
        with pytest.raises(Refusal, match=r"is not paid: \$20.00 are due") as caught:
            leaving()
        assert caught.value.todo.startswith("Take the payment first")
    tendering.pay_cash(desk, key, 500)
    assert listed_as(desk) == "◐ To be paid, then it leaves"
    order = tendering.pay_card(desk, key).order
    assert (step(order), listed_as(desk)) == (Step.HAND_OVER, "⇥ Paid: waits for the carrier")
    assert manifests.hand_over(desk, "swift").count == 1
    agree(world, store)
    assert books(world, desk) == {
        "cash:T1": 10_500, "safe": -10_000, "card": 1_500, "sales": -2_000,
    }  # fmt: skip
    (receipt,) = (tmp_path / "receipts").iterdir()
    assert re.search(r"TOTAL +\$20.00", receipt.read_text())


def test_of_a_manifest_the_paid_boxes_leave(world, store, desk, key):
    """The driver takes what is paid; how many stay is said, and why."""
    other = placed(world, store)
    for one in (key, other):
        boxed(desk, one)
    tendering.pay_card(desk, key)
    done = manifests.hand_over(desk, "swift")
    assert (done.count, "1 stay here. Order" in done.says) == (1, True)
    assert "is not paid" in done.says
    assert status_of(load(desk, other)) is S.MANIFESTED
    agree(world, store)


def test_a_paid_box_leaves_by_an_open_drawer(world, store, desk, key):
    """Counted before the driver comes: else the sale would be in no tender report."""
    boxed(desk, key)
    tendering.pay_card(desk, key)
    drawer.count_drawer(desk, 10_000)
    for leaving in (lambda: manifests.hand_over(desk, "swift"),
                    lambda: manifests.hand_over_order(desk, load(desk, key))):  # fmt: skip
        with pytest.raises(Refusal, match="not open"):
            leaving()
    drawer.open_drawer(desk, 10_000)
    second = late(desk, lambda: drawer.count_drawer(desk, 10_000))
    with pytest.raises(Refusal, match="not open"):
        manifests.hand_over_order(second, load(desk, key))
    drawer.open_drawer(desk, 10_000)
    assert manifests.hand_over(desk, "swift").count == 1
    reports = [tender_report.report_of(one) for one in drawer_book.sessions(desk.store, "T1")]
    assert [(one.sales_minor, one.prepaid_minor) for one in reports] == [
        (0, 2_000), (0, 0), (2_000, -2_000),
    ]  # fmt: skip
    agree(world, store)
    books(world, desk)


def test_two_boxes_with_one_payment_leave_together(world, store, desk, key):
    """What would stay of a payment could not be given back: one box alone is not let go."""
    order = boxed(desk, key, 1, 1)
    order = tendering.pay_card(desk, key).order
    commands.void(desk, key, 2)
    with pytest.raises(Refusal, match=r"\$10.00 of what was paid would stay here"):
        manifests.hand_over_order(desk, load(desk, key))
    commands.label(desk, key)
    order = manifests.list_box(desk, load(desk, key))
    order = manifests.hand_over_order(desk, order)
    assert status_of(order) is S.SHIPPED
    agree(world, store)
    assert books(world, desk) == {**OPENED, "card": 2_000, "sales": -2_000}


def test_a_gift_card_is_asked_of_central_and_the_box_waits_for_it(world, store, desk, key):
    """Beyond the store's limit nothing is taken without central's word, and nothing leaves."""
    gift_card(world, 5_000)
    order = boxed(desk, key)
    tendering.pay_value(desk, key, TenderKind.GIFT_CARD, CODE)
    with pytest.raises(Refusal, match=r"\$20.00 hang on an answer"):
        manifests.hand_over_order(desk, load(desk, key))
    store.settle()
    order = manifests.hand_over_order(desk, load(desk, key))
    assert status_of(order) is S.SHIPPED
    agree(world, store)
    assert (left_on_card(world), books(world, desk)["gift_card"]) == (3_000, 2_000)


def test_a_silent_card_keeps_the_box_here(world, store, desk, key):
    """Whether it was charged is not known: no second payment, no box, until it is asked again."""
    order = boxed(desk, key)
    desk.perform(CardAsked(key, 1, 2_000))
    for refused in (lambda: tendering.pay_cash(desk, key, 2_000),
                    lambda: manifests.hand_over_order(desk, order),
                    lambda: holds.not_wanted(desk, key, RefusalReason.PRICE)):  # fmt: skip
        with pytest.raises(Exception, match=r"not clear|not paid|hang on|[Gg]ive it back first"):
            refused()
    order = desk.perform(CardAnswered(key, 1, approved=True, reference="C-1"))
    assert status_of(manifests.hand_over_order(desk, order)) is S.SHIPPED
    agree(world, store)


def test_paid_and_then_short_is_owed_until_it_is_given_back(world, store, desk, key):
    """One of two breaks: another store sends it and takes its price; here the payment goes back.

    What is left is paid anew, as payments go back whole.
    """
    commands.pick_by_hand(desk, key, 1, 2)
    tendering.pay_card(desk, key)
    order = commands.short(desk, key, 1, 1, ShortReason.DAMAGED)
    commands.put_back_all(desk, key)
    assert step(load(desk, key)) is Step.GIVE_BACK
    store.settle()
    assert "money_owed" in exceptions(world)
    moved = [one for one in world.fulfillments(order.order_id) if one.id != key]
    assert [(one.location_id, one.total("open"), one.reserve is not None) for one in moved] == [
        ("S002", 1, True)
    ]
    giving_back.give_back(desk, key, 1)
    store.settle()
    assert "money_owed" not in exceptions(world)
    order = commands.pack(desk, key, "500")
    commands.label(desk, key)
    manifests.list_box(desk, load(desk, key))
    tendering.pay_cash(desk, key, 1_000)
    order = manifests.hand_over_order(desk, load(desk, key))
    assert shipment_of(order).boxes[0].shipped_at_ms is not None
    agree(world, store)
    assert books(world, desk) == {"cash:T1": 11_000, "safe": -10_000, "sales": -1_000}


def test_not_wanted_or_not_paid_its_goods_are_free_again(world, store, desk, key):
    """On the telephone the customer says no; of another one nobody hears in time."""
    other = placed(world, store)
    boxed(desk, key)
    holds.not_wanted(desk, key, RefusalReason.CHANGED_MIND)
    commands.put_back_all(desk, key)
    with pytest.raises(Refusal, match="It is held until"):
        holds.release(desk, other)
    world.clock.advance(2 * DAY_MS)
    if store.clock is not world.clock:
        store.clock.advance(2 * DAY_MS)
    store.settle()
    with pytest.raises(Refusal, match="is over"):
        tendering.pay_cash(desk, other, 2_000)
    holds.release(desk, other)
    agree(world, store)
    assert world.stock("S001") == (10, 0)
    assert books(world, desk) == OPENED


def test_a_parcel_that_came_paid_takes_no_money(world, store, desk):
    """Nor is anything of it held until somebody pays: it leaves as ever."""
    world.parts.intake.carriers(CARRIERS)
    store.settle()
    identity = RequestIdentity("t", "plain", "b")
    placed = world.parts.central.orders.place(parcel_order(("SKU-1", 2)), identity)
    store.settle()
    (work,) = world.fulfillments(placed.order_id)
    order = boxed(desk, work.id)
    assert step(order) is Step.HAND_OVER
    with pytest.raises(Exception, match="paid elsewhere"):
        tendering.pay_cash(desk, work.id, 2_000)
    assert status_of(manifests.hand_over_order(desk, order)) is S.SHIPPED
