"""Rules of routing at central: versions with approval, and orders that are routed by them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from central_server.records import ShippingRate
from central_server.services.carrier_file import CarrierFile
from central_server.services.errors import (
    RulesInvalid,
    VersionFixed,
)
from central_server.services.idempotency import RequestIdentity
from central_server.sourcing.engine.model import Goal
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import ShortReason
from tests.central_server.services.test_parcels import place
from tests.support import rule_books
from tests.support.central_world import World
from tests.support.parcels import CARRIERS, parcel_order
from tests.support.rule_books import check_who_edits, check_who_publishes

ROUTE, SERVE = RoutingRuleKind.ROUTE, RoutingRuleKind.SERVE
CAPACITY, NEED = RoutingRuleKind.CAPACITY, RoutingRuleKind.NEED
MINUTE_MS = 60_000
DAY_MS = 86_400_000


def publish(world: World, *rules: RoutingRule) -> int:
    return rule_books.publish(world.parts.central.routing_rules, rules)


def goes_to(world: World, *lines: tuple[str, int], **changes: Any) -> list[str]:
    """Return where a parcel order would go, without placing it."""
    new = replace(parcel_order(*lines), **changes)
    taken = world.parts.central.routing.dry_run(new)["taken"]
    return str(taken).split() if taken else []


def test_without_rules_the_default_holds(shipping):
    """Cheapest parcels, then the shortest way; the trace says so in a sentence."""
    order_id, (order,) = place(shipping)
    assert order.location_id == "S001"
    why = shipping.parts.central.routing.why(order_id)
    assert why["sentence"].startswith("S001 ships 2 units by swift standard over 0 km: 6.90")
    assert "The next best choice, S002 without S001, would have cost 0.10 more." in why["sentence"]
    (decision,) = why["decisions"]
    assert (decision["rule"], decision["rule_version"]) == ("default", 0)
    assert decision["next_best"]["locations"] == ["S002"]
    assert decision["terms"]["freight"] == 690


def test_a_published_rule_decides_the_next_order(shipping):
    """Placed orders go by the rules in force, and the trace names the version."""
    place(shipping)
    version = publish(shipping, RoutingRule("away", ROUTE, except_locations=("S001",)))
    order_id, (order,) = place(shipping)
    assert order.location_id == "S002"
    why = shipping.parts.central.routing.why(order_id)
    assert why["decisions"][0]["rule_version"] == version
    assert why["decisions"][0]["rule"] == "away"


SELECTIONS: dict[str, tuple[dict[str, Any], bool]] = {
    "channel": ({"channels": ("web",)}, True),
    "another channel": ({"channels": ("agent",)}, False),
    "method": ({"methods": ("standard",)}, True),
    "another method": ({"methods": ("express",)}, False),
    "tier": ({"tiers": ("gold",)}, True),
    "another tier": ({"tiers": ("silver",)}, False),
    "category": ({"categories": ("",)}, True),
    "value": ({"value_from_minor": 2000}, True),
    "more value": ({"value_from_minor": 2001}, False),
    "less value": ({"value_below_minor": 2000}, False),
    "near": ({"near_latitude": 39.9, "near_longitude": -83.0, "near_km": 50.0}, True),
    "far": ({"near_latitude": 30.0, "near_longitude": -83.0, "near_km": 50.0}, False),
}


@pytest.mark.parametrize("case", SELECTIONS)
def test_which_orders_a_rule_is_for(shipping, case):
    """Channel, method, tier, category, value and place of the destination choose the rule."""
    reach, is_meant = SELECTIONS[case]
    publish(shipping, RoutingRule("away", ROUTE, except_locations=("S001",), **reach))
    expected = ["S002"] if is_meant else ["S001"]
    assert goes_to(shipping, ("SKU-1", 2), customer_tier="gold") == expected


def test_a_rule_holds_within_its_time_box(shipping):
    """Before it begins and when it is over, the next rule counts."""
    now = shipping.clock.now_ms()
    box = {"effective_from_ms": now + MINUTE_MS, "effective_until_ms": now + 2 * MINUTE_MS}
    publish(shipping, RoutingRule("sale", ROUTE, except_locations=("S001",), **box))
    assert goes_to(shipping) == ["S001"]
    shipping.clock.advance(MINUTE_MS)
    assert goes_to(shipping) == ["S002"]
    shipping.clock.advance(MINUTE_MS)
    assert goes_to(shipping) == ["S001"]


FILTERS = {
    "disabled": ([RoutingRule("r", SERVE, locations=("S001",), enabled=False)], ["S002"]),
    "channel": ([RoutingRule("r", SERVE, locations=("S001",), channels=("agent",))], ["S002"]),
    "radius": ([RoutingRule("r", ROUTE, radius_km=5.0)], ["S001"]),
    "too far": (
        [RoutingRule("r", SERVE, locations=("S001",), enabled=False),
         RoutingRule("s", SERVE, radius_km=5.0)], [],
    ),
    "capability": (
        [RoutingRule("n", NEED, skus=("SKU-1",), capabilities=("gift_wrap",)),
         RoutingRule("r", SERVE, locations=("S003",), capabilities=("gift_wrap",))], ["S003"],
    ),
    "handling": ([RoutingRule("r", SERVE, locations=("S001",), handling_minor=900.0)], ["S002"]),
    "kept": ([RoutingRule("r", ROUTE, kept_units=9)], ["S001", "S002"]),
}  # fmt: skip


@pytest.mark.parametrize("case", FILTERS)
def test_what_locations_do_is_a_hard_filter(shipping, case):
    """Disabled, other channels, too far, not capable: such a location never ships."""
    rules, expected = FILTERS[case]
    publish(shipping, *rules)
    assert goes_to(shipping, ("SKU-1", 2)) == expected


def test_rates_by_weight_are_read_for_what_a_store_can_send(shipping):
    """A letter rate, steps by weight, and a store that has nothing left: the cheapest parcels."""
    letter, light, heavy = (
        ShippingRate("swift", "standard", grams, amount, "USD", 3)
        for grams, amount in ((100, 90), (1_000, 500), (50_000, 900))
    )
    rates = (letter, light, heavy)
    shipping.parts.intake.carriers(CarrierFile(CARRIERS.carriers, rates, CARRIERS.pickups))
    order = [("SKU-1", 10)]
    place(shipping, *order)
    (decision,) = shipping.parts.central.routing.why(place(shipping, *order)[0])["decisions"]
    assert decision["taken"] == "S002"
    assert decision["terms"]["freight"] == pytest.approx(900, abs=20)
    one = shipping.parts.central.routing.dry_run(parcel_order(("SKU-2", 1)))
    assert (one["taken"], one["terms"]["freight"]) == ("S001", 500)


def test_goals_one_after_the_other_or_weighted(shipping):
    """With shipments first, one parcel from afar wins; by cost, two parcels would cost more."""
    world = shipping
    for sku in ("SKU-2", "SKU-3"):
        world.parts.intake.stock([], "nothing")
        world.database.write(
            lambda unit, sku=sku: unit.stock.apply_effects("S001", {sku: (0, 10)}, [])
        )
    publish(world, RoutingRule("few", ROUTE, goals=(Goal.SHIPMENTS, Goal.COST)))
    assert goes_to(world, ("SKU-1", 1), ("SKU-2", 1)) == ["S002"]
    publish(world, RoutingRule("split", ROUTE, km_minor=100.0, shipment_minor=0.0))
    assert goes_to(world, ("SKU-1", 9), ("SKU-2", 1)) == ["S002"]


def test_capacity_by_orders_is_never_exceeded(shipping):
    """Two orders a day fit; the third goes elsewhere; on the next day two fit again."""
    rule = RoutingRule("day", CAPACITY, locations=("S001",), orders=2)
    publish(shipping, rule)
    assert [place(shipping)[1][0].location_id for _ in range(2)] == ["S001", "S001"]
    assert goes_to(shipping) == ["S002"]
    shipping.clock.advance(DAY_MS)
    assert goes_to(shipping) == ["S001"]


@pytest.mark.parametrize(
    "limit", [{"units": 4}, {"labor_minutes": 30, "minutes_per_order": 15.0}, {"orders": 2}]
)
def test_capacity_counts_units_orders_and_labor(shipping, limit):
    """Whatever runs out first sends orders on, and a rejection or cancellation gives it back."""
    publish(shipping, RoutingRule("day", CAPACITY, locations=("S001",), until_minute=1440, **limit))
    first, second = place(shipping), place(shipping)
    assert [first[1][0].location_id, second[1][0].location_id] == ["S001", "S001"]
    assert goes_to(shipping, ("SKU-1", 2)) == ["S002"]
    shipping.parts.central.cancelling.cancel(first[0], reason="", actor="test")
    assert goes_to(shipping, ("SKU-1", 2)) == ["S001"]
    place(shipping)
    device = shipping.device("S001")
    device.do(op.FulfillmentRejected(second[1][0].id, ShortReason.DAMAGED))
    device.push()
    assert goes_to(shipping, ("SKU-2", 2)) == ["S001"]
    shipping.check_books()


def test_orders_at_once_share_a_capacity(workers):
    """Twelve orders at the same time: the store with room for five gets five, others the rest."""
    workers.first.parts.intake.carriers(CARRIERS)
    publish(workers.first, RoutingRule("day", CAPACITY, locations=("S001",), orders=5))

    def one(number: int) -> str:
        world = workers.at(number)
        identity = RequestIdentity("test", f"at-once-{number}", "body")
        placed = world.parts.central.orders.place(parcel_order(("SKU-1", 1)), identity)
        return world.fulfillments(placed.order_id)[0].location_id

    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(one, range(12)))
    assert found.count("S001") == 5
    assert found.count("S002") == 7
    workers.first.check_books()


def test_planners_see_what_is_taken(shipping):
    """By location and part of the day: what pickups and parcels took, and what fits."""
    assert shipping.parts.central.routing.capacity() == []
    publish(shipping, RoutingRule("day", CAPACITY, locations=("S001",), orders=5, units=20))
    place(shipping, ("SKU-1", 3))
    shipping.place(("SKU-2", 2), at="S001")
    (part,) = shipping.parts.central.routing.capacity()
    assert (part["location_id"], part["rule"]) == ("S001", "day")
    assert part["orders"] == {"taken": 2, "limit": 5}
    assert part["units"] == {"taken": 5, "limit": 20}
    assert part["labor_seconds"]["limit"] is None


def test_what_nobody_has_room_for_is_refused(shipping):
    """Without room anywhere an order is not promised, and nothing is kept of it."""
    publish(shipping, RoutingRule("day", CAPACITY, orders=0))
    with pytest.raises(InsufficientStock):
        place(shipping)
    assert shipping.stock("S001") == (10, 0)


def test_who_wrote_a_draft_does_not_publish_it(shipping):
    """Somebody else approves, and what they have read; whoever edited it wrote it too."""
    book = shipping.parts.central.routing_rules
    check_who_publishes(book, RoutingRule("r", ROUTE), RoutingRule("r", ROUTE, km_minor=1.0))
    check_who_edits(book, RoutingRule("r", ROUTE), RoutingRule("r", ROUTE, km_minor=1.0))


def test_rolling_back_brings_an_earlier_version_into_force(shipping):
    """As a new version, without a second person, and the audit names what it went back to."""
    book = shipping.parts.central.routing_rules
    first = publish(shipping, RoutingRule("away", ROUTE, except_locations=("S001",)))
    publish(shipping, RoutingRule("back", ROUTE))
    assert goes_to(shipping) == ["S001"]
    again = book.roll_back(first, note="too many complaints", by="Kim")
    assert (again["version"], again["in_force"]) == (first + 2, True)
    assert goes_to(shipping) == ["S002"]
    assert book.audit(1)[0]["action"] == f"rolled back to {first}"
    draft = book.draft([RoutingRule("r", ROUTE)], note="", by="Kim")
    with pytest.raises(VersionFixed, match="ever held"):
        book.roll_back(draft["version"], note="", by="Lee")


def test_what_was_approved_for_later_is_not_brought_forward_by_one(shipping):
    """Rolling back needs no second person, so it is for what did hold; also not once called off."""
    book = shipping.parts.central.routing_rules
    made = book.draft([RoutingRule("sale", ROUTE, except_locations=("S001",))], note="", by="Kim")
    later = shipping.clock.now_ms() + DAY_MS
    book.publish(
        made["version"],
        effective_from_ms=later,
        note="on Friday",
        by="Lee",
        reading=made["reading"],
    )
    with pytest.raises(VersionFixed, match="ever held"):
        book.roll_back(made["version"], note="", by="Kim")
    book.archive(made["version"], note="no sale", by="Lee")
    shipping.clock.advance(2 * DAY_MS)
    with pytest.raises(VersionFixed, match="ever held"):
        book.roll_back(made["version"], note="", by="Kim")
    assert goes_to(shipping) == ["S001"]


def test_rules_with_findings_are_not_published(shipping):
    """The refusal names the field and says what to do."""
    book = shipping.parts.central.routing_rules
    rules = [RoutingRule("r", ROUTE, except_locations=("S009",))]
    made = book.draft(rules, note="", by="Kim")
    with pytest.raises(RulesInvalid, match=r"r\.except_locations: 'S009': there is no such"):
        book.publish(
            made["version"], effective_from_ms=None, note="", by="Lee", reading=made["reading"]
        )


def test_a_dry_run_changes_nothing(shipping):
    """It says where an order would go, also by a draft, and reserves neither stock nor capacity."""
    book = shipping.parts.central.routing_rules
    draft = book.draft([RoutingRule("a", ROUTE, except_locations=("S001",))], note="", by="Kim")
    publish(shipping, RoutingRule("day", CAPACITY, locations=("S001",), orders=1))
    desk = shipping.parts.central.routing
    for _ in range(2):
        assert goes_to(shipping) == ["S001"]
    assert desk.dry_run(parcel_order(), draft["version"])["taken"] == "S002"
    missing = desk.dry_run(parcel_order(("SKU-1", 31)))
    assert missing["unsourced"] == {"SKU-1": 1}
    assert shipping.stock("S001") == (10, 0)
    pickup = desk.dry_run(shipping.new_order(("SKU-1", 2)))
    assert pickup["sentence"].startswith("S001 gets it ready: the customer chose it")
