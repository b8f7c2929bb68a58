"""Orders that are rare, and ask more of the engine than a cheap parcel from the next store."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from types import FrameType

import pytest

from central_server.sourcing.calendar import OpenHours
from central_server.sourcing.engine.checks import InvalidRequest
from central_server.sourcing.engine.explain import route_explained
from central_server.sourcing.engine.model import (
    Candidate,
    DayPart,
    Goal,
    RequestedLine,
    RoutingOrder,
    Rules,
    Stock,
)
from central_server.sourcing.engine.network import Finding
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.routing import route
from central_server.sourcing.engine.tariffs import Service, Tariff, Zone

NOW = 1_772_525_100_245
DAY_MS = 86_400_000
FOREVER_S = 5.0
"""A plan for a few stores takes milliseconds; one that never ends fills the memory meanwhile."""
G = Goal
GROUND = Service("ground", (
    Zone(1, 600, unit_minor=20, kg_minor=40, up_to_km=800),
    Zone(3, 800, unit_minor=40, kg_minor=90, up_to_km=2000),
    Zone(4, 950, unit_minor=60, kg_minor=120),
))  # fmt: skip
AIR = Service("air", (Zone(1, 1200, unit_minor=60, kg_minor=150),))
PLAIN = {"": Tariff((Service("ground", (Zone(1, 650, unit_minor=20),)),))}


@contextmanager
def an_end() -> Iterator[None]:
    """Fail what does not come to an end, before it has taken all memory."""

    def give_up(_: int, __: FrameType | None) -> None:
        raise AssertionError("this order is routed for ever")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, FOREVER_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def order(*lines: RequestedLine) -> RoutingOrder:
    return RoutingOrder(lines, 40.0, -80.0)


def line(number: int, sku: str, units: int, **more: object) -> RequestedLine:
    return replace(RequestedLine(number, sku, units), **more)  # type: ignore[arg-type]


def units_of(plan: SourcingPlan) -> dict[str, int]:
    return {one.location_id: one.units for one in plan.shipments}


def short_day(
    name: str, latitude: float, longitude: float, room: int, **stock: tuple[int, float]
) -> Candidate:
    return Candidate(
        name, latitude, longitude,
        {sku: Stock(units, walk_ins_per_day=rate) for sku, (units, rate) in stock.items()},
        cut_offs={"ground": 1020}, parts=(DayPart(NOW - 1, NOW + DAY_MS, room, 9),),
    )  # fmt: skip


@pytest.mark.parametrize("ordered", [(G.BALANCE, G.COST, G.SPEED), (G.COST, G.BALANCE, G.SPEED)])
def test_goals_in_order_on_short_days_come_to_an_end(ordered):
    """Weights of goals are large: what their rounding makes of equal costs saves nothing."""
    stores = [
        short_day("S9", 40.181, -92.893, 3, K0=(7, 0.3)),
        short_day("S10", 42.085, -106.883, 6, K0=(8, 0.5), K1=(7, 0.3)),
        short_day("S18", 42.802, -107.82, 5, K0=(5, 1.0), K1=(8, 0.3)),
        short_day("S19", 33.481, -97.018, 4, K1=(4, 1.0)),
    ]
    asked = RoutingOrder(
        (RequestedLine(1, "K0", 6, 200), RequestedLine(2, "K1", 2, 450)), 39.96, -83.0
    )
    rules = Rules({"": Tariff((GROUND, AIR))}, ordered=ordered, supply_weeks=3, supply_minor=800)
    with an_end():
        plan = route(asked, stores, rules, NOW)
    assert (plan.units, plan.unsourced) == (8, ())


@pytest.mark.parametrize(
    ("second", "broken_run_minor"),
    [(Stock(2, prices_minor=(0, 50_000)), 0.0), (Stock(2, is_full_run=True), 50_000.0)],
)
def test_the_last_unit_of_a_shelf_ships_however_dear_it_is(second, broken_run_minor):
    """Most goods come first: a price tells which units go, not whether they do."""
    stores = [
        Candidate("S1", 40.0, -80.0, {"A": Stock(1)}), Candidate("S2", 41.0, -80.0, {"A": second}),
    ]  # fmt: skip
    rules = Rules(PLAIN, broken_run_minor=broken_run_minor)
    plan = route(order(line(1, "A", 3)), stores, rules, NOW)
    assert (units_of(plan), plan.unsourced, plan.gap) == ({"S1": 1, "S2": 2}, (), 0.0)


def test_a_shelf_that_gets_dearer_afterwards_is_known_of():
    """What a network has learned of a SKU is no less true when its stock is set anew."""
    from central_server.sourcing.engine.network import Network
    from central_server.sourcing.engine.routing import plan_order

    stores = [Candidate(name, 40.0, -80.0, {"A": Stock(1)}) for name in ("S1", "S2")]
    network = Network(stores, Rules(PLAIN), NOW)
    assert plan_order(order(line(1, "A", 3)), network).units == 2
    network.set_stock("S2", "A", Stock(2, prices_minor=(0, 50_000)))
    assert plan_order(order(line(1, "A", 3)), network).units == 3


@pytest.mark.parametrize("dear", [0.0, 5000.0])
def test_a_short_day_is_filled_with_the_most_goods(dear):
    """A group of five and three cheap units, with room for six: the group and one of them."""
    stock = {"A": Stock(2, prices_minor=(dear,)), "B": Stock(3), "C": Stock(3)}
    store = Candidate("S1", 40.0, -80.0, stock, parts=(DayPart(NOW, NOW + DAY_MS, 6, 9),))
    asked = order(line(1, "A", 2, group="g"), line(2, "B", 3, group="g"), line(3, "C", 3))
    plan = route(asked, [store], Rules(PLAIN), NOW)
    assert plan.units == 6


@pytest.mark.parametrize("channels", [None, frozenset({"web"})])
@pytest.mark.parametrize("radius_km", [None, 30_000.0])
def test_the_other_end_of_the_globe_is_a_place(channels, radius_km):
    """A cosine that rounding takes below -1 is an angle all the same, in the last zone."""
    for latitude, longitude in ((-30.0, -150.0), (-90.0, 0.0), (-45.0, -175.0), (-5.0, -65.0)):
        asked = RoutingOrder((RequestedLine(1, "A", 2),), latitude, longitude)
        there = Candidate("S1", -latitude, longitude + 180.0, {"A": Stock(5)}, channels=channels)
        plan = route(asked, [there], Rules(PLAIN, radius_km=radius_km), NOW)
        assert units_of(plan) == {"S1": 2}
        assert plan.shipments[0].distance_km == pytest.approx(20_015, abs=1)


def test_a_shortage_is_seen_through_two_services():
    """Stock that a place could send by ground or by air is there once: nothing to search for."""
    dice = Random(1)
    stores = [
        Candidate(
            f"S{number}", dice.uniform(30, 45), dice.uniform(-110, -75),
            {f"K{sku}": Stock(dice.randint(1, 3)) for sku in range(1, 5) if dice.random() < 0.4},
        )
        for number in range(200)
    ]  # fmt: skip
    for number in (5, 9):
        stock = {**stores[number].stock, "K0": Stock(1)}
        stores[number] = replace(stores[number], stock=stock)
    ground = Service("ground", (Zone(3, 600, kg_minor=40, parcel_km_minor=0.1),))
    air = Service("air", (Zone(1, 1200, kg_minor=90, parcel_km_minor=0.1),))
    lines = (line(sku + 1, f"K{sku}", 2 + (sku == 0), weight_grams=500) for sku in range(5))
    asked = RoutingOrder(tuple(lines), 39.96, -83.0)
    rules = Rules({"": Tariff((ground, air))}, speed_minor=200, shipment_minor=100)
    plan, trace = route_explained(asked, stores, rules, NOW)
    assert [(one.sku, one.quantity) for one in plan.unsourced] == [("K0", 1)]
    assert plan.gap == 0.0
    assert "Nobody can ship 1 unit" in trace.sentence


def test_cents_of_many_units_decide_goals_in_order():
    """A hundred units at 10.49 cost more than at 9.51, though each rounds to ten."""
    stores = [
        Candidate("S1", 40.0, -80.0, {"A": Stock(100)}, unit_handling_minor=10.49),
        Candidate("S2", 40.0, -80.0, {"A": Stock(100)}, unit_handling_minor=9.51),
    ]
    for ordered in ((G.COST,), (G.SHIPMENTS, G.COST), (G.SPEED, G.COST)):
        plan = route(order(line(1, "A", 100)), stores, Rules(PLAIN, ordered=ordered), NOW)
        assert units_of(plan) == {"S2": 100}


def test_the_next_best_choice_is_told_by_the_same_cents():
    """Two others cost 0.40 and 0.50 more: a hundred units' rounding does not make them alike."""
    a, b, both = {"A": Stock(50)}, {"B": Stock(50)}, {"A": Stock(50), "B": Stock(50)}
    stores = [
        Candidate("S1", 40.0, -80.0, a, unit_handling_minor=5.0),
        Candidate("S2", 40.0, -80.0, b, unit_handling_minor=5.0),
        Candidate("S3", 40.0, -80.0, both, unit_handling_minor=9.5),
        Candidate("S4", 40.0, -80.0, a, unit_handling_minor=5.8),
    ]
    rules = Rules({"": Tariff((Service("ground", (Zone(1, 400),)),))}, ordered=(G.COST,))
    asked = order(line(1, "A", 50), line(2, "B", 50))
    plan, trace = route_explained(asked, stores, rules, NOW)
    assert (units_of(plan), plan.cost_minor) == ({"S1": 50, "S2": 50}, 1300)
    assert trace.next_best is not None
    assert (trace.next_best.without, trace.next_best.extra_minor) == ("S1", 40)


def test_goals_whose_figures_are_huge_count_whole_units():
    """Where hundredths would take more digits than a float has, the order of goals still holds."""
    stores = [
        Candidate("S1", 40.0, -80.0, {"A": Stock(9)}, unit_handling_minor=4e8),
        Candidate("S2", 40.0, -80.0, {"A": Stock(9)}, unit_handling_minor=5e8, lead_minutes=0),
    ]
    rules = Rules(PLAIN, ordered=(G.BALANCE, G.COST, G.SPEED), supply_weeks=1, supply_minor=1e8)
    assert units_of(route(order(line(1, "A", 5)), stores, rules, NOW)) == {"S1": 5}


def test_lines_of_one_sku_that_need_different_things_are_refused():
    """They are sent as one: neither is silently taken for the other."""
    store = Candidate("S1", 40.0, -80.0, {"A": Stock(9)})
    lines = (line(1, "A", 1), line(2, "A", 1, needs=frozenset({"gift"})))
    with pytest.raises(InvalidRequest, match=r"order.lines\[1\].needs"):
        route(order(*lines), [store], Rules(PLAIN), NOW)


def test_lines_of_one_sku_are_one():
    """In groups, undivided, or plain: they leave together, or are divided together."""
    store = Candidate("S1", 40.0, -80.0, {"A": Stock(9)})
    twice = (line(1, "A", 2, group="g"), line(2, "A", 2, group="h"))
    assert route(order(*twice), [store], Rules(PLAIN, splits_lines=False), NOW).units == 4
    assert route(order(line(1, "A", 2), line(2, "A", 2)), [store], Rules(PLAIN), NOW).units == 4


def test_who_has_a_part_of_what_leaves_together_is_not_dearer():
    """Two of a group's three units are no offer at all; the trace says so."""
    stores = [
        Candidate("S1", 40.0, -80.0, {"A": Stock(1), "B": Stock(2)}),
        Candidate("S2", 41.0, -80.0, {"A": Stock(1), "B": Stock(1)}),
    ]
    asked = order(line(1, "A", 1, group="g"), line(2, "B", 2, group="g"))
    plan, trace = route_explained(asked, stores, Rules(PLAIN), NOW)
    assert units_of(plan) == {"S1": 3}
    assert {one.location_id: one.finding for one in trace.entries} == {
        "S1": Finding.CHOSEN, "S2": Finding.NOT_WHOLE,
    }  # fmt: skip


def test_who_keeps_back_all_that_it_could_handle_is_not_capable():
    """What stays in the store is no part of anything; the rest it cannot handle."""
    stores = [
        Candidate("S1", 40.0, -80.0, {"A": Stock(3), "B": Stock(3)},
                  capabilities=frozenset({"cold"})),
        Candidate("S2", 41.0, -80.0, {"A": Stock(1), "B": Stock(3)}),
    ]  # fmt: skip
    asked = order(line(1, "A", 1), line(2, "B", 1, needs=frozenset({"cold"})))
    _, trace = route_explained(asked, stores, Rules(PLAIN, kept_units=1), NOW)
    assert {one.location_id: one.finding for one in trace.entries}["S2"] is Finding.NOT_CAPABLE


def with_hours(*hours: tuple[int, int], lead_minutes: int = 60) -> Candidate:
    return Candidate(
        "S1", 40.0, -80.0, {"A": Stock(5)}, calendar=OpenHours("UTC", hours),
        lead_minutes=lead_minutes,
    )  # fmt: skip


def test_a_night_that_ends_before_it_begins_is_refused():
    """It counted as closed, and all of them as always open; written as what it is it works."""
    with pytest.raises(InvalidRequest, match=r"calendar.hours\[6\]: it closes at minute 360"):
        route(order(line(1, "A", 1)), [with_hours(*[(0, 0)] * 6, (1320, 360))], Rules(PLAIN), NOW)
    for hours in ([(1320, 1800)] * 7, [(540, 1020)] * 6 + [(540, 540)]):
        plan = route(order(line(1, "A", 1)), [with_hours(*hours)], Rules(PLAIN), NOW)
        assert units_of(plan) == {"S1": 1}


def test_work_of_many_weeks_is_not_told_early():
    """500 hours at forty a week are twelve weeks and a half, not sixty days."""
    vendor = with_hours(*[(540, 1020)] * 5, (0, 0), (0, 0), lead_minutes=30_000)
    plan = route(order(line(1, "A", 1)), [vendor], Rules(PLAIN), NOW)
    assert (plan.shipments[0].ready_ms - NOW) // DAY_MS == 86


def test_labor_that_takes_next_to_nothing_has_room_for_all():
    """A quotient beyond what a float holds is no error."""
    store = Candidate(
        "S1", 40.0, -80.0, {"A": Stock(5)},
        parts=(DayPart(NOW, NOW + DAY_MS, 5, 5, 480.0, minutes_per_unit=1e-310),),
    )  # fmt: skip
    assert route(order(line(1, "A", 3)), [store], Rules(PLAIN), NOW).units == 3
