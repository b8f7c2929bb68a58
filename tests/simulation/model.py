"""What central ought to have: everything that happened to an order, done again from its beginning.

The rules of the domain are taken for granted here (they have tests of their
own); that each operation is applied once, in order, with its stock effects and
its follow-ups, is not.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from central_server.records import (
    ExceptionFilter,
    ExceptionRecord,
    StoredFulfillment,
    StoredOperation,
)
from central_server.services.settling import SKIPPED
from central_server.storage.tables import OP_LOG, STOCK_LEDGER
from sync.domain.errors import DomainError
from sync.domain.flows import flow_named
from sync.domain.flows.ship import label_arrived, label_failed
from sync.domain.fulfillment import FulfillmentOrder, cancel_open, cancel_units, evolve_line
from sync.domain.reservations import Reservation
from sync.domain.reserve_operations import BEGINNINGS
from sync.domain.shipping import Shipment
from sync.domain.transitions import FulfillmentOperation, Outcome, advance, stock_effects
from sync.hub.repeats import APPLIED_ELSEWHERE, SOLD_BEFORE
from sync.protocol.lines import decode_line
from tests.simulation.central import Decision
from tests.simulation.memory import location_of, rank_of

if TYPE_CHECKING:
    from central_server.storage.unit import View
    from tests.simulation.world import World

EXCEPTIONS_MAX = 10_000
COUNTERS = ("picked", "short", "cancelled", "refused", "expired", "fulfilled", "put_back")
Units = dict[tuple[str, str], tuple[int, int]]
"""(location, SKU) -> (on hand, allocated)."""


@dataclass
class Books:
    """Everything at central that oracles read, read once in one snapshot."""

    operations: list[StoredOperation]
    orders: dict[str, StoredFulfillment]
    ledger: list[tuple[str, str, int, int, str, str]]
    """(location, SKU, on hand, allocated, reason, source)."""
    exceptions: list[ExceptionRecord]
    stock: dict[tuple[str, str], tuple[int, int]]
    retold: "dict[str, Retold]" = field(default_factory=dict)

    def by_order(self) -> dict[str, list[StoredOperation]]:
        """Return operations by the fulfillment order that they are about, as they came."""
        found = defaultdict(list)
        for one in self.operations:
            found[one.aggregate].append(one)
        return found


def read_books(world: "World") -> Books:
    """Read all of central's books, once for each of its commits."""
    commits = world.central.fuse.commits
    if world.books is None or world.books[0] != commits:
        with world.central.database.read() as view:
            world.books = (commits, _books(view, [store.location_id for store in world.stores]))
    return world.books[1]


def _books(view: "View", locations: Sequence[str]) -> Books:
    rows = view.connection.execute(
        select(*(OP_LOG.c[name] for name in StoredOperation.__dataclass_fields__))
    )
    operations = sorted((StoredOperation(*row) for row in rows), key=place_of)
    names = ("location_id", "sku", "on_hand", "allocated", "reason", "source")
    ledger = view.connection.execute(select(*(STOCK_LEDGER.c[name] for name in names)))
    everything = ExceptionFilter(is_open=None)
    exceptions, _ = view.exceptions.page(everything, None, EXCEPTIONS_MAX)
    return Books(
        operations,
        {one.row.order.id: one for place in locations for one in view.fulfillments.all_at(place)},
        [tuple(row) for row in ledger],
        list(exceptions),
        {(place, row.sku): (row.on_hand, row.allocated)
         for place in locations for row in view.stock.rows(place)},
    )  # fmt: skip


def held_sales(books: Books, location_id: str) -> Counter[tuple[str, str]]:
    """Return the units of a place's sales that wait for a person, by (location, SKU)."""
    units: Counter[tuple[str, str]] = Counter()
    for one in books.operations:
        is_held = one.kind == "floor_sold" and one.status == "quarantined"
        if is_held and location_of(one.replica_id) == location_id:
            for line in decode_line(one.line).op.lines:
                units[location_id, line.sku] += max(0, line.units)
    return units


class ArrivedLabel(NamedTuple):
    """A carrier's answer about a box, which central wrote into the order by itself."""

    fulfillment_id: str
    box: int
    number: str
    problem: str
    kind: str = "label_arrived"
    is_request: bool = False


class UnitsCancelled(NamedTuple):
    """Units (line, count) that the customer does without."""

    units: tuple[tuple[int, int], ...]
    fulfillment_id: str
    kind: str = "units_cancelled"
    is_request: bool = False


class Settled(NamedTuple):
    """What a person took out of quarantine: it happened then, and not when it was handed in."""

    op_ids: tuple[str, ...]
    fulfillment_id: str
    kind: str = "settled"
    is_request: bool = False


class Happened(NamedTuple):
    """One step of an order's story."""

    source: str
    """The operation's identity, or what the ledger calls central's own decision."""
    kind: str
    before: FulfillmentOrder
    outcome: Outcome


@dataclass
class Retold:
    """One fulfillment order's story, done again."""

    order: FulfillmentOrder
    steps: list[Happened] = field(default_factory=list)
    cancelled: Units = field(default_factory=dict)
    """What its cancellation released."""
    problems: list[str] = field(default_factory=list)


def op_id(operation: StoredOperation) -> str:
    """Return the identity of an operation as central's books write it."""
    return f"{operation.replica_id}/{operation.epoch}/{operation.seq}"


def counts(operation: StoredOperation) -> bool:
    """Return whether an operation had its effect under its name, as far as it had any."""
    said = operation.verdict or ""
    return APPLIED_ELSEWHERE.text not in said and SOLD_BEFORE.text not in said


def is_held_for_device(operation: StoredOperation) -> bool:
    """Return whether an operation waits for a person because its device was shut out."""
    return operation.status == "quarantined" and "device_revoked" in (operation.verdict or "")


def is_set_aside(operation: StoredOperation) -> bool:
    """Return whether a person decided that a held operation has no effect."""
    return operation.status == "refused" and f'"code":"{SKIPPED}"' in (operation.verdict or "")


def place_of(operation: StoredOperation) -> tuple[str, int, int, int]:
    """Return what orders operations as central took them, those of one location together."""
    name = operation.replica_id
    return location_of(name), rank_of(name), operation.epoch, operation.seq


def at_first(order: FulfillmentOrder) -> FulfillmentOrder:
    """Return an order as it was when it was given to its location."""
    lines = tuple(evolve_line(line, **dict.fromkeys(COUNTERS, 0)) for line in order.lines)
    first = replace(
        order, lines=lines, accepted_at_ms=None, staging_spot="", ready_at_ms=None,
        expires_at_ms=None, confirmed_at_ms=None, notes=(), wave=None,
        shipment=_unpacked(order.shipment),
    )  # fmt: skip
    return first if first.reserve is None else _held_at_first(first, first.reserve)


def _held_at_first(order: FulfillmentOrder, held: Reservation) -> FulfillmentOrder:
    """Return a reservation as it began: with its first hold, unpaid, perhaps waiting."""
    waits = bool(held.wanted)
    lines = tuple(evolve_line(line, allocated=0) for line in order.lines)
    return replace(
        order,
        lines=lines if waits else order.lines,
        expires_at_ms=held.hold_until_ms,
        confirm_by_ms=None if waits else order.confirm_by_ms,
        reserve=replace(held, waits=waits, tenders=()),
    )


def _unpacked(shipment: Shipment | None) -> Shipment | None:
    """Return a shipment as it was before anybody packed."""
    if shipment is None:
        return None
    return replace(shipment, boxes=(), used=())


def retell(
    order: FulfillmentOrder, operations: Sequence[StoredOperation], decided: Sequence[Decision]
) -> Retold:
    """Do everything again that happened to `order`, in the order in which it did at central."""
    told = Retold(at_first(order))
    later = settled_later(decided)
    waiting = [one for one in decided if one.source not in later]
    by_id = {op_id(one): one for one in operations}

    for one in operations:
        while waiting and waiting[0].position < place_of(one)[1:]:
            _decide_again(told, waiting.pop(0), by_id, decided)
        if op_id(one) not in later:
            _take(told, one)
    for decision in waiting:
        _decide_again(told, decision, by_id, decided)
    if told.order.is_unconfirmed and order.is_unconfirmed:  # a clock that is set back ends promises
        told.order = replace(told.order, confirm_by_ms=order.confirm_by_ms)
    return told


def settled_later(decided: Iterable[Decision]) -> set[str]:
    """Return the operations that a person took out of quarantine."""
    found: set[str] = set()
    for one in decided:
        if isinstance(one.operation, Settled):
            found.update(one.operation.op_ids)
    return found


def _decide_again(
    told: Retold,
    decision: Decision,
    by_id: Mapping[str, StoredOperation],
    decided: Sequence[Decision],
) -> None:
    """Let happen what central decided; what a person approved, with what followed from it."""
    if not isinstance(decision.operation, Settled):
        _decide(told, decision)
        return
    for name in decision.operation.op_ids:
        _take(told, by_id[name])
        for answer in decided:
            if answer.source == name:
                _decide(told, answer)


def _take(told: Retold, one: StoredOperation) -> None:
    if one.status not in {"accepted", "amended"} or not counts(one):
        return
    record = decode_line(one.line)
    if type(record.op) in BEGINNINGS:
        return
    _step(told, op_id(one), record.op, record.at)
    if told.steps and one.status == "accepted" and told.steps[-1].outcome.consequences:
        told.problems.append(f"{op_id(one)} came late and was plainly accepted")


def retell_all(world: "World") -> dict[str, Retold]:
    """Return the story of every fulfillment order."""
    books = read_books(world)
    if not books.retold:
        by_order = books.by_order()
        for key, stored in books.orders.items():
            decided = world.central.decided.get(key, ())
            books.retold[key] = retell(stored.row.order, by_order.get(key, ()), decided)
    return books.retold


def _decide(told: Retold, decision: Decision) -> None:
    if isinstance(decision.operation, ArrivedLabel):
        _arrive(told, decision.operation)
        return
    if isinstance(decision.operation, UnitsCancelled):
        after = cancel_units(told.order, dict(decision.operation.units))
        add(told.cancelled, told.order.location_id, stock_effects(told.order, after, None))
        told.order = after
        return
    if decision.operation is not None:
        _step(told, decision.source, decision.operation, decision.at_ms)
        return
    after = cancel_open(told.order)
    add(told.cancelled, told.order.location_id, stock_effects(told.order, after, None))
    told.order = after


def _arrive(told: Retold, answer: ArrivedLabel) -> None:
    after = label_failed(told.order, answer.box, answer.problem)
    if answer.number:
        after = label_arrived(told.order, answer.box, answer.number)
    if after is None:
        told.problems.append(f"{answer} reached a box that did not wait for it")
    else:
        told.order = after


def _step(told: Retold, source: str, operation: FulfillmentOperation, at_ms: int) -> None:
    before = told.order
    try:
        outcome = advance(flow_named(before.flow), before, operation, at_ms)
    except DomainError as problem:
        told.problems.append(f"{source}: {operation.kind} was taken, yet is impossible: {problem}")
        return
    told.steps.append(Happened(source, operation.kind, before, outcome))
    told.order = outcome.after


def add(units: Units, location_id: str, effects: Iterable[object]) -> None:
    """Add stock effects to sums."""
    for effect in effects:
        key = (location_id, effect.sku)  # type: ignore[attr-defined]
        on_hand, allocated = units.get(key, (0, 0))
        units[key] = (on_hand + effect.on_hand, allocated + effect.allocated)  # type: ignore[attr-defined]


def nonzero(units: Units) -> Units:
    """Return sums without the ones that came to nothing."""
    return {key: value for key, value in units.items() if value != (0, 0)}
