"""Taking in what a retailer sells, where, at what price: in bulk, with the feed rows of it.

Importer and sample network both come through here. Each call is one
transaction; a batch of a few thousand rows is a good size.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from central_server.ports import Pokes
from central_server.records import (
    Customer,
    Location,
    Price,
    Product,
)
from central_server.services.carrier_file import CarrierFile, CarriersSet, StopsShipping, sends
from central_server.services.pre_orders import set_releases
from central_server.services.scopes import store_row
from sync.clock import Clock
from sync.domain.inventory import StockReason
from sync.domain.pickups import PickupPolicy
from sync.domain.reservations import ReservePolicy
from sync.hub.feed import FeedWriter
from sync.protocol.rows import (
    CATALOGUE_SCOPE,
    AssociateRow,
    Entity,
    PriceRow,
    prices_scope,
    store_scope,
)

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.stock_rows import OpeningStock
    from central_server.storage.unit import Unit

T = TypeVar("T")
BATCH = 5000


@dataclass(frozen=True, slots=True)
class StockItem:
    """What a location has of a SKU. What is not said follows from the location's policy."""

    location_id: str
    sku: str
    on_hand: int
    aisle: str = ""
    safety_stock: int | None = None


def batches(items: Iterable[T], size: int = BATCH) -> Iterable[list[T]]:
    """Cut `items` into lists of at most `size`."""
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


class CatalogueIntake:
    """Writes master data and what stores must know of it. `take_*` inside a unit, `*` alone."""

    def __init__(
        self,
        database: "Database",
        clock: Clock,
        pokes: Pokes,
        opening: "Callable[..., OpeningStock]",
    ) -> None:
        """`opening` makes what storage takes; bootstrap knows it."""
        self._database = database
        self._opening = opening
        self._clock = clock
        self._pokes = pokes

    def locations(self, locations: Sequence[Location]) -> None:
        """Add locations or replace them."""
        self._database.write(lambda unit: self.take_locations(unit, locations))

    def products(self, products: Sequence[Product]) -> None:
        """Add products or replace them."""
        self._database.write(lambda unit: self.take_products(unit, products))

    def prices(self, prices: Sequence[Price]) -> None:
        """Set prices."""
        self._database.write(lambda unit: self.take_prices(unit, prices))

    def stock(
        self, items: Sequence[StockItem], source: str, reason: StockReason = StockReason.OPENING
    ) -> None:
        """Set what is on hand."""
        self._database.write(lambda unit: self.take_stock(unit, items, source, reason))

    def associates(self, location_id: str, associates: Sequence[AssociateRow]) -> None:
        """Add a location's associates or replace them."""
        self._database.write(lambda unit: self.take_associates(unit, {location_id: associates}))

    def customers(self, customers: Sequence[Customer]) -> None:
        """Put customers on file; no store gets them."""
        self._database.write(lambda unit: unit.customers.upsert(customers))

    def carriers(self, file: CarrierFile, *, may_stop: bool = True) -> CarriersSet:
        """Set carriers, rates and pickups, in the place of all that was set before.

        Raises `StopsShipping` where locations ship that would not by it, unless they `may_stop`.
        """
        return self._database.write(lambda unit: self._take_carriers(unit, file, may_stop=may_stop))

    def _take_carriers(self, unit: "Unit", file: CarrierFile, *, may_stop: bool) -> CarriersSet:
        known = unit.locations.lock().values()  # before carriers' rows, as pushes do
        before = unit.shipping.rates()
        places = [replace(one, carriers=file.at(one)) for one in known]
        shipped = {one.id for one in known if sends(one.carriers, before)}
        ship = {one.id for one in places if sends(one.carriers, file.rates)}
        stopped = tuple(sorted(shipped - ship))
        if stopped and not may_stop:
            raise StopsShipping(stopped)
        unit.shipping.save(file.carriers, file.rates)
        self.take_locations(unit, places)
        return CarriersSet(len(ship), stopped)

    def take_locations(self, unit: "Unit", locations: Sequence[Location]) -> None:
        """Add locations or replace them; each store's own row goes to its scope.

        Stock that a location has follows its new figures soon (`new_figures`). A location that
        says nothing of reservations or pickups keeps what was set for it.
        """
        known = unit.locations.lock({one.id for one in locations})
        locations = [_with_kept_policies(one, known.get(one.id)) for one in locations]
        changed = [one for one in locations if one.id in known and _figures_differ(one, known)]
        if changed:
            unit.locations.let_follow([known[one.id] for one in changed])
        unit.locations.upsert(locations)
        feed = FeedWriter(unit.feed)
        for location in locations:
            row = store_row(location)
            feed.put(store_scope(location.id), Entity.STORE, location.id, row)
        self._flush(unit, feed)

    def take_products(self, unit: "Unit", products: Sequence[Product]) -> None:
        """Add products or replace them."""
        unit.catalogue.upsert_products(products)
        feed = FeedWriter(unit.feed)
        for product in products:
            feed.put(CATALOGUE_SCOPE, Entity.PRODUCT, product.sku, product)
        self._flush(unit, feed)

    def weights(self, weights: Mapping[str, int]) -> None:
        """Say what a unit of products weighs (grams, by SKU); stores weigh boxes themselves."""
        self._database.write(lambda unit: unit.catalogue.set_weights(weights))

    def styles(self, styles: Mapping[str, str]) -> None:
        """Say of which style products are a size (by SKU): what differs by size alone is one."""
        self._database.write(lambda unit: unit.catalogue.set_styles(styles))

    def take_releases(self, unit: "Unit", releases: Mapping[str, int | None]) -> None:
        """Say from when on products may be sold; orders that wait for it follow a new date."""
        set_releases(unit, releases, self._clock.now_ms())

    def take_prices(self, unit: "Unit", prices: Sequence[Price]) -> None:
        """Set prices; what stores get carries the version that central counted."""
        unit.catalogue.upsert_prices(prices)
        feed = FeedWriter(unit.feed)
        zones: dict[str, set[str]] = {}
        for price in prices:
            zones.setdefault(price.zone, set()).add(price.sku)
        for zone, skus in zones.items():
            for sku, kept in unit.catalogue.prices(zone, skus).items():
                row = PriceRow(sku, kept.amount_minor, kept.currency, kept.version)
                feed.put(prices_scope(zone), Entity.PRICE, sku, row)
        self._flush(unit, feed)

    def take_stock(
        self, unit: "Unit", items: Sequence[StockItem], source: str, reason: StockReason
    ) -> None:
        """Set what is on hand; the ledger gets the differences, allocations stay."""
        locations = unit.locations.get_many({item.location_id for item in items})
        # A receipt that somebody closes is in `came`, or its floor is set behind these locks.
        unit.stock.lock_all({(item.location_id, item.sku) for item in items})
        came = unit.supply.came_for_orders(locations.keys())
        opening = [
            self._opening_of(
                item, locations[item.location_id], came.get((item.location_id, item.sku), 0)
            )
            for item in items
        ]
        unit.stock.set_opening(opening, source, self._clock.now_ms(), reason)
        feed = FeedWriter(unit.feed)
        places: dict[str, set[str]] = {}
        for item in items:
            places.setdefault(item.location_id, set()).add(item.sku)
        for location_id, skus in places.items():
            for row in unit.stock.rows(location_id, skus):
                feed.put(store_scope(location_id), Entity.STOCK, row.sku, row)
        self._flush(unit, feed)

    def stock_told(self, unit: "Unit", location_ids: Collection[str], source: str) -> None:
        """Note that a file told the stock of locations, changed or not: that is how old it is."""
        unit.replicas.stock_told(location_ids, source, self._clock.now_ms())

    def _opening_of(self, item: StockItem, location: Location, for_orders: int) -> "OpeningStock":
        safety = location.safety_stock if item.safety_stock is None else item.safety_stock
        return self._opening(
            item.location_id, item.sku, item.on_hand, item.aisle, safety,
            location.floor_percent, for_orders, location.escrow.enabled,
        )  # fmt: skip

    def take_associates(self, unit: "Unit", teams: Mapping[str, Sequence[AssociateRow]]) -> None:
        """Add associates, by location, or replace them; only their locations hear of them.

        Whoever was at another location is forgotten there: its terminals let in whom they know.
        """
        before = unit.associates.lock({one.id for team in teams.values() for one in team})
        feed = FeedWriter(unit.feed)
        for location_id, team in teams.items():
            unit.associates.upsert(location_id, team)
            for one in team:
                feed.put(store_scope(location_id), Entity.ASSOCIATE, one.id, one)
                if one.id in before and (left := before[one.id][0]) != location_id:
                    feed.remove(store_scope(left), Entity.ASSOCIATE, one.id)
        self._flush(unit, feed)

    def _flush(self, unit: "Unit", feed: FeedWriter) -> None:
        heads = feed.flush()
        unit.after_commit(lambda: self._pokes.publish(heads))


def _figures_differ(new: Location, known: Mapping[str, Location]) -> bool:
    before = known[new.id]
    return (new.safety_stock, new.floor_percent) != (before.safety_stock, before.floor_percent)


def _with_kept_policies(new: Location, known: Location | None) -> Location:
    if known is None:
        return new
    kept: dict[str, object] = {}
    if new.reserve == ReservePolicy():
        kept["reserve"] = known.reserve
    if new.pickup == PickupPolicy():
        kept["pickup"] = known.pickup
    return replace(new, **kept) if kept else new  # type: ignore[arg-type]
