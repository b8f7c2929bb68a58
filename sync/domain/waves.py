"""Waves: orders that one person picks on one walk, whatever their flow. Values only.

A wave is what its orders say of it: there is no record of its own that could
disagree with them.
"""

from dataclasses import dataclass
from enum import StrEnum

from sync.domain.evolve import evolver


class PickMode(StrEnum):
    """When the units of a wave come to their orders."""

    SORT_WHILE_PICK = "sort_while_pick"
    """Each unit goes into its order's tote as it is picked."""
    SORT_AFTER_PICK = "sort_after_pick"
    """The sum is picked first; then each unit is scanned into its order's tote."""


@dataclass(frozen=True, slots=True)
class PickWave:
    """The place of one order in a wave."""

    name: str
    picker: str
    """Who picks it."""
    tote: int = 0
    """The tote of this order; numbers stay when another order leaves the wave."""
    mode: PickMode = PickMode.SORT_WHILE_PICK
    in_tote: tuple[tuple[int, int], ...] = ()
    """(line, units) that were sorted into the tote; only where the sum is picked first."""

    def sorted_units(self, line: int) -> int:
        """Return how many units of a line were sorted into the tote."""
        return next((units for number, units in self.in_tote if number == line), 0)


evolve_wave = evolver(PickWave)
"""(wave, **changes) -> a copy with these fields changed."""
