"""Ship from store: picked in a store, packed into boxes, labeled, and given to a carrier.

NEW -> ACCEPTED -> PICKING -> PICKED -> PACKED -> LABELED -> MANIFESTED -> SHIPPED

The status is that of what is still here: where a first box has left, the rest
goes through the same states again. Any of them ends early as REJECTED (store)
or CANCELLED (customer); goods in hand are then put back, out of their boxes.

An order with `reserve` is paid here before its boxes leave, each as a sale; unpaid it ends
as EXPIRED (in time) or RELEASED (not wanted). With money of the customer's here that
nothing left for, whatever ended it, it is REFUND_DUE.
"""

from sync.domain import ship_effects as effects
from sync.domain import tendering
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.picking import COUNTS_ALL_THE_SAME, ONLY_THE_OTHERS, assign_wave
from sync.domain.ship_effects import (
    BoxRefused,
    label_arrived,
    label_failed,
    loose,
    shipment_of,
    to_pack,
)
from sync.domain.ship_operations import OPERATIONS
from sync.domain.transitions import (
    Consequence,
    ConsequenceKind,
    Flow,
    Overtaken,
    Transition,
    confirmation,
    make_flow,
)

__all__ = [
    "FLOW", "NAME", "BoxRefused", "label_arrived", "label_failed", "loose", "shipment_of",
    "status_of", "to_pack",
]  # fmt: skip

NAME = "ship_from_store"

S = FulfillmentStatus
_TO_PICK = frozenset({S.NEW, S.ACCEPTED, S.PICKING})
_PACKING = frozenset({S.PICKING, S.PICKED})
_BOXED = frozenset({S.PACKED, S.LABELED, S.MANIFESTED})
_PICKED = frozenset({S.PICKED}) | _BOXED
_AT_WORK = frozenset({S.PICKING}) | _PICKED
_OPEN = _TO_PICK | _PICKED
_REFUND = frozenset({S.REFUND_DUE})
_BEGUN = _OPEN - {S.NEW}
"""Where money may be here: goods have been in hand."""
_ENDED = frozenset({S.REJECTED, S.CANCELLED, S.SHIPPED})
_CLOSED = _ENDED | {S.EXPIRED, S.RELEASED} | _REFUND


def status_of(order: FulfillmentOrder) -> FulfillmentStatus:
    """Return the status that follows from the quantities and the boxes of `order`."""
    expected = to_pick = held = 0
    for line in order.lines:
        expected += line.open
        held += line.held
        to_pick += line.to_pick
    if expected == 0:
        return _closed_status(order)
    if to_pick:
        if held or order.total("fulfilled"):
            return S.PICKING
        return S.NEW if order.accepted_at_ms is None else S.ACCEPTED
    return _packing_status(order)


def _packing_status(order: FulfillmentOrder) -> FulfillmentStatus:
    shipment = shipment_of(order)
    if any(shipment.packed(line.line) < line.deliverable for line in order.lines):
        return S.PICKED
    here = [box for box in shipment.boxes if box.is_here]
    if not all(box.tracking for box in here):
        return S.PACKED
    return S.MANIFESTED if all(box.manifest for box in here) else S.LABELED


def _closed_status(order: FulfillmentOrder) -> FulfillmentStatus:
    if order.is_unsettled:
        return S.REFUND_DUE
    if order.total("fulfilled"):
        return S.SHIPPED
    if order.total("cancelled"):
        return S.CANCELLED
    for counter, status in _ENDS:
        if order.total(counter):
            return status
    return S.CANCELLED


_ENDS = (("expired", S.EXPIRED), ("refused", S.RELEASED), ("short", S.REJECTED))
"""How an order ended of which nothing was cancelled."""


_PUT_IT_BACK = Consequence(
    ConsequenceKind.PUT_BACK_DUE, "The order ended while you worked on it: put the goods back."
)
_FACT_WINS = Consequence(
    ConsequenceKind.CANCELLATION_UNDONE,
    "The order had ended at central, but the carrier has the box: it counts as shipped.",
)
_NOTHING = Consequence(
    ConsequenceKind.NO_EFFECT, "The order had already ended at central: nothing changed."
)
_TAKEN_MEANWHILE = Consequence(
    ConsequenceKind.PUT_BACK_DUE,
    "Some of these units are not expected any more (cancelled, or another store has them): put"
    " those back.",
)
_FACT_WINS_IN_PART = Consequence(
    ConsequenceKind.CANCELLATION_UNDONE,
    "Central had taken some of these units away, but the carrier has the box: it counts as"
    " shipped.",
)
_SALE_WINS = Consequence(
    ConsequenceKind.CANCELLATION_UNDONE,
    "The order had ended at central, but it is paid and the carrier has the box: it counts as"
    " sold.",
)
_GIVE_IT_BACK = Consequence(
    ConsequenceKind.REFUND_DUE,
    "The order had ended at central when this was paid: give the money back.",
)
_NOT_PICKED_ANY_MORE = Consequence(
    ConsequenceKind.NO_EFFECT, "Nothing of it is to be picked any more: nothing changed."
)

_PICK_ROWS = (
    *confirmation(_OPEN, _CLOSED),
    Transition("fulfillment_accepted", frozenset({S.NEW}), frozenset({S.ACCEPTED}), effects.accept),
    Transition("fulfillment_accepted", _CLOSED, _CLOSED, effects.unchanged, late=_NOTHING),
    Transition("wave_assigned", _TO_PICK, frozenset({S.ACCEPTED, S.PICKING}), assign_wave),
    Transition("wave_assigned", _PICKED, _PICKED, assign_wave, late=_NOT_PICKED_ANY_MORE),
    Transition("wave_assigned", _CLOSED, _CLOSED, effects.unchanged, late=_NOTHING),
    Transition(
        "line_picked",
        _TO_PICK,
        _PACKING | _BOXED,
        effects.pick,
        overtaken=Overtaken(effects.pick_late, _TAKEN_MEANWHILE),
    ),
    # Central took the last units to be picked away while the store picked them.
    Transition("line_picked", _PICKED, _PICKED, effects.pick_late, late=_TAKEN_MEANWHILE),
    Transition("line_picked", _CLOSED, _CLOSED, effects.pick_late, late=_PUT_IT_BACK),
    Transition(
        "line_unpicked",
        _PACKING,
        frozenset({S.ACCEPTED}) | _PACKING,
        effects.unpick,
        overtaken=Overtaken(effects.unpick_late, COUNTS_ALL_THE_SAME),
    ),
    Transition("line_unpicked", _BOXED, _BOXED, effects.unpick_late, late=COUNTS_ALL_THE_SAME),
    Transition("line_unpicked", _CLOSED, _CLOSED, effects.unpick_late, late=_NOTHING),
    Transition(
        "line_short_picked",
        _OPEN,
        _OPEN | _CLOSED,
        effects.short,
        overtaken=Overtaken(effects.short_rest, ONLY_THE_OTHERS),
    ),
    Transition("line_short_picked", _CLOSED, _CLOSED, effects.unchanged, late=_NOTHING),
    Transition("fulfillment_rejected", _OPEN, _CLOSED, effects.reject),
    Transition("fulfillment_rejected", _CLOSED, _CLOSED, effects.unchanged, late=_NOTHING),
)
_BOX_ROWS = (
    Transition(
        "box_packed",
        _PACKING,
        _PACKING | frozenset({S.PACKED}),
        effects.pack,
        overtaken=Overtaken(effects.pack_late, _TAKEN_MEANWHILE),
    ),
    Transition("box_packed", _BOXED, _BOXED, effects.pack_late, late=_TAKEN_MEANWHILE),
    Transition("box_packed", _CLOSED, _CLOSED, effects.pack_late, late=_PUT_IT_BACK),
    Transition("box_unpacked", _AT_WORK, _AT_WORK, effects.unpack),
    Transition("box_unpacked", _CLOSED, _CLOSED, effects.unpack),
    Transition(
        "label_printed",
        _PACKING | frozenset({S.PACKED}),
        _AT_WORK,
        effects.print_label,
    ),
    Transition("label_printed", _CLOSED, _CLOSED, effects.print_label, late=_PUT_IT_BACK),
    Transition(
        "label_requested", _PACKING | frozenset({S.PACKED}), _AT_WORK, effects.request_label
    ),
    Transition("label_voided", _AT_WORK, _AT_WORK, effects.void),
    Transition("label_voided", _CLOSED, _CLOSED, effects.void, late=_NOTHING),
    Transition("manifested", _AT_WORK, _AT_WORK, effects.manifest),
    Transition("manifested", _CLOSED, _CLOSED, effects.manifest, late=_PUT_IT_BACK),
    Transition(
        "handed_to_carrier",
        _AT_WORK,
        _OPEN | frozenset({S.SHIPPED}),
        effects.hand_over,
        overtaken=Overtaken(effects.hand_over_late, _FACT_WINS_IN_PART),
    ),
    Transition(
        "handed_to_carrier",
        _ENDED,
        frozenset({S.SHIPPED}),
        effects.hand_over_late,
        late=_FACT_WINS,
    ),
    Transition("put_back", _AT_WORK | _CLOSED, _OPEN | _CLOSED, effects.put_back),
)

_PAYMENT_ROWS = (
    Transition(
        "tender_taken", _AT_WORK, _AT_WORK, tendering.take,
        overtaken=Overtaken(tendering.take_late, _GIVE_IT_BACK),
    ),
    Transition("tender_taken", _CLOSED, _REFUND, tendering.take_late, late=_GIVE_IT_BACK),
    Transition(
        "card_asked", _AT_WORK, _AT_WORK, tendering.ask_card,
        overtaken=Overtaken(tendering.ask_card_late, _GIVE_IT_BACK),
    ),
    Transition("card_asked", _CLOSED, _REFUND, tendering.ask_card_late, late=_GIVE_IT_BACK),
    Transition("card_answered", _BEGUN, _OPEN, tendering.answer_card),
    Transition("card_answered", _REFUND, _CLOSED, tendering.answer_card),
    Transition("value_asked", _AT_WORK, _AT_WORK, tendering.ask_value),
    Transition("value_answered", _BEGUN, _OPEN, tendering.answer_value),
    Transition("value_answered", _REFUND, _CLOSED, tendering.answer_value),
    # New, too: what a store did not find may have been taken away by central before.
    Transition("tender_returned", _OPEN, _OPEN, tendering.give_back),
    Transition("tender_returned", _REFUND, _CLOSED, tendering.give_back),
    # Central had declined what the store then took back, or the order had ended before.
    Transition(
        "tender_returned", _CLOSED - _REFUND, _CLOSED - _REFUND, effects.unchanged, late=_NOTHING
    ),
    Transition(
        "reservation_converted", _AT_WORK, _OPEN | {S.SHIPPED, S.REFUND_DUE}, effects.sell,
        overtaken=Overtaken(effects.sell_late, _SALE_WINS),
    ),
    Transition(
        "reservation_converted", _REFUND, frozenset({S.SHIPPED, S.REFUND_DUE}), effects.sell_late,
        late=_SALE_WINS,
    ),
    Transition("hold_expired", _OPEN, _CLOSED, effects.expire),
    Transition("hold_expired", _CLOSED, _CLOSED, effects.unchanged, late=_NOTHING),
    Transition("reservation_released", _OPEN, _CLOSED, effects.release),
    Transition("reservation_released", _CLOSED, _CLOSED, effects.unchanged, late=_NOTHING),
)  # fmt: skip
"""Of orders that are paid here; for others each of these is refused."""

FLOW: Flow = make_flow(NAME, (*_PICK_ROWS, *_BOX_ROWS, *_PAYMENT_ROWS), status_of, OPERATIONS)
"""The flow of parcels from stores."""
