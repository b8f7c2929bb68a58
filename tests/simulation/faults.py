"""What happens to machines: crashes at a commit or a flush, disks without room. Armed by events."""

import errno
from contextlib import suppress

import sqlcipher3.dbapi2 as driver
from sqlalchemy.exc import OperationalError

from central_server.storage import trouble
from central_server.storage.commits import CommitPoint as CentralPoint
from central_server.storage.commits import Unavailable
from sync.edge.journal import Journal
from sync.edge.sqlite import CommitPoint

JOURNAL = "journal.db"
FULL = "database or disk is full"


class Crashed(BaseException):
    """A process ended in the middle of something. No code may catch this and go on."""


class CentralDiskFull(OperationalError):
    """What SQLAlchemy makes of a disk without room; told apart, so that only this one is known."""

    def __init__(self) -> None:
        said = driver.OperationalError(FULL)
        said.sqlite_errorcode = trouble.FULL
        super().__init__("COMMIT", {}, said)


def is_central_full(problem: object) -> bool:
    """Whether somebody at central was told that its disk is full."""
    return isinstance(problem, Unavailable) and isinstance(problem.__cause__, CentralDiskFull)


class Fuse:
    """Counts commits; at the armed one, something happens."""

    def __init__(self) -> None:
        self.is_full = False
        self.is_armed = True
        """Whether anything happens at all."""
        self.crashes = 0
        self.refused = 0
        self.commits = 0
        self._left = 0
        self._before = False

    def arm(self, commits: int, *, before: bool) -> None:
        """Crash at the `commits`-th commit from now, before or after it."""
        self._left = commits
        self._before = before

    def disarm(self) -> None:
        """Let everything pass again."""
        self._left = 0
        self.is_full = False

    def passes(self, *, before: bool) -> None:
        """Count one side of a commit and crash where that is due."""
        if not before:
            self.commits += 1
        if self.is_armed and self._left and self._before == before:
            self._left -= 1
            if not self._left:
                self.crashes += 1
                raise Crashed


class StoreFuse(Fuse):
    """The hook of a store's two files. Knows which operations were really committed."""

    def __init__(self) -> None:
        super().__init__()
        self.is_out_of_power = False
        """Whether what ended the process took the whole machine along."""
        self.power_cuts = 0
        self._flushes_left = 0
        self._before_flush = self._takes_power = False
        self.committed = 0
        """Up to which operation a commit of the journal has returned."""
        self.broken_words = 0
        """How often the store said that something is done, and it was not on the disk."""
        self._journal: Journal | None = None
        self._committing = 0

    def arm_flush(self, flushes: int, *, before: bool, takes_power: bool) -> None:
        """Crash at the `flushes`-th flush of a file beside the databases, before or after it."""
        self._flushes_left, self._before_flush = flushes, before
        self._takes_power = takes_power

    def disarm(self) -> None:
        super().disarm()
        self._flushes_left = 0

    def flushes(self, *, before: bool) -> None:
        """Count one side of a flush: a disk without room fails it, and a crash may be due."""
        if before and self.is_full:
            raise OSError(errno.ENOSPC, FULL)
        if self.is_armed and self._flushes_left and self._before_flush == before:
            self._flushes_left -= 1
            if not self._flushes_left:
                self.crashes += 1
                self.is_out_of_power = self._takes_power
                raise Crashed

    def watch(self, journal: Journal | None) -> None:
        """Read the end of this journal before each of its commits; None before it is open."""
        self._journal = journal

    def hook(self, file: str, point: CommitPoint) -> None:
        """Stand around every commit of journal.db and replica.db."""
        before = point is CommitPoint.BEFORE
        if before and self.is_full:
            self.refused += 1
            raise driver.OperationalError(FULL)
        if file == JOURNAL and self._journal is not None:
            if before:
                self._committing = self._end_of(self._journal)
            else:
                self.committed = max(self.committed, self._committing)
        self.passes(before=before)

    def _end_of(self, journal: Journal) -> int:
        with suppress(LookupError):  # not enrolled yet
            return journal.head().seq
        return 0


class CentralFuse(Fuse):
    """The hook of central's database."""

    def hook(self, point: CentralPoint) -> None:
        """Stand around every commit of central."""
        before = point is CentralPoint.BEFORE
        if before and self.is_full and self.is_armed:
            self.refused += 1
            raise CentralDiskFull
        self.passes(before=before)
