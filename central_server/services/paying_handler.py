"""What follows at central from payments in stores, in any flow: stored value is taken, or not."""

from central_server.services.flow_handler import FollowUps, Step
from sync.domain.exceptions import ExceptionKind
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.money import amount_words
from sync.domain.reserve_operations import (
    TenderReturned,
    TenderTaken,
    ValueAnswered,
    ValueAsked,
)
from sync.domain.tenders import STORED_VALUE, Tender, TenderState, find_tender
from sync.domain.transitions import Consequence, ConsequenceKind

PAYING_KINDS = frozenset({"tender_taken", "tender_returned", "value_asked", "value_answered"})


def follow_payment(step: Step, ups: FollowUps) -> tuple[Consequence, ...]:
    """Ask for what follows from one of `PAYING_KINDS` and return what to tell the associate."""
    match step.operation:
        case TenderTaken():
            return _redeemed(step, step.operation, ups)
        case ValueAsked():
            return _value_asked(step, step.operation, ups)
        case TenderReturned():
            return _value_returned(step, step.operation, ups)
        case _:
            return ()


def _redeemed(step: Step, taken: TenderTaken, ups: FollowUps) -> tuple[Consequence, ...]:
    """Take what the store has accepted already, whatever is on it."""
    order = step.outcome.after
    if taken.means not in STORED_VALUE:
        return ()
    missing = ups.redeem(
        taken.account, taken.means, order.currency, taken.amount_minor, is_fact=True
    )
    if missing:
        name = taken.means.value.replace("_", " ")
        paid, gone = (
            amount_words(minor, order.currency) for minor in (taken.amount_minor, missing)
        )
        text = f"Order {order.order_number}: a {name} paid {paid}, and {gone} of it was not there."
        ups.event(order, "value_overdrawn", text)
        ups.exception(order, ExceptionKind.VALUE_OVERDRAWN, text)
    return ()


def _value_asked(step: Step, asked: ValueAsked, ups: FollowUps) -> tuple[Consequence, ...]:
    """Say whether a gift card or credit may pay what was asked."""
    order = step.outcome.after
    missing = ups.redeem(
        asked.account, asked.means, order.currency, asked.amount_minor, is_fact=False
    )
    ups.decide(ValueAnswered(order.id, asked.tender, approved=not missing))
    if not missing:
        return ()
    name = asked.means.value.replace("_", " ")
    left, wanted = asked.amount_minor - missing, amount_words(asked.amount_minor, order.currency)
    text = (
        f"Not taken: the {name} has {amount_words(left, order.currency)} left, {wanted} were asked."
        if left
        else f"Not taken: nothing is left on the {name}, or it is not known."
    )
    return (Consequence(ConsequenceKind.NO_EFFECT, text),)


def _value_returned(step: Step, back: TenderReturned, ups: FollowUps) -> tuple[Consequence, ...]:
    before, after = _tender(step.before, back.tender), _tender(step.outcome.after, back.tender)
    if before is None or after is None or before.means not in STORED_VALUE:
        return ()
    if before.state is TenderState.TAKEN and after.state is TenderState.RETURNED:
        ups.give_back_value(before.account, step.before.currency, before.amount_minor)
    return ()


def _tender(order: FulfillmentOrder, number: int) -> Tender | None:
    return None if order.reserve is None else find_tender(order.reserve.tenders, number)
