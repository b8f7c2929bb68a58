"""What units are worth where they lie, as rules say it: walk-in margins, markdowns, a horizon."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from central_server.records import Price
from central_server.services.batches import expected_prices, prices_of
from central_server.sourcing.engine.duals import LACKING_MINOR
from central_server.sourcing.engine.model import (
    Candidate,
    RequestedLine,
    RoutingOrder,
    Rules,
    Stock,
)
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.tariffs import Service, Tariff, Zone
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_routing_rules import goes_to, publish
from tests.support.central_world import World
from tests.support.parcels import CARRIERS, parcel_order

ROUTE = RoutingRuleKind.ROUTE
MINUTE_MS = 60_000
NOW = 1_772_460_000_000
MARGIN = RoutingRule("r", ROUTE, walk_in_margin_percent=50.0, horizon_days=7.0)
MARKDOWN = RoutingRule("r", ROUTE, markdown_percent=40.0, horizon_days=7.0)


@pytest.fixture
def selling(world: World) -> World:
    """Carriers everywhere; the nearest store sells fifty a week, the others nothing."""
    world.parts.intake.carriers(CARRIERS)
    world.database.write(lambda unit: unit.demand.set_weekly("S001", {"SKU-1": 50_000}))
    return world


def shelf(world: World, order_id: str) -> int:
    (decision,) = world.parts.central.routing.why(order_id)["decisions"]
    return int(decision["terms"]["shelf"])


MOVED = replace(MARKDOWN, transfer_minor=150.0)
"""A unit that is left over is moved to where it sells, which costs less than its markdown."""
FAR = replace(MARKDOWN, transfer_minor=900.0)
ONLY_MOVED = RoutingRule("r", ROUTE, transfer_minor=150.0, horizon_days=7.0)


@pytest.mark.parametrize(
    ("rule", "worth"),
    [(MARGIN, 0), (MARKDOWN, -400), (MOVED, -150), (FAR, -400), (ONLY_MOVED, -150)],
)
def test_an_order_leaves_the_units_that_walk_ins_buy(selling, rule, worth):
    """Where nobody comes for it, a unit costs no margin, and what it would lose is saved."""
    publish(selling, RoutingRule("r", ROUTE))
    assert goes_to(selling, ("SKU-1", 1)) == ["S001"]
    publish(selling, rule)
    order_id, (part,) = place(selling, ("SKU-1", 1))
    assert (part.location_id, shelf(selling, order_id)) == ("S002", worth)
    (decision,) = selling.parts.central.routing.why(order_id)["decisions"]
    saved = f"less {-worth / 100:.2f}" in decision["sentence"]
    assert saved == ("saved on what would be left over" in decision["sentence"]) == (worth < 0)
    selling.parts.intake.stock([], "nothing")
    assert goes_to(selling, ("SKU-2", 1)) == ["S001"], "nobody comes for it anywhere"


def test_the_price_is_that_of_the_stores_zone(selling):
    """Half of 200.00 is lost at the first store's counter, not half of what the order pays."""
    with selling.database.read() as view:
        places = view.locations.get_many(["S001"])

    selling.parts.intake.locations([replace(places["S001"], price_zone="WEST")])
    selling.parts.intake.prices([Price("WEST", "SKU-1", 20_000, "USD")])
    publish(selling, MARGIN)
    dry = selling.parts.central.routing.dry_run(parcel_order(("SKU-1", 1)))
    assert dry["taken"] == "S002"
    only = RoutingRule("r", ROUTE, walk_in_margin_percent=50.0, horizon_days=7.0,
                       locations=("S001",))  # fmt: skip
    publish(selling, only)
    dry = selling.parts.central.routing.dry_run(parcel_order(("SKU-1", 1)))
    assert dry["terms"]["shelf"] == pytest.approx(10_000, abs=1)


def test_a_draft_with_shelf_prices_is_tried_before_it_is_published(selling):
    """Shown as it was written, tried by a dry run and on past orders, without a trace in stock."""
    place(selling, ("SKU-1", 1))
    book, desk = selling.parts.central.routing_rules, selling.parts.central.routing
    draft: dict[str, Any] = book.draft([MARGIN], note="", by="Kim")
    shown: Any = book.show(draft["version"])["rules"]
    assert (shown[0]["walk_in_margin_percent"], shown[0]["horizon_days"]) == (50.0, 7.0)
    assert desk.dry_run(parcel_order(("SKU-1", 1)))["taken"] == "S001"
    assert desk.dry_run(parcel_order(("SKU-1", 1)), draft["version"])["taken"] == "S002"


def test_orders_that_are_decided_together_leave_them_too(selling):
    """Released at once, two orders go where nobody else comes for the goods."""
    pytest.importorskip("highspy")
    rule = RoutingRule("r", ROUTE, walk_in_margin_percent=50.0, horizon_days=7.0, grace_minutes=30)
    publish(selling, rule)
    orders = [place(selling, ("SKU-1", 1))[0] for _ in range(2)]
    selling.clock.advance(30 * MINUTE_MS)
    assert selling.parts.central.waiting.run() == 2
    assert [selling.fulfillments(one)[0].location_id for one in orders] == ["S002", "S002"]
    assert selling.parts.central.waiting.problem == ""


def test_units_that_stay_at_stores_have_no_prices():
    """A program may use what may leave, and no more of that than is wanted."""
    rules = Rules({}, kept_units=8)
    network = Network([Candidate("S1", 40.0, -80.0, {"A": Stock(11)})], rules, 0)
    assert len(prices_of(network, {"A": 2})["S1", "A"]) == 2
    assert len(prices_of(network, {"A": 9})["S1", "A"]) == 3


def test_prices_of_a_program_are_those_of_a_single_order():
    """The same margins, weighed alike; duals count where orders are decided, not where sought."""
    stock = Stock(
        5, walk_ins_per_day=1.0, horizon_days=3.0, walk_in_margin_minor=500.0, markdown_minor=100.0,
        dual_minor=250.0,
    )  # fmt: skip
    rules = Rules({}, stock_weight=2.0)
    network = Network([Candidate("S1", 40.0, -80.0, {"A": stock})], rules, 0)
    found = prices_of(network, {"A": 4})["S1", "A"]
    assert len(found) == 4
    assert list(found) == sorted(found)
    assert found[0] == 500.0
    without = prices_of(network, {"A": 4}, counts_duals=False)["S1", "A"]
    assert without[0] < 500.0
    assert without[3] == found[3] > 500.0


def test_a_unit_that_lies_beside_those_that_are_asked_for_is_not_missing():
    """The only place that has it has more than the forecast wants: one more saves no sale."""
    pytest.importorskip("highspy")
    stock = Stock(60, walk_ins_per_day=3.0, horizon_days=7, walk_in_margin_minor=1000.0)
    tariffs = {"": Tariff((Service("ground", (Zone(1, 600),)),))}
    network = Network([Candidate("S1", 40, -80, {"A": stock})], Rules(tariffs), NOW)
    asked = [
        RoutingOrder((RequestedLine(1, "A", 1),), 40, -80, order_id=f"o{number}")
        for number in range(40)
    ]
    routing: Any = SimpleNamespace(network_of=lambda *_: network)
    group: Any = SimpleNamespace(rule=None, method="", asked=asked, wanted={"A": len(asked)})
    found = expected_prices(routing, group, {}, NOW)
    assert 0 < found["S1", "A"] < LACKING_MINOR
