"""Pickup (BOPIS): bought online, picked, staged at the hold shelf, handed over in the store.

NEW -> ACCEPTED -> PICKING -> PICKED -> STAGED -> READY_FOR_PICKUP -> PICKED_UP
                                                  `-> PARTIALLY_PICKED_UP -^
Any of them ends early as REJECTED (store), CANCELLED (customer),
EXPIRED (nobody came) or REFUSED (at the counter); goods in hand are then
put back, whatever the status.
"""

from typing import cast

from sync.domain import operations as op
from sync.domain.errors import QuantityRefused, WrongProof
from sync.domain.fulfillment import (
    FulfillmentOrder,
    FulfillmentStatus,
    ProofKind,
    evolve_line,
    evolve_order,
)
from sync.domain.picking import (
    NOTHING_CHANGED,
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
)
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

NAME = "pickup"
HOLD_DAYS = 7
"""How long ready goods wait unless central's policy for the store says otherwise."""
HOLD_DAYS_MAX = 28
"""The longest wait, extensions included, that central grants."""
DAY_MS = 86_400_000

S = FulfillmentStatus
_WAITING = frozenset({S.READY_FOR_PICKUP, S.PARTIALLY_PICKED_UP})
_IN_HAND = frozenset({S.PICKED, S.STAGED}) | _WAITING
_LATER_THAN_PICKING = frozenset({S.PICKED, S.STAGED, S.READY_FOR_PICKUP})
_OPEN = frozenset({S.NEW, S.ACCEPTED, S.PICKING}) | _IN_HAND
_CLOSED_EARLY = frozenset({S.REJECTED, S.CANCELLED, S.EXPIRED, S.REFUSED})
_CLOSED = _CLOSED_EARLY | {S.PICKED_UP}


def status_of(order: FulfillmentOrder) -> FulfillmentStatus:
    """Return the status that follows from the quantities of `order`, in one pass over its lines."""
    expected = to_pick = held = fulfilled = 0
    for line in order.lines:
        open_units, in_hand = line.open, line.held
        expected += open_units
        held += in_hand
        fulfilled += line.fulfilled
        if open_units > in_hand:
            to_pick += open_units - in_hand
    if expected == 0:
        return _closed_status(order)
    if fulfilled:
        return S.PARTIALLY_PICKED_UP
    if to_pick:
        return _picking_status(order, held)
    if order.ready_at_ms is not None:
        return S.READY_FOR_PICKUP
    return S.STAGED if order.staging_spot else S.PICKED


def _picking_status(order: FulfillmentOrder, held: int) -> FulfillmentStatus:
    if held:
        return S.PICKING
    return S.NEW if order.accepted_at_ms is None else S.ACCEPTED


def _closed_status(order: FulfillmentOrder) -> FulfillmentStatus:
    if order.total("fulfilled"):
        return S.PICKED_UP
    for counter, status in (("expired", S.EXPIRED), ("refused", S.REFUSED), ("short", S.REJECTED)):
        if order.total(counter) and not order.total("cancelled"):
            return status
    return S.CANCELLED


def _ready(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    done = cast("op.MarkedReady", operation)
    return evolve_order(order, ready_at_ms=done.ready_at_ms, expires_at_ms=done.expires_at_ms)


def _hand_over(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    done = cast("op.HandedOver", operation)
    _check_proof(done)
    for entry in done.lines:
        line = line_of(order, entry.line)
        quantity = bounded("hand over", entry.quantity, line.deliverable)
        order = order.with_line(evolve_line(line, fulfilled=line.fulfilled + quantity))
    return order


def _check_proof(done: op.HandedOver) -> None:
    if not done.lines:
        raise QuantityRefused("hand over", 0, 0)
    if not done.proof.recipient.strip():
        raise WrongProof("say who takes the goods")
    if done.proof.kind is ProofKind.ID_CHECK and not done.proof.document.strip():
        raise WrongProof("say which document was checked")


def _hand_over_late(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    """The goods are gone: undo the cancellation or expiry for just these units."""
    done = cast("op.HandedOver", operation)
    for entry in done.lines:
        line = line_of(order, entry.line)
        quantity = bounded("hand over", entry.quantity, line.held)
        line = reopened(line, quantity - line.open)
        order = order.with_line(evolve_line(line, fulfilled=line.fulfilled + quantity))
    return order


def _extend(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    asked = cast("op.ExtensionRequested", operation)
    current = order.expires_at_ms or 0
    latest = (order.ready_at_ms or 0) + HOLD_DAYS_MAX * DAY_MS
    if not current < asked.expires_at_ms <= latest:
        most = max(0, (latest - current) // DAY_MS)
        raise QuantityRefused("extend by days", (asked.expires_at_ms - current) // DAY_MS, most)
    return evolve_order(order, expires_at_ms=asked.expires_at_ms)


_FACT_WINS = Consequence(
    ConsequenceKind.CANCELLATION_UNDONE,
    "The order had ended at central, but the goods are with the customer: it counts as picked up.",
)


_ROWS = (
    *confirmation(_OPEN, _CLOSED),
    Transition("fulfillment_accepted", frozenset({S.NEW}), frozenset({S.ACCEPTED}), accept),
    Transition("fulfillment_accepted", _CLOSED, _CLOSED, unchanged, late=NOTHING_CHANGED),
    Transition(
        "line_picked",
        frozenset({S.NEW, S.ACCEPTED, S.PICKING}),
        frozenset({S.PICKING, S.PICKED}),
        pick,
        overtaken=Overtaken(pick_overtaken, TAKEN_MEANWHILE),
    ),
    # A pick of the rest was undone after a part had been handed over: it can be picked again.
    Transition(
        "line_picked",
        frozenset({S.PARTIALLY_PICKED_UP}),
        frozenset({S.PARTIALLY_PICKED_UP}),
        pick,
    ),
    # Central took the last units to be picked away while the store picked them.
    Transition(
        "line_picked", _LATER_THAN_PICKING, _LATER_THAN_PICKING, pick_late, late=TAKEN_MEANWHILE
    ),
    Transition("line_picked", _CLOSED, _CLOSED, pick_late, late=PUT_IT_BACK),
    Transition(
        "line_unpicked",
        frozenset({S.PICKING, S.PICKED, S.STAGED}) | _WAITING,
        frozenset({S.ACCEPTED, S.PICKING, S.PICKED, S.STAGED, S.PARTIALLY_PICKED_UP}) | _WAITING,
        unpick,
        overtaken=Overtaken(unpick_late, NOTHING_CHANGED),
    ),
    Transition("line_unpicked", _CLOSED, _CLOSED, unpick_late, late=NOTHING_CHANGED),
    Transition(
        "line_short_picked",
        _OPEN,
        _OPEN | _CLOSED,
        give_up,
        overtaken=Overtaken(give_up_rest, NOTHING_CHANGED),
    ),
    Transition("line_short_picked", _CLOSED, _CLOSED, unchanged, late=NOTHING_CHANGED),
    Transition("fulfillment_rejected", _OPEN, _CLOSED, give_up_all),
    Transition("fulfillment_rejected", _CLOSED, _CLOSED, unchanged, late=NOTHING_CHANGED),
    Transition("staged", _IN_HAND, _IN_HAND, stage),
    Transition("staged", _CLOSED, _CLOSED, stage, late=PUT_IT_BACK),
    Transition("marked_ready", frozenset({S.STAGED}), frozenset({S.READY_FOR_PICKUP}), _ready),
    Transition("marked_ready", _CLOSED, _CLOSED, unchanged, late=PUT_IT_BACK),
    Transition(
        "handed_over",
        _IN_HAND,
        frozenset({S.PICKED_UP, S.PARTIALLY_PICKED_UP}),
        _hand_over,
        overtaken=Overtaken(_hand_over_late, _FACT_WINS),
    ),
    Transition("handed_over", _CLOSED, frozenset({S.PICKED_UP}), _hand_over_late, late=_FACT_WINS),
    Transition(
        "line_refused",
        _IN_HAND,
        _IN_HAND | _CLOSED,
        refuse,
        overtaken=Overtaken(refuse_rest, NOTHING_CHANGED),
    ),
    Transition("line_refused", _CLOSED, _CLOSED, unchanged, late=NOTHING_CHANGED),
    Transition("hold_expired", _WAITING, _CLOSED, expire_all),
    Transition("hold_expired", _CLOSED, _CLOSED, unchanged, late=NOTHING_CHANGED),
    Transition("put_back", frozenset({S.PICKING}) | _IN_HAND | _CLOSED, _OPEN | _CLOSED, put_back),
    Transition("extension_requested", _WAITING, _WAITING, _extend),
)

FLOW: Flow = make_flow(NAME, _ROWS, status_of)
"""The pickup flow. It has no operation of its own: the common vocabulary is enough."""
