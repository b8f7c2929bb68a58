"""What follows at central from the operations of a parcel order."""

from functools import partial
from typing import cast

from central_server.flows.ship import notices
from central_server.services.flow_handler import FollowUps, Moved, Place, Step
from central_server.services.flow_words import customer_of, difference, late_words, pieces
from central_server.services.notice import local_time
from central_server.services.paying_handler import PAYING_KINDS, follow_payment
from sync.domain.exceptions import ExceptionKind
from sync.domain.flows.ship import NAME, shipment_of
from sync.domain.fulfillment import FulfillmentOrder, ShortReason
from sync.domain.paying import due_of
from sync.domain.rejections import REJECT_EFFECTS, PauseScope
from sync.domain.reserve_operations import ReservationConverted
from sync.domain.ship_operations import HandedToCarrier, LabelPrinted, LabelRequested
from sync.domain.shipping import Box
from sync.domain.transitions import Consequence, ConsequenceKind

LABEL_BUY = "label_buy"
LABEL_ANNOUNCE = "label_announce"
LABEL_VOID = "label_void"


class ShipHandler:
    """Implements `FlowHandler` for parcels. It has no state."""

    flow = NAME
    kinds = frozenset(
        {
            "line_short_picked",
            "fulfillment_rejected",
            "label_printed",
            "label_requested",
            "label_voided",
            "box_unpacked",
            "put_back",
            "handed_to_carrier",
            "reservation_converted",
            "hold_expired",
            "reservation_released",
            *PAYING_KINDS,
        }
    )

    def follow(self, step: Step, ups: FollowUps) -> tuple[Consequence, ...]:
        """Ask for what follows from `step` and return what to tell the associate."""
        match step.operation.kind:
            case "line_short_picked" | "fulfillment_rejected":
                return _given_up(step, ups)
            case "label_printed":
                _announce(step, ups)
            case "label_requested":
                _buy(step, ups)
            case "label_voided" | "box_unpacked" | "put_back":
                _void(step, ups)
                _stayed(step, ups)
            case "handed_to_carrier" | "reservation_converted":
                return _shipped(step, ups)
            case "hold_expired" | "reservation_released" if not step.is_late:
                _unpaid(step, ups)
            case kind if kind in PAYING_KINDS:
                return follow_payment(step, ups)
            case _:
                pass
        return ()


# --- what a store gives up ------------------------------------------------------------------


def _given_up(step: Step, ups: FollowUps) -> tuple[Consequence, ...]:
    """Pause the store by the reason, have goods counted, and find somebody else."""
    order = step.outcome.after
    units = difference(step.before, order, "short")
    if not units:
        return ()
    reason = cast("ShortReason", step.operation.reason)  # type: ignore[attr-defined]
    said = [_pause(step, ups, reason, units)]
    found = ups.re_ship(order, units)
    said += [_moved(step, ups, moved) for moved in found.parts]
    if found.missing:
        said.append(_nowhere(step, ups, dict(found.missing)))
    return tuple(said)


def _pause(step: Step, ups: FollowUps, reason: ShortReason, units: dict[int, int]) -> Consequence:
    order = step.outcome.after
    effect = REJECT_EFFECTS[reason]
    until_ms = step.now_ms + effect.pause_ms
    lines = [line for line in order.lines if line.line in units]
    goods = effect.pause is PauseScope.THESE_GOODS
    ups.pause(order, {line.sku for line in lines} if goods else (), until_ms)
    place = ups.place(order.location_id)
    if effect.count_due:
        names = ", ".join(f"{line.name} ({line.sku})" for line in lines)
        text = f"Not found for order {order.order_number}: {names}."
        ups.exception(order, ExceptionKind.COUNT_DUE, text)
    what = "these goods" if goods else "this order"
    until = local_time(until_ms, place.timezone)
    text = f"{place.name} is not asked for {what} again before {until}."
    ups.event(order, "routing_paused", text)
    return Consequence(ConsequenceKind.RE_SOURCED, text)


def _moved(step: Step, ups: FollowUps, moved: Moved) -> Consequence:
    order = moved.order
    when = local_time(order.promised_by_ms, moved.place.timezone)
    text = f"{moved.place.name} sends {pieces(order.total('allocated'))} by {when}."
    ups.event(order, "re_sourced", text)
    if order.promised_by_ms > step.before.promised_by_ms:
        number, name = order.order_number, customer_of(order)
        ups.mail(order, partial(notices.later, number, name, when))
    if order.reserve is not None:
        _ask_to_pay(order, moved.place, ups)
    return Consequence(ConsequenceKind.RE_SOURCED, text)


# --- paid where it leaves -------------------------------------------------------------------


def _ask_to_pay(order: FulfillmentOrder, place: Place, ups: FollowUps) -> None:
    """Tell the customer of the store that has the part now: it asks for the payment."""
    until = local_time(order.expires_at_ms or 0, place.timezone)
    ups.event(order, "payment_due", f"To be paid at {place.name} until {until}.")
    ups.mail(order, partial(notices.pay_there, order, place.name, due_of(order), until))


def _unpaid(step: Step, ups: FollowUps) -> None:
    """Tell the customer that it is not sent; the store's day has room again."""
    order = step.outcome.after
    place = ups.place(order.location_id)
    in_time = step.operation.kind == "hold_expired"
    text = f"Nobody paid at {place.name} in time." if in_time else "Not wanted any more."
    ups.event(order, step.operation.kind, f"{text} It is not sent.")
    ups.free(order)
    if in_time:
        ups.mail(order, partial(notices.not_paid, order.order_number, customer_of(order)))


def _nowhere(step: Step, ups: FollowUps, units: dict[int, int]) -> Consequence:
    order = step.outcome.after
    ups.leave_unsourced(order, units)
    text = f"Nobody else can send {pieces(sum(units.values()))}: central asks the customer."
    text = late_words(step.operation, ups.place(order.location_id).name) + text
    ups.event(order, "unsourced", text)
    ups.exception(order, ExceptionKind.UNSOURCED, text)
    ups.mail(order, partial(notices.unsourced, order.order_number, customer_of(order)))
    return Consequence(ConsequenceKind.RE_SOURCED, text)


# --- labels -------------------------------------------------------------------------------


def _parcel(order: FulfillmentOrder, box: Box) -> dict[str, object]:
    """Return what a carrier must know of a box."""
    address = shipment_of(order).address
    return {
        "fulfillment_id": order.id,
        "order_id": order.order_id,
        "location_id": order.location_id,
        "box": box.number,
        "carrier": box.carrier,
        "service": box.service,
        "weight_grams": box.weight_grams,
        "number": box.tracking,
        "asked_ms": box.requested_at_ms,
        "to": list(address.lines()),
        "country": address.country,
        "postal_code": address.postal_code,
    }


def _announce(step: Step, ups: FollowUps) -> None:
    done = cast("LabelPrinted", step.operation)
    order = step.outcome.after
    box = shipment_of(order).box(done.box)
    if box is not None:
        ups.side_effect(LABEL_ANNOUNCE, box.tracking, _parcel(order, box))


def _buy(step: Step, ups: FollowUps) -> None:
    asked = cast("LabelRequested", step.operation)
    order = step.outcome.after
    box = shipment_of(order).box(asked.box)
    if box is not None:
        ups.side_effect(LABEL_BUY, f"{order.id}/{box.number}", _parcel(order, box))


def _void(step: Step, ups: FollowUps) -> None:
    """Tell the carriers of labels that stood on boxes before, and on none that is left or gone."""
    order = step.outcome.after
    kept = {box.tracking for box in shipment_of(order).boxes}
    for box in shipment_of(step.before).boxes:
        if box.tracking and box.tracking not in kept:
            ups.side_effect(LABEL_VOID, box.tracking, _parcel(step.before, box))
            ups.event(order, "label_void", f"Label {box.tracking} of box {box.number} is void.")


# --- the carrier ----------------------------------------------------------------------------


def _shipped(step: Step, ups: FollowUps) -> tuple[Consequence, ...]:
    done = cast("HandedToCarrier | ReservationConverted", step.operation)
    order = step.outcome.after
    shipment = shipment_of(order)
    box = shipment.box(done.box)
    if box is None:
        return ()
    text = f"Box {box.number} is with {box.carrier}, number {box.tracking}."
    ups.event(order, "shipped", text)
    if not _waits_on(order, box.manifest):
        ups.mail(order, partial(notices.shipped, order, {}))
    return _fact_wins(step, ups) if step.is_late else ()


def _waits_on(order: FulfillmentOrder, manifest: str) -> bool:
    """Return whether a box on a manifest is still here: one letter tells of all that leave."""
    return any(one.is_here and one.manifest == manifest for one in shipment_of(order).boxes)


def _stayed(step: Step, ups: FollowUps) -> None:
    """Tell of what has left where the last box that it waited for stays here after all."""
    order = step.outcome.after
    listed = {one.manifest for one in shipment_of(step.before).boxes if one.is_here}
    gone = {one.manifest for one in shipment_of(order).boxes if not one.is_here}
    if any(not _waits_on(order, manifest) for manifest in listed & gone):
        ups.mail(order, partial(notices.shipped, order, {}))


def _fact_wins(step: Step, ups: FollowUps) -> tuple[Consequence, ...]:
    """The carrier has the goods although the order had ended: people settle the money."""
    order = step.outcome.after
    text = "Given to the carrier after the order had ended: it counts as shipped."
    if step.before.total("open"):
        text = "Given to the carrier with units that had been taken away: they count as shipped."
    ups.event(order, "cancellation_undone", text)
    taken = ups.take_back(order, difference(order, step.before, "short"))
    if order.reserve is None and (taken.dropped or difference(order, step.before, "cancelled")):
        ups.exception(order, ExceptionKind.REFUND_TO_VOID, text)
    if taken.doubled:
        warning = f"{pieces(taken.doubled)} shipped here were sourced elsewhere too."
        ups.exception(order, ExceptionKind.DOUBLE_FULFILLMENT, warning)
    return ()
