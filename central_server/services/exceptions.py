"""What waits for a person of central."""

from typing import TYPE_CHECKING

from central_server.records import ExceptionRecord
from central_server.services.order_views import Document
from central_server.services.times import rfc3339, rfc3339_or_none

if TYPE_CHECKING:
    from central_server.storage.database import Database


class ExceptionList:
    """Lists open exceptions."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    def open(self, owner: str | None, limit: int) -> list[Document]:
        """Return open exceptions, most urgent first."""
        with self._database.read() as view:
            return [_document(one) for one in view.exceptions.list_open(owner, limit)]


def _document(record: ExceptionRecord) -> Document:
    return {
        "id": record.id,
        "kind": record.kind,
        "owner": record.owner,
        "order_id": record.order_id,
        "fulfillment_id": record.fulfillment_id,
        "location_id": record.location_id,
        "text": str(record.detail.get("text", "")),
        "opened_at": rfc3339(record.opened_ms),
        "due_at": rfc3339(record.due_ms),
        "closed_at": rfc3339_or_none(record.closed_ms),
    }
