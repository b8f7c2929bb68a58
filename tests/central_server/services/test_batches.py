"""Orders that are decided together at central: what each of them may have, and have at once."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from central_server.services import batches, waiting_room
from central_server.services.batches import Budget, decide_together
from central_server.services.catalogue_intake import StockItem
from central_server.services.decisions import Chosen
from central_server.services.idempotency import RequestIdentity
from central_server.services.parcel_routing import ParcelRouting
from central_server.shipping_records import RoutingPause
from central_server.sourcing.engine.batch import decide_anew
from central_server.sourcing.engine.network import Network
from central_server.sourcing.engine.taking import in_turn
from central_server.sourcing.promise_rules import PromiseRule, RuleKind
from central_server.sourcing.routing_rules import HoldKind, RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain.fulfillment import ShortReason
from sync.domain.orders import Channel
from tests.central_server.services import test_promise_rules as promising
from tests.central_server.services.test_availability import with_kit
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import PLACES, World, build_world
from tests.support.parcels import CARRIERS, parcel_order

pytest.importorskip("highspy")
ROUTE, CAPACITY = RoutingRuleKind.ROUTE, RoutingRuleKind.CAPACITY
MINUTE_MS, DAY_MS = 60_000, 86_400_000
GRACE = RoutingRule("grace", ROUTE, grace_minutes=30, km_minor=10.0)
NEAR = PLACES[0][0]
HALFWAY = (39.87, -83.5)
"""Nearer to the first store than to the second, but not by much."""
EAST = (39.96, -82.0)


@pytest.fixture
def shipping(sqlite_database, tmp_path) -> World:
    """The small central, with carriers at every store and ten of each SKU there."""
    world = build_world(sqlite_database, tmp_path)
    world.parts.intake.carriers(CARRIERS)
    return world


def held(
    world: World, *lines: tuple[str, int], to: tuple[float, float] = HALFWAY, **changes: Any
) -> str:
    """Return a new order that waits, placed a moment after the one before."""
    new = replace(parcel_order(*lines or (("SKU-1", 1),)), **changes)
    assert new.ship_to is not None
    new = replace(new, ship_to=replace(new.ship_to, latitude=to[0], longitude=to[1]))
    world.keys += 1
    world.clock.advance(1)
    identity = RequestIdentity("t", f"b{world.keys}", "b")
    return str(world.parts.central.orders.place(new, identity).order_id)


def chosen(world: World, order_ids: Sequence[str]) -> list[set[str] | None]:
    """Return which locations are chosen for orders when their grace is over; None: alone."""
    world.clock.advance(30 * MINUTE_MS)
    now = world.clock.now_ms()
    world.database.write(lambda unit: unit.holds.let_go(order_ids))
    with world.database.read() as view:
        routing = ParcelRouting(view, now, 30 * MINUTE_MS)
        budget = Budget(world.clock.monotonic_ms, batches.SECONDS_MAX)
        found = decide_together(view, routing, order_ids, now, budget)
    return [set(found[one].locations) if one in found else None for one in order_ids]


def stock(world: World, sku: str, *units: int) -> None:
    """Set what the stores have of a SKU, the nearest first."""
    items = [StockItem(one[0], sku, count) for one, count in zip(PLACES, units, strict=True)]
    world.parts.intake.stock(items, "count")


def test_the_store_that_gave_an_order_up_is_not_chosen_for_it(shipping):
    """It would be refused on release, and the others would have left it the goods for nothing."""
    publish(shipping, GRACE)
    stock(shipping, "SKU-1", 2, 10, 10)
    orders = [*(held(shipping) for _ in range(3)), held(shipping, to=EAST)]
    pause = RoutingPause(NEAR, orders[0], "", shipping.clock.now_ms() + DAY_MS, "x")
    shipping.database.write(lambda unit: unit.shipping.pause([pause]))
    first, *middle, last = chosen(shipping, orders)
    assert (first, last) == ({"S002"}, {NEAR})
    assert sorted(middle, key=str) == [{NEAR}, {"S002"}]


def test_each_order_is_promised_what_its_channel_may_have(shipping):
    """Units that one channel may not have are for the orders of the other."""
    rule = PromiseRule("r", RuleKind.SAFETY_STOCK, units=10, channels=("marketplace",),
                       locations=(NEAR,))  # fmt: skip
    promising.publish(shipping, rule)
    publish(shipping, GRACE)
    stock(shipping, "SKU-1", 1, 10, 10)
    orders = [
        held(shipping, channel=channel, to=to)
        for to in (HALFWAY, EAST) for channel in (Channel.MARKETPLACE, Channel.WEB)
    ]  # fmt: skip
    assert chosen(shipping, orders) == [None, {"S002"}, None, {NEAR}]


def test_what_one_group_takes_the_next_does_not_have(shipping):
    """Two orders of one rule have the last unit of a shelf, so those of another cannot."""
    publish(shipping, replace(GRACE, id="a", tiers=("gold",)), GRACE)
    stock(shipping, "SKU-1", 1, 10, 10)
    orders = [held(shipping, customer_tier=tier, to=to)
              for to in (HALFWAY, EAST) for tier in ("gold", "")]  # fmt: skip
    assert chosen(shipping, orders) == [{"S002"}, None, {NEAR}, None]


def test_what_the_first_orders_take_later_ones_do_not_have(shipping, monkeypatch):
    """More orders than one program takes: those after them are decided on what is left."""
    monkeypatch.setattr(batches, "ORDERS_MAX", 2)
    publish(shipping, GRACE)
    stock(shipping, "SKU-1", 1, 10, 10)
    orders = [held(shipping, to=to) for to in (HALFWAY, EAST) * 2]
    assert chosen(shipping, orders) == [{"S002"}, {NEAR}, None, None]


def test_a_day_takes_no_more_orders_than_fit_into_it(shipping):
    """One order fits into the near store's day; it is the one that has no other store nearby."""
    day = RoutingRule("day", CAPACITY, locations=(NEAR,), orders=1)
    publish(shipping, GRACE, day)
    orders = [held(shipping), held(shipping, to=EAST)]
    assert chosen(shipping, orders) == [{"S002"}, {NEAR}]


def test_units_that_stay_at_stores_are_for_nobody(shipping):
    """Two of three units may leave: the order that needs one gets it, and one of the others."""
    publish(shipping, replace(GRACE, kept_units=1))
    stock(shipping, "SKU-1", 3, 10, 10)
    orders = [held(shipping), held(shipping), held(shipping, to=EAST)]
    *first, last = chosen(shipping, orders)
    assert sorted(first, key=str) == [{NEAR}, {"S002"}]
    assert last == {NEAR}


def test_orders_come_in_the_order_of_their_release(shipping):
    """What waits longest is decided first, as it is when it is released."""
    publish(shipping, GRACE)
    stock(shipping, "SKU-1", 1, 10, 10)
    orders = [held(shipping, to=EAST), held(shipping)]
    assert chosen(shipping, orders) == [None, None]
    assert chosen(shipping, orders[::-1]) == [{"S002"}, {NEAR}]


def test_an_order_that_stays_held_takes_nothing_yet(shipping):
    """Its grace is over, but somebody looks at it: the others are decided without it."""
    publish(shipping, GRACE)
    stock(shipping, "SKU-1", 1, 10, 10)
    orders = [held(shipping), held(shipping, to=EAST)]
    hold: dict[str, Any] = {"text": "", "by": "Kim"}
    shipping.parts.central.waiting.hold(orders[1], HoldKind.FRAUD, **hold)
    assert chosen(shipping, orders) == [None, None]


def test_kits_that_stay_whole_are_decided_by_themselves(shipping):
    """A batch knows nothing of kits, and says nothing of them."""
    with_kit(shipping)
    publish(shipping, GRACE)
    stock(shipping, "SKU-1", 3, 10, 10)
    orders = [held(shipping, ("KIT", 1)), held(shipping, ("SKU-1", 3)),
              held(shipping, ("SKU-1", 2), to=EAST)]  # fmt: skip
    assert chosen(shipping, orders) == [None, {"S002"}, {NEAR}]
    rule = replace(GRACE, splits_kits=True)
    publish(shipping, rule)
    assert chosen(shipping, orders)[0] is not None


def test_orders_stay_alone_where_the_program_is_dearer(shipping, monkeypatch):
    """Whatever it says, it is replayed: what costs more by the rule is not followed."""

    def far_away(network: Network, opened: Any, prices: object, **how: object) -> list[Any]:
        without = [replace(one.order, excluded=frozenset({NEAR})) for one, _ in opened]
        return in_turn(without, network, effort_max=100)

    monkeypatch.setattr(batches, "decide_anew", far_away)
    publish(shipping, GRACE)
    assert chosen(shipping, [held(shipping), held(shipping)]) == [None, None]


def miss(world: World, times: int) -> None:
    """Let the near store not find what it should send, so often."""
    device = world.device(NEAR)
    for number in range(1, times + 1):
        new = parcel_order(("SKU-1", 1))
        identity = RequestIdentity("t", f"miss{number}", "b")
        order_id = world.parts.central.orders.place(new, identity).order_id
        (order,) = world.fulfillments(order_id)
        device.do(op.FulfillmentRejected(order.id, ShortReason.NOT_FOUND))
        device.push(number)
        world.clock.advance(DAY_MS + 1)
    world.parts.learning.run()


def test_what_a_store_misses_counts_for_orders_that_are_decided_together(shipping):
    """Where a failed pick costs something, the near store is no bargain for any of them."""
    publish(shipping, RoutingRule("r", ROUTE))
    miss(shipping, 3)
    publish(shipping, replace(GRACE, km_minor=0.01, failed_pick_minor=2000.0))
    orders = [held(shipping) for _ in range(2)]
    assert chosen(shipping, orders) == [None, None]
    assert shipping.parts.central.waiting.run() == 2
    assert [shipping.fulfillments(one)[0].location_id for one in orders] == ["S002"] * 2


def publish_while_deciding(monkeypatch: pytest.MonkeyPatch, world: World, *rules: RoutingRule):
    """Let rules come into force when a batch has decided, before anything is released."""

    def then(*asked: Any) -> dict[str, Chosen]:
        found = decide_together(*asked)
        assert found
        publish(world, *rules)
        return found

    monkeypatch.setattr(waiting_room, "decide_together", then)


@pytest.mark.parametrize(
    "forbid",
    [
        RoutingRule("grace", ROUTE, except_locations=("S002",)),
        RoutingRule("off", RoutingRuleKind.SERVE, locations=("S002",), enabled=False),
        RoutingRule("day", CAPACITY, locations=("S002",), orders=0),
    ],
    ids=["left out", "disabled", "full"],
)
def test_a_plan_is_not_followed_where_rules_forbid_it_by_then(shipping, monkeypatch, forbid):
    """Rules that come between the decision and the release hold for the release."""
    publish(shipping, GRACE)
    stock(shipping, "SKU-1", 1, 10, 10)
    orders = [held(shipping), held(shipping, to=EAST)]
    shipping.clock.advance(30 * MINUTE_MS)
    publish_while_deciding(monkeypatch, shipping, forbid)
    assert shipping.parts.central.waiting.run() == 2
    went = {one.location_id for key in orders for one in shipping.fulfillments(key)}
    assert went == {NEAR, "S003"}


def test_a_plan_is_followed_only_by_the_rules_it_was_made_by(shipping, monkeypatch):
    """It left the near store's unit to another order; by the new goals nearness counts alone."""
    publish(shipping, GRACE)
    stock(shipping, "SKU-1", 1, 10, 10)
    orders = [held(shipping), held(shipping, to=EAST)]
    shipping.clock.advance(30 * MINUTE_MS)
    publish_while_deciding(monkeypatch, shipping, replace(GRACE, km_minor=9.0))
    assert shipping.parts.central.waiting.run() == 2
    assert [shipping.fulfillments(one)[0].location_id for one in orders] == [NEAR, "S003"]
    why = shipping.parts.central.routing.why(orders[0])["decisions"][-1]
    assert (why["rule_version"], "together" in why["sentence"]) == (2, False)


def test_one_version_decides_a_whole_batch(shipping, monkeypatch):
    """Rules are read once for all groups: those that come meanwhile are for the next release."""
    gold = replace(GRACE, id="a", tiers=("gold",))
    publish(shipping, gold, GRACE)
    stock(shipping, "SKU-1", 2, 10, 10)
    orders = [held(shipping, customer_tier=tier, to=to)
              for to in (HALFWAY, EAST) for tier in ("gold", "")]  # fmt: skip
    asked: list[str] = []

    def then(network: Network, *given: Any, **how: Any) -> Any:
        asked.append(f"{network.rules.name} {network.rules.version}")
        if len(asked) == 1:
            publish(shipping, replace(GRACE, id="b", except_locations=(NEAR,)))
        return decide_anew(network, *given, **how)

    monkeypatch.setattr(batches, "decide_anew", then)
    chosen(shipping, orders)
    assert asked == ["a 1", "grace 1"]
