"""Pickup as stories: what associates, customers and central do to each other."""

import pytest

from sync.domain.errors import (
    IllegalTransition,
    InvariantViolated,
    OperationRefused,
    QuantityRefused,
    UnknownLine,
    WrongProof,
)
from sync.domain.flows import pickup, status_of
from sync.domain.fulfillment import (
    FulfillmentOrder,
    PickupProof,
    ProofKind,
    RefusalReason,
    ShortReason,
    cancel_open,
    evolve_order,
)
from sync.domain.fulfillment import FulfillmentStatus as S
from sync.domain.inventory import StockEffect, StockReason
from sync.domain.operations import (
    ExtensionRequested,
    FulfillmentAccepted,
    FulfillmentRejected,
    HandedOver,
    HoldExpired,
    LinePicked,
    LineQuantity,
    LineRefused,
    LineShortPicked,
    LineUnpicked,
    MarkedReady,
    Operation,
    PutBack,
    Staged,
    Unstaged,
)
from sync.domain.pickups import WAIT_DAYS_MAX
from sync.domain.transitions import ConsequenceKind, Outcome, advance, decide
from tests.support.builders import NOON_MS, an_order

F = "F00001"
PROOF = PickupProof(ProofKind.PICKUP_CODE, "Jordan Pike")
DAY_MS = 86_400_000


def picked(quantity: int = 1, line: int = 1) -> LinePicked:
    return LinePicked(F, line, quantity)


def short(quantity: int, reason: ShortReason = ShortReason.NOT_FOUND) -> LineShortPicked:
    return LineShortPicked(F, 1, quantity, reason)


def ready() -> MarkedReady:
    return MarkedReady(F, NOON_MS, NOON_MS + DAY_MS)


def given(*quantities: int) -> HandedOver:
    lines = tuple(LineQuantity(line, count) for line, count in enumerate(quantities, 1) if count)
    return HandedOver(F, lines, PROOF)


def refused(quantity: int) -> LineRefused:
    return LineRefused(F, 1, quantity, RefusalReason.CHANGED_MIND)


def after(order: FulfillmentOrder, *operations: Operation) -> FulfillmentOrder:
    for operation in operations:
        order = decide(pickup.FLOW, order, operation, NOON_MS).after
    return order


def late(order: FulfillmentOrder, operation: Operation) -> Outcome:
    return advance(pickup.FLOW, order, operation, NOON_MS)


def waiting(*quantities: int) -> FulfillmentOrder:
    order = an_order(1, *quantities)
    picks = [picked(line.allocated, line.line) for line in order.lines]
    return after(order, *picks, Staged(F, "A1"), ready())


def test_the_ordinary_way_of_a_pickup():
    """Accept, pick, stage, ready, hand over: a status each, and stock falls at the end."""
    order = an_order(1, 2)
    steps = (FulfillmentAccepted(F), picked(1), picked(1), Staged(F, "A1"), ready(), given(2))
    states = []
    effects: tuple[StockEffect, ...] = ()
    for step in steps:
        outcome = decide(pickup.FLOW, order, step, NOON_MS)
        order, effects = outcome.after, outcome.effects
        states.append(status_of(order))
    assert states == [
        S.ACCEPTED, S.PICKING, S.PICKED, S.STAGED, S.READY_FOR_PICKUP, S.PICKED_UP,
    ]  # fmt: skip
    (effect,) = effects
    assert (effect.on_hand, effect.allocated, effect.reason) == (-2, -2, StockReason.HANDED_OVER)


def test_a_short_pick_returns_the_unfound_quantity_at_once():
    """What is not on the shelf leaves the order, the promise and the book."""
    outcome = decide(pickup.FLOW, an_order(1, 3), short(1), NOON_MS)
    (effect,) = outcome.effects
    assert (effect.on_hand, effect.allocated, effect.reason) == (-1, -1, StockReason.SHORT_PICKED)
    assert outcome.after.total("open") == 2


@pytest.mark.parametrize("reason", [ShortReason.STORE_BUSY, ShortReason.DISPLAY_ONLY])
def test_units_given_up_for_other_reasons_stay_in_the_book(reason: ShortReason):
    """A busy store still has the goods: they can be promised again."""
    (effect,) = decide(pickup.FLOW, an_order(1, 3), short(2, reason), NOON_MS).effects
    assert (effect.on_hand, effect.allocated, effect.reason) == (0, -2, StockReason.RELEASED)


def test_giving_up_picked_units_leaves_them_to_be_put_back():
    """They are in our hands, so they are not missing from the shelf."""
    order = after(an_order(1, 2), picked(2))
    outcome = decide(pickup.FLOW, order, short(1), NOON_MS)
    assert outcome.effects == ()
    assert (outcome.after.total("to_put_back"), outcome.after.total("deliverable")) == (1, 1)


def test_units_in_excess_are_put_back_before_a_pick_is_undone():
    """With one unit too many in hand, the excess goes back first: nothing is picked anew for it."""
    order = after(an_order(1, 2), picked(2), short(1), Staged(F, "A1"))
    with pytest.raises(QuantityRefused):
        after(order, LineUnpicked(F, 1, 1))
    order = after(order, PutBack(F, 1, 1), LineUnpicked(F, 1, 1))
    assert status_of(order) is S.ACCEPTED
    assert (order.staging_spot, order.ready_at_ms) == ("", None)


def test_an_undone_pick_can_be_picked_again_after_a_part_was_handed_over():
    """The customer took one; the other went back to the shelf by mistake and is fetched again."""
    order = after(waiting(1, 1), given(1), LineUnpicked(F, 2, 1))
    assert status_of(order) is S.PARTIALLY_PICKED_UP
    order = after(order, picked(1, 2), given(0, 1))
    assert status_of(order) is S.PICKED_UP


def test_the_rest_handed_over_after_a_cancellation_counts():
    """One of two was given, central cancelled the rest, and the rest was given too: fact wins."""
    order = cancel_open(after(waiting(2), given(1)))
    assert status_of(order) is S.PICKED_UP
    outcome = late(order, given(1))
    assert outcome.after.total("fulfilled") == 2
    assert outcome.after.total("cancelled") == 0
    assert [item.kind for item in outcome.consequences] == [ConsequenceKind.CANCELLATION_UNDONE]


def test_a_hand_over_wins_over_an_expiry():
    """Nobody had come, it was said; but the goods are gone: just these units are reopened."""
    order = after(waiting(3), HoldExpired(F))
    assert status_of(order) is S.EXPIRED
    outcome = late(order, given(2))
    assert status_of(outcome.after) is S.PICKED_UP
    assert (outcome.after.total("expired"), outcome.after.total("to_put_back")) == (1, 1)


def test_refused_goods_are_put_back():
    """What the customer did not want goes back to the shelf; then nothing is left to do."""
    order = after(waiting(2), refused(2))
    assert status_of(order) is S.REFUSED
    order = after(order, PutBack(F, 1, 2))
    assert (order.total("held"), order.total("tied")) == (0, 0)
    with pytest.raises(QuantityRefused):
        after(order, PutBack(F, 1, 1))


def test_what_was_called_ready_by_mistake_is_picked_again_and_waits_anew():
    """Off the shelf, no pickup-by date, no unit moves; marked ready again it has a date again."""
    ready_now = waiting(2, 1)
    for before in (ready_now, evolve_order(ready_now, ready_at_ms=None)):
        outcome = decide(pickup.FLOW, before, Unstaged(F), NOON_MS)
        order = outcome.after
        assert (status_of(order), order.staging_spot, outcome.effects) == (S.PICKED, "", ())
        assert (order.ready_at_ms, order.expires_at_ms) == (None, None)
    again = after(ready_now, Unstaged(F), Staged(F, "A2"), ready())
    assert (status_of(again), again.expires_at_ms) == (S.READY_FOR_PICKUP, NOON_MS + DAY_MS)


def test_nothing_is_taken_off_the_shelf_once_the_customer_has_come():
    """A part is with the customer: what is left still waits for them."""
    with pytest.raises(IllegalTransition):
        after(waiting(2, 1), given(1), Unstaged(F))


def test_what_was_taken_off_the_shelf_while_central_cancelled_is_put_back():
    """The goods are in hand wherever they lie: the fact stands, and says what to do."""
    outcome = late(cancel_open(waiting(2)), Unstaged(F))
    assert [one.kind for one in outcome.consequences] == [ConsequenceKind.PUT_BACK_DUE]
    assert (status_of(outcome.after), outcome.after.staging_spot) == (S.CANCELLED, "")


def test_work_done_while_central_cancelled_ends_in_a_put_back():
    """Late picks are facts: the goods are in our hands, and nobody expects them."""
    order = cancel_open(an_order(1, 2))
    outcome = late(order, picked(2))
    assert [item.kind for item in outcome.consequences] == [ConsequenceKind.PUT_BACK_DUE]
    assert outcome.after.total("to_put_back") == 2
    assert sum(effect.allocated for effect in outcome.effects) == 2


def test_a_store_that_has_heard_of_the_end_cannot_go_on():
    """Rows for late facts are for reports; a new pick on a cancelled order is refused."""
    with pytest.raises(IllegalTransition, match="cancelled"):
        after(cancel_open(an_order()), picked(1))


def test_a_store_rejects_everything_that_is_open():
    """The store declines: the rest is sourced elsewhere, goods in hand go back."""
    order = after(an_order(1, 2, 1), picked(1), FulfillmentRejected(F, ShortReason.STORE_BUSY))
    assert status_of(order) is S.REJECTED
    assert (order.total("short"), order.total("to_put_back")) == (3, 1)


@pytest.mark.parametrize(
    ("proof", "words"),
    [
        (PickupProof(ProofKind.PICKUP_CODE, "  "), "who takes"),
        (PickupProof(ProofKind.ID_CHECK, "Kim", document=" "), "which document"),
    ],
)
def test_a_hand_over_says_who_and_how(proof: PickupProof, words: str):
    """Without a recipient, or a document for an ID check, nothing is handed over."""
    with pytest.raises(WrongProof, match=words):
        after(waiting(1), HandedOver(F, (LineQuantity(1, 1),), proof))


@pytest.mark.parametrize(
    "operation", [given(), given(2), HandedOver(F, (LineQuantity(1, 1),) * 2, PROOF), picked(1)]
)
def test_a_hand_over_is_of_what_there_is(operation: Operation):
    """Nothing, more than there is, or the same unit twice is refused."""
    with pytest.raises(OperationRefused):
        after(waiting(1), operation)


@pytest.mark.parametrize("quantity", [0, -1, 3])
def test_impossible_quantities_are_refused(quantity: int):
    """Only what is still to be picked can be picked; nothing and less are no quantities."""
    with pytest.raises(QuantityRefused):
        after(an_order(1, 2), picked(quantity))


def test_an_unknown_line_is_refused_by_its_number():
    """The error carries the number, for whoever shows it."""
    with pytest.raises(UnknownLine) as caught:
        after(an_order(1, 1), picked(1, line=9))
    assert caught.value.data() == {"line": 9}


def test_a_wait_is_extended_within_the_limit_only():
    """Later than now, and at most the policy's days after the goods were ready."""
    order = waiting(1)
    longest = NOON_MS + WAIT_DAYS_MAX * DAY_MS
    assert after(order, ExtensionRequested(F, longest)).expires_at_ms == longest
    for asked in (NOON_MS + DAY_MS, NOON_MS, longest + 1):
        with pytest.raises(QuantityRefused):
            after(order, ExtensionRequested(F, asked))


def test_the_errors_form_one_tree_with_stable_codes():
    """A refusal is never an invariant's violation, and each has its own code."""
    assert not issubclass(InvariantViolated, OperationRefused)
    codes = [error.code for error in (IllegalTransition, QuantityRefused, UnknownLine, WrongProof)]
    assert codes == ["illegal_transition", "quantity_refused", "unknown_line", "wrong_proof"]
