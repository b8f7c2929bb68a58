"""What central keeps about sending, as plain values. Times in ms UTC."""

from dataclasses import dataclass
from typing import NamedTuple

from sync.domain.delivery import ANY_CARRIER, CarrierDays


@dataclass(frozen=True, slots=True)
class ShippingCarrier:
    """A carrier that parcels may go with."""

    id: str
    name: str
    number_prefix: str = ""
    """Of the label numbers that it lets us give away ahead; empty: each label is bought."""
    next_number: int = 1
    """The next serial of that range."""
    days: CarrierDays = ANY_CARRIER


class KeptUnits(NamedTuple):
    """What a location keeps of a SKU for orders of one channel that are held."""

    sku: str
    location_id: str
    channel: str
    units: int


@dataclass(frozen=True, slots=True)
class RoutingPause:
    """Until when a location is not asked: for an order, or for a SKU (the other one is empty)."""

    location_id: str
    order_id: str
    sku: str
    until_ms: int
    reason: str
