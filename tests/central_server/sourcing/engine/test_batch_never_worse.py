"""Orders that are decided together never cost more than one after the other, by their own rules."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central_server.sourcing.engine.model import Candidate, DayPart, Goal, Rules, Stock
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.taking import in_turn, take
from central_server.sourcing.engine.tariffs import Service, Tariff, Zone
from tests.central_server.sourcing.engine.deciding import (
    no_worse,
    one_by_one,
    order,
    together,
    total,
)

pytest.importorskip("highspy")

TARIFFS = {
    "ground": Tariff((Service("ground", (Zone(4, 400, 20, parcel_km_minor=0.5),)),)),
    "air": Tariff((Service("ground", (Zone(5, 300, 20, parcel_km_minor=0.3),)),
                   Service("air", (Zone(1, 900, 50),)))),
}  # fmt: skip
SKUS = "XY"
MINUTE_MS = 60_000
DAY_MS = 86_400_000


def minors(most: int) -> st.SearchStrategy[int]:
    return st.sampled_from([0, 0, most // 10, most // 3, most])


@st.composite
def stocks(draw) -> Stock:
    return Stock(
        draw(st.integers(1, 4)),
        prices_minor=draw(st.sampled_from([(), (), (), (0, 300), (50, 50, 900)])),
        walk_ins_per_day=draw(st.sampled_from([0.0, 0.2, 1.0])),
        horizon_days=3.0,
        walk_in_margin_minor=draw(minors(900)),
        markdown_minor=draw(minors(300)),
        dual_minor=draw(minors(400)),
        fill_probability=draw(st.sampled_from([1.0, 0.9, 0.5])),
        is_full_run=draw(st.booleans()),
    )


@st.composite
def candidates(draw) -> list[Candidate]:
    return [
        Candidate(
            f"L{number}", draw(st.integers(30, 46)), -80.0,
            {sku: draw(stocks()) for sku in draw(st.sampled_from(["X", "Y", "XY"]))},
            tariff=draw(st.sampled_from(["ground", "air"])),
            lead_minutes=draw(st.sampled_from([0, 600])),
            handling_minor=draw(minors(300)), unit_handling_minor=draw(minors(60)),
            unit_surcharge_minor=draw(minors(90)),
        )
        for number in range(draw(st.integers(2, 4)))
    ]  # fmt: skip


@st.composite
def rule_sets(draw) -> Rules:
    goals = draw(st.lists(st.sampled_from(Goal), max_size=4, unique=True))
    is_ordered = draw(st.booleans())
    return Rules(
        TARIFFS, ordered=tuple(goals) if is_ordered else (),
        speed_minor=draw(minors(400)), shipment_minor=draw(minors(900)),
        stock_weight=draw(st.sampled_from([1.0, 1.0, 0.0, 0.5])),
        balance_weight=draw(st.sampled_from([1.0, 0.0, 2.0])),
        supply_weeks=draw(st.sampled_from([0.0, 2.0])), supply_minor=draw(minors(500)),
        broken_run_minor=draw(minors(900)), failed_pick_minor=draw(minors(900)),
        shipments_max=draw(st.sampled_from([None, 1, 2])),
        kept_units=draw(st.sampled_from([0, 0, 1])),
        splits_lines=draw(st.booleans()),
    )  # fmt: skip


@st.composite
def baskets(draw) -> list[Any]:
    return [
        order(
            number,
            *((sku, draw(st.integers(1, 2))) for sku in draw(st.sampled_from(["X", "Y", "XY"]))),
            latitude=draw(st.integers(30, 46)),
        )
        for number in range(draw(st.integers(2, 5)))
    ]


@pytest.mark.slow
@given(baskets(), candidates(), rule_sets())
@settings(max_examples=80, deadline=None)
def test_together_never_costs_more_than_one_after_the_other(orders, places, rules):
    """Replayed on stock that goes down, the batch is at least as good by each goal of the rule."""
    before = total(one_by_one(orders, places, rules), places, rules)
    after = total(together(orders, places, rules), places, rules)
    assert no_worse(after, before), (after, before)


def in_parts(place: Candidate, limits: list[tuple[int, int, float]]) -> Candidate:
    """Return a candidate whose day has parts of six hours with these limits."""
    parts = tuple(
        DayPart(number * DAY_MS // 4, (number + 1) * DAY_MS // 4, *limit, 10.0, 5.0)
        for number, limit in enumerate(limits)
    )
    return replace(place, parts=parts)


LIMITS = st.tuples(
    st.integers(0, 3), st.integers(0, 2), st.sampled_from([20.0, 45.0, float("inf")])
)  # fmt: skip


@pytest.mark.slow
@given(baskets(), candidates(), rule_sets(), st.data())
@settings(max_examples=50, deadline=None)
def test_what_fits_into_days_is_kept(orders, places, rules, data):
    """A batch takes no more of a part of a day than fits into it, and costs no more either."""
    limits = st.lists(LIMITS, min_size=1, max_size=2)
    places = [in_parts(place, data.draw(limits)) for place in places]
    before = in_turn(orders, Network(places, rules, 0), effort_max=2_000)
    plans = together(orders, places, rules, before=before)
    assert no_worse(total(plans, places, rules), total(before, places, rules))
    taken: dict[tuple[str, int], list[float]] = {}
    for plan in plans:
        for shipment in plan.shipments:
            key = (shipment.location_id, shipment.ready_ms)
            sums = taken.setdefault(key, [0, 0, 0.0])
            sums[0] += shipment.units
            sums[1] += 1
            sums[2] += 10.0 + 5.0 * shipment.units
    lead = {place.location_id: place.lead_minutes * MINUTE_MS for place in places}
    parts = {
        (place.location_id, part.starts_ms + lead[place.location_id]): part
        for place in places for part in place.parts or ()
    }  # fmt: skip
    for key, (units, count, minutes) in taken.items():
        part = parts[key]
        assert units <= part.units
        assert count <= part.orders
        assert minutes <= part.labor_minutes


def test_a_full_day_goes_to_the_order_that_needs_it():
    """One parcel fits into the near store's day: the order gets it that could not go elsewhere."""
    rules = Rules(TARIFFS)
    near = Candidate("NEAR", 40.0, -80.0, {"X": Stock(5)}, tariff="ground")
    places = [
        in_parts(near, [(9, 1, float("inf"))]),
        Candidate("FAR", 30.0, -80.0, {"X": Stock(5)}, tariff="ground"),
    ]
    orders = [order(1, ("X", 1), latitude=36.0), order(2, ("X", 1), latitude=48.0)]
    before = in_turn(orders, Network(places, rules, 0), effort_max=2_000)
    assert [plan.locations for plan in before] == [("NEAR",), ("FAR",)]
    plans = together(orders, places, rules, before=before)
    assert [plan.locations for plan in plans] == [("FAR",), ("NEAR",)]


def test_a_later_part_of_the_day_takes_what_the_first_cannot():
    """The next best to a full morning is the afternoon, which one of the orders gets."""
    rules = Rules(TARIFFS)
    near = Candidate("NEAR", 40.0, -80.0, {"X": Stock(5)}, tariff="ground")
    places = [in_parts(near, [(1, 1, float("inf")), (9, 9, float("inf"))])]
    orders = [order(n, ("X", 1)) for n in (1, 2)]
    before = in_turn(orders, Network(places, rules, 0), effort_max=2_000)
    plans = together(orders, places, rules, before=before)
    assert sorted(plan.shipments[0].ready_ms for plan in plans) == [0, DAY_MS // 4]


def test_what_a_plan_takes_is_gone_from_a_network():
    """Units with their prices, and the room of the day; what the network lacks is passed over."""
    rules = Rules(TARIFFS)
    stock = Stock(3, prices_minor=(0, 100, 200))
    place = in_parts(Candidate("L", 40.0, -80.0, {"X": stock}, tariff="air"), [(9, 2, 100.0)])
    network = Network([place], rules, 0)
    (plan,) = in_turn([order(1, ("X", 2))], network, effort_max=2_000)
    assert network.shelves("X")[0].stock == Stock(1, prices_minor=(200,))
    assert network.candidates[0].parts == (DayPart(0, DAY_MS // 4, 7, 1, 80.0, 10.0, 5.0),)
    take(Network([], rules, 0), plan)
