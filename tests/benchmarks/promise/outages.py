"""When stores are cut off: the same schedule for every policy."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tests.benchmarks.promise.trace import DAY_S, Shape

CYCLE_S = 30
LENGTHS_S = {"10 min": 600, "1 h": 3_600, "8 h": 28_800, "24 h": 86_400, "72 h": 259_200}
BAD_STORE_SHARE = 0.25
AWAY_SHARE = 0.03
"""A good store is away 3 % of the time, ..."""
AWAY_SHARE_BAD = 0.15
"""... a bad one 15 %, whatever the length: so lengths can be compared with each other."""


@dataclass(frozen=True, slots=True)
class Outages:
    """One store's outages as (last contact, first contact again), in seconds."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def silent_since(self, at_s: int) -> int | None:
        """Return the last contact of a store that is away, None while it is there."""
        place = bisect_right(self.starts, at_s) - 1
        if place < 0 or at_s >= self.ends[place]:
            return None
        return self.starts[place]

    def contact_before(self, at_s: int) -> int:
        """Return the newest contact at or before `at_s`."""
        place = bisect_right(self.starts, at_s) - 1
        beat = at_s - at_s % CYCLE_S
        if place < 0:
            return beat
        if at_s < self.ends[place]:
            return self.starts[place]
        return max(beat, self.ends[place])


def schedule(shape: Shape, length_s: int, seed: int) -> tuple[Outages, ...]:
    """Return each store's outages; the bad stores come first.

    Lengths vary between half and one and a half of `length_s`; the gaps between them are
    exponential, so that nothing tells when the next one comes.
    """
    bad = max(1, round(shape.stores * BAD_STORE_SHARE))
    return tuple(
        _outages(shape, length_s, AWAY_SHARE_BAD if store < bad else AWAY_SHARE,
                 Random(f"outages-{seed}-{length_s}-{store}"))
        for store in range(shape.stores)
    )  # fmt: skip


def _outages(shape: Shape, length_s: int, share: float, random: Random) -> Outages:
    gap_s = length_s * (1 - share) / share
    spans: list[tuple[int, int]] = []
    at = random.expovariate(1 / gap_s)
    end = shape.days * DAY_S
    while at < end:
        start = int(at) - int(at) % CYCLE_S
        until = int(at + length_s * random.uniform(0.5, 1.5))
        spans.append((start, max(until, start + CYCLE_S)))
        at = until + CYCLE_S + random.expovariate(1 / gap_s)
    return Outages(tuple(start for start, _ in spans), tuple(stop for _, stop in spans))


def away_share(outages: Sequence[Outages], from_s: int, to_s: int) -> float:
    """Return which share of the time between two moments the stores are away."""
    away = sum(
        max(0, min(stop, to_s) - max(start, from_s))
        for one in outages
        for start, stop in zip(one.starts, one.ends, strict=True)
    )
    return away / ((to_s - from_s) * len(outages))
