"""Goals in order: what they leave equal, the cost decides, then the number of shipments."""

from dataclasses import replace
from itertools import permutations

import pytest

from central_server.sourcing.engine.items import items_of
from central_server.sourcing.engine.model import Goal
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.offers import offers
from central_server.sourcing.engine.routing import plan_order
from central_server.sourcing.engine.tariffs import Service, Tariff, Zone
from tests.central_server.sourcing.engine.test_routing import GROUND, NOW, RULES, order, place

GROUND_ALONE = {"": Tariff((GROUND,))}


def chosen(goals: tuple[Goal, ...], *stores, asked=None) -> tuple[str, ...]:
    network = Network(stores, replace(RULES, tariffs=GROUND_ALONE, ordered=goals), NOW)
    return plan_order(asked or order(), network).locations


WITHOUT_COST = (
    (Goal.SPEED,), (Goal.SHIPMENTS,), (Goal.BALANCE,),
    (Goal.SHIPMENTS, Goal.SPEED), (Goal.BALANCE, Goal.SPEED),
)  # fmt: skip


@pytest.mark.parametrize("goals", WITHOUT_COST)
def test_what_goals_leave_equal_the_cost_decides(goals):
    """As quick, as whole, as balanced: the cheaper one ships, whichever is listed first."""
    dear, cheap = place("A", 0, 5, handling_minor=100_000), place("B", 0.1, 5)
    assert chosen(goals, dear, cheap) == ("B",)
    assert chosen(goals, cheap, dear) == ("B",)


def test_the_nearer_one_ships_where_only_shipments_are_counted():
    """A place at the door, not one 2,200 km away that happens to be listed before it."""
    far, near = place("FAR", 20, 5), place("NEAR", 0, 5)
    assert chosen((Goal.SHIPMENTS,), far, near) == ("NEAR",)


def test_what_costs_the_same_leaves_in_fewer_shipments():
    """Two free parcels cost no more than one; the customer gets one."""
    free = replace(RULES, tariffs={"": Tariff((Service("van", (Zone(1, 0),)),))})
    stores = [place("A", 0, 1, 0), place("B", 0, 0, 1), place("C", 0, 1, 1)]
    for listed in permutations(stores):
        network = Network(listed, replace(free, ordered=(Goal.SPEED,)), NOW)
        assert plan_order(order(1, 1), network).locations == ("C",)


def test_goals_still_stand_above_the_cost():
    """The tie-break never outweighs a goal that was named."""
    quick = place("A", 0, 5, handling_minor=900_000)
    slow = place("B", 9, 5)
    assert chosen((Goal.SPEED,), slow, quick) == ("A",)
    parts = [place("A", 0, 9, 0), place("B", 0, 0, 9), place("C", 9, 9, 9, handling_minor=90_000)]
    assert chosen((Goal.SHIPMENTS,), *parts, asked=order(3, 3)) == ("C",)


def test_units_that_cost_the_same_are_weighed_together():
    """A thousand units of one price are one cell of the problem, not a thousand."""
    asked = order(1_000)
    network = Network([place("A", 0, 5_000)], replace(RULES, ordered=(Goal.SPEED,)), NOW)
    problem = offers(asked, network, items_of(asked, network.rules)).problem
    assert {len(row) for row in problem.rows} == {1}
    assert {units for row in problem.rows for _, _, units in row} == {1_000}
