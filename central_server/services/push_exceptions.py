"""Which exceptions one push opens and closes, kept in memory until it is written."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from central_server.records import ExceptionRecord
from central_server.services.exceptions import (
    announce,
    close_causes,
    close_of_order,
    exception_record,
    open_as_it_stands,
    open_exceptions,
    owed_cause,
    owed_record,
    put_back_cause,
    put_back_record,
    quarantine_cause,
    say_anew,
    withdraw,
)
from sync.domain.errors import OperationRefused
from sync.domain.exceptions import (
    ASSIGNEE_LENGTH_MAX,
    NOTE_LENGTH_MAX,
    ExceptionAssigned,
    ExceptionKind,
    ExceptionOwner,
    ExceptionResolved,
    FollowUpOpened,
    Task,
    check_closable,
)
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.ids import OpId
from sync.domain.money import amount_words
from sync.domain.money_operations import CardSettled, DrawerCounted
from sync.domain.paying import owed_back
from sync.domain.transitions import Consequence, ConsequenceKind, FulfillmentOperation
from sync.hub.feed import FeedWriter
from sync.hub.ports import HeldBack, ReplicaState
from sync.protocol.verdicts import in_words

if TYPE_CHECKING:
    from central_server.storage.unit import Unit

NOTHING_TO_CLOSE = Consequence(
    ConsequenceKind.NO_EFFECT, "There was nothing to close any more at central: nothing changed."
)
PUT_BACK = "put_back"
MOVED_ON = frozenset({ExceptionKind.PROMISE_BROKEN, ExceptionKind.UNSOURCED})
"""Kinds that say where an order is now; what was said before is over."""


class ExceptionsOfPush:
    """What the operations of one push mean for people's lists."""

    def __init__(self, random: Random, now_ms: int) -> None:
        self._random = random
        self._now_ms = now_ms
        self._held: list[ExceptionRecord] = []
        self._resolved: dict[str, tuple[str, str]] = {}
        """(by, note) by exception."""
        self._opened: dict[str, ExceptionRecord] = {}
        """Follow-ups of stores, by id."""
        self._assigned: dict[str, ExceptionRecord] = {}
        """As they are once assigned, by id."""
        self._put_back_due: dict[str, str] = {}
        self._may_be_back: set[str] = set()
        self._owed: dict[str, str] = {}
        self._settled: set[str] = set()
        self._over: list[ExceptionRecord] = []
        """What a store says is done, and central closed before."""

    def after(
        self,
        operation: FulfillmentOperation,
        fulfillment_id: str,
        consequences: Iterable[Consequence],
        source: object,
    ) -> None:
        """Note what an operation that was just judged means for goods to put back."""
        if consequences:
            self._may_be_back.add(fulfillment_id)
            if any(one.kind is ConsequenceKind.PUT_BACK_DUE for one in consequences):
                self.put_back(fulfillment_id, source)
        elif operation.kind == PUT_BACK:
            self._may_be_back.add(fulfillment_id)

    def owed(self, before: FulfillmentOrder, after: FulfillmentOrder, source: object) -> None:
        """Note that money of a parcel is to be given back now, or is not any more."""
        was, now = owed_back(before), owed_back(after)
        if now and now != was:
            self._owed[after.id] = str(source)
            self._settled.discard(after.id)
        elif was and not now:
            self._owed.pop(after.id, None)
            self._settled.add(after.id)

    def put_back(self, fulfillment_id: str, source: object) -> None:
        """Open an exception for an order that ended while its goods were in hand."""
        self._put_back_due.setdefault(fulfillment_id, str(source))

    def after_money(self, operation: object, location_id: str, op_id: OpId) -> None:
        """Note what an operation on money means: a drawer that does not add up, a lost card."""
        match operation:
            case DrawerCounted(counted_minor=counted, expected_minor=expected) if (
                counted != expected
            ):
                kind = ExceptionKind.DRAWER_DIFFERENCE
                found, wanted = (
                    amount_words(minor, operation.currency) for minor in (counted, expected)
                )
                text = (
                    f"Drawer {operation.drawer}, session {operation.session}: {found} counted,"
                    f" {wanted} expected."
                )
            case CardSettled(declined=True):
                kind = ExceptionKind.CARD_NOT_SETTLED
                amount = amount_words(operation.amount_minor, operation.currency)
                text = (
                    f"Card payment {operation.reference} of {amount}"
                    f" for order {operation.order_number or '?'} was declined afterwards."
                )
            case _:
                return
        self._held.append(
            exception_record(
                kind, text, cause=f"{kind}:{op_id}", now_ms=self._now_ms, random=self._random,
                location_id=location_id, source=str(op_id),
            )
        )  # fmt: skip

    def hold_back(
        self, op_id: OpId, held: HeldBack, order: FulfillmentOrder | None, location_id: str
    ) -> None:
        """Open an exception for an operation in quarantine."""
        self._held.append(
            exception_record(
                ExceptionKind.QUARANTINED, held_words(held, op_id.seq),
                cause=quarantine_cause(op_id), now_ms=self._now_ms, random=self._random,
                order=order, location_id=location_id, source=str(op_id),
            )
        )  # fmt: skip

    def lose(self, state: ReplicaState, count: int) -> None:
        """Open an exception for work before a replica's epoch that is in no copy any more."""
        which = "1 operation" if count == 1 else f"{count} operations"
        which = f"{which} before operation {state.base_seq + 1}"
        place = f"{state.replica_id}/{state.epoch}"
        self._held.append(
            exception_record(
                ExceptionKind.WORK_LOST,
                f"{which} of device {state.replica_id}: done at the store, in no copy any more.",
                cause=f"{ExceptionKind.WORK_LOST}:{place}", now_ms=self._now_ms,
                random=self._random, location_id=state.location_id, source=place,
            )
        )  # fmt: skip

    def known(self, unit: "Unit", exception_id: str) -> ExceptionRecord | None:
        """Return an exception as this push leaves it so far."""
        new = self._assigned.get(exception_id) or self._opened.get(exception_id)
        return new or unit.exceptions.get(exception_id)

    def take(
        self,
        operation: Task,
        found: ExceptionRecord | None,
        by: str,
        op_id: OpId,
        order: FulfillmentOrder | None,
    ) -> tuple[Consequence, ...]:
        """Note what a store says of a task of its own (`by` is place and person)."""
        match operation:
            case ExceptionResolved(note=note):
                is_new = self.resolve(found, note, by)
            case ExceptionAssigned(assignee=assignee):
                is_new = self._assign(found, assignee)
            case _:
                is_new = found is None
                if is_new:
                    self._open(operation, by.partition("/")[0], op_id, order)
        return () if is_new else (NOTHING_TO_CLOSE,)

    def _open(
        self, told: FollowUpOpened, location_id: str, op_id: OpId, order: FulfillmentOrder | None
    ) -> None:
        kind = ExceptionKind.FOLLOW_UP
        record = exception_record(
            kind, told.text[:NOTE_LENGTH_MAX], cause=f"{kind}:{told.exception_id}",
            now_ms=self._now_ms, random=self._random, order=order, location_id=location_id,
            source=str(op_id),
        )  # fmt: skip
        self._opened[told.exception_id] = replace(
            record, id=told.exception_id, due_ms=told.due_ms,
            assignee=told.assignee[:ASSIGNEE_LENGTH_MAX],
        )  # fmt: skip

    def _assign(self, found: ExceptionRecord | None, assignee: str) -> bool:
        if found is None or found.closed_ms is not None or found.id in self._resolved:
            return False
        if found.owner != ExceptionOwner.STORE:
            return False
        self._assigned[found.id] = replace(found, assignee=assignee[:ASSIGNEE_LENGTH_MAX])
        return True

    def resolve(self, found: ExceptionRecord | None, note: str, by: str) -> bool:
        """Close what the store says is done; return whether there was anything to close."""
        if found is not None and found.closed_ms is not None:
            self._over.append(found)  # it may still stand there
        if found is None or found.closed_ms is not None or found.id in self._resolved:
            return False
        try:
            check_closable(found.kind, note)
        except OperationRefused:
            return False
        self._resolved[found.id] = (by, note)
        return True

    def write(
        self,
        unit: "Unit",
        feed: FeedWriter,
        asked_for: list[ExceptionRecord],
        orders: Mapping[str, FulfillmentOrder],
    ) -> None:
        """Write what was opened, `asked_for` by the flows included, then what was closed."""
        due = [
            put_back_record(orders[key], self._now_ms, self._random, source)
            for key, source in self._put_back_due.items()
        ] + [
            owed_record(orders[key], self._now_ms, self._random, source)
            for key, source in self._owed.items()
        ]
        open_exceptions(unit, feed, [*asked_for, *self._held, *self._opened.values()])
        open_as_it_stands(unit, feed, due)
        self._close_what_moved_on(unit, feed, asked_for, orders)
        withdraw(feed, self._over)
        for key, record in self._assigned.items():
            given = unit.exceptions.give_within_store(key, record.assignee)
            if given is not None:
                announce(feed, given)
        for exception_id, (by, note) in self._resolved.items():
            withdraw(feed, unit.exceptions.close([exception_id], self._now_ms, by=by, note=note))
        back = [key for key in self._may_be_back if not orders[key].total("to_put_back")]
        for key in sorted(self._may_be_back - self._put_back_due.keys() - set(back)):
            say_anew(unit, feed, put_back_record(orders[key], self._now_ms, self._random, ""))
        if back:
            causes = map(put_back_cause, sorted(back))
            close_causes(unit, feed, causes, self._now_ms, note="Nothing is left to put back.")
        if self._settled:
            causes = map(owed_cause, sorted(self._settled))
            close_causes(unit, feed, causes, self._now_ms, note="The money is given back.")

    def _close_what_moved_on(
        self,
        unit: "Unit",
        feed: FeedWriter,
        asked_for: list[ExceptionRecord],
        orders: Mapping[str, FulfillmentOrder],
    ) -> None:
        """Let no store name a place that gave all of it up in its turn."""
        gone = {
            one.fulfillment_id: one.order_id
            for one in asked_for
            if one.kind in MOVED_ON and not orders[one.fulfillment_id].total("open")
        }
        for key, order_id in sorted(gone.items()):
            close_of_order(
                unit, feed, order_id, (ExceptionKind.PROMISE_BROKEN,), self._now_ms,
                note="It moved on: see what is open now.", naming=(key,),
            )  # fmt: skip


def held_words(held: HeldBack, seq: int) -> str:
    """Return what is the matter with an operation in quarantine, in words."""
    what = held.kind.replace("_", " ") or "an operation that cannot be read"
    return f"Operation {seq} ({what}): {in_words(held.verdict)}"[:500]
