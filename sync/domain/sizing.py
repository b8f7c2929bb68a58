"""How much floor to keep: how many units a store may need while nobody can ask it.

All functions are pure. Times are hours, rates are units per hour, probabilities
lie between 0 and 1; `mean` is always rate x hours that count (see `HourProfile`).
Units sold in a time N are Poisson where customers take one each (`dispersion` 1).
Where they take several, N is negative binomial with variance = dispersion x mean,
dispersion = E[q^2] / E[q] over the quantities q of single sales (a compound Poisson).

    floor(D) = min{ f : P(N(rate x D) <= f) >= ratio }       the newsvendor's floor
    ratio = underage / (underage + overage)                  its critical ratio
    E[(N-f)+] = sum over n > f of (n - f) P(N = n)           units of promises that break

Sources: the newsvendor with a critical ratio is Arrow, Harris and Marschak (1951);
dividing units between two holders is O'Neil's escrow (1986) and the bounded
counter (Balegas et al., arXiv 1503.09052). `sync/ESCROW.md` measures what it is worth.

Owned here: the numbers. Not here: who holds which right (`sync.domain.escrow`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, exp, floor, log, log10

from sync.domain.distribution import (
    DISPERSION_MAX,
    STEP_BY_STEP_MEAN_MAX,
    checked_dispersion,
    checked_mean,
    checked_probability,
    mixed_by_halving,
    mixed_step_by_step,
    units_of,
)

_DIGITS = 3
_NOISE = 1e-9
HOURS_PER_DAY = 24

# What is assumed before anything is known. All are parameters of the functions below.
HALF_LIFE_DAYS = 28.0
"""After so many days a day's sales count half: four weeks see a season change in time."""
PRIOR_HOURS = 72.0
"""The category's rate counts like so many hours (three days) of the SKU's own."""
PRIOR_DISPERSION = 1.3
"""Variance over mean of floor sales without any history: some customers take two."""
PRIOR_DISPERSION_UNITS = 20.0
"""It counts like so many units sold."""
OUTAGE_HALF_LIFE_DAYS = 90.0
"""Outages are rare: a store's own count half after a quarter."""
PRIOR_OUTAGES = 2.0
"""The prior counts like so many outages of the store's own."""
PRIOR_HOURS_BETWEEN_OUTAGES = 336.0
"""Without any history a store is taken to be cut off once in two weeks."""
PRIOR_LENGTHS = ((1 / 6, 0.50), (1.0, 0.30), (8.0, 0.15), (24.0, 0.04), (72.0, 0.01))
"""Outage lengths (hours, share) before a store has its own: an assumption, stated as such."""
OPEN_HOURS_MIN = 8
"""Sales that all have the hour at which a till tells them say nothing of opening hours."""
CLAIM_DAYS_MAX = 45
"""A sale that claims to be older than what a store keeps of its work has no time of its own."""
_DAY_MS = 86_400_000


def sold_when_ms(claims_ms: Sequence[int], heard_ms: int) -> int:
    """Return when a sale counts as sold, in ms: the first of the claims that can be true.

    Claims are by clocks that may be wrong, the till's before its machine's; 0 is none.
    One from the future, or from more than `CLAIM_DAYS_MAX` before central heard of the
    sale, cannot be true; without any the sale counts when it was heard of.
    """
    oldest_ms = max(1, heard_ms - CLAIM_DAYS_MAX * _DAY_MS)
    return next((claim for claim in claims_ms if oldest_ms <= claim <= heard_ms), heard_ms)


def critical_ratio(underage_minor: int, overage_minor: int) -> float:
    """Return underage / (underage + overage), both in the currency's minor unit.

    Underage is what one broken promise costs (apology, refund, the customer's next
    order); overage is what one unit costs that is kept on the floor and not sold
    online: its margin, times the chance that somebody would have bought it.
    """
    if underage_minor < 0 or overage_minor < 0 or underage_minor + overage_minor == 0:
        raise ValueError(f"no ratio of {underage_minor} to {overage_minor}")
    return underage_minor / (underage_minor + overage_minor)


def floor_units(
    rate_per_hour: float, outage_hours: float, ratio: float, dispersion: float = 1.0
) -> int:
    """Return the floor that an outage of known length needs (the first formula above).

    Mean and dispersion are rounded up to three digits, so that thousands of SKUs share
    a few hundred answers; this never keeps less.
    """
    mean = rounded_up(checked_mean(rate_per_hour * outage_hours))
    spread = rounded_up(checked_dispersion(dispersion))
    return _quantile(mean, spread, checked_probability(ratio))


@lru_cache(maxsize=65_536)
def _quantile(mean: float, dispersion: float, probability: float) -> int:
    if mean <= STEP_BY_STEP_MEAN_MAX:
        return mixed_step_by_step([(mean, 1.0)], dispersion, probability)
    return units_of(mean, dispersion).quantile(probability)


def floor_units_over(
    rate_per_hour: float, hours: "Mixture", ratio: float, dispersion: float = 1.0
) -> int:
    """Return the floor for an outage of uncertain length: the quantile of the mixture.

    min{ f : sum over i of share_i x P(N(rate x hours_i) <= f) >= ratio }
    """
    probability = checked_probability(ratio)
    spread = rounded_up(checked_dispersion(dispersion))
    parts = [(checked_mean(rate_per_hour * hour), share) for hour, share in hours.parts]
    if max(parts)[0] <= STEP_BY_STEP_MEAN_MAX:
        return mixed_step_by_step(parts, spread, probability)
    return mixed_by_halving([(units_of(mean, spread), share) for mean, share in parts], probability)


@dataclass(frozen=True, slots=True)
class Mixture:
    """How long it may take, in hours that count: (hours, share), shares adding up to 1."""

    parts: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, parts: Iterable[tuple[float, float]]) -> "Mixture":
        """Return a mixture of parts with any positive weights."""
        kept = [(hours, weight) for hours, weight in parts if weight > 0]
        total = sum(weight for _, weight in kept)
        if not kept or min(hours for hours, _ in kept) < 0:
            raise ValueError("a mixture needs a part with a weight, and no negative hours")
        return cls(tuple((hours, weight / total) for hours, weight in kept))

    def mean(self) -> float:
        """Return the expected hours."""
        return sum(hours * share for hours, share in self.parts)


@dataclass(frozen=True, slots=True)
class HourProfile:
    """What an hour of the day counts: 1 where the rate holds as it is, 0 while closed.

    With a rate per hour of the whole day, give weights with a mean of 1; with a rate
    per open hour, give 1 for open hours and 0 for the others.
    """

    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.weights) != HOURS_PER_DAY or min(self.weights) < 0:
            raise ValueError("a profile has 24 weights, none of them negative")

    @classmethod
    def from_opening(cls, sales_by_hour: Sequence[int]) -> "HourProfile":
        """Return the day of a store, begun at its opening: its open hours first, all alike.

            b = 24 x sum of n (n - 1) / (N (N - 1))     n sales in an hour of the day, N in all

        is what the hour of a sale counts on the mean: 2 where all is sold evenly in twelve
        hours. 24 / b hours count b each. (n - 1, as few sales fall into few hours by chance.)
        For floors that stand at any hour, as nobody knows when a store will fall silent.
        """
        total = sum(sales_by_hour)
        pairs = sum(sales * (sales - 1) for sales in sales_by_hour)
        alike = HOURS_PER_DAY * pairs / (total * (total - 1)) if total > 1 else 1.0
        busy = round(min(max(alike, 1.0), HOURS_PER_DAY / OPEN_HOURS_MIN), 1)
        open_hours = HOURS_PER_DAY / busy
        hours = range(HOURS_PER_DAY)
        return cls(tuple(busy * min(1.0, max(0.0, open_hours - hour)) for hour in hours))

    def hours_that_count(self, start_hour: float, hours: float) -> float:
        """Return the integral of the weights over `hours` from `start_hour` of the day."""
        return self._until(start_hour + hours) - self._until(start_hour)

    def _until(self, hour: float) -> float:
        days, rest = divmod(hour, HOURS_PER_DAY)
        whole = int(rest)
        day = sum(self.weights) * days
        return day + sum(self.weights[:whole]) + self.weights[whole] * (rest - whole)


ALL_DAY = HourProfile((1.0,) * HOURS_PER_DAY)


@dataclass(frozen=True, slots=True)
class Velocity:
    """Floor sales of one SKU at one store, as remembered: a gamma posterior, fading.

    rate = (units + prior_rate x prior_hours) / (hours + prior_hours), where units and
    hours of a day ago count 2^(-1/half-life) of today's. With much history this is an
    exponentially weighted mean, with little it is the category's rate.
    """

    units: float = 0.0
    hours: float = 0.0

    def after(
        self, units: int, hours: float = HOURS_PER_DAY, half_life_days: float = HALF_LIFE_DAYS
    ) -> "Velocity":
        """Return what is remembered after one more day with `units` sold in `hours` on sale.

        Hours without stock are no evidence: leave them out of `hours`.
        """
        keep = 0.5 ** (1.0 / half_life_days)
        return Velocity(self.units * keep + units, self.hours * keep + hours)

    def rate_per_hour(self, prior_rate: float, prior_hours: float = PRIOR_HOURS) -> float:
        """Return the expected units per hour, shrunk towards the category's rate."""
        weight = self.hours + prior_hours
        return (self.units + prior_rate * prior_hours) / weight if weight > 0 else prior_rate


@dataclass(frozen=True, slots=True)
class SaleSizes:
    """How many units one customer takes of a SKU: sums over single sales, any store."""

    units: float = 0.0
    squares: float = 0.0

    def after(self, quantities: Iterable[int]) -> "SaleSizes":
        """Return the sums after more sales."""
        units, squares = self.units, self.squares
        for quantity in quantities:
            units += quantity
            squares += quantity * quantity
        return SaleSizes(units, squares)

    def dispersion(
        self, prior: float = PRIOR_DISPERSION, prior_units: float = PRIOR_DISPERSION_UNITS
    ) -> float:
        """Return E[q^2] / E[q], shrunk towards the prior; 1 where everybody takes one."""
        weight = self.units + prior_units
        found = (self.squares + prior * prior_units) / weight if weight > 0 else prior
        return min(DISPERSION_MAX, max(1.0, found))


@dataclass(frozen=True, slots=True)
class OutageHistory:
    """How often and how long one store was cut off: own outages, fading, with a prior.

    `lengths` is a histogram (hours, weight) on a grid of steps of a quarter, rounded
    up, so that its size is bounded whatever happens.
    """

    lengths: tuple[tuple[float, float], ...] = ()
    count: float = 0.0
    hours: float = 0.0

    def after(
        self,
        gaps_hours: Iterable[float],
        observed_hours: float = HOURS_PER_DAY,
        half_life_days: float = OUTAGE_HALF_LIFE_DAYS,
    ) -> "OutageHistory":
        """Return the history after `observed_hours` more, with the outages that ended in them."""
        keep = 0.5 ** (observed_hours / HOURS_PER_DAY / half_life_days)
        lengths = {hours: weight * keep for hours, weight in self.lengths}
        count = self.count * keep
        for gap in gaps_hours:
            lengths[_on_grid(gap)] = lengths.get(_on_grid(gap), 0.0) + 1.0
            count += 1.0
        return OutageHistory(
            tuple(sorted(lengths.items())), count, self.hours * keep + observed_hours
        )

    @classmethod
    def of(
        cls,
        gaps: Iterable[tuple[float, float]],
        observed_hours: float,
        half_life_days: float = OUTAGE_HALF_LIFE_DAYS,
    ) -> "OutageHistory":
        """Return the history of outages (hours, age in hours) in the last `observed_hours`.

        Each counts by its own age, and so does each hour in which there might have been one.
        """
        half_life = half_life_days * HOURS_PER_DAY
        lengths: dict[float, float] = {}
        for hours, age in gaps:
            weight = 0.5 ** (max(0.0, age) / half_life)
            lengths[_on_grid(hours)] = lengths.get(_on_grid(hours), 0.0) + weight
        counted = half_life / log(2) * (1.0 - 0.5 ** (observed_hours / half_life))
        return cls(tuple(sorted(lengths.items())), sum(lengths.values()), counted)

    def outages_per_hour(
        self, prior_hours_between: float = PRIOR_HOURS_BETWEEN_OUTAGES, weight: float = 1.0
    ) -> float:
        """Return the expected outages per hour: (own + prior) / (hours + prior hours)."""
        return (self.count + weight) / (self.hours + weight * prior_hours_between)

    def length_hours(
        self,
        prior: Sequence[tuple[float, float]] = PRIOR_LENGTHS,
        prior_outages: float = PRIOR_OUTAGES,
    ) -> Mixture:
        """Return how long an outage of this store lasts."""
        shares = Mixture.of(prior).parts
        return Mixture.of([*self.lengths, *((hours, prior_outages * w) for hours, w in shares)])


def whole_length_hours(lengths: Mixture, silent_hours: float) -> Mixture:
    """Return how long an outage will have lasted that has lasted `silent_hours` already.

    Where no length known is longer, it is expected to last as long again.
    """
    longer = [(hours, share) for hours, share in lengths.parts if hours > silent_hours]
    return Mixture.of(longer or [(2 * silent_hours, 1.0)])


def hours_when_silent(
    history: OutageHistory,
    silent_hours: float,
    pick_hours: float,
    hour_of_contact: float = 0.0,
    profile: HourProfile = ALL_DAY,
) -> Mixture:
    """Return how long floor sales can take the unit of a promise made to a silent store.

    Counted from the last contact, in hours that count: the whole outage, given that it
    has lasted `silent_hours` already, and the picking after it. Central cannot shorten
    it, only promise less: so the floor that it leaves grows with the silence.
    """
    whole = whole_length_hours(history.length_hours(), silent_hours)
    return Mixture.of(
        (profile.hours_that_count(hour_of_contact, hours + pick_hours), share)
        for hours, share in whole.parts
    )


def hours_until_reclaim(
    history: OutageHistory,
    pick_hours: float,
    reclaim_hours: float,
    hour_of_contact: float = 0.0,
    profile: HourProfile = ALL_DAY,
) -> Mixture:
    """Return how long a store in contact may have to live on its floor alone.

    Without an outage until the next pick (chance exp(-outages per hour x pick_hours)) as
    long as a pick takes; else as long as the outage lasts, but never longer than until
    the store takes back what was not promised. The floor of a store that is often cut
    off thus grows before it drops.
    """
    cut = 1.0 - exp(-history.outages_per_hour() * pick_hours)
    spans = [(pick_hours, 1.0 - cut)]
    spans += [(min(hours, reclaim_hours) + pick_hours, cut * share)
              for hours, share in history.length_hours().parts]  # fmt: skip
    return Mixture.of(
        (profile.hours_that_count(hour_of_contact, hours), share) for hours, share in spans
    )


def floor_target(
    free_units: int, rate_per_hour: float, hours: Mixture, ratio: float, dispersion: float = 1.0
) -> int:
    """Return how many of `free_units` (book minus what is promised) the floor keeps.

    `hours` is what the floor must last for: `Mixture.of([(pick_hours, 1)])` where a cashier
    is never blocked, because a promise that the store knows is lost only to sales before it
    is picked; `hours_until_reclaim` where a sale without a right is refused; and at central
    `hours_when_silent` while the store is away.
    """
    if free_units <= 0:
        return 0
    return min(free_units, floor_units_over(rate_per_hour, hours, ratio, dispersion))


def _on_grid(hours: float) -> float:
    if hours <= 0:
        return 0.0
    step = ceil(log(hours) / log(1.25) - _NOISE)
    return round(1.25**step, 6)


def rounded_up(number: float) -> float:
    """Return three digits of a number, rounded up; what hardly ever sells is 0."""
    if number < _NOISE:
        return 0.0
    scale = 10.0 ** (_DIGITS - 1 - floor(log10(number)))
    return ceil(number * scale * (1.0 - _NOISE)) / scale
