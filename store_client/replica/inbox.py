"""What people of this store must look at: central's rows, and what was already done about them."""

from pydantic import ValidationError

from store_client.replica.database import ReplicaDatabase
from store_client.replica.models import InboxItem
from sync.domain.errors import OperationRefused
from sync.domain.exceptions import (
    ExceptionAssigned,
    ExceptionKind,
    ExceptionOwner,
    FollowUpOpened,
    check_closable,
    exception_aggregate,
)
from sync.edge.journal import Journal
from sync.protocol.adapters import adapter
from sync.protocol.lines import decode_line
from sync.protocol.rows import Entity, ExceptionRow
from sync.protocol.verdicts import VerdictStatus, in_words

HISTORY_MAX = 50
RESOLVED = "exception_resolved"


class NotOurException(OperationRefused):
    """The exception is gone, or central looks after it."""

    code = "not_our_exception"

    def __init__(self) -> None:
        super().__init__("there is nothing here for this store to do any more")


class AlreadyDone(OperationRefused):
    """Somebody at this store was quicker."""

    code = "already_done"

    def __init__(self) -> None:
        super().__init__("somebody has said already that this is done")


class Inbox:
    """Reads exceptions. One stays listed until central's row is gone, done or not."""

    def __init__(self, database: ReplicaDatabase, journal: Journal) -> None:
        self._database = database
        self._journal = journal

    def items(self) -> list[InboxItem]:
        """Return what is listed, the most urgent first."""
        rows = self._database.all(
            "SELECT body FROM documents WHERE entity = ?", (Entity.EXCEPTION.value,)
        )
        found = [item for (body,) in rows if (item := self._item(body)) is not None]
        there = {item.id for item in found}
        own = (self._own(aggregate) for aggregate in self._journal.follow_ups(self._heard()))
        found += [item for item in own if item is not None and item.id not in there]
        return sorted(found, key=lambda item: (item.due_ms, item.id))

    def item(self, exception_id: str) -> InboxItem | None:
        """Return one of them."""
        row = self._database.one(
            "SELECT body FROM documents WHERE entity = ? AND key = ?",
            (Entity.EXCEPTION.value, exception_id),
        )
        if row is not None:
            return self._item(row[0])
        aggregate = exception_aggregate(exception_id)
        is_own = aggregate in self._journal.follow_ups(self._heard())
        return self._own(aggregate) if is_own else None

    def check(self, exception_id: str, note: str) -> None:
        """Raise `OperationRefused` where nobody here can call this one done, not with this note."""
        check_closable(self.open_here(exception_id).kind, note)

    def open_here(self, exception_id: str) -> InboxItem:
        """Return what people of this store still have to do; raise where it is not that."""
        found = self.item(exception_id)
        if found is None or found.owner != ExceptionOwner.STORE:
            raise NotOurException
        if found.is_done:
            raise AlreadyDone
        return found

    def _heard(self) -> int:
        return int(self._database.one("SELECT heard_seq FROM connection")[0])

    def _own(self, aggregate: str) -> InboxItem | None:
        """Return what was opened here, as long as central's row has not come."""
        line = self._journal.first_line(aggregate)
        try:
            record = None if line is None else decode_line(line)
        except ValueError:
            record = None  # for a newer version
        if record is None or not isinstance(record.op, FollowUpOpened):
            return None
        told = record.op
        return self._folded(
            ExceptionRow(
                told.exception_id, ExceptionKind.FOLLOW_UP, ExceptionOwner.STORE, told.text,
                record.at, told.due_ms, told.order_number, told.about, told.assignee,
            )
        )  # fmt: skip

    def _item(self, body: str) -> InboxItem | None:
        try:
            return self._folded(adapter(ExceptionRow).validate_json(body))
        except ValidationError:
            return None  # for a newer version: the row is kept, and shown by that one

    def _folded(self, row: ExceptionRow) -> InboxItem:
        """Return a row with what was done about it here on top."""
        done, said, note, assignee = False, "", "", row.assignee
        heard = self._heard()
        history = self._journal.history(HISTORY_MAX, 0, exception_aggregate(row.id))
        for operation, verdict in reversed(history):
            told = None if operation.record is None else operation.record.op
            if isinstance(told, ExceptionAssigned):
                if verdict is None or operation.seq > heard:
                    assignee = told.assignee
            elif operation.kind == RESOLVED:
                done = verdict is None or verdict.status is VerdictStatus.ACCEPTED
                note = str(getattr(told, "note", "")) if done else ""
                said = "" if done or verdict is None else in_words(verdict)
        return InboxItem(
            id=row.id, kind=row.kind, owner=row.owner, text=row.text, opened_ms=row.opened_ms,
            due_ms=row.due_ms, order_number=row.order_number, fulfillment_id=row.fulfillment_id,
            assignee=assignee, is_done=done, note=note, said=said,
        )  # fmt: skip
