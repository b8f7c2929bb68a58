"""Operations on a store's stock and on the rights to it, about no single order.

Rights are cumulative totals within a generation, each written by one side, so a
repeated or re-sequenced operation changes nothing (see `sync.domain.escrow`).
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

RIGHTS = "rights"
"""The aggregate of everything about rights: these operations wait for each other."""
SKUS_PER_OPERATION_MAX = 400
"""So that a line stays far below `LINE_BYTES_MAX`."""


@dataclass(frozen=True, slots=True)
class SkuUnits:
    """A number of units of one SKU."""

    sku: str
    units: int


@dataclass(frozen=True, slots=True)
class RightsGranted:
    """Central may promise these units: totals granted since `generation` began, by SKU."""

    is_request: ClassVar[bool] = False
    generation: int
    granted: tuple[SkuUnits, ...]
    kind: Literal["rights_granted"] = "rights_granted"

    @property
    def aggregate(self) -> str:
        """What it is about."""
        return RIGHTS


@dataclass(frozen=True, slots=True)
class RightsRecalled:
    """A request: give back rights, up to these totals returned since `generation` began."""

    is_request: ClassVar[bool] = True
    generation: int
    wanted: tuple[SkuUnits, ...]
    kind: Literal["rights_recalled"] = "rights_recalled"

    @property
    def aggregate(self) -> str:
        """What it is about."""
        return RIGHTS


@dataclass(frozen=True, slots=True)
class GenerationClosed:
    """All rights of `generation` that central had not used, to our knowledge, are ours again."""

    is_request: ClassVar[bool] = False
    generation: int
    kind: Literal["generation_closed"] = "generation_closed"

    @property
    def aggregate(self) -> str:
        """What it is about."""
        return RIGHTS


@dataclass(frozen=True, slots=True)
class FloorSold:
    """The point of sale sold goods to a walk-in customer; negative units came back to the shelf."""

    is_request: ClassVar[bool] = False
    transaction: str
    """The point of sale's own number: the same number is journaled once."""
    lines: tuple[SkuUnits, ...]
    over: tuple[SkuUnits, ...] = ()
    """Of these, sold beyond the floor rights, as the store knew them at the sale."""
    breaks: str = ""
    """The fulfillment order that an override knowingly broke."""
    sold_at_ms: int = 0
    """When, by the clock of the point of sale; 0: it did not say."""
    kind: Literal["floor_sold"] = "floor_sold"

    @property
    def aggregate(self) -> str:
        """What it is about."""
        return f"sale:{self.transaction}"


StockOperation = RightsGranted | RightsRecalled | GenerationClosed | FloorSold
