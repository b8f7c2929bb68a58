"""How an engine commits: the seam between `Database` and the two engines."""

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from central_server.storage.conflicts import Conflict
from central_server.storage.unit import Unit

T = TypeVar("T")

POISON: tuple[type[Exception], ...] = (IntegrityError, DataError)
"""What the engines raise when a row itself cannot be: trying again does not mend it."""


class DatabaseClosed(Exception):
    """The database was closed: nothing can be written any more."""


class Overloaded(Exception):
    """More commands wait than central takes."""


class LogInUse(Conflict):
    """Nobody can write until whoever reads the write-ahead log has ended."""


class Unavailable(Exception):
    """The engine cannot do it now: it is full, away, or contended. The words are for callers.

    Nothing is half done. Whether all of it is, only an engine that went away in a commit
    leaves open: then, too, the same can be sent again.
    """


class OutOfService(Unavailable):
    """It can do nothing for anybody now: there is no use in asking for the next thing at once."""


OUT_OF_SERVICE: tuple[type[Exception], ...] = (OutOfService, DatabaseClosed)

TROUBLE: tuple[type[Exception], ...] = (
    DBAPIError, Conflict, DatabaseClosed, Overloaded, Unavailable,
)  # fmt: skip
"""What ends a transaction, whatever it was about; `POISON` among it."""


class UnsafeDatabase(Exception):
    """The engine or the file cannot keep what it is asked to keep."""


class CommitPoint(StrEnum):
    """Where a simulation can crash a commit."""

    BEFORE = "before_commit"
    AFTER = "after_commit"


CommitHook = Callable[[CommitPoint], None]
"""Called around each commit; what it raises, every caller in that commit gets."""


def no_hook(point: CommitPoint) -> None:
    """Let every commit pass."""


class Writer(Protocol):
    """How an engine commits."""

    def write(self, command: Callable[[Unit], T]) -> tuple[T, Unit]:
        """Run `command` in a transaction; return when that is durable."""
        ...

    def close(self) -> None:
        """Finish what is waiting and let go of the engine."""
        ...
