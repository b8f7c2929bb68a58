"""Levels of availability: a shop hears of a SKU only when it crosses a threshold. Pure."""

from bisect import bisect_right
from collections.abc import Sequence


def level_of(units: int, thresholds: Sequence[int]) -> int:
    """Return how many of the ascending `thresholds` are reached: 0 is sold out."""
    return bisect_right(thresholds, units)
