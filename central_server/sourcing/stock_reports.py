"""Stock that is told by files (of a center, a vendor, a store without a machine of ours). Pure.

A file is usual as long as the longest of the gaps between the last ones; from then on, when the
next one was due, its location is silent, and the rules of silence reckon from there. Nobody knows
what is usual before two files came: until then such a location is never silent.
"""

from dataclasses import dataclass

GAPS_MAX = 7
"""How many gaps are remembered: of daily files a week, weekends and days off included."""
SAME_MS = 60 * 60_000
"""Rows of one file that come within so much of each other are one report."""


@dataclass(frozen=True, slots=True)
class StockReport:
    """When a location's stock was told last."""

    location_id: str
    at_ms: int
    source: str
    """Which file told it."""
    gaps: tuple[int, ...] = ()
    """How far the last ones were apart (ms), the newest last."""

    @property
    def due_ms(self) -> int | None:
        """When the next one is due; None: nobody knows yet."""
        return self.at_ms + max(self.gaps) if self.gaps else None

    def then(self, source: str, now_ms: int) -> "StockReport":
        """Return what is known after another one, or after more rows of the same."""
        gap = now_ms - self.at_ms
        if (source == self.source and gap < SAME_MS) or gap <= 0:
            return StockReport(self.location_id, max(now_ms, self.at_ms), source, self.gaps)
        return StockReport(self.location_id, now_ms, source, (*self.gaps, gap)[-GAPS_MAX:])
