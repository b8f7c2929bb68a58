"""Kits in routing: a parcel order's kits leave whole, each from one location. Pure.

The engine sees a kit as one item: as many lie at a location as its scarcest component
allows, and kits of one line may go to several locations, their components never. Where a
component is wanted beside the kit too, stock would count twice: then all of it is one
group, which leaves from one location.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Protocol

from central_server.sourcing.engine.model import RequestedLine, RoutingOrder, Stock
from central_server.sourcing.engine.plan import Shipped, SourcingPlan
from central_server.sourcing.engine.prices import shelf_prices

PREFIX = "kit:"
"""Of the names that the engine knows kits by: no SKU."""


class KitLine(Protocol):
    """A line of an order, and of which kit it is a part."""

    @property
    def line(self) -> int:
        """Its number."""
        ...

    @property
    def sku(self) -> str:
        """What it is."""
        ...

    @property
    def kit(self) -> str:
        """The kit as it was bought; empty: none."""
        ...

    @property
    def kit_units(self) -> int:
        """Units of this line in one kit."""
        ...


@dataclass(frozen=True, slots=True)
class WantedKit:
    """Kits of one line of an order."""

    name: str
    count: int
    lines: Mapping[int, int]
    """Units of each of its lines in one kit."""
    skus: Mapping[str, int]
    """Units of each component in one kit."""

    def at(self, free: Mapping[str, int]) -> int:
        """Return how many of it there are where so many units are free."""
        return min(free.get(sku, 0) // each for sku, each in self.skus.items())

    def shelf(self, parts: Mapping[str, Stock]) -> Stock:
        """Return the kits that its components make at a location, and what giving them up costs.

        The n-th kit costs what its units of each component cost there (minor units), and is
        found if all of these are. `is_full_run` where the last kit takes the last unit of a run.
        """
        units = self.at({sku: stock.units for sku, stock in parts.items()})
        taken = min(units, self.count)
        prices = [0.0] * taken
        for sku, each in self.skus.items():
            singles = shelf_prices(parts[sku], taken * each)
            for kit in range(taken):
                prices[kit] += sum(singles[kit * each : (kit + 1) * each])
        return Stock(
            units,
            tuple(prices) if any(prices) else (),
            fill_probability=prod(parts[sku].fill_probability**each
                                  for sku, each in self.skus.items()),
            is_full_run=any(parts[sku].is_full_run and units * each == parts[sku].units
                            for sku, each in self.skus.items()),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kits:
    """The kits of an order: those that are items, and lines that leave together."""

    items: tuple[WantedKit, ...] = ()
    groups: Mapping[int, str] = field(default_factory=dict)
    """The group of a line, by its number."""

    def asked(self, order: RoutingOrder) -> RoutingOrder:
        """Return an order with each kit as one line, named by the first of its own."""
        if not self.items and not self.groups:
            return order
        plain = {one.line: one for one in order.lines}
        lines = [replace(one, group=self.groups.get(one.line, "")) for one in order.lines
                 if not any(one.line in kit.lines for kit in self.items)]  # fmt: skip
        lines += [_as_one(kit, [plain[line] for line in kit.lines]) for kit in self.items]
        return replace(order, lines=tuple(sorted(lines, key=lambda one: one.line)))

    def stocked(self, free: Mapping[str, int]) -> Mapping[str, int]:
        """Return what is free at a location, its kits too."""
        kits = {kit.name: count for kit in self.items if (count := kit.at(free)) > 0}
        return {**free, **kits} if kits else free

    def taken_apart(self, plan: SourcingPlan, skus: Mapping[int, str]) -> SourcingPlan:
        """Return a plan in lines of the order (`skus`: by line), no kit left."""
        if not self.items:
            return plan
        named = {kit.name: kit for kit in self.items}

        def apart(lines: Sequence[Shipped]) -> tuple[Shipped, ...]:
            found = [
                part
                for one in lines
                for part in (
                    [one] if one.sku not in named else
                    [Shipped(line, skus[line], each * one.quantity)
                     for line, each in named[one.sku].lines.items()]
                )
            ]  # fmt: skip
            return tuple(sorted(found, key=lambda one: one.line))

        shipments = tuple(replace(one, lines=apart(one.lines)) for one in plan.shipments)
        return replace(plan, shipments=shipments, unsourced=apart(plan.unsourced))


NO_KITS = Kits()


def kits_of(lines: Sequence[KitLine], units: Mapping[int, int]) -> Kits:
    """Return the kits among `units` (by line) that are wanted whole.

    What is left of a kit after a part of it went elsewhere is no kit any more.
    """
    by_kit: defaultdict[str, list[KitLine]] = defaultdict(list)
    for one in lines:
        if one.kit:
            by_kit[one.kit].append(one)
    if not by_kit:
        return NO_KITS
    items: list[WantedKit] = []
    groups: dict[int, str] = {}
    for name, parts in by_kit.items():
        counts = {units.get(one.line, 0) / one.kit_units for one in parts}
        count = counts.pop()
        if counts or not count or count != int(count):
            continue
        skus: defaultdict[str, int] = defaultdict(int)
        for one in parts:
            skus[one.sku] += one.kit_units
        others = {one.sku for one in lines if one.kit != name and units.get(one.line)}
        if others & skus.keys():
            groups |= {one.line: name for one in parts}
            continue
        own = {one.line: one.kit_units for one in parts}
        items.append(WantedKit(PREFIX + name, int(count), own, skus))
    return Kits(tuple(items), groups)


def _as_one(kit: WantedKit, parts: Sequence[RequestedLine]) -> RequestedLine:
    first = parts[0]
    return RequestedLine(
        first.line, kit.name, kit.count,
        sum(one.weight_grams * kit.lines[one.line] for one in parts),
        sum(one.unit_price_minor * kit.lines[one.line] for one in parts),
        first.category, frozenset().union(*(one.needs for one in parts)),
    )  # fmt: skip
