"""One window of a retail network: sites, stock, walk-in customers and online orders.

What is real: where sites and customers are, what is bought together, how demand is
spread over goods. What is made, because no public data has it: stock (expected demand
and a cushion that is sometimes too small), margins, markdowns and weights. A seed decides
which sites, goods, customers and moments there are.

Freight is that of Jasin and Sinha (2015): 8.759 USD a parcel, 0.423 USD a unit and
0.000541 USD a pound and mile; what is promised within two days and farther than
900 km goes by air, at 12 USD a parcel and 2.50 USD a kilogram more.
"""

from bisect import bisect
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, log, sqrt
from pathlib import Path
from random import Random

from central_server.sourcing.engine.model import RequestedLine, RoutingOrder
from central_server.sourcing.engine.tariffs import Service, Tariff, Zone
from tests.benchmarks.routing import data as real

DAY_MS = 86_400_000
PARCEL, UNIT, KG_KM = 875.9, 42.3, 0.000541 * 100 * 2.20462 * 0.621371
AIR_PARCEL, AIR_KG = 1200.0, 250.0
GROUND_DAYS = ((400.0, 1), (900.0, 2), (1800.0, 3), (2900.0, 4), (None, 5))
TWO_DAY_SHARE = 0.3
STANDARD_DAYS, FAST_DAYS = 5, 2
HUBS = (
    (35.1, -90.0), (39.5, -119.8), (40.3, -76.9), (32.8, -96.8), (41.9, -87.6),
    (34.0, -117.4), (33.7, -84.4), (39.1, -94.6), (47.4, -122.2), (28.1, -81.9),
)  # fmt: skip
"""Where distribution centers commonly are: Memphis, Reno, Harrisburg, Dallas, Chicago, ..."""


def tariff() -> Tariff:
    """Return the tariff of every site."""
    ground = tuple(
        Zone(float(days), PARCEL, UNIT, kg_km_minor=KG_KM, up_to_km=limit)
        for limit, days in GROUND_DAYS
    )
    air = Zone(float(FAST_DAYS), PARCEL + AIR_PARCEL, UNIT, AIR_KG, kg_km_minor=KG_KM)
    return Tariff((Service("ground", ground), Service("air", (air,))))


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of window."""

    name: str
    stores: int
    centers: int
    goods: int
    days: int
    orders: int
    baskets: str = "small"
    """`small`, `many` (lines) or `single` (one unit an order)."""
    walk_ins_per_cell: float = 1.0
    """Mean walk-in units of a SKU at a store over the window."""
    center_share: float = 0.4
    """Units at centers as a share of online demand."""
    lines_max: int = 10


SMALL = Shape("stores, small baskets", 200, 4, 600, 14, 1000)
MANY = Shape("stores, many lines", 200, 4, 600, 14, 150, baskets="many")
FAST = Shape(
    "10 centers, fast items", 0, 10, 40, 56, 4080, baskets="single",
    walk_ins_per_cell=0.0, center_share=1.1,
)  # fmt: skip
SHAPES = (SMALL, MANY, FAST)


@dataclass(frozen=True, slots=True)
class Site:
    """A store or a center."""

    name: str
    latitude: float
    longitude: float
    is_store: bool
    size: float
    handling: float
    unit_handling: float


@dataclass(frozen=True, slots=True)
class Goods:
    """A SKU. Amounts in cents."""

    sku: str
    kg: float
    price: float
    margin: float
    markdown: float
    share: float
    """Of all units that are bought."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An online order and when it came."""

    at_ms: int
    order: RoutingOrder


@dataclass(frozen=True, slots=True)
class World:
    """A window. Cells are (site, goods)."""

    shape: Shape
    sites: tuple[Site, ...]
    goods: tuple[Goods, ...]
    stock: dict[tuple[int, int], int]
    rates: dict[tuple[int, int], float]
    """Walk-in units a day, as point-of-sale history tells them."""
    walk_ins: list[tuple[int, int, int]]
    """Moment, site, goods: one unit each, in order of time."""
    orders: list[Placed]
    history: list[Placed] = field(default_factory=list)
    """Orders of an earlier window of the same length: what a forecast is made of."""

    def number(self, sku: str) -> int:
        """Return the number of a SKU."""
        return int(sku[1:])


def build(data: Path, shape: Shape, seed: int) -> World:
    """Return the window that `seed` makes."""
    random = Random(f"{shape.name}/{seed}")
    baskets = _baskets(data, shape)
    sites = _sites(data, shape, random)
    goods = _goods(baskets, random)
    asked = _orders(data, shape, goods, baskets, Random(f"orders/{shape.name}/{seed}"))
    past = _orders(data, shape, goods, baskets, Random(f"history/{shape.name}/{seed}"))
    rates = _rates(shape, sites, goods)
    stock = _stock(shape, sites, goods, rates, past, random)
    rates = {cell: rate for cell, rate in rates.items() if cell in stock}
    walk_ins = _walk_ins(shape, rates, Random(f"walk-ins/{shape.name}/{seed}"))
    return World(
        shape, sites, goods, stock, rates, walk_ins, _accepted(asked, stock, walk_ins), past
    )


def _baskets(data: Path, shape: Shape) -> real.Baskets:
    if shape.baskets == "many":
        return real.invoices(data, shape.goods, shape.lines_max)
    return real.small_baskets(data, shape.goods)


def _sites(data: Path, shape: Shape, random: Random) -> tuple[Site, ...]:
    stores = [
        Site(f"S{one.name}", one.latitude, one.longitude, is_store=True,
             size=random.lognormvariate(0, 0.5), handling=150.0, unit_handling=60.0)
        for one in random.sample(real.stores(data), shape.stores)
    ]  # fmt: skip
    centers = [
        Site(f"C{place}", latitude, longitude, is_store=False, size=1.0, handling=80.0,
             unit_handling=25.0)
        for place, (latitude, longitude) in enumerate(HUBS[: shape.centers])
    ]  # fmt: skip
    return (*stores, *centers)


def _goods(baskets: real.Baskets, random: Random) -> tuple[Goods, ...]:
    total = sum(baskets.units)
    found = []
    for rank, units in enumerate(baskets.units):
        price = random.lognormvariate(log(5000), 0.6)
        kg, markdown = random.lognormvariate(log(0.6), 0.7), random.uniform(0.02, 0.1) * price
        found.append(Goods(f"G{rank}", kg, price, 0.44 * price, markdown, units / total))
    return tuple(found)


def _orders(
    data: Path, shape: Shape, goods: tuple[Goods, ...], baskets: real.Baskets, random: Random
) -> list[Placed]:
    areas = real.areas(data)
    people = list(accumulate(area.weight for area in areas))
    ranks = list(accumulate(one.share for one in goods))
    found = []
    for number in range(shape.orders):
        at_ms = int(random.random() * shape.days * DAY_MS)
        area = areas[bisect(people, random.random() * people[-1])]
        if shape.baskets == "single":
            basket: tuple[tuple[int, int], ...] = (
                (min(len(goods) - 1, bisect(ranks, random.random() * ranks[-1])), 1),
            )
        else:
            basket = random.choice(baskets.baskets)
        days = FAST_DAYS if random.random() < TWO_DAY_SHARE else STANDARD_DAYS
        lines = tuple(
            RequestedLine(place, goods[rank].sku, units, round(goods[rank].kg * 1000),
                          round(goods[rank].price))
            for place, (rank, units) in enumerate(basket, 1)
        )  # fmt: skip
        found.append(Placed(at_ms, RoutingOrder(
            lines, area.latitude, area.longitude, at_ms + days * DAY_MS, order_id=f"O{number}",
        )))  # fmt: skip
    return sorted(found, key=lambda one: (one.at_ms, one.order.order_id))


def _rates(
    shape: Shape, sites: tuple[Site, ...], goods: tuple[Goods, ...]
) -> dict[tuple[int, int], float]:
    if not shape.stores:
        return {}
    sizes = sum(site.size for site in sites if site.is_store)
    units = shape.walk_ins_per_cell * shape.stores * len(goods) / shape.days
    return {
        (place, rank): units * one.share * site.size / sizes
        for place, site in enumerate(sites) if site.is_store
        for rank, one in enumerate(goods)
    }  # fmt: skip


def _walk_ins(
    shape: Shape, rates: dict[tuple[int, int], float], random: Random
) -> list[tuple[int, int, int]]:
    found = []
    for (place, rank), rate in rates.items():
        day = random.expovariate(rate)
        while day < shape.days:
            found.append((int(day * DAY_MS), place, rank))
            day += random.expovariate(rate)
    return sorted(found)


def _stock(
    shape: Shape,
    sites: tuple[Site, ...],
    goods: tuple[Goods, ...],
    rates: dict[tuple[int, int], float],
    past: list[Placed],
    random: Random,
) -> dict[tuple[int, int], int]:
    """Return opening stock: expected demand and a cushion, of most goods at each store."""
    lines = sum(line.quantity for one in past for line in one.order.lines)
    stock = {}
    sizes = sum(site.size for site in sites)
    for rank, one in enumerate(goods):
        online = lines * one.share
        for place, site in enumerate(sites):
            if not site.is_store:
                units = shape.center_share * online / shape.centers
                stock[place, rank] = round(units * random.uniform(0.7, 1.3))
            elif random.random() < 0.5:
                mean = rates[place, rank] * shape.days + 0.6 * online * site.size / sizes
                stock[place, rank] = ceil(mean + random.uniform(-0.5, 1.0) * sqrt(mean))
    return {cell: units for cell, units in stock.items() if units > 0}


def _accepted(
    asked: list[Placed],
    stock: dict[tuple[int, int], int],
    walk_ins: list[tuple[int, int, int]],
) -> list[Placed]:
    """Return the orders that the network can serve whatever the policy: no rationing is measured.

    Of each SKU at most what is left when every walk-in customer has been served.
    """
    left: dict[int, int] = {}
    for (_, rank), units in stock.items():
        left[rank] = left.get(rank, 0) + units
    for _, _, rank in walk_ins:
        left[rank] = left.get(rank, 0) - 1
    kept = []
    for one in asked:
        wanted = [(int(line.sku[1:]), line.quantity) for line in one.order.lines]
        if all(left.get(rank, 0) >= units for rank, units in wanted):
            for rank, units in wanted:
                left[rank] -= units
            kept.append(one)
    return kept
