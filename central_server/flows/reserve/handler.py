"""What follows at central from the operations of a reservation."""

from functools import partial

from central_server.flows.reserve import notices
from central_server.services.fetching_handler import tell_not_ready
from central_server.services.flow_handler import FollowUps, Step
from central_server.services.flow_words import customer_of, difference
from central_server.services.notice import Notice, local_time
from sync.domain.exceptions import ExceptionKind
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.paying import FLOW
from sync.domain.reserve_operations import (
    TenderReturned,
    TenderTaken,
    ValueAnswered,
    ValueAsked,
)
from sync.domain.tenders import STORED_VALUE, Tender, TenderState, find_tender
from sync.domain.transitions import Consequence, ConsequenceKind


class ReserveHandler:
    """Implements `FlowHandler` for reservations. It has no state."""

    flow = FLOW
    kinds = frozenset(
        {
            "line_short_picked", "fulfillment_rejected", "marked_ready", "hold_expired",
            "reservation_released", "reservation_converted", "wait_served", "tender_taken",
            "tender_returned", "value_asked", "value_answered", "unstaged", "line_unpicked",
        }
    )  # fmt: skip

    def follow(self, step: Step, ups: FollowUps) -> tuple[Consequence, ...]:
        """Ask for what follows from `step` and return what to tell the associate."""
        match step.operation:
            case TenderTaken():
                return _redeemed(step, step.operation, ups)
            case ValueAsked():
                return _value_asked(step, step.operation, ups)
            case TenderReturned():
                return _value_returned(step, step.operation, ups)
            case _:
                return _held(step, ups)


def _held(step: Step, ups: FollowUps) -> tuple[Consequence, ...]:
    """Follow what happens to the goods."""
    order = step.outcome.after
    match step.operation.kind:
        case "line_short_picked" | "fulfillment_rejected":
            return _given_up(step, ups)
        case "marked_ready" if not step.is_late:
            _tell_ready(order, ups)
        case "unstaged" | "line_unpicked" if not step.is_late:
            tell_not_ready(step, ups)
        case "hold_expired" if not step.is_late:
            _tell_ended(step, ups)
        case "reservation_released" if step.before.waits:
            ups.drop_unsourced(order)
        case "reservation_converted" if step.is_late:
            _fact_wins(step, ups)
        case "wait_served":
            _tell_served(step, ups)
        case _:
            pass
    return ()


def _given_up(step: Step, ups: FollowUps) -> tuple[Consequence, ...]:
    """Ask the customer: who reserved in one store to pay there is not sent to another."""
    order = step.outcome.after
    units = difference(step.before, order, "short")
    if not units:
        return ()
    ups.leave_unsourced(order, units)
    count = sum(units.values())
    pieces = "1 piece" if count == 1 else f"{count} pieces"
    text = f"The store cannot hold {pieces}: central asks the customer."
    ups.event(order, "unsourced", text)
    ups.exception(order, ExceptionKind.UNSOURCED, text)
    place = ups.place(order.location_id)
    ups.mail(order, partial(notices.not_held, order.order_number, customer_of(order), place.name))
    return (Consequence(ConsequenceKind.RE_SOURCED, text),)


def _fact_wins(step: Step, ups: FollowUps) -> None:
    order = step.outcome.after
    ups.event(order, "cancellation_undone", "Paid and taken after it had ended: it counts as sold.")
    taken_back = difference(order, step.before, "short")
    if taken_back:
        ups.take_back_unsourced(order, taken_back)


def _tell_ready(order: FulfillmentOrder, ups: FollowUps) -> None:
    place = ups.place(order.location_id)

    def compose() -> Notice:
        until = local_time(order.expires_at_ms or 0, place.timezone)
        return notices.ready(order.order_number, customer_of(order), place.name, until)

    ups.mail(order, compose, only_while=FulfillmentStatus.READY_FOR_PICKUP.value)


def _tell_ended(step: Step, ups: FollowUps) -> None:
    order = step.outcome.after
    place = ups.place(order.location_id)
    if step.before.waits:
        ups.drop_unsourced(order)
        ups.event(order, "wait_ended", "No stock came in time for the waiting list.")
        ups.mail(
            order, partial(notices.wait_ended, order.order_number, customer_of(order), place.name)
        )
        return
    ups.event(order, "hold_expired", f"Nobody came to {place.name} in time.")
    ups.mail(order, partial(notices.expired, order.order_number, customer_of(order), place.name))


def _tell_served(step: Step, ups: FollowUps) -> None:
    order = step.outcome.after
    place = ups.place(order.location_id)
    ups.take_back_unsourced(order, {line.line: line.allocated for line in order.lines})
    ups.event(order, "wait_served", f"Stock has come to {place.name}: it is held there now.")

    def compose() -> Notice:
        until = local_time(order.expires_at_ms or 0, place.timezone)
        return notices.served(order.order_number, customer_of(order), place.name, until)

    ups.mail(order, compose)


# --- stored value ---------------------------------------------------------------------------


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
        text = (
            f"Order {order.order_number}: a {name} paid {taken.amount_minor}, and {missing} of it"
            " was not there (minor units)."
        )
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
    left = asked.amount_minor - missing
    text = (
        f"Not taken: the {name} has {left} left, {asked.amount_minor} were asked (minor units)."
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
