"""Until when boxes must be ready: the cut-off of each carrier, as clocks."""

from dataclasses import dataclass

from store_client.services.desk import Desk
from store_client.services.open_orders import for_a_desk
from store_client.services.words import HOUR_MS, MINUTE_MS, Said, day_time, duration
from sync.domain.flows.ship import NAME, shipment_of
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.shipping import CarrierPickup, next_cutoff_ms
from sync.protocol.rows import StoreRow

SOON_MS = 30 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class New:
    """A parcel order that nobody has begun, as far as a clock needs it."""

    carrier: str
    promised_by_ms: int


@dataclass(frozen=True, slots=True)
class Parcels:
    """The open parcel orders of a store: what is begun is read whole, what is new is not."""

    begun: list[FulfillmentOrder]
    new: list[New]


def parcels_of(desk: Desk) -> Parcels:
    """Return the open parcel orders of this store."""
    begun, rows = for_a_desk(desk, NAME, new_max=0)
    carriers = desk.store.carriers(NAME) if rows else {}
    return Parcels(begun, [New(carriers.get(row.id, ""), row.promised_by_ms) for row in rows])


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


def clocks(store: StoreRow | None, parcels: Parcels, now_ms: int) -> list[CarrierClock]:
    """Return the clocks of the carriers that come to this store, the next to come first."""
    if store is None:
        return []
    found = [_clock(store, pickup, parcels, now_ms) for pickup in store.carriers]
    return sorted(
        found, key=lambda one: (one.cutoff_ms is None, one.cutoff_ms or 0, one.pickup.carrier)
    )


def _clock(store: StoreRow, pickup: CarrierPickup, parcels: Parcels, now_ms: int) -> CarrierClock:
    cutoff_ms = next_cutoff_ms(pickup, store.timezone, frozenset(store.closures), now_ms)
    upto_ms = -1 if cutoff_ms is None else cutoff_ms
    to_do = sum(
        one.carrier == pickup.carrier and one.promised_by_ms <= upto_ms for one in parcels.new
    )
    labeled = waiting = 0
    for order in parcels.begun:
        shipment = shipment_of(order)
        boxes = [box for box in shipment.boxes if box.is_here and box.tracking]
        labeled += sum(box.carrier == pickup.carrier and not box.manifest for box in boxes)
        waiting += sum(box.carrier == pickup.carrier and bool(box.manifest) for box in boxes)
        packed = sum(box.units for box in boxes)
        is_due = order.promised_by_ms <= upto_ms
        if shipment.carrier == pickup.carrier and is_due and order.total("open") > packed:
            to_do += 1
    return CarrierClock(pickup, cutoff_ms, to_do, labeled, waiting)
