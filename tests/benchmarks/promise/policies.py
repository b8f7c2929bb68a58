"""The ways of keeping stock back that are compared."""

from dataclasses import dataclass
from enum import Enum

ACCEPT_S = 15 * 60
"""A: so long after the lease's end a store may still confirm what was promised from it."""
LEASE_HOT_S = 2 * 60
LEASE_SLOW_S = 8 * 3600
PICK_S = 3600
"""An order is picked an hour after its store has heard of it."""


class Kind(Enum):
    """Who decides what may be promised."""

    SAFETY = "fixed safety stock"
    HOLDBACK = "percent holdback"
    SHARE = "escrow, fixed share"
    SIZED = "escrow, sized"


@dataclass(frozen=True, slots=True)
class Policy:
    """One way of keeping stock back."""

    name: str
    kind: Kind
    amount: float
    """Units, percent, percent, or the critical ratio: by kind."""
    lease_s: int = 0
    """L: so long after the last contact central may promise. Only escrow has one."""
    is_strict: bool = False
    """Whether a floor sale without a right is refused. Else it goes on, and is counted."""

    @property
    def is_escrow(self) -> bool:
        """Whether rights are divided, leased, moved and taken back."""
        return self.kind in {Kind.SHARE, Kind.SIZED}


BROKEN_MINOR = 2_000
MARGIN_MINOR = 200
"""A broken promise is taken to cost ten times what the sale of a unit earns."""


def policies(ratio: float) -> tuple[Policy, ...]:
    """Return all policies, the sized ones with a critical ratio."""
    return (
        *(Policy(f"safety stock {units}", Kind.SAFETY, units) for units in (0, 1, 2, 3)),
        *(Policy(f"holdback {percent} %", Kind.HOLDBACK, percent) for percent in (10, 20, 30)),
        Policy("escrow share 20 %, 2 min", Kind.SHARE, 20, LEASE_HOT_S),
        Policy("escrow share 20 %, 8 h", Kind.SHARE, 20, LEASE_SLOW_S),
        Policy("escrow sized, 2 min", Kind.SIZED, ratio, LEASE_HOT_S),
        Policy("escrow sized", Kind.SIZED, ratio, LEASE_SLOW_S),
        Policy("escrow sized, strict", Kind.SIZED, ratio, LEASE_SLOW_S, is_strict=True),
    )
