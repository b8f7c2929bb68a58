"""Rules tried on past orders: both sides measured alike, with a stock of their own."""

from dataclasses import replace
from typing import Any

import pytest

from central_server.records import ShippingRate, StoredFulfillment
from central_server.services import routing_simulation
from central_server.services.carrier_file import CarrierFile
from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import NotFound
from central_server.services.idempotency import RequestIdentity
from central_server.shipping_records import ShippingCarrier
from central_server.sourcing.past_stock import Movement, PastStock
from central_server.sourcing.promise_rules import PromiseRule, RuleKind
from central_server.sourcing.receipts import Receipt
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from central_server.storage.fulfillments import Fulfillments
from sync.domain import operations as op
from sync.domain.fulfillment import ShortReason
from sync.domain.shipping import CarrierPickup
from tests.central_server.services.test_need_by import (
    MONDAY,
    THURSDAY,
    closed,
    give_up,
    needed,
    told,
)
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_promise_rules import publish as publish_promising
from tests.central_server.services.test_routing_rules import publish
from tests.central_server.services.test_why import placed
from tests.support.central_world import PLACES, World
from tests.support.parcels import parcel_order, whole_parcel
from tests.support.statements import statements

ROUTE, CAPACITY, SERVE = RoutingRuleKind.ROUTE, RoutingRuleKind.CAPACITY, RoutingRuleKind.SERVE
HOUR_MS = 3_600_000


def simulate(world: World, *rules: RoutingRule) -> dict[str, Any]:
    book = world.parts.central.routing_rules
    version = book.draft(rules, note="", by="Kim")["version"]
    now = world.clock.now_ms()
    return world.parts.central.simulation.run(
        int(str(version)), from_ms=now - 24 * HOUR_MS, until_ms=now + 1
    )


def later(world: World, *lines: tuple[str, int]) -> str:
    """Place a parcel order that may wait."""
    world.keys += 1
    identity = RequestIdentity("test", f"later-{world.keys}", "body")
    new = replace(parcel_order(*lines), accept_later=True)
    return world.parts.central.orders.place(new, identity).order_id


def test_the_rules_that_held_change_nothing(shipping):
    """What was routed by the default is routed the same by the default, at the same cost."""
    orders = []
    for _ in range(3):
        orders.append(place(shipping, ("SKU-1", 4))[1][0])
        shipping.clock.advance(HOUR_MS // 3)
    device = shipping.device("S001")
    device.do(*whole_parcel(orders[0]))
    device.push()
    found = simulate(shipping)
    assert (found["orders"], found["orders_elsewhere"]) == (3, 0)
    assert found["happened"]["cost_minor"] == found["simulated"]["cost_minor"] == 3 * 690
    assert found["happened"]["parcels_by_location"] == {"S001": 2, "S002": 1}
    assert found["difference"]["cost_minor"] == 0
    assert found["happened"]["promises_kept_percent"] == 100


def test_what_went_with_a_service_without_a_rate_is_not_compared(shipping):
    """Carriers changed since: nobody knows what the past cost, so it is left out on both sides."""
    place(shipping, ("SKU-1", 4))
    nova = CarrierPickup("nova", "Nova", (990,) * 7, ("standard",))
    rate = ShippingRate("nova", "standard", 50_000, 650, "USD", 3)
    carriers = (ShippingCarrier("nova", "Nova", "NV"),)
    shipping.parts.intake.carriers(CarrierFile(carriers, (rate,), {"*": (nova,)}))
    place(shipping, ("SKU-1", 2))
    found = simulate(shipping)
    assert (found["orders"], found["orders_left_out"]) == (1, 1)
    sides = [found[one] for one in ("happened", "simulated")]
    assert [(one["cost_minor"], one["parcels"]) for one in sides] == [(650, 1)] * 2


def test_other_rules_are_played_with_their_own_stock(shipping):
    """Ten units at the other store: the third order of four does not fit there any more."""
    for _ in range(3):
        place(shipping, ("SKU-1", 4))
        shipping.clock.advance(HOUR_MS)
    away = simulate(shipping, RoutingRule("away", ROUTE, except_locations=("S001",)))
    assert away["simulated"]["parcels_by_location"] == {"S002": 2, "S003": 1}
    assert away["orders_elsewhere"] == 3
    assert away["examples"][0]["went"] == ["S001"]
    dear = simulate(shipping, RoutingRule("dear", SERVE, locations=("S001",), handling_minor=50.0))
    assert dear["simulated"]["parcels_by_location"] == {"S002": 2, "S003": 1}
    assert dear["happened"]["cost_minor"] == 3 * 690 + 2 * 50
    assert "would have cost 100 minor units less" in dear["difference"]["sentence"]
    tight = simulate(shipping, RoutingRule("day", CAPACITY, locations=("S001",), orders=1))
    assert tight["simulated"]["parcels_by_location"]["S001"] == 1


def test_sales_of_the_period_happen_again(shipping):
    """Pickups and till sales take their units in the replay when they took them."""
    shipping.place(("SKU-1", 9), at="S001")
    shipping.clock.advance(HOUR_MS)
    place(shipping, ("SKU-1", 2))
    found = simulate(shipping)
    assert found["simulated"]["parcels_by_location"] == {"S002": 1}
    assert found["orders_elsewhere"] == 0


def test_what_is_oversold_now_had_no_more_in_the_past(shipping):
    """Units that turned out not to be there were not there for the replay either."""
    shipping.place(("SKU-1", 9), at="S001")
    shipping.clock.advance(HOUR_MS)
    place(shipping, ("SKU-1", 2))
    shipping.clock.advance(HOUR_MS)
    shipping.parts.intake.stock([StockItem("S001", "SKU-1", 2)], "count")
    found = simulate(shipping)
    assert found["simulated"]["parcels_by_location"] == {"S002": 1}


def test_what_was_not_found_and_what_was_late_count(shipping):
    """Units given up are stocked out; the replay expects the same share where it sends there."""
    order_id, (order,) = place(shipping, ("SKU-1", 2))
    device = shipping.device("S001")
    device.do(op.FulfillmentRejected(order.id, ShortReason.NOT_FOUND))
    device.push()
    moved = shipping.fulfillments(order_id)[1]
    shipping.clock.advance(72 * HOUR_MS)
    other = shipping.device(moved.location_id)
    other.do(*whole_parcel(moved))
    other.push()
    book = shipping.parts.central.routing_rules
    version = int(str(book.draft([], note="", by="Kim")["version"]))
    now = shipping.clock.now_ms()
    found = shipping.parts.central.simulation.run(version, from_ms=0, until_ms=now)
    assert found["happened"]["units_stocked_out"] == 2
    assert found["happened"]["promises_kept_percent"] == 0
    assert found["simulated"]["units_stocked_out"] == 2
    assert found["simulated"] == found["happened"]
    assert (found["orders_elsewhere"], found["difference"]["days_mean"]) == (0, 0)


def test_what_a_store_gave_up_it_gives_up_again(shipping):
    """Then what is left goes on by the rules that are tried, as it did by those that held."""
    order_id, (order,) = place(shipping, ("SKU-1", 2))
    device = shipping.device("S001")
    shipping.clock.advance(HOUR_MS)
    device.do(op.FulfillmentRejected(order.id, ShortReason.NOT_FOUND))
    device.push()
    assert shipping.fulfillments(order_id)[1].location_id == "S002"
    same = simulate(shipping)
    assert same["simulated"] == same["happened"]
    assert same["simulated"]["parcels_by_location"] == {"S002": 1}
    far = simulate(shipping, RoutingRule("far", ROUTE, except_locations=("S002",)))
    assert far["simulated"]["parcels_by_location"] == {"S003": 1}
    assert far["simulated"]["units_stocked_out"] == 2
    away = simulate(shipping, RoutingRule("away", ROUTE, except_locations=("S001",)))
    assert away["simulated"]["units_stocked_out"] == 0
    assert away["orders_elsewhere"] == 0


def test_grace_costs_time(shipping):
    """It is decided when its grace is over, with the stock of then: on Tuesday, not on Sunday.

    The carrier comes on Monday first.
    """
    place(shipping, ("SKU-1", 2))
    shipping.clock.advance(HOUR_MS)
    shipping.place(("SKU-1", 8), at="S001")
    quick = simulate(shipping)
    waits = simulate(shipping, RoutingRule("slow", ROUTE, grace_minutes=48 * 60))
    assert quick["simulated"]["parcels_by_location"] == {"S001": 1}
    assert waits["simulated"]["parcels_by_location"] == {"S001": 1}
    assert waits["difference"]["days_mean"] == 1.0
    two = simulate(shipping, RoutingRule("two", ROUTE, grace_minutes=120, kept_units=1))
    assert two["simulated"]["parcels_by_location"] == {"S002": 1}


def test_pickups_take_their_part_of_a_day(shipping):
    """Two pickups and an order from before the period are in the day already."""
    place(shipping, ("SKU-2", 1))
    shipping.clock.advance(2)
    start = shipping.clock.now_ms()
    for _ in range(2):
        shipping.place(("SKU-1", 1), at="S001")
    gone = shipping.place(("SKU-1", 1), at="S001")
    shipping.parts.central.cancelling.cancel(gone.order_id, reason="", actor="test")
    shipping.clock.advance(HOUR_MS)
    for _ in range(2):
        place(shipping, ("SKU-3", 1))
    day = RoutingRule("day", CAPACITY, locations=("S001",), orders=4)
    book = shipping.parts.central.routing_rules
    version = int(str(book.draft([day], note="", by="Kim")["version"]))
    found = shipping.parts.central.simulation.run(
        version, from_ms=start, until_ms=shipping.clock.now_ms() + 1
    )
    assert found["happened"]["parcels_by_location"] == {"S001": 2}
    assert found["simulated"]["parcels_by_location"] == {"S001": 1, "S002": 1}


def test_a_version_that_does_not_exist_is_named(shipping):
    """The refusal says which."""
    with pytest.raises(NotFound, match="'9'"):
        shipping.parts.central.simulation.run(9, from_ms=0, until_ms=1)


def test_past_stock_is_what_was_free_then():
    """Later movements are undone, those of replayed orders for good, others at their time."""
    moves = [Movement(5, "S", "A", -2, "till"), Movement(6, "S", "A", -3, "order")]
    stock = PastStock({("S", "A"): 1}, moves, {"order"})
    assert stock.free(["A"]) == {"S": {"A": 6}}
    stock.advance(5)
    stock.take("S", "A", 1)
    assert stock.free(["A"]) == {"S": {"A": 3}}


def test_past_stock_of_an_oversold_cell_is_what_was_free_then():
    """More is promised now than there is: what was lost since is not added to nothing."""
    moves = [Movement(5, "S", "A", -4, "till")]
    assert PastStock({("S", "A"): -3}, moves, set()).free(["A"]) == {"S": {"A": 1}}


def test_other_orders_of_the_day_cost_no_statements(shipping, monkeypatch):
    """Where days are limited, each pickup takes its part: all are read at once."""
    place(shipping, ("SKU-1", 1))
    day = RoutingRule("day", CAPACITY, orders=100)
    sent = []
    for pickups in (1, 7):
        for _ in range(pickups):
            shipping.place(("SKU-2", 1), at="S001")
        with statements(monkeypatch) as meanwhile:
            assert simulate(shipping, day)["simulated"]["parcels"] == 1
        sent.append(len(meanwhile))
    assert sent[0] == sent[1]


def test_what_was_made_long_before_the_first_order_is_not_read(shipping, monkeypatch):
    """Of a year with more parcels than are replayed: the newest, and four days before the first."""
    monkeypatch.setattr(routing_simulation, "ORDERS_MAX", 2)
    read: list[int] = []
    made = Fulfillments.made

    def noted(self: Fulfillments, from_ms: int, until_ms: int) -> list[StoredFulfillment]:
        read.append(from_ms)
        return made(self, from_ms, until_ms)

    monkeypatch.setattr(Fulfillments, "made", noted)
    for _ in range(3):
        place(shipping, ("SKU-1", 1))
        shipping.clock.advance(2 * HOUR_MS)
    found = simulate(shipping, RoutingRule("day", CAPACITY, orders=100))
    assert (found["orders"], found["orders_left_out"]) == (2, 1)
    assert read == [shipping.clock.now_ms() - (4 * 25 + 2 * 2) * HOUR_MS]


@pytest.mark.parametrize("why", ["receipt", "date"])
def test_what_waited_is_decided_when_it_could_be_sent(shipping, why):
    """Not when it was placed: by the same rules it goes where it went, and as late."""
    central, two_days = shipping.parts.central, 48 * HOUR_MS
    due_ms = shipping.clock.now_ms() + two_days
    if why == "receipt":
        shipping.parts.intake.stock([StockItem(name, "SKU-1", 0) for name, _, _ in PLACES], "none")
        central.supply.expect(Receipt("R1", "S002", "SKU-1", 8, due_ms))
    else:
        central.supply.set_release("SKU-1", due_ms)
    waits = [later(shipping, ("SKU-1", units)) for units in (2, 3)]
    central.cancelling.cancel(waits.pop(), reason="", actor="shop")
    shipping.clock.advance(two_days)
    if why == "receipt":
        shipping.parts.intake.stock([StockItem("S002", "SKU-1", 8)], "came")
        central.supply.close("R1")
    central.waiting.run()
    shipping.parts.backorders.run()
    assert len(shipping.fulfillments(waits[0])) == 1
    shipping.clock.advance(1)
    book = central.routing_rules
    version = int(str(book.draft([], note="", by="Kim")["version"]))
    found = central.simulation.run(version, from_ms=0, until_ms=shipping.clock.now_ms())
    assert (found["orders"], found["orders_left_out"], found["orders_elsewhere"]) == (1, 1, 0)
    assert found["simulated"] == found["happened"]
    assert (found["simulated"]["parcels"], found["simulated"]["units_shipped"]) == (1, 2)
    assert found["simulated"]["days_mean"] > 2


def test_what_was_called_off_or_waits_is_compared_on_neither_side(shipping):
    """Whole orders are left out and counted; of a part of one the rest is compared."""
    place(shipping, ("SKU-1", 4))
    gone = place(shipping, ("SKU-2", 4))[0]
    less = place(shipping, ("SKU-3", 4))[0]
    central = shipping.parts.central
    central.cancelling.cancel(gone, reason="", actor="shop")
    identity = RequestIdentity("test", "less", "body")
    central.cancelling_units.cancel(less, {1: 3}, identity, reason="", actor="shop")
    publish(shipping, RoutingRule("grace", ROUTE, grace_minutes=60))
    place(shipping, ("SKU-2", 1))
    shipping.clock.advance(1)
    found = simulate(shipping)
    assert (found["orders"], found["orders_left_out"], found["orders_elsewhere"]) == (2, 2, 0)
    assert found["simulated"] == found["happened"]
    assert found["simulated"]["units_shipped"] == 5


def test_what_is_left_out_moves_stock_as_it_did(shipping):
    """An order moved from one store to another, and was called off there: both have all again."""
    place(shipping, ("SKU-1", 1))
    order_id, (part,) = place(shipping, ("SKU-1", 4))
    device = shipping.device(part.location_id)
    device.do(op.FulfillmentRejected(part.id, ShortReason.STORE_BUSY))
    device.push()
    shipping.clock.advance(25 * HOUR_MS)
    shipping.parts.central.cancelling.cancel(order_id, reason="", actor="shop")
    shipping.clock.advance(HOUR_MS)
    place(shipping, ("SKU-1", 8))
    shipping.clock.advance(1)
    version = shipping.parts.central.routing_rules.draft([], note="", by="Kim")["version"]
    found = shipping.parts.central.simulation.run(
        int(str(version)), from_ms=0, until_ms=shipping.clock.now_ms()
    )
    assert (found["orders"], found["orders_left_out"], found["orders_elsewhere"]) == (2, 1, 0)
    assert found["simulated"] == found["happened"]


@pytest.mark.parametrize(
    "rule",
    [PromiseRule("own", RuleKind.PROTECT, locations=("S001",)),
     PromiseRule("no", RuleKind.OFFER, offered=False, locations=("S001",), methods=("ship",))],
    ids=lambda one: one.kind,
)  # fmt: skip
def test_a_place_that_may_send_nothing_sends_nothing_in_a_replay(shipping, rule):
    """Also where a pickup took units there since: they come back for no parcel."""
    publish_promising(shipping, rule)
    _, (part,) = place(shipping, ("SKU-1", 2))
    shipping.clock.advance(HOUR_MS)
    shipping.place(("SKU-1", 4), at="S001")
    shipping.clock.advance(1)
    found = simulate(shipping)
    assert found["simulated"]["parcels_by_location"] == {part.location_id: 1}
    assert (part.location_id != "S001", found["orders_elsewhere"]) == (True, 0)


def test_what_waited_for_goods_goes_at_once_by_rules_that_find_them(shipping):
    """The store that had them was left out by the rules of then; without those nothing is late."""
    central, two_days = shipping.parts.central, 48 * HOUR_MS
    publish(shipping, RoutingRule("not", SERVE, locations=("S001",), enabled=False))
    without = [StockItem(name, "SKU-1", 0) for name in ("S002", "S003")]
    shipping.parts.intake.stock(without, "none")
    central.supply.expect(Receipt("R1", "S002", "SKU-1", 8, shipping.clock.now_ms() + two_days))
    order_id = later(shipping, ("SKU-1", 2))
    shipping.clock.advance(two_days)
    shipping.parts.intake.stock([StockItem("S002", "SKU-1", 8)], "came")
    central.supply.close("R1")
    shipping.parts.backorders.run()
    assert [one.location_id for one in shipping.fulfillments(order_id)] == ["S002"]
    shipping.clock.advance(1)
    version = int(str(central.routing_rules.draft([], note="", by="Kim")["version"]))
    until_ms = shipping.clock.now_ms()
    same = central.simulation.run(None, from_ms=0, until_ms=until_ms)
    assert same["simulated"] == same["happened"]
    found = central.simulation.run(version, from_ms=0, until_ms=until_ms)
    assert found["simulated"]["parcels_by_location"] == {"S001": 1}
    assert found["happened"]["days_mean"] - found["simulated"]["days_mean"] > 0.9


def test_what_was_given_up_goes_late_rather_than_nowhere(shipping):
    """As in reality: a new order must be there by its day, what moves must arrive."""
    closed(shipping, ("S002", (MONDAY,)), ("S003", (MONDAY,)))
    order_id = placed(shipping, needed(parcel_order(), THURSDAY))
    give_up(shipping, order_id)
    assert max(told(shipping, order_id)) > THURSDAY
    found = simulate(shipping)
    assert found["happened"]["parcels_by_location"] == {"S002": 1}
    assert found["simulated"] == found["happened"]
