"""An order and a network as a problem for the solver: every way of shipping, priced.

Plain candidates and orders take a short cut: rows are rough at first (all units at
the cost of the first), and the solver asks for true ones where they matter.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import acos

from central_server.sourcing.engine.items import Item, Part
from central_server.sourcing.engine.lanes import Bands
from central_server.sourcing.engine.model import RoutingOrder, Rules
from central_server.sourcing.engine.network import Network, Plain
from central_server.sourcing.engine.prices import Shelf, balance_prices, worth_of
from central_server.sourcing.engine.problem import EPSILON, Cell, Offer, Problem
from central_server.sourcing.engine.rooms import Share, shares
from central_server.sourcing.engine.scales import Scales
from central_server.sourcing.engine.tariffs import kilometers
from central_server.sourcing.engine.ways import DAY_MS, Asking, Way
from central_server.sourcing.geo import EARTH_RADIUS_KM

TIER_MINOR = 0.25
"""Units of one item whose costs differ by less are one cell, at their mean cost."""
Shelves = Sequence[Sequence[Mapping[int, Shelf]]]
"""Who has each part of each item."""


@dataclass(frozen=True, slots=True)
class Offers:
    """The problem, and what its options and items stand for."""

    problem: Problem
    ways: list[Way]
    items: tuple[Item, ...]
    cost_step: float = 0.0
    """What costs are counted in where goals stand in order (minor units)."""


def offers(order: RoutingOrder, network: Network, items: tuple[Item, ...]) -> Offers:
    """Return the problem of an order over a network."""
    asking = Asking(order, network, items)
    shelves = [[network.shelves(part.sku) for part in item.parts] for item in items]
    places = sorted(set().union(*(found for item in shelves for found in item)))
    is_simple = not network.rules.ordered and not any(
        item.is_whole or item.parts[0].needs for item in items
    )
    building = _Building(order, network, items, shelves, asking)
    return building.rough(places) if is_simple else building.exact(places)


class _Building:
    """One problem in the making."""

    def __init__(
        self,
        order: RoutingOrder,
        network: Network,
        items: tuple[Item, ...],
        shelves: Shelves,
        asking: Asking,
    ) -> None:
        self._order = order
        self._network = network
        self._rules = network.rules
        self._unbalanced = replace(network.rules, balance_weight=0.0)
        self._items = items
        self._shelves = shelves
        self._asking = asking
        self._ways: list[Way] = []
        self._rows: list[Sequence[Offer]] = []
        self._opening: list[float] = []
        self._tables: dict[tuple[str, int], tuple[Bands, int]] = {}
        self._scales = Scales(
            self._rules.ordered, self._rules.speed_minor, self._rules.shipment_minor
        )

    def exact(self, places: Sequence[int]) -> Offers:
        """Return the problem with true rows."""
        ways: list[Way] = []
        given: list[Share] = []
        for place in places:
            found = self._asking.ways(place)
            for way in found if isinstance(found, list) else ():
                for share in shares(self._row(way), self._items, way.units_max):
                    if share.row:
                        ways.append(way)
                        given.append(share)
        wanted = [item.wanted for item in self._items]
        fixed, rows, step = self._scales.apply(
            Problem(wanted, [self._fixed(way) for way in ways], [share.row for share in given]),
            [self._harms(way, share) for way, share in zip(ways, given, strict=True)]
            if self._rules.ordered else (),
            [self._days(way) for way in ways],
        )  # fmt: skip
        rooms = [share.cap for share in given]
        return Offers(self._limited(fixed, rows, ways, rooms), ways, self._items, step)

    def rough(self, places: Sequence[int]) -> Offers:
        """Return the problem with rough rows, and the way to true ones."""
        for place in places:
            if self._network.plain[place] is None:
                self._ask(place)
        if len(self._items) == 1 and self._items[0].wanted == 1:
            self._add_single(self._items[0])
        else:
            self._add_plain(places)
        rooms = [way.units_max for way in self._ways]
        problem = self._limited(self._opening, self._rows, self._ways, rooms, is_rough=True)
        return Offers(problem, self._ways, self._items)

    def _ask(self, place: int) -> None:
        """Add the ways of a candidate that is not plain."""
        found = self._asking.ways(place)
        for way in found if isinstance(found, list) else ():
            row = self._row(way)
            if row:
                self._ways.append(way)
                self._rows.append(row)
                self._opening.append(self._weighed(way))

    def _weighed(self, way: Way) -> float:
        """Return what a shipment costs beside its units, in the weighted objective."""
        rules = self._rules
        late = rules.speed_minor * self._days(way) if rules.speed_minor else 0.0
        return self._fixed(way) + rules.shipment_minor + late

    def _add_plain(self, places: Sequence[int]) -> None:
        """Add the ways of plain candidates, with rough rows.

        This is the innermost loop of routing: it runs over every location with stock.
        """
        goods = [
            (number, item.wanted, item.parts[0].kg, self._shelves[number][0])
            for number, item in enumerate(self._items)
        ]
        plains, barred, now_ms = self._network.plain, self._barred(), self._network.now_ms
        per_day, per_parcel = self._rules.speed_minor, self._rules.shipment_minor
        ways, rows, openings, new_way = self._ways, self._rows, self._opening, Way._make
        tables: dict[tuple[str, int], tuple[Bands, int]] = {}
        hx, hy, hz = self._asking.here
        least = self._asking.least_cosine
        for place in places:
            plain = plains[place]
            if plain is None or place in barred:
                continue
            x, y, z, tariff, lead, handling, unit_extra = plain
            cosine = hx * x + hy * y + hz * z
            if cosine < least:
                continue
            found = tables.get((tariff, lead))
            if found is None:
                found = tables[tariff, lead] = self._table(plain)
            table, ready = found
            carriers = table.by_band[bisect_right(table.edges, cosine)]
            if not carriers:
                continue
            within = 1.0 if cosine > 1.0 else max(cosine, -1.0)
            km = EARTH_RADIUS_KM * acos(within)
            cells = [
                (number, kg, shelf.first, min(shelf.units, wanted))
                for number, wanted, kg, shelves in goods
                if (shelf := shelves.get(place)) is not None and shelf.units
            ]
            if not cells:
                continue
            for name, zone in carriers:
                unit = zone.unit_minor + zone.unit_km_minor * km + unit_extra
                kilo = zone.kg_minor + zone.kg_km_minor * km
                row = [(number, unit + kilo * kg + first, units)
                       for number, kg, first, units in cells]  # fmt: skip
                opening = zone.parcel_minor + zone.parcel_km_minor * km + handling
                if per_day:
                    opening += per_day * (zone.transit_days + (ready - now_ms) / DAY_MS)
                arrives = ready + int(zone.transit_days * DAY_MS)
                ways.append(new_way((place, name, zone, km, ready, arrives, None)))
                rows.append(row)
                openings.append(opening + per_parcel)

    def _add_single(self, item: Item) -> None:
        """Add the best plain way of shipping one unit.

        Candidates come in the order of what a unit costs beside its freight: once even
        the cheapest freight there is could not make up for that, nothing further can be better.
        """
        part, network = item.parts[0], self._network
        kg, per_day = part.kg, self._rules.speed_minor
        hx, hy, hz = self._asking.here
        floor = min(
            (network.bands(tariff, self._asking.days_left(lead)).least(kg)
             for tariff, lead in network.tariffs_and_leads), default=0.0,
        )  # fmt: skip
        least_cosine, barred = self._asking.least_cosine, self._barred()
        best, chosen = float("inf"), None
        for least, place in network.by_worth(part.sku):
            if least + floor >= best:
                break
            plain = network.plain[place]
            if plain is None or place in barred:
                continue
            cosine = hx * plain.x + hy * plain.y + hz * plain.z
            if cosine < least_cosine:
                continue
            table, ready = self._table(plain)
            for name, zone in table.carriers(cosine):
                km = kilometers(cosine)
                cost = least + zone.parcel(km) + zone.unit(km, kg)
                if per_day:
                    cost += per_day * (zone.transit_days + (ready - network.now_ms) / DAY_MS)
                if cost < best - EPSILON:
                    best, chosen = cost, (place, name, zone, km, ready)
        if chosen is None:
            return
        place, name, zone, km, ready = chosen
        way = Way(place, name, zone, km, ready, ready + int(zone.transit_days * DAY_MS))
        self._ways.append(way)
        self._rows.append(self._row(way))
        self._opening.append(self._weighed(way))

    def _barred(self) -> set[int]:
        """Return the numbers of the candidates that gave the order up."""
        found = (self._network.number(name) for name in self._order.excluded)
        return {place for place in found if place is not None}

    def _table(self, plain: Plain) -> tuple[Bands, int]:
        """Return the carriers for a plain candidate's parcels, and when these are ready."""
        key = (plain.tariff, plain.lead_minutes)
        found = self._tables.get(key)
        if found is None:
            ready = self._network.now_ms + plain.lead_minutes * 60_000
            table = self._network.bands(plain.tariff, self._asking.days_left(plain.lead_minutes))
            found = self._tables[key] = (table, ready)
        return found

    def _fixed(self, way: Way) -> float:
        """Return what a shipment costs beside its units."""
        return way.zone.parcel(way.km) + self._network.candidates[way.place].handling_minor

    def _days(self, way: Way) -> float:
        return max(0.0, (way.arrives_ms - self._network.now_ms) / DAY_MS)

    def _limited(
        self,
        fixed: list[float],
        rows: list[Sequence[Offer]],
        ways: Sequence[Way],
        rooms: Sequence[int | None],
        *,
        is_rough: bool = False,
    ) -> Problem:
        """Return the problem with the limits that the rules and the day parts set.

        `rooms` are what the ways take at most, in the solver's units.
        """
        wanted = [item.wanted for item in self._items]
        units = sum(wanted)
        goods = [item.units if item.is_whole else 1 for item in self._items]
        caps: list[int] | None = None
        if any(room is not None and room < units for room in rooms):
            caps = [units if room is None else room for room in rooms]
        is_several = len({way.place for way in ways}) < len(ways)
        return Problem(
            wanted,
            fixed,
            rows,
            places=[way.place for way in ways] if is_several else None,
            caps=caps,
            open_max=_shipments_max(self._order, self._rules),
            refine=(lambda option: self._row(ways[option])) if is_rough else None,
            goods=goods,
            dearer=self._dearer() if is_rough else 0.0,
        )

    def _dearer(self) -> float:
        """Return how much dearer than the first a later unit of what is wanted is at most."""
        several = (item.parts[0].sku for item in self._items if item.wanted > 1)
        return max(map(self._network.spread, several), default=0.0)

    def _row(self, way: Way) -> list[Offer]:
        """Return what a candidate offers of each item, in tiers of ascending cost."""
        row: list[Offer] = []
        for number, item in enumerate(self._items):
            if item.is_whole:
                cost = self._whole_cost(way, item, self._shelves[number])
                if cost is not None:
                    row.append(Cell(number, cost, 1))
                continue
            shelf = self._shelves[number][0].get(way.place)
            if shelf is not None:
                costs = self._unit_costs(way, item.parts[0], shelf)
                if len(costs) == 1:
                    row.append((number, costs[0], 1))
                elif self._rules.ordered:
                    row += [(number, cost, 1) for cost in costs]
                elif costs:
                    _append_tiers(row, number, costs)
        return row

    def _whole_cost(
        self, way: Way, item: Item, shelves: Sequence[Mapping[int, Shelf]]
    ) -> float | None:
        total = 0.0
        for part, found in zip(item.parts, shelves, strict=True):
            shelf = found.get(way.place)
            costs: Sequence[float] = () if shelf is None else self._unit_costs(way, part, shelf)
            if len(costs) < part.quantity:
                return None
            total += sum(costs)
        return total

    def _harms(self, way: Way, share: Share) -> list[float]:
        """Return what each unit of a share, one cell each, costs the balance of stock."""
        found: list[float] = []
        for number, item in enumerate(self._items):
            shelves = [shelves.get(way.place) for shelves in self._shelves[number]]
            harms = [
                list(balance_prices(shelf.stock, min(part.quantity, shelf.units), self._rules))
                or [0.0] * min(part.quantity, shelf.units)
                for shelf, part in zip(shelves, item.parts, strict=True) if shelf is not None
            ]  # fmt: skip
            cells = sum(1 for offered, _, _ in self._row(way) if offered == number)
            if item.is_whole:
                found += [sum(map(sum, harms))] * cells
            elif cells:
                found += harms[0]
        return [found[cell] for cell in share.cells]

    def _unit_costs(self, way: Way, part: Part, shelf: Shelf) -> Sequence[float]:
        """Return what the first, second ... unit of a part costs, as many as may leave."""
        one = self._network.candidates[way.place]
        if part.needs and not part.needs <= one.capabilities:
            return ()
        base = way.zone.unit(way.km, part.kg) + one.unit_handling_minor + one.unit_surcharge_minor
        if self._rules.ordered:
            count = min(part.quantity, shelf.units)
            return [base + price for price in worth_of(shelf.stock, self._unbalanced, count)]
        return [base + price for price in shelf.worth(self._rules, part.quantity)]


def _shipments_max(order: RoutingOrder, rules: Rules) -> int | None:
    """Return how many shipments an order may become; None: as many as are cheapest."""
    if rules.whole_below_minor and order.value_minor < rules.whole_below_minor:
        return 1
    return rules.shipments_max


def _append_tiers(row: list[Offer], item: int, costs: Sequence[float]) -> None:
    """Append cells of nearly equal costs, ascending: a later unit never costs less."""
    start, dearest = 0, costs[0]
    for place in range(1, len(costs) + 1):
        if place < len(costs) and costs[place] - costs[start] < TIER_MINOR:
            continue
        mean = max(dearest, sum(costs[start:place]) / (place - start))
        row.append((item, mean, place - start))
        start, dearest = place, mean
