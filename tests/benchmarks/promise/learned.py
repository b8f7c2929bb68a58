"""What the sized policy knows: learned from what has happened so far, and from nothing else."""

from collections.abc import Sequence

from sync.domain.sizing import (
    ALL_DAY,
    HOURS_PER_DAY,
    PRIOR_DISPERSION,
    HourProfile,
    Mixture,
    OutageHistory,
    SaleSizes,
    Velocity,
    floor_target,
    hours_until_reclaim,
    hours_when_silent,
)
from tests.benchmarks.promise.outages import Outages
from tests.benchmarks.promise.policies import HOUR_S, PICK_S, Policy, ratio
from tests.benchmarks.promise.trace import DAY_S, WEEK_DAYS, Shape

BUCKET_S = 900
"""How long a store has been silent is looked at in steps of a quarter of an hour, rounded up."""
STRICT_S = 4 * HOUR_S
"""The floor of a strict store is renewed so often: it has to last through an outage anyway."""
PRIOR_LOST_SHARE = 0.5
PRIOR_TURNED_AWAY = 20
"""Half of those who find nothing are lost: taken to be known from so many customers."""
UNITS = 1_000_000
"""The floor is asked for without a limit; `Escrow` takes no more than there is."""


class Learned:
    """Velocities, outage lengths and hours of the day, and the floor that follows from them."""

    def __init__(self, shape: Shape, policy: Policy, outages: Sequence[Outages]) -> None:
        self._shape = shape
        self._policy = policy
        self._outages = outages
        self._sold = [0] * shape.cells
        self._by_hour = [0] * HOURS_PER_DAY
        self._velocity = [Velocity()] * shape.cells
        self._history = [OutageHistory()] * shape.stores
        self._known_history = list(self._history)
        self._updated_s = [0] * shape.stores
        self._rate = [0.0] * shape.cells
        self._sizes = [SaleSizes()] * shape.skus
        self._dispersion = [PRIOR_DISPERSION] * shape.skus
        self._quantities: list[list[int]] = [[] for _ in range(shape.skus)]
        self._last = (-1, -1)
        self._turned_away = PRIOR_TURNED_AWAY
        self._lost = PRIOR_LOST_SHARE * PRIOR_TURNED_AWAY
        self._ratio = ratio(policy.amount, PRIOR_LOST_SHARE)
        self._profile = ALL_DAY
        self._hours: dict[tuple[int, int, int], Mixture] = {}
        self._floors: dict[tuple[int, int, int, float, float], int] = {}
        self._picks: dict[tuple[float, float, float], int] = {}

    def sold(self, cell: int, at_s: int) -> None:
        """Note a unit sold on the floor; units of one second are one customer's."""
        self._sold[cell] += 1
        self._by_hour[at_s % DAY_S // HOUR_S] += 1
        quantities = self._quantities[cell % self._shape.skus]
        if self._last == (cell, at_s):
            quantities[-1] += 1
        else:
            quantities.append(1)
        self._last = (cell, at_s)

    def turned_away(self, *, is_lost: bool) -> None:
        """Note a customer whose own store had nothing to promise, and if no other had either."""
        self._turned_away += 1
        self._lost += is_lost

    def end_day(self, day: int, at_s: int) -> None:
        """Learn from every store that is in contact what it has to say since the last time.

        Rates are renewed nightly; outages, sale sizes, hours of the day and the ratio weekly.
        """
        for store, outages in enumerate(self._outages):
            if outages.silent_since(at_s) is None:
                self._hear(store, at_s)
        self._learn_rates()
        if day % WEEK_DAYS == 0:
            self._known_history = list(self._history)
            self._learn_hours()
            self._learn_sizes()
            self._ratio = ratio(self._policy.amount, self._lost / self._turned_away)
            self._picks.clear()
            self._hours.clear()
            self._floors.clear()

    def floor_in_contact(self, cell: int, contact_s: int) -> int:
        """Return the floor that is kept in a cell at a contact."""
        if self._policy.is_strict:
            return self._floor(cell, contact_s % DAY_S // STRICT_S * STRICT_S, 0)
        second = contact_s % DAY_S // HOUR_S * HOUR_S
        hours = self._profile.weights[second // HOUR_S] * PICK_S / HOUR_S
        dispersion = self._dispersion[cell % self._shape.skus]
        key = (self._rate[cell], hours, dispersion)
        if key not in self._picks:
            lasting = Mixture.of([(hours, 1.0)])
            self._picks[key] = floor_target(
                UNITS, self._rate[cell], lasting, self._ratio, dispersion
            )
        return self._picks[key]

    def floor_when_silent(self, cell: int, contact_s: int, at_s: int) -> int:
        """Return the floor that central leaves at `at_s` to a store silent since `contact_s`."""
        second = contact_s % DAY_S // HOUR_S * HOUR_S
        return self._floor(cell, second, -(-(at_s - contact_s) // BUCKET_S))

    def _floor(self, cell: int, second: int, buckets: int) -> int:
        store, sku = divmod(cell, self._shape.skus)
        rate, dispersion = self._rate[cell], self._dispersion[sku]
        key = (store, second, buckets, rate, dispersion)
        if key not in self._floors:
            hours = self._must_last(store, second, buckets)
            self._floors[key] = floor_target(UNITS, rate, hours, self._ratio, dispersion)
        return self._floors[key]

    def _must_last(self, store: int, second: int, buckets: int) -> Mixture:
        key = (store, second, buckets)
        if key not in self._hours:
            history, hour, pick = self._known_history[store], second / HOUR_S, PICK_S / HOUR_S
            if buckets:
                silent = buckets * BUCKET_S / HOUR_S
                found = hours_when_silent(history, silent, pick, hour, self._profile)
            else:
                reclaim = self._policy.rules.reclaim_after_ms / 1000 / HOUR_S
                found = hours_until_reclaim(history, pick, reclaim, hour, self._profile)
            self._hours[key] = found
        return self._hours[key]

    def _hear(self, store: int, at_s: int) -> None:
        since = self._updated_s[store]
        hours = (at_s - since) / HOUR_S
        outages = self._outages[store]
        ended = [(stop - start) / HOUR_S
                 for start, stop in zip(outages.starts, outages.ends, strict=True)
                 if since < stop <= at_s]  # fmt: skip
        self._history[store] = self._history[store].after(ended, hours)
        first = store * self._shape.skus
        for cell in range(first, first + self._shape.skus):
            self._velocity[cell] = self._velocity[cell].after(self._sold[cell], hours)
            self._sold[cell] = 0
        self._updated_s[store] = at_s

    def _learn_sizes(self) -> None:
        for sku, quantities in enumerate(self._quantities):
            if quantities:
                self._sizes[sku] = self._sizes[sku].after(quantities)
                self._dispersion[sku] = round(self._sizes[sku].dispersion(), 1)
                quantities.clear()

    def _learn_hours(self) -> None:
        total = sum(self._by_hour)
        if total > 0:
            self._profile = HourProfile(
                tuple(round(HOURS_PER_DAY * units / total, 1) for units in self._by_hour)
            )

    def _learn_rates(self) -> None:
        """Shrink each cell's rate towards that of its SKU in all stores together."""
        for sku in range(self._shape.skus):
            cells = range(sku, self._shape.cells, self._shape.skus)
            hours = sum(self._velocity[cell].hours for cell in cells)
            units = sum(self._velocity[cell].units for cell in cells)
            prior = units / hours if hours else 0.0
            for cell in cells:
                self._rate[cell] = float(f"{self._velocity[cell].rate_per_hour(prior):.2g}")
