"""Goods that customers fetch, bought before: what every flow that has them at a hold shelf shares.

NEW -> ACCEPTED -> PICKING -> PICKED -> STAGED -> READY_FOR_PICKUP -> PICKED_UP
                                                  `-> PARTIALLY_PICKED_UP -^
Any of them ends early as REJECTED (store), CANCELLED (customer),
EXPIRED (nobody came) or REFUSED (at the counter); goods in hand are then
put back, whatever the status. A flow that tells ready goods apart further has a
status of its own among those in which a customer may come (`rows`).
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
    COUNTS_ALL_THE_SAME,
    NOTHING_CHANGED,
    ONLY_THE_OTHERS,
    PUT_IT_BACK,
    TAKEN_MEANWHILE,
    accept,
    assign_wave,
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
    sort,
    sort_late,
    stage,
    unchanged,
    unpick,
    unpick_late,
    unstage,
)
from sync.domain.pickups import DAY_MS
from sync.domain.transitions import (
    Consequence,
    ConsequenceKind,
    FulfillmentOperation,
    Overtaken,
    Transition,
    confirmation,
)

HOLD_DAYS = 7
"""How long ready goods wait unless central's policy for the store says otherwise."""

S = FulfillmentStatus
READY = frozenset({S.READY_FOR_PICKUP, S.PARTIALLY_PICKED_UP})
"""The customer may come."""
TO_PICK = frozenset({S.NEW, S.ACCEPTED, S.PICKING})
_CLOSED_EARLY = frozenset({S.REJECTED, S.CANCELLED, S.EXPIRED, S.REFUSED})
CLOSED = _CLOSED_EARLY | {S.PICKED_UP}


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
    if to_pick or order.units_to_sort:
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


def latest_wait_ms(order: FulfillmentOrder) -> int:
    """Return until when ready goods may wait, extensions included.

    Counted from when they were ready; where a pick was taken back since then, a part
    being with the customer, from when they were promised.
    """
    since_ms = order.promised_by_ms if order.ready_at_ms is None else order.ready_at_ms
    return since_ms + order.wait_days_max * DAY_MS


def _extend(order: FulfillmentOrder, operation: FulfillmentOperation, _: int) -> FulfillmentOrder:
    asked = cast("op.ExtensionRequested", operation)
    current = order.expires_at_ms or 0
    latest = latest_wait_ms(order)
    if not current < asked.expires_at_ms <= latest:
        most = max(0, (latest - current) // DAY_MS)
        raise QuantityRefused("extend by days", (asked.expires_at_ms - current) // DAY_MS, most)
    return evolve_order(order, expires_at_ms=asked.expires_at_ms)


def _unstage(
    order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> FulfillmentOrder:
    """Take it back to picked: how long it waits is counted anew when it is ready again."""
    return evolve_order(unstage(order, operation, at_ms), expires_at_ms=None)


_FACT_WINS = Consequence(
    ConsequenceKind.CANCELLATION_UNDONE,
    "The order had ended at central, but the goods are with the customer: it counts as picked up.",
)
_FACT_WINS_IN_PART = Consequence(
    ConsequenceKind.CANCELLATION_UNDONE,
    "Central had taken some of these units away, but the customer has them: they count as picked"
    " up.",
)


def rows(*others: FulfillmentStatus) -> tuple[Transition, ...]:
    """Return the table; `others` are a flow's own statuses in which the customer may come."""
    own = frozenset(others)
    waiting = READY | own
    in_hand = frozenset({S.PICKED, S.STAGED}) | waiting
    later = frozenset({S.PICKED, S.STAGED, S.READY_FOR_PICKUP}) | own
    is_open = TO_PICK | in_hand
    sorted_already = in_hand | frozenset({S.NEW, S.ACCEPTED})
    return (
        *_pick_rows(in_hand, later, is_open, sorted_already, waiting),
        *_shelf_rows(in_hand, is_open, waiting),
    )


Statuses = frozenset[FulfillmentStatus]


def _pick_rows(
    in_hand: Statuses, later: Statuses, is_open: Statuses, sorted_already: Statuses,
    waiting: Statuses,
) -> tuple[Transition, ...]:  # fmt: skip
    return (
        *confirmation(is_open, CLOSED),
        Transition("fulfillment_accepted", frozenset({S.NEW}), frozenset({S.ACCEPTED}), accept),
        Transition("fulfillment_accepted", CLOSED, CLOSED, unchanged, late=NOTHING_CHANGED),
        Transition("wave_assigned", TO_PICK, TO_PICK | frozenset({S.PICKED}), assign_wave),
        Transition("wave_assigned", in_hand, in_hand, assign_wave, late=NOTHING_CHANGED),
        Transition("wave_assigned", CLOSED, CLOSED, unchanged, late=NOTHING_CHANGED),
        Transition(
            "units_sorted",
            frozenset({S.PICKING}),
            frozenset({S.PICKING, S.PICKED}),
            sort,
            overtaken=Overtaken(sort_late, COUNTS_ALL_THE_SAME),
        ),
        Transition(
            "units_sorted", sorted_already, sorted_already, sort_late, late=COUNTS_ALL_THE_SAME
        ),
        Transition("units_sorted", CLOSED, CLOSED, unchanged, late=NOTHING_CHANGED),
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
            overtaken=Overtaken(pick_overtaken, TAKEN_MEANWHILE),
        ),
        # Central took the last units to be picked away while the store picked them.
        Transition("line_picked", later, later, pick_late, late=TAKEN_MEANWHILE),
        Transition("line_picked", CLOSED, CLOSED, pick_late, late=PUT_IT_BACK),
        Transition(
            "line_unpicked",
            frozenset({S.PICKING, S.PICKED, S.STAGED}) | waiting,
            frozenset({S.ACCEPTED, S.PICKING, S.PICKED, S.STAGED, S.PARTIALLY_PICKED_UP}) | waiting,
            unpick,
            overtaken=Overtaken(unpick_late, COUNTS_ALL_THE_SAME),
        ),
        Transition("line_unpicked", CLOSED, CLOSED, unpick_late, late=NOTHING_CHANGED),
        Transition(
            "line_short_picked",
            is_open,
            is_open | CLOSED,
            give_up,
            overtaken=Overtaken(give_up_rest, ONLY_THE_OTHERS),
        ),
        Transition("line_short_picked", CLOSED, CLOSED, unchanged, late=NOTHING_CHANGED),
        Transition("fulfillment_rejected", is_open, CLOSED, give_up_all),
        Transition("fulfillment_rejected", CLOSED, CLOSED, unchanged, late=NOTHING_CHANGED),
    )


def _shelf_rows(in_hand: Statuses, is_open: Statuses, waiting: Statuses) -> tuple[Transition, ...]:
    return (
        Transition("staged", in_hand, in_hand, stage),
        Transition("staged", CLOSED, CLOSED, stage, late=PUT_IT_BACK),
        Transition(
            "marked_ready", frozenset({S.STAGED}), waiting - {S.PARTIALLY_PICKED_UP}, _ready
        ),
        Transition("marked_ready", CLOSED, CLOSED, unchanged, late=PUT_IT_BACK),
        Transition(
            "unstaged",
            (waiting | {S.STAGED}) - {S.PARTIALLY_PICKED_UP},
            frozenset({S.PICKED}),
            _unstage,
        ),
        Transition("unstaged", CLOSED, CLOSED, unstage, late=PUT_IT_BACK),
        Transition(
            "handed_over",
            in_hand,
            frozenset({S.PICKED_UP, S.PARTIALLY_PICKED_UP}),
            _hand_over,
            overtaken=Overtaken(_hand_over_late, _FACT_WINS_IN_PART),
        ),
        Transition(
            "handed_over", CLOSED, frozenset({S.PICKED_UP}), _hand_over_late, late=_FACT_WINS
        ),
        Transition(
            "line_refused",
            in_hand,
            in_hand | CLOSED,
            refuse,
            overtaken=Overtaken(refuse_rest, ONLY_THE_OTHERS),
        ),
        Transition("line_refused", CLOSED, CLOSED, unchanged, late=NOTHING_CHANGED),
        Transition("hold_expired", waiting, CLOSED, expire_all),
        Transition("hold_expired", CLOSED, CLOSED, unchanged, late=NOTHING_CHANGED),
        Transition(
            "put_back", frozenset({S.PICKING}) | in_hand | CLOSED, is_open | CLOSED, put_back
        ),
        Transition("extension_requested", waiting, waiting, _extend),
    )
