"""What is due at a location is done at once, and piece by piece where one of it cannot be done."""

import pytest

from central_server.services.replication import Replication
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import World, build_world

MINUTE_MS = 60_000


@pytest.fixture
def quick_world(sqlite_database, tmp_path) -> World:
    """Stores have a quarter of an hour to accept what is fetched."""
    world = build_world(sqlite_database, tmp_path)
    world.open_stores()
    kind = RoutingRuleKind.ROUTE
    publish(world, RoutingRule("quick", kind, methods=("pickup",), accept_minutes=15))
    return world


def test_one_idle_order_that_cannot_be_moved_keeps_no_other(quick_world, monkeypatch):
    """The others of its store go elsewhere; that it is stuck is somebody's, until it goes too."""
    orders = [quick_world.place(("SKU-1", 1)).order_id for _ in range(3)]
    (stuck,) = quick_world.fulfillments(orders[1])
    decide = Replication._decide

    def fails_for_one(self, operation, source):
        if operation.fulfillment_id == stuck.id:
            raise ValueError("poison")
        return decide(self, operation, source)

    monkeypatch.setattr(Replication, "_decide", fails_for_one)
    quick_world.clock.advance(15 * MINUTE_MS + 1)
    assert quick_world.parts.promises.run() == 2
    assert [len(quick_world.fulfillments(one)) for one in orders] == [2, 1, 2]
    with quick_world.database.read() as view:
        (told,) = view.exceptions.list_open()
    assert (told.kind, told.owner, told.order_id) == ("work_failed", "central", orders[1])
    monkeypatch.undo()
    assert quick_world.parts.promises.run() == 1
    with quick_world.database.read() as view:
        assert view.exceptions.list_open() == ()
    quick_world.check_books()
