"""A decision as it is stored: its figures add up."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from central_server.services.decisions import Decision
from central_server.sourcing.engine.model import (
    Candidate,
    RequestedLine,
    RoutingOrder,
    Stock,
)
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.routing import plan_order
from central_server.sourcing.engine.tariffs import Service, Tariff, Zone
from central_server.sourcing.routing_rules import DEFAULT_ROUTE

NOW = 1_772_460_000_000
GROUND = Service("ground", (Zone(2, 499.5, kg_minor=33.3, parcel_km_minor=0.07),))
amounts = st.floats(0, 900, allow_nan=False)
stocks = st.builds(
    Stock,
    units=st.integers(0, 4),
    walk_ins_per_day=st.floats(0, 3),
    horizon_days=st.floats(0, 30),
    walk_in_margin_minor=amounts,
    markdown_minor=amounts,
    dual_minor=amounts,
    fill_probability=st.floats(0.1, 1),
)
places = st.lists(
    st.builds(
        Candidate,
        location_id=st.uuids().map(str),
        latitude=st.floats(30, 45),
        longitude=st.floats(-120, -70),
        stock=st.fixed_dictionaries({"A": stocks, "B": stocks}),
        handling_minor=amounts,
        unit_handling_minor=amounts,
        unit_surcharge_minor=amounts,
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(places, st.integers(1, 4), st.integers(0, 4), amounts)
def test_terms_sum_to_the_cost(candidates, first, second, failed_pick):
    """Whole minor units, over terms, over shipments and both, whatever was cheapest."""
    rule = replace(DEFAULT_ROUTE, failed_pick_minor=failed_pick, supply_weeks=2, supply_minor=90.5)
    rules = rule.engine_rules({"": Tariff((GROUND,))}, 1)
    network = Network(candidates, rules, NOW)
    wanted = [(sku, units) for sku, units in (("A", first), ("B", second)) if units]
    lines = tuple(
        RequestedLine(number, sku, units, 333) for number, (sku, units) in enumerate(wanted, 1)
    )
    order = RoutingOrder(lines, 40.0, -80.0)
    plan = plan_order(order, network)
    told = Decision(order, rule, 1, network, {}, plan, plan, {}).document("why")
    terms = told["terms"]
    assert isinstance(terms, dict)
    parts = {name: units for name, units in terms.items() if name != "total"}
    assert sum(parts.values()) == terms["total"] == told["cost_minor"]
    shipments = told["shipments"]
    assert isinstance(shipments, list)
    for one in shipments:
        of = one["terms"]
        assert sum(of.values()) == 2 * of["total"]
    assert sum(one["terms"]["total"] for one in shipments) == told["cost_minor"]
