"""Learns how often units are found where, from what stores pick and what they do not find.

Each ledger entry of a pick counts once: the last one that was learned from is kept
with the rates, in the same transaction. Entries of the last minutes wait, and what was
written behind them, so that none is skipped that another transaction commits late.
"""

from typing import TYPE_CHECKING

from central_server.sourcing.engine.learning import Picks
from sync.clock import Clock

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.learned import Picked, RateKey
    from central_server.storage.unit import Unit

SETTLED_MS = 5 * 60_000


class FillLearning:
    """Learns; two workers at once learn everything once."""

    def __init__(self, database: "Database", clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def run(self) -> int:
        """Learn from what is new; return how many rates changed."""
        before = self._clock.now_ms() - SETTLED_MS
        changed = 0
        while (more := self._database.write(lambda unit: _learn(unit, before))) is not None:
            changed += more
        return changed


def _learn(unit: "Unit", before_ms: int) -> int | None:
    """Learn from the next entries; return how many rates changed, None where there are none."""
    seen = unit.learned.seen_row()
    picked, last = unit.learned.picked(seen, before_ms)
    if last == seen:
        return None
    rates = unit.learned.rates({key for one in picked for key in _keys(one)})
    for one in sorted(picked, key=lambda one: one.day):
        for key in _keys(one):
            known = rates.get(key, Picks(at_day=one.day))
            rates[key] = known.plus(one.found, one.missed, one.day)
    unit.learned.save_rates(rates, last)
    return len(rates)


def _keys(one: "Picked") -> "tuple[RateKey, RateKey, RateKey]":
    """Return what a pick says something about: the category, the store's, the store's SKU."""
    return (
        ("", one.category, ""),
        (one.location_id, one.category, ""),
        (one.location_id, one.category, one.sku),
    )
