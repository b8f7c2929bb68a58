"""Escrow: who may promise which unit, so that neither side has to ask the other.

Per SKU and store, with `book` units on hand: `floor` rights are spent only by
the store, `online` rights only by central, `accepted` are promises made. The
invariant at every grant is  floor + online + accepted <= book  (O'Neil's escrow
with two holders; Balegas et al., bounded counters, arXiv 1503.09052).

Counters are cumulative with one writer each and merge by maximum: a repeated,
late or reordered message changes nothing.
"""

from dataclasses import dataclass, replace

from sync.domain.errors import InvariantViolated
from sync.domain.inventory import StockPosition


@dataclass(frozen=True, slots=True)
class EscrowCounters:
    """What a store says about one SKU: totals since `generation` began, in units."""

    sku: str
    generation: int
    granted: int
    """Online rights given to central."""
    sold: int
    """Floor units sold."""
    over: int
    """Of these, sold beyond the floor rights: each names an order that it breaks."""

    def merged(self, other: "EscrowCounters") -> "EscrowCounters":
        """Return the newer generation's counters, or within one the maximum of each."""
        if self.generation != other.generation:
            return max(self, other, key=lambda counters: counters.generation)
        return replace(
            self,
            granted=max(self.granted, other.granted),
            sold=max(self.sold, other.sold),
            over=max(self.over, other.over),
        )


@dataclass(frozen=True, slots=True)
class EscrowShare:
    """How the units of one position are divided now."""

    book: int
    floor: int
    online: int
    accepted: int

    def check(self) -> None:
        """Raise `InvariantViolated` unless every right stands on a unit of its own."""
        if min(self.floor, self.online, self.accepted) < 0:
            raise InvariantViolated(f"negative share in {self}")
        if self.floor + self.online + self.accepted > max(self.book, 0):
            raise InvariantViolated(f"more rights than units in {self}")


def fixed_floor(on_hand: int, floor_percent: int) -> int:
    """Return the floor rights of a fixed share: `floor_percent` of the book, rounded up."""
    return max(0, -(-on_hand * floor_percent // 100))


def share_of(position: StockPosition) -> EscrowShare:
    """Return how `position` is divided: accepted promises first, then floor, the rest online."""
    book = max(0, position.on_hand)
    accepted = min(max(0, position.allocated), book)
    floor = min(max(0, position.floor), book - accepted)
    return EscrowShare(book, floor, book - accepted - floor, accepted)
