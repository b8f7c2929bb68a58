"""What follows at central from the operations of a reservation."""

from functools import partial

from central_server.flows.reserve import notices
from central_server.services.fetching_handler import tell_not_ready
from central_server.services.flow_handler import FollowUps, Step
from central_server.services.flow_words import customer_of, difference, pieces
from central_server.services.notice import Notice, local_time
from central_server.services.paying_handler import PAYING_KINDS, follow_payment
from sync.domain.exceptions import ExceptionKind
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.paying import FLOW
from sync.domain.transitions import Consequence, ConsequenceKind

ENDINGS = frozenset(
    {"line_short_picked", "fulfillment_rejected", "hold_expired", "reservation_released"}
)
"""By which a store, the customer or time ends a reservation that nobody takes."""


class ReserveHandler:
    """Implements `FlowHandler` for reservations. It has no state."""

    flow = FLOW
    kinds = frozenset(
        {
            "line_short_picked", "fulfillment_rejected", "marked_ready", "hold_expired",
            "reservation_released", "reservation_converted", "wait_served", "unstaged",
            "line_unpicked", *PAYING_KINDS,
        }
    )  # fmt: skip

    def follow(self, step: Step, ups: FollowUps) -> tuple[Consequence, ...]:
        """Ask for what follows from `step` and return what to tell the associate."""
        if step.operation.kind in PAYING_KINDS:
            return follow_payment(step, ups)
        return _held(step, ups)


def _held(step: Step, ups: FollowUps) -> tuple[Consequence, ...]:
    """Follow what happens to the goods."""
    order = step.outcome.after
    if step.operation.kind in ENDINGS and not order.total("open"):
        ups.free(order)  # the store's day has room again: for whoever waits, too
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
    taken = ups.take_back(order, difference(order, step.before, "short"))
    if taken.doubled:
        warning = f"{pieces(taken.doubled)} sold here were sourced elsewhere too."
        ups.exception(order, ExceptionKind.DOUBLE_FULFILLMENT, warning)


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
    ups.take_back(order, {line.line: line.allocated for line in order.lines})
    ups.event(order, "wait_served", f"Stock has come to {place.name}: it is held there now.")

    def compose() -> Notice:
        until = local_time(order.expires_at_ms or 0, place.timezone)
        return notices.served(order.order_number, customer_of(order), place.name, until)

    ups.mail(order, compose)
