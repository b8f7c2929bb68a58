"""What the parts of a journal know of the whole: who it is, its epochs, its end, its rows."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from sync.edge.evidence import Evidence
from sync.edge.lives import Lives
from sync.edge.sqlite import Connection

if TYPE_CHECKING:
    from sync.edge.journal import Head, Identity


class JournalPart(ABC):
    """One part of `sync.edge.journal.Journal`, which says what is abstract here."""

    _connection: Connection
    _lock: AbstractContextManager[object]
    evidence: Evidence | None

    @property
    @abstractmethod
    def identity(self) -> "Identity":
        """Who this is."""

    @property
    @abstractmethod
    def lives(self) -> Lives:
        """The epochs."""

    @abstractmethod
    def head(self) -> "Head":
        """Return the newest operation's place and hash."""

    def _one(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        with self._lock:
            return self._connection.execute(sql, parameters).fetchone()

    def _all(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        with self._lock:
            return list(self._connection.execute(sql, parameters).fetchall())
