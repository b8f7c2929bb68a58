"""Stock at one location: signed effects, positions, and what may be promised from them."""

from dataclasses import dataclass, replace
from enum import StrEnum


class StockReason(StrEnum):
    """Why stock moved. Every ledger entry carries one."""

    OPENING = "opening"
    IMPORT = "import"
    ALLOCATED = "allocated"
    HANDED_OVER = "handed_over"
    SHORT_PICKED = "short_picked"
    RELEASED = "released"
    FLOOR_SOLD = "floor_sold"


@dataclass(frozen=True, slots=True)
class StockEffect:
    """A signed movement of one SKU at one location, in units."""

    sku: str
    on_hand: int
    allocated: int
    reason: StockReason


@dataclass(frozen=True, slots=True)
class StockPosition:
    """One SKU at one location, in units.

    `floor` are the rights that only the store spends (walk-in customers), so
    that what central promises online never needs the store's answer.
    """

    location_id: str
    sku: str
    on_hand: int = 0
    allocated: int = 0
    floor: int = 0
    safety_stock: int = 0
    is_shared: bool = False
    """Whether central promises from rights that the store granted (see `sync.domain.escrow`)."""
    held_back: int = 0
    """Of these rights, what central leaves alone as the store is silent (`sync.domain.silence`)."""

    def applied(self, effect: StockEffect) -> "StockPosition":
        """Return the position after `effect`. It may go negative: facts are never refused."""
        return replace(
            self,
            on_hand=self.on_hand + effect.on_hand,
            allocated=self.allocated + effect.allocated,
        )


@dataclass(frozen=True, slots=True)
class AvailableToPromise:
    """ATP of one position with the terms that it is made of: they add up to `raw`."""

    on_hand: int
    allocated: int
    floor: int
    safety_stock: int
    held_back: int = 0

    @property
    def raw(self) -> int:
        """Return on hand less all other terms; negative when over-promised."""
        kept = self.floor + self.safety_stock + self.held_back
        return self.on_hand - self.allocated - kept

    @property
    def quantity(self) -> int:
        """What may be promised: `raw`, but never below zero."""
        return max(0, self.raw)


def available_to_promise(position: StockPosition) -> AvailableToPromise:
    """Return what central may promise online from `position`, with its terms."""
    return AvailableToPromise(
        position.on_hand, position.allocated, position.floor, position.safety_stock,
        position.held_back,
    )  # fmt: skip
