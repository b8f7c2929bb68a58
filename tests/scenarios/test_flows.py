"""The flows of omnichannel retail, each plain, split, rejected, short of capacity and of stock.

`SCENARIOS` is the table: what is played. `MISSING` says of the other cells why they are not:
because the flow is not there yet, or because the variant has no meaning in it.
"""

import pytest

from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain import reserve_operations as res
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import ShortReason
from sync.domain.operations import LineQuantity
from sync.domain.orders import Channel
from sync.domain.tenders import TenderKind
from tests.scenarios import elsewhere, paying
from tests.scenarios.table import FLOWS, MISSING, SCENARIOS, VARIANTS, scenario
from tests.scenarios.world import Retail

__all__ = ["elsewhere", "paying"]
ROUTE = RoutingRuleKind.ROUTE


# --- buy online, ship from any location -----------------------------------------------------


@scenario("ship from any location", "plain")
def ship_plain(retail: Retail) -> None:
    """The nearest store that has it packs and labels it offline; the carrier takes it."""
    order = retail.ship()
    assert retail.stores(order) == ["S001"]
    assert retail.finish(order) == "fulfilled"


@scenario("ship from any location", "split")
def ship_split(retail: Retail) -> None:
    """Twelve where each store has ten: two stores send a parcel each."""
    order = retail.ship(12)
    assert retail.stores(order) == ["S001", "S002"]
    assert [one.total("allocated") for one in retail.work(order)] == [10, 2]
    assert retail.finish(order) == "fulfilled"


@scenario("ship from any location", "reject")
def ship_reject(retail: Retail) -> None:
    """The store does not find it, cut off; once heard, the next one sends it."""
    order = retail.ship()
    (part,) = retail.work(order)
    retail.do("S001", [op.FulfillmentRejected(part.id, ShortReason.NOT_FOUND)])
    assert retail.stores(order) == ["S002"]
    assert retail.finish(order) == "fulfilled"


@scenario("ship from any location", "capacity")
def ship_capacity(retail: Retail) -> None:
    """The nearest store's day is full: the next one sends it."""
    retail.room("S001", 1)
    orders = [retail.ship(), retail.ship()]
    assert [retail.stores(one) for one in orders] == [["S001"], ["S002"]]
    assert {retail.finish(one) for one in orders} == {"fulfilled"}


@scenario("ship from any location", "scarce")
def ship_scarce(retail: Retail) -> None:
    """The last units of the network go to one order; the next is refused whole."""
    for name in ("S001", "S002", "S003"):
        retail.stock(name, 1)
    order = retail.ship(3)
    assert retail.stores(order) == ["S001", "S002", "S003"]
    with pytest.raises(InsufficientStock):
        retail.ship(1)
    assert retail.finish(order) == "fulfilled"


# --- buy online, pick up in store -----------------------------------------------------------


@scenario("pickup", "plain")
def pickup_plain(retail: Retail) -> None:
    """Picked, staged and handed over with the network cut."""
    order = retail.pickup()
    assert retail.finish(order) == "fulfilled"


@scenario("pickup", "reject")
def pickup_reject(retail: Retail) -> None:
    """The chosen store gives it up: the nearest other one gets it ready."""
    order = retail.pickup()
    (part,) = retail.work(order)
    retail.do("S001", [op.FulfillmentRejected(part.id, ShortReason.NOT_FOUND)])
    assert retail.stores(order) == ["S002"]
    assert retail.finish(order) == "fulfilled"


@scenario("pickup", "capacity")
def pickup_capacity(retail: Retail) -> None:
    """The chosen store's day is full; a cancelled order gives its place back."""
    retail.room("S001", 1)
    first, second = retail.pickup(), retail.pickup()
    assert [retail.stores(one) for one in (first, second)] == [["S001"], ["S002"]]
    retail.world.parts.central.cancelling.cancel(first, reason="", actor="shop")
    third = retail.pickup()
    assert retail.stores(third) == ["S001"]
    assert {retail.finish(one) for one in (second, third)} == {"fulfilled"}


@scenario("pickup", "scarce")
def pickup_scarce(retail: Retail) -> None:
    """Where the chosen store lacks a unit another has all; where nobody has, it is refused."""
    retail.stock("S001", 1)
    order = retail.pickup()
    assert retail.stores(order) == ["S002"]
    with pytest.raises(InsufficientStock):
        retail.pickup(11)
    assert retail.finish(order) == "fulfilled"


# --- reserve online, pick up and pay in store -----------------------------------------------


def pay_and_take(retail: Retail, order: str, units: int = 2) -> str:
    """Let the customer pay in cash and take it, with the network cut."""
    (part,) = retail.work(order)
    total = units * 1000
    retail.do("S001", [
        op.LinePicked(part.id, 1, units), op.Staged(part.id, "A1"),
        res.TenderTaken(part.id, 1, TenderKind.CASH, total),
        res.ReservationConverted(part.id, (LineQuantity(1, units),), total),
    ])  # fmt: skip
    return str(retail.world.order(order)["status"])


def from_two_others(retail: Retail, order: str) -> None:
    """Let two stores send what the chosen one lacks of twelve, and let it arrive there."""
    moving = retail.moving(order)
    assert [(one.location_id, one.total("allocated")) for one in retail.work(moving)] == [
        ("S002", 6), ("S003", 5),
    ]  # fmt: skip
    assert retail.finish(moving) == "fulfilled"
    retail.arrive(order)


@scenario("pickup", "split")
def pickup_split(retail: Retail) -> None:
    """One errand for the customer: two other stores send what the chosen one lacks."""
    for name, units in (("S001", 1), ("S002", 6), ("S003", 6)):
        retail.stock(name, units)
    order = retail.pickup(12, transfer=True)
    from_two_others(retail, order)
    assert [one.total("allocated") for one in retail.work(order)] == [12]
    assert retail.finish(order) == "fulfilled"


@scenario("reserve", "split")
def reserve_split(retail: Retail) -> None:
    """Held in one store, of what three had; all is paid and taken there."""
    for name, units in (("S001", 1), ("S002", 6), ("S003", 6)):
        retail.stock(name, units)
    order = retail.reserve(12, transfer=True)
    from_two_others(retail, order)
    assert retail.world.parts.holds.run() == 1
    assert pay_and_take(retail, order, 12) == "fulfilled"


@scenario("reserve", "capacity")
def reserve_capacity(retail: Retail) -> None:
    """A hold takes the day's one place: the store holds nothing more, and is sent nothing more.

    What is fetched paid goes to the next store; who waits is served when there is room again.
    """
    retail.room("S001", 1)
    first, paid = retail.reserve(), retail.pickup()
    assert [retail.stores(one) for one in (first, paid)] == [["S001"], ["S002"]]
    with pytest.raises(InsufficientStock):
        retail.reserve()
    waits = retail.reserve(waiting_list=True)
    assert pay_and_take(retail, first) == "fulfilled"
    retail.room("S001", 2)
    assert retail.world.parts.holds.run() == 1
    assert pay_and_take(retail, waits) == "fulfilled"
    assert retail.finish(paid) == "fulfilled"


@scenario("reserve", "plain")
def reserve_plain(retail: Retail) -> None:
    """Held unpaid, paid in cash and taken, offline."""
    order = retail.reserve()
    assert retail.stores(order) == ["S001"]
    assert pay_and_take(retail, order) == "fulfilled"


@scenario("reserve", "reject")
def reserve_reject(retail: Retail) -> None:
    """Given up by its store it moves nowhere: the customer comes to pay there."""
    order = retail.reserve()
    (part,) = retail.work(order)
    retail.do("S001", [op.FulfillmentRejected(part.id, ShortReason.NOT_FOUND)])
    assert retail.stores(order) == []
    assert retail.world.order(order)["lines"][0]["unsourced"] == 2


@scenario("reserve", "scarce")
def reserve_scarce(retail: Retail) -> None:
    """Refused without stock; on the waiting list it is held as soon as stock has come."""
    retail.stock("S001", 1)
    with pytest.raises(InsufficientStock):
        retail.reserve()
    order = retail.reserve(waiting_list=True)
    assert retail.world.parts.central.unfillable.page(10) == []
    retail.stock("S001", 5)
    assert retail.world.parts.holds.run() == 1
    assert pay_and_take(retail, order) == "fulfilled"


# --- buy at a store, ship from an alternate -------------------------------------------------

AWAY = RoutingRule("away", ROUTE, channels=("store",), except_locations=("S001",))
"""What is sold at the first store's counter and sent home does not take its shelf."""


@scenario("sold here, shipped from elsewhere", "plain")
def alternate_plain(retail: Retail) -> None:
    """The rule for the store's channel keeps the counter's own stock; another store sends."""
    retail.rules(AWAY)
    order = retail.ship(channel=Channel.STORE)
    assert retail.stores(order) == ["S002"]
    assert retail.finish(order) == "fulfilled"


@scenario("sold here, shipped from elsewhere", "split")
def alternate_split(retail: Retail) -> None:
    """No alternate has all of it: two of them send."""
    retail.rules(AWAY)
    order = retail.ship(12, channel=Channel.STORE)
    assert retail.stores(order) == ["S002", "S003"]
    assert retail.finish(order) == "fulfilled"


@scenario("sold here, shipped from elsewhere", "reject")
def alternate_reject(retail: Retail) -> None:
    """The alternate gives it up: the next alternate sends, never the counter's store."""
    retail.rules(AWAY)
    order = retail.ship(channel=Channel.STORE)
    (part,) = retail.work(order)
    retail.do("S002", [op.FulfillmentRejected(part.id, ShortReason.DAMAGED)])
    assert retail.stores(order) == ["S003"]
    assert retail.finish(order) == "fulfilled"


@scenario("sold here, shipped from elsewhere", "capacity")
def alternate_capacity(retail: Retail) -> None:
    """The nearest alternate's day is full."""
    day = RoutingRule("day", RoutingRuleKind.CAPACITY, locations=("S002",), orders=0)
    retail.rules(AWAY, day)
    order = retail.ship(channel=Channel.STORE)
    assert retail.stores(order) == ["S003"]
    assert retail.finish(order) == "fulfilled"


@scenario("sold here, shipped from elsewhere", "scarce")
def alternate_scarce(retail: Retail) -> None:
    """Only the counter's own store has it: it is refused, as the rule says."""
    retail.rules(AWAY)
    for name in ("S002", "S003"):
        retail.stock(name, 0)
    with pytest.raises(InsufficientStock):
        retail.ship(channel=Channel.STORE)
    web = retail.ship()
    assert retail.finish(web) == "fulfilled"


@pytest.mark.slow
@pytest.mark.parametrize("cell", SCENARIOS, ids=lambda cell: f"{cell[0]} - {cell[1]}")
def test_scenario(retail, cell):
    """The story ends as told, and all books of central and stores agree."""
    SCENARIOS[cell](retail)
    retail.check()


def test_every_cell_is_played_or_named_missing():
    """No flow and no variant of one is left out in silence."""
    cells = {(flow, variant) for flow in FLOWS for variant in VARIANTS}
    assert SCENARIOS.keys() | MISSING.keys() == cells
    assert SCENARIOS.keys() & MISSING.keys() == set()
    assert all(MISSING.values())
