"""What follows when a store gives up what it should send: one table by reason.

The ledger's part is in `transitions.stock_effects`; here stands what else follows,
so that the terminal can say it before anybody confirms, and central does just that.
"""

from dataclasses import dataclass
from enum import StrEnum

from sync.domain.fulfillment import SHRINKING_REASONS, ShortReason

HOUR_MS = 3_600_000


class PauseScope(StrEnum):
    """For what a store is not asked again for a while."""

    THIS_ORDER = "this_order"
    THESE_GOODS = "these_goods"


@dataclass(frozen=True, slots=True)
class RejectEffect:
    """What one reason leads to, beside another store being looked for."""

    leaves_book: bool
    """Whether the units that were not in hand leave the book stock."""
    count_due: bool
    """Whether somebody has to count what the store has of these goods."""
    pause: PauseScope
    pause_ms: int
    """How long central does not ask this store again, from when it hears of it."""


def _effect(reason: ShortReason, pause: PauseScope, hours: int) -> RejectEffect:
    return RejectEffect(
        reason in SHRINKING_REASONS, reason is ShortReason.NOT_FOUND, pause, hours * HOUR_MS
    )


REJECT_EFFECTS: dict[ShortReason, RejectEffect] = {
    ShortReason.NOT_FOUND: _effect(ShortReason.NOT_FOUND, PauseScope.THESE_GOODS, 24),
    ShortReason.DAMAGED: _effect(ShortReason.DAMAGED, PauseScope.THIS_ORDER, 24),
    ShortReason.DISPLAY_ONLY: _effect(ShortReason.DISPLAY_ONLY, PauseScope.THESE_GOODS, 7 * 24),
    ShortReason.STORE_BUSY: _effect(ShortReason.STORE_BUSY, PauseScope.THIS_ORDER, 4),
    ShortReason.SOLD_ON_FLOOR: _effect(ShortReason.SOLD_ON_FLOOR, PauseScope.THIS_ORDER, 24),
    ShortReason.PROMISE_LAPSED: _effect(ShortReason.PROMISE_LAPSED, PauseScope.THIS_ORDER, 4),
}
"""The one table. A reason without a row is an error of the table, and a test says so."""
