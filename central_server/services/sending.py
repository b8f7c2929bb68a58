"""Who takes a parcel from a location, what that costs, and on which days it is delivered.

Read once in a transaction: the rates and the days of carriers. One answer for what
customers are shown, for what they are told of a placed order, and for the engine's speed.
"""

from collections.abc import Mapping
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from central_server.records import Location, ShippingRate
from central_server.sourcing.engine.tariffs import Service, Tariff, Zone
from central_server.sourcing.shipping import (
    CarrierChoice,
    choose_carrier,
    cost_of,
    delivery_of,
)
from sync.domain.delivery import ANY_CARRIER, CarrierDays, DeliveryDays

if TYPE_CHECKING:
    from central_server.storage.unit import View

KILO = 1000
Reach = tuple[tuple[float | None, int], ...]
"""How far a lane reaches (km; None: any distance), and how many days later it has delivered."""


class Sending:
    """The carriers of one transaction."""

    def __init__(self, view: "View", rates: tuple[ShippingRate, ...] | None = None) -> None:
        """`rates` are those in force, if none are given."""
        self._view = view
        self._rates = rates
        self._days: Mapping[str, CarrierDays] | None = None
        self._choices: dict[object, CarrierChoice | None] = {}
        self._reaches: dict[object, Reach] = {}
        self._tariffs: dict[object, tuple[str, Tariff]] = {}

    @property
    def rates(self) -> tuple[ShippingRate, ...]:
        """The whole table, read once."""
        if self._rates is None:
            self._rates = self._view.shipping.rates()
        return self._rates

    @property
    def currency(self) -> str | None:
        """The currency of all rates; None where there are none.

        Rates of several, that were kept before that was refused, are no currency of any order.
        """
        return " and ".join(sorted({one.currency for one in self.rates})) or None

    @property
    def days(self) -> Mapping[str, CarrierDays]:
        """When carriers travel, read once."""
        if self._days is None:
            self._days = self._view.shipping.days()
        return self._days

    def choice(self, place: Location, method: str, grams: int, ready: int) -> CarrierChoice | None:
        """Return who takes a parcel that weighs so much and is ready at a moment."""
        key = (place.carriers, place.timezone, place.closures, method, grams, ready)
        if key not in self._choices:
            self._choices[key] = choose_carrier(place, self.rates, method, grams, ready)
        return self._choices[key]

    def delivery(self, place: Location, choice: CarrierChoice, km: float | None) -> DeliveryDays:
        """Return on which days a parcel is delivered `km` away; anywhere, if that is None."""
        return delivery_of(place, self.days, self.rates, choice, km)

    def tariff(
        self,
        place: Location,
        choice: CarrierChoice | None,
        light: int,
        heavy: int,
        km_minor: float,
    ) -> tuple[str, Tariff]:
        """Return what a parcel of a carrier costs and how long it takes; and that tariff's name.

        Rates are steps by weight; the line through the `light`est unit and all that the
        location could send (`heavy`, for which the carrier was chosen; grams) is exact at both
        ends. It arrives on the last day on which it may be delivered, as its customer is told.
        """
        if choice is None or not heavy:
            return "", Tariff(())
        reach = self._reach(place, choice)
        key = (choice.carrier, choice.service, choice.amount_minor, light, heavy, km_minor, reach)
        if key not in self._tariffs:
            self._tariffs[key] = self._new_tariff(choice, light, heavy, km_minor, reach)
        return self._tariffs[key]

    def _new_tariff(
        self, choice: CarrierChoice, light: int, heavy: int, km_minor: float, reach: Reach
    ) -> tuple[str, Tariff]:
        one = cost_of(self.rates, choice.carrier, choice.service, light) or 0
        more = max(0, choice.amount_minor - one)
        gram = more / (heavy - light) if heavy > light else 0.0
        parcel = max(0.0, one - gram * light)
        zones = tuple(
            Zone(days, parcel, kg_minor=gram * KILO, parcel_km_minor=km_minor, up_to_km=km)
            for km, days in reach
        )
        name = f"{choice.carrier} {choice.service}"
        return f"{name} {parcel} {gram} {reach}", Tariff((Service(name, zones),))

    def _reach(self, place: Location, choice: CarrierChoice) -> Reach:
        key = (place.timezone, choice.carrier, choice.service, choice.ship_by_ms)
        if key not in self._reaches:
            lanes = self.days.get(choice.carrier, ANY_CARRIER).lanes
            ends = [one.up_to_km for one in lanes if one.service == choice.service]
            if None not in ends:
                ends.append(None)
            left = datetime.fromtimestamp(choice.ship_by_ms / 1000, ZoneInfo(place.timezone)).date()
            self._reaches[key] = tuple(
                (km, (self.delivery(place, choice, inf if km is None else km).latest - left).days)
                for km in ends
            )
        return self._reaches[key]
