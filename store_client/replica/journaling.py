"""What every part of a store that journals has at hand; `Store` is all of them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from sync.clock import Clock
from sync.domain.inventory import StockEffect
from sync.domain.people import Approval
from sync.edge.journal import Journal


class Journaling(ABC):
    """Puts operations into the journal."""

    journal: Journal
    clock: Clock

    @abstractmethod
    def _append(
        self,
        operation: Any,
        by: str,
        dev: str,
        effects: Sequence[StockEffect],
        *,
        at_ms: int,
        approval: Approval | None = None,
    ) -> None:
        """Put an operation into the journal that is held; see `Store`."""
