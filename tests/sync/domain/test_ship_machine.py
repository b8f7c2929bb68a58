"""One parcel order at a store and at central, which may cancel, or buy a label, at any moment."""

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
from sync.domain.flows import ship, status_of
from sync.domain.fulfillment import (
    FulfillmentOrder,
    FulfillmentStatus,
    ShortReason,
    cancel_open,
    cancel_units,
)
from sync.domain.operations import LineShortPicked
from sync.domain.paying import balance_of
from sync.domain.reserve_operations import ReservationConverted, ValueAnswered
from sync.domain.ship_operations import HandedToCarrier
from sync.domain.tenders import TenderKind, TenderState
from sync.domain.transitions import (
    ConsequenceKind,
    FulfillmentOperation,
    advance,
    decide,
    stock_effects,
)
from tests.support.builders import NOON_MS, an_order, paid_here
from tests.sync.domain import samples

S = FulfillmentStatus
CLOSED = {S.SHIPPED, S.REJECTED, S.CANCELLED, S.EXPIRED, S.RELEASED, S.REFUND_DUE}


class OneShipment(RuleBasedStateMachine):
    """The store decides by what it has heard; central takes the operations later."""

    def __init__(self) -> None:
        super().__init__()
        self.store = self.central = an_order(flow=ship.NAME)
        self.unsent: list[FulfillmentOperation] = []
        self.cancelled = False
        self.bought = 0
        self.on_hand = 10
        self.allocated = 0

    @initialize(quantities=st.lists(st.integers(1, 3), min_size=1, max_size=3), due=st.booleans())
    def place(self, quantities: list[int], due: bool):
        order = an_order(1, *quantities, flow=ship.NAME)
        self.store = self.central = paid_here(order) if due else order
        self.allocated = self.store.total("tied")

    @rule(data=st.data())
    def do_what_is_allowed(self, data: st.DataObject):
        possible = samples.possible(ship.FLOW, self.store)
        allowed = [one for one in possible if not isinstance(one, ValueAnswered)]  # central's own
        if allowed:
            kinds = sorted({one.kind for one in allowed})
            kind = data.draw(st.sampled_from(kinds))
            operation = data.draw(st.sampled_from([one for one in allowed if one.kind == kind]))
            self.store = decide(ship.FLOW, self.store, operation, NOON_MS).after
            self.unsent.append(operation)

    @precondition(lambda self: not self.cancelled)
    @rule()
    def central_cancels(self):
        self._central_decides(cancel_open(self.central))
        self.cancelled = True

    @rule(data=st.data())
    def central_takes_units_away(self, data: st.DataObject):
        lines = [line for line in self.central.lines if line.to_pick]
        if lines:
            line = data.draw(st.sampled_from(lines))
            lost = LineShortPicked(self.central.id, line.line, 1, ShortReason.SOLD_ON_FLOOR)
            self._count(advance(ship.FLOW, self.central, lost, NOON_MS))

    @precondition(lambda self: self.central.reserve is None)
    @rule(data=st.data())
    def central_cancels_units(self, data: st.DataObject):
        lines = [line for line in self.central.lines if line.open]
        if lines:
            line = data.draw(st.sampled_from(lines))
            count = data.draw(st.integers(1, line.open))
            self._central_decides(cancel_units(self.central, {line.line: count}))

    @rule(succeeds=st.booleans())
    def the_carrier_answers(self, succeeds: bool):
        for box in ship.shipment_of(self.central).boxes:
            self.bought += 1
            if succeeds:
                after = ship.label_arrived(self.central, box.number, f"N{self.bought}")
            else:
                after = ship.label_failed(self.central, box.number, "no such street")
            if after is not None:
                self._central_decides(after)

    @rule(approved=st.booleans())
    def central_answers(self, approved: bool):
        held = self.central.reserve
        for one in held.tenders if held is not None else ():
            if one.state is TenderState.ASKED and one.means is not TenderKind.CARD:
                answer = ValueAnswered(self.central.id, one.number, approved)
                self._count(advance(ship.FLOW, self.central, answer, NOON_MS))

    @rule(count=st.integers(1, 5))
    def central_hears(self, count: int):
        for _ in range(min(count, len(self.unsent))):
            self._central_takes(self.unsent.pop(0))

    @precondition(lambda self: not self.unsent)
    @rule()
    def the_store_hears(self):
        self.store = self.central

    def _central_decides(self, after: FulfillmentOrder) -> None:
        for effect in stock_effects(self.central, after, None):
            self.allocated += effect.allocated
            assert effect.on_hand == 0
        self.central = after

    def _count(self, outcome) -> None:
        self.central = outcome.after
        for effect in outcome.effects:
            self.on_hand += effect.on_hand
            self.allocated += effect.allocated

    def _central_takes(self, operation: FulfillmentOperation) -> None:
        before = self.central
        try:
            outcome = advance(ship.FLOW, before, operation, NOON_MS)
        except OperationRefused:
            assert operation.is_request, f"a fact was refused: {operation} on {before}"
            return
        self._count(outcome)
        if isinstance(operation, LineShortPicked):
            samples.keeps_what_is_wanted(before, operation, outcome)
        if isinstance(operation, HandedToCarrier | ReservationConverted):
            box = ship.shipment_of(before).box(operation.box)
            assert box is not None
            assert self.central.total("fulfilled") == before.total("fulfilled") + box.units
        if operation.kind == "line_picked" and status_of(before) in CLOSED:
            assert [one.kind for one in outcome.consequences] == [ConsequenceKind.PUT_BACK_DUE]

    @invariant()
    def quantities_are_sound(self):
        for order in (self.store, self.central):
            shipment = ship.shipment_of(order)
            for line in order.lines:
                assert line.is_sound()
                assert 0 <= shipment.packed(line.line) <= line.held
            assert len({box.number for box in shipment.boxes}) == len(shipment.boxes)
            assert all(box.units for box in shipment.boxes)

    @invariant()
    def stock_is_tied_as_the_order_says(self):
        assert self.allocated == self.central.total("tied")

    @invariant()
    def both_sides_agree_on_what_is_packed_and_gone(self):
        if not self.unsent:
            assert self.central.total("fulfilled") == self.store.total("fulfilled")
            assert self.central.total("held") == self.store.total("held")
            theirs = ship.shipment_of(self.central).boxes
            ours = ship.shipment_of(self.store).boxes
            assert [(b.number, b.lines, b.shipped_at_ms) for b in theirs] == [
                (b.number, b.lines, b.shipped_at_ms) for b in ours
            ]

    @invariant()
    def nothing_leaves_unpaid(self):
        for order in (self.store, self.central):
            assert order.reserve is None or balance_of(order) >= 0

    @invariant()
    def nobody_is_stuck(self):
        if self.store.total("open") or self.store.total("to_put_back"):
            assert samples.possible(ship.FLOW, self.store)

    @invariant()
    def a_cancelled_order_stays_ended(self):
        if self.cancelled:
            assert status_of(self.central) in CLOSED


def test_one_shipment_ends_well_whatever_happens():
    """Facts are never refused, goods, boxes and stock agree, and nobody is stuck."""
    run_state_machine_as_test(
        OneShipment, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )
