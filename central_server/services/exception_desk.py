"""Where people of central work exceptions off: list, read, close, assign.

Of two people at once one wins; the other is told who was quicker and what they did.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from central_server.ports import Pokes
from central_server.records import ExceptionCursor, ExceptionFilter, ExceptionRecord
from central_server.services.errors import AlreadyAssigned, AlreadyClosed, NotAssignable, NotFound
from central_server.services.exceptions import (
    Document,
    announce,
    exception_document,
    withdraw,
)
from sync.clock import Clock
from sync.domain.exceptions import ExceptionOwner, check_closable
from sync.hub.feed import FeedWriter

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit


class ExceptionDesk:
    """Works exceptions off."""

    def __init__(self, database: "Database", clock: Clock, pokes: Pokes) -> None:
        self._database = database
        self._clock = clock
        self._pokes = pokes

    def page(
        self, wanted: ExceptionFilter, after: tuple[int, str] | None, limit: int
    ) -> tuple[list[Document], tuple[int, str] | None]:
        """Return a page, the most urgent first, and where the next one goes on."""
        cursor = None if after is None else ExceptionCursor(*after)
        with self._database.read() as view:
            found, last = view.exceptions.page(wanted, cursor, limit)
        documents = [exception_document(one) for one in found]
        return documents, None if last is None else (last.due_ms, last.id)

    def one(self, exception_id: str) -> Document:
        """Return one exception, open or closed."""
        with self._database.read() as view:
            found = view.exceptions.get(exception_id)
        if found is None:
            raise NotFound("exception", exception_id)
        return exception_document(found)

    def resolve(self, exception_id: str, *, note: str, by: str) -> Document:
        """Close an exception with a note; closing it again in the same words changes nothing.

        Raises `AlreadyClosed` where somebody else did, and `OperationRefused` for
        one that ends by itself or a note that says nothing.
        """
        now = self._clock.now_ms()
        return self._database.write(lambda unit: self._resolve(unit, exception_id, note, by, now))

    def _resolve(
        self, unit: "Unit", exception_id: str, note: str, by: str, now_ms: int
    ) -> Document:
        found = _locked(unit, exception_id)
        check_closable(found.kind, note)
        if found.closed_ms is not None:
            if (found.closed_by, found.note) != (by, note):
                raise AlreadyClosed(found.closed_by, found.note)
            return exception_document(found)
        feed = FeedWriter(unit.feed)
        withdraw(feed, unit.exceptions.close([exception_id], now_ms, by=by, note=note))
        self._publish(unit, feed)
        return exception_document(replace(found, closed_ms=now_ms, closed_by=by, note=note))

    def assign(
        self, exception_id: str, *, owner: str | None, assignee: str | None, take_over: bool = False
    ) -> Document:
        """Give an exception to the other side, to a person, or back to nobody.

        Raises `AlreadyAssigned` where another person looks after it, unless it is
        taken over knowingly.
        """
        return self._database.write(
            lambda unit: self._assign(unit, exception_id, owner, assignee, take_over)
        )

    def _assign(
        self, unit: "Unit", exception_id: str, owner: str | None, assignee: str | None, force: bool
    ) -> Document:
        found = _locked(unit, exception_id)
        if found.closed_ms is not None:
            raise AlreadyClosed(found.closed_by, found.note)
        if owner == ExceptionOwner.STORE and not found.location_id:
            raise NotAssignable
        changed = replace(
            found,
            owner=found.owner if owner is None else owner,
            assignee=found.assignee if assignee is None else assignee,
        )
        if found.assignee not in {"", changed.assignee} and not force:
            raise AlreadyAssigned(found.assignee)
        if changed != found:
            feed = FeedWriter(unit.feed)
            unit.exceptions.assign(exception_id, changed.owner, changed.assignee)
            announce(feed, changed)
            self._publish(unit, feed)
        return exception_document(changed)

    def _publish(self, unit: "Unit", feed: FeedWriter) -> None:
        heads = feed.flush()
        unit.after_commit(lambda: self._pokes.publish(heads))


def _locked(unit: "Unit", exception_id: str) -> ExceptionRecord:
    found = unit.exceptions.get(exception_id, lock=True)
    if found is None:
        raise NotFound("exception", exception_id)
    return found
