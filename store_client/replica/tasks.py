"""The part of a store where people note what is to be done, and that it was: the inbox."""

from abc import abstractmethod

from store_client.replica.inbox import Inbox
from store_client.replica.journaling import Journaling
from store_client.replica.models import InboxItem
from sync.domain.exceptions import (
    ExceptionAssigned,
    ExceptionResolved,
    FollowUpOpened,
    Task,
    check_task,
)


class Tasks(Journaling):
    """Reads and writes what people of this store must look at."""

    inbox: Inbox

    def exceptions(self) -> list[InboxItem]:
        """Return what people of this store must look at, the most urgent first."""
        return self.inbox.items()

    def resolve_exception(self, exception_id: str, note: str, *, by: str, dev: str) -> None:
        """Journal that an exception is done, with a note; it stays listed until central's row goes.

        Raises `OperationRefused` where it is not this store's, done already, or ends by itself.
        """
        self.record_task(ExceptionResolved(exception_id, note), by=by, dev=dev)

    def record_task(self, operation: Task, *, by: str, dev: str) -> None:
        """Journal that somebody is to do something, who, or that it is done. Durable on return.

        Raises `OperationRefused` where it is not this store's, or done already.
        """
        with self.journal.writing():
            match operation:
                case ExceptionResolved(exception_id=key, note=note):
                    self.inbox.check(key, note)
                case ExceptionAssigned(exception_id=key):
                    check_task(operation)
                    self.inbox.open_here(key)
                case FollowUpOpened():
                    check_task(operation)
            self._append(operation, by, dev, (), at_ms=self.clock.now_ms())
        self._record_seen()

    @abstractmethod
    def _record_seen(self) -> None:
        """Let the views know what was just recorded; see `Store`."""
