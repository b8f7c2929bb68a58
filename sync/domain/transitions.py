"""The one state-machine engine: tables of transitions, and `advance`.

A flow is a table (`Flow.rows`) and a function from quantities to status. The
same `advance` decides at the store, so that the associate is told at once what
is allowed, and at central, so that the verdict is the same.

A row whose `late` is set is legal only for a fact that came too late: central
had decided otherwise in the meantime, reality wins, and the consequence is
listed in the verdict. A store never *starts* such an operation knowingly (see
`decide`), it only reports one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sync.domain.errors import IllegalTransition, InvariantViolated, QuantityRefused
from sync.domain.fulfillment import (
    SHRINKING_REASONS,
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentStatus,
    ShortReason,
    evolve_order,
)
from sync.domain.inventory import StockEffect, StockReason
from sync.domain.operations import LineShortPicked


class FulfillmentOperation(Protocol):
    """What the engine needs to know of any operation of any flow."""

    @property
    def kind(self) -> str:
        """The operation's name on the wire."""
        ...

    @property
    def fulfillment_id(self) -> str:
        """The fulfillment order that it is about."""
        ...

    @property
    def is_request(self) -> bool:
        """Whether central may refuse it."""
        ...


class ConsequenceKind(StrEnum):
    """What followed from a fact that central had not expected."""

    PUT_BACK_DUE = "put_back_due"
    CANCELLATION_UNDONE = "cancellation_undone"
    RE_SOURCED = "re_sourced"
    NO_EFFECT = "no_effect"
    REFUND_DUE = "refund_due"


@dataclass(frozen=True, slots=True)
class Consequence:
    """One consequence, in words that an associate can act on."""

    kind: ConsequenceKind
    text: str


Effect = Callable[[FulfillmentOrder, FulfillmentOperation, int], FulfillmentOrder]
"""(order, operation, when in ms) -> order; raises `OperationRefused` where a guard fails."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of a table: an operation, from which statuses, to which."""

    kind: str
    sources: frozenset[FulfillmentStatus]
    targets: frozenset[FulfillmentStatus]
    effect: Effect
    late: Consequence | None = None
    overtaken: "Overtaken | None" = None
    """How a fact counts where central has in the meantime taken units of an open line away."""


@dataclass(frozen=True, slots=True)
class Overtaken:
    """What a fact leads to that is larger than what central still expects, and what to say."""

    effect: Effect
    consequence: Consequence


@dataclass(frozen=True)
class Flow:
    """A fulfillment flow: its name, its table, and how its status follows from quantities."""

    name: str
    rows: tuple[Transition, ...]
    status_of: Callable[[FulfillmentOrder], FulfillmentStatus]
    index: Mapping[tuple[str, FulfillmentStatus], Transition]
    operations: tuple[type, ...] = ()
    """Operations that only this flow has, beside the common vocabulary."""

    def row(self, kind: str, status: FulfillmentStatus) -> Transition:
        """Return the row for `kind` in `status`, or raise `IllegalTransition`."""
        found = self.index.get((kind, status))
        if found is None:
            raise IllegalTransition(kind, status.value)
        return found


def make_flow(
    name: str,
    rows: tuple[Transition, ...],
    status_of: Callable[[FulfillmentOrder], FulfillmentStatus],
    operations: tuple[type, ...] = (),
) -> Flow:
    """Return a flow; two rows for one (operation, status) are an error of the table."""
    index: dict[tuple[str, FulfillmentStatus], Transition] = {}
    for row in rows:
        for source in row.sources:
            if (row.kind, source) in index:
                raise InvariantViolated(f"{name}: two rows for {row.kind} in {source}")
            index[row.kind, source] = row
    return Flow(name, rows, status_of, index, operations)


_CONFIRMED_LATE = Consequence(
    ConsequenceKind.NO_EFFECT, "The promise had ended at central before the store confirmed it."
)


def confirmation(
    open_in: frozenset[FulfillmentStatus], closed_in: frozenset[FulfillmentStatus]
) -> tuple[Transition, ...]:
    """Return the rows by which a flow's promises are confirmed: the same in every flow."""
    return (
        Transition("promise_confirmed", open_in, open_in, _confirm),
        Transition(
            "promise_confirmed", closed_in, closed_in, lambda order, _, __: order,
            late=_CONFIRMED_LATE,
        ),
    )  # fmt: skip


def _confirm(order: FulfillmentOrder, _: FulfillmentOperation, at_ms: int) -> FulfillmentOrder:
    if order.confirmed_at_ms is not None:
        return order
    return evolve_order(order, confirmed_at_ms=at_ms)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an operation leads to: the order after it, stock effects, consequences."""

    after: FulfillmentOrder
    effects: tuple[StockEffect, ...]
    consequences: tuple[Consequence, ...]


def advance(
    flow: Flow, order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> Outcome:
    """Apply `operation`, done at `at_ms`, to `order`.

    Raises `OperationRefused` where the table or a guard does not allow it, and
    `InvariantViolated` where an effect breaks what its row declares.
    """
    row = flow.row(operation.kind, flow.status_of(order))
    consequences = (row.late,) if row.late else ()
    try:
        after = row.effect(order, operation, at_ms)
    except QuantityRefused:
        if row.overtaken is None or not _was_overtaken(order):
            raise
        after = row.overtaken.effect(order, operation, at_ms)
        consequences = (row.overtaken.consequence,)
    return _outcome(flow, row, order, after, operation, consequences)


def _was_overtaken(order: FulfillmentOrder) -> bool:
    """Return whether units of a line are not expected any more: perhaps unknown to the store."""
    return any(line.short or line.cancelled for line in order.lines)


def _outcome(
    flow: Flow,
    row: Transition,
    before: FulfillmentOrder,
    after: FulfillmentOrder,
    operation: FulfillmentOperation,
    consequences: tuple[Consequence, ...],
) -> Outcome:
    status = flow.status_of(after)
    if status not in row.targets or not _is_sound(before, after):
        raise InvariantViolated(f"{flow.name}: {operation.kind} led to {status.value}: {after}")
    return Outcome(after, stock_effects(before, after, operation), consequences)


def _is_sound(before: FulfillmentOrder, after: FulfillmentOrder) -> bool:
    """Return whether every line that changed is possible; the others were checked before."""
    if after.lines is before.lines:
        return True
    for old, new in zip(before.lines, after.lines, strict=True):
        if new is not old and not new.is_sound():
            return False
    return True


def decide(
    flow: Flow, order: FulfillmentOrder, operation: FulfillmentOperation, at_ms: int
) -> Outcome:
    """Apply `operation` as a new command at the store: nothing that is only for late facts."""
    row = flow.row(operation.kind, flow.status_of(order))
    if row.late is not None:
        raise IllegalTransition(operation.kind, flow.status_of(order).value)
    return _outcome(flow, row, order, row.effect(order, operation, at_ms), operation, ())


def stock_effects(
    before: FulfillmentOrder, after: FulfillmentOrder, operation: FulfillmentOperation | None
) -> tuple[StockEffect, ...]:
    """Return the stock movements between two states of one fulfillment order.

    allocated moves by the change of `tied`; on hand falls by what was handed
    over and by what a short pick says is not there, units that had been cancelled
    included. `operation` is None for central's own decisions, which never move goods.
    """
    if after.lines is before.lines:
        return ()
    reason = getattr(operation, "reason", None)
    shrinks = isinstance(reason, ShortReason) and reason in SHRINKING_REASONS
    effects = []
    for old, new in zip(before.lines, after.lines, strict=True):
        if new is old:
            continue
        allocated = new.tied - old.tied
        on_hand = old.fulfilled - new.fulfilled
        if shrinks:
            missing = _not_on_shelf(old.to_pick - new.to_pick, new.short - old.short)
            on_hand -= missing + _missing_and_cancelled(old, operation, missing)
        if allocated or on_hand:
            effects.append(StockEffect(new.sku, on_hand, allocated, _reason(old, new, on_hand)))
    return tuple(effects)


def _not_on_shelf(no_longer_to_pick: int, given_up: int) -> int:
    """Units given up that were never picked: picked ones are in hand, hence not missing."""
    return max(0, min(no_longer_to_pick, given_up))


def _missing_and_cancelled(
    line: FulfillmentLine, operation: FulfillmentOperation | None, counted: int
) -> int:
    """Units beside `counted` that were not found: nobody wants them, but they are not there."""
    if not isinstance(operation, LineShortPicked) or operation.reason is not ShortReason.NOT_FOUND:
        return 0
    return min(line.cancelled, operation.quantity - counted) if operation.line == line.line else 0


def _reason(old: object, new: object, on_hand: int) -> StockReason:
    if getattr(new, "fulfilled", 0) != getattr(old, "fulfilled", 0):
        return StockReason.HANDED_OVER
    if getattr(new, "allocated", 0) != getattr(old, "allocated", 0):
        return StockReason.ALLOCATED
    if on_hand:
        return StockReason.SHORT_PICKED
    return StockReason.RELEASED
