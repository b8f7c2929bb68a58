"""Lines as items: groups leave together, whatever they are called, and nothing gets lost."""

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from central_server.sourcing.engine.items import items_of
from central_server.sourcing.engine.model import Candidate, RequestedLine, RoutingOrder, Stock
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.routing import plan_order
from tests.central_server.sourcing.engine.test_routing import NOW, RULES

NAMES = ("A", "B", "/A", "/B", "/", "/x", "kit")
"""What lines and groups are called alike."""


def planned(*lines: RequestedLine) -> SourcingPlan:
    stock = {name: Stock(9) for name in NAMES}
    stores = [Candidate("S1", 40.0, -80.0, stock), Candidate("S2", 41.0, -80.0, stock)]
    return plan_order(RoutingOrder(lines, 40.0, -80.0), Network(stores, RULES, NOW))


def units_of(plan: SourcingPlan) -> Counter[int]:
    """Return the units that ship or are unsourced, by line."""
    found: Counter[int] = Counter()
    for one in (*(part for parcel in plan.shipments for part in parcel.lines), *plan.unsourced):
        found[one.line] += one.quantity
    return found


def test_a_group_may_begin_with_a_slash():
    """Both lines of it are one item that leaves whole."""
    plan = planned(
        RequestedLine(1, "A", 2, group="/x"), RequestedLine(2, "B", 3, group="/x")
    )  # fmt: skip
    assert units_of(plan) == {1: 2, 2: 3}
    assert len(plan.shipments) == 1


def test_a_group_may_be_called_like_a_sku():
    """A group named like an ungrouped line's SKU, with a slash or without, is not that line."""
    for name in ("B", "/B"):
        lines = (RequestedLine(1, "A", 2, group=name), RequestedLine(2, "B", 3))
        order = RoutingOrder(lines, 40.0, -80.0)
        assert [item.is_whole for item in items_of(order, RULES)] == [True, False]
        assert units_of(planned(*lines)) == {1: 2, 2: 3}


def test_groups_that_share_a_sku_are_one_and_others_are_not():
    """Also where one of them is called like a SKU of another."""
    lines = (
        RequestedLine(1, "A", 1, group="x"), RequestedLine(2, "A", 1, group="y"),
        RequestedLine(3, "B", 1, group="y"), RequestedLine(4, "kit", 1, group="A"),
    )  # fmt: skip
    items = items_of(RoutingOrder(lines, 40.0, -80.0), RULES)
    assert [[part.sku for part in item.parts] for item in items] == [["A", "B"], ["kit"]]


@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(("", *NAMES)), st.integers(1, 3)),
        min_size=1, max_size=5,
    )
)  # fmt: skip
@settings(deadline=None, max_examples=150)
def test_every_unit_ships_or_is_unsourced_whatever_groups_are_called(asked):
    """No name of a group or SKU loses goods."""
    lines = [RequestedLine(n, sku, units, group=group)
             for n, (sku, group, units) in enumerate(asked, 1)]  # fmt: skip
    assert units_of(planned(*lines)) == {line.line: line.quantity for line in lines}


def test_one_sku_weighs_the_same_in_whatever_order_its_lines_come():
    """Over a prepared network, where nothing is checked, the heaviest of its lines counts."""
    light, heavy = RequestedLine(1, "A", 1, 100), RequestedLine(2, "A", 1, 20_000)
    costs = {
        planned(light, heavy).cost_minor, planned(heavy, light).cost_minor,
        planned(heavy, replace(light, weight_grams=20_000)).cost_minor,
    }  # fmt: skip
    assert len(costs) == 1
