"""Orders that wait, and orders that do not, at the same moment: each unit is promised once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from central_server.services.catalogue_intake import StockItem
from central_server.services.follow_ups import PushFollowUps
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import NewOrder
from central_server.services.order_groups import OrderRequest
from central_server.services.times import rfc3339
from central_server.sourcing.promise_rules import Level, PromiseRule, RuleKind
from central_server.sourcing.receipts import Receipt
from central_server.sourcing.routing_rules import HoldKind, RoutingRule, RoutingRuleKind
from central_server.storage.catalogue import Catalogue
from central_server.storage.group import GroupUnit
from central_server.storage.held_capacity import HeldCapacity
from central_server.storage.holds import Holds
from central_server.storage.postgresql import RetryingWriter
from central_server.storage.stock import Stock
from central_server.storage.supply import Supply
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import ShortReason
from sync.domain.inventory import StockReason
from sync.domain.operations import FulfillmentRejected
from sync.domain.orders import PaymentPlace
from sync.domain.stock_operations import FloorSold, SkuUnits
from tests.central_server.services.test_promise_rules import publish as publish_promising
from tests.central_server.services.test_promise_rules import shown
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import Device, World, build_world
from tests.support.parcels import CARRIERS, parcel_order

pytestmark = pytest.mark.postgres
KEEP_ONE = PromiseRule(
    "keep", RuleKind.HOLDBACK, level=Level.NETWORK, units=1, skus=("SKU-1",)
)  # fmt: skip
Work = Callable[[], object]
DAY_MS = 86_400_000


@pytest.fixture
def shipping(postgresql_database, tmp_path) -> World:
    """The small central, two units of everything, every parcel looked at before it is released."""
    world = build_world(postgresql_database, tmp_path, on_hand=2)
    world.parts.intake.carriers(CARRIERS)
    publish(world, RoutingRule("look", RoutingRuleKind.ROUTE, hold_for=(HoldKind.FRAUD,)))
    world.place(("SKU-2", 1))  # central's clock is noted
    return world


@pytest.mark.parametrize("is_alone", [False, True], ids=["group", "alone"])
def test_what_an_order_waits_for_is_promised_to_nobody_meanwhile(shipping, monkeypatch, is_alone):
    """All six units wait for release, before their commit: an order of that moment gets none."""
    is_written, may_commit = Event(), Event()
    written = Holds.open

    def slowly(self: Holds, holds: object) -> None:
        written(self, holds)  # type: ignore[arg-type]
        is_written.set()
        assert may_commit.wait(10)

    monkeypatch.setattr(Holds, "open", slowly)
    orders = shipping.parts.central.orders

    def hold_one() -> object:
        new = parcel_order(("SKU-1", 6))
        return orders.place(new, RequestIdentity("test", "waits", "b"))

    def buy() -> object:
        new = shipping.new_order(("SKU-1", 2), at="S001")
        identity = RequestIdentity("test", "buys", "b")
        if is_alone:
            request = OrderRequest(new, identity)
            return orders._groups._alone(request, shipping.clock.now_ms())
        return orders.place_many([OrderRequest(new, identity)])[0]

    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(hold_one)
        assert is_written.wait(10)
        buying = pool.submit(buy)
        wait([buying], timeout=1)
        may_commit.set()
        waiting.result(10)
        assert isinstance(buying.result(10), InsufficientStock)
    assert shipping.stock("S001") == (2, 0)


class Pause:
    """Lets the first caller of a method wait, after it or before it, until it may go on."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, *, is_before: bool = False
    ) -> None:
        self.is_reached, self.may_go_on = Event(), Event()
        method = getattr(owner, name)

        def paused(*asked: Any, **named: Any) -> Any:
            if is_before:
                self._stand_still()
            found = method(*asked, **named)
            if not is_before:
                self._stand_still()
            return found

        monkeypatch.setattr(owner, name, paused)

    def _stand_still(self) -> None:
        if not self.is_reached.is_set():
            self.is_reached.set()
            assert self.may_go_on.wait(10)

    def meanwhile(self, first: Work, second: Work) -> None:
        """Do `second` while `first` stands still, and let both end."""
        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(first)
            assert self.is_reached.wait(10)
            other = pool.submit(second)
            wait([other], timeout=1)
            self.may_go_on.set()
            one.result(20)
            other.result(20)


def hold_two(world: World) -> None:
    """Order a parcel of two, which S001 would send; it is looked at first."""
    identity = RequestIdentity("test", "held", "b")
    world.parts.central.orders.place(parcel_order(("SKU-1", 2)), identity)


def test_what_a_parcel_keeps_at_a_store_is_promised_to_nobody_meanwhile(shipping, monkeypatch):
    """S001's two are kept for it before its commit: who wants to fetch them there goes to S002."""
    bought: list[str] = []
    Pause(monkeypatch, Holds, "keep").meanwhile(
        lambda: hold_two(shipping), lambda: bought.append(shipping.place(("SKU-1", 2)).order_id)
    )
    assert [carriers_of(shipping, one) for one in bought] == [["S002"]]


def test_a_promise_that_moves_leaves_what_a_parcel_of_the_same_moment_keeps(shipping, monkeypatch):
    """S002 gives one up: S001 keeps its two for the parcel, so S003 takes over."""
    device, order_id = giving_up(shipping)
    Pause(monkeypatch, Holds, "keep").meanwhile(lambda: hold_two(shipping), device.push)
    assert carriers_of(shipping, order_id) == ["S003"]


def transfer(world: World) -> None:
    """Order three at S001, which has two: one is sent there."""
    new = replace(world.new_order(("SKU-1", 3)), transfer=True)
    world.parts.central.orders.place(new, RequestIdentity("test", "transfer", "b"))


def giving_up(world: World) -> tuple[Device, str]:
    """Return S002 about to give up a unit that a customer wants to fetch there, and the order."""
    order_id = world.place(("SKU-1", 1), at="S002").order_id
    (work,) = world.fulfillments(order_id)
    device = world.device("S002")
    device.do(FulfillmentRejected(work.id, ShortReason.STORE_BUSY))
    return device, order_id


def carriers_of(world: World, order_id: str) -> list[str]:
    found = world.fulfillments(order_id)
    return [one.location_id for one in found if one.total("open")]


def test_a_promise_that_moves_leaves_what_an_order_of_the_same_moment_keeps(shipping, monkeypatch):
    """S001's two are kept for who waits for a third: what S002 gives up moves on to S003."""
    device, order_id = giving_up(shipping)
    Pause(monkeypatch, Supply, "claim").meanwhile(lambda: transfer(shipping), device.push)
    assert carriers_of(shipping, order_id) == ["S003"]
    assert (shipping.stock("S001"), shown(shipping)) == ((2, 0), 0)


def test_who_is_to_wait_sees_the_promise_that_moves_at_the_same_moment(shipping, monkeypatch):
    """What S002 gave up has taken one of S001's two: two are sent there, not one."""
    device, order_id = giving_up(shipping)
    Pause(monkeypatch, PushFollowUps, "_moved").meanwhile(device.push, lambda: transfer(shipping))
    assert carriers_of(shipping, order_id) == ["S001"]
    (coming,) = shipping.parts.central.supply.coming("SKU-1")
    assert coming["units"] == 2


@pytest.mark.parametrize("is_alone", [False, True], ids=["group", "alone"])
def test_what_is_given_up_is_its_orders_before_it_is_anybodys(shipping, monkeypatch, is_alone):
    """S002 gives up the last unit there is: who asks for it at that moment does not get it."""
    counted = [StockItem(name, "SKU-1", int(name == "S002")) for name in ("S001", "S002", "S003")]
    shipping.parts.intake.stock(counted, "count")
    device, order_id = giving_up(shipping)
    request = OrderRequest(
        shipping.new_order(("SKU-1", 1), at="S002"), RequestIdentity("test", "buys", "b")
    )
    groups, outcomes = shipping.parts.central.orders._groups, list[object]()

    def buy() -> None:
        now_ms = shipping.clock.now_ms()
        outcomes.append(groups._alone(request, now_ms) if is_alone else groups.place([request])[0])

    Pause(monkeypatch, Stock, "apply_effects").meanwhile(device.push, buy)
    assert [type(one) for one in outcomes] == [InsufficientStock]
    (line,) = shipping.order(order_id)["lines"]
    assert line["unsourced"] == 1
    assert shipping.stock("S002") == (1, 0)


def test_what_is_given_up_elsewhere_is_its_orders_too(postgresql_database, tmp_path, monkeypatch):
    """An order of a group asks at S001, which has none, and would be moved to what S002 gave up."""
    world = build_world(postgresql_database, tmp_path, on_hand=0)
    world.parts.intake.stock([StockItem("S002", "SKU-1", 1)], "count")
    device, order_id = giving_up(world)
    request = OrderRequest(world.new_order(("SKU-1", 1)), RequestIdentity("test", "buys", "b"))
    outcomes: list[object] = []
    groups = world.parts.central.orders._groups
    Pause(monkeypatch, GroupUnit, "hold").meanwhile(
        lambda: outcomes.extend(groups.place([request])), device.push
    )
    assert [type(one) for one in outcomes] == [InsufficientStock]
    (line,) = world.order(order_id)["lines"]
    assert line["unsourced"] == 1


def test_a_reservation_that_meets_who_gives_up_is_held(shipping, monkeypatch):
    """S002 has five and gives up one that nobody else has: four are left, and one is reserved."""
    counted = [StockItem(name, "SKU-1", 5 * (name == "S002")) for name in ("S001", "S002", "S003")]
    shipping.parts.intake.stock(counted, "count")
    device, _ = giving_up(shipping)
    new = replace(
        shipping.new_order(("SKU-1", 1), at="S002"), payment=PaymentPlace.IN_STORE, transfer=True
    )
    placed: list[str] = []

    def reserve() -> None:
        identity = RequestIdentity("test", "reserves", "b")
        placed.append(shipping.parts.central.orders.place(new, identity).order_id)

    Pause(monkeypatch, Stock, "apply_effects").meanwhile(device.push, reserve)
    assert [carriers_of(shipping, one) for one in placed] == [["S002"]]


def in_turn(world: World, monkeypatch: pytest.MonkeyPatch, new: NewOrder, work: Work) -> None:
    """Do `work` while an order has SKU-1 for itself: no transaction has to be run again."""
    request = OrderRequest(new, RequestIdentity("test", "has-it", "b"))
    one_by_one(
        monkeypatch, (Stock, "lock_network"),
        lambda: world.parts.central.orders.place_many([request]), work,
    )  # fmt: skip


def one_by_one(
    monkeypatch: pytest.MonkeyPatch, at: tuple[type, str], first: Work, second: Work
) -> None:
    """Do `second` while `first` stands still after a method: neither has to be run again."""
    runs: list[object] = []
    once = RetryingWriter._once

    def counted(writer: RetryingWriter, command: Any) -> Any:
        runs.append(command)
        return once(writer, command)

    monkeypatch.setattr(RetryingWriter, "_once", counted)
    Pause(monkeypatch, *at).meanwhile(first, second)
    assert len(runs) == len(set(runs)), "two met, and one of them had to give way"


@pytest.mark.parametrize("is_sold", [True, False], ids=["sold", "given up"])
def test_a_push_that_moves_a_promise_waits_before_it_holds_stock(shipping, monkeypatch, is_sold):
    """The order comes to S001's stock next: who has that and waits for the SKU is in its way."""
    order_id = shipping.place(("SKU-1", 1)).order_id
    (work,) = shipping.fulfillments(order_id)
    publish_promising(shipping, KEEP_ONE)
    device = shipping.device("S001")
    device.do(FloorSold("T1", (SkuUnits("SKU-1", 2 if is_sold else 1),)))
    if not is_sold:
        device.do(FulfillmentRejected(work.id, ShortReason.STORE_BUSY))
    in_turn(shipping, monkeypatch, shipping.new_order(("SKU-1", 1)), device.push)
    assert carriers_of(shipping, order_id) == ["S002"]


def test_promises_that_move_together_wait_before_any_holds_stock(shipping, monkeypatch):
    """The same of orders that nobody accepted: the first that moves holds stock of S002."""
    publish(shipping, RoutingRule("soon", RoutingRuleKind.ROUTE, accept_minutes=10))
    shipping.open_stores()
    orders = []
    for sku in ("SKU-2", "SKU-1"):
        orders.append(shipping.place((sku, 1)).order_id)
        shipping.clock.advance(3_600_000)
    publish_promising(shipping, KEEP_ONE)
    shipping.place(("SKU-3", 1))  # central's clock is noted
    new = shipping.new_order(("SKU-1", 1), ("SKU-2", 1), at="S002")
    in_turn(shipping, monkeypatch, new, shipping.parts.promises.run)
    assert [carriers_of(shipping, one) for one in orders] == [["S002"], ["S002"]]


def test_who_begins_to_wait_is_in_nobodys_way_who_closes_the_receipt(shipping, monkeypatch):
    """Both want S001's stock and its receipt: whoever closes that takes them in the same order."""
    supply, now = shipping.parts.central.supply, shipping.clock.now_ms()
    with shipping.database.read() as view:
        place = view.locations.get("S001")
    assert place is not None
    shipping.parts.intake.locations([replace(place, floor_percent=50)])
    supply.expect(Receipt("R1", "S001", "SKU-1", 10, now + DAY_MS))
    waiting = later(shipping, shipping.new_order(("SKU-1", 4)), "waits")
    shipping.parts.intake.stock([StockItem("S001", "SKU-1", 12)], "receipt", StockReason.IMPORT)
    one_by_one(
        monkeypatch, (Supply, "receipt"), lambda: supply.close("R1"),
        lambda: later(shipping, shipping.new_order(("SKU-1", 9)), "begins"),
    )  # fmt: skip
    assert carriers_of(shipping, waiting) == ["S001"]
    shipping.check_books()


def later(world: World, new: NewOrder, key: str) -> str:
    """Place an order that may wait; return its id, empty where it is refused."""
    request = OrderRequest(replace(new, accept_later=True), RequestIdentity("test", key, "b"))
    (outcome,) = world.parts.central.orders.place_many([request])
    return "" if isinstance(outcome, InsufficientStock) else outcome.order_id  # type: ignore[union-attr]


@pytest.mark.parametrize("is_sent", [False, True], ids=["fetched", "sent"])
def test_a_date_that_is_dropped_meanwhile_drops_the_hold(shipping, monkeypatch, is_sent):
    """The pre-order is written and not committed: who drops its date finds it, after that."""
    supply = shipping.parts.central.supply
    publish(shipping, RoutingRule("plain", RoutingRuleKind.ROUTE))
    supply.set_release("SKU-1", shipping.clock.now_ms() + DAY_MS)
    new = parcel_order(("SKU-1", 1)) if is_sent else shipping.new_order(("SKU-1", 1))
    placed: list[str] = []
    Pause(monkeypatch, Holds, "open").meanwhile(
        lambda: placed.append(later(shipping, new, "pre")),
        lambda: supply.set_release("SKU-1", None),
    )
    assert shipping.parts.central.waiting.run() == 1
    assert carriers_of(shipping, placed[0]) == ["S001"]


@pytest.mark.parametrize("after", [(Catalogue, "releases"), (Holds, "open")], ids=["read", "held"])
@pytest.mark.parametrize("is_sent", [False, True], ids=["fetched", "sent"])
def test_a_date_that_is_dropped_while_an_order_is_held_by_it_holds_nothing(
    shipping, monkeypatch, is_sent, after
):
    """Its date was moved, the job reads the new one, and that is dropped: the order is released."""
    supply, now = shipping.parts.central.supply, shipping.clock.now_ms()
    publish(shipping, RoutingRule("plain", RoutingRuleKind.ROUTE))
    supply.set_release("SKU-1", now + DAY_MS)
    new = parcel_order(("SKU-1", 1)) if is_sent else shipping.new_order(("SKU-1", 1))
    placed = later(shipping, new, "pre")
    supply.set_release("SKU-1", now + 9 * DAY_MS)
    waiting, released = shipping.parts.central.waiting, list[int]()
    Pause(monkeypatch, *after).meanwhile(
        lambda: released.append(waiting.run()), lambda: supply.set_release("SKU-1", None)
    )
    released.append(waiting.run())
    assert sum(released) == 1
    assert carriers_of(shipping, placed) == ["S001"]


def test_who_is_released_is_in_nobodys_way_who_takes_the_day_first(shipping, monkeypatch):
    """An order without a release date shares its SKUs only once it has the day, as any does."""
    rule = RoutingRule("day", RoutingRuleKind.CAPACITY, locations=("S001",), orders=9)
    publish(shipping, RoutingRule("plain", RoutingRuleKind.ROUTE), rule)
    supply, now = shipping.parts.central.supply, shipping.clock.now_ms()
    supply.set_release("SKU-1", now + DAY_MS)
    placed = later(shipping, shipping.new_order(("SKU-1", 1)), "pre")
    shipping.clock.advance(DAY_MS)
    shipping.place(("SKU-2", 1), at="S002")  # the time is noted
    one_by_one(
        monkeypatch, (HeldCapacity, "hold"), lambda: shipping.place(("SKU-1", 1)),
        shipping.parts.central.waiting.run,
    )  # fmt: skip
    assert carriers_of(shipping, placed) == ["S001"]


@pytest.mark.parametrize("is_sent", [False, True], ids=["fetched", "sent"])
def test_a_date_that_is_set_meanwhile_is_the_orders(shipping, monkeypatch, is_sent):
    """It is said and not committed: an order for goods on their way waits for it, too."""
    supply, now = shipping.parts.central.supply, shipping.clock.now_ms()
    publish(shipping, RoutingRule("plain", RoutingRuleKind.ROUTE))
    supply.expect(Receipt("R1", "S001", "SKU-1", 10, now + DAY_MS))
    new = parcel_order(("SKU-1", 9)) if is_sent else shipping.new_order(("SKU-1", 9))
    placed: list[str] = []
    Pause(monkeypatch, Catalogue, "set_releases").meanwhile(
        lambda: supply.set_release("SKU-1", now + 9 * DAY_MS),
        lambda: placed.append(later(shipping, new, "pre")),
    )
    order = shipping.order(placed[0])
    assert [one["kind"] for one in order["holds"]] == ["pre_order"]
    assert order["promised_by"] > rfc3339(now + 9 * DAY_MS)


@pytest.mark.parametrize("is_sent", [False, True], ids=["fetched", "sent"])
def test_a_date_that_is_over_when_its_order_is_written_holds_nothing(
    shipping, monkeypatch, is_sent
):
    """The order asked before the date was dropped, and was written after it."""
    supply = shipping.parts.central.supply
    publish(shipping, RoutingRule("plain", RoutingRuleKind.ROUTE))
    supply.set_release("SKU-1", shipping.clock.now_ms() + DAY_MS)
    new = parcel_order(("SKU-1", 1)) if is_sent else shipping.new_order(("SKU-1", 1))
    placed: list[str] = []
    Pause(monkeypatch, Catalogue, "set_releases").meanwhile(
        lambda: supply.set_release("SKU-1", None),
        lambda: placed.append(later(shipping, new, "pre")),
    )
    shipping.parts.central.waiting.run()
    assert carriers_of(shipping, placed[0]) == ["S001"]
