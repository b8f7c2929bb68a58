"""What a version of rules would change is what does change once it is published."""

from typing import Any

import pytest

from central_server.services.availability import Question
from central_server.services.errors import RulesInvalid
from central_server.services.promises import Ask
from central_server.sourcing.promise_rules import PromiseRule, RuleKind
from tests.central_server.services.test_availability import with_kit
from tests.central_server.services.test_promise_rules import HOLD, SAFETY, publish, shown
from tests.support.central_world import SKUS, World

HOUR_MS = 3_600_000


def preview(world: World, *rules: PromiseRule, at_ms: int | None = None) -> dict[str, Any]:
    """Return what a draft would change of what is fetched."""
    made: dict[str, Any] = world.parts.central.promise_rules.draft(rules, note="", by="Kim")
    return world.parts.central.promise_preview.preview(made["version"], at_ms=at_ms, ask=Ask())


def units(world: World, **where: Any) -> dict[tuple[str, str], int]:
    """Return what is shown of each SKU, by place and SKU."""
    question = Question(("SKU-1", "KIT"), **where)
    found: Any = world.parts.central.availability.answer(question)
    return {
        (one.get("location_id", ""), one["sku"]): one["available_to_promise"]
        for one in (*found["availability"], *found["network"])
    }


def test_a_preview_sees_rules_that_changed_places(world):
    """The first rule that holds decides, so the order counts beside what is new for others."""
    west = PromiseRule("west", SAFETY, units=1, locations=("S001", "S002"))
    east = PromiseRule("east", SAFETY, units=4, locations=("S002", "S003"))
    publish(world, west, east)
    new = PromiseRule("two", HOLD, units=2, skus=("SKU-2",), locations=("S001",))
    draft = world.parts.central.promise_rules.draft([east, west, new], note="", by="Kim")["version"]
    found = world.parts.central.promise_preview.preview(draft, at_ms=None, ask=Ask())
    changed = {str(line["sku"]): (line["before"], line["after"]) for line in found["skus"]}
    assert changed["SKU-1"] == (24, 21)
    assert changed["SKU-2"] == (24, 19)


def test_a_preview_of_a_draft_with_a_rule_twice(world):
    """It is shown, with what is wrong about it."""
    keep = PromiseRule("keep", HOLD, units=1)
    publish(world, keep)
    draft = world.parts.central.promise_rules.draft([keep, keep], note="", by="Kim")["version"]
    found = world.parts.central.promise_preview.preview(draft, at_ms=None, ask=Ask())
    assert [one["field"] for one in found["findings"]] == ["id"]
    assert found["units_after"] < found["units_before"]


def test_preview_says_what_would_change(world):
    """SKUs, units and stores before and after; nothing is kept."""
    publish(world, PromiseRule("keep", HOLD, units=1))
    book = world.parts.central.promise_rules
    rules = [
        PromiseRule("keep", HOLD, units=1),
        PromiseRule("two", HOLD, units=2, skus=("SKU-1",), locations=("S001",)),
    ]
    draft = book.draft(rules, note="", by="Kim")["version"]
    found = world.parts.central.promise_preview.preview(draft, at_ms=None, ask=Ask())
    assert found["rules"] == {"added": ["two"], "removed": [], "changed": []}
    assert found["skus"] == [{"sku": "SKU-1", "before": 27, "after": 25}]
    assert found["stores"] == [{"location_id": "S001", "before": 9, "after": 7}]
    assert (found["skus_changed"], found["stores_changed"], found["skus_left_out"]) == (1, 1, 0)
    assert shown(world) == 9


def test_a_preview_shows_stock_that_is_protected_as_the_places_own(world):
    """Who chooses the place has it as before: nothing changes there, all of it for the others."""
    rule = PromiseRule("r", RuleKind.PROTECT, locations=("S001",))
    found = preview(world, rule)
    assert (found["stores_changed"], found["skus_changed"]) == (0, len(SKUS))
    publish(world, rule)
    assert shown(world) == 10


def test_a_preview_of_a_start_at_a_release_date(world):
    """What may be sold from then on is looked at as it is then."""
    at_ms = world.clock.now_ms() + HOUR_MS
    world.parts.central.supply.set_release("SKU-1", at_ms)
    rule = PromiseRule("r", HOLD, units=5, skus=("SKU-1",))
    assert preview(world, rule)["skus"] == []
    assert preview(world, rule, at_ms=at_ms - 1)["skus"] == []
    found = preview(world, rule, at_ms=at_ms)
    assert found["skus"] == [{"sku": "SKU-1", "before": 30, "after": 15}]
    assert (found["units_before"], found["units_after"], found["stores_changed"]) == (30, 15, 3)


def test_a_preview_has_the_kits_of_what_it_reaches(world):
    """A kit is as its components allow; units are counted once."""
    with_kit(world)
    rule = PromiseRule("r", HOLD, units=5, skus=("SKU-1",))
    found = preview(world, rule)
    assert found["skus"] == [
        {"sku": "SKU-1", "before": 30, "after": 15},
        {"sku": "KIT", "before": 15, "after": 6},
    ]
    assert (found["units_before"], found["units_after"]) == (30, 15)
    assert found["stores"][0] == {"location_id": "S001", "before": 10, "after": 5}
    publish(world, rule)
    assert units(world, of_network=True) == {("", "SKU-1"): 15, ("", "KIT"): 6}


def test_a_rule_that_names_a_kit_is_refused(world):
    """It would do nothing: what is kept of a kit is kept of its components."""
    with_kit(world)
    rule = PromiseRule("r", RuleKind.OFFER, offered=False, skus=("KIT", "SKU-2"))
    (finding,) = preview(world, rule)["findings"]
    assert (finding["rule"], finding["field"]) == ("r", "skus")
    assert finding["text"] == "'KIT': kits have no stock of their own, name their components"
    book = world.parts.central.promise_rules
    made: dict[str, Any] = book.draft([rule], note="", by="Kim")
    how: dict[str, Any] = {"effective_from_ms": None, "reading": made["reading"]}
    with pytest.raises(RulesInvalid, match="components"):
        book.publish(made["version"], note="", by="Lee", **how)
