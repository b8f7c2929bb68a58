"""What stock is worth where it lies, as routing's candidates say it: by the rules and the records.

prices   margins and markdowns of a `route` rule, of the price in the location's zone, or the
         cost of a transfer, and the weekly demand that was learned there; duals for orders to come
runs     whether taking the last unit breaks a full run of sizes (`products.style`)
found    how often units on record are found
kits     all of this of their components, together
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from central_server.records import Location, Price
from central_server.sourcing.engine.learning import Picks, fill_probability_of
from central_server.sourcing.engine.model import Stock
from central_server.sourcing.kits import Kits
from central_server.sourcing.routing_rules import RoutingRule

if TYPE_CHECKING:
    from central_server.storage.unit import View

MILLI, DAYS_A_WEEK = 1000, 7
NO_PICKS = Picks()

Rates = Mapping[str, Mapping[tuple[str, str], Picks]]
"""Units found and missed, by SKU, then by location and SKU (empty: its category)."""


class Stocked(Protocol):
    """A location, and units of it that may be promised."""

    @property
    def location(self) -> Location:
        """The location."""
        ...

    @property
    def free(self) -> Mapping[str, int]:
        """Units by SKU, kits too."""
        ...


Worth = Callable[[Stocked, str], Stock]
"""What a location has of a SKU or a kit, and what that is worth there."""


class Shelves:
    """Reads what the worth of stock depends on; what rarely changes is read once."""

    def __init__(self, view: "View") -> None:
        self._view = view
        self._rates_of: dict[str, Mapping[tuple[str, str], Picks]] = {}
        self._zones: dict[tuple[str, tuple[str, ...]], Mapping[str, Price]] = {}

    def worth(
        self,
        wanted: Collection[str],
        rule: RoutingRule,
        places: Iterable[Location],
        kits: Kits,
    ) -> Worth:
        """Return what says, by place and SKU, what stock is worth where it lies.

        `wanted` may name `kits`.
        """
        whole = {kit.name: kit for kit in kits.items}
        skus = _skus(wanted, kits)
        weekly: Mapping[tuple[str, str], int] = {}
        if rule.supply_weeks or rule.prices_shelves:
            weekly = self._view.demand.weekly(skus)
        prices = self._prices(skus, places) if rule.prices_shelves else {}
        duals = self._view.learned.prices_of(skus) if rule.stock_weight else {}
        fill = self._fill(skus) if rule.failed_pick_minor else {}
        runs = self._view.runs.whole(skus) if rule.counts_runs else {}

        def single(place: str, sku: str, units: int) -> Stock:
            price = prices.get((place, sku), 0)
            left = runs.get((place, sku))
            return Stock(
                units,
                walk_ins_per_day=weekly.get((place, sku), 0) / MILLI / DAYS_A_WEEK,
                horizon_days=rule.horizon_days,
                walk_in_margin_minor=price * rule.walk_in_margin_percent / 100,
                markdown_minor=rule.left_over_minor(price),
                dual_minor=duals.get((place, sku), 0.0),
                fill_probability=_found_at(fill.get(sku), place, sku),
                # Where units stay that may not be promised, the last one is not taken.
                is_full_run=left is not None and left <= units,
            )

        def worth(at: Stocked, name: str) -> Stock:
            kit = whole.get(name)
            if kit is None:
                return single(at.location.id, name, at.free[name])
            parts = {sku: single(at.location.id, sku, at.free.get(sku, 0)) for sku in kit.skus}
            return kit.shelf(parts)

        return worth

    def foreign(
        self,
        wanted: Collection[str],
        rule: RoutingRule,
        places: Iterable[Location],
        kits: Kits,
        currency: str | None,
    ) -> frozenset[str]:
        """Return the places whose units are priced in another currency than what carriers take.

        Where the rule prices shelves; what is earned there cannot be set against freight.
        """
        if not rule.prices_shelves or currency is None:
            return frozenset()
        skus = _skus(wanted, kits)
        return frozenset(
            place.id
            for place in places
            if any(one.currency != currency for one in self._zone(place.price_zone, skus).values())
        )

    def _prices(
        self, wanted: Sequence[str], places: Iterable[Location]
    ) -> dict[tuple[str, str], int]:
        """Return what a unit costs at the counter (minor units), by place and SKU."""
        return {
            (place.id, sku): price.amount_minor
            for place in places
            for sku, price in self._zone(place.price_zone, wanted).items()
        }

    def _zone(self, zone: str, wanted: Sequence[str]) -> Mapping[str, Price]:
        """Return the prices of a zone, read once for the same SKUs."""
        key = (zone, tuple(wanted))
        if key not in self._zones:
            self._zones[key] = self._view.catalogue.prices(zone, wanted)
        return self._zones[key]

    def _fill(self, wanted: Collection[str]) -> Rates:
        """Return what is known of how often these are found, read once."""
        missing = [sku for sku in wanted if sku not in self._rates_of]
        if missing:
            found = self._view.learned.rates_of(missing)
            self._rates_of.update({sku: found.get(sku, {}) for sku in missing})
        return self._rates_of


def _skus(wanted: Collection[str], kits: Kits) -> list[str]:
    """Return what is wanted, components in place of kits."""
    names = {kit.name for kit in kits.items}
    return sorted(
        {sku for sku in wanted if sku not in names}.union(*(one.skus for one in kits.items))
    )


def _found_at(rates: Mapping[tuple[str, str], Picks] | None, place: str, sku: str) -> float:
    """Return how often a unit on record is found; 1 where nothing was learned of its category."""
    if not rates:
        return 1.0
    category = rates.get(("", ""), NO_PICKS)
    return fill_probability_of(
        category, rates.get((place, ""), NO_PICKS), rates.get((place, sku), NO_PICKS)
    )
