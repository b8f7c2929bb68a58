"""How many units are sold in a time: Poisson, or wider where customers take several.

N has a mean and a dispersion (variance over mean). With 1 it is Poisson, above it
negative binomial; both obey one recurrence:

    P(n + 1) / P(n) = (mean + n (dispersion - 1)) / (dispersion (n + 1))

Owned here: exact sums for means of 0 to 10,000. Not here: what they decide (`sizing`).
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import exp, isfinite, log

MEAN_MAX = 10_000.0
"""The largest mean that is computed; more expected sales than that are cut to it."""
DISPERSION_MAX = 100.0
NEGLIGIBLE = 1e-19
STEP_BY_STEP_MEAN_MAX = 50.0
"""Up to this mean sums start at n = 0; P(0) is far from underflow there."""
_POISSON = 1e-9


@dataclass(frozen=True, slots=True)
class Units:
    """The distribution of N for one mean: weights from `first` on, negligible ones left out."""

    mean: float
    first: int
    weights: tuple[float, ...]
    cumulative: tuple[float, ...]

    def cdf(self, units: int) -> float:
        """Return P(N <= units)."""
        place = units - self.first
        if place < 0:
            return 0.0
        last = len(self.cumulative) - 1
        return self.cumulative[min(last, place)] / self.cumulative[last]

    def quantile(self, probability: float) -> int:
        """Return the least n with P(N <= n) >= probability."""
        last = len(self.cumulative) - 1
        place = bisect_left(self.cumulative, probability * self.cumulative[last])
        return self.first + min(last, place)

    def shortfall(self, units: int) -> float:
        """Return E[(N - units)+], summed on the side where nothing cancels."""
        numbered = enumerate(self.weights, self.first)
        if units <= self.mean:
            below = sum((units - n) * weight for n, weight in numbered if n < units)
            return self.mean - units + below / self.cumulative[-1]
        above = sum((n - units) * weight for n, weight in numbered if n > units)
        return above / self.cumulative[-1]


@lru_cache(maxsize=8192)
def units_of(mean: float, dispersion: float = 1.0) -> Units:
    """Return the distribution of a mean, by recurrence from its mode in both directions.

        P(n + 1) / P(n) = (mean + n (dispersion - 1)) / (dispersion (n + 1))

    The weight of the mode is set to 1 and the sum divides at the end, so that neither
    exp(-mean) nor a factorial is ever formed: no mean is too large or too small.
    """
    spread = dispersion - 1.0
    mode = max(0, int(mean - spread))
    down: list[float] = []
    weight, n = 1.0, mode
    while n > 0 and weight > NEGLIGIBLE:
        n -= 1
        weight *= dispersion * (n + 1) / (mean + n * spread)
        down.append(weight)
    up: list[float] = []
    weight, n = 1.0, mode
    while weight > NEGLIGIBLE:
        weight *= (mean + n * spread) / (dispersion * (n + 1))
        n += 1
        up.append(weight)
    weights = (*reversed(down), 1.0, *up)
    return Units(mean, mode - len(down), weights, tuple(accumulate(weights)))


def expected_shortfall(mean: float, units: int, dispersion: float = 1.0) -> float:
    """Return E[(N - units)+]: the units asked for beyond `units`."""
    return units_of(checked_mean(mean), checked_dispersion(dispersion)).shortfall(units)


def none(mean: float, dispersion: float) -> float:
    """Return P(N = 0)."""
    spread = dispersion - 1.0
    return exp(-mean) if spread < _POISSON else exp(-mean * log(dispersion) / spread)


def mixed_step_by_step(
    parts: Sequence[tuple[float, float]], dispersion: float, probability: float
) -> int:
    """Add P(N = 0), P(N = 1) ... of all parts until it suffices: most floors are small."""
    means = [mean for mean, _ in parts]
    masses = [share * none(mean, dispersion) for mean, share in parts]
    reached, step, units = sum(masses), 1.0, 0
    while reached < probability and (step > NEGLIGIBLE or units < STEP_BY_STEP_MEAN_MAX):
        widening, divisor = units * (dispersion - 1.0), dispersion * (units + 1)
        masses = [mass * (mean + widening) / divisor
                  for mass, mean in zip(masses, means, strict=True)]  # fmt: skip
        step = sum(masses)
        reached += step
        units += 1
    return units


def mixed_by_halving(parts: Sequence[tuple[Units, float]], probability: float) -> int:
    """Find the same between the parts' own quantiles: for floors too large to count up to."""
    low = min(one.quantile(probability) for one, _ in parts)
    high = max(one.quantile(probability) for one, _ in parts)
    while low < high:
        middle = (low + high) // 2
        if sum(share * one.cdf(middle) for one, share in parts) >= probability:
            high = middle
        else:
            low = middle + 1
    return low


def checked_mean(mean: float) -> float:
    """Return a mean, cut to the largest; raises `ValueError` where it is none."""
    if not isfinite(mean) or mean < 0:
        raise ValueError(f"no mean: {mean}")
    return min(mean, MEAN_MAX)


def checked_dispersion(dispersion: float) -> float:
    """Return a dispersion; raises `ValueError` below 1: nothing here is steadier than Poisson."""
    if not 1.0 <= dispersion <= DISPERSION_MAX:
        raise ValueError(f"no dispersion between 1 and {DISPERSION_MAX:g}: {dispersion}")
    return dispersion


def checked_probability(probability: float) -> float:
    """Return a probability; raises `ValueError` at 1: no floor makes it certain."""
    if not 0 <= probability < 1:
        raise ValueError(f"no probability below 1: {probability}")
    return probability
