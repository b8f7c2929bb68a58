"""What is explained adds up: every document that is answered, by any rules, kits included."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central_server.records import Product
from central_server.services.availability import Question
from central_server.services.idempotency import RequestIdentity
from central_server.services.promises import Ask
from central_server.sourcing.promise_rules import PromiseRule
from central_server.sourcing.receipts import Receipt
from tests.support.central_world import PLACES, World, build_world
from tests.support.rule_strategies import any_rule

NOW = 1_763_900_000_000
STORES = tuple(name for name, _, _ in PLACES)
SKUS = ("SKU-1", "SKU-2", "SKU-3", "KIT")
rules = any_rule(NOW, skus=SKUS[:3], places=STORES, channels=("web", "agent"))


def move(world: World, place: str, sku: str, on_hand: int, allocated: int) -> None:
    moved = {sku: (on_hand, allocated)}
    world.database.write(lambda unit: unit.stock.apply_effects(place, moved, []))


@pytest.fixture
def varied(sqlite_database, tmp_path) -> World:
    """Stock that is promised, missing or negative; goods that orders wait for; a kit."""
    world = build_world(sqlite_database, tmp_path)
    assert world.clock.now_ms() == NOW
    kinds = {"S001": ("store", "East"), "S002": ("dc", "West"), "S003": ("store", "")}
    with world.database.read() as view:
        places = view.locations.get_many(STORES)
    world.parts.intake.locations(
        [replace(one, kind=kinds[name][0], region=kinds[name][1]) for name, one in places.items()]
    )
    world.parts.intake.products(
        [
            Product("SKU-1", "Thing", category="Wine"),
            Product("SKU-2", "Thing", category="Beer"),
            Product("KIT", "Gift set"),
        ]
    )
    world.parts.central.supply.set_bundle("KIT", {"SKU-1": 2, "SKU-2": 1})
    move(world, "S001", "SKU-2", -14, 0)
    move(world, "S002", "SKU-1", 20, 9)
    move(world, "S003", "SKU-3", 0, 12)
    due = NOW + 86_400_000
    world.parts.central.supply.expect(Receipt("R", "S001", "SKU-1", 50, due))
    later = replace(world.new_order(("SKU-1", 40)), accept_later=True)
    world.parts.central.orders.place(later, RequestIdentity("test", "later", "body"))
    return world


def rule_by(world: World, drawn: list[PromiseRule]) -> None:
    """Let these rules hold, whether or not somebody would have advised against them."""
    named = tuple(replace(rule, id=f"r{number}") for number, rule in enumerate(drawn))
    book = world.parts.central.promise_rules
    made: dict[str, Any] = book.draft(named, note="", by="Kim")
    how: dict[str, Any] = {"effective_from_ms": None, "note": "", "reading": made["reading"]}
    book.publish(made["version"], by="Lee", **how)


def summed(parts: list[dict[str, Any]], begins: str) -> int:
    assert parts[0]["term"] == begins
    return sum(part["units"] for part in parts)


def check_components(entry: dict[str, Any], begins: str) -> None:
    for part in entry["components"]:
        assert max(0, summed(part["explained"], begins)) == part["available_to_promise"]
        assert entry["available_to_promise"] <= part["available_to_promise"] // part["units"]
    assert [part["sku"] for part in entry["components"]] == (
        ["SKU-1", "SKU-2"] if entry["sku"] == "KIT" else []
    )


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(rules, max_size=6),
    st.sampled_from(["web", "agent"]),
    st.sampled_from(["pickup", "ship"]),
)
def test_every_answer_adds_up(varied, monkeypatch, drawn, channel, method):
    """At places and over all of them: the parts are the sum, and no kit passes its components."""
    book = varied.parts.central.promise_rules
    monkeypatch.setattr(book, "findings", lambda view, rules: [])
    rule_by(varied, drawn)
    asked = Question(SKUS, STORES, ask=Ask(channel, method), explain=True)
    desk = varied.parts.central.availability
    for entry in desk.answer(asked)["availability"]:
        terms = entry["terms"]
        others = sum(units for name, units in terms.items() if name not in {"on_hand", "raw"})
        assert terms["on_hand"] - others == terms["raw"] == summed(entry["explained"], "on_hand")
        assert entry["available_to_promise"] == max(0, terms["raw"])
        same = next(one for one in entry["methods"] if one["method"] == method)
        assert same["available_to_promise"] == entry["available_to_promise"]
        check_components(entry, "on_hand")
    for entry in desk.answer(replace(asked, of_network=True))["network"]:
        assert max(0, summed(entry["explained"], "places")) == entry["available_to_promise"]
        check_components(entry, "places")
    known = {None, *(f"r{number}" for number in range(len(drawn)))}
    told = [part["rule"] for one in desk.answer(asked)["availability"] for part in one["explained"]]
    assert set(told) <= known
