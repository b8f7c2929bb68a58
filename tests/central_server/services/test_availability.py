"""Answers about availability: scopes, methods, dates, kits, and what is on its way."""

from dataclasses import replace
from typing import Any

import pytest

from central_server.records import Price, Product, ShippingRate
from central_server.services import places
from central_server.services.availability import Question
from central_server.services.carrier_file import CarrierFile
from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import BundleInvalid
from central_server.services.idempotency import RequestIdentity
from central_server.services.promises import Ask
from central_server.services.times import rfc3339
from central_server.sourcing.engine.model import Goal
from central_server.sourcing.promise_rules import Level, PromiseRule, RuleKind
from central_server.sourcing.receipts import Receipt
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain.delivery import CarrierDays, Lane
from sync.domain.errors import InsufficientStock
from sync.domain.pickups import PickupPolicy
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_promise_rules import publish
from tests.central_server.services.test_routing_rules import publish as publish_routing
from tests.support.central_world import SKUS, World
from tests.support.parcels import CARRIERS, SWIFT
from tests.support.statements import statements

DAY_MS = 86_400_000


def ask(world: World, *skus: str, **values: Any) -> dict:
    return world.parts.central.availability.answer(Question(skus, **values))


def with_kit(world: World) -> None:
    """A kit of two SKU-1 and one SKU-2 for 24.99."""
    world.parts.intake.products([Product("KIT", "Gift set")])
    world.parts.intake.prices([Price("EAST", "KIT", 2499, "USD")])
    world.parts.central.supply.set_bundle("KIT", {"SKU-1": 2, "SKU-2": 1})


def test_explanations_add_up(world):
    """The parts of each number are its sum, and name their rules."""
    publish(
        world, PromiseRule("keep", RuleKind.SAFETY_STOCK, units=2),
        PromiseRule("held", RuleKind.HOLDBACK, units=1),
        PromiseRule("wide", RuleKind.HOLDBACK, level=Level.NETWORK, units=20),
    )  # fmt: skip
    (one,) = ask(world, "SKU-1", location_ids=("S001",), explain=True)["availability"]
    assert sum(part["units"] for part in one["explained"]) == one["available_to_promise"] == 1
    assert [part["rule"] for part in one["explained"] if part["rule"]] == ["keep", "held"]
    terms = one["terms"]
    others = sum(units for name, units in terms.items() if name not in {"on_hand", "raw"})
    assert (terms["on_hand"] - others, terms["network_limit"]) == (terms["raw"], 6)
    (whole,) = ask(world, "SKU-1", of_network=True, explain=True)["network"]
    assert sum(part["units"] for part in whole["explained"]) == whole["available_to_promise"] == 1


def test_a_kit_of_the_network_names_what_limits_it(world):
    """What places give, less what the scarcest component allows over all of them."""
    with_kit(world)
    wide = PromiseRule("wide", RuleKind.HOLDBACK, level=Level.NETWORK, units=20, skus=("SKU-1",))
    publish(world, wide)
    (one,) = ask(world, "KIT", of_network=True, explain=True)["network"]
    assert one["available_to_promise"] == 5
    assert [(part["term"], part["units"]) for part in one["explained"]] == [
        ("places", 15), ("scarcest_component", -10),
    ]  # fmt: skip
    assert {part["explained"][0]["term"] for part in one["components"]} == {"places"}


def test_near_a_point(world):
    """Places around a point, the nearest first, within the radius."""
    found = ask(world, "SKU-1", near=(39.9, -83.1), radius_km=150.0)["availability"]
    assert [one["location_id"] for one in found] == ["S001", "S002"]


def test_near_a_point_only_places_that_carry_it_count(world, monkeypatch):
    """However many nearer ones there are: the nearest that have it, or had it, so many at most."""
    with world.database.read() as view:
        (model,) = view.locations.get_many(["S001"]).values()
    others = [replace(model, id=f"N{number:03}", latitude=39.9, longitude=-83.1 + number / 1e4)
              for number in range(120)]  # fmt: skip
    world.parts.intake.locations(others)
    world.parts.intake.stock([StockItem("N110", "SKU-1", 0), StockItem("N111", "SKU-2", 5)], "c")

    def found(*skus: str) -> list[str]:
        rows = ask(world, *skus, near=(39.9, -83.1), radius_km=150.0)["availability"]
        return list(dict.fromkeys(one["location_id"] for one in rows))

    assert set(found("SKU-1")) == {"N110", "S001", "S002"}
    assert set(found("SKU-1", "SKU-2")) == {"N110", "N111", "S001", "S002"}
    monkeypatch.setattr(places, "LOCATIONS_MAX", 2)
    assert len(found("SKU-1")) == 2


def test_each_method_has_its_date(world):
    """Pickup is ready after two hours of opening time; ship is offered where carriers come."""
    (one,) = ask(world, "SKU-1", location_ids=("S001",))["availability"]
    pickup, ship = one["methods"]
    assert (pickup["available_to_promise"], ship["available_to_promise"]) == (10, 0)
    assert (pickup["promised_by"] is not None, ship["promised_by"]) == (True, None)
    publish(world, PromiseRule("r", RuleKind.OFFER, offered=True, methods=("ship",)))
    (one,) = ask(world, "SKU-1", location_ids=("S001",), ask=Ask(method="ship"))["availability"]
    assert (one["offered"], one["available_to_promise"]) == (False, 0), "whatever a rule says"
    world.parts.intake.carriers(replace(CARRIERS, pickups={"S001": CARRIERS.pickups["*"]}))
    asked = {"location_ids": ("S001",), "ask": Ask(method="ship")}
    (one,) = ask(world, "SKU-1", **asked)["availability"]
    assert (one["offered"], one["available_to_promise"]) == (True, 10)
    assert one["methods"][1]["promised_by"] is not None
    assert one["methods"][1]["delivery"] is not None


def test_a_parcel_has_its_days_of_delivery(world):
    """From opening hours, the carrier's cut-off, its lanes and days off."""
    world.parts.intake.carriers(CARRIERS)
    publish(world, PromiseRule("r", RuleKind.OFFER, offered=True, methods=("ship",)))

    def sent(**values: Any) -> tuple[str, str, str]:
        (one,) = ask(world, "SKU-1", location_ids=("S001",), **values)["availability"]
        ship = one["methods"][1]
        return ship["leaves_at"], ship["delivery"]["earliest"], ship["delivery"]["latest"]

    assert sent() == ("2025-11-24T21:30:00.000Z", "2025-11-27", "2025-11-27")
    assert sent(service="express")[1:] == ("2025-11-25", "2025-11-25")
    lanes = (Lane("standard", 1, 2, 200.0), Lane("standard", 2, 4))
    swift = replace(CARRIERS.carriers[0], days=CarrierDays(days_off=("2025-11-27",), lanes=lanes))
    world.parts.intake.carriers(replace(CARRIERS, carriers=(swift, CARRIERS.carriers[1])))
    assert sent()[1:] == ("2025-11-25", "2025-12-01")
    assert sent(near=(39.9, -83.1))[1:] == ("2025-11-25", "2025-11-26")
    assert sent(near=(30.0, -90.0))[1:] == ("2025-11-26", "2025-12-01")
    order_id, _ = place(world)
    (part,) = world.order(order_id)["fulfillments"]
    assert part["delivery"] == {"earliest": "2025-11-25", "latest": "2025-11-26"}
    world.clock.advance(30 * DAY_MS)
    world.parts.intake.carriers(CARRIERS)
    (part,) = world.order(order_id)["fulfillments"]
    assert part["delivery"]["latest"] == "2025-11-26", "what was told stays"


def test_a_parcel_is_sent_when_the_store_says_it_is_ready(world):
    """A store's (or vendor's) own time to get ready counts in what is shown and in the order."""
    world.parts.intake.carriers(CARRIERS)
    publish(world, PromiseRule("r", RuleKind.OFFER, offered=True, methods=("ship",)))
    three_days = PickupPolicy(ready_minutes=3 * 12 * 60)
    world.parts.tills.set_pickup_policy("S001", three_days)
    (one,) = ask(world, "SKU-1", location_ids=("S001",))["availability"]
    ship = one["methods"][1]
    assert ship["promised_by"] <= ship["leaves_at"]
    order_id, (part,) = place(world)
    assert (part.location_id, rfc3339(part.promised_by_ms)) == ("S001", ship["leaves_at"])
    (told,) = world.order(order_id)["fulfillments"]
    assert told["delivery"] == ship["delivery"]


def test_time_to_get_ready_counts_where_parts_of_the_day_are_limited(world):
    """By speed the store that is ready sooner sends it, also under rules of capacity."""
    world.parts.intake.carriers(CARRIERS)
    day = RoutingRule("day", RoutingRuleKind.CAPACITY, orders=9)
    fast = RoutingRule("fast", RoutingRuleKind.ROUTE, goals=(Goal.SPEED, Goal.COST))
    publish_routing(world, day, fast)
    assert [one.location_id for one in place(world)[1]] == ["S001"]
    world.parts.tills.set_pickup_policy("S001", PickupPolicy(ready_minutes=3 * 12 * 60))
    assert [one.location_id for one in place(world)[1]] == ["S002"]


def test_dates_look_at_the_room_that_parts_of_the_day_have(world):
    """Whoever orders into the afternoon is told so before, and after; a full day has no date."""
    world.parts.intake.carriers(CARRIERS)
    publish(world, PromiseRule("r", RuleKind.OFFER, offered=True, methods=("ship",)))
    day = RoutingRuleKind.CAPACITY
    here = ("S001",)
    publish_routing(
        world,
        RoutingRule("morning", day, locations=here, until_minute=12 * 60, orders=1),
        RoutingRule("later", day, locations=here, from_minute=15 * 60, orders=1),
    )

    def told() -> list[Any]:
        (one,) = ask(world, "SKU-1", location_ids=here)["availability"]
        return [
            (method["day_full"], method["promised_by"], method.get("leaves_at"))
            for method in one["methods"]
        ]

    def given(order_id: str) -> tuple[str, str]:
        (part,) = world.fulfillments(order_id)
        return part.location_id, rfc3339(part.promised_by_ms)

    first = told()
    assert given(world.place(("SKU-1", 1)).order_id) == ("S001", first[0][1])
    second = told()
    assert [one[0] for one in second] == [False, False]
    assert second[0][1] == "2025-11-23T22:00:00.000Z", "two hours after three in the afternoon"
    assert second[1][1] == second[0][1]
    assert given(world.place(("SKU-1", 1)).order_id) == ("S001", second[0][1])
    assert told() == [(True, None, None), (True, None, None)]
    assert given(world.place(("SKU-1", 1)).order_id)[0] == "S002"


def test_speed_counts_the_days_that_customers_are_told(world):
    """By speed the nearer lane wins over the cheaper parcel, as its days are fewer."""
    far = replace(SWIFT, carrier="harbor", services=("standard",))
    lanes = (Lane("standard", 1, 1, 50.0), Lane("standard", 4, 5))
    swift = replace(CARRIERS.carriers[0], days=CarrierDays(lanes=lanes))
    cheap = ShippingRate("harbor", "standard", 50_000, 190, "USD", 3)
    world.parts.intake.carriers(
        CarrierFile(
            (swift, CARRIERS.carriers[1]), (*CARRIERS.rates, cheap),
            {"S001": (SWIFT,), "S002": (far,), "S003": ()},
        )
    )  # fmt: skip
    kind = RoutingRuleKind.ROUTE
    publish_routing(world, RoutingRule("fast", kind, goals=(Goal.SPEED, Goal.COST)))
    assert [one.location_id for one in place(world)[1]] == ["S001"]
    publish_routing(world, RoutingRule("cheap", kind))
    assert [one.location_id for one in place(world)[1]] == ["S002"]


def test_a_kit_is_as_many_as_its_scarcest_component(world):
    """At a place, over places, in orders, and under rules for components."""
    with_kit(world)
    publish(world, PromiseRule("r", RuleKind.SAFETY_STOCK, units=1, skus=("SKU-1",)))
    (one,) = ask(world, "KIT", location_ids=("S001",), explain=True)["availability"]
    assert (one["available_to_promise"], one["terms"]["raw"]) == (4, 4)
    assert [part["available_to_promise"] for part in one["components"]] == [9, 10]
    assert ask(world, "KIT", of_network=True)["network"][0]["available_to_promise"] == 12
    with pytest.raises(InsufficientStock):
        world.place(("KIT", 5))
    assert [(part["term"], part["units"]) for part in one["explained"]] == [
        ("on_hand", 5), ("scarcest_component", -1),
    ]  # fmt: skip
    placed = world.order(world.place(("KIT", 4)).order_id)
    assert placed["total"]["amount_minor"] == 4 * 2499
    assert sum(line["ordered"] for line in placed["lines"]) == 12
    assert world.stock("S001", "SKU-1") == (10, 8)
    (one,) = ask(world, "KIT", location_ids=("S001",))["availability"]
    assert one["available_to_promise"] == 0


def test_a_kit_is_made_of_plain_skus(world):
    """No kit in a kit, none of a SKU that has stock itself; each refusal says what to do."""
    with_kit(world)
    supply = world.parts.central.supply
    with pytest.raises(BundleInvalid, match="is a kit itself"):
        supply.set_bundle("SKU-3", {"KIT": 1})
    with pytest.raises(BundleInvalid, match="part of another kit"):
        supply.set_bundle("SKU-1", {"SKU-3": 1})
    with pytest.raises(BundleInvalid, match="count it as its components"):
        supply.set_bundle("SKU-3", {"SKU-4": 1})
    supply.set_bundle("KIT", {})
    assert ask(world, "KIT", of_network=True)["network"][0]["available_to_promise"] == 0


def test_what_is_on_its_way_has_a_date(world):
    """Inbound units are shown with their date until they came; long overdue ones are not."""
    supply, now = world.parts.central.supply, world.clock.now_ms()
    supply.expect(Receipt("R1", "S001", "SKU-1", 12, now + DAY_MS, "PO 7"))
    supply.expect(Receipt("R0", "S002", "SKU-1", 5, now - 4 * DAY_MS))
    (one,) = ask(world, "SKU-1", location_ids=("S001",))["availability"]
    assert [(part["receipt_id"], part["units"]) for part in one["inbound"]] == [("R1", 12)]
    (whole,) = ask(world, "SKU-1", of_network=True)["network"]
    assert [part["location_id"] for part in whole["inbound"]] == ["S001"]
    supply.close("R1")
    assert ask(world, "SKU-1", of_network=True)["network"][0]["inbound"] == []


def test_receipts_may_be_pre_ordered_as_far_as_an_order_can_take_them(world):
    """What may not be sold yet is taken by nobody: pre-orders take it, and only then receipts."""
    supply, now = world.parts.central.supply, world.clock.now_ms()
    supply.set_release("SKU-1", now + 10 * DAY_MS)
    supply.expect(Receipt("R1", "S001", "SKU-1", 5, now + 5 * DAY_MS))

    def shown() -> tuple[list[int], list[int], bool]:
        (one,) = ask(world, "SKU-1", location_ids=("S001",))["availability"]
        (whole,) = ask(world, "SKU-1", of_network=True)["network"]
        pickup = next(each for each in one["methods"] if each["method"] == "pickup")
        here, everywhere = ([part["units"] for part in of["inbound"]] for of in (one, whole))
        return here, everywhere, pickup["pre_order"] is not None

    def order(units: int) -> None:
        new = replace(world.new_order(("SKU-1", units)), accept_later=True)
        world.keys += 1
        identity = RequestIdentity("test", f"pre-{world.keys}", "body")
        world.parts.central.orders.place(new, identity)

    for units in (6, 4):
        assert shown() == ([5], [5], True)
        order(units)
    assert shown() == ([5], [5], True)
    order(5)
    assert shown() == ([], [], False)


def test_the_network_names_no_place_whose_units_are_kept(world):
    """An order waits at S001 for something else, and its units are kept there."""
    none = [StockItem(place, "SKU-2", 0) for place in ("S001", "S002", "S003")]
    world.parts.intake.stock(none, "count")
    due_ms = world.clock.now_ms() + 5 * DAY_MS
    world.parts.central.supply.expect(Receipt("R1", "S001", "SKU-2", 5, due_ms))
    new = replace(world.new_order(("SKU-1", 10), ("SKU-2", 1)), accept_later=True)
    world.parts.central.orders.place(new, RequestIdentity("test", "waits", "body"))
    (whole,) = ask(world, "SKU-1", of_network=True, has_dates=True, explain=True)["network"]
    assert whole["available_to_promise"] == 20
    assert {one["location_id"] for one in whole["places"]} == {"S002", "S003"}
    assert "S001" not in {one["location_id"] for one in whole["methods"]}


def test_protected_stock_is_shown_for_pickup_alone(world):
    """No order that is sent chooses its place, so none gets what only such an order may have."""
    world.parts.intake.carriers(CARRIERS)
    publish(world, PromiseRule("r", RuleKind.PROTECT, locations=("S001",)))
    for method in ("pickup", "ship"):
        question = Ask(method=method)
        (one,) = ask(world, "SKU-1", location_ids=("S001",), ask=question)["availability"]
        units = {entry["method"]: entry["available_to_promise"] for entry in one["methods"]}
        assert units == {"pickup": 10, "ship": 0}
        assert one["available_to_promise"] == units[method]


@pytest.mark.parametrize("near", [None, (40.0, -83.0)])
def test_dates_of_many_skus_ask_no_more_often_than_those_of_one(world, monkeypatch, near):
    """A page of the shop is one answer: places and their days are read once for all it shows."""
    world.parts.intake.carriers(CARRIERS)
    publish_routing(world, RoutingRule("day", RoutingRuleKind.CAPACITY, orders=3))
    for sku, store in (("SKU-2", "S001"), ("SKU-3", "S002")):  # so that each begins elsewhere
        world.place((sku, 1), at=store)
    ask(world, *SKUS, of_network=True, has_dates=True, near=near)  # what is learned once is known
    sent = []
    for skus in (SKUS[:1], SKUS):
        with statements(monkeypatch) as meanwhile:
            entries = ask(world, *skus, of_network=True, has_dates=True, near=near)["network"]
        assert all(method["promised_by"] for one in entries for method in one["methods"])
        sent.append(meanwhile)
    assert len(sent[0]) == len(sent[1])
