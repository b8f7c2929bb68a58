"""Policies that go through the engine: the per-order optimum, and those that look ahead."""

from central_server.sourcing.engine.model import Candidate, Rules, Stock
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.routing import plan_order
from central_server.sourcing.engine.ways import DAY_MS
from tests.benchmarks.routing.play import Decided, Part, Shop
from tests.benchmarks.routing.world import Placed, World, tariff

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
        self._read(placed)
        return self.as_decided(plan_order(placed.order, self._network.at(placed.at_ms)))

    def as_decided(self, plan: SourcingPlan) -> Decided:
        parts = [
            Part(self._names[shipment.location_id], self._shop.world.number(line.sku),
                 line.quantity)
            for shipment in plan.shipments for line in shipment.lines
        ]  # fmt: skip
        return Decided(parts, plan.terms.freight + plan.terms.handling)

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
        )


def candidates(world: World) -> list[Candidate]:
    """Return the sites with their opening stock."""
    return [
        Candidate(
            site.name, site.latitude, site.longitude,
            {one.sku: Stock(world.stock[place, rank])
             for rank, one in enumerate(world.goods) if (place, rank) in world.stock},
            kind="store" if site.is_store else "dc",
            handling_minor=site.handling, unit_handling_minor=site.unit_handling,
        )
        for place, site in enumerate(world.sites)
    ]  # fmt: skip
