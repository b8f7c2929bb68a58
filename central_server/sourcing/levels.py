"""Levels of availability: a shop hears of a SKU only when it crosses a threshold. Pure."""

from bisect import bisect_right
from collections.abc import Sequence

THRESHOLDS = (1, 2, 5, 10, 25, 50, 100, 250)
"""Units at which something changes for a shop: sold out, last one, few, some, plenty."""


def level_of(units: int, thresholds: Sequence[int] = THRESHOLDS) -> int:
    """Return how many of the ascending `thresholds` are reached: 0 is sold out."""
    return bisect_right(thresholds, units)
