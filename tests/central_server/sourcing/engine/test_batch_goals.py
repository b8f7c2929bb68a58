"""What orders that are decided together cost is what the rules say: every term of it."""

from dataclasses import replace

import pytest

from central_server.sourcing.engine.duals import forecast_prices
from central_server.sourcing.engine.goals import Worth, is_worse
from central_server.sourcing.engine.goals import total as judged
from central_server.sourcing.engine.model import Candidate, Goal, Rules, Stock
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.tariffs import Service, Tariff, Zone
from central_server.sourcing.engine.together import Open, Together
from tests.central_server.sourcing.engine.deciding import (
    no_worse,
    one_by_one,
    order,
    together,
    total,
)

pytest.importorskip("highspy")

GROUND = {"": Tariff((Service("ground", (Zone(2, 500, 20, parcel_km_minor=0.5),)),))}
SPEEDS = {
    "fast": Tariff((Service("fast", (Zone(1, 900),)),)),
    "slow": Tariff((Service("slow", (Zone(5, 650),)),)),
}


def place(name: str, latitude: float = 40.0, **changes) -> Candidate:
    return Candidate(name, latitude, -80.0, **changes)


def locations(plans) -> list[tuple[str, ...]]:
    return [plan.locations for plan in plans]


def test_units_that_will_not_be_found_cost_in_a_batch_too():
    """A store that finds every other unit is no bargain, however little its handling costs."""
    rules = Rules(GROUND, failed_pick_minor=800)
    places = [
        place("GOOD", stock={"X": Stock(5)}, handling_minor=100),
        place("BAD", stock={"X": Stock(5, fill_probability=0.5)}),
    ]
    orders = [order(1, ("X", 1)), order(2, ("X", 1))]
    assert locations(one_by_one(orders, places, rules)) == [("GOOD",)] * 2
    assert locations(together(orders, places, rules)) == [("GOOD",)] * 2


def test_days_cost_in_a_batch_too():
    """Two units of 900 on a shelf are cheaper than eight days more at 300 each."""
    rules = Rules(SPEEDS, speed_minor=300)
    places = [
        place("FAST", stock={"X": Stock(2, prices_minor=(0, 900))}, tariff="fast"),
        place("SLOW", stock={"X": Stock(2)}, tariff="slow"),
    ]
    orders = [order(1, ("X", 1)), order(2, ("X", 1))]
    assert locations(together(orders, places, rules)) == [("FAST",)] * 2


def test_parcels_cost_in_a_batch_too():
    """An order is not split to save less than what a parcel more is worth avoiding."""
    rules = Rules(GROUND, shipment_minor=2_000)
    places = [
        place("WHOLE", 30.0, stock={"X": Stock(2), "Y": Stock(2)}),
        place("NEAR-X", stock={"X": Stock(2)}), place("NEAR-Y", stock={"Y": Stock(2)}),
    ]  # fmt: skip
    orders = [order(n, ("X", 1), ("Y", 1)) for n in (1, 2)]
    assert locations(together(orders, places, rules)) == [("WHOLE",)] * 2


@pytest.mark.parametrize(
    ("goals", "expected"),
    [((Goal.SPEED, Goal.COST), ["FAST", "FAST"]), ((Goal.COST, Goal.SPEED), ["SLOW", "SLOW"])],
)
def test_goals_in_order_are_the_goals_of_a_batch(goals, expected):
    """Speed before cost pays any price for a day; cost before speed pays none."""
    rules = Rules(SPEEDS, ordered=goals)
    places = [
        place("FAST", stock={"X": Stock(2)}, tariff="fast"),
        place("SLOW", stock={"X": Stock(2)}, tariff="slow"),
    ]
    orders = [order(1, ("X", 1)), order(2, ("X", 1))]
    assert [names[0] for names in locations(together(orders, places, rules))] == expected


@pytest.mark.parametrize(
    "goals",
    [{}, {"speed_minor": 500}, {"shipment_minor": 2_000}, {"failed_pick_minor": 900},
     {"ordered": (Goal.SPEED, Goal.COST)}, {"ordered": (Goal.SHIPMENTS, Goal.SPEED, Goal.COST)},
     {"ordered": (Goal.COST,)}, {"ordered": (Goal.BALANCE, Goal.COST, Goal.SPEED)}],
)  # fmt: skip
def test_the_scarce_unit_goes_where_it_saves_most(goals):
    """All else being equal, the order that pays less for the other store leaves it the near one."""
    tariffs = {"": Tariff((Service("g", (Zone(1, 500, parcel_km_minor=1.0),)),))}
    rules = Rules(tariffs, **goals)
    stock = Stock(1, fill_probability=0.9)
    places = [
        place("NEAR", 40.0, stock={"X": stock}),
        place("FAR", 30.0, stock={"X": replace(stock, units=5)}),
    ]
    orders = [order(1, ("X", 1), latitude=36.0), order(2, ("X", 1), latitude=48.0)]
    assert locations(one_by_one(orders, places, rules)) == [("NEAR",), ("FAR",)]
    assert locations(together(orders, places, rules)) == [("FAR",), ("NEAR",)]


@pytest.mark.parametrize("goals", [{"speed_minor": 300}, {"ordered": (Goal.SPEED, Goal.COST)}])
def test_plans_that_cost_more_than_those_before_are_not_taken(goals, monkeypatch):
    """Whatever the program says, the rules are asked what it costs."""
    rules = Rules(SPEEDS, **goals)
    places = [
        place("FAST", stock={"X": Stock(2)}, tariff="fast"),
        place("SLOW", stock={"X": Stock(2)}, tariff="slow"),
    ]
    orders = [order(1, ("X", 1)), order(2, ("X", 1))]
    slow = one_by_one(orders, places[1:], rules)
    monkeypatch.setattr(Together, "decide", lambda *_: slow)
    assert locations(together(orders, places, rules)) == [("FAST",)] * 2


def test_prices_for_orders_to_come_are_money():
    """Days come before money by the rule; a unit's price says how much money one more saves."""
    rules = Rules(SPEEDS, ordered=(Goal.SPEED, Goal.COST))
    places = [
        place("FAST", stock={"X": Stock(9)}, tariff="fast"),
        place("SLOW", stock={"X": Stock(1)}, tariff="slow"),
    ]
    prices = {("FAST", "X"): (0.0,) * 9, ("SLOW", "X"): (0.0,)}
    expected = [Open(order(number, ("X", 1)), 0) for number in range(3)]
    found = forecast_prices(Network(places, rules, 0), expected, prices)
    assert found["SLOW", "X"] == pytest.approx(250)
    assert found.get(("FAST", "X"), 0.0) == pytest.approx(0)


@pytest.mark.parametrize(("cost", "price"), [(0, 250), (100, 150)])
def test_prices_for_orders_to_come_leave_out_what_routing_adds(cost, price):
    """Units that are not found make a store's units worth less, but not twice."""
    rules = Rules(SPEEDS, failed_pick_minor=2 * cost)
    places = [
        place("FAST", stock={"X": Stock(9)}, tariff="fast"),
        place("SLOW", stock={"X": Stock(1, fill_probability=0.5)}, tariff="slow"),
    ]
    prices = {("FAST", "X"): (0.0,) * 9, ("SLOW", "X"): (0.0,)}
    expected = [Open(order(number, ("X", 1)), 0) for number in range(3)]
    found = forecast_prices(Network(places, rules, 0), expected, prices)
    assert found["SLOW", "X"] == pytest.approx(price)


def test_totals_count_what_is_not_there_first():
    """Units that nobody has, units that nobody ships, the goals, and what breaks ties."""
    rules = Rules(SPEEDS, ordered=(Goal.SPEED, Goal.COST))
    stock = {"X": Stock(2, prices_minor=(10, 30))}
    (plan,) = one_by_one([order(1, ("X", 3))], [place("FAST", stock=stock, tariff="fast")], rules)
    cell = ("FAST", "X")
    assert judged([plan], rules, Worth({cell: (10, 30)})) == (0, 1, 1, 940, 1)
    assert judged([plan], rules, Worth({cell: (10,)})) == (1, 1, 1, 910, 1)
    assert is_worse((0, 1, 2), (0, 1, 1))
    assert not is_worse((0, 0, 9), (0, 1, 1))


def test_runs_of_sizes_are_kept_by_a_batch():
    """The last unit of a run costs what rules say, whichever order takes it."""
    rules = Rules(GROUND, broken_run_minor=5_000)
    places = [
        place("RUN", 40.0, stock={"X": Stock(2, is_full_run=True)}),
        place("PLENTY", 37.0, stock={"X": Stock(5)}),
    ]
    orders = [order(1, ("X", 1)), order(2, ("X", 1))]
    plans = together(orders, places, rules)
    assert sorted(locations(plans)) == [("PLENTY",), ("RUN",)]


def test_units_that_stay_at_stores_are_not_given_away():
    """Of two units one is kept, so only one of two orders may have the near store."""
    rules = Rules(GROUND, kept_units=1)
    places = [
        place("NEAR", 40.0, stock={"X": Stock(2)}), place("FAR", 30.0, stock={"X": Stock(9)}),
    ]  # fmt: skip
    orders = [order(1, ("X", 1)), order(2, ("X", 1))]
    assert sorted(locations(together(orders, places, rules))) == [("FAR",), ("NEAR",)]


def test_no_round_is_no_worse():
    """Where nothing is generated, the plans stay as they are."""
    rules = Rules(SPEEDS, speed_minor=300)
    places = [place("FAST", stock={"X": Stock(2)}, tariff="fast")]
    orders = [order(1, ("X", 1)), order(2, ("X", 1))]
    plans = together(orders, places, rules, rounds=0)
    before = one_by_one(orders, places, rules)
    assert no_worse(total(plans, places, rules), total(before, places, rules))
