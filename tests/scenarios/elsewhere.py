"""Stories in which goods come from elsewhere: from another store, or from a vendor."""

import pytest

from central_server.services.vendors import SentBox, VendorDesk
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import ShortReason
from tests.scenarios.table import scenario
from tests.scenarios.world import Retail

SERVE = RoutingRuleKind.SERVE

# --- reserve or buy online, transfer from another location ----------------------------------


@scenario("transfer", "plain")
def transfer_plain(retail: Retail) -> None:
    """The chosen store has one of two: another one sends it there; both are fetched there."""
    retail.stock("S001", 1)
    order = retail.pickup(transfer=True)
    assert retail.stores(order) == []
    moving = retail.moving(order)
    assert [(one.location_id, one.total("allocated")) for one in retail.work(moving)] == [
        ("S002", 1)
    ]
    assert retail.finish(moving) == "fulfilled"
    retail.arrive(order)
    assert retail.stores(order) == ["S001"]
    assert retail.world.order(order)["status"] == "open", "arrived is not fetched"
    assert retail.finish(order) == "fulfilled"


@scenario("transfer", "split")
def transfer_split(retail: Retail) -> None:
    """The chosen store has none of twelve: two others send it all, one parcel each."""
    retail.stock("S001", 0)
    order = retail.pickup(12, transfer=True)
    moving = retail.moving(order)
    assert [one.total("allocated") for one in retail.work(moving)] == [10, 2]
    assert retail.finish(moving) == "fulfilled"
    retail.arrive(order)
    assert retail.finish(order) == "fulfilled"


@scenario("transfer", "reject")
def transfer_reject(retail: Retail) -> None:
    """The store that should send it does not find it: the next one sends it, never the chosen."""
    retail.stock("S001", 0)
    order = retail.pickup(transfer=True)
    moving = retail.moving(order)
    (part,) = retail.work(moving)
    retail.do("S002", [op.FulfillmentRejected(part.id, ShortReason.NOT_FOUND)])
    assert retail.stores(moving) == ["S003"]
    assert retail.finish(moving) == "fulfilled"
    retail.arrive(order)
    assert retail.finish(order) == "fulfilled"


@scenario("transfer", "capacity")
def transfer_capacity(retail: Retail) -> None:
    """The nearest store that has it is full today: a farther one sends it."""
    retail.stock("S001", 0)
    retail.room("S002", 0)
    order = retail.pickup(transfer=True)
    assert retail.stores(retail.moving(order)) == ["S003"]
    assert retail.finish(retail.moving(order)) == "fulfilled"
    retail.arrive(order)
    assert retail.finish(order) == "fulfilled"


@scenario("transfer", "scarce")
def transfer_scarce(retail: Retail) -> None:
    """Nobody has it: refused, paid or not; nothing is kept of it. A cancelled one leaves stock."""
    for name in ("S001", "S002", "S003"):
        retail.stock(name, 1)
    for place in (retail.pickup, retail.reserve):
        with pytest.raises(InsufficientStock):
            place(4, transfer=True)
    assert [retail.world.stock(name) for name in ("S001", "S002", "S003")] == [(1, 0)] * 3
    order = retail.pickup(3, transfer=True)
    moving = retail.moving(order)
    retail.world.parts.central.cancelling.cancel(order, reason="", actor="shop")
    assert retail.finish(moving) == "fulfilled"
    retail.arrive(order)
    assert retail.finish(retail.pickup(3)) == "fulfilled"


# --- a vendor fulfils: a location without a machine, that tells us over the API --------------


def vendor(retail: Retail, extra_minor: float = 500.0) -> VendorDesk:
    """Let the third location be a vendor's: dearer by the unit, so asked when stores lack it."""
    retail.rules(
        RoutingRule("vendor", SERVE, locations=("S003",), unit_surcharge_minor=extra_minor)
    )
    return retail.vendor("S003")


@scenario("vendor", "plain")
def vendor_plain(retail: Retail) -> None:
    """No store keeps it: the vendor takes it on and sends all of it, at its price."""
    vendor(retail)
    for name in ("S001", "S002"):
        retail.stock(name, 0)
    order = retail.ship()
    assert retail.stores(order) == ["S003"]
    why = retail.world.parts.central.routing.why(order)
    assert why["decisions"][0]["terms"]["surcharge"] == 1000
    assert retail.finish(order) == "fulfilled"


@scenario("vendor", "split")
def vendor_split(retail: Retail) -> None:
    """Stores give what they have, the vendor only the rest, as each unit of it is dear."""
    vendor(retail, 1500.0)
    retail.stock("S001", 1)
    retail.stock("S002", 1)
    order = retail.ship(3)
    parts = {one.location_id: one.total("allocated") for one in retail.work(order)}
    assert parts == {"S001": 1, "S002": 1, "S003": 1}
    assert retail.finish(order) == "fulfilled"


@scenario("vendor", "reject")
def vendor_reject(retail: Retail) -> None:
    """The vendor has one of two, and says so over the API: a store sends the other."""
    desk = vendor(retail)
    for name in ("S001", "S002"):
        retail.stock(name, 0)
    order = retail.ship()
    (part,) = retail.work(order)
    retail.stock("S002", 5)
    desk.acknowledge("S003", part.id)
    desk.give_up("S003", part.id, {1: 1}, ShortReason.DAMAGED)
    desk.ship("S003", part.id, SentBox("V-1", "swift", "standard", 500, {1: 1}))
    assert retail.stores(order) == ["S002"]
    assert retail.finish(order) == "fulfilled"


@scenario("vendor", "capacity")
def vendor_capacity(retail: Retail) -> None:
    """The vendor takes two orders a day: the third goes to a store, though that is dearer."""
    retail.vendor("S003")
    retail.rules(
        RoutingRule("day", RoutingRuleKind.CAPACITY, locations=("S003",), orders=2),
        RoutingRule("dear", SERVE, locations=("S001", "S002"), unit_surcharge_minor=900.0),
    )
    orders = [retail.ship() for _ in range(3)]
    assert [retail.stores(one) for one in orders] == [["S003"], ["S003"], ["S001"]]
    assert {retail.finish(order) for order in orders} == {"fulfilled"}


@scenario("vendor", "scarce")
def vendor_scarce(retail: Retail) -> None:
    """While a store has it that is taken, though farther; then the vendor's last; then nobody."""
    vendor(retail)
    for name, units in (("S001", 0), ("S002", 2), ("S003", 2)):
        retail.stock(name, units)
    first = retail.ship()
    assert retail.stores(first) == ["S002"]
    why = retail.world.parts.central.routing.why(first)
    assert why["decisions"][0]["next_best"]["locations"] == ["S003"]
    assert why["decisions"][0]["next_best"]["extra_minor"] >= 1000
    second = retail.ship()
    assert retail.stores(second) == ["S003"]
    with pytest.raises(InsufficientStock):
        retail.ship(1)
    assert {retail.finish(one) for one in (first, second)} == {"fulfilled"}
