"""Orders that wait, and orders that do not, at the same moment: each unit is promised once."""

from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event

import pytest

from central_server.services.idempotency import RequestIdentity
from central_server.services.order_groups import OrderRequest
from central_server.sourcing.routing_rules import HoldKind, RoutingRule, RoutingRuleKind
from central_server.storage.holds import Holds
from sync.domain.errors import InsufficientStock
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import World, build_world
from tests.support.parcels import CARRIERS, parcel_order

pytestmark = pytest.mark.postgres


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
