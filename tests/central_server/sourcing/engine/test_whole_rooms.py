"""What cannot be split, where days are short of room: only what a location would get counts."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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

NOW = 1_772_460_000_000
DAY_MS = 86_400_000
PARCEL, UNIT = 700, 10
TARIFF = Tariff((Service("ground", (Zone(1, PARCEL, unit_minor=UNIT),)),))
RULES = Rules({"": TARIFF}, splits_lines=False)


def order(*quantities: int, group: tuple[int, ...] = ()) -> RoutingOrder:
    lines = tuple(
        RequestedLine(number, f"SKU-{number}", units, group="set" if number in group else "")
        for number, units in enumerate(quantities, 1)
    )
    return RoutingOrder(lines, 40.0, -80.0)


def place(name: str, room: int | None, *units: int, handling: int = 0) -> Candidate:
    stock = {f"SKU-{n}": Stock(count) for n, count in enumerate(units, 1) if count}
    parts = None if room is None else (DayPart(NOW, NOW + DAY_MS, room, 9),)
    return Candidate(name, 40.0, -80.0, stock, parts=parts, handling_minor=handling)


def units_of(plan: SourcingPlan) -> dict[str, int]:
    return {one.location_id: one.units for one in plan.shipments}


def test_a_location_ships_the_whole_lines_that_fit():
    """Ten units are asked for; a day with room for five takes the line of four that it has."""
    stores = [place("A", 5, 4, 0), place("B", None, 0, 6)]
    plan = route(order(4, 6), stores, RULES, NOW)
    assert (units_of(plan), plan.unsourced) == ({"A": 4, "B": 6}, ())


def test_of_whole_lines_those_leave_that_fit_together():
    """It has all three; two of them fill its day, and the third comes from elsewhere."""
    stores = [place("A", 7, 3, 4, 3), place("B", None, 3, 4, 3, handling=5000)]
    plan = route(order(3, 4, 3), stores, RULES, NOW)
    assert units_of(plan) == {"B": 10}
    dear = replace(stores[1], handling_minor=0, unit_handling_minor=900)
    assert units_of(route(order(3, 4, 3), [stores[0], dear], RULES, NOW)) == {"A": 7, "B": 3}


def test_single_units_fill_up_what_a_group_leaves():
    """A group of two and three of five single units fit into a day of five."""
    rules = replace(RULES, splits_lines=True)
    dear = replace(place("B", None, 0, 0, 9), unit_handling_minor=50)
    stores = [place("A", 5, 1, 1, 5), dear]
    plan = route(order(1, 1, 5, group=(1, 2)), stores, rules, NOW)
    assert (units_of(plan), plan.unsourced) == ({"A": 5, "B": 2}, ())
    ordered = replace(rules, ordered=(Goal.SHIPMENTS, Goal.COST))
    assert units_of(route(order(1, 1, 5, group=(1, 2)), stores, ordered, NOW)) == {"A": 5, "B": 2}


def test_what_fits_nowhere_has_no_capacity():
    """The finding is that of the day, not of the price, where no whole line has room."""
    stores = [place("A", 3, 4, 0), place("B", None, 4, 6)]
    plan, trace = route_explained(order(4, 6), stores, RULES, NOW)
    assert units_of(plan) == {"B": 10}
    assert {one.location_id: one.finding for one in trace.entries}["A"] is Finding.NO_CAPACITY


def test_many_whole_lines_are_still_bounded():
    """With twelve of them some combinations are tried; no day is ever over its room."""
    asked = order(*[3] * 12)
    stores = [place("A", 20, *[3] * 12), place("B", 16, *[3] * 12)]
    plan = route(asked, stores, RULES, NOW)
    assert units_of(plan) == {"A": 18, "B": 15}


def best(asked: RoutingOrder, stores: list[Candidate], *, splits: bool) -> tuple[int, float]:
    """Return by trial of everything: the most goods are served, then the cost."""
    found = (0, 0.0)
    choices = []
    for line in asked.lines:
        if splits and not line.group:
            choices.append([
                dict(enumerate(counts))
                for counts in product(range(line.quantity + 1), repeat=len(stores))
                if sum(counts) <= line.quantity
            ])  # fmt: skip
        else:
            choices.append([{}, *({number: line.quantity} for number in range(len(stores)))])
    for combination in product(*choices):
        given_by = [0] * len(stores)
        served, together = 0, set()
        for line, counts in zip(asked.lines, combination, strict=True):
            if line.group:
                together.add(tuple(counts))
            for number, units in counts.items():
                given_by[number] += units
                if units > (stores[number].stock.get(line.sku) or Stock(0)).units:
                    break
                served += units
            else:
                continue
            break
        else:
            rooms = [one.parts[0].units if one.parts else 99 for one in stores]
            fits = all(units <= room for units, room in zip(given_by, rooms, strict=True))
            if fits and len(together) <= 1:
                cost = sum(
                    PARCEL + one.handling_minor + units * (UNIT + one.unit_handling_minor)
                    for one, units in zip(stores, given_by, strict=True) if units
                )  # fmt: skip
                found = max(found, (served, -cost))
    return found[0], -found[1]


@st.composite
def networks(draw) -> tuple[RoutingOrder, list[Candidate], bool]:
    splits = draw(st.booleans())
    quantities = draw(st.lists(st.integers(1, 3), min_size=2, max_size=3 if splits else 4))
    group = (1, 2) if splits and draw(st.booleans()) else ()
    stores = [
        replace(
            place(
                f"L{number}",
                draw(st.none() | st.integers(1, 8)),
                *draw(st.lists(st.sampled_from((0, 1, 3, 3)), min_size=4, max_size=4)),
                handling=draw(st.integers(0, 300)),
            ),
            unit_handling_minor=float(draw(st.sampled_from((0, 50, 400)))),
        )
        for number in range(draw(st.integers(1, 3)))
    ]
    return order(*quantities, group=group), stores, splits


@given(networks())
@settings(deadline=None, max_examples=150)
def test_plans_are_those_of_trying_everything(case):
    """Nobody gets more than fits, as much as possible is served, and nothing cheaper exists."""
    asked, stores, splits = case
    plan = route(asked, stores, replace(RULES, splits_lines=splits), NOW)
    for one in plan.shipments:
        parts = next(it.parts for it in stores if it.location_id == one.location_id)
        assert parts is None or one.units <= parts[0].units
    served, cost = best(asked, stores, splits=splits)
    assert plan.units == served
    assert plan.objective == pytest.approx(cost, abs=0.6)
