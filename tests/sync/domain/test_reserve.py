"""Reservations: held, paid and sold; and what happens when central decided otherwise."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.domain import operations as op
from sync.domain import reserve_operations as res
from sync.domain.errors import DomainError, IllegalTransition, QuantityRefused
from sync.domain.flows.reserve import FLOW
from sync.domain.fulfillment import (
    FulfillmentOrder,
    FulfillmentStatus,
    RefusalReason,
    ShortReason,
    cancel_open,
)
from sync.domain.money_ledger import Posting, balances, money_postings, order_postings
from sync.domain.money_operations import CashMoved, CashReason, DrawerCounted, DrawerOpened
from sync.domain.opening import OpenHours
from sync.domain.operations import LineQuantity
from sync.domain.paying import balance_of, begun, due_of
from sync.domain.reservations import CategoryHold, ReservePolicy, hold_end_ms
from sync.domain.tenders import TenderKind, TenderRefused
from sync.domain.transitions import ConsequenceKind, advance, decide
from tests.support.builders import NOON_MS, an_order, waiting
from tests.sync.domain import samples

S = FulfillmentStatus
KEY = "F00001"
HOUR_MS = 3_600_000
CASH = res.TenderTaken(KEY, 1, TenderKind.CASH, 2000)
SOLD = res.ReservationConverted(KEY, (LineQuantity(1, 2),), 2000)


def reserved(*quantities: int) -> FulfillmentOrder:
    return an_order(1, *(quantities or (2,)), flow="reserve")


def after(order: FulfillmentOrder, *operations) -> FulfillmentOrder:
    for operation in operations:
        order = decide(FLOW, order, operation, NOON_MS).after
    return order


def late(order: FulfillmentOrder, *operations):
    kinds = []
    for operation in operations:
        outcome = advance(FLOW, order, operation, NOON_MS)
        order = outcome.after
        kinds += [one.kind for one in outcome.consequences]
    return order, kinds


PICKED = (op.LinePicked(KEY, 1, 2),)


def test_paid_and_taken():
    """Money first, then the goods; after both nothing is left to settle."""
    order = after(reserved(), *PICKED, CASH)
    assert FLOW.status_of(order) is S.TENDERING
    assert (balance_of(order), due_of(order)) == (2000, 0)
    order = after(order, SOLD)
    assert FLOW.status_of(order) is S.CONVERTED
    assert balance_of(order) == 0


def test_goods_never_leave_unpaid_or_at_another_price():
    """Not paid, not all paid, or another price than was promised: refused."""
    order = after(reserved(), *PICKED)
    with pytest.raises(IllegalTransition):
        after(order, SOLD)
    half = after(order, replace(CASH, amount_minor=1000))
    with pytest.raises(TenderRefused, match="Not all of it is paid"):
        after(half, SOLD)
    with pytest.raises(TenderRefused, match="price that was promised"):
        after(after(order, CASH), replace(SOLD, total_minor=1999))


def test_nobody_pays_more_than_is_due():
    """What is asked for counts as well as what was taken."""
    order = after(reserved(), *PICKED, res.CardAsked(KEY, 1, 1500))
    with pytest.raises(QuantityRefused):
        after(order, res.TenderTaken(KEY, 2, TenderKind.CASH, 501))
    assert due_of(order) == 500


def test_a_part_is_sold_and_the_rest_stays_held():
    """One of two is paid and gone; the other waits on, and can be sold later."""
    one = res.ReservationConverted(KEY, (LineQuantity(1, 1),), 1000)
    order = after(reserved(), *PICKED, replace(CASH, amount_minor=1000), one)
    assert FLOW.status_of(order) is S.PARTIALLY_CONVERTED
    order = after(order, replace(CASH, tender=2, amount_minor=1000), one)
    assert FLOW.status_of(order) is S.CONVERTED


def test_a_card_hangs_on_its_terminals_answer():
    """Asked, declined, asked again and approved; only an answer with a reference is money."""
    order = after(reserved(), *PICKED, res.CardAsked(KEY, 1, 2000))
    with pytest.raises(TenderRefused):
        after(order, SOLD)
    with pytest.raises(TenderRefused, match="reference"):
        after(order, res.CardAnswered(KEY, 1, approved=True))
    with pytest.raises(TenderRefused, match="not answered yet"):
        after(order, res.TenderReturned(KEY, 1))
    declined = after(order, res.CardAnswered(KEY, 1, approved=False))
    assert FLOW.status_of(declined) is S.PICKED
    paid = after(declined, res.CardAsked(KEY, 2, 2000), res.CardAnswered(KEY, 2, True, "T-1"))
    assert FLOW.status_of(after(paid, SOLD)) is S.CONVERTED


def test_only_a_card_approved_offline_is_declined_afterwards():
    """Its debt ends with its return; of any other payment that is not possible."""
    asked = after(reserved(), *PICKED, res.CardAsked(KEY, 1, 2000))
    back = res.TenderReturned(KEY, 1, declined=True)
    with pytest.raises(TenderRefused, match="approved offline"):
        after(asked, res.CardAnswered(KEY, 1, True, "T-1"), back)
    offline = after(asked, res.CardAnswered(KEY, 1, True, "T-1", is_offline=True))
    entries = order_postings(offline, after(offline, back), back, "T1")
    assert balances(entries) == {"bad_debt": -2000, "customers": 2000}


def test_split_tender():
    """Gift card, card and cash together make the price."""
    order = after(
        reserved(), *PICKED,
        res.TenderTaken(KEY, 1, TenderKind.GIFT_CARD, 300, account="x"),
        res.CardAsked(KEY, 2, 700), res.CardAnswered(KEY, 2, True, "T-1"),
        res.TenderTaken(KEY, 3, TenderKind.CASH, 1000), SOLD,
    )  # fmt: skip
    assert FLOW.status_of(order) is S.CONVERTED


def test_nothing_expires_while_somebody_pays():
    """Neither by time nor by a word: the money is settled first."""
    order = after(reserved(), *PICKED, CASH)
    for operation in (op.HoldExpired(KEY), res.ReservationReleased(KEY, RefusalReason.PRICE)):
        with pytest.raises(IllegalTransition):
            after(order, operation)
    back = after(order, res.TenderReturned(KEY, 1))
    assert FLOW.status_of(after(back, op.HoldExpired(KEY))) is S.EXPIRED


def test_expired_at_central_and_paid_here():
    """The goods are paid and gone: the end is undone for them."""
    order = after(reserved(), *PICKED, op.HoldExpired(KEY))
    order, kinds = late(order, CASH, SOLD)
    assert FLOW.status_of(order) is S.CONVERTED
    assert order.total("expired") == 0
    assert kinds == [ConsequenceKind.REFUND_DUE, ConsequenceKind.CANCELLATION_UNDONE]


def test_cancelled_at_central_and_paid_here_but_not_taken():
    """The money has to go back, and that is what the order says until it has."""
    order = cancel_open(after(reserved(), *PICKED))
    order, _ = late(order, CASH)
    assert FLOW.status_of(order) is S.REFUND_DUE
    order = after(order, res.TenderReturned(KEY, 1), op.PutBack(KEY, 1, 2))
    assert FLOW.status_of(order) is S.CANCELLED
    assert (order.total("held"), balance_of(order)) == (0, 0)


def test_central_gave_units_away_while_they_were_paid():
    """More was paid than there is left to give: it shows, and can be given back."""
    order = after(reserved(), *PICKED)
    order = advance(
        FLOW, order, op.LineShortPicked(KEY, 1, 1, ShortReason.SOLD_ON_FLOOR), NOON_MS
    ).after
    order, kinds = late(order, CASH)
    assert kinds == [ConsequenceKind.REFUND_DUE]
    assert due_of(order) == -1000


def test_what_was_declined_meanwhile_is_given_back_without_effect():
    """A store that takes a gift card back which central had declined has nothing to give."""
    order = after(reserved(), *PICKED, res.ValueAsked(KEY, 1, TenderKind.GIFT_CARD, 500, "x"))
    order = advance(FLOW, order, res.ValueAnswered(KEY, 1, approved=False), NOON_MS).after
    order, kinds = late(order, res.TenderReturned(KEY, 1))
    assert kinds == [ConsequenceKind.NO_EFFECT]
    assert FLOW.status_of(order) is S.PICKED


def test_a_place_on_the_waiting_list_ties_nothing_until_stock_comes():
    """Then it is a reservation like any other, with a hold of its own."""
    order = waiting(reserved())
    assert (FLOW.status_of(order), order.total("tied")) == (S.WAITLISTED, 0)
    outcome = advance(FLOW, order, res.WaitServed(KEY, NOON_MS + HOUR_MS, NOON_MS), NOON_MS)
    assert FLOW.status_of(outcome.after) is S.NEW
    assert outcome.effects[0].allocated == 2
    assert outcome.after.expires_at_ms == NOON_MS + HOUR_MS
    for end in (op.HoldExpired(KEY), res.ReservationReleased(KEY, RefusalReason.PRICE)):
        assert FLOW.status_of(after(order, end)) is S.RELEASED
    assert FLOW.status_of(cancel_open(order)) is S.RELEASED


def test_an_extension_has_its_end():
    """Central's limit is part of the reservation, so the store knows it too."""
    order = reserved()
    held = order.reserve
    assert held is not None
    longer = op.ExtensionRequested(KEY, held.extend_until_ms)
    assert after(order, longer).expires_at_ms == held.extend_until_ms
    with pytest.raises(QuantityRefused):
        after(order, replace(longer, expires_at_ms=held.extend_until_ms + 1))


def test_goods_that_are_ready_late_cost_the_customer_no_time():
    """Ready moves the end of the hold later, never earlier."""
    order = after(reserved(), *PICKED, op.Staged(KEY, "A1"))
    assert order.expires_at_ms is not None
    sooner = after(order, op.MarkedReady(KEY, NOON_MS, NOON_MS + 1))
    assert sooner.expires_at_ms == order.expires_at_ms
    later = after(order, op.MarkedReady(KEY, NOON_MS, order.expires_at_ms + 5))
    assert later.expires_at_ms == order.expires_at_ms + 5


def test_an_order_that_begins_at_a_counter_is_the_same_on_both_sides():
    """It follows from the operation alone, on the waiting list or not."""
    terms = res.ReservationTerms("K1-1", "USD", "Jo", 5, 9, phone="+1 555-0142")
    lines = (res.ReservedLine(1, "SKU-1", "Thing", 3, 1000),)
    made = begun(res.ReservationMade("X", terms, lines), "S001", 7)
    assert (FLOW.status_of(made), made.total("tied"), made.customer_hint) == (S.NEW, 3, "0142")
    waits = begun(res.WaitRequested("X", terms, lines), "S001", 7)
    assert (FLOW.status_of(waits), waits.total("tied")) == (S.WAITLISTED, 0)
    assert waits.reserve is not None
    assert waits.reserve.wanted == (3,)


def test_every_operation_is_balanced_in_the_ledger():
    """Over everything that can happen: debits are credits, and customers owe and own nothing."""
    for order, operation, result in samples.steps(FLOW, 2):
        if isinstance(result, DomainError):
            continue
        entries = order_postings(order, result.after, operation, "T1")
        assert sum(one.amount_minor for one in entries) == 0
        customers = sum(one.amount_minor for one in entries if one.account == "customers")
        assert customers == balance_of(order) - balance_of(result.after)


@given(st.integers(0, 10**9), st.integers(-(10**6), 10**6), st.integers(0, 10**9))
def test_a_drawer_ends_empty_and_the_safe_has_what_was_counted(float_minor, moved, counted):
    """What is missing or too much is in an account of its own, to the minor unit."""
    expected = float_minor + moved
    entries: list[Posting] = []
    for operation in (
        DrawerOpened("T1", 1, float_minor, "USD"),
        CashMoved("T1", 1, moved, "USD", CashReason.CHANGE),
        DrawerCounted("T1", 1, counted, expected, "USD"),
    ):
        entries += money_postings(operation)
    sums = balances(entries)
    assert "cash:T1" not in sums
    assert sum(sums.values()) == 0
    assert sums.get("over_short", 0) == expected - counted


# --- until when goods are held --------------------------------------------------------------

STORE = OpenHours("America/New_York", ((540, 1260),) * 6 + ((0, 0),), ("2025-11-27",))


def at(text: str) -> int:
    return round(dt.datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2025-11-24T10:00:00-05:00", 24, "2025-11-25T10:00:00-05:00"),
        ("2025-11-24T20:59:00-05:00", 5, "2025-11-25T21:00:00-05:00"),
        ("2025-11-29T15:00:00-05:00", 24, "2025-12-01T21:00:00-05:00"),
        ("2025-11-26T10:00:00-05:00", 24, "2025-11-28T21:00:00-05:00"),
    ],
    ids=["open", "overnight", "sunday", "holiday"],
)
def test_a_hold_never_ends_before_a_closed_door(start, hours, end):
    """A hold that would end while the store is closed ends at its next closing time."""
    assert hold_end_ms(STORE, at(start), hours) == at(end)


def test_the_shortest_hold_of_the_goods_counts():
    """By category, where the retailer says so; otherwise the store's own."""
    policy = ReservePolicy(24, (CategoryHold("Food", 4), CategoryHold("Furniture", 72)))
    assert policy.hours_for(["Kitchen"]) == 24
    assert policy.hours_for(["Furniture", "Kitchen"]) == 24
    assert policy.hours_for(["Furniture"]) == 72
    assert policy.hours_for(["Food", "Furniture"]) == 4
