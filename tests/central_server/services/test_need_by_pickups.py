"""Pickups that must be ready by a day: who has them ready gets them; no later day is promised."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from central_server.services.capacity import Days
from central_server.services.errors import NotInTime
from central_server.sourcing.receipts import Receipt
from central_server.sourcing.routing_rules import RoutingRule
from sync.domain.errors import InsufficientStock
from tests.central_server.services.test_full_days import at
from tests.central_server.services.test_need_by import (
    CAPACITY,
    MONDAY,
    SUNDAY,
    closed,
    finding,
    give_up,
    later,
    needed,
    newest,
)
from tests.central_server.services.test_routing_rules import publish
from tests.central_server.services.test_why import placed
from tests.support.central_world import PLACES, Workers, World


def test_a_pickup_goes_where_it_is_ready_on_the_day(world: World):
    """The chosen store is closed today: the nearest that makes it has it ready."""
    closed(world, ("S001", (SUNDAY,)))
    new = world.new_order(("SKU-1", 2))
    assert at(world, placed(world, new)) == ["S001"]
    order_id = placed(world, needed(new, SUNDAY))
    assert at(world, order_id) == ["S002"]
    decision = newest(world, order_id)
    assert finding(decision, "S001") == "too_late"
    assert "S001, which the customer chose, would have it ready too late." in decision["sentence"]
    assert f"It must be ready by {SUNDAY}." in decision["sentence"]
    tried: dict[str, Any] = world.parts.central.routing.dry_run(needed(new, SUNDAY))
    assert (tried["taken"], tried["sentence"]) == ("S002", decision["sentence"])
    assert at(world, placed(world, needed(new, MONDAY))) == ["S001"]
    world.check_books()


def test_a_pickup_that_nobody_has_ready_on_the_day_is_refused(world: World):
    """With the day on which the chosen store would have it; without stock, with what lacks."""
    closed(world, *((name, (SUNDAY,)) for name in ("S001", "S002", "S003")))
    with pytest.raises(NotInTime) as refusal:
        placed(world, needed(world.new_order(("SKU-1", 2)), SUNDAY))
    assert refusal.value.possible_by == MONDAY
    with pytest.raises(InsufficientStock):
        placed(world, needed(world.new_order(("SKU-1", 11)), SUNDAY))
    assert world.stock("S001") == (10, 0)


def test_a_part_of_the_day_with_room_counts_as_the_day_that_it_is(world: World):
    """A store whose day is full is passed for that, not for time."""
    publish(world, RoutingRule("full", CAPACITY, locations=("S001",), orders=0))
    order_id = placed(world, needed(world.new_order(("SKU-1", 2)), SUNDAY))
    assert at(world, order_id) == ["S002"]
    assert finding(newest(world, order_id), "S001") == "day_full"


def test_other_stores_are_only_looked_at_where_a_pickup_goes_on(world: World, monkeypatch):
    """They are a thousand, and it is asked while others wait to write."""
    publish(world, RoutingRule("part", CAPACITY, orders=9))
    seen: list[list[str]] = []
    begins = Days.begins

    def spied(days: Days, location_ids: Collection[str], units: int = 1) -> Any:
        seen.append(sorted(location_ids))
        return begins(days, location_ids, units)

    monkeypatch.setattr(Days, "begins", spied)
    new = world.new_order(("SKU-1", 2))
    assert at(world, placed(world, new)) == ["S001"]
    assert seen == []
    assert at(world, placed(world, needed(new, SUNDAY))) == ["S001"]
    assert seen == [["S001"]]
    closed(world, ("S001", (SUNDAY,)))
    seen.clear()
    assert at(world, placed(world, needed(new, SUNDAY))) == ["S002"]
    assert seen == [["S001"], ["S001"], ["S001", "S002", "S003"]]  # its group's, and then alone


@pytest.mark.parametrize("others_are_late", [False, True])
def test_a_pickup_that_moves_is_in_time_where_it_can(world: World, others_are_late: bool):
    """S002 is nearer and late, S003 makes it; where both are late, the nearer has it."""
    late = ("S002", "S003") if others_are_late else ("S002",)
    closed(world, *((name, (SUNDAY,)) for name in late))
    order_id = placed(world, needed(world.new_order(("SKU-1", 2)), SUNDAY))
    give_up(world, order_id)
    assert at(world, order_id) == ["S002" if others_are_late else "S003"]
    decision = newest(world, order_id)
    assert decision["need_by"] == SUNDAY
    if not others_are_late:
        assert finding(decision, "S002") == "too_late"
    else:
        assert f"It was needed by {SUNDAY}, by when nobody has it ready." in decision["sentence"]
    world.check_books()


@pytest.mark.parametrize("moves", [False, True])
@pytest.mark.parametrize("workers", [("postgresql", True)], indirect=True)
def test_a_part_of_the_day_that_fills_meanwhile_makes_nobody_late(
    workers: Workers, monkeypatch, moves: bool
):
    """Another process takes the last early room of S001 after it was looked at: S003 makes it."""
    here, there = workers.at(0), workers.at(1)
    there.keys = 100
    placed(there, replace(there.new_order(("SKU-1", 1)), location_id="S003"))  # notes the time
    publish(
        here,
        RoutingRule("early", CAPACITY, locations=("S001",), until_minute=1250, orders=1),
        RoutingRule("late", CAPACITY, locations=("S001",), from_minute=1250, orders=9),
    )
    asked = replace(here.new_order(("SKU-1", 2)), location_id="S002", need_by=SUNDAY)
    moved_id = placed(here, asked) if moves else ""
    closed(here, ("S002", (SUNDAY,)))
    take, met = Days.take, list[str]()

    def overtaken(days: Days, location_id: str, units: int) -> Any:
        if location_id == "S001" and not met:
            met.append(location_id)
            assert at(there, placed(there, there.new_order(("SKU-1", 1)))) == ["S001"]
        return take(days, location_id, units)

    monkeypatch.setattr(Days, "take", overtaken)
    if moves:
        give_up(here, moved_id)
    order_id = moved_id or placed(here, asked)
    assert met == ["S001"]
    assert at(here, order_id) == ["S003"]
    assert finding(newest(here, order_id), "S001") == "too_late"
    late = [placed(there, there.new_order(("SKU-1", 1))) for _ in range(10)]
    assert [at(there, one) for one in late] == [["S001"]] * 9 + [["S002"]]
    here.check_books()


@pytest.mark.parametrize("hours", [1, 25, None])
def test_a_pickup_waits_for_goods_that_come_in_time_where_who_has_them_is_late(
    world: World, hours: int | None
):
    """S001 lacks it until it comes; S002 and S003 have it, and are closed today."""
    closed(world, ("S002", (SUNDAY,)), ("S003", (SUNDAY,)))
    world.place(("SKU-1", 10))
    if hours is not None:
        due = world.clock.now_ms() + hours * 3_600_000
        world.parts.central.supply.expect(Receipt("R1", "S001", "SKU-1", 5, due))
    wanted = later(world.new_order(("SKU-1", 2)), SUNDAY)
    if hours == 1:
        order_id = placed(world, wanted)
        assert at(world, order_id) == []
        assert world.order(order_id)["promised_by"][:10] == SUNDAY
        return
    with pytest.raises(NotInTime) as refusal:
        placed(world, wanted)
    assert refusal.value.possible_by == MONDAY


def test_what_a_store_has_is_not_fetched_to_be_in_time(world: World):
    """A transfer is for goods that the store lacks: the dry run is refused as the order is."""
    closed(world, *((name, (SUNDAY,)) for name, _, _ in PLACES))
    new = replace(needed(world.new_order(("SKU-1", 2)), SUNDAY), transfer=True)
    for ask in (lambda new: placed(world, new), world.parts.central.routing.dry_run):
        with pytest.raises(NotInTime) as refusal:
            ask(new)
        assert refusal.value.possible_by == MONDAY
