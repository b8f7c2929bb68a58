"""The sentence says what decided, truly: the goal, the days, or that the search was cut short."""

from dataclasses import replace
from random import Random

from central_server.sourcing.engine.explain import RoutingTrace, explain, sentence
from central_server.sourcing.engine.model import (
    Candidate,
    Goal,
    RequestedLine,
    RoutingOrder,
    Rules,
    Stock,
)
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.plan import SourcingPlan
from central_server.sourcing.engine.routing import plan_order, route
from central_server.sourcing.engine.tariffs import Service, Tariff, Zone
from tests.central_server.sourcing.engine.test_routing import GROUND, NOW, RULES, order, place

GROUND_ALONE = replace(RULES, tariffs={"": Tariff((GROUND,))})


def explained(
    asked: RoutingOrder, rules: Rules, *stores: Candidate, effort_max: int = 25_000
) -> tuple[SourcingPlan, RoutingTrace]:
    network = Network(stores, rules, NOW)
    plan = plan_order(asked, network, effort_max=effort_max)
    return plan, explain(asked, network, plan)


def test_days_that_decided_are_named():
    """By weight, and as the first goal: the cheaper choice arrives later, and by how much."""
    dear, slow = place("A", 0, 5, handling_minor=576), place("B", 9, 5)
    rules = replace(GROUND_ALONE, speed_minor=250.0)
    plan, trace = explained(order(), rules, dear, slow)
    assert plan.locations == ("A",)
    assert trace.sentence.endswith(
        "B without A, would have cost 2.36 less, but arrives 2 days later, which counts 5.00"
        " by the rules."
    )
    _, trace = explained(order(), replace(GROUND_ALONE, ordered=(Goal.SPEED,)), dear, slow)
    assert trace.sentence.endswith("would have cost 2.36 less, but arrives 2 days later.")


def test_shipments_that_decided_are_named():
    """By weight, and as the first goal: the cheaper choice is a parcel more."""
    stores = [
        place("A", 0, 1, 0), place("B", 0, 0, 1), place("C", 0, 1, 1, handling_minor=700),
    ]  # fmt: skip
    rules = replace(GROUND_ALONE, shipment_minor=300.0)
    plan, trace = explained(order(1, 1), rules, *stores)
    assert plan.locations == ("C",)
    assert trace.sentence.endswith(
        "would have cost 1.00 less, but takes 1 shipment more, which counts 3.00 by the rules."
    )
    _, trace = explained(order(1, 1), replace(rules, ordered=(Goal.SHIPMENTS,)), *stores)
    assert trace.sentence.endswith("would have cost 1.00 less, but takes 1 shipment more.")


def test_days_of_several_shipments_are_summed_up():
    """Speed counts the days of all shipments, so the sentence does."""
    stores = [
        place("A", 0, 1, 0), place("B", 0, 0, 1, handling_minor=700), place("C", 9, 0, 1),
    ]  # fmt: skip
    plan, trace = explained(order(1, 1), replace(GROUND_ALONE, speed_minor=300.0), *stores)
    assert plan.locations == ("A", "B")
    assert "but its shipments take 2 days more in all, which counts 6.00" in trace.sentence


def test_balance_that_decided_is_named():
    """A choice that costs less before the balance of stock breaks a run of sizes."""
    full = replace(place("A", 0, 1), stock={"SKU-1": Stock(1, is_full_run=True)})
    other = place("B", 0, 5, handling_minor=400)
    rules = replace(GROUND_ALONE, broken_run_minor=100, ordered=(Goal.BALANCE,))
    _, trace = explained(order(), rules, other, full)
    assert (
        "would have cost 3.00 less, but counts 1.00 more for the balance of stock,"
        " and breaks the run of sizes of SKU-1." in trace.sentence
    )
    dear = replace(other, handling_minor=50)
    _, trace = explained(order(), replace(rules, ordered=(Goal.COST,)), full, dear)
    assert (
        "would have cost 0.50 less, but costs 0.50 more before the balance of stock"
        in trace.sentence
    )


def test_what_the_rules_count_beside_the_cost_is_told():
    """The cost and what the rules add to it are the objective: days and shipments have a figure."""
    rules = replace(GROUND_ALONE, speed_minor=100.0, shipment_minor=30.0)
    stores = [place("A", 0, 1, 0), place("B", 9, 0, 1)]
    plan = route(order(1, 1), stores, rules, NOW)
    assert (plan.preferences.speed, plan.preferences.shipments) == (400.0, 60.0)
    assert plan.terms.total + plan.preferences.total == plan.objective
    plan = route(order(1, 1), stores, replace(rules, ordered=(Goal.SPEED,)), NOW)
    assert plan.preferences.total == 0


def cut_short() -> tuple[RoutingOrder, list[Candidate], Rules]:
    """Return a case in which a search without effort misses a better plan."""
    random = Random(9)
    stores = [
        Candidate(
            f"L{number:02}", 36 + random.random() * 8, -80.0,
            {f"S{k}": Stock(random.randint(1, 2)) for k in range(5) if random.random() < 0.4},
            handling_minor=random.randint(0, 400),
        )
        for number in range(10)
    ]  # fmt: skip
    lines = tuple(RequestedLine(k + 1, f"S{k}", 2) for k in range(5))
    rules = Rules({"": Tariff((Service("ground", (Zone(1, 600, parcel_km_minor=0.3),)),))})
    return RoutingOrder(lines, 40.0, -80.0), stores, rules


def test_a_search_that_was_cut_short_is_said_to_be():
    """What was found too late to be chosen is better by the rules, and never called worse."""
    asked, stores, rules = cut_short()
    plan, trace = explained(asked, rules, *stores, effort_max=0)
    assert trace.next_best is not None
    assert trace.next_best.plan.objective < plan.objective
    assert "ranks lower" not in trace.sentence
    assert trace.next_best.extra_minor < 0
    assert (
        " less, and is better by the rules: the search was cut short before it was found."
        in trace.sentence
    )


def test_a_search_by_goals_in_order_names_no_share_that_could_be_saved():
    """The figure of ordered goals is no money, and a share of it means nothing."""
    asked, stores, rules = cut_short()
    plan, trace = explained(asked, replace(rules, ordered=(Goal.COST,)), *stores, effort_max=0)
    assert plan.gap > 0
    assert "could still be saved" not in trace.sentence
    assert trace.sentence.endswith(" The search was cut short: a better choice may exist.")


def test_an_order_of_nothing_has_a_sensible_sentence():
    """Nothing is wanted: nobody is blamed for not shipping it."""
    plan, trace = explained(RoutingOrder((), 40.0, -80.0), RULES, place("A", 0, 5))
    assert (plan.shipments, plan.unsourced) == ((), ())
    assert trace.sentence == "Nothing is asked for, so nothing ships."


def test_a_plan_alone_says_nothing_of_other_choices():
    """Where no other choice was sought, none is said not to exist."""
    plan = route(order(), [place("A", 0, 5), place("B", 1, 5)], RULES, NOW)
    assert "choice" not in sentence(plan, None, is_sought=False)
    only = route(order(), [place("A", 0, 5)], RULES, NOW)
    assert sentence(only, None).endswith("No other choice ships all of it.")
