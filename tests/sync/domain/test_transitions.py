"""The tables of all flows: each state with each operation, legal and illegal."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from sync.domain.errors import (
    DomainError,
    IllegalTransition,
    InvariantViolated,
    OperationRefused,
    UnknownFlow,
)
from sync.domain.flows import (
    ALL_FLOWS,
    ALL_OPERATIONS,
    FULFILLMENT_OPERATIONS,
    flow_named,
    ship,
    status_of,
)
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.paying import balance_of
from sync.domain.reserve_operations import (
    CardAnswered,
    ReservationConverted,
    TenderReturned,
    TenderTaken,
)
from sync.domain.transitions import Flow, Outcome, Transition, advance, decide, make_flow
from tests.support.builders import NOON_MS, an_order
from tests.sync.domain import samples

SHAPES = ((2,), (3,), (1, 1), (2, 1))


def _of(flow: Flow, *shape: tuple[int, ...]) -> Any:
    """Return a case that runs in one process with all of its flow: they share what is explored."""
    name = "-".join([flow.name, *("+".join(map(str, one)) for one in shape)])
    return pytest.param(flow, *shape, id=name, marks=pytest.mark.xdist_group(flow.name))


every_shape = pytest.mark.parametrize(
    ("flow", "shape"), [_of(flow, shape) for flow in ALL_FLOWS for shape in SHAPES]
)
every_flow = pytest.mark.parametrize("flow", [_of(flow) for flow in ALL_FLOWS])


@every_shape
def test_each_operation_in_each_state_is_refused_or_leads_where_its_row_says(
    flow: Flow, shape: tuple[int, ...]
):
    """No state makes a rule break its own table: the answer is a refusal or a declared target."""
    for order, operation, result in samples.steps(flow, *shape):
        row = flow.index.get((operation.kind, flow.status_of(order)))
        if isinstance(result, IllegalTransition):
            assert row is None
        elif isinstance(result, OperationRefused):
            assert row is not None
        else:
            assert isinstance(result, Outcome), result
            assert row is not None
            assert flow.status_of(result.after) in row.targets
            overtaken = (row.overtaken.consequence,) if row.overtaken else None
            assert result.consequences in (((row.late,) if row.late else ()), overtaken)


@every_shape
def test_quantities_stay_sound(flow: Flow, shape: tuple[int, ...]):
    """What we hold is never negative, and the derived quantities cover each unit once."""
    for order in samples.reachable(flow, *shape):
        for line in order.lines:
            assert line.is_sound()
            assert line.fulfilled + line.put_back <= line.picked
            assert line.deliverable + line.to_put_back == line.held
            assert line.to_pick + line.deliverable == line.open


@every_shape
def test_stock_follows_the_quantities(flow: Flow, shape: tuple[int, ...]):
    """Allocated moves just as `tied` does, on hand falls by what left or was never there."""
    for order, _, result in samples.steps(flow, *shape):
        if not isinstance(result, Outcome):
            continue
        after = result.after
        allocated = sum(effect.allocated for effect in result.effects)
        on_hand = sum(effect.on_hand for effect in result.effects)
        gone = after.total("fulfilled") - order.total("fulfilled")
        lost = after.total("short") - order.total("short")
        assert allocated == after.total("tied") - order.total("tied")
        assert -gone - max(0, lost) <= on_hand <= -gone
        assert all(effect.allocated or effect.on_hand for effect in result.effects)


STEPS_MAX = 6
"""A box is packed, labeled, listed and given to its carrier; two of them where two are needed."""
_ONWARD = (
    "handed_over", "units_sorted", "handed_to_carrier", "manifested", "label_printed", "box_packed",
    "label_voided", "box_unpacked",
)  # fmt: skip
_SIDEWAYS = ("wave_assigned", "label_requested")
"""Bring nothing nearer to the customer by themselves."""
_BY_KIND = {samples.kind_of(operation): operation for operation in FULFILLMENT_OPERATIONS}
PAYING = (TenderTaken, CardAnswered, TenderReturned, ReservationConverted)
"""What may have to be done before goods that are not paid yet can leave."""
PAYMENT_STEPS_MAX = 4


def _can_reach_the_customer(flow: Flow, order: FulfillmentOrder, steps: int = STEPS_MAX) -> bool:
    """Return whether something more can leave, within some steps of an associate's."""
    if order.reserve is not None and flow is ship.FLOW:
        goods = replace(order, reserve=None)
        return _can_reach_the_customer(flow, goods) and _can_be_settled(order, PAYMENT_STEPS_MAX)
    if order.reserve is not None:
        return _can_be_sold(flow, order)
    own = [
        kind for kind in map(samples.kind_of, flow.operations) if kind not in (*_ONWARD, *_SIDEWAYS)
    ]
    for kind in (*own, *_ONWARD):
        for operation in samples.built(_BY_KIND[kind], order):
            try:
                after = decide(flow, order, operation, NOON_MS).after
            except DomainError:
                continue
            if after.total("fulfilled") > order.total("fulfilled"):
                return True
            if steps > 1 and after != order and _can_reach_the_customer(flow, after, steps - 1):
                return True
    return False


def _can_be_settled(order: FulfillmentOrder, steps: int) -> bool:
    """Return whether all goods in hand of a parcel that is paid here can be paid."""
    if balance_of(order) >= sum(line.unit_price_minor * line.deliverable for line in order.lines):
        return True
    if not steps:
        return False
    for kind in PAYING[:-1]:
        for operation in samples.built(kind, order):
            try:
                after = decide(ship.FLOW, order, operation, NOON_MS).after
            except DomainError:
                continue
            if after != order and _can_be_settled(after, steps - 1):
                return True
    return False


def _can_be_sold(flow: Flow, order: FulfillmentOrder) -> bool:
    outcomes = [
        decide(flow, order, operation, NOON_MS) for operation in samples.possible(flow, order)
    ]
    if any(one.after.total("fulfilled") > order.total("fulfilled") for one in outcomes):
        return True
    return _can_be_paid(flow, order, PAYMENT_STEPS_MAX)


def _can_be_paid(flow: Flow, order: FulfillmentOrder, steps: int) -> bool:
    for kind in PAYING:
        for operation in samples.built(kind, order):
            try:
                after = decide(flow, order, operation, NOON_MS).after
            except DomainError:
                continue
            if after.total("fulfilled") > order.total("fulfilled"):
                return True
            if after != order and steps and _can_be_paid(flow, after, steps - 1):
                return True
    return False


@every_shape
def test_an_associate_is_never_stuck(flow: Flow, shape: tuple[int, ...]):
    """While goods are expected or in our hands, something can be done about it."""
    for order in samples.reachable(flow, *shape):
        if not (order.total("open") or order.total("to_put_back")):
            continue
        kinds = {operation.kind for operation in samples.possible(flow, order)}
        assert kinds, order
        if order.total("to_put_back"):
            assert "put_back" in kinds, order
        if order.total("deliverable") and not order.total("to_pick"):
            assert _can_reach_the_customer(flow, order), order
        if order.total("to_pick"):
            assert {"line_picked", "line_short_picked"} <= kinds, order


@every_flow
def test_the_samples_reach_every_status_that_the_table_names(flow: Flow):
    """What is explored here is the whole table, not a corner of it."""
    named = {status for row in flow.rows for status in row.sources | row.targets}
    states = [order for shape in SHAPES for order in samples.reachable(flow, *shape)]
    assert set(samples.by_status(flow, states)) == named


@every_flow
def test_every_row_is_taken_from_every_source(flow: Flow):
    """A row or a source that nothing can use is a mistake in the table."""
    taken = {
        (operation.kind, flow.status_of(order))
        for shape in SHAPES
        for order, operation, result in samples.steps(flow, *shape)
        if isinstance(result, Outcome)
    }
    assert set(flow.index) - taken == set()


@every_flow
def test_a_row_names_an_operation_that_exists(flow: Flow):
    """Every kind in a table is an operation of the vocabulary or of the flow."""
    known = set(map(samples.kind_of, ALL_OPERATIONS))
    assert {row.kind for row in flow.rows} <= known


def test_kinds_are_unique():
    """Two operations of one name could not be told apart on the wire."""
    counts = Counter(map(samples.kind_of, ALL_OPERATIONS))
    assert [kind for kind, count in counts.items() if count > 1] == []


@every_flow
def test_no_operation_has_two_rows_for_one_status(flow: Flow):
    """A table answers each question once."""
    seen = Counter((row.kind, source) for row in flow.rows for source in row.sources)
    assert [pair for pair, count in seen.items() if count > 1] == []


def test_a_table_with_two_answers_cannot_be_built():
    """A second row for the same operation and status is refused when the flow is made."""
    row = Transition("staged", frozenset({FulfillmentStatus.NEW}), frozenset(), lambda o, _, __: o)
    with pytest.raises(InvariantViolated, match="two rows"):
        make_flow("double", (row, row), lambda _: FulfillmentStatus.NEW)


@every_shape
def test_a_store_never_starts_what_is_only_a_late_report(flow: Flow, shape: tuple[int, ...]):
    """`decide` allows what `advance` does, without the rows for late facts."""
    for order in samples.reachable(flow, *shape)[:200]:
        for operation in samples.operations_on(order):
            row = flow.index.get((operation.kind, flow.status_of(order)))
            if row is not None and row.late is not None:
                with pytest.raises(IllegalTransition):
                    decide(flow, order, operation, NOON_MS)


@every_flow
def test_status_is_a_function_of_quantities_alone(flow: Flow):
    """Names, times promised and ids change nothing about where an order stands."""
    for order in samples.reachable(flow, 2, 1)[:200]:
        other = replace(order, id="X", customer_name="Kim", promised_by_ms=0, order_number="Z")
        assert flow.status_of(other) is flow.status_of(order) is status_of(order)


def test_an_effect_that_lies_about_its_target_is_a_bug_not_a_refusal():
    """The engine checks each effect against what its row declares."""
    new = frozenset({FulfillmentStatus.NEW})
    row = Transition("fulfillment_accepted", new, frozenset(), lambda order, _, __: order)
    flow = make_flow("lying", (row,), lambda _: FulfillmentStatus.NEW)
    accepted = next(o for o in samples.operations_on(an_order()) if o.kind == row.kind)
    with pytest.raises(InvariantViolated):
        advance(flow, an_order(), accepted, NOON_MS)


def test_a_flow_that_is_not_listed_is_named_in_the_error():
    """An order of an unknown flow is told apart from a refused operation."""
    with pytest.raises(UnknownFlow, match="'locker'") as caught:
        flow_named("locker")
    assert caught.value.data() == {"flow": "locker"}
