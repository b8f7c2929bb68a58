"""Carriers, their rates, and when they come where: from one JSON document of the operator's.

    {"carriers": [{"id": "swift", "name": "Swift Parcel", "number_prefix": "SW",
                   "travels": ["mon", "tue", "wed", "thu", "fri", "sat"],
                   "days_off": ["2026-12-25"],
                   "lanes": [{"service": "standard", "up_to_km": 300, "days_min": 1, "days_max": 2},
                             {"service": "standard", "days_min": 2, "days_max": 4}]}],
     "rates": [{"carrier": "swift", "service": "standard", "weight_grams_max": 2000,
                "amount_minor": 690, "currency": "USD", "days": 3}],
     "pickups": {"*": [{"carrier": "swift", "services": ["standard"],
                        "cutoffs": ["16:30", "16:30", "16:30", "16:30", "16:30", "12:00", ""]}]}}

`*` is every store that is not named; an empty cut-off is a day without a pickup. A carrier
`travels` and delivers Monday to Friday where nothing is said; a service takes the `days` of
its rate, the carrier's own, where no lane says how many at least and at most over a distance.
A document is whole: rates and pickups that it does not tell are gone.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from central_server.records import Location, ShippingRate
from central_server.shipping_records import ShippingCarrier
from sync.domain.delivery import CarrierDays, Lane
from sync.domain.shipping import CarrierPickup

EVERYWHERE = "*"
_CURRENCY = re.compile(r"[A-Z]{3}")
_TIME = re.compile(r"([0-9]{1,2}):([0-5][0-9])")
DAYS = 7
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NAMED_MAX = 5
LANE_MAX = 60
"""Days that a parcel may be on its way."""


class BadCarriers(ValueError):
    """The document is none of carriers; says what is wrong."""


class StopsShipping(ValueError):
    """By the document nothing would be sent from locations that send now."""

    def __init__(self, places: Sequence[str]) -> None:
        """Name the locations."""
        super().__init__(stopped_words(places))
        self.places = tuple(places)


@dataclass(frozen=True, slots=True)
class CarriersSet:
    """What a document that was taken has changed."""

    ship: int
    """How many locations send from now on."""
    stopped: tuple[str, ...] = ()
    """Which do not any more."""


@dataclass(frozen=True, slots=True)
class CarrierFile:
    """What the document says."""

    carriers: tuple[ShippingCarrier, ...]
    rates: tuple[ShippingRate, ...]
    pickups: Mapping[str, tuple[CarrierPickup, ...]]

    def __post_init__(self) -> None:
        """Raise `BadCarriers` where rates are of several currencies."""
        require_one_currency(self.rates)

    def at(self, location: Location) -> tuple[CarrierPickup, ...]:
        """Return who comes to a location; nobody to a distribution center unless it is named."""
        named = self.pickups.get(location.id)
        if named is not None:
            return named
        return self.pickups.get(EVERYWHERE, ()) if location.kind == "store" else ()


def sends(pickups: Sequence[CarrierPickup], rates: Sequence[ShippingRate]) -> bool:
    """Return whether anything is sent where these carriers come: with a service that has a rate."""
    priced = {(one.carrier, one.service) for one in rates}
    return any((one.carrier, service) in priced for one in pickups for service in one.services)


def stopped_words(places: Sequence[str]) -> str:
    """Say that locations send nothing any more, and name the first few."""
    named = ", ".join(places[:NAMED_MAX]) + (", ..." if len(places) > NAMED_MAX else "")
    return f"{len(places)} places ship no more: {named}"


def require_one_currency(rates: Sequence[ShippingRate]) -> None:
    """Raise `BadCarriers` where rates cannot be compared with each other."""
    found = sorted({one.currency for one in rates})
    if strange := [one for one in found if not _CURRENCY.fullmatch(one)]:
        raise BadCarriers(f"{strange[0]!r} is no currency: give three letters, such as EUR")
    if len(found) > 1:
        names = f"{', '.join(found[:-1])} and {found[-1]}"
        raise BadCarriers(f"rates in {names}: they are compared, so all are in one currency")


def read_carriers(text: str) -> CarrierFile:
    """Return what a document says, or raise `BadCarriers`."""
    try:
        document = json.loads(text)
        carriers = tuple(
            ShippingCarrier(one["id"], one["name"], one.get("number_prefix", ""), days=_days(one))
            for one in document["carriers"]
        )
        rates = tuple(map(_rate, document["rates"]))
        names = {one.id: one.name for one in carriers}
        pickups = {
            place: tuple(_pickup(one, names) for one in found)
            for place, found in document["pickups"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise BadCarriers(f"{type(problem).__name__}: {problem}") from problem
    if unknown := {one.carrier for one in rates} - names.keys():
        raise BadCarriers(f"rates of unknown carriers: {', '.join(sorted(unknown))}")
    return CarrierFile(carriers, rates, pickups)


def _days(one: Mapping[str, Any]) -> CarrierDays:
    travels = one.get("travels", WEEK[:5])
    if isinstance(travels, str) or not travels or set(travels) - set(WEEK):
        raise ValueError(f"{one['id']}: it travels on some of {', '.join(WEEK)}")
    days_off = tuple(date.fromisoformat(day).isoformat() for day in one.get("days_off", ()))
    lanes = tuple(_lane(lane) for lane in one.get("lanes", ()))
    return CarrierDays(tuple(day in travels for day in WEEK), days_off, lanes)


def _lane(one: Mapping[str, Any]) -> Lane:
    lane = Lane(**one)
    days = (lane.days_min, lane.days_max)
    if any(type(value) is not int for value in days) or not 0 <= days[0] <= days[1] <= LANE_MAX:
        raise ValueError(f"{lane.service}: days_min to days_max are from 0 to {LANE_MAX}")
    if lane.up_to_km is not None and not float(lane.up_to_km) > 0:
        raise ValueError(f"{lane.service}: up_to_km is a distance, or nothing")
    return lane


def _pickup(one: Mapping[str, Any], names: Mapping[str, str]) -> CarrierPickup:
    cutoffs = tuple(_minutes(text) for text in one["cutoffs"])
    if len(cutoffs) != DAYS:
        raise ValueError(f"{one['carrier']}: seven cut-offs, Monday first")
    return CarrierPickup(one["carrier"], names[one["carrier"]], cutoffs, _services(one["services"]))


def _services(names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(names, str) or not names:
        raise ValueError("services are a list")
    return tuple(names)


def _rate(one: Mapping[str, Any]) -> ShippingRate:
    rate = ShippingRate(**one)
    least = {"weight_grams_max": 1, "amount_minor": 0, "days": 0}
    for name, fewest in least.items():
        value = getattr(rate, name)
        if type(value) is not int or value < fewest:
            raise ValueError(f"{rate.carrier} {rate.service}: {name} is a number from {fewest} on")
    return rate


def _minutes(text: str) -> int:
    if not text:
        return 0
    found = _TIME.fullmatch(text)
    value = 0 if found is None else int(found[1]) * 60 + int(found[2])
    if not 0 < value <= 24 * 60:
        raise ValueError(f"{text!r} is no time of day")
    return value
