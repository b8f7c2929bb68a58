"""Failed tries of PINs and pickup codes, kept in journal.db: switching off undoes no lock-out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from sync.edge.sqlite import Connection


class Lockouts(ABC):
    """The part of a journal that counts failures."""

    _connection: Connection

    @abstractmethod
    def writing(self) -> AbstractContextManager[None]:
        """Hold the write lock; see `Journal`."""

    @abstractmethod
    def _one(self, sql: str, parameters: Sequence[object] = ()) -> Any: ...

    def failures(self, subject: str) -> tuple[int, int]:
        """Return (failed tries, locked until in ms) of a PIN or pickup code."""
        row = self._one("SELECT failures, until_ms FROM lockouts WHERE subject = ?", (subject,))
        return (0, 0) if row is None else (row[0], row[1])

    def count_failure(self, subject: str, lock_after: int, until_ms: int) -> tuple[int, int]:
        """Count one failed try of `subject`; return (failed tries, locked until).

        From the try `lock_after` on it is locked until `until_ms`. One statement:
        two terminals that fail at once are counted twice.
        """
        with self.writing():
            row = self._connection.execute(
                "INSERT INTO lockouts (subject, failures, until_ms)"
                " VALUES (:subject, 1, CASE WHEN 1 >= :most THEN :until ELSE 0 END)"
                " ON CONFLICT (subject) DO UPDATE SET failures = failures + 1,"
                " until_ms = CASE WHEN failures + 1 >= :most THEN :until ELSE 0 END"
                " RETURNING failures, until_ms",
                {"subject": subject, "most": lock_after, "until": until_ms},
            ).fetchone()
            return row[0], row[1]

    def clear_failures(self, subject: str) -> None:
        """Forget the failed tries of `subject`."""
        with self.writing():
            self._connection.execute("DELETE FROM lockouts WHERE subject = ?", (subject,))
