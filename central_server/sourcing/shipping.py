"""Which carrier takes a parcel from a location, and by when it must be ready. Pure.

The cheapest service of the wanted method among the carriers that come there;
of equal ones the one that comes first, then by name, so that the same values
always give the same choice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sync.domain.delivery import (
    ANY_CARRIER,
    CarrierDays,
    DeliveryDays,
    delivery_days,
    transit_days,
)
from sync.domain.shipping import CarrierPickup, ShippingRate, next_cutoff_ms

UNIT_GRAMS = 500
"""What a unit is taken to weigh as long as nobody has weighed it."""


class ShippingPlace(Protocol):
    """What must be known of a location to ship from it."""

    @property
    def carriers(self) -> tuple[CarrierPickup, ...]:
        """Who comes there, and when."""
        ...

    @property
    def timezone(self) -> str:
        """In which cut-offs are told."""
        ...

    @property
    def closures(self) -> tuple[str, ...]:
        """Dates on which nobody comes, YYYY-MM-DD."""
        ...


@dataclass(frozen=True, slots=True)
class CarrierChoice:
    """Who takes it, what that costs by the table, and when they come."""

    carrier: str
    service: str
    amount_minor: int
    ship_by_ms: int


def rate_for(
    rates: Iterable[ShippingRate], carrier: str, service: str, weight_grams: int
) -> ShippingRate | None:
    """Return the cheapest row of the table that covers a weight; None where nothing does."""
    fitting = [
        one
        for one in rates
        if (one.carrier, one.service) == (carrier, service) and one.weight_grams_max >= weight_grams
    ]
    return min(fitting, key=lambda one: (one.amount_minor, one.weight_grams_max), default=None)


def cost_of(
    rates: Iterable[ShippingRate], carrier: str, service: str, weight_grams: int
) -> int | None:
    """Return what a weight costs by the table, in minor units; None where it has no such service.

    What is too heavy for one parcel goes in several: as many of the heaviest as
    are full, and one of the rest.
    """
    table = [one for one in rates if (one.carrier, one.service) == (carrier, service)]
    if not table:
        return None
    heaviest = max(one.weight_grams_max for one in table)
    full = max(0, -(-weight_grams // heaviest) - 1)
    parts = [rate_for(table, carrier, service, grams)
             for grams in (heaviest, weight_grams - full * heaviest)]  # fmt: skip
    most, rest = (0 if one is None else one.amount_minor for one in parts)
    return full * most + rest


def days_of(rates: Iterable[ShippingRate], carrier: str, service: str) -> int:
    """Return how many days a service travels, at most over its weights."""
    return max(
        (one.days for one in rates if (one.carrier, one.service) == (carrier, service)), default=0
    )


def delivery_of(
    place: ShippingPlace, carriers: Mapping[str, CarrierDays], rates: Iterable[ShippingRate],
    choice: CarrierChoice, km: float | None,
) -> DeliveryDays:  # fmt: skip
    """Return when what a carrier takes is delivered `km` away; anywhere, if that is None."""
    carrier = carriers.get(choice.carrier, ANY_CARRIER)
    most = days_of(rates, choice.carrier, choice.service)
    transit = transit_days(carrier, choice.service, km, most)
    return delivery_days(carrier, choice.ship_by_ms, place.timezone, transit)


def offers_method(location: ShippingPlace, method: str) -> bool:
    """Return whether anybody who comes there has such a service."""
    return any(method in pickup.services for pickup in location.carriers)


def choose_carrier(
    location: ShippingPlace,
    rates: Iterable[ShippingRate],
    method: str,
    weight_grams: int,
    ready_ms: int,
) -> CarrierChoice | None:
    """Return who takes a parcel that can be ready at `ready_ms`; None where nobody does."""
    table = tuple(rates)
    choices = [
        choice
        for pickup in location.carriers
        if (choice := _choice(location, pickup, table, method, weight_grams, ready_ms))
    ]
    return min(
        choices, key=lambda one: (one.amount_minor, one.ship_by_ms, one.carrier), default=None
    )


def _choice(
    location: ShippingPlace,
    pickup: CarrierPickup,
    rates: tuple[ShippingRate, ...],
    method: str,
    weight_grams: int,
    ready_ms: int,
) -> CarrierChoice | None:
    if method not in pickup.services:
        return None
    amount_minor = cost_of(rates, pickup.carrier, method, weight_grams)
    closures = frozenset(location.closures)
    ship_by_ms = next_cutoff_ms(pickup, location.timezone, closures, ready_ms - 1)
    if amount_minor is None or ship_by_ms is None:
        return None
    return CarrierChoice(pickup.carrier, method, amount_minor, ship_by_ms)
