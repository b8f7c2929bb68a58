"""Cards that are being given back, kept in journal.db until that is recorded or was not done."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sync.edge.sqlite import Connection


class Voids(ABC):
    """The part of a journal that notes what a payment terminal is asked to give back."""

    _connection: Connection

    @abstractmethod
    def writing(self) -> AbstractContextManager[None]:
        """Hold the write lock; see `Journal`."""

    @abstractmethod
    def _all(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]: ...

    def voids_begun(self, fulfillment_id: str) -> Mapping[int, str]:
        """Return the tenders of an order that are being given back, each with its terminal."""
        rows = self._all(
            "SELECT tender, device FROM voids WHERE fulfillment_id = ?", (fulfillment_id,)
        )
        return dict(rows)

    def begin_void(self, fulfillment_id: str, tender: int, device: str) -> None:
        """Note that a terminal gives a tender back, inside `writing()`. The first one stays."""
        self._connection.execute(
            "INSERT INTO voids (fulfillment_id, tender, device) VALUES (?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (fulfillment_id, tender, device),
        )

    def end_void(self, fulfillment_id: str, tender: int) -> None:
        """Forget that a tender is being given back."""
        with self.writing():
            self._connection.execute(
                "DELETE FROM voids WHERE fulfillment_id = ? AND tender = ?",
                (fulfillment_id, tender),
            )
