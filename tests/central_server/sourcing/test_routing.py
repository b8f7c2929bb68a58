"""Routing: the chosen store, else the nearest that takes all, else nothing; always explained."""

from hypothesis import given
from hypothesis import strategies as st

from central_server.sourcing.geo import haversine_km
from central_server.sourcing.routing import (
    Candidate,
    Demand,
    DemandLine,
    Finding,
    RoutingRules,
    route,
)

RULES = RoutingRules()


def demand(*quantities: int, chosen: str = "A") -> Demand:
    lines = tuple(DemandLine(n, f"SKU-{n}", q) for n, q in enumerate(quantities or (1,), 1))
    return Demand(chosen, 40.0, -80.0, lines)


def store(name: str, north: float, *available: int, pickup: bool = True) -> Candidate:
    free = {f"SKU-{n}": units for n, units in enumerate(available, 1)}
    return Candidate(name, 40.0 + north, -80.0, pickup, free)


def findings(plan) -> dict[str, Finding]:
    return {entry.location_id: entry.finding for entry in plan.trace}


def test_chosen_store_wins_over_a_nearer_one():
    """The customer's choice gets the order if it can promise everything."""
    plan = route(demand(1), [store("B", 0.0, 5), store("A", 1.0, 5)], RULES, 0)
    assert plan.location_id == "A"
    assert findings(plan) == {"A": Finding.CHOSEN, "B": Finding.FARTHER}


def test_nearest_that_promises_all_lines_is_next():
    """A nearer store that has only a part is passed: a pickup is one errand."""
    stores = [
        store("A", 0, 1, 0),
        store("B", 0.1, 9, 0),
        store("C", 0.2, 9, 9),
        store("D", 3, 9, 9),
    ]
    plan = route(demand(2, 1), stores, RULES, 0)
    assert plan.location_id == "C"
    assert findings(plan) == {
        "A": Finding.LACKS_STOCK, "B": Finding.LACKS_STOCK, "C": Finding.NEAREST,
        "D": Finding.FARTHER,
    }  # fmt: skip


def test_lines_stay_unsourced_when_nothing_takes_all():
    """Nothing is split for a pickup: the plan names the lines and what the closest lacked."""
    plan = route(demand(2, 1), [store("A", 0, 2, 0), store("B", 1, 0, 0)], RULES, 0)
    assert plan.location_id is None
    assert [line.line for line in plan.unsourced] == [1, 2]
    assert plan.shortfall() == {"SKU-2": 1}


def test_equal_stores_are_told_apart_by_id():
    """The same values give the same plan, in whatever order they come."""
    stores = [store("C", 1, 5), store("B", 1, 5)]
    assert route(demand(1), stores, RULES, 0) == route(demand(1), stores[::-1], RULES, 0)
    assert route(demand(1), stores, RULES, 0).location_id == "B"


def test_store_that_gave_the_order_up_is_excluded():
    """An exclusion is honoured even for the chosen store with stock."""
    rules = RoutingRules(excluded=frozenset({"A"}))
    plan = route(demand(1), [store("A", 0, 5), store("B", 1, 5)], rules, 0)
    assert plan.location_id == "B"
    assert findings(plan)["A"] is Finding.EXCLUDED


def test_location_without_pickup_is_passed():
    """A distribution center is no place to send a customer to."""
    plan = route(demand(1), [store("A", 0, 5, pickup=False)], RULES, 0)
    assert plan.location_id is None
    assert findings(plan) == {"A": Finding.NO_PICKUP}


def test_lines_of_one_sku_count_together():
    """Two lines of three units need six."""
    lines = (DemandLine(1, "X", 3), DemandLine(2, "X", 3))
    short = Candidate("A", 40, -80, True, {"X": 5})
    assert route(Demand("A", 40, -80, lines), [short], RULES, 0).location_id is None


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.booleans()), max_size=12))
def test_plan_is_the_nearest_that_can(stores):
    """Every candidate is in the trace, and no nearer one could have taken the order."""
    made = [store(f"S{n}", far, units, pickup=ok) for n, (units, far, ok) in enumerate(stores)]
    plan = route(demand(2, chosen="none"), made, RULES, 0)
    assert len(plan.trace) == len(made)
    able = [one for one in made if one.pickup_enabled and one.available["SKU-1"] >= 2]
    best = min(able, key=lambda one: (one.latitude, one.location_id), default=None)
    assert plan.location_id == (best.location_id if best else None)


def test_haversine_agrees_with_a_known_distance():
    """Columbus to Cleveland is 200 km."""
    assert abs(haversine_km(39.9612, -82.9988, 41.4993, -81.6944) - 203.0) < 2
