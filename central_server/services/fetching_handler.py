"""What follows at central from operations on goods that customers fetch, in any flow."""

from functools import partial

from central_server.services import fetching_notices as notices
from central_server.services.flow_handler import FollowUps, Place, Step
from central_server.services.flow_words import customer_of, difference, late_words, pieces
from central_server.services.notice import Notice, local_time
from sync.domain.exceptions import ExceptionKind, ExceptionOwner
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus, ShortReason
from sync.domain.transitions import Consequence, ConsequenceKind

FETCHING_KINDS = frozenset(
    {
        "line_short_picked",
        "fulfillment_rejected",
        "marked_ready",
        "unstaged",
        "line_unpicked",
        "handed_over",
        "hold_expired",
    }
)


class FetchingHandler:
    """Implements `FlowHandler` but for the name of the flow. It has no state."""

    kinds: frozenset[str] = FETCHING_KINDS

    def follow(self, step: Step, ups: FollowUps) -> tuple[Consequence, ...]:
        """Ask for what follows from `step` and return what to tell the associate."""
        match step.operation.kind:
            case "line_short_picked" | "fulfillment_rejected":
                return _given_up(step, ups)
            case "marked_ready" if not step.is_late:
                self._tell_ready(step.outcome.after, ups)
            case "unstaged" | "line_unpicked" if not step.is_late:
                tell_not_ready(step, ups)
            case "handed_over" if step.is_late:
                return _fact_wins(step, ups)
            case "hold_expired" if not step.is_late:
                _tell_expired(step.outcome.after, ups)
            case _:
                pass
        return ()

    def _tell_ready(self, order: FulfillmentOrder, ups: FollowUps) -> None:
        def compose() -> Notice:
            return self.ready(order, ups.place(order.location_id), ups.pickup_qr(order))

        ups.mail(order, compose, only_while=FulfillmentStatus.READY_FOR_PICKUP.value)

    def ready(self, order: FulfillmentOrder, place: Place, qr: str) -> Notice:
        """Return what the customer is told when the goods are ready; `qr` may be unknown."""
        until = local_time(order.expires_at_ms or 0, place.timezone)
        return notices.ready(order.order_number, customer_of(order), place.name, until, qr)


def tell_not_ready(step: Step, ups: FollowUps) -> None:
    """Call off what tells the customer to come; where it has left, write that it was too early."""
    before, order = step.before, step.outcome.after
    if before.ready_at_ms is None or order.ready_at_ms is not None or order.total("fulfilled"):
        return
    place = ups.place(order.location_id)
    ups.event(order, "not_ready", f"{place.name} took it back: it is not ready after all.")
    ups.correct(
        order,
        (notices.READY, notices.RESERVATION_READY),
        partial(notices.not_ready, order.order_number, customer_of(order), place.name),
    )


def _given_up(step: Step, ups: FollowUps) -> tuple[Consequence, ...]:
    """Source again what the store cannot give."""
    order = step.outcome.after
    units = difference(step.before, order, "short")
    if not units:
        return ()
    moved = ups.re_source(order, units)
    if moved is None:
        return _nowhere(step, ups, units)
    count = sum(units.values())
    when = local_time(moved.order.promised_by_ms, moved.place.timezone)
    ups.mail(
        moved.order,
        partial(
            notices.moved,
            order.order_number, customer_of(order), moved.place.name, moved.pickup_code, when,
        ),
    )  # fmt: skip
    text = f"{moved.place.name} takes over {pieces(count)}; the customer is told."
    if not ups.reaches_customer(order):
        text = f"{moved.place.name} takes over {pieces(count)}; no address to write to is known."
        # A store that is cut off can tell nobody.
        is_away = getattr(step.operation, "reason", None) is ShortReason.PROMISE_LAPSED
        owner = ExceptionOwner.CENTRAL if is_away else None
        words = f"Order {order.order_number}: {text}"
        new = moved.order.id
        ups.exception(order, ExceptionKind.PROMISE_BROKEN, words, owner, taken_over_by=new)
    ups.event(moved.order, "re_sourced", text)
    return (Consequence(ConsequenceKind.RE_SOURCED, text),)


def _nowhere(step: Step, ups: FollowUps, units: dict[int, int]) -> tuple[Consequence, ...]:
    order = step.outcome.after
    count = sum(units.values())
    ups.leave_unsourced(order, units)
    text = f"No other store can give {pieces(count)}: central asks the customer."
    text = late_words(step.operation, ups.place(order.location_id).name) + text
    ups.event(order, "unsourced", text)
    ups.exception(order, ExceptionKind.UNSOURCED, text)
    ups.mail(order, partial(notices.unsourced, order.order_number, customer_of(order)))
    return (Consequence(ConsequenceKind.RE_SOURCED, text),)


def _fact_wins(step: Step, ups: FollowUps) -> tuple[Consequence, ...]:
    """The goods are with the customer although the order had ended: people settle the money."""
    order = step.outcome.after
    text = "Handed over after the order had ended: it counts as picked up."
    if step.before.total("open"):
        text = "Handed over with units that had been taken away: they count as picked up."
    ups.event(order, "cancellation_undone", text)
    taken = ups.take_back(order, difference(order, step.before, "short"))
    undone = difference(order, step.before, "cancelled") or difference(
        order, step.before, "expired"
    )
    if undone or taken.dropped:
        ups.exception(order, ExceptionKind.REFUND_TO_VOID, text)
    if taken.doubled:
        warning = f"{pieces(taken.doubled)} handed over here were sourced elsewhere too."
        ups.exception(order, ExceptionKind.DOUBLE_FULFILLMENT, warning)
    return ()


def _tell_expired(order: FulfillmentOrder, ups: FollowUps) -> None:
    place = ups.place(order.location_id)
    ups.event(order, "hold_expired", f"Nobody came to {place.name} in time.")
    ups.mail(order, partial(notices.expired, order.order_number, customer_of(order), place.name))
