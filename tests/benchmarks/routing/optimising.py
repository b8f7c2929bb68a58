"""Policies that go through the engine: the per-order optimum, and those that look ahead."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from central_server.sourcing.engine.batch import decide_anew
from central_server.sourcing.engine.duals import forecast_prices
from central_server.sourcing.engine.goals import Cell
from central_server.sourcing.engine.model import Candidate, Rules, Stock
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.prices import shelf_prices
from central_server.sourcing.engine.routing import plan_order
from central_server.sourcing.engine.together import Open
from central_server.sourcing.engine.ways import DAY_MS
from tests.benchmarks.routing.play import Decided, Part, Shop
from tests.benchmarks.routing.world import Placed, World, tariff

UNITS_PRICED_MAX = 60
REFRESH_DAYS = 0.25
"""How old a shelf price may be, beside changes of stock."""


class Myopic:
    """The cheapest freight and handling of each order by itself: what the gap is measured from."""

    name = "per-order optimum"
    stock_weight = 0.0

    def begin(self, shop: Shop) -> None:
        self._shop = shop
        world = shop.world
        self._rules = Rules({"": tariff()}, stock_weight=self.stock_weight)
        self._network = Network(candidates(world), self._rules, 0)
        self._names = {site.name: place for place, site in enumerate(world.sites)}
        self._stale: dict[int, set[int]] = {}
        self._read_at: dict[int, float] = {}
        self._start()

    def _start(self) -> None:
        """Prepare prices."""

    def changed(self, site: int, goods: int) -> None:
        self._stale.setdefault(goods, set()).add(site)

    def release(self, open_orders: dict, at_ms: int) -> None:
        """What is decided stays."""

    def decide(self, placed: Placed) -> Decided:
        return self.as_decided(plan_order(placed.order, self.read(placed)))

    def read(self, placed: Placed) -> Network:
        """Return the network as it is when the order comes."""
        self._read(placed)
        return self._network.at(placed.at_ms)

    def as_decided(self, plan: SourcingPlan) -> Decided:
        parts = [
            Part(self._names[shipment.location_id], self._shop.world.number(line.sku),
                 line.quantity)
            for shipment in plan.shipments for line in shipment.lines
        ]  # fmt: skip
        return Decided(parts, plan.terms.freight + plan.terms.handling, plan)

    def _read(self, placed: Placed) -> None:
        """Tell the network what stock there is now of what is asked for, and what it is worth."""
        day = placed.at_ms / DAY_MS
        for line in placed.order.lines:
            goods = self._shop.world.number(line.sku)
            sites = self._stale.pop(goods, set())
            if day - self._read_at.get(goods, -1.0) > REFRESH_DAYS:
                self._read_at[goods] = day
                sites = set(range(len(self._shop.world.sites)))
            for site in sites:
                stock = self._stock(site, goods, self._shop.world.shape.days - day)
                self._network.set_stock(self._shop.world.sites[site].name, line.sku, stock)

    def _stock(self, site: int, goods: int, days_left: float) -> Stock:
        return Stock(self._shop.stock.get((site, goods), 0))


class ShelfPriced(Myopic):
    """Each unit at what a walk-in customer may pay for it there."""

    name = "shelf price"
    stock_weight = 1.0

    def _stock(self, site: int, goods: int, days_left: float) -> Stock:
        world, one = self._shop.world, self._shop.world.goods[goods]
        return Stock(
            self._shop.stock.get((site, goods), 0),
            walk_ins_per_day=world.rates.get((site, goods), 0.0),
            horizon_days=days_left,
            walk_in_margin_minor=one.margin if world.sites[site].is_store else 0.0,
            markdown_minor=one.markdown,
            dual_minor=self._dual(site, goods),
        )

    def _dual(self, site: int, goods: int) -> float:
        return 0.0

    def _unit_prices(
        self, skus: set[str], day: float, reserved: dict[tuple[int, int], int]
    ) -> dict[Cell, Sequence[float]]:
        """Return what each unit of these goods is worth where it lies, reserved ones included."""
        world = self._shop.world
        found: dict[Cell, Sequence[float]] = {}
        for sku in sorted(skus):
            goods = world.number(sku)
            for place, site in enumerate(world.sites):
                units = self._shop.stock.get((place, goods), 0) + reserved.get((place, goods), 0)
                if units:
                    stock = replace(self._stock(place, goods, world.shape.days - day), units=units)
                    found[site.name, sku] = shelf_prices(stock, min(units, UNITS_PRICED_MAX))
        return found


class Foreknown(ShelfPriced):
    """The prices of hindsight, from the first order on: what good prices can do at best."""

    name = "perfect prices"

    def __init__(self, prices: Mapping[tuple[int, int], float]) -> None:
        """`prices` are those of a unit, by site and goods (cents)."""
        self._prices = prices

    def _stock(self, site: int, goods: int, days_left: float) -> Stock:
        units = self._shop.stock.get((site, goods), 0)
        return Stock(units, prices_minor=(self._prices.get((site, goods), 0.0),))


class Realtime(ShelfPriced):
    """The shelf price, and the duals of a program over the orders of an earlier window."""

    name = "real time"

    def __init__(self, solved_days: float | None = 7.0) -> None:
        """Duals are computed anew every so many days; None: there are none, only shelf prices."""
        self._solved_days = solved_days

    def _start(self) -> None:
        self._duals: dict[Cell, float] = {}
        self._solved_at = float("-inf")

    def decide(self, placed: Placed) -> Decided:
        day = placed.at_ms / DAY_MS
        if self._solved_days is not None and day - self._solved_at >= self._solved_days:
            self._solved_at = day
            self._look_ahead(placed.at_ms)
        return super().decide(placed)

    def _look_ahead(self, now_ms: int) -> None:
        world = self._shop.world
        expected = [Open(one.order, one.at_ms) for one in world.history if one.at_ms >= now_ms]
        skus = {line.sku for one in expected for line in one.order.lines}
        self._duals = {}
        prices = self._unit_prices(skus, now_ms / DAY_MS, {})
        network = Network(candidates(world, is_empty=True), Rules({"": tariff()}), 0)
        self._duals = forecast_prices(network, expected, prices)
        self._read_at.clear()

    def _dual(self, site: int, goods: int) -> float:
        sku = self._shop.world.goods[goods].sku
        return self._duals.get((self._shop.world.sites[site].name, sku), -1e9)


class Batched(Realtime):
    """Real time, and before each release all orders that wait are decided anew, together."""

    name = "real time + batch"

    def release(self, open_orders: dict[str, tuple[Placed, Decided]], at_ms: int) -> None:
        if not open_orders:
            return
        world = self._shop.world
        reserved: dict[tuple[int, int], int] = {}
        for _, decided in open_orders.values():
            for site, goods, units in decided.parts:
                reserved[site, goods] = reserved.get((site, goods), 0) + units
        skus = {line.sku for placed, _ in open_orders.values() for line in placed.order.lines}
        prices = self._unit_prices(skus, min(at_ms / DAY_MS, world.shape.days), reserved)
        network = Network(candidates(world, is_empty=True), Rules({"": tariff()}), 0)
        waiting = [
            (Open(placed.order, placed.at_ms), decided.plan)
            for placed, decided in open_orders.values()
        ]
        plans = decide_anew(network, waiting, prices, seconds_max=10.0)
        for (key, (placed, before)), plan in zip(list(open_orders.items()), plans, strict=True):
            self._shop.take(before.parts, -1)
            open_orders[key] = (placed, self.as_decided(plan))
        for _, after in open_orders.values():
            self._shop.take(after.parts)


def candidates(world: World, *, is_empty: bool = False) -> list[Candidate]:
    """Return the sites with their opening stock."""
    return [
        Candidate(
            site.name, site.latitude, site.longitude,
            {one.sku: Stock(world.stock[place, rank])
             for rank, one in enumerate(world.goods)
             if (place, rank) in world.stock and not is_empty},
            kind="store" if site.is_store else "dc",
            handling_minor=site.handling, unit_handling_minor=site.unit_handling,
        )
        for place, site in enumerate(world.sites)
    ]  # fmt: skip
