"""What people of this store must look at: central's rows, and what was already done about them."""

from pydantic import ValidationError

from store_client.replica.database import ReplicaDatabase
from store_client.replica.models import InboxItem
from sync.domain.errors import OperationRefused
from sync.domain.exceptions import ExceptionOwner, check_closable, exception_aggregate
from sync.edge.journal import Journal
from sync.protocol.adapters import adapter
from sync.protocol.rows import Entity, ExceptionRow
from sync.protocol.verdicts import VerdictStatus


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
        return sorted(found, key=lambda item: (item.due_ms, item.id))

    def item(self, exception_id: str) -> InboxItem | None:
        """Return one of them."""
        row = self._database.one(
            "SELECT body FROM documents WHERE entity = ? AND key = ?",
            (Entity.EXCEPTION.value, exception_id),
        )
        return None if row is None else self._item(row[0])

    def check(self, exception_id: str, note: str) -> None:
        """Raise `OperationRefused` where nobody here can call this one done, not with this note."""
        found = self.item(exception_id)
        if found is None or found.owner != ExceptionOwner.STORE:
            raise NotOurException
        if found.is_done:
            raise AlreadyDone
        check_closable(found.kind, note)

    def _item(self, body: str) -> InboxItem | None:
        try:
            row = adapter(ExceptionRow).validate_json(body)
        except ValidationError:
            return None  # for a newer version: the row is kept, and shown by that one
        newest = self._journal.history(1, 0, exception_aggregate(row.id))
        done, said, note = False, "", ""
        for operation, verdict in newest:
            done = verdict is None or verdict.status is VerdictStatus.ACCEPTED
            if done and operation.record is not None:
                note = str(getattr(operation.record.op, "note", ""))
            if not done and verdict is not None:
                said = " ".join(one.text for one in verdict.consequences) or verdict.text
        return InboxItem(
            id=row.id, kind=row.kind, owner=row.owner, text=row.text, opened_ms=row.opened_ms,
            due_ms=row.due_ms, order_number=row.order_number, fulfillment_id=row.fulfillment_id,
            assignee=row.assignee, is_done=done, note=note, said=said,
        )  # fmt: skip
