"""How much each store keeps for walk-in customers: sized by its own sales and its own outages.

The figures come from the ledger (what the tills sold) and from the gaps in a
store's contact; the mathematics is `sync.domain.sizing`. A store whose tills are
not connected keeps the fixed share that its stock came in with; one whose tills are
connected no more, or that shares no more, gets it back. Whether they are is what its
sales say (`sync.domain.selling_days`): a few are not enough.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import log
from random import Random
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from central_server.ports import Pokes
from central_server.records import Location
from central_server.services.escrow_policies import rule_for
from central_server.services.piecework import Piece, Piecework
from sync.clock import Clock
from sync.domain.escrow import fixed_floor
from sync.domain.selling_days import LOOKED_AT_DAYS, connected_since
from sync.domain.silence import PICK_HOURS, FloorBySilence, floors_when_silent
from sync.domain.sizing import (
    ALL_DAY,
    HALF_LIFE_DAYS,
    HOURS_PER_DAY,
    HourProfile,
    Mixture,
    OutageHistory,
    SaleSizes,
    Velocity,
    floor_target,
    hours_until_reclaim,
)
from sync.hub.feed import FeedWriter
from sync.protocol.rows import Entity, StockRow, store_scope

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
QUARTER_MS = HOUR_MS // 4
WINDOW_DAYS = 180
"""Older sales and outages count next to nothing."""
SERVICE_PERCENT = 95
"""The critical ratio where no rule says otherwise."""
UNITS = 1_000_000
"""The floor is reckoned without a limit: how much is free is looked at when it is written."""

NOTHING_WANTED = "0:0"
"""A floor in silence of no units: it says that the SKU was sized, so an import leaves its floor."""


class FloorSizing:
    """Sizes floors from the past; run nightly."""

    def __init__(self, database: "Database", clock: Clock, random: Random, pokes: Pokes) -> None:
        self._database = database
        self._clock = clock
        self._pokes = pokes
        self._pieces = Piecework(database, clock, random, job="sizing", words="was not sized")

    def run(self) -> int:
        """Size every store that shares by escrow; return how many floors changed.

        One that was sized, and shares no more or sells no more, gets the percentage of what
        it has.
        """
        with self._database.read() as view:
            sized = view.stock.sized_places()
            places = [one for one in view.locations.all() if one.escrow.enabled or one.id in sized]
        named = {one.id: one for one in places}
        return self._pieces.each(
            (Piece(one, location_id=one) for one in named),
            lambda piece: self._size_at(named[piece.location_id]),
        )

    def _size_at(self, place: Location) -> int:
        now = self._clock.now_ms()
        if not place.escrow.enabled:
            return self._database.write(lambda unit: self._share(unit, place.id))
        return self._database.write(lambda unit: self._size(unit, place, now))

    def _share(self, unit: "Unit", location_id: str) -> int:
        """Set the fixed share, once no machine is under the impression that it still shares."""
        place = unit.locations.get(location_id)
        if place is None or place.escrow.enabled or unit.leases.get(location_id) is not None:
            return 0
        return self._share_again(unit, place)

    def _share_again(self, unit: "Unit", place: Location) -> int:
        """Let what was sized keep the percentage of what there is."""
        skus = {sku for sku, text in unit.stock.silences(place.id).items() if text}
        if not skus:
            return 0
        unit.stock.lock_all({(place.id, sku) for sku in skus})
        came = unit.supply.came_for_orders([place.id])
        changed: dict[str, int] = {}
        for row in unit.stock.rows(place.id, skus):
            told = row.on_hand - came.get((place.id, row.sku), 0)
            floor = fixed_floor(told, place.floor_percent)
            if floor != row.floor:
                changed[row.sku] = floor
        self._write(unit, place.id, changed)
        unit.stock.set_silences(place.id, dict.fromkeys(skus, ""))
        unit.promise_rules.bump()
        return len(changed)

    def _size(self, unit: "Unit", place: Location, now_ms: int) -> int:
        since = now_ms - WINDOW_DAYS * DAY_MS
        told = unit.stock_ledger.sales(place.id, since)
        kept = unit.stock.silences(place.id)
        sales, day = _counted(told, place, now_ms, is_known=any(kept.values()))
        if not sales:
            return self._share_again(unit, place)
        began = min(at_ms for _, _, at_ms in sales)
        rows = unit.stock.rows(place.id)
        rules = [one for one in unit.leases.rules() if one.effective_from_ms <= now_ms]
        rule = rule_for(rules, place)
        percent = SERVICE_PERCENT if rule is None else rule.service_percent
        rates = _Rates(sales, now_ms, began)
        categories = {sku: one.category for sku, one in
                      unit.catalogue.products([row.sku for row in rows]).items()}  # fmt: skip
        priors = rates.by_category(rows, categories)
        demand = {
            row.sku: (rates.rate(row.sku, priors[categories.get(row.sku, "")]),
                      rates.sizes[row.sku].dispersion())
            for row in rows
        }  # fmt: skip
        history = outages_of(unit.leases.gaps(place.id, began), began, now_ms)
        lasting = _Lasting(place, history, day)
        wanted = {
            sku: floor_target(
                UNITS, rate, lasting.hours(categories.get(sku, "")), percent / 100, dispersion
            )
            for sku, (rate, dispersion) in demand.items()
        }
        silent = lasting.when_silent(demand, percent / 100)
        texts = {sku: one.text or NOTHING_WANTED for sku, one in silent.items()}
        new = {sku: text for sku, text in texts.items() if text != kept.get(sku)}
        return self._keep(unit, place.id, rows, wanted, new)

    def _keep(
        self,
        unit: "Unit",
        location_id: str,
        rows: Iterable[StockRow],
        wanted: Mapping[str, int],
        silences: Mapping[str, str],
    ) -> int:
        """Write what was reckoned; return how many floors changed.

        Nobody waited for the reckoning: so a floor is of what is free now, behind the row's
        lock. What a file has told meanwhile is more than what there was.
        """
        stale = {row.sku for row in rows if _floor(row, wanted[row.sku]) != row.floor}
        due = stale | silences.keys()
        locked = unit.stock.lock_rows(location_id, due).values() if due else ()
        floors = {row.sku: _floor(row, wanted[row.sku]) for row in locked}
        changed = {row.sku: floors[row.sku] for row in locked if floors[row.sku] != row.floor}
        self._write(unit, location_id, changed)
        if silences:
            unit.stock.set_silences(location_id, silences)
            unit.promise_rules.bump()
        return len(changed)

    def _write(self, unit: "Unit", location_id: str, floors: Mapping[str, int]) -> None:
        if not floors:
            return
        unit.stock.set_floors(location_id, floors)
        feed = FeedWriter(unit.feed)
        for row in unit.stock.rows(location_id, floors):
            feed.put(store_scope(location_id), Entity.STOCK, row.sku, row)
        heads = feed.flush()
        unit.after_commit(lambda: self._pokes.publish(heads))


def _counted(
    sales: Sequence[tuple[str, int, int]], place: Location, now_ms: int, *, is_known: bool
) -> tuple[Sequence[tuple[str, int, int]], HourProfile]:
    """Return the sales since the tills are connected, none if not, and the hours of the day."""
    now = now_ms // QUARTER_MS
    local = _local_times(place, {now, *(at_ms // QUARTER_MS for _, _, at_ms in sales)})
    today, _ = local[now]
    days = {local[at_ms // QUARTER_MS][0] for _, _, at_ms in sales}
    first = connected_since(days, today, is_known=is_known)
    if first is None:
        return (), ALL_DAY
    by_hour = [0] * HOURS_PER_DAY
    for at_ms in {at_ms for _, _, at_ms in sales}:  # what is bought together is one sale
        day, hour = local[at_ms // QUARTER_MS]
        by_hour[hour] += day > today - LOOKED_AT_DAYS
    counted = [one for one in sales if local[one[2] // QUARTER_MS][0] >= first]
    return counted, HourProfile.from_opening(by_hour)


def _local_times(place: Location, quarters: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Return (number of the day, hour) of each quarter of an hour, by the clock on the wall.

    A window has no more than some thousands, however much is sold; zones differ by whole ones.
    """
    zone = ZoneInfo(place.timezone)
    found: dict[int, tuple[int, int]] = {}
    for quarter in quarters:
        moment = datetime.fromtimestamp(quarter * QUARTER_MS / 1000, zone)
        found[quarter] = (moment.toordinal(), moment.hour)
    return found


def _floor(row: StockRow, wanted: int) -> int:
    """Return what a SKU keeps of `wanted` units: no more than is free."""
    return min(max(0, row.on_hand - row.allocated), wanted)


class _Lasting:
    """How long the floor of a store has to last, in hours that count.

    In contact until a pick where no sale is refused: what may be promised once the store
    falls silent is another matter (`sync.domain.silence`). Where a sale without a right is
    refused, until the store has its rights back, should it be cut off before that pick.
    Both in open hours: nobody picks, and nobody buys, in the others.
    """

    def __init__(self, place: Location, history: OutageHistory, day: HourProfile) -> None:
        self._policy = place.escrow
        self._history = history
        self._day = day
        self._pick = Mixture.of([(day.hours_that_count(0, PICK_HOURS), 1.0)])
        reclaim_hours = place.escrow.reclaim_after_ms / HOUR_MS
        self._reclaim = hours_until_reclaim(history, PICK_HOURS, reclaim_hours, profile=day)

    def hours(self, category: str) -> Mixture:
        """Return the hours for SKUs of a category, in contact."""
        return self._reclaim if self._policy.is_strict(category) else self._pick

    def when_silent(
        self, demand: Mapping[str, tuple[float, float]], ratio: float
    ) -> dict[str, FloorBySilence]:
        """Return what each SKU needs once the store is silent."""
        skus = ((sku, *known) for sku, known in demand.items())
        lease_ms = self._policy.lease_end_ms(0)
        return floors_when_silent(self._history, skus, ratio, lease_ms, day=self._day)


class _Rates:
    """What a store's tills sold of each SKU, newer sales counting more."""

    def __init__(self, sales: Iterable[tuple[str, int, int]], now_ms: int, began_ms: int) -> None:
        days = max(1.0, (now_ms - began_ms) / DAY_MS)
        fading = log(2) / HALF_LIFE_DAYS
        self._hours = 24 * (1 - 0.5 ** (days / HALF_LIFE_DAYS)) / fading
        self._units: defaultdict[str, float] = defaultdict(float)
        self.sizes: defaultdict[str, SaleSizes] = defaultdict(SaleSizes)
        for sku, units, at_ms in sales:
            self._units[sku] += units * 0.5 ** ((now_ms - at_ms) / DAY_MS / HALF_LIFE_DAYS)
            if units > 0:
                self.sizes[sku] = self.sizes[sku].after([units])

    def rate(self, sku: str, prior: float) -> float:
        """Return units per hour, shrunk towards the category's rate."""
        return Velocity(max(0.0, self._units[sku]), self._hours).rate_per_hour(prior)

    def by_category(
        self, rows: Iterable[StockRow], categories: Mapping[str, str]
    ) -> defaultdict[str, float]:
        """Return the mean rate of the SKUs of each category that the store carries."""
        units: defaultdict[str, float] = defaultdict(float)
        count: defaultdict[str, int] = defaultdict(int)
        for row in rows:
            category = categories.get(row.sku, "")
            units[category] += max(0.0, self._units[row.sku])
            count[category] += 1
        means = {name: units[name] / count[name] / self._hours for name in count}
        return defaultdict(float, means)


def outages_of(gaps: Iterable[tuple[int, int]], began_ms: int, now_ms: int) -> OutageHistory:
    """Return a store's outages as sizing goes by them; gaps are (from, to) in ms."""
    ended = [((end - start) / HOUR_MS, (now_ms - end) / HOUR_MS) for start, end in gaps]
    return OutageHistory.of(ended, (now_ms - began_ms) / HOUR_MS)
