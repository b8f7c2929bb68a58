"""Pickup (BOPIS): bought online, picked, staged at the hold shelf, handed over in the store.

NEW -> ACCEPTED -> PICKING -> PICKED -> STAGED -> READY_FOR_PICKUP -> PICKED_UP
                                                  `-> PARTIALLY_PICKED_UP -^
Any of them ends early as REJECTED (store), CANCELLED (customer),
EXPIRED (nobody came) or REFUSED (at the counter); goods in hand are then
put back, whatever the status.
"""

from typing import cast

from sync.domain import operations as op
from sync.domain.errors import QuantityRefused, UnknownLine, WrongProof
from sync.domain.fulfillment import (
    CENTRAL_REASONS,
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentStatus,
    ProofKind,
    evolve_line,
    evolve_order,
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


def _line(order: FulfillmentOrder, number: int) -> FulfillmentLine:
    line = order.line(number)
    if line is None:
        raise UnknownLine(number)
    return line


def _bounded(what: str, asked: int, allowed: int) -> int:
    if not 0 < asked <= allowed:
        raise QuantityRefused(what, asked, max(0, allowed))
    return asked


def _accept(order: FulfillmentOrder, _: FulfillmentOperation, at_ms: int) -> FulfillmentOrder:
    return evolve_order(order, accepted_at_ms=at_ms)


def _pick(order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int) -> FulfillmentOrder:
    done = cast("op.LinePicked", operation)
    line = _line(order, done.line)
    quantity = _bounded("pick", done.quantity, line.to_pick)
    accepted = order.accepted_at_ms if order.accepted_at_ms is not None else at_ms
    picked = evolve_line(line, picked=line.picked + quantity)
    return order.with_line(picked, accepted_at_ms=accepted)


def _pick_late(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    done = cast("op.LinePicked", operation)
    line = _line(order, done.line)
    quantity = _bounded("pick", done.quantity, line.allocated - line.picked + line.put_back)
    return order.with_line(evolve_line(line, picked=line.picked + quantity))


def _pick_overtaken(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    """Count all units that were picked, though central expects fewer by now."""
    accepted = at_ms if order.accepted_at_ms is None else order.accepted_at_ms
    return evolve_order(_pick_late(order, operation, at_ms), accepted_at_ms=accepted)


def _unpick(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    """Take back a pick. Units that nobody expects are `put_back`, not picked anew: these first."""
    done = cast("op.LineUnpicked", operation)
    line = _line(order, done.line)
    quantity = _bounded("take back", done.quantity, 0 if line.to_put_back else line.held)
    return _unpicked(order, line, quantity)


def _unpick_late(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    done = cast("op.LineUnpicked", operation)
    line = _line(order, done.line)
    return _unpicked(order, line, _bounded("take back", done.quantity, line.held))


def _unpicked(order: FulfillmentOrder, line: FulfillmentLine, quantity: int) -> FulfillmentOrder:
    returned = evolve_line(line, picked=line.picked - quantity)
    return order.with_line(returned, staging_spot="", ready_at_ms=None)


def _short(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    done = cast("op.LineShortPicked", operation)
    line = _line(order, done.line)
    quantity = _bounded("give up", done.quantity, line.open)
    accepted = order.accepted_at_ms
    if accepted is None and done.reason not in CENTRAL_REASONS:
        accepted = at_ms
    given_up = evolve_line(line, short=line.short + quantity)
    return order.with_line(given_up, accepted_at_ms=accepted)


def _short_rest(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    """Give up what is still expected of the line; central has taken the others already."""
    done = cast("op.LineShortPicked", operation)
    line = _line(order, done.line)
    _bounded("give up", done.quantity, line.allocated)
    return order.with_line(evolve_line(line, short=line.short + min(line.open, done.quantity)))


def _refuse_rest(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    """Count what was still to be given as refused; nobody expects the others any more."""
    done = cast("op.LineRefused", operation)
    line = _line(order, done.line)
    _bounded("refuse", done.quantity, line.held)
    refused = min(line.deliverable, done.quantity)
    return order.with_line(evolve_line(line, refused=line.refused + refused))


def _reject(order: FulfillmentOrder, _: FulfillmentOperation, __: int) -> FulfillmentOrder:
    lines = tuple(evolve_line(line, short=line.short + line.open) for line in order.lines)
    return evolve_order(order, lines=lines)


def _unchanged(order: FulfillmentOrder, _: FulfillmentOperation, __: int) -> FulfillmentOrder:
    return order


def _stage(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    return evolve_order(order, staging_spot=cast("op.Staged", operation).spot)


def _ready(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    done = cast("op.MarkedReady", operation)
    return evolve_order(order, ready_at_ms=done.ready_at_ms, expires_at_ms=done.expires_at_ms)


def _hand_over(
    order: FulfillmentOrder, operation: FulfillmentOperation, _: int
) -> FulfillmentOrder:
    done = cast("op.HandedOver", operation)
    _check_proof(done)
    for entry in done.lines:
        line = _line(order, entry.line)
        quantity = _bounded("hand over", entry.quantity, line.deliverable)
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
        line = _line(order, entry.line)
        quantity = _bounded("hand over", entry.quantity, line.held)
        line = _reopened(line, quantity - line.open)
        order = order.with_line(evolve_line(line, fulfilled=line.fulfilled + quantity))
    return order


def _reopened(line: FulfillmentLine, missing: int) -> FulfillmentLine:
    for counter in ("cancelled", "expired", "refused", "short"):
        undone = min(max(0, missing), getattr(line, counter))
        line = evolve_line(line, **{counter: getattr(line, counter) - undone})
        missing -= undone
    return line


def _refuse(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    done = cast("op.LineRefused", operation)
    line = _line(order, done.line)
    quantity = _bounded("refuse", done.quantity, line.deliverable)
    return order.with_line(evolve_line(line, refused=line.refused + quantity))


def _expire(order: FulfillmentOrder, _: FulfillmentOperation, __: int) -> FulfillmentOrder:
    lines = tuple(evolve_line(line, expired=line.expired + line.open) for line in order.lines)
    return evolve_order(order, lines=lines)


def _put_back(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    done = cast("op.PutBack", operation)
    line = _line(order, done.line)
    quantity = _bounded("put back", done.quantity, line.to_put_back)
    return order.with_line(evolve_line(line, put_back=line.put_back + quantity))


def _extend(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    asked = cast("op.ExtensionRequested", operation)
    current = order.expires_at_ms or 0
    latest = (order.ready_at_ms or 0) + HOLD_DAYS_MAX * DAY_MS
    if not current < asked.expires_at_ms <= latest:
        most = max(0, (latest - current) // DAY_MS)
        raise QuantityRefused("extend by days", (asked.expires_at_ms - current) // DAY_MS, most)
    return evolve_order(order, expires_at_ms=asked.expires_at_ms)


_PUT_IT_BACK = Consequence(
    ConsequenceKind.PUT_BACK_DUE, "The order ended while you worked on it: put the goods back."
)
_FACT_WINS = Consequence(
    ConsequenceKind.CANCELLATION_UNDONE,
    "The order had ended at central, but the goods are with the customer: it counts as picked up.",
)
_NOTHING = Consequence(
    ConsequenceKind.NO_EFFECT, "The order had already ended at central: nothing changed."
)

_TAKEN_MEANWHILE = Consequence(
    ConsequenceKind.PUT_BACK_DUE,
    "Central had given some of these units to another store meanwhile: put the others back.",
)

_ROWS = (
    *confirmation(_OPEN, _CLOSED),
    Transition("fulfillment_accepted", frozenset({S.NEW}), frozenset({S.ACCEPTED}), _accept),
    Transition("fulfillment_accepted", _CLOSED, _CLOSED, _unchanged, late=_NOTHING),
    Transition(
        "line_picked",
        frozenset({S.NEW, S.ACCEPTED, S.PICKING}),
        frozenset({S.PICKING, S.PICKED}),
        _pick,
        overtaken=Overtaken(_pick_overtaken, _TAKEN_MEANWHILE),
    ),
    # A pick of the rest was undone after a part had been handed over: it can be picked again.
    Transition(
        "line_picked",
        frozenset({S.PARTIALLY_PICKED_UP}),
        frozenset({S.PARTIALLY_PICKED_UP}),
        _pick,
    ),
    # Central took the last units to be picked away while the store picked them.
    Transition(
        "line_picked", _LATER_THAN_PICKING, _LATER_THAN_PICKING, _pick_late, late=_TAKEN_MEANWHILE
    ),
    Transition("line_picked", _CLOSED, _CLOSED, _pick_late, late=_PUT_IT_BACK),
    Transition(
        "line_unpicked",
        frozenset({S.PICKING, S.PICKED, S.STAGED}) | _WAITING,
        frozenset({S.ACCEPTED, S.PICKING, S.PICKED, S.STAGED, S.PARTIALLY_PICKED_UP}) | _WAITING,
        _unpick,
        overtaken=Overtaken(_unpick_late, _NOTHING),
    ),
    Transition("line_unpicked", _CLOSED, _CLOSED, _unpick_late, late=_NOTHING),
    Transition(
        "line_short_picked",
        _OPEN,
        _OPEN | _CLOSED,
        _short,
        overtaken=Overtaken(_short_rest, _NOTHING),
    ),
    Transition("line_short_picked", _CLOSED, _CLOSED, _unchanged, late=_NOTHING),
    Transition("fulfillment_rejected", _OPEN, _CLOSED, _reject),
    Transition("fulfillment_rejected", _CLOSED, _CLOSED, _unchanged, late=_NOTHING),
    Transition("staged", _IN_HAND, _IN_HAND, _stage),
    Transition("staged", _CLOSED, _CLOSED, _stage, late=_PUT_IT_BACK),
    Transition("marked_ready", frozenset({S.STAGED}), frozenset({S.READY_FOR_PICKUP}), _ready),
    Transition("marked_ready", _CLOSED, _CLOSED, _unchanged, late=_PUT_IT_BACK),
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
        _refuse,
        overtaken=Overtaken(_refuse_rest, _NOTHING),
    ),
    Transition("line_refused", _CLOSED, _CLOSED, _unchanged, late=_NOTHING),
    Transition("hold_expired", _WAITING, _CLOSED, _expire),
    Transition("hold_expired", _CLOSED, _CLOSED, _unchanged, late=_NOTHING),
    Transition("put_back", frozenset({S.PICKING}) | _IN_HAND | _CLOSED, _OPEN | _CLOSED, _put_back),
    Transition("extension_requested", _WAITING, _WAITING, _extend),
)

FLOW: Flow = make_flow(NAME, _ROWS, status_of)
"""The pickup flow. It has no operation of its own: the common vocabulary is enough."""
