"""What central does for routing by itself: learns, reckons prices, decides orders together."""

import builtins
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from central_server.records import LedgerEntry
from central_server.services import batches, unit_prices, waiting_room
from central_server.services.catalogue_intake import StockItem
from central_server.services.fill_learning import SETTLED_MS
from central_server.services.idempotency import RequestIdentity
from central_server.sourcing.engine.highs import OptimizerMissing
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain.fulfillment import ShortReason
from sync.domain.inventory import StockReason
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_routing_rules import goes_to, publish
from tests.support.central_world import World
from tests.support.parcels import parcel_order, whole_parcel

ROUTE = RoutingRuleKind.ROUTE
MINUTE_MS = 60_000
DAY_MS = 86_400_000


@pytest.fixture
def without_optimizer(monkeypatch):
    """A machine on which highspy is not installed."""
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "highspy":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)


def miss(world: World, times: int) -> None:
    """Let the first store not find what it should send, so often."""
    device = world.device("S001")
    for number in range(1, times + 1):
        order = next(
            one for one in place(world, ("SKU-1", 1))[1] if one.location_id == "S001"
        )  # fmt: skip
        device.do(op.FulfillmentRejected(order.id, ShortReason.NOT_FOUND))
        device.push(number)
        world.clock.advance(DAY_MS + 1)


def test_a_store_that_misses_is_asked_less(shipping):
    """Misses make its units dearer by what a failed pick costs, so orders go next door."""
    publish(shipping, RoutingRule("r", ROUTE, failed_pick_minor=2000.0, km_minor=0.01))
    assert goes_to(shipping, ("SKU-1", 1)) == ["S001"]
    miss(shipping, 3)
    learning = shipping.parts.learning
    assert learning.run() == 3
    assert learning.run() == 0
    assert goes_to(shipping, ("SKU-1", 1)) == ["S002"]
    with shipping.database.read() as view:
        rates = view.learned.rates_of(["SKU-1"])["SKU-1"]
    assert 2 < rates["S001", "SKU-1"].missed <= 3
    assert rates["S001", "SKU-1"].found == 0


def test_what_is_found_counts_for_a_store(shipping):
    """Goods that were picked and sent count as found, once, whoever learns at the same time."""
    order_id, (order,) = place(shipping, ("SKU-1", 4))
    device = shipping.device("S001")
    device.do(*whole_parcel(order))
    device.push()
    assert shipping.parts.learning.run() == 0, "the last minutes wait"
    shipping.clock.advance(6 * MINUTE_MS)
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: shipping.parts.learning.run(), range(3)))
    assert sorted(done) == [0, 0, 3]
    with shipping.database.read() as view:
        rates = view.learned.rates_of(["SKU-1"])["SKU-1"]
    assert (rates["S001", "SKU-1"].found, rates["S001", ""].found) == (4, 4)
    assert order_id


def leave(world: World, *moved: tuple[int, int]) -> None:
    """Let units of the first store leave: in this order (units, so much before now)."""
    now = world.clock.now_ms()
    entries = [
        LedgerEntry("S001", "SKU-1", -units, 0, StockReason.HANDED_OVER, "F", now - ago_ms)
        for units, ago_ms in moved
    ]
    world.database.write(lambda unit: unit.stock_ledger.append(entries))


def found(world: World) -> float:
    """Return how many units count as found at the first store, when everything due is learned."""
    world.parts.learning.run()
    with world.database.read() as view:
        rates = view.learned.rates_of(["SKU-1"])["SKU-1"]
    return rates["S001", "SKU-1"].found


def test_a_pick_that_waited_to_be_written_hides_none_from_learning(shipping):
    """Its time is older than that of one before it in the ledger, which is too young today."""
    shipping.clock.advance(MINUTE_MS)
    leave(shipping, (1, 1_000), (2, 0), (4, 1_000))
    shipping.clock.advance(SETTLED_MS - 500)
    assert found(shipping) == 1
    shipping.clock.advance(1_000)
    assert found(shipping) == 7


def test_a_clock_that_is_set_back_holds_up_no_learning(shipping):
    """What was written while it was a day ahead is passed over, and the next is learned."""
    leave(shipping, (2, -DAY_MS), (4, 0))
    shipping.clock.advance(SETTLED_MS + 1)
    assert found(shipping) == 4


def busy_week(world: World, orders: int = 12, lines: int = 1) -> None:
    """Let customers near the first two stores order one product, in so many lines."""
    for number in range(orders):
        new = parcel_order(*[("SKU-1", 2)] * lines)
        assert new.ship_to is not None
        if number % 2:
            new = replace(new, ship_to=replace(new.ship_to, latitude=39.76, longitude=-84.19))
        world.parts.central.orders.place(new, RequestIdentity("t", f"w{number}", "b"))
        world.clock.advance(MINUTE_MS)


def test_scarce_units_get_a_price_that_routing_reads(shipping):
    """The dual of a store's units is what one more would save; running again gives the same."""
    pytest.importorskip("highspy")
    publish(shipping, RoutingRule("r", ROUTE, km_minor=10.0))
    busy_week(shipping)
    prices = shipping.parts.unit_prices
    count = prices.run()
    shown = prices.show(10)
    assert count == len(shown) > 0
    assert all(one["sku"] == "SKU-1" and one["dual_minor"] > 0 for one in shown)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: prices.run(), range(2))) == [count, count]
    assert prices.show(10) == shown
    with shipping.database.read() as view:
        found = view.learned.prices_of(["SKU-1"])
    assert found[str(shown[0]["location_id"]), "SKU-1"] == shown[0]["dual_minor"]


def test_a_product_in_two_lines_of_an_order_counts_for_both(shipping):
    """Twenty-four units are asked for, in lines of two: enough for a price."""
    pytest.importorskip("highspy")
    publish(shipping, RoutingRule("r", ROUTE, km_minor=10.0))
    busy_week(shipping, orders=6, lines=2)
    assert shipping.parts.unit_prices.run() > 0


def test_what_a_unit_is_worth_is_kept_in_money(shipping):
    """Routing weighs it by the rule's `stock_weight`; it is the same unit by any weight."""
    pytest.importorskip("highspy")
    busy_week(shipping)
    counted = []
    for weight in (0.5, 1.0, 2.0):
        publish(shipping, RoutingRule("r", ROUTE, km_minor=10.0, stock_weight=weight))
        assert shipping.parts.unit_prices.run()
        (dearest, *_) = shipping.parts.unit_prices.show(10)
        counted.append(float(str(dearest["dual_minor"])) * weight)
    assert counted == pytest.approx([counted[0]] * 3, abs=0.2)


def test_a_part_of_the_periods_orders_is_planned_with_its_part_of_stock(shipping, monkeypatch):
    """The others ask for the same units: what is scarce for all is scarce for a sample."""
    pytest.importorskip("highspy")
    publish(shipping, RoutingRule("r", ROUTE, km_minor=10.0))
    busy_week(shipping)
    shipping.parts.intake.stock([StockItem("S001", "SKU-1", 60)], "count")
    offered = []

    def noted(routing, group, free, now_ms):
        offered.append({place: units.get("SKU-1", 0) for place, units in free.items()})
        return {}

    monkeypatch.setattr(unit_prices, "expected_prices", noted)
    shipping.parts.unit_prices.run()
    monkeypatch.setattr(unit_prices, "UNITS_MIN", 1)
    monkeypatch.setattr(unit_prices, "ORDERS_MAX", 5)
    shipping.parts.unit_prices.run()
    whole, part = offered
    with shipping.database.read() as view:
        _, left = view.orders.parcels_placed(0, shipping.clock.now_ms(), 5)
    assert part == {place: -(-units * 5 // (5 + left)) for place, units in whole.items()}
    assert sum(part.values()) < sum(whole.values())


def test_without_the_optimizer_prices_stay_and_it_is_said(shipping, without_optimizer):
    """The refusal names the package; what was reckoned before is kept."""
    shipping.database.write(
        lambda unit: unit.learned.replace_prices({("S001", "SKU-1"): 50.0}, 1)
    )  # fmt: skip
    busy_week(shipping)
    with pytest.raises(OptimizerMissing, match="highspy is not installed"):
        shipping.parts.unit_prices.run()
    assert len(shipping.parts.unit_prices.show(10)) == 1


def scarce_pair(world: World) -> tuple[str, str]:
    """Return two held orders: the first could go anywhere, the second only near the first store.

    One after the other, the first takes the last units of the store that the second needs.
    """
    publish(world, RoutingRule("grace", ROUTE, grace_minutes=30, km_minor=10.0))
    world.database.write(lambda unit: unit.stock.apply_effects("S001", {"SKU-1": (-8, 0)}, []))
    between = parcel_order(("SKU-1", 2))
    assert between.ship_to is not None
    home = between.ship_to
    between = replace(between, ship_to=replace(home, latitude=39.87, longitude=-83.5))
    far_east = replace(between, ship_to=replace(home, latitude=39.96, longitude=-82.0))
    ids = []
    for number, new in enumerate((between, far_east)):
        identity = RequestIdentity("t", f"p{number}", "b")
        ids.append(world.parts.central.orders.place(new, identity).order_id)
        world.clock.advance(1)
    world.clock.advance(30 * MINUTE_MS)
    return ids[0], ids[1]


def places_of(world: World, *order_ids: str) -> list[str]:
    return [world.fulfillments(one)[0].location_id for one in order_ids]


def test_orders_that_are_released_at_once_are_decided_together(shipping):
    """The order that could go elsewhere leaves the near store to the one that needs it."""
    pytest.importorskip("highspy")
    first, second = scarce_pair(shipping)
    assert shipping.parts.central.waiting.run() == 2
    assert places_of(shipping, first, second) == ["S002", "S001"]
    assert shipping.parts.central.waiting.problem == ""
    why = shipping.parts.central.routing.why(first)["sentence"]
    assert "without S002" in why


def test_a_longer_batch_gathers_orders_that_come_apart(shipping):
    """Grace ends on a common grid: an order of twenty minutes later is decided with the first."""
    pytest.importorskip("highspy")
    rule = RoutingRule("grid", ROUTE, grace_minutes=10, release_every_minutes=60, km_minor=10.0)
    publish(shipping, rule)
    first, _ = place(shipping, ("SKU-1", 1))
    shipping.clock.advance(20 * MINUTE_MS)
    second, _ = place(shipping, ("SKU-1", 1))
    ends = [shipping.order(one)["holds"][0]["until"] for one in (first, second)]
    assert ends == ["2025-11-23T13:00:00.000Z"] * 2
    room = shipping.parts.central.waiting
    shipping.clock.advance(26 * MINUTE_MS)
    assert room.run() == 0
    shipping.clock.advance(MINUTE_MS)
    assert room.run() == 2


def test_released_on_a_grid_without_grace(shipping):
    """Also without a grace of its own an order waits for the next batch."""
    publish(shipping, RoutingRule("grid", ROUTE, release_every_minutes=15))
    shipping.clock.advance(MINUTE_MS)
    order_id, parts = place(shipping)
    assert parts == []
    (hold,) = shipping.order(order_id)["holds"]
    assert hold["until"] == "2025-11-23T12:15:00.000Z"


def test_without_the_optimizer_they_are_decided_one_by_one(shipping, without_optimizer):
    """Nothing waits for a package; what is missing is said."""
    first, second = scarce_pair(shipping)
    room = shipping.parts.central.waiting
    assert room.run() == 2
    assert places_of(shipping, first, second) == ["S001", "S003"]
    assert "highspy is not installed" in room.problem


def test_a_batch_that_fails_holds_up_no_order(shipping, monkeypatch):
    """Whatever goes wrong while orders are looked at together, each is released by itself."""

    def failing(*_: object) -> dict[str, object]:
        raise KeyError("nobody thought of it")

    monkeypatch.setattr(waiting_room, "decide_together", failing)
    first, second = scarce_pair(shipping)
    room = shipping.parts.central.waiting
    assert room.run() == 2
    assert places_of(shipping, first, second) == ["S001", "S003"]
    assert "nobody thought of it" in room.problem


def test_a_release_whose_time_is_over_decides_the_rest_one_by_one(shipping, monkeypatch):
    """Programs take long on a machine that is busy: orders wait for them, but not for ever."""
    monkeypatch.setattr(batches, "SECONDS_MAX", 0.0)
    first, second = scarce_pair(shipping)
    room = shipping.parts.central.waiting
    assert room.run() == 2
    assert places_of(shipping, first, second) == ["S001", "S003"]
    assert room.problem == "2 orders were released one by one: time was over"
