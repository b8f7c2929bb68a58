"""What a store's days with sales say: since when its tills are connected.

Days are numbers, one more for the next, in the store's own calendar. A store that sells is
open nearly every day; one whose tills are not connected may still tell a sale by hand now
and then, and that says nothing of what it sells.
"""

from collections.abc import Collection
from itertools import pairwise

LOOKED_AT_DAYS = 28
"""As many as the half-life of sales: what was before says little of now."""
WITH_SALES_MIN = 10
"""Two weeks of a store that is open on five days; the category's rate helps with less for a SKU."""
WITH_SALES_STILL = 5
"""Fewer for a store that is known for connected: floors do not come and go with single sales."""
PAUSE_DAYS = 14
"""So many days without a sale are taken for tills that were not connected."""


def connected_since(days: Collection[int], today: int, *, is_known: bool = False) -> int | None:
    """Return the first of the `days` with sales that count; None where too few are known.

    What was sold before a pause counts no more: the days of the pause would count as
    days on which nothing was sold. `is_known`: the store was taken for connected until now.
    """
    newest_first = sorted(days, reverse=True)
    first = newest_first[-1] if newest_first else today
    for later, earlier in pairwise(newest_first):
        if later - earlier > PAUSE_DAYS:
            first = later
            break
    found = sum(day >= first and day > today - LOOKED_AT_DAYS for day in days)
    return first if found >= (WITH_SALES_STILL if is_known else WITH_SALES_MIN) else None
