"""Until when boxes must be ready: the cut-off of each carrier, as clocks. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from store_client.services.words import HOUR_MS, MINUTE_MS, Said, day_time, duration
from sync.domain.flows.ship import shipment_of
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.shipping import CarrierPickup, next_cutoff_ms
from sync.protocol.rows import StoreRow

SOON_MS = 30 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class CarrierClock:
    """When a carrier comes next, and how far its boxes are."""

    pickup: CarrierPickup
    cutoff_ms: int | None
    to_do: int
    """Orders that have to go with this pickup and are not all labeled."""
    labeled: int
    """Boxes with a label and on no manifest."""
    listed: int
    """Boxes on a manifest, waiting."""

    def said(self, store: StoreRow | None, now_ms: int) -> Said:
        """Return the clock in words that need no color."""
        if self.cutoff_ms is None:
            return Said("–", "does not come", "dim")
        left = self.cutoff_ms - now_ms
        when = day_time(store, self.cutoff_ms, now_ms)
        if left < SOON_MS:
            return Said("▲", f"{when}, in {duration(left)}", "warn" if not self.to_do else "bad")
        if left < 12 * HOUR_MS:
            return Said("◷", f"{when}, in {duration(left)}", "work")
        return Said("◷", when, "dim")


def clocks(
    store: StoreRow | None, orders: Iterable[FulfillmentOrder], now_ms: int
) -> list[CarrierClock]:
    """Return the clocks of the carriers that come to this store, the next to come first."""
    if store is None:
        return []
    listed = list(orders)
    found = [_clock(store, pickup, listed, now_ms) for pickup in store.carriers]
    return sorted(
        found, key=lambda one: (one.cutoff_ms is None, one.cutoff_ms or 0, one.pickup.carrier)
    )


def _clock(
    store: StoreRow, pickup: CarrierPickup, orders: list[FulfillmentOrder], now_ms: int
) -> CarrierClock:
    cutoff_ms = next_cutoff_ms(pickup, store.timezone, frozenset(store.closures), now_ms)
    to_do = labeled = waiting = 0
    for order in orders:
        shipment = shipment_of(order)
        boxes = [box for box in shipment.boxes if box.is_here and box.tracking]
        labeled += sum(box.carrier == pickup.carrier and not box.manifest for box in boxes)
        waiting += sum(box.carrier == pickup.carrier and bool(box.manifest) for box in boxes)
        packed = sum(box.units for box in boxes)
        is_due = cutoff_ms is not None and order.promised_by_ms <= cutoff_ms
        if shipment.carrier == pickup.carrier and is_due and order.total("open") > packed:
            to_do += 1
    return CarrierClock(pickup, cutoff_ms, to_do, labeled, waiting)
