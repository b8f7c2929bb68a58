"""One pickup order at a store and at central, which may cancel at any moment."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sync.domain.errors import OperationRefused
from sync.domain.flows import pickup, status_of
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus, cancel_open, cancel_units
from sync.domain.operations import HandedOver, LinePicked, LineShortPicked, Operation
from sync.domain.transitions import ConsequenceKind, advance, decide, stock_effects
from tests.support.builders import NOON_MS, an_order
from tests.sync.domain import samples

CLOSED = {
    FulfillmentStatus.PICKED_UP, FulfillmentStatus.REJECTED, FulfillmentStatus.CANCELLED,
    FulfillmentStatus.EXPIRED, FulfillmentStatus.REFUSED,
}  # fmt: skip


class OnePickup(RuleBasedStateMachine):
    """The store decides by what it has heard; central takes the operations later."""

    def __init__(self) -> None:
        super().__init__()
        self.store = self.central = an_order()
        self.base = self.store
        self.unsent: list[Operation] = []
        self.cancelled = False
        self.on_hand = 10
        self.allocated = 0

    @initialize(quantities=st.lists(st.integers(1, 3), min_size=1, max_size=3))
    def place(self, quantities: list[int]):
        self.store = self.central = self.base = an_order(1, *quantities)
        self.allocated = self.store.total("tied")
        self.first_tied = self.allocated

    @rule(data=st.data())
    def do_what_is_allowed(self, data: st.DataObject):
        allowed = samples.possible(pickup.FLOW, self.store)
        if allowed:
            operation = data.draw(st.sampled_from(allowed))
            self.store = decide(pickup.FLOW, self.store, operation, NOON_MS).after
            self.unsent.append(operation)

    @precondition(lambda self: not self.cancelled)
    @rule()
    def central_cancels(self):
        after = cancel_open(self.central)
        for effect in stock_effects(self.central, after, None):
            self.allocated += effect.allocated
            assert effect.on_hand == 0
        self.central = after
        self.cancelled = True

    @rule(data=st.data())
    def central_cancels_units(self, data: st.DataObject):
        lines = [line for line in self.central.lines if line.open]
        if lines:
            line = data.draw(st.sampled_from(lines))
            count = data.draw(st.integers(1, line.open))
            after = cancel_units(self.central, {line.line: count})
            for effect in stock_effects(self.central, after, None):
                self.allocated += effect.allocated
                assert effect.on_hand == 0
            self.central = after

    @rule(count=st.integers(1, 5))
    def central_hears(self, count: int):
        for _ in range(min(count, len(self.unsent))):
            self._central_takes(self.unsent.pop(0))

    @precondition(lambda self: not self.unsent)
    @rule()
    def the_store_hears(self):
        self.store = self.base = self.central

    def _central_takes(self, operation: Operation) -> None:
        before = self.central
        try:
            outcome = advance(pickup.FLOW, before, operation, NOON_MS)
        except OperationRefused:
            assert operation.is_request, f"a fact was refused: {operation} on {before}"
            return
        self.central = outcome.after
        for effect in outcome.effects:
            self.on_hand += effect.on_hand
            self.allocated += effect.allocated
        if isinstance(operation, HandedOver):
            self._handed_over(before, operation)
        if isinstance(operation, LineShortPicked):
            samples.keeps_what_is_wanted(before, operation, outcome)
        if isinstance(operation, LinePicked) and status_of(before) in CLOSED:
            line = self.central.line(operation.line)
            assert line is not None
            assert line.to_put_back >= operation.quantity
            assert [item.kind for item in outcome.consequences] == [ConsequenceKind.PUT_BACK_DUE]

    def _handed_over(self, before: FulfillmentOrder, operation: HandedOver) -> None:
        given = sum(entry.quantity for entry in operation.lines)
        assert self.central.total("fulfilled") == before.total("fulfilled") + given

    @invariant()
    def quantities_are_sound(self):
        for order in (self.store, self.central):
            for line in order.lines:
                assert line.is_sound()
                assert line.fulfilled + line.put_back <= line.picked

    @invariant()
    def stock_is_tied_as_the_order_says(self):
        assert self.allocated == self.central.total("tied")

    @invariant()
    def goods_with_the_customer_count_at_central(self):
        if not self.unsent:
            assert self.central.total("fulfilled") == self.store.total("fulfilled")
            assert self.central.total("held") == self.store.total("held")

    @invariant()
    def nobody_is_stuck(self):
        if self.store.total("open") or self.store.total("to_put_back"):
            assert samples.possible(pickup.FLOW, self.store)

    @invariant()
    def a_cancelled_order_stays_ended(self):
        if self.cancelled:
            assert status_of(self.central) in CLOSED


def test_one_pickup_ends_well_whatever_happens():
    """Facts are never refused, goods and stock agree, and nobody is stuck."""
    run_state_machine_as_test(
        OnePickup, settings=settings(max_examples=40, stateful_step_count=25, deadline=None)
    )
