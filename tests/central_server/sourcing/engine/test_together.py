"""Orders decided together: never worse than one by one, optimal on small cases, never oversold."""

from itertools import product
from random import Random

import pytest

from central_server.sourcing.engine.batch import decide_anew
from central_server.sourcing.engine.duals import forecast_prices
from central_server.sourcing.engine.goals import Cell
from central_server.sourcing.engine.highs import OptimizerMissing, minimise
from central_server.sourcing.engine.model import (
    Candidate,
    RequestedLine,
    RoutingOrder,
    Rules,
    Stock,
)
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.routing import plan_order
from central_server.sourcing.engine.tariffs import Service, Tariff, Zone
from central_server.sourcing.engine.together import Open, Together

RULES = Rules({"": Tariff((Service("ground", (Zone(2, 500, 20, parcel_km_minor=0.5),)),))})


def one_line(number: int, sku: str, units: int, latitude: float) -> RoutingOrder:
    return RoutingOrder((RequestedLine(1, sku, units),), latitude, -80.0, order_id=f"O{number}")


def network(stock: dict[Cell, int], places: dict[str, float]) -> Network:
    return Network(
        [
            Candidate(
                name, latitude, -80.0,
                {sku: Stock(units) for (place, sku), units in stock.items() if place == name},
            )
            for name, latitude in places.items()
        ],
        RULES, 0,
    )  # fmt: skip


def one_by_one(
    orders: list[RoutingOrder], stock: dict[Cell, int], places: dict[str, float]
) -> list[SourcingPlan]:
    """Route the orders as they come, each on what those before it left."""
    left, plans = dict(stock), []
    for order in orders:
        plan = plan_order(order, network(left, places))
        for shipment in plan.shipments:
            for line in shipment.lines:
                left[shipment.location_id, line.sku] -= line.quantity
        plans.append(plan)
    return plans


def total(plans: list[SourcingPlan]) -> float:
    return sum(plan.terms.freight + plan.terms.handling for plan in plans)


def used(plans: list[SourcingPlan]) -> dict[Cell, int]:
    found: dict[Cell, int] = {}
    for plan in plans:
        for shipment in plan.shipments:
            for line in shipment.lines:
                cell = (shipment.location_id, line.sku)
                found[cell] = found.get(cell, 0) + line.quantity
    return found


def test_missing_optimizer_says_what_to_install(monkeypatch):
    """Without the extra, the reason and the remedy are in the error."""
    monkeypatch.setitem(__import__("sys").modules, "highspy", None)
    with pytest.raises(OptimizerMissing, match=r"pip install 'holdshelf\[optimize\]'"):
        minimise([], [])


def test_unit_goes_to_whom_it_saves_most():
    """First come, first served takes the only near unit; together it is kept for the far order."""
    pytest.importorskip("highspy")
    places = {"NEAR": 40.0, "FAR": 30.0}
    stock = {("NEAR", "X"): 1, ("FAR", "X"): 5}
    orders = [one_line(1, "X", 1, 36.0), one_line(2, "X", 1, 48.0)]
    plans = one_by_one(orders, stock, places)
    assert [plan.locations for plan in plans] == [("NEAR",), ("FAR",)]
    prices = {cell: (0.0,) * units for cell, units in stock.items()}
    waiting = [(Open(order, 0), plan) for order, plan in zip(orders, plans, strict=True)]
    anew = decide_anew(network(stock, places), waiting, prices)
    assert [plan.locations for plan in anew] == [("FAR",), ("NEAR",)]
    assert total(anew) < total(plans)


@pytest.mark.parametrize("seed", range(6))
def test_batch_is_the_best_of_all_assignments(seed):
    """Of all ways to give single units to orders, the batch finds the cheapest, within stock."""
    pytest.importorskip("highspy")
    random = Random(seed)
    places = {f"L{n}": 30.0 + 4 * n for n in range(3)}
    stock = {(name, "X"): random.randint(1, 2) for name in places}
    orders = [one_line(n, "X", 1, random.uniform(28, 44)) for n in range(3)]
    plans = one_by_one(orders, stock, places)
    alone = {
        (n, name): plan_order(order, network({(name, "X"): 1}, {name: places[name]}))
        for n, order in enumerate(orders) for name in places
    }  # fmt: skip
    best = min(
        sum(total([alone[n, name]]) for n, name in enumerate(names))
        for names in product(places, repeat=3)
        if all(names.count(name) <= stock[name, "X"] for name in places)
    )
    prices = {cell: (0.0,) * units for cell, units in stock.items()}
    waiting = [(Open(order, 0), plan) for order, plan in zip(orders, plans, strict=True)]
    anew = decide_anew(network(stock, places), waiting, prices)
    assert total(anew) == pytest.approx(best)
    assert all(units <= stock[cell] for cell, units in used(anew).items())


@pytest.mark.parametrize("plans_looked_for", [0, 1, 3])
def test_a_batch_ends_when_its_time_is_over(plans_looked_for: int):
    """With what was found by then: each order has a plan, never dearer than before."""
    pytest.importorskip("highspy")
    random = Random(7)
    places = {f"L{n}": 28.0 + 3 * n for n in range(5)}
    stock = {(name, "X"): 2 for name in places}
    orders = [one_line(n, "X", 1, random.uniform(28, 44)) for n in range(8)]
    plans = one_by_one(orders, stock, places)
    prices = {cell: (0.0,) * units for cell, units in stock.items()}
    waiting = [(Open(order, 0), plan) for order, plan in zip(orders, plans, strict=True)]
    asked = 0

    def is_over() -> bool:
        nonlocal asked
        asked += 1
        return asked > plans_looked_for

    anew = decide_anew(network(stock, places), waiting, prices, is_over=is_over)
    assert plans_looked_for < asked <= plans_looked_for + 2
    assert len(anew) == len(orders)
    assert total(anew) <= total(plans) + 1e-6
    assert all(units <= stock[cell] for cell, units in used(anew).items())


@pytest.mark.parametrize("seed", range(3))
def test_bound_is_below_every_way_of_deciding(seed):
    """The bound holds after any number of rounds, and rises with them."""
    pytest.importorskip("highspy")
    random = Random(seed)
    places = {f"L{n}": 28.0 + 3 * n for n in range(5)}
    stock = {(name, sku): random.randint(1, 3) for name in places for sku in "XY"}
    orders = [one_line(n, random.choice("XY"), 1, random.uniform(28, 44)) for n in range(8)]
    plans = one_by_one(orders, stock, places)
    prices = {cell: (0.0,) * units for cell, units in stock.items()}
    bounds = []
    for rounds in (1, 3, 20):
        problem = Together(network(stock, places), [Open(one, 0) for one in orders], prices)
        problem.generate(rounds)
        bounds.append(problem.bound)
    assert bounds == sorted(bounds)
    assert bounds[-1] <= total(plans) + 1e-6


def test_scarce_units_have_a_price():
    """A unit for which two orders would compete is worth what the loser pays more."""
    pytest.importorskip("highspy")
    places = {"NEAR": 40.0, "FAR": 30.0}
    stock = {("NEAR", "X"): 1, ("FAR", "X"): 9}
    orders = [one_line(1, "X", 1, 40.0), one_line(2, "X", 1, 40.0)]
    prices = {cell: (0.0,) * units for cell, units in stock.items()}
    found = forecast_prices(
        network(stock, places), [Open(one, 0) for one in orders], prices, lacking_minor=1e4
    )
    assert found["NEAR", "X"] == pytest.approx(556, abs=5)
    assert found.get(("FAR", "X"), 0.0) == pytest.approx(0)
