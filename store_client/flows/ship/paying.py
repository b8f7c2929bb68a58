"""Parcels that are paid here: which boxes stay until they are, and how those leave that are.

How money is taken and given back is in `store_client.services.tendering`, how an
unpaid one ends in `holds`.
"""

from collections.abc import Iterable, Sequence
from functools import partial

from store_client.services.desk import Desk, Refusal
from store_client.services.tendering import may_leave, printed
from store_client.services.words import money
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.operations import LineQuantity
from sync.domain.paying import balance_of, due_of, price_of, reservation_of
from sync.domain.reserve_operations import ReservationConverted
from sync.domain.ship_effects import box_content
from sync.domain.ship_operations import HandedToCarrier
from sync.domain.shipping import Box
from sync.domain.tenders import goes_back_whole


def due_here(order: FulfillmentOrder) -> int:
    """Return what is still to be paid here before all of it may leave (minor units)."""
    return 0 if order.reserve is None else max(0, due_of(order))


def may_be_paid(order: FulfillmentOrder) -> bool:
    """Return whether anything of it can be paid here, or money be given back, now."""
    return order.reserve is not None and (order.total("deliverable") > 0 or order.is_unsettled)


def may_end_unpaid(order: FulfillmentOrder) -> bool:
    """Return whether it can end unpaid: not wanted, or not paid in time."""
    return order.reserve is not None and order.total("open") > 0 and not order.is_unsettled


def why_here(order: FulfillmentOrder, boxes: Iterable[Box]) -> Refusal | None:
    """Return why these boxes may not leave together now; None where they may."""
    if order.reserve is None:
        return None
    number, held = order.order_number, reservation_of(order)
    total, balance = price_of(order, _content(boxes)), balance_of(order)
    if total > balance:
        missing = money(total - balance, order.currency)
        if held.asked_minor:
            return Refusal(
                f"Order {number}: {missing} hang on an answer.",
                "The boxes stay here until it is given.",
            )
        return Refusal(
            f"Order {number} is not paid: {missing} are due. Its boxes stay here.",
            "Take the payment first: F7 at the order.",
        )
    if not goes_back_whole(held.tenders, balance - total):
        left = money(balance - total, order.currency)
        return Refusal(
            f"Order {number}: {left} of what was paid would stay here, and no payment is just"
            " that.",
            "Let its other boxes go too, or give one payment back and take it anew.",
        )
    return None


def let_go(desk: Desk, order: FulfillmentOrder, boxes: Sequence[Box]) -> FulfillmentOrder:
    """Note that the carrier took these boxes; those that are paid here are sold with it.

    Raises a `Refusal` where they are not paid. The receipt comes after the record.
    """
    refusal = why_here(order, boxes)
    if refusal is not None:
        raise refusal
    if order.reserve is not None:
        may_leave(desk, order)
    for box in boxes:
        if order.reserve is None:
            order = desk.perform(HandedToCarrier(order.id, box.number))
            continue
        lines = box_content(box)
        sale = ReservationConverted(order.id, lines, price_of(order, lines), box.number)
        order = desk.perform(sale, judge=partial(may_leave, desk))
        printed(desk, order, lines)
    return order


def _content(boxes: Iterable[Box]) -> list[LineQuantity]:
    return [entry for box in boxes for entry in box_content(box)]
