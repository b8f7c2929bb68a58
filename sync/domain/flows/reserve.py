"""Reserve (ROPIS): reserved online or at the counter, held unpaid, paid and taken in the store.

WAITLISTED -> NEW -> ACCEPTED -> PICKING -> PICKED -> STAGED -> READY_FOR_PICKUP
                                   |  as soon as units are in hand
                                   v
                               TENDERING <-> (back, where a tender is declined or given back)
                                   |
                                   v
                CONVERTED, or PARTIALLY_CONVERTED while the customer expects more

It ends early as REJECTED (store), CANCELLED (central), RELEASED (customer at the
counter) or EXPIRED; with money of the customer's in the drawer as REFUND_DUE.
Nothing expires while somebody pays. What was promised is the price, too.
"""

from typing import cast

from sync.domain import operations as op
from sync.domain import reserve_operations as res
from sync.domain import tendering
from sync.domain.errors import QuantityRefused
from sync.domain.fulfillment import (
    FulfillmentOrder,
    FulfillmentStatus,
    evolve_line,
    evolve_order,
)
from sync.domain.paying import FLOW as NAME
from sync.domain.paying import reservation_of
from sync.domain.picking import (
    COUNTS_ALL_THE_SAME,
    NOTHING_CHANGED,
    ONLY_THE_OTHERS,
    PUT_IT_BACK,
    TAKEN_MEANWHILE,
    accept,
    bounded,
    expire_all,
    give_up,
    give_up_all,
    give_up_rest,
    line_of,
    pick,
    pick_late,
    pick_overtaken,
    put_back,
    refuse,
    refuse_rest,
    reopened,
    stage,
    unchanged,
    unpick,
    unpick_late,
    unstage,
)
from sync.domain.reservations import evolve_reservation
from sync.domain.transitions import (
    Consequence,
    ConsequenceKind,
    Flow,
    FulfillmentOperation,
    Overtaken,
    Transition,
    confirmation,
    make_flow,
)

S = FulfillmentStatus
_TO_PICK = frozenset({S.NEW, S.ACCEPTED, S.PICKING})
_HELD = frozenset({S.PICKED, S.STAGED, S.READY_FOR_PICKUP})
_PAYING = frozenset({S.TENDERING})
_IN_HAND = _HELD | _PAYING | {S.PARTIALLY_CONVERTED}
_WORKED = frozenset({S.PICKING}) | _IN_HAND
_OPEN = _TO_PICK | _IN_HAND
_CLOSED = frozenset({S.REJECTED, S.CANCELLED, S.EXPIRED, S.RELEASED, S.CONVERTED, S.REFUND_DUE})
_SETTLED = (_OPEN | _CLOSED) - {S.TENDERING, S.REFUND_DUE}
_WAITS = frozenset({S.WAITLISTED})


def status_of(order: FulfillmentOrder) -> FulfillmentStatus:
    """Return the status that follows from the quantities of `order` and its tenders."""
    held = order.reserve
    if held is not None and held.waits:
        return S.WAITLISTED
    has_money = order.is_unsettled
    if not order.total("open"):
        return S.REFUND_DUE if has_money else _closed_status(order)
    if has_money:
        return S.TENDERING
    if order.total("fulfilled"):
        return S.PARTIALLY_CONVERTED
    if order.total("to_pick"):
        if order.total("held"):
            return S.PICKING
        return S.NEW if order.accepted_at_ms is None else S.ACCEPTED
    if order.ready_at_ms is not None:
        return S.READY_FOR_PICKUP
    return S.STAGED if order.staging_spot else S.PICKED


def _closed_status(order: FulfillmentOrder) -> FulfillmentStatus:
    if order.total("fulfilled"):
        return S.CONVERTED
    if order.total("cancelled"):
        return S.CANCELLED
    for counter, status in (("expired", S.EXPIRED), ("short", S.REJECTED)):
        if order.total(counter):
            return status
    return S.RELEASED


# --- how it is held, and ends ---------------------------------------------------------------


def _ready(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Let the customer come. Goods that are late do not cost them time."""
    done = cast("op.MarkedReady", operation)
    until_ms = max(done.expires_at_ms, order.expires_at_ms or 0)
    return evolve_order(order, ready_at_ms=done.ready_at_ms, expires_at_ms=until_ms)


def _extend(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    asked = cast("op.ExtensionRequested", operation)
    current = order.expires_at_ms or 0
    latest = max(current, reservation_of(order).extend_until_ms)
    if not current < asked.expires_at_ms <= latest:
        hour_ms = 3_600_000
        most = (latest - current) // hour_ms
        raise QuantityRefused("extend by hours", (asked.expires_at_ms - current) // hour_ms, most)
    return evolve_order(order, expires_at_ms=asked.expires_at_ms)


def _leave_list(order: FulfillmentOrder) -> FulfillmentOrder:
    held = reservation_of(order)
    return evolve_order(order, reserve=evolve_reservation(held, waits=False))


def _expire(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    return _leave_list(expire_all(order, operation, at_ms))


def _release(order: FulfillmentOrder, _: FulfillmentOperation, __: int) -> FulfillmentOrder:
    lines = tuple(evolve_line(line, refused=line.refused + line.open) for line in order.lines)
    return _leave_list(evolve_order(order, lines=lines))


def _serve(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Give the units that it waited for to it."""
    done, held = cast("res.WaitServed", operation), reservation_of(order)
    lines = tuple(
        evolve_line(line, allocated=line.allocated + units)
        for line, units in zip(order.lines, held.wanted, strict=True)
    )
    return evolve_order(
        order,
        lines=lines,
        reserve=evolve_reservation(held, waits=False),
        expires_at_ms=done.hold_until_ms,
        confirm_by_ms=done.confirm_by_ms or None,
    )


# --- the sale ---------------------------------------------------------------------------------


def _convert(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    done = tendering.paid_sale(order, operation)
    for entry in done.lines:
        line = line_of(order, entry.line)
        quantity = bounded("hand over", entry.quantity, line.deliverable)
        order = order.with_line(evolve_line(line, fulfilled=line.fulfilled + quantity))
    return order


def _convert_late(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    """The goods are paid and gone: undo the end for just these units."""
    done = tendering.paid_sale(order, operation)
    for entry in done.lines:
        line = line_of(order, entry.line)
        quantity = bounded("hand over", entry.quantity, line.held)
        line = reopened(line, quantity - line.open)
        order = order.with_line(evolve_line(line, fulfilled=line.fulfilled + quantity))
    return order


_FACT_WINS = Consequence(
    ConsequenceKind.CANCELLATION_UNDONE,
    "The reservation had ended at central, but the goods are paid and with the customer: it"
    " counts as sold.",
)
_GIVE_IT_BACK = Consequence(
    ConsequenceKind.REFUND_DUE,
    "The reservation had ended at central when this was paid: give the money back, or sell the"
    " goods at the till.",
)

_HOLDING = (
    *confirmation(_OPEN, _CLOSED),
    Transition("fulfillment_accepted", frozenset({S.NEW}), frozenset({S.ACCEPTED}), accept),
    Transition("fulfillment_accepted", _CLOSED, _CLOSED, unchanged, late=NOTHING_CHANGED),
    Transition(
        "line_picked", _TO_PICK | _PAYING | {S.PARTIALLY_CONVERTED},
        _WORKED, pick,
        overtaken=Overtaken(pick_overtaken, TAKEN_MEANWHILE),
    ),
    # Central took the last units to be picked away while the store picked them.
    Transition("line_picked", _HELD, _HELD, pick_late, late=TAKEN_MEANWHILE),
    Transition("line_picked", _CLOSED, _CLOSED, pick_late, late=PUT_IT_BACK),
    Transition(
        "line_unpicked", _WORKED, _OPEN, unpick,
        overtaken=Overtaken(unpick_late, COUNTS_ALL_THE_SAME),
    ),
    Transition("line_unpicked", _CLOSED, _CLOSED, unpick_late, late=NOTHING_CHANGED),
    Transition(
        "line_short_picked", _OPEN, _OPEN | _CLOSED, give_up,
        overtaken=Overtaken(give_up_rest, ONLY_THE_OTHERS),
    ),
    Transition("line_short_picked", _CLOSED, _CLOSED, unchanged, late=NOTHING_CHANGED),
    Transition("fulfillment_rejected", _OPEN, _CLOSED, give_up_all),
    Transition("fulfillment_rejected", _CLOSED, _CLOSED, unchanged, late=NOTHING_CHANGED),
    Transition("staged", _IN_HAND, _IN_HAND, stage),
    Transition("staged", _CLOSED, _CLOSED, stage, late=PUT_IT_BACK),
    Transition("marked_ready", frozenset({S.STAGED}), frozenset({S.READY_FOR_PICKUP}), _ready),
    Transition("marked_ready", _CLOSED, _CLOSED, unchanged, late=PUT_IT_BACK),
    Transition(
        "unstaged", frozenset({S.STAGED, S.READY_FOR_PICKUP}), frozenset({S.PICKED}), unstage
    ),
    Transition("unstaged", _CLOSED, _CLOSED, unstage, late=PUT_IT_BACK),
    Transition(
        "line_refused", _IN_HAND, _IN_HAND | _CLOSED, refuse,
        overtaken=Overtaken(refuse_rest, ONLY_THE_OTHERS),
    ),
    Transition("line_refused", _CLOSED, _CLOSED, unchanged, late=NOTHING_CHANGED),
    Transition("put_back", _WORKED | _CLOSED, _OPEN | _CLOSED, put_back),
)  # fmt: skip

_ENDING = (
    Transition("extension_requested", _OPEN - _PAYING, _OPEN - _PAYING, _extend),
    Transition("hold_expired", (_OPEN - _PAYING) | _WAITS, _CLOSED, _expire),
    Transition("hold_expired", _CLOSED, _CLOSED, unchanged, late=NOTHING_CHANGED),
    Transition("reservation_released", (_OPEN - _PAYING) | _WAITS, _CLOSED, _release),
    Transition("reservation_released", _CLOSED, _CLOSED, unchanged, late=NOTHING_CHANGED),
    Transition("wait_served", _WAITS, frozenset({S.NEW}), _serve),
)

_PAYMENT = (
    Transition(
        "tender_taken", _WORKED, _PAYING, tendering.take,
        overtaken=Overtaken(tendering.take_late, _GIVE_IT_BACK),
    ),
    Transition(
        "tender_taken", _CLOSED, frozenset({S.REFUND_DUE}), tendering.take_late, late=_GIVE_IT_BACK
    ),
    Transition(
        "card_asked", _WORKED, _PAYING, tendering.ask_card,
        overtaken=Overtaken(tendering.ask_card_late, _GIVE_IT_BACK),
    ),
    Transition(
        "card_asked", _CLOSED, frozenset({S.REFUND_DUE}), tendering.ask_card_late,
        late=_GIVE_IT_BACK,
    ),
    Transition("card_answered", _PAYING, _OPEN, tendering.answer_card),
    Transition("card_answered", frozenset({S.REFUND_DUE}), _CLOSED, tendering.answer_card),
    Transition("value_asked", _WORKED, _PAYING, tendering.ask_value),
    Transition("value_answered", _PAYING, _OPEN, tendering.answer_value),
    Transition("value_answered", frozenset({S.REFUND_DUE}), _CLOSED, tendering.answer_value),
    Transition("tender_returned", _PAYING, _OPEN, tendering.give_back),
    Transition("tender_returned", frozenset({S.REFUND_DUE}), _CLOSED, tendering.give_back),
    # Central had declined what the store then took back, or the order had ended before.
    Transition(
        "tender_returned", _SETTLED, _SETTLED, unchanged, late=NOTHING_CHANGED
    ),
    Transition(
        "reservation_converted", _PAYING,
        _PAYING | {S.PARTIALLY_CONVERTED, S.CONVERTED, S.REFUND_DUE}, _convert,
        overtaken=Overtaken(_convert_late, _FACT_WINS),
    ),
    Transition(
        "reservation_converted", frozenset({S.REFUND_DUE}),
        frozenset({S.CONVERTED, S.REFUND_DUE}), _convert_late, late=_FACT_WINS,
    ),
)  # fmt: skip

FLOW: Flow = make_flow(
    NAME, (*_HOLDING, *_ENDING, *_PAYMENT), status_of, operations=res.RESERVE_OPERATIONS
)
"""The reserve flow. What begins at a counter is in `sync.domain.paying`: it has no order before."""
