"""What the operations of a store mean at central (implements the hub's `OperationApplier`).

Everything is judged in memory by the same rules that the store used, and
written once at the end, the feed last. A row's watermark says which operations
it includes, accepted or refused; so a store folds only later ones over it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, get_args

from central_server.records import LedgerEntry, Location
from central_server.services.corrections import due_mails, is_undone, keep_cancellations_back
from central_server.services.exceptions import close_of_order
from central_server.services.flow_handler import FlowHandler, Step
from central_server.services.follow_ups import PushFollowUps
from central_server.services.judging import (
    HalfDone,
    Judging,
    LateStuck,
    NotTheStoresToSay,
    NotThisStores,
)
from central_server.services.moving import Moving
from central_server.services.pending_mail import PendingMail
from central_server.services.push_exceptions import ExceptionsOfPush
from central_server.services.remembered_flows import RememberedFlows
from central_server.services.reserving import Reserving
from central_server.services.rights import SharedStock
from central_server.services.succession import Standing
from sync.domain.errors import OperationRefused
from sync.domain.escrow import giving_way
from sync.domain.exceptions import ExceptionKind, Task
from sync.domain.fulfillment import FulfillmentOrder, ShortReason
from sync.domain.ids import OpId
from sync.domain.inventory import StockEffect
from sync.domain.money_operations import MoneyOperation
from sync.domain.operations import LineShortPicked, aggregate_of
from sync.domain.reserve_operations import BEGINNINGS, CENTRALS_OWN, WaitServed
from sync.domain.sizing import sold_when_ms
from sync.domain.stock_operations import FloorSold, StockOperation
from sync.domain.transitions import Consequence, FulfillmentOperation, advance
from sync.hub.feed import FeedWriter
from sync.hub.ports import HeldBack, ReplicaState
from sync.protocol.lines import OperationRecord
from sync.protocol.rows import Entity, FulfillmentRow, Watermark, store_scope
from sync.protocol.session import ScopeHead
from sync.protocol.verdicts import Verdict, VerdictStatus

if TYPE_CHECKING:
    from central_server.storage.unit import Unit

_ACCEPTED = VerdictStatus.ACCEPTED
STOCK_OPERATIONS: frozenset[type] = frozenset(get_args(StockOperation))
TASKS: frozenset[type] = frozenset(get_args(Task))
MONEY_OPERATIONS: frozenset[type] = frozenset(get_args(MoneyOperation))
HAS_ALL = "Nothing of the order is without a place any more."
Records = Iterable[OperationRecord]


class Replication(Moving, Reserving):
    """Applies one push. Made for one transaction and used once."""

    def __init__(
        self,
        unit: "Unit",
        judging: Judging,
        location: Location,
        now_ms: int,
        *,
        are_late_moved: bool = False,
    ) -> None:
        """`are_late_moved`: what a push comes too late for was moved, as far as it can be."""
        self._unit = unit
        self._are_late_moved = are_late_moved
        self._location = location
        self._location_id = location.id
        self._shared = SharedStock(unit, location)
        self._handlers: Mapping[str, FlowHandler] = {one.flow: one for one in judging.handlers}
        self._now_ms = now_ms
        self._random = judging.random
        self.trouble: tuple[type[Exception], ...] = (*judging.trouble, HalfDone)
        self._rows: dict[str, FulfillmentOrder] = {}
        self._kept_marks: dict[str, Watermark] = {}
        self._marks: dict[str, Watermark] = {}
        """Watermarks of the rows that changed: exactly these are written."""
        self._flows = RememberedFlows()
        self._effects: dict[str, tuple[int, int]] = {}
        self._ledger: list[LedgerEntry] = []
        self._has_begun = False
        """Whether the operation that is judged has changed anything here."""
        self._served: set[str] = set()
        """SKUs of which units went to somebody who waited."""
        self._ups = PushFollowUps(unit, judging.random, judging.promise_ms)
        self._ups.rows = self._rows
        self._inbox = ExceptionsOfPush(judging.random, now_ms)
        self.feed = FeedWriter(unit.feed)
        """What changed for stores; written by `flush`."""
        self.heads: tuple[ScopeHead, ...] = ()
        """The scopes that moved; known after `flush`."""

    def prefetch(self, state: ReplicaState, records: Sequence[OperationRecord]) -> None:
        """Load and lock what these operations may touch: orders first, then parts, then stock.

        Promises that this store was too late to confirm are moved elsewhere first. Raises
        `LateStuck` where one cannot be.
        """
        assert state.location_id == self._location_id
        if records:
            # What two copies of a disk bring must meet somewhere; money has no row for that, nor
            # has the number of a sale.
            self._unit.locations.lock_among_names(self._location_id, state.replica_id)
        self._load({aggregate_of(record.op) for record in records})
        skus = self._may_move(records)
        if self._are_late_moved:
            self._share(skus)
        else:
            try:
                self.lapse(also=skus)
            except self.trouble:
                raise
            except Exception as fault:
                raise LateStuck from fault
        self._shared.load(_of_stock(records))

    def load(self, aggregates: Collection[str], records: Records, *, all_rights: bool) -> None:
        """Load and lock what these are about, and nothing else but `all_rights` where asked."""
        self._load(aggregates)
        self._share(self._may_move(records))
        self._shared.load(_of_stock(records), all_rights=all_rights)

    def _load(self, fulfillment_ids: Collection[str]) -> None:
        order_ids = self._unit.fulfillments.order_ids(fulfillment_ids) - self._ups.siblings.keys()
        if not order_ids:
            return
        self._ups.add_heads(self._unit.orders.heads(order_ids))
        for order_id, parts in self._unit.fulfillments.of_orders(order_ids, lock=True).items():
            self._ups.siblings[order_id] = [one.row.order for one in parts]
            for one in parts:
                self._rows[one.row.order.id] = one.row.order
                self._kept_marks[one.row.order.id] = one.row.watermark

    def apply(self, op_id: OpId, record: OperationRecord) -> Verdict:
        """Judge one operation. Where this raises, nothing has changed but a refusal's watermark.

        Raises `HalfDone`, which ends the transaction, where that cannot be said.
        """
        self._has_begun = False
        try:
            consequences = self._judged(op_id, record)
        except self.trouble:
            raise
        except Exception as fault:
            if self._has_begun:
                raise HalfDone(fault, op_id) from fault
            raise
        if not consequences:
            return Verdict(seq=op_id.seq, status=_ACCEPTED)
        return Verdict(seq=op_id.seq, status=VerdictStatus.AMENDED, consequences=consequences)

    def _judged(self, op_id: OpId, record: OperationRecord) -> tuple[Consequence, ...]:
        operation = record.op
        kind = type(operation)
        if kind in STOCK_OPERATIONS:
            return self._apply_stock(operation, op_id, record.at)
        if kind in TASKS:
            return self._apply_task(operation, record.by, op_id)
        if kind in MONEY_OPERATIONS:
            return self._apply_money(operation, record, op_id)
        if kind in BEGINNINGS:
            return self._begin(operation, record, op_id)
        return self._apply_work(operation, record, op_id)

    def _apply_work(
        self, operation: FulfillmentOperation, record: OperationRecord, op_id: OpId
    ) -> tuple[Consequence, ...]:
        before = self._rows.get(operation.fulfillment_id)
        if before is None or before.location_id != self._location_id:
            raise NotThisStores(operation.fulfillment_id)
        if type(operation) in CENTRALS_OWN:
            raise NotTheStoresToSay(operation.kind)
        watermark = Watermark(op_id.replica_id, op_id.epoch, op_id.seq)
        try:
            consequences = self._advance(before, operation, record.by, record.at, op_id, record.dev)
        except OperationRefused:
            if operation.is_request:
                self._marks[before.id] = watermark
            raise
        self._marks[before.id] = watermark
        return consequences + self._decided(op_id)

    def _decided(self, source: object) -> tuple[Consequence, ...]:
        """Decide what the flow asked central to decide after the last operation."""
        found: tuple[Consequence, ...] = ()
        for operation in self._ups.take_decisions():
            found += self._decide(operation, str(source))
        return found

    def decide(self, operations: Iterable[FulfillmentOperation], why: str) -> None:
        """Apply decisions of central's own to orders of this location that are still open."""
        for one in self._loaded(operations):
            if self._rows[one.fulfillment_id].total("open"):
                self._decide(one, f"{why}:{one.fulfillment_id}")

    def take(self, facts: Iterable[FulfillmentOperation], why: str) -> None:
        """Apply what somebody without a machine has done here, also to orders that had ended."""
        for one in self._loaded(facts):
            self._decide(one, f"{why}:{one.fulfillment_id}")

    def _loaded(self, operations: Iterable[FulfillmentOperation]) -> list[FulfillmentOperation]:
        said = list(operations)
        self._load({one.fulfillment_id for one in said})
        return said

    def _advance(
        self,
        before: FulfillmentOrder,
        operation: FulfillmentOperation,
        by: str,
        at_ms: int,
        source: object,
        dev: str = "",
    ) -> tuple[Consequence, ...]:
        """Apply the rule and what follows from it; return what to tell the associate."""
        outcome = advance(self._flows.named(before.flow), before, operation, at_ms)
        consequences = outcome.consequences
        handler = self._handlers.get(before.flow)
        if handler is not None and operation.kind in handler.kinds:
            step = Step(before, operation, outcome, by, at_ms, self._now_ms)
            consequences += self._follow(handler, step, source)
        self._has_begun = True
        self._rows[before.id] = outcome.after
        if outcome.effects and type(operation) is not WaitServed:  # reserved before it was decided
            self._count(outcome.effects, source)
        if outcome.after.reserve is not None:
            entry = self._money_entry(source, by, at_ms, dev)
            self._ups.money.post_order(before, outcome.after, operation, entry)
            if outcome.after.shipment is not None:
                self._inbox.owed(before, outcome.after, source)
        self._inbox.after(operation, before.id, outcome.consequences, source)
        if is_undone(outcome.consequences):
            self._ups.undone.append(before.order_id)
        return consequences

    def _decide(self, operation: FulfillmentOperation, source: str) -> tuple[Consequence, ...]:
        """Apply a decision of central's own, by the rules that stores work by."""
        before = self._rows[operation.fulfillment_id]
        consequences = self._advance(before, operation, "", self._now_ms, source)
        self._marks.setdefault(before.id, self._kept_marks[before.id])
        if self._rows[before.id].total("to_put_back"):
            self._inbox.put_back(before.id, source)
        return consequences

    def _apply_stock(
        self, operation: StockOperation, op_id: OpId, at_ms: int
    ) -> tuple[Consequence, ...]:
        self._has_begun = True
        effects = self._shared.apply(operation, op_id)
        if not isinstance(operation, FloorSold):
            return ()
        sold_ms = sold_when_ms((operation.sold_at_ms, at_ms), self._now_ms)
        self._count(effects, op_id, happened_ms=sold_ms)
        return tuple(
            found
            for sku in dict.fromkeys(one.sku for one in operation.lines)
            for found in self._repair(sku, operation.breaks, op_id)
        )

    def _repair(self, sku: str, named: str, op_id: OpId) -> Iterator[Consequence]:
        """Move promises elsewhere that a sale has broken, the one that was named first.

        A hold that is over ends instead: a restored central does not know that it had ended.
        """
        broken = self._shared.broken(sku, self._effects.get(sku, (0, 0)))
        if not broken:
            return
        here = self._unit.fulfillments.open_with(self._location_id, sku)
        self._load(here)
        if self.expire(here, str(op_id)):
            broken = self._shared.broken(sku, self._effects.get(sku, (0, 0)))
        orders = [self._rows[key] for key in {*here, named} if key in self._rows]
        shelf = [one for one in orders if one.location_id == self._location_id]
        for one in giving_way(shelf, sku, broken, named):
            given_up = LineShortPicked(
                one.order.id, one.line.line, one.units, ShortReason.SOLD_ON_FLOOR
            )
            yield from self._decide(given_up, str(op_id))

    def _apply_task(self, operation: Task, by: str, op_id: OpId) -> tuple[Consequence, ...]:
        """Take in what people of the store are to do, who, and that it is done: facts."""
        found = self._inbox.known(self._unit, operation.exception_id)
        if found is not None and found.location_id != self._location_id:
            raise NotThisStores(operation.aggregate)
        about = getattr(operation, "about", "")
        if about:
            self._load({about})
        order = self._rows.get(about)
        is_ours = order is not None and order.location_id == self._location_id
        return self._inbox.take(
            operation, found, f"{self._location_id}/{by}", op_id, order if is_ours else None
        )

    def held_back(self, op_id: OpId, held: HeldBack) -> None:
        """Open an exception for an operation that is in quarantine for a reason of its own."""
        order = self._rows.get(held.aggregate)
        if order is not None and order.location_id != self._location_id:
            order = None
        self._inbox.hold_back(op_id, held, order, self._location_id)

    def lost(self, state: ReplicaState, count: int) -> None:
        """Open an exception for work of this location that nobody has any more."""
        self._inbox.lose(state, count)

    def pass_over(self, op_id: OpId, aggregate: str, record: OperationRecord | None) -> None:
        """Let rows include an operation that a person set aside: no store folds it any more."""
        order = self._rows.get(aggregate)
        if order is not None and order.location_id == self._location_id:
            self._marks[order.id] = Watermark(op_id.replica_id, op_id.epoch, op_id.seq)
        if record is not None:
            self._shared.pass_over(record.op, op_id)

    def set_rights_aside(self, operation: object | None, last_seq: int) -> None:
        """Agree with the store where its word on rights never counts; see `SharedStock`."""
        self._shared.set_aside(operation, last_seq)

    def keep_later_marks(self, standing: Standing) -> None:
        """Let no watermark go back: what was settled late may be older than what a row includes.

        A device that was replaced does not speak for a row any more that its
        successor has worked on.
        """
        for key, mark in self._marks.items():
            kept = self._kept_marks.get(key, Watermark())
            self._marks[key] = standing.later(kept, mark)
        self._shared.keep_later_marks(standing)

    def _follow(self, handler: FlowHandler, step: Step, source: object) -> tuple[Consequence, ...]:
        mark = self._ups.begin(str(source), self._now_ms)
        try:
            return handler.follow(step, self._ups)
        except self.trouble:
            raise  # the transaction is over, and all that was done in it
        except Exception:
            self._has_begun = self._has_begun or self._ups.is_reserving
            self._ups.roll_back(mark)
            raise

    def _count(
        self, effects: Sequence[StockEffect], cause: object, *, happened_ms: int | None = None
    ) -> None:
        source = str(cause)
        for effect in effects:
            on_hand, allocated = self._effects.get(effect.sku, (0, 0))
            self._effects[effect.sku] = (on_hand + effect.on_hand, allocated + effect.allocated)
            self._ledger.append(
                LedgerEntry(
                    self._location_id, effect.sku, effect.on_hand, effect.allocated,
                    effect.reason, source, self._now_ms, happened_ms,
                )
            )  # fmt: skip

    def flush(self) -> None:
        """Write everything that changed; the feed's locks are taken last."""
        unit, ups, feed = self._unit, self._ups, self.feed
        if ups.begun:
            unit.orders.insert_many(ups.begun)
        unit.orders.set_statuses(self._statuses())
        if ups.uncarried.counts:
            unit.orders.set_line_counts(ups.uncarried.counts)
        # As orders do: a day first, then stock (but for that of sales, which is locked already).
        unit.capacity.release(ups.freed)
        self._write_rows(feed)
        self._write_stock(feed)
        if ups.events:
            unit.orders.append_events(ups.events)
        for trace in ups.traces:
            unit.orders.add_trace(trace)
        if ups.pauses:
            unit.shipping.pause(ups.pauses)
        unit.fulfillments.set_accept_by(ups.accept_by)
        if ups.undone:
            keep_cancellations_back(unit, ups, self._carried())
        if ups.effects:
            unit.outbox.add(ups.effects)
        self._write_mails()
        ups.money.flush()
        self._inbox.write(unit, feed, ups.exceptions, self._rows)
        for order_id in ups.no_more_unsourced():
            unit.supply.end_claims_of(order_id, self._now_ms)  # it waits for nothing any more
            close_of_order(
                unit, feed, order_id, (ExceptionKind.UNSOURCED,), self._now_ms, note=HAS_ALL
            )
        self.heads = feed.flush()

    def _statuses(self) -> dict[str, str]:
        """Return the orders whose status changed."""
        ups = self._ups
        found = {key: one.status.value for key, one in ups.progress(self._carried()).items()}
        return {key: status for key, status in found.items() if status != ups.head(key).status}

    def _carried(self) -> dict[str, list[FulfillmentOrder]]:
        """Return all that carries the orders that changed, by order."""
        carried: dict[str, list[FulfillmentOrder]] = {}
        for order_id in {self._rows[key].order_id for key in self._marks}:
            carried[order_id] = [self._rows[one.id] for one in self._ups.siblings[order_id]]
        for new in self._ups.assigned:
            carried[new.order_id].append(new)
        return carried

    def _write_rows(self, feed: FeedWriter) -> None:
        rows = [FulfillmentRow(self._rows[key], mark) for key, mark in self._marks.items()]
        rows += [FulfillmentRow(order) for order in self._ups.assigned]
        bodies = self._unit.fulfillments.upsert_many(rows)
        for row in rows:
            scope = store_scope(row.order.location_id)
            feed.put_body(scope, Entity.FULFILLMENT, row.order.id, bodies[row.order.id])

    def _write_stock(self, feed: FeedWriter) -> None:
        stock, scope = self._unit.stock, store_scope(self._location_id)
        touched = self._shared.flush() | self._served
        for row in stock.apply_effects(self._location_id, self._effects, self._ledger):
            feed.put(scope, Entity.STOCK, row.sku, row)
        for row in stock.rows(self._location_id, touched - self._effects.keys()):
            feed.put(scope, Entity.STOCK, row.sku, row)
        elsewhere: dict[str, set[str]] = {}
        for order in self._ups.assigned:
            elsewhere.setdefault(order.location_id, set()).update(one.sku for one in order.lines)
        for location_id, skus in elsewhere.items():
            for row in self._unit.stock.rows(location_id, skus):
                feed.put(store_scope(location_id), Entity.STOCK, row.sku, row)

    def _write_mails(self) -> None:
        due = due_mails(self._unit, self._ups.mails, self._rows, self._random, self._mail_failed)
        if due:
            self._unit.outbox.add(due)

    def _mail_failed(self, mail: PendingMail, problem: Exception) -> None:
        if isinstance(problem, self.trouble):
            raise problem
        self._ups.mail_failed(mail, f"{type(problem).__name__}: {problem}")


def _of_stock(records: Records) -> list[StockOperation]:
    return [one.op for one in records if type(one.op) in STOCK_OPERATIONS]
