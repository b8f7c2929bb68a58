"""The engine as a whole: each filter by itself, goals, splits, the trace."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central_server.sourcing.calendar import OpenHours
from central_server.sourcing.engine.explain import explain
from central_server.sourcing.engine.model import (
    Candidate,
    Condition,
    DayPart,
    Goal,
    RequestedLine,
    RoutingOrder,
    RuleBook,
    Rules,
    Stock,
)
from central_server.sourcing.engine.network import Finding, Network
from central_server.sourcing.engine.routing import plan_order, route
from central_server.sourcing.engine.rulebooks import rules_for
from central_server.sourcing.engine.tariffs import Service, Tariff, Zone

HOUR, DAY = 3_600_000, 86_400_000
NOW = 1_772_460_000_000  # Monday 2026-03-02 14:00 UTC
GROUND = Service("ground", (Zone(1, 600, kg_minor=50, up_to_km=500), Zone(3, 900, kg_minor=90)))
AIR = Service("air", (Zone(1, 2500, kg_minor=400),))
RULES = Rules({"": Tariff((GROUND, AIR))})


def order(*quantities: int, **changes) -> RoutingOrder:
    lines = tuple(
        RequestedLine(number, f"SKU-{number}", units, 1000, 2000)
        for number, units in enumerate(quantities or (1,), 1)
    )
    return replace(RoutingOrder(lines, 40.0, -80.0), **changes)


def place(name: str, north: float, *units: int, **changes) -> Candidate:
    stock = {f"SKU-{n}": Stock(count) for n, count in enumerate(units, 1) if count}
    return replace(Candidate(name, 40.0 + north, -80.0, stock), **changes)


def finding(asked: RoutingOrder, one: Candidate, rules: Rules = RULES) -> Finding:
    network = Network([one, place("OTHER", 20, 9, 9)], rules, NOW)
    trace = explain(asked, network, plan_order(asked, network))
    return next(entry.finding for entry in trace.entries if entry.location_id == one.location_id)


def parts(*rooms: tuple[int, int], labor: float = float("inf")) -> tuple[DayPart, ...]:
    return tuple(
        DayPart(NOW + n * 4 * HOUR, NOW + (n + 1) * 4 * HOUR, units, orders, labor)
        for n, (units, orders) in enumerate(rooms)
    )


@pytest.mark.parametrize(
    ("expected", "one", "asked", "rules"),
    [
        (Finding.CHOSEN, place("A", 0, 5), order(), RULES),
        (Finding.NO_STOCK, place("A", 0, 0), order(), RULES),
        (Finding.DISABLED, place("A", 0, 5, is_enabled=False), order(), RULES),
        (Finding.WRONG_KIND, place("A", 0, 5), order(), replace(RULES, kinds=frozenset({"dc"}))),
        (Finding.EXCLUDED, place("A", 0, 5), order(excluded=frozenset({"A"})), RULES),
        (Finding.EXCLUDED, place("A", 0, 5), order(), replace(RULES, excluded=frozenset({"A"}))),
        (Finding.OTHER_CHANNEL, place("A", 0, 5, channels=frozenset({"store"})), order(), RULES),
        (Finding.TOO_FAR, place("A", 3, 5, radius_km=300.0), order(), RULES),
        (Finding.TOO_FAR, place("A", 3, 5), order(), replace(RULES, radius_km=300.0)),
        (Finding.NO_CAPACITY, place("A", 0, 5, parts=parts((9, 0), (9, 0))), order(), RULES),
        (Finding.NO_CAPACITY, place("A", 0, 5, parts=parts((0, 9))), order(), RULES),
        (Finding.NO_CAPACITY,
         place("A", 0, 5, parts=parts((9, 9), labor=5), minutes_per_order=6), order(), RULES),
        (Finding.NO_SERVICE, place("A", 0, 5, tariff="none"), order(), RULES),
        (Finding.TOO_LATE, place("A", 0, 5, lead_minutes=3 * 1440),
         order(promised_by_ms=NOW + 2 * DAY), RULES),
        (Finding.NOT_CAPABLE, place("A", 0, 5),
         RoutingOrder((RequestedLine(1, "SKU-1", 1, needs=frozenset({"cold"})),), 40, -80), RULES),
        (Finding.DEARER, place("A", 1, 5, handling_minor=9000), order(), RULES),
    ],
)  # fmt: skip
def test_each_filter_by_itself(expected, one, asked, rules):
    """A candidate that would be chosen is out for exactly one reason, and the trace names it."""
    assert finding(asked, one, rules) is expected


def test_limit_of_orders_admits_as_many_as_it_says():
    """A day part with room for one order takes one."""
    assert finding(order(), place("A", 0, 5, parts=parts((9, 1)))) is Finding.CHOSEN


def test_later_part_of_the_day_is_used_when_the_first_is_full():
    """What fits only later is ready only later, and arrives later."""
    plan = route(order(), [place("A", 0, 5, parts=parts((9, 0), (9, 1)))], RULES, NOW)
    assert plan.shipments[0].ready_ms == NOW + 4 * HOUR


def test_capacity_in_units_splits_an_order():
    """A location gives no more units than its day takes; the rest comes from elsewhere."""
    stores = [place("A", 0, 9, parts=parts((2, 9))), place("B", 1, 9)]
    plan = route(order(5), stores, replace(RULES, speed_minor=0), NOW)
    assert {one.location_id: one.units for one in plan.shipments} in ({"B": 5}, {"A": 2, "B": 3})
    assert plan.cost_minor == min(600 + 5 * 50, 1200 + 5 * 50)


def test_labor_minutes_limit_units():
    """Ten minutes are four units at two minutes each after two minutes for the order."""
    busy = place("A", 0, 9, parts=parts((99, 9), labor=10), minutes_per_order=2, minutes_per_unit=2)
    plan = route(order(6), [busy], RULES, NOW)
    assert plan.shipments[0].units == 4
    assert sum(line.quantity for line in plan.unsourced) == 2


def test_promise_decides_the_service():
    """Ground is cheaper; where it would be late the parcel flies."""
    far = [place("A", 10, 5)]
    assert route(order(), far, RULES, NOW).shipments[0].service == "ground"
    hurried = route(order(promised_by_ms=NOW + 2 * DAY), far, RULES, NOW).shipments[0]
    assert (hurried.service, hurried.arrives_ms) == ("air", NOW + DAY)


def test_cut_off_and_calendar_delay_the_departure():
    """After today's collection a parcel waits for that of the next open day."""
    hours = ((540, 1080),) * 5 + ((0, 0),) * 2
    calendar = OpenHours("UTC", hours, frozenset({"2026-03-03"}))
    late = place("A", 0, 5, calendar=calendar, cut_offs={"ground": 600}, lead_minutes=60)
    shipment = route(order(), [late], replace(RULES, tariffs={"": Tariff((GROUND,))}), NOW)
    wednesday_ten = NOW - 14 * HOUR + 2 * DAY + 10 * HOUR
    assert shipment.shipments[0].arrives_ms == wednesday_ten + DAY


def test_units_of_one_line_come_from_several_locations():
    """A line is split where that is the only way, or the cheapest."""
    plan = route(order(5), [place("A", 0, 3), place("B", 0.1, 2)], RULES, NOW)
    assert {one.location_id: one.units for one in plan.shipments} == {"A": 3, "B": 2}
    whole = replace(RULES, splits_lines=False)
    assert route(order(5), [place("A", 0, 3), place("B", 0.1, 2)], whole, NOW).shipments == ()


def test_group_stays_together():
    """Lines of one group leave from one location, though apart they would be cheaper."""
    lines = tuple(RequestedLine(n, f"SKU-{n}", 1, 100, group="set") for n in (1, 2))
    stores = [place("A", 0, 5, 0), place("B", 0, 0, 5), place("C", 9, 5, 5)]
    plan = route(RoutingOrder(lines, 40, -80), stores, RULES, NOW)
    assert plan.locations == ("C",)


def test_small_orders_are_not_split():
    """Below a value one shipment is the limit; what it lacks is unsourced."""
    stores = [place("A", 0, 1, 0), place("B", 0, 0, 1)]
    rules = replace(RULES, whole_below_minor=10_000)
    assert len(route(order(1, 1), stores, rules, NOW).shipments) == 1
    assert len(route(order(1, 1), stores, RULES, NOW).shipments) == 2
    nothing = route(order(1, 1), stores, replace(rules, is_all_or_nothing=True), NOW)
    assert (nothing.shipments, len(nothing.unsourced)) == ((), 2)


def test_shelf_price_moves_an_order_away_from_the_last_unit():
    """The nearest store keeps a unit that a walk-in customer will buy; the next one has spare."""
    walk_ins: dict[str, Any] = {
        "walk_ins_per_day": 1.0, "horizon_days": 5.0, "walk_in_margin_minor": 2000.0,
    }  # fmt: skip
    near = place("A", 0, 1)
    near = replace(near, stock={"SKU-1": Stock(1, **walk_ins)})
    far = replace(place("B", 6, 1), stock={"SKU-1": Stock(40, **walk_ins)})
    assert route(order(), [near, far], RULES, NOW).locations == ("B",)
    assert route(order(), [near, far], replace(RULES, stock_weight=0), NOW).locations == ("A",)


def test_doubtful_units_cost_what_a_miss_costs():
    """A store that finds nine of ten loses against a dearer one that finds all."""
    doubtful = replace(place("A", 0, 1), stock={"SKU-1": Stock(5, fill_probability=0.9)})
    sure = place("B", 0, 5, handling_minor=100)
    rules = replace(RULES, failed_pick_minor=2000)
    assert route(order(), [doubtful, sure], rules, NOW).locations == ("B",)
    assert route(order(), [doubtful, sure], RULES, NOW).locations == ("A",)


def test_broken_runs_and_short_supply_cost():
    """A full run of sizes is left alone, and so is a store with few weeks of supply."""
    full = replace(place("A", 0, 1), stock={"SKU-1": Stock(1, is_full_run=True)})
    other = place("B", 0, 5, handling_minor=100)
    rules = replace(RULES, broken_run_minor=500)
    assert route(order(), [full, other], rules, NOW).locations == ("B",)
    short = replace(place("A", 0, 1), stock={"SKU-1": Stock(3, walk_ins_per_day=1.0)})
    rules = replace(RULES, supply_weeks=4, supply_minor=500)
    assert route(order(), [short, other], rules, NOW).locations == ("B",)


def test_goals_may_be_ordered():
    """Speed before cost, cost before speed, fewest shipments first."""
    near, far = place("A", 0, 5, handling_minor=700), place("B", 9, 5)
    assert route(order(), [near, far], replace(RULES, ordered=(Goal.COST,)), NOW).locations == (
        "B",
    )
    quick = replace(RULES, ordered=(Goal.SPEED, Goal.COST))
    assert route(order(), [near, far], quick, NOW).locations == ("A",)
    parts_near = [place("A", 0, 5, 0), place("C", 0, 0, 5), place("B", 9, 5, 5)]
    parts_near[2] = replace(parts_near[2], handling_minor=5000)
    fewest = replace(RULES, ordered=(Goal.SHIPMENTS, Goal.COST))
    assert route(order(1, 1), parts_near, fewest, NOW).locations == ("B",)
    cheapest = replace(RULES, ordered=(Goal.COST, Goal.SHIPMENTS))
    assert route(order(1, 1), parts_near, cheapest, NOW).locations == ("A", "C")


def test_balance_may_come_before_cost():
    """A full run of sizes is left alone though the other store is dearer, if balance is first."""
    full = replace(place("A", 0, 1), stock={"SKU-1": Stock(2, is_full_run=True)})
    other = place("B", 0, 5, handling_minor=400)
    rules = replace(RULES, broken_run_minor=1, ordered=(Goal.BALANCE, Goal.COST))
    assert route(order(2), [full, other], rules, NOW).locations == ("B",)
    cost_first = replace(rules, ordered=(Goal.COST, Goal.BALANCE))
    assert route(order(2), [full, other], cost_first, NOW).locations == ("A",)


def test_planner_reads_why_and_what_came_next():
    """The sentence names who ships, the cost and the difference to the next best choice."""
    network = Network([place("A", 0, 5), place("B", 1, 5, handling_minor=130)], RULES, NOW)
    plan = plan_order(order(2), network)
    trace = explain(order(2), network, plan)
    assert trace.sentence == (
        "A ships 2 units by ground over 0 km: 7.00 (freight 7.00)."
        " The next best choice, B without A, would have cost 1.30 more."
    )
    assert trace.next_best is not None
    assert trace.next_best.extra_minor == 130


def test_rule_book_takes_the_first_that_fits():
    """Source, location, value, category and customer tier choose the rule set."""
    gold, dear, default = (replace(RULES, name=name) for name in ("gold", "dear", "default"))
    book = RuleBook(
        ((Condition(tiers=frozenset({"gold"})), gold), (Condition(value_from_minor=5000), dear)),
        default,
    )
    assert rules_for(order(customer_tier="gold"), book).name == "gold"
    assert rules_for(order(3), book).name == "dear"
    assert rules_for(order(), book).name == "default"


@st.composite
def networks(draw) -> tuple[RoutingOrder, list[Candidate]]:
    asked = order(*draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)))
    stores = []
    for number in range(draw(st.integers(1, 7))):
        stock = {
            f"SKU-{n}": Stock(
                draw(st.integers(0, 4)), walk_ins_per_day=draw(st.sampled_from((0.0, 0.3, 1.0))),
                horizon_days=3, walk_in_margin_minor=900, markdown_minor=100,
            )
            for n in (1, 2, 3)
        }  # fmt: skip
        handling, north = draw(st.integers(0, 300)), draw(st.integers(0, 12))
        one = Candidate(f"L{number}", 40 + north, -80.0, stock, handling_minor=handling)
        stores.append(replace(one, lead_minutes=60))
    return asked, stores


@given(networks())
@settings(deadline=None, max_examples=80)
def test_short_cut_for_plain_candidates_changes_nothing(case):
    """Rough rows, bands and early ends give the plan that the long way gives."""
    asked, stores = case
    quick = route(asked, stores, RULES, NOW)
    slow = route(asked, [replace(one, radius_km=1e5) for one in stores], RULES, NOW)
    assert quick.objective == pytest.approx(slow.objective, abs=0.6)
    assert quick.unsourced == slow.unsourced
    assert quick.gap == 0


@given(networks())
@settings(deadline=None, max_examples=40)
def test_plan_ships_each_unit_once_and_its_terms_add_up(case):
    """Lines are served or unsourced in full, from stock that is there; the cost is its terms."""
    asked, stores = case
    plan = route(asked, stores, RULES, NOW)
    for line in asked.lines:
        shipped = [part for one in plan.shipments for part in one.lines if part.line == line.line]
        missing = sum(part.quantity for part in plan.unsourced if part.line == line.line)
        assert sum(part.quantity for part in shipped) + missing == line.quantity
    held = {one.location_id: one.stock for one in stores}
    for shipment in plan.shipments:
        for part in shipment.lines:
            assert part.quantity <= held[shipment.location_id][part.sku].units
    assert plan.terms.total == pytest.approx(plan.objective, abs=2)


@given(networks())
@settings(deadline=None, max_examples=30)
def test_order_of_the_candidates_does_not_matter_for_the_cost(case):
    """The same locations in another order cost the same."""
    asked, stores = case
    assert route(asked, stores[::-1], RULES, NOW).objective == pytest.approx(
        route(asked, stores, RULES, NOW).objective
    )
