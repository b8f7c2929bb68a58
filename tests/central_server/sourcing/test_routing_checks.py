"""What is wrong with rules of routing is said with its place and what to do."""

from dataclasses import replace
from typing import Any

import pytest

from central_server.api.routing_rule_schemas import RoutingRulesBody
from central_server.sourcing.engine.model import Goal
from central_server.sourcing.promise_rules import Place
from central_server.sourcing.routing_checks import check_routing
from central_server.sourcing.routing_rules import HoldKind, RoutingRule, RoutingRuleKind
from central_server.sourcing.rule_checks import Known
from tests.architecture.tree import ROOT

KNOWN = Known({"A"}, {"shoes"}, {"S001"}, {"EAST"})
WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("route", {"units": 3}, "units", "a rule of kind capacity"),
    ("capacity", {}, "units", "say how much fits"),
    ("capacity", {"units": 1, "from_minute": 600, "until_minute": 600}, "until_minute", "ends"),
    ("capacity", {"labor_minutes": 60}, "minutes_per_order", "what takes the labor"),
    ("route", {"near_km": 5.0}, "near_km", "all three"),
    ("route", {"near_latitude": 400.0, "near_longitude": 0.0, "near_km": 5.0},
     "near_latitude", "between"),
    ("route", {"near_latitude": 4.0, "near_longitude": float("nan"), "near_km": 5.0},
     "near_longitude", "between"),
    ("route", {"value_from_minor": 5, "value_below_minor": 5}, "value_below_minor", "no order"),
    ("route", {"goals": (Goal.COST, Goal.COST)}, "goals", "twice"),
    ("route", {"hold_for": (HoldKind.FRAUD, HoldKind.ADDRESS, HoldKind.FRAUD)},
     "hold_for", "twice"),
    ("route", {"hold_for": (HoldKind.GRACE,)}, "hold_for", "grace_minutes"),
    ("route", {"hold_for": (HoldKind.OFFER,)}, "hold_for", "offer_stores"),
    ("route", {"markdown_percent": 20.0}, "horizon_days", "in how many days"),
    ("route", {"horizon_days": 7.0}, "walk_in_margin_percent", "earns or loses"),
    ("route", {"horizon_days": 7.0, "markdown_percent": 101.0}, "markdown_percent", "between"),
    ("route", {"transfer_minor": 90.0}, "horizon_days", "in how many days"),
    ("route", {"horizon_days": 7.0, "transfer_minor": -1.0}, "transfer_minor", "between"),
    ("route", {"shipments_max": 0}, "shipments_max", "between"),
    ("route", {"categories": ("shoos",)}, "categories", "spelling"),
    ("route", {"channels": ("fax",)}, "channels", "channels are web"),
    ("serve", {"locations": ("S009",)}, "locations", "import it first"),
    ("serve", {"regions": ("WEST",)}, "regions", "spelling"),
    ("serve", {"location_kinds": ("van",)}, "location_kinds", "store and dc"),
    ("need", {"skus": ("A",)}, "capabilities", "which capabilities"),
    ("need", {"capabilities": ("x",)}, "skus", "which goods"),
    ("need", {"capabilities": ("x",), "skus": ("B",)}, "skus", "import it first"),
    ("route", {"effective_from_ms": 5, "effective_until_ms": 5}, "effective_until", "before"),
]  # fmt: skip


def test_a_transfer_that_costs_nothing_is_something_to_say():
    """Nothing is lost on a unit that is left over: no advice to say what was said."""
    free = RoutingRule("r", RoutingRuleKind.ROUTE, horizon_days=7.0, transfer_minor=0.0)
    assert check_routing([free], KNOWN) == []


@pytest.mark.parametrize(("kind", "values", "field", "words"), WRONG)
def test_each_mistake_is_found_once_with_advice(kind, values, field, words):
    """Just this field is named, and the text says what to do."""
    able = RoutingRule("able", RoutingRuleKind.SERVE, locations=("S001",), capabilities=("x",))
    (found,) = check_routing([able, RoutingRule("r", RoutingRuleKind(kind), **values)], KNOWN)
    assert (found.rule, found.field) == ("r", field)
    assert words in found.text


def test_the_rules_of_the_documentation_make_sense():
    """What ROUTING.md shows is taken as it stands, and means something in every rule."""
    text = (ROOT / "central_server" / "sourcing" / "ROUTING.md").read_text(encoding="utf-8")
    example = text[text.index('    {"rules": [') : text.index("    ]}") + len("    ]}")]
    rules = RoutingRulesBody.model_validate_json(example).values()
    assert {rule.kind for rule in rules} == {*RoutingRuleKind}
    known = Known(set(), {"gifts"}, {"S007"}, set())
    assert check_routing(rules, known) == []


def test_rules_that_never_count_are_found():
    """Behind a rule that takes everything, and under a name that is taken."""
    rules = [
        RoutingRule("all", RoutingRuleKind.ROUTE),
        RoutingRule("late", RoutingRuleKind.ROUTE, channels=("web",)),
        RoutingRule("late", RoutingRuleKind.SERVE, locations=("S001",), enabled=False),
    ]
    found = {(one.rule, one.field) for one in check_routing(rules, KNOWN)}
    assert found == {("late", "order"), ("late", "id")}


def test_rules_that_make_sense_have_no_findings():
    """One of each kind."""
    rules = [
        RoutingRule("r", RoutingRuleKind.ROUTE, goals=(Goal.SPEED, Goal.COST)),
        RoutingRule("s", RoutingRuleKind.SERVE, radius_km=50.0, capabilities=("x",)),
        RoutingRule("c", RoutingRuleKind.CAPACITY, units=5, regions=("EAST",)),
        RoutingRule("n", RoutingRuleKind.NEED, categories=("shoes",), capabilities=("x",)),
    ]
    assert check_routing(rules, KNOWN) == []


@pytest.mark.parametrize(
    ("first", "second", "is_found"),
    [
        ({}, {"from_minute": 600, "until_minute": 720}, True),
        ({"until_minute": 700}, {"from_minute": 600}, True),
        ({"until_minute": 600}, {"from_minute": 600}, False),
        ({"locations": ("S001",)}, {}, False),
        ({"locations": ("S001",), "until_minute": 600}, {}, True),
        ({"locations": ("S001",), "until_minute": 600}, {"except_locations": ("S001",)}, False),
        ({"locations": ("S001",), "until_minute": 600}, {"locations": ("S002",)}, False),
        ({"regions": ("EAST",), "until_minute": 600}, {"location_kinds": ("dc",)}, False),
        ({"regions": ("WEST",), "until_minute": 600}, {"location_kinds": ("dc",)}, True),
        ({"locations": ("S001",), "until_minute": 600}, {"regions": ("WEST",)}, False),
        (
            {"locations": ("S001", "D001"), "until_minute": 600},
            {"regions": ("WEST",), "except_locations": ("D001",)},
            False,
        ),
        ({"regions": ("EAST",), "until_minute": 600}, {"locations": ("S001",)}, True),
        ({"until_minute": 600, "effective_until_ms": 5}, {"effective_from_ms": 5}, False),
        ({"until_minute": 600, "effective_until_ms": 6}, {"effective_from_ms": 5}, True),
    ],
)
def test_parts_of_a_day_that_overlap_at_a_location_are_found(first, second, is_found):
    """One limit holds at a time: the same hours, of which the first counts, or others.

    They overlap at locations that there are: no store in the east is a center.
    """
    part = RoutingRule("c", RoutingRuleKind.CAPACITY, orders=5)
    rules = [replace(part, id="one", **first), replace(part, id="two", **second)]
    places = (
        Place("S001", "store", "EAST"), Place("S002", "store", "EAST"), Place("D001", "dc", "WEST"),
    )  # fmt: skip
    ids = {one.id for one in places}
    known = Known(set(), set(), ids, {"EAST", "WEST"}, places)
    found = [(one.rule, one.field) for one in check_routing(rules, known)]
    assert found == ([("two", "from_minute")] if is_found else [])


def test_goods_that_need_what_nobody_does_are_found():
    """A misspelled capability would make them goods that nobody can ever send."""
    rules = [
        RoutingRule("s", RoutingRuleKind.SERVE, capabilities=("gift_wrap",)),
        RoutingRule("n", RoutingRuleKind.NEED, skus=("A",), capabilities=("gift_wrp",)),
    ]
    known = Known({"A"}, set(), set(), set())
    (found,) = check_routing(rules, known)
    assert (found.rule, found.field) == ("n", "capabilities")
    assert "gift_wrp" in found.text
