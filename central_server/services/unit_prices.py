"""What units are worth for online orders to come, reckoned anew from time to time.

The parcel orders of the last days are taken for those of the next days; a program over
whole plans says what one unit more would save at each location (`engine/duals`). It is
kept for SKUs that sell often enough for that to mean something; routing reads it.
"""

from collections import Counter
from typing import TYPE_CHECKING

from central_server.services.batches import expected_prices, free_for_parcels, grouped
from central_server.services.order_views import Document
from central_server.services.parcel_routing import Free, ParcelRouting
from sync.clock import Clock

if TYPE_CHECKING:
    from central_server.storage.database import Database

DAY_MS = 86_400_000
WINDOW_DAYS = 7
UNITS_MIN = 20
"""A SKU of which fewer units are asked for in the window has no price."""
ORDERS_MAX = 1_000
"""So many orders are looked at, the newest, against their share of what is there."""
PRICE_MIN_MINOR = 1.0


def share_of(free: Free, part: int, whole: int) -> dict[str, dict[str, int]]:
    """Return what `part` of `whole` orders would find of the units, rounded up.

    The others of the period ask for the same stock.
    """
    return {
        place: {sku: -(-units * part // whole) for sku, units in there.items()}
        for place, there in free.items()
    }


class UnitPrices:
    """Reckons and keeps prices; running it again, or twice at once, gives the same."""

    def __init__(self, database: "Database", clock: Clock, *, promise_ms: int) -> None:
        self._database = database
        self._clock = clock
        self._promise_ms = promise_ms

    def run(self) -> int:
        """Reckon all prices anew; return how many cells have one.

        Raises `OptimizerMissing` where the optimizer is not installed, and then keeps
        what was there.
        """
        now = self._clock.now_ms()
        prices: dict[tuple[str, str], float] = {}
        with self._database.read() as view:
            ids, left = view.orders.parcels_placed(now - WINDOW_DAYS * DAY_MS, now, ORDERS_MAX)
            orders = sorted(view.orders.get_many(ids).values(), key=lambda one: one.id)
            wanted = Counter[str]()
            for line in (line for order in orders for line in order.lines):
                wanted[line.sku] += line.quantity
            fast = {sku for sku, units in wanted.items() if units >= UNITS_MIN}
            asked = [
                (order, {line.line: line.quantity for line in order.lines if line.sku in fast})
                for order in orders
            ]
            routing = ParcelRouting(view, now, self._promise_ms)
            for group in grouped(routing, [one for one in asked if one[1]]):
                free = free_for_parcels(view, group.skus, now)
                if left:
                    free = share_of(free, len(ids), len(ids) + left)
                for cell, price in expected_prices(routing, group, free, now).items():
                    prices[cell] = max(price, prices.get(cell, 0.0))
        kept = {cell: round(price, 1) for cell, price in prices.items() if price >= PRICE_MIN_MINOR}
        self._database.write(lambda unit: unit.learned.replace_prices(kept, now))
        return len(kept)

    def show(self, limit: int) -> list[Document]:
        """Return what units are worth, the dearest first."""
        with self._database.read() as view:
            found = view.learned.all_prices(limit)
        return [{"location_id": place, "sku": sku, "dual_minor": price}
                for place, sku, price, _ in found]  # fmt: skip
