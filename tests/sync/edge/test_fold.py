"""view = fold(rules, pending, base): the one merge there is."""

import pytest

from sync.domain.errors import UnknownFlow
from sync.domain.flows import status_of
from sync.domain.fulfillment import (
    FulfillmentStatus,
    PickupProof,
    ProofKind,
    ShortReason,
    cancel_open,
)
from sync.domain.operations import (
    ExtensionRequested,
    HandedOver,
    LinePicked,
    LineQuantity,
    LineShortPicked,
    MarkedReady,
    Operation,
    Staged,
)
from sync.edge.fold import fold
from sync.protocol.lines import OperationRecord
from tests.support.builders import NOON_MS, an_order

F = "F00001"
READY = (LinePicked(F, 1, 2), Staged(F, "A1"), MarkedReady(F, NOON_MS, NOON_MS + 1))


def records(*operations: Operation) -> list[OperationRecord]:
    return [OperationRecord("A1", "T1", "B1", 0, NOON_MS, one) for one in operations]


def test_without_pending_operations_the_view_is_the_base():
    """When central has everything, the store sees what central has."""
    order = an_order()
    folded = fold(order, [])
    assert (folded.order, folded.provisional) == (order, False)


def test_pending_operations_are_seen_at_once():
    """What an associate did shows before central has heard of it."""
    folded = fold(an_order(1, 2), records(*READY))
    assert status_of(folded.order) is FulfillmentStatus.READY_FOR_PICKUP


def test_work_on_a_cancelled_base_shows_what_is_to_be_put_back():
    """Central's cancellation and our picks meet by the rules, as they will at central."""
    folded = fold(cancel_open(an_order(1, 2)), records(*READY))
    assert folded.order.total("to_put_back") == 2


def test_a_hand_over_wins_over_a_cancelled_base():
    """The view says at once what central is going to say."""
    proof = PickupProof(ProofKind.PICKUP_CODE, "Kim")
    given = HandedOver(F, (LineQuantity(1, 2),), proof)
    folded = fold(cancel_open(an_order(1, 2)), records(*READY, given))
    assert status_of(folded.order) is FulfillmentStatus.PICKED_UP


def test_what_the_rules_do_not_allow_is_passed_over():
    """The view stays possible; what becomes of the operation is central's verdict."""
    folded = fold(an_order(1, 2), records(LinePicked(F, 1, 9), LinePicked(F, 1, 1)))
    assert folded.order.total("picked") == 1


def test_a_view_that_hangs_on_a_request_says_so():
    """Central may still refuse it; one that the rules pass over does not count."""
    asked = ExtensionRequested(F, NOON_MS + 2)
    assert fold(an_order(1, 2), records(*READY, asked)).provisional
    assert not fold(an_order(1, 2), records(asked)).provisional


def test_an_order_of_an_unknown_flow_cannot_be_folded():
    """There are no rules for it here; who folds must decide what to do."""
    with pytest.raises(UnknownFlow):
        fold(an_order(flow="locker_of_the_future"), [])


def test_stock_follows_the_view():
    """What pending operations move is told by SKU; an operation that is passed over moves none."""
    short = LineShortPicked(F, 1, 1, ShortReason.NOT_FOUND)
    folded = fold(an_order(1, 2), records(short, short, short))
    assert folded.effects == (("SKU-1", -2, -2),)
    assert fold(cancel_open(an_order(1, 2)), records(short)).effects == ()
