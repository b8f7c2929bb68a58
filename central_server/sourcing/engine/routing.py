"""`route(order, candidates, rules, now_ms)`: who ships an order, for how much, and why.

Pure: equal values give the equal plan. Candidates may be given as values, which
are then prepared for this one order, or as a `Network` that was prepared for many.
`explain.route_explained` is the same with its trace. Pickups, which one store gives whole,
are decided by another `route`, over types of its own: `central_server.sourcing.routing`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from numbers import Integral

from central_server.sourcing.engine.checks import Fault, InvalidRequest, check_request
from central_server.sourcing.engine.items import Item, items_of
from central_server.sourcing.engine.model import Candidate, RoutingOrder, Rules
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.offers import Offers, offers
from central_server.sourcing.engine.plan import Preferences, Shipment, Shipped, SourcingPlan, Terms
from central_server.sourcing.engine.prices import balance_prices, breaks_run, shelf_prices
from central_server.sourcing.engine.problem import Solution
from central_server.sourcing.engine.solver import EFFORT_MAX, solve
from central_server.sourcing.engine.ways import DAY_MS, Way
from central_server.sourcing.geo import haversine_km


def route(
    order: RoutingOrder,
    candidates: Iterable[Candidate],
    rules: Rules,
    now_ms: int,
    *,
    effort_max: int = EFFORT_MAX,
) -> SourcingPlan:
    """Return the plan for `order` among `candidates`, decided at `now_ms` (milliseconds UTC).

    `effort_max` bounds the search (options looked at, `solver`); a plan that was cut
    short says so by its `gap`. What nobody can ship is in `unsourced`, which is no error.

    Raises `checks.InvalidRequest`, a ValueError that names each field, unless: coordinates
    are degrees; numbers of lines and ids of locations are distinct; quantities are whole, from
    1 to `checks.QUANTITY_MAX`; stock and `now_ms` are whole; a SKU weighs the same in all of
    its lines; weights, prices and rates are numbers, finite and not negative;
    `fill_probability` is within 0 and 1; given prices of units never fall; parts of a day
    follow each other and end after they begin; names are in sets; goals are goals, none twice.
    A tariff that the rules lack is no fault: nothing ships by it (`NO_SERVICE`).

    Units of measure are those of `model`. `ROUTING.md` has an example that runs.
    """
    return plan_order(order, sound_network(order, candidates, rules, now_ms), effort_max=effort_max)


def sound_network(
    order: RoutingOrder, candidates: Iterable[Candidate], rules: Rules, now_ms: int
) -> Network:
    """Return candidates ready for one order; raises `InvalidRequest` as `route` does."""
    given = tuple(candidates)
    faults = check_request(order, given, rules)
    if not isinstance(now_ms, Integral):
        text = f"{now_ms!r} is no whole number of milliseconds"
        faults = [Fault("now_ms", text), *faults]
    if faults:
        raise InvalidRequest(faults)
    return Network(given, rules, now_ms, {line.sku for line in order.lines})


def plan_order(
    order: RoutingOrder, network: Network, *, effort_max: int = EFFORT_MAX
) -> SourcingPlan:
    """Return the plan for `order` over a prepared network, at its instant.

    Nothing is checked here (`route` does): whoever prepares a network for many orders
    answers for its values and theirs. Should lines of one SKU disagree, the heaviest counts.
    """
    items = items_of(order, network.rules)
    offered = offers(order, network, items)
    solution = solve(offered.problem, effort_max)
    if network.rules.is_all_or_nothing and any(solution.unmet):
        solution = Solution((), 0.0, 0.0, tuple(offered.problem.wanted), solution.nodes)
    return _plan(order, network, offered, solution)


def _plan(
    order: RoutingOrder, network: Network, offered: Offers, solution: Solution
) -> SourcingPlan:
    by_item: dict[int, list[tuple[int, int]]] = {}
    for take in solution.takes:
        by_item.setdefault(take.item, []).append((take.option, take.units))
    shares: dict[int, list[tuple[Item, int, list[Shipped]]]] = {}
    unsourced: list[Shipped] = []
    for number, item in enumerate(offered.items):
        taken = by_item.get(number, [])
        counts = [units for _, units in taken]
        *found, missing = item.shipped([*counts, solution.unmet[number]])
        unsourced += missing
        for (option, units), lines in zip(taken, found, strict=True):
            shares.setdefault(option, []).append((item, units, lines))
    shipments = sorted(
        (_shipment(network, order, _earliest(network, offered.ways[option], share), share)
         for option, share in shares.items()),
        key=lambda one: one.location_id,
    )  # fmt: skip
    terms = Terms()
    for shipment in shipments:
        terms = terms.plus(shipment.terms)
    rules = network.rules
    plan = SourcingPlan(
        tuple(shipments),
        tuple(sorted(unsourced, key=lambda one: one.line)),
        terms,
        solution.cost,
        solution.bound,
        rules.name,
        rules.version,
        network.now_ms,
        ordered=rules.ordered,
        cost_step=offered.cost_step,
    )
    if rules.ordered:
        return plan
    weighed = Preferences(rules.speed_minor * plan.days, rules.shipment_minor * len(shipments))
    return replace(plan, preferences=weighed)


def _earliest(network: Network, way: Way, share: Sequence[tuple[Item, int, list[Shipped]]]) -> Way:
    """Return the way in the first part of the day that has room for what is shipped by it.

    The search knows only what the whole order would need.
    """
    units = sum(item.units if item.is_whole else count for item, count, _ in share)
    first = network.slots(way.place, units)[-1]
    is_full = first.units_max is not None and first.units_max < units
    if is_full or first.ready_ms >= way.ready_ms:
        return way
    leaving = first.leaves_ms.get(way.service, first.ready_ms)
    arrives = leaving + round(way.zone.transit_days * DAY_MS)
    return way._replace(ready_ms=first.ready_ms, arrives_ms=arrives, units_max=first.units_max)


def _shipment(
    network: Network,
    order: RoutingOrder,
    way: Way,
    share: list[tuple[Item, int, list[Shipped]]],
) -> Shipment:
    one = network.candidates[way.place]
    freight, handling, surcharge = way.zone.parcel(way.km), one.handling_minor, 0.0
    shelf = risk = balance = 0.0
    broken: list[str] = []
    for item, units, _ in share:
        for part in item.parts:
            count = part.quantity if item.is_whole else units
            found = network.shelves(part.sku)[way.place]
            stock, rules = found.stock, network.rules
            freight += count * way.zone.unit(way.km, part.kg)
            handling += count * one.unit_handling_minor
            surcharge += count * one.unit_surcharge_minor
            shelf += rules.stock_weight * sum(shelf_prices(stock, count))
            risk += count * (1.0 - stock.fill_probability) * rules.failed_pick_minor
            balance += rules.balance_weight * sum(balance_prices(stock, count, rules))
            if breaks_run(stock, count, rules):
                broken.append(part.sku)
    return Shipment(
        one.location_id,
        way.service,
        tuple(sorted((line for _, _, lines in share for line in lines), key=lambda it: it.line)),
        way.ready_ms,
        way.arrives_ms,
        round(haversine_km(order.latitude, order.longitude, one.latitude, one.longitude), 1),
        Terms(freight, handling, surcharge, shelf, risk, balance),
        tuple(broken),
    )
