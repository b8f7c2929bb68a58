"""What central holds back of a store's online rights while the store is silent. Pure.

A store that does not answer goes on selling, and central does not hear of it. With s
the silence (now minus the newest of central's times that the store has seen), O the
online rights, B the book and R the promises as central knows them, F = B - R - O:

    wanted(s) = min{ f : P(N(rate x H) <= f) >= ratio }     H: how long the whole outage and
                                                            the pick take, given that it has
                                                            lasted s (`sizing.hours_when_silent`)
    held back = min(O, max(0, wanted(s) - F))               none while s <= `USUAL_MS`

Central promises from O - held back. Rights do not move by it: the store grants and takes
back as ever, and with the next contact nothing is held back. `wanted` is looked at in
`moments`, each half as long again as the one before, s rounded up to the next: it never
asks for less than the formula, and never for less the longer the silence lasts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from sync.domain.sizing import (
    ALL_DAY,
    HourProfile,
    OutageHistory,
    floor_units_over,
    hours_when_silent,
    rounded_up,
)

HOUR_MS = 3_600_000
USUAL_MS = 5 * 60_000
"""A store that polls twice a minute and was not heard for so long is cut off."""
PICK_HOURS = 2.0
"""How long a promise that the store knows lies on the shelf before it is picked."""
_GROWTH = 1.5
_READ_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True)
class FloorBySilence:
    """The floor that a SKU of a silent store needs: steps (silent for longer than ms, units)."""

    steps: tuple[tuple[int, int], ...] = ()
    """Both rising; nothing is needed before the first."""

    def wanted(self, silent_ms: int) -> int:
        """Return the units that the store should have for its floor by now."""
        reached = (units for from_ms, units in self.steps if silent_ms > from_ms)
        return max(reached, default=0)

    @property
    def text(self) -> str:
        """The steps as central's books keep them: `300000:2 450000:3`."""
        return " ".join(f"{from_ms}:{units}" for from_ms, units in self.steps)

    @classmethod
    def of(cls, text: str) -> "FloorBySilence":
        """Return the steps that `text` has kept."""
        return _read(text)


@lru_cache(maxsize=_READ_AT_ONCE)
def _read(text: str) -> FloorBySilence:
    pairs = (part.split(":") for part in text.split())
    return FloorBySilence(tuple((int(from_ms), int(units)) for from_ms, units in pairs))


def held_back(online: int, floor: int, wanted: int) -> int:
    """Return how many of `online` rights central leaves alone (the second formula above)."""
    return min(online, max(0, wanted - floor))


def moments(lease_ms: int) -> list[int]:
    """Return the silences at which more may be held back, in ms: up to the lease's end."""
    found = [USUAL_MS]
    while found[-1] < lease_ms:
        found.append(min(lease_ms, int(found[-1] * _GROWTH)))
    return found


def floors_when_silent(
    history: OutageHistory,
    skus: Iterable[tuple[str, float, float]],
    ratio: float,
    lease_ms: int,
    pick_hours: float = PICK_HOURS,
    day: HourProfile = ALL_DAY,
) -> dict[str, FloorBySilence]:
    """Return what each of `skus` (SKU, units per hour, dispersion) of one store needs.

    `day` begins with the hour at which the store fell silent (`HourProfile.from_opening`).
    Rates and dispersions are rounded up to three digits, so most SKUs share an answer.
    """
    spans = [
        (before, hours_when_silent(history, after / HOUR_MS, pick_hours, profile=day))
        for before, after in pairwise(moments(lease_ms))
    ]
    known: dict[tuple[float, float], FloorBySilence] = {}
    found: dict[str, FloorBySilence] = {}
    for sku, rate, dispersion in skus:
        key = (rounded_up(rate), rounded_up(dispersion))
        if key not in known:
            floors = [(start, floor_units_over(key[0], span, ratio, key[1]))
                      for start, span in spans]  # fmt: skip
            known[key] = FloorBySilence(_rising(floors))
        found[sku] = known[key]
    return found


def _rising(floors: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return only the steps that ask for more than the one before."""
    steps: list[tuple[int, int]] = []
    for from_ms, units in floors:
        if units > (steps[-1][1] if steps else 0):
            steps.append((from_ms, units))
    return tuple(steps)
