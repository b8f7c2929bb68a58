"""The probability that a store finds a unit it has on record, learned from its picks.

A Beta posterior, the category first and the store second: record errors differ ten
times more between categories than between stores (DeHoratius and Raman 2008: 26.4 %
against 2.7 % of the variance), so what a category showed anywhere is the prior of each
store. Old picks fade with a half-life.
"""

from dataclasses import dataclass

HALF_LIFE_DAYS = 60.0
PRIOR_FOUND, PRIOR_MISSED = 19.0, 1.0
"""Before anything is known: 95 %, worth twenty picks."""
CATEGORY_WEIGHT_MAX = 50.0
"""A category counts as at most so many picks of each store."""
SKU_PRIOR = 10.0
"""A store's category counts as so many picks of each of its SKUs."""


@dataclass(frozen=True, slots=True)
class Picks:
    """Units found and missed, faded to `at_day`."""

    found: float = 0.0
    missed: float = 0.0
    at_day: float = 0.0

    def plus(self, found: int, missed: int, day: float) -> "Picks":
        """Return the picks with those of `day` added, older ones faded."""
        at_day = max(day, self.at_day)
        kept = 0.5 ** ((at_day - self.at_day) / HALF_LIFE_DAYS)
        new = 0.5 ** ((at_day - day) / HALF_LIFE_DAYS)
        return Picks(self.found * kept + found * new, self.missed * kept + missed * new, at_day)

    @property
    def count(self) -> float:
        """How many picks they are worth."""
        return self.found + self.missed


def fill_probability(category: Picks, store: Picks) -> float:
    """Return the posterior mean for a store's SKUs of a category.

    Beta(a + found, b + missed): a and b are the category's picks everywhere, at most
    `CATEGORY_WEIGHT_MAX` of them, on top of the general prior.
    """
    found, missed = PRIOR_FOUND + category.found, PRIOR_MISSED + category.missed
    shrink = min(1.0, CATEGORY_WEIGHT_MAX / (found + missed))
    found, missed = found * shrink + store.found, missed * shrink + store.missed
    return found / (found + missed)


def fill_probability_of(category: Picks, store: Picks, sku: Picks) -> float:
    """Return the posterior mean for one SKU at a store.

    What the store's category showed is the prior, worth `SKU_PRIOR` picks; with a SKU's own
    picks the mean moves to what these say.
    """
    mean = fill_probability(category, store)
    return (mean * SKU_PRIOR + sku.found) / (SKU_PRIOR + sku.count)
