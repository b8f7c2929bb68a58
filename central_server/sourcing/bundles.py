"""Kits and bundles: sold as one SKU, kept and picked as its components. Pure.

A place can give as many as its scarcest component allows; the network, the sum over
places, as a kit is never put together from two of them. What is kept of components is
kept of kits by that; rules are written for components.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from central_server.sourcing.promise_terms import Promise, Term
from sync.domain.money import Money

SCARCEST = "scarcest_component"
UNITS_MAX = 100
"""Of all components of one kit together."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A kit: units of each component, by SKU."""

    sku: str
    components: Mapping[str, int]

    def count(self, units: Mapping[str, int]) -> int:
        """Return how many kits `units` of components make: as the scarcest one allows."""
        return min(units.get(sku, 0) // each for sku, each in self.components.items())


@dataclass(frozen=True, slots=True)
class Part:
    """Units of a component in one kit, and what one unit of it costs as a part of it."""

    sku: str
    units: int
    unit_price_minor: int


def assembled(bundle: Bundle, found: Mapping[str, Promise]) -> Promise:
    """Return what may be promised of a kit at one place, from its components' promises there."""
    parts = [found[sku] for sku in bundle.components if sku in found]
    whole = len(parts) == len(bundle.components)
    count = bundle.count({sku: one.quantity for sku, one in found.items()})
    there = bundle.count({sku: max(0, one.begins) for sku, one in found.items()})
    return Promise(
        there, _less(there - count), whole and all(one.is_offered for one in parts),
        any(one.is_protected for one in parts),
    )  # fmt: skip


def of_network(bundle: Bundle, at_places: Iterable[int], whole: Mapping[str, Promise]) -> Promise:
    """Return what may be promised of a kit over all places (kits each place could give)."""
    most = bundle.count({sku: one.quantity for sku, one in whole.items()})
    places = sum(at_places)
    return Promise(places, _less(max(0, places - most)))


def _less(kits: int) -> tuple[Term, ...]:
    """Return what the scarcest component takes away: its own terms say why."""
    return (Term(SCARCEST, kits),) if kits else ()


def parts_of(bundle: Bundle, price_minor: int, prices_minor: Mapping[str, int]) -> list[Part]:
    """Return a kit's components with prices that add up to the kit's exactly.

    The price is divided by what the components cost alone; where one has no price, by
    units. A component whose units cannot cost the same is returned in two parts.
    """
    singles = [sku for sku, each in sorted(bundle.components.items()) for _ in range(each)]
    weights = tuple(prices_minor.get(sku, 0) for sku in singles)
    if not all(weights):
        weights = (1,) * len(singles)
    shares = [one.amount_minor for one in Money(price_minor, "").split(weights)]
    return [
        Part(sku, len(list(same)), share)
        for (sku, share), same in groupby(sorted(zip(singles, shares, strict=True)))
    ]
