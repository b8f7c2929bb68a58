"""What payments do to an order that is paid where its goods leave: tenders, and what is sold.

Every function that ends in `FulfillmentOrder` is an `Effect` of `sync.domain.transitions`. A
flow's table says when each is possible; an order that is paid elsewhere has none of them.
"""

from typing import cast

from sync.domain import reserve_operations as res
from sync.domain.errors import QuantityRefused
from sync.domain.fulfillment import FulfillmentOrder, evolve_order
from sync.domain.paying import balance_of, due_of, price_of, reservation_of
from sync.domain.tenders import (
    STORED_VALUE,
    Tender,
    TenderKind,
    TenderRefused,
    TenderState,
    evolve_tender,
    find_tender,
)
from sync.domain.transitions import FulfillmentOperation


def _with_tender(order: FulfillmentOrder, tender: Tender) -> FulfillmentOrder:
    return evolve_order(order, reserve=reservation_of(order).with_tender(tender))


def _unused(order: FulfillmentOrder, number: int, amount_minor: int) -> None:
    if find_tender(reservation_of(order).tenders, number) is not None:
        raise TenderRefused("Somebody else has just taken a payment for this order.")
    if amount_minor <= 0:
        raise TenderRefused("Nothing was given.")


def _new_tender(order: FulfillmentOrder, number: int, amount_minor: int) -> None:
    _unused(order, number, amount_minor)
    if amount_minor > due_of(order):
        raise QuantityRefused("take", amount_minor, max(0, due_of(order)))


def take(order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int) -> FulfillmentOrder:
    """Count what is in the drawer, as far as it is due."""
    done = cast("res.TenderTaken", operation)
    _new_tender(order, done.tender, done.amount_minor)
    return take_late(order, operation, at_ms)


def take_late(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Count what is in the drawer, whatever central still expects of the order."""
    done = cast("res.TenderTaken", operation)
    _unused(order, done.tender, done.amount_minor)
    if done.means is TenderKind.CARD:
        raise TenderRefused("A card is charged on the payment terminal.")
    return _with_tender(
        order,
        Tender(
            done.tender, done.means, done.amount_minor, TenderState.TAKEN,
            rounding_minor=done.rounding_minor, account=done.account,
            is_offline=done.means in STORED_VALUE,
        ),
    )  # fmt: skip


def ask_card(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    """Note that the payment terminal is asked for what is due, or for a part of it."""
    done = cast("res.CardAsked", operation)
    _new_tender(order, done.tender, done.amount_minor)
    return ask_card_late(order, operation, at_ms)


def ask_card_late(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    """Note that it is asked, whatever central still expects of the order."""
    done = cast("res.CardAsked", operation)
    _unused(order, done.tender, done.amount_minor)
    card = Tender(done.tender, TenderKind.CARD, done.amount_minor, TenderState.ASKED)
    return _with_tender(order, card)


def _asked(order: FulfillmentOrder, number: int, *, is_card: bool) -> Tender:
    found = find_tender(reservation_of(order).tenders, number)
    if found is None or found.state is not TenderState.ASKED:
        raise TenderRefused("Nothing hangs on that answer.")
    if (found.means is TenderKind.CARD) != is_card:
        raise TenderRefused("That is not who answers for this payment.")
    return found


def answer_card(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    """Note what the payment terminal answered."""
    done = cast("res.CardAnswered", operation)
    asked = _asked(order, done.tender, is_card=True)
    if done.approved and not done.reference:
        raise TenderRefused("A card payment has the reference of its payment terminal.")
    state = TenderState.TAKEN if done.approved else TenderState.DECLINED
    answered = evolve_tender(
        asked, state=state, reference=done.reference, is_offline=done.is_offline
    )
    return _with_tender(order, answered)


def ask_value(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Ask whether a gift card or credit may pay what is due, or a part of it."""
    done = cast("res.ValueAsked", operation)
    _new_tender(order, done.tender, done.amount_minor)
    if done.means in {TenderKind.CASH, TenderKind.CARD} or not done.account:
        raise TenderRefused("Central knows only gift cards and store credit.")
    asked = Tender(
        done.tender, done.means, done.amount_minor, TenderState.ASKED, account=done.account
    )
    return _with_tender(order, asked)


def answer_value(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    """Note central's answer."""
    done = cast("res.ValueAnswered", operation)
    asked = _asked(order, done.tender, is_card=False)
    state = TenderState.TAKEN if done.approved else TenderState.DECLINED
    return _with_tender(order, evolve_tender(asked, state=state))


def give_back(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Give a tender back. What was declined meanwhile, or never came to be, has nothing to give."""
    done = cast("res.TenderReturned", operation)
    found = find_tender(reservation_of(order).tenders, done.tender)
    if found is None or found.state in {TenderState.DECLINED, TenderState.RETURNED}:
        return order
    if found.state is TenderState.ASKED and found.means is TenderKind.CARD:
        raise TenderRefused("The payment terminal has not answered yet: ask it again first.")
    if done.declined and not (found.means is TenderKind.CARD and found.is_offline):
        raise TenderRefused("Only a card that was approved offline is declined afterwards.")
    if found.state is TenderState.TAKEN and found.amount_minor > balance_of(order):
        raise QuantityRefused("give back", found.amount_minor, max(0, balance_of(order)))
    return _with_tender(order, evolve_tender(found, state=TenderState.RETURNED))


def paid_sale(order: FulfillmentOrder, operation: FulfillmentOperation) -> res.ReservationConverted:
    """Return the sale, or raise where the price is another, or not all of it is paid."""
    done = cast("res.ReservationConverted", operation)
    if not done.lines:
        raise QuantityRefused("hand over", 0, 0)
    if done.total_minor != price_of(order, done.lines):
        raise TenderRefused("That is not the price that was promised.")
    if done.total_minor > balance_of(order):
        raise TenderRefused("Not all of it is paid.")
    return done
