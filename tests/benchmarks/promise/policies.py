"""The ways of keeping stock back that are compared."""

from dataclasses import dataclass
from enum import Enum

from sync.domain.escrow import EscrowPolicy
from sync.domain.sizing import critical_ratio

MINUTE_S = 60
HOUR_S = 3600
PICK_S = HOUR_S
"""An order is picked an hour after its store has heard of it."""
LEASE_S = 2 * HOUR_S
MARGIN_MINOR = 1_000
"""What the online sale of one unit earns. Only its relation to broken promises matters."""
LONG_LEASE_S = 24 * HOUR_S
"""An order may wait unheard for a day, and does no longer: then it is moved."""
BROKEN_TIMES = (1, 3, 10, 20, 50, 100, 1000, 10_000)
"""So many times the margin is what a broken promise costs: the points of the sized curve."""
DEFAULT_TIMES = 20
"""The setting that is compared with each other policy."""


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
    """Units; percent; percent; or how many margins a broken promise costs: by kind."""
    lease_s: int = 0
    """L: so long after the last contact central may promise. Only escrow has one."""
    is_strict: bool = False
    """Whether a floor sale without a right is refused. Else it goes on, and is counted."""

    @property
    def is_escrow(self) -> bool:
        """Whether rights are divided, leased, moved and taken back."""
        return self.kind in {Kind.SHARE, Kind.SIZED}

    @property
    def rules(self) -> EscrowPolicy:
        """Return the times of escrow, as the product counts them."""
        return EscrowPolicy(enabled=True, lease_ms=self.lease_s * 1000, strict=self.is_strict)


def sized(times: int, lease_s: int = LEASE_S, *, is_strict: bool = False) -> Policy:
    """Return sized escrow for promises that cost `times` a sale's margin when broken."""
    lease = f"{lease_s // HOUR_S} h" if lease_s >= HOUR_S else f"{lease_s // MINUTE_S} min"
    name = f"sized {times}:1" + (f", lease {lease}" if lease_s != LEASE_S else "")
    return Policy(name + (", strict" if is_strict else ""), Kind.SIZED, times, lease_s, is_strict)


def ratio(times: float, lost_share: float) -> float:
    """Return the critical ratio where `lost_share` of those who find nothing buy nowhere.

    A unit kept on the floor costs its margin only if the customer who would have had it
    does not buy from another store instead.
    """
    return critical_ratio(round(times * MARGIN_MINOR), max(1, round(lost_share * MARGIN_MINOR)))


DEFAULT = sized(DEFAULT_TIMES)
POLICIES = (
    *(Policy(f"safety stock {units}", Kind.SAFETY, units) for units in (0, 1, 2, 3)),
    *(Policy(f"holdback {percent} %", Kind.HOLDBACK, percent) for percent in (10, 20, 30)),
    Policy("share 20 %, lease 2 min", Kind.SHARE, 20, 2 * MINUTE_S),
    Policy("share 20 %", Kind.SHARE, 20, LEASE_S),
    Policy("share 20 %, lease 24 h", Kind.SHARE, 20, LONG_LEASE_S),
    *(sized(times) for times in BROKEN_TIMES),
    *(sized(times, LONG_LEASE_S) for times in BROKEN_TIMES),
    sized(DEFAULT_TIMES, 2 * MINUTE_S),
    sized(DEFAULT_TIMES, 8 * HOUR_S),
    sized(DEFAULT_TIMES, is_strict=True),
)
CURVE = tuple(sized(times).name for times in BROKEN_TIMES)
LONG_CURVE = tuple(sized(times, LONG_LEASE_S).name for times in BROKEN_TIMES)
CURVES = {"sized": CURVE, "sized, lease 24 h": LONG_CURVE}
