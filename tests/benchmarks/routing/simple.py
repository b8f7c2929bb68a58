"""The rules that public systems use, at their best: they know stock and distance."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

from central_server.sourcing.engine.network import point
from tests.benchmarks.routing.freight import Freight
from tests.benchmarks.routing.play import Decided, Part, Parts, Shop
from tests.benchmarks.routing.world import Placed


class Simple(ABC):
    """A rule that looks at one order after the other, and at nothing but stock and distance."""

    name = "?"

    def begin(self, shop: Shop) -> None:
        self._shop = shop
        self._freight = Freight(shop.world)
        self._points = [point(one.latitude, one.longitude) for one in shop.world.sites]

    def changed(self, site: int, goods: int) -> None:  # noqa: B027 - some rules remember
        """Nothing is remembered."""

    def release(self, open_orders: dict, at_ms: int) -> None:  # noqa: B027 - some rules wait
        """What is decided stays."""

    def decide(self, placed: Placed) -> Decided:
        wanted = {self._shop.world.number(line.sku): line.quantity for line in placed.order.lines}
        parts = self._parts(wanted, self._nearest(placed))
        return Decided(parts, self._freight.of(placed, parts))

    @abstractmethod
    def _parts(self, wanted: dict[int, int], nearest: list[int]) -> Parts:
        """Return what each site sends, of what is wanted, the sites nearest first."""

    def _nearest(self, placed: Placed) -> list[int]:
        x, y, z = point(placed.order.latitude, placed.order.longitude)
        return sorted(
            range(len(self._points)),
            key=lambda site: (
                -(x * self._points[site][0] + y * self._points[site][1] + z * self._points[site][2])
            ),
        )

    def _walk(self, wanted: dict[int, int], sites: Iterable[int]) -> Parts:
        """Take what each site has, one after the other."""
        left, parts = dict(wanted), []
        for site in sites:
            if not left:
                break
            for goods in list(left):
                units = min(left[goods], self._shop.stock.get((site, goods), 0))
                if units:
                    parts.append(Part(site, goods, units))
                    left[goods] -= units
                    if not left[goods]:
                        del left[goods]
        return parts


class NearestFirst(Simple):
    """The nearest site gives what it has, then the next."""

    name = "nearest first"

    def _parts(self, wanted: dict[int, int], nearest: list[int]) -> Parts:
        return self._walk(wanted, nearest)


class PriorityOrder(Simple):
    """Centers first, then stores in a fixed order."""

    name = "priority order"

    def _parts(self, wanted: dict[int, int], nearest: list[int]) -> Parts:
        sites = self._shop.world.sites
        return self._walk(wanted, sorted(nearest, key=lambda site: (sites[site].is_store, site)))


class SingleSourceFirst(Simple):
    """The nearest site that has all; else, again and again, the one that has most."""

    name = "single source first"

    def _parts(self, wanted: dict[int, int], nearest: list[int]) -> Parts:
        left = dict(wanted)
        order: list[int] = []
        stock = self._shop.stock
        while left:
            best = max(
                (site for site in nearest if site not in order),
                key=lambda site: sum(
                    min(units, stock.get((site, goods), 0)) for goods, units in left.items()
                ),
            )
            covered = {
                goods: units - min(units, stock.get((best, goods), 0))
                for goods, units in left.items()
            }
            if covered == left:
                break
            order.append(best)
            left = {goods: units for goods, units in covered.items() if units}
        return self._walk(wanted, order)
