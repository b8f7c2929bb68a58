"""Every operation with small values, and every state that these lead to.

Built from the fields of the operations, so that a flow or an operation that is
listed later is explored without a change here.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import fields, replace
from enum import Enum
from functools import cache, lru_cache
from itertools import islice, product
from random import Random
from typing import Any, NamedTuple, get_type_hints

from sync.domain.errors import DomainError
from sync.domain.flows import FULFILLMENT_OPERATIONS, flow_named, ship
from sync.domain.fulfillment import (
    FulfillmentOrder,
    FulfillmentStatus,
    PickupProof,
    ProofKind,
    ShortReason,
    cancel_open,
)
from sync.domain.operations import LineQuantity, LineShortPicked, Operation
from sync.domain.paying import due_of, next_tender, price_of
from sync.domain.reserve_operations import (
    BEGINNINGS,
    RESERVE_OPERATIONS,
    ReservationConverted,
    ValueAsked,
)
from sync.domain.shipping import NO_SHIPMENT, Box, PackedUnits
from sync.domain.tenders import Tender, TenderKind, TenderState
from sync.domain.transitions import Flow, Outcome, advance, decide
from sync.domain.waves import PickMode
from tests.support.builders import NOON_MS, an_order, paid_here, waiting

STATES_MAX = 900
PAID_HERE_MAX = 220
"""Of parcels that are paid here: the steps before payment are those of other parcels."""
TENDERS_MAX = 2
WALKS = 30
WALK_STEPS_MAX = 16
LATE_STEPS = 20
_BACK = {
    "line_unpicked", "unstaged", "box_unpacked", "label_voided", "fulfillment_rejected",
    "hold_expired",
}  # fmt: skip
PROOF = PickupProof(ProofKind.PICKUP_CODE, "Jordan Pike")
_DAY_MS = 86_400_000
_TIMES = {"ready_at_ms": (NOON_MS,), "expires_at_ms": (NOON_MS + _DAY_MS, NOON_MS + 2 * _DAY_MS)}
_BOXES = (1, 2)
_COUNTS = ("picked", "short", "cancelled", "refused", "expired", "fulfilled", "put_back")


class Step(NamedTuple):
    """One operation in one state, and the outcome or the error."""

    order: FulfillmentOrder
    operation: Operation
    result: Outcome | DomainError


def operations_on(order: FulfillmentOrder) -> Iterator[Operation]:
    """Yield every operation on `order` with small values, possible or not."""
    for kind in FULFILLMENT_OPERATIONS:
        is_foreign = order.reserve is None and kind in RESERVE_OPERATIONS
        yield from islice(built(kind, order), 1 if is_foreign else None)


def _in_the_table(flow: Flow, order: FulfillmentOrder, others: int) -> Iterator[Operation]:
    """Yield the operations that the table names for an order; of each of the `others` so many."""
    status = flow.status_of(order)
    for kind in FULFILLMENT_OPERATIONS:
        is_named = (kind_of(kind), status) in flow.index
        is_foreign = order.reserve is None and kind in RESERVE_OPERATIONS
        most = 1 if is_foreign else None
        yield from islice(built(kind, order), most if is_named else others)


def _knowing(flow: Flow, order: FulfillmentOrder) -> Flow:
    """Return the flow with the status of one order found out: each operation asks for it."""
    status, status_of = flow.status_of(order), flow.status_of
    return replace(flow, status_of=lambda one: status if one is order else status_of(one))


@cache
def kind_of(operation: type) -> str:
    """Return by which name an operation travels."""
    return str(next(field.default for field in fields(operation) if field.name == "kind"))


def built(kind: type, order: FulfillmentOrder) -> Iterator[Any]:
    """Yield operations of one kind on `order`."""
    if kind in BEGINNINGS:
        return  # these have no order before them: `tests/sync/domain/test_reserve.py`
    named = _parameters(kind)
    for values in product(*(_values(name, hint, order) for name, hint in named)):
        operation = kind(**{name: value for (name, _), value in zip(named, values, strict=True)})
        if isinstance(operation, ReservationConverted):
            operation = replace(operation, total_minor=price_of(order, operation.lines))
        if isinstance(operation, ValueAsked):
            operation = replace(operation, means=TenderKind.GIFT_CARD)
        yield operation


@cache
def _parameters(kind: type) -> tuple[tuple[str, Any], ...]:
    """Return the fields of an operation with their types: reading hints takes long."""
    hints = get_type_hints(kind)
    return tuple((field.name, hints[field.name]) for field in fields(kind) if field.name != "kind")


def _values(name: str, hint: Any, order: FulfillmentOrder) -> Iterable[object]:
    most = max(line.allocated for line in order.lines)
    of_one_flow = _own_values(name, hint, order)
    if of_one_flow:
        return of_one_flow
    if name == "fulfillment_id":
        return (order.id,)
    if name == "line":
        return tuple(line.line for line in order.lines)
    if name == "quantity":
        return tuple(range(1, most + 1))
    if name in _TIMES:
        return _TIMES[name]
    if name == "lines":
        everything = tuple(LineQuantity(line.line, line.allocated) for line in order.lines)
        some = ((LineQuantity(line, count),) for line, count in _counts(order, most))
        return (*some, everything)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return (next(iter(hint)), list(hint)[-1])
    return {int: (1,), str: ("A1",), PickupProof: (PROOF,), bool: (True,)}[hint]


def _own_values(name: str, hint: Any, order: FulfillmentOrder) -> tuple[object, ...]:
    """Return values of what only payments and parcels have; nothing for anything else."""
    if name == "amount_minor":
        return _amounts(order)
    if name == "tender":
        return _tenders(order)
    if name == "box":
        return _BOXES
    if name in {"approved", "declined"}:
        return (True, False)
    if hint is PickMode and not _sorts(order.flow):
        return (PickMode.SORT_WHILE_PICK,)
    return (TenderKind.CASH,) if hint is TenderKind else ()


def _sorts(flow: str) -> bool:
    """Return whether a flow knows units that are picked first and sorted then."""
    return any(row.kind == "units_sorted" for row in flow_named(flow).rows)


def _amounts(order: FulfillmentOrder) -> tuple[int, ...]:
    """Return all that is due for a reservation, and the price of one unit."""
    if order.reserve is None:
        return (1,)
    unit = order.lines[0].unit_price_minor
    return tuple(dict.fromkeys((due_of(order) or unit, unit)))


def _tenders(order: FulfillmentOrder) -> tuple[int, ...]:
    """Return the numbers of all tenders, and of the next one."""
    return tuple(range(1, next_tender(order) + 1)) if order.reserve is not None else (1,)


def _counts(order: FulfillmentOrder, most: int) -> Iterator[tuple[int, int]]:
    return ((line.line, count) for line in order.lines for count in range(1, most + 1))


def essence(order: FulfillmentOrder) -> tuple[object, ...]:
    """Return what rules can tell apart."""
    counts = tuple(tuple(getattr(line, name) for name in _COUNTS) for line in order.lines)
    marks = (order.accepted_at_ms, order.staging_spot, order.ready_at_ms, order.notes)
    return (*counts, *marks, order.shipment, order.reserve, order.wave)


def reachable(flow: Flow, *quantities: int) -> tuple[FulfillmentOrder, ...]:
    """Return states that a new order can get into, nearest first.

    Steps are what a store may do, what it reports late, and central's
    cancellation.
    """
    return _reachable(flow.name, quantities)


def _part_sold(order: FulfillmentOrder) -> FulfillmentOrder:
    """Return a reservation of which one unit is paid and gone: it takes long to get there."""
    assert order.reserve is not None
    lines = tuple(replace(line, picked=line.allocated) for line in order.lines)
    first = replace(lines[0], fulfilled=1)
    cash = Tender(1, TenderKind.CASH, first.unit_price_minor, TenderState.TAKEN)
    return replace(
        order, lines=(first, *lines[1:]), accepted_at_ms=NOON_MS,
        reserve=replace(order.reserve, tenders=(cash,)),
    )  # fmt: skip


def _to_be_paid(order: FulfillmentOrder) -> list[FulfillmentOrder]:
    """Return a parcel order as one that is paid here: new, and with one unit in hand.

    That is loose, in a box, labeled, listed; the latter two unpaid, paid, and asked for.
    """
    new = paid_here(order)
    held = new.reserve
    assert held is not None
    line = new.lines[0]
    in_hand = replace(new, lines=(replace(line, picked=1), *new.lines[1:]), accepted_at_ms=NOON_MS)
    bare = Box(1, 500, (PackedUnits(line.line, 1),), "A1", "A1")
    boxes = (bare, replace(bare, tracking="A1"), replace(bare, tracking="A1", manifest="A1"))
    boxed = [replace(in_hand, shipment=replace(NO_SHIPMENT, boxes=(one,))) for one in boxes]
    cash = Tender(1, TenderKind.CASH, line.unit_price_minor, TenderState.TAKEN)
    asked = replace(cash, means=TenderKind.CARD, state=TenderState.ASKED)
    gift = replace(asked, means=TenderKind.GIFT_CARD, account="A1")
    paid = [
        replace(one, reserve=replace(held, tenders=(tender,)))
        for one in (in_hand, *boxed)
        for tender in (cash, asked, gift)
    ]
    return [new, in_hand, *boxed, *paid, *_one_of_two_listed(new, boxes[2], cash)]


def _one_of_two_listed(new: FulfillmentOrder, listed: Box, cash: Tender) -> list[FulfillmentOrder]:
    """Return an order with one paid box on a manifest; the rest is loose, or in a second box.

    The last one has that box with the carrier, and was cancelled then.
    """
    rest = tuple(
        PackedUnits(line.line, units)
        for number, line in enumerate(new.lines)
        if (units := line.allocated - (number == 0))
    )
    assert new.reserve is not None
    picked = replace(
        new, lines=tuple(replace(line, picked=line.allocated) for line in new.lines),
        accepted_at_ms=NOON_MS, reserve=replace(new.reserve, tenders=(cash,)),
    )  # fmt: skip
    second = Box(2, 500, rest, "A1", "A1")
    both = ((listed,), (listed, second), (listed, replace(second, tracking="A2")))
    gone = replace(
        picked, lines=(replace(picked.lines[0], fulfilled=1), *picked.lines[1:]),
        shipment=replace(NO_SHIPMENT, boxes=(replace(listed, shipped_at_ms=NOON_MS),)),
    )  # fmt: skip
    here = [replace(picked, shipment=replace(NO_SHIPMENT, boxes=boxes)) for boxes in both]
    return [*here, cancel_open(gone)]


@lru_cache
def _reachable(name: str, quantities: tuple[int, ...]) -> tuple[FulfillmentOrder, ...]:
    flow = flow_named(name)
    first = an_order(1, *quantities, flow=flow.name)
    firsts = [first] if first.reserve is None else [first, waiting(first), _part_sold(first)]
    found = _explored(flow, firsts, STATES_MAX)
    if flow is ship.FLOW:
        found |= _explored(flow, _to_be_paid(first), PAID_HERE_MAX)
    for walk in range(WALKS):
        for after in _walk(flow, first, Random(walk)):
            found.setdefault(essence(after), after)
    return tuple(found.values())


def _explored(
    flow: Flow, firsts: list[FulfillmentOrder], most: int
) -> dict[tuple[object, ...], FulfillmentOrder]:
    found = {essence(one): one for one in firsts}
    queue = deque(firsts)
    while queue and len(found) < most:
        for after in _next(flow, queue.popleft()):
            if essence(after) not in found:
                found[essence(after)] = after
                queue.append(after)
    return found


def _walk(flow: Flow, order: FulfillmentOrder, dice: Random) -> Iterator[FulfillmentOrder]:
    """Yield where some steps of chance lead, deeper than all states in order would come."""
    for _ in range(dice.randint(WALK_STEPS_MAX // 2, WALK_STEPS_MAX)):
        forward = [one for one in possible(flow, order) if one.kind not in _BACK]
        if not forward:
            break
        kinds = sorted({one.kind for one in forward})
        kind = dice.choice(kinds)
        chosen = dice.choice([one for one in forward if one.kind == kind])
        order = advance(flow, order, chosen, NOON_MS).after
        yield order
    order = cancel_open(order)
    yield order
    for operation in dice.sample([*operations_on(order)], LATE_STEPS):
        with suppress(DomainError):
            order = advance(flow, order, operation, NOON_MS).after
            yield order


def steps(flow: Flow, *quantities: int) -> tuple[Step, ...]:
    """Return every operation in every reachable state, with what the rules make of it."""
    return _steps(flow.name, quantities)


@lru_cache
def _steps(name: str, quantities: tuple[int, ...]) -> tuple[Step, ...]:
    flow = flow_named(name)
    return tuple(step for order in reachable(flow, *quantities) for step in _tried(name, order))


@cache
def _tried(name: str, order: FulfillmentOrder) -> tuple[Step, ...]:
    """Return what becomes of an order: it is asked when states are explored, and by tests."""
    flow = flow_named(name)
    knowing = _knowing(flow, order)
    found = []
    for operation in _in_the_table(flow, order, others=1):
        try:
            result: Outcome | DomainError = advance(knowing, order, operation, NOON_MS)
        except DomainError as refusal:
            result = refusal.with_traceback(None)
        found.append(Step(order, operation, result))
    return tuple(found)


def _next(flow: Flow, order: FulfillmentOrder) -> Iterator[FulfillmentOrder]:
    if order.reserve is not None and len(order.reserve.tenders) >= TENDERS_MAX:
        return  # a third payment shows nothing that the second did not
    yield cancel_open(order)
    for step in _tried(flow.name, order):
        if isinstance(step.result, Outcome):
            yield step.result.after


def possible(flow: Flow, order: FulfillmentOrder) -> list[Operation]:
    """Return the operations that an associate may start now."""
    found = []
    knowing = _knowing(flow, order)
    for operation in _in_the_table(flow, order, others=0):
        try:
            decide(knowing, order, operation, NOON_MS)
        except DomainError:
            continue
        found.append(operation)
    return found


def keeps_what_is_wanted(before: FulfillmentOrder, done: LineShortPicked, outcome: Outcome) -> None:
    """Assert that a line that was cancelled in part loses no unit in hand that was not found."""
    old, new = before.line(done.line), outcome.after.line(done.line)
    assert old is not None
    assert new is not None
    if old.cancelled and done.reason is ShortReason.NOT_FOUND:
        assert new.to_put_back == old.to_put_back
        missing = -sum(effect.on_hand for effect in outcome.effects)
        assert new.short - old.short <= missing <= done.quantity or new == old


def by_status(
    flow: Flow, orders: Iterable[FulfillmentOrder]
) -> dict[FulfillmentStatus, list[FulfillmentOrder]]:
    """Group orders by their status."""
    groups: dict[FulfillmentStatus, list[FulfillmentOrder]] = {}
    for order in orders:
        groups.setdefault(flow.status_of(order), []).append(order)
    return groups
