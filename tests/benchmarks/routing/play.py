"""A window played under one policy: every order and every walk-in customer, in order of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Any, NamedTuple, Protocol

from central_server.sourcing.engine.ways import DAY_MS
from tests.benchmarks.routing.world import Placed, World

BATCH_MS = DAY_MS // 2
"""Parcels are released to the pickers every so often; until then an order may be moved."""


class Part(NamedTuple):
    """Units of a SKU that one site ships of an order."""

    site: int
    goods: int
    units: int


Parts = Sequence[Part]


class Decided(NamedTuple):
    """A decision and what it costs to ship."""

    parts: Parts
    freight: float
    """Freight and handling, cents."""
    plan: Any = None
    """The engine's plan, where it decided."""


class Policy(Protocol):
    """Decides where orders go. It sees stock by the shop's book: `Shop`."""

    def begin(self, shop: "Shop") -> None:
        """See the window's opening."""

    def decide(self, placed: Placed) -> Decided:
        """Return who ships an order."""

    def changed(self, site: int, goods: int) -> None:
        """Learn that the stock of a cell changed."""

    def release(self, open_orders: dict[str, tuple[Placed, Decided]], at_ms: int) -> None:
        """Change decisions of orders that are not released yet, if the policy does."""


@dataclass(slots=True)
class Costs:
    """What a window cost, in cents."""

    freight: float = 0.0
    lost: float = 0.0
    """Margin of walk-in customers who found nothing."""
    markdown: float = 0.0
    parcels: int = 0
    walk_ins_lost: int = 0
    unshipped: int = 0

    @property
    def total(self) -> float:
        return self.freight + self.lost + self.markdown


class Shop:
    """Stock as everybody knows it, and what has been decided."""

    def __init__(self, world: World, policy: Policy) -> None:
        self.world = world
        self.stock = dict(world.stock)
        self.now_ms = 0
        self._policy = policy

    def take(self, parts: Parts, sign: int = 1) -> None:
        """Reserve what a decision takes; with -1 give it back."""
        for site, goods, units in parts:
            left = self.stock.get((site, goods), 0) - sign * units
            assert left >= 0, "a policy took what was not there"
            self.stock[site, goods] = left
            self._policy.changed(site, goods)


def play(world: World, policy: Policy) -> Costs:
    """Return what the window costs under `policy`."""
    costs = Costs()
    shop = Shop(world, policy)
    policy.begin(shop)
    events = merge(
        ((placed.at_ms, 1, number) for number, placed in enumerate(world.orders)),
        ((at_ms, 0, number) for number, (at_ms, _, _) in enumerate(world.walk_ins)),
    )
    waiting: dict[str, tuple[Placed, Decided]] = {}
    next_release = BATCH_MS
    for at_ms, kind, number in events:
        while at_ms >= next_release:
            shop.now_ms = next_release
            _release(shop, policy, waiting, costs, next_release)
            next_release += BATCH_MS
        shop.now_ms = at_ms
        if kind == 0:
            _, site, goods = world.walk_ins[number]
            if shop.stock.get((site, goods), 0) > 0:
                shop.take([Part(site, goods, 1)])
            else:
                costs.lost += world.goods[goods].margin
                costs.walk_ins_lost += 1
            continue
        placed = world.orders[number]
        decided = policy.decide(placed)
        shop.take(decided.parts)
        waiting[placed.order.order_id] = (placed, decided)
    _release(shop, policy, waiting, costs, next_release)
    costs.markdown = sum(
        units * world.goods[goods].markdown for (_, goods), units in shop.stock.items()
    )
    return costs


def _release(
    shop: Shop,
    policy: Policy,
    waiting: dict[str, tuple[Placed, Decided]],
    costs: Costs,
    at_ms: int,
) -> None:
    policy.release(waiting, at_ms)
    for placed, decided in waiting.values():
        costs.freight += decided.freight
        costs.parcels += len({part.site for part in decided.parts})
        wanted = sum(line.quantity for line in placed.order.lines)
        costs.unshipped += wanted - sum(part.units for part in decided.parts)
    waiting.clear()
