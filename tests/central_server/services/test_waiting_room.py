"""Orders that are not released yet: grace, holds, changes, and what nobody can fill."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from central_server.records import OrderFilter, Price, Product
from central_server.services import order_release, waiting_room
from central_server.services.errors import NotHeld, NothingUnsourced, OrderChangeInvalid
from central_server.services.idempotency import RequestIdentity
from central_server.services.parcels import Destination
from central_server.services.routing_rules import RoutingRuleBook
from central_server.services.waiting_room import Change
from central_server.sourcing.receipts import Receipt
from central_server.sourcing.routing_rules import HoldKind, RoutingRule, RoutingRuleKind
from central_server.storage.supply import Supply
from sync.domain import operations as op
from sync.domain.errors import InsufficientStock
from sync.domain.fulfillment import ShortReason
from tests.central_server.services.test_parcels import exceptions, place
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import World
from tests.support.parcels import CARRIERS, NOWHERE, parcel_order

ROUTE = RoutingRuleKind.ROUTE
MINUTE_MS = 60_000
GRACE = RoutingRule("grace", ROUTE, grace_minutes=30)
FRAUD = RoutingRule("look", ROUTE, value_from_minor=5000, hold_for=(HoldKind.FRAUD,))


def test_grace_keeps_an_order_from_stores_until_it_is_over(shipping):
    """No store has it, the network keeps its units, and then it is routed as others are."""
    publish(shipping, GRACE)
    order_id, parts = place(shipping, ("SKU-1", 2))
    assert parts == []
    assert shipping.order(order_id)["status"] == "open"
    with pytest.raises(InsufficientStock):
        place(shipping, ("SKU-1", 29))
    room = shipping.parts.central.waiting
    shipping.clock.advance(29 * MINUTE_MS)
    assert room.run() == 0
    shipping.clock.advance(MINUTE_MS)
    assert (room.run(), room.run()) == (1, 0)
    assert [one.location_id for one in shipping.fulfillments(order_id)] == ["S001"]
    document = shipping.order(order_id)
    assert [one["kind"] for one in document["timeline"]][:2] == ["held", "released"]
    assert document["lines"][0]["unsourced"] == 0
    assert "S001" in document["routing"][0]["sentence"]
    shipping.check_books()


def test_a_version_that_names_a_reason_twice_holds_an_order_once(shipping, monkeypatch):
    """It was published before anybody looked for that: its orders are taken and held."""
    twice = replace(FRAUD, value_from_minor=None, hold_for=(HoldKind.FRAUD, HoldKind.FRAUD))
    monkeypatch.setattr(RoutingRuleBook, "findings", lambda *_: [])
    publish(shipping, twice)
    order_id, parts = place(shipping)
    assert parts == []
    assert [one["kind"] for one in shipping.order(order_id)["holds"]] == ["fraud"]
    assert [one["kind"] for one in shipping.order(order_id)["timeline"]] == ["held"]


def test_what_is_on_its_way_is_asked_of_all_that_are_due_at_once(shipping, monkeypatch):
    """Thousands may be due in a minute; each is asked once more when it is released, locked."""
    publish(shipping, GRACE)
    due_ms = shipping.clock.now_ms() + 86_400_000
    shipping.parts.central.supply.expect(Receipt("R-1", "S001", "SKU-3", 9, due_ms))
    new = replace(parcel_order(("SKU-3", 32)), accept_later=True)
    later = shipping.parts.central.orders.place(new, RequestIdentity("t", "later", "b")).order_id
    ready = [place(shipping, (sku, 1))[0] for sku in ("SKU-1", "SKU-2", "SKU-4")]
    seen: list[set[str]] = []
    are_coming = Supply.are_coming

    def spied(supply: Supply, order_ids: Collection[str]) -> set[str]:
        seen.append(set(order_ids))
        return are_coming(supply, order_ids)

    monkeypatch.setattr(Supply, "are_coming", spied)
    shipping.clock.advance(30 * MINUTE_MS)
    assert shipping.parts.central.waiting.run() == 3
    assert seen[0] == {later, *ready}
    assert sorted(map(sorted, seen[1:])) == sorted([one] for one in (later, *ready))
    assert shipping.fulfillments(later) == []
    seen.clear()
    assert shipping.parts.central.waiting.run() == 0
    assert seen == []


def test_a_customer_cancels_within_the_grace(shipping):
    """It ends, no store ever had it, and nothing is released afterwards."""
    publish(shipping, GRACE)
    order_id, _ = place(shipping)
    document = shipping.parts.central.cancelling.cancel(order_id, reason="", actor="shop")
    assert document["status"] == "cancelled"
    shipping.clock.advance(60 * MINUTE_MS)
    assert shipping.parts.central.waiting.run() == 0
    assert shipping.fulfillments(order_id) == []


@pytest.mark.parametrize("kind", [HoldKind.GRACE, HoldKind.OFFER])
def test_a_person_gives_no_hold_that_rules_give(shipping, kind: HoldKind):
    """It would take away when the grace ends, or to whom it is offered."""
    publish(shipping, GRACE)
    order_id, _ = place(shipping)
    room = shipping.parts.central.waiting
    with pytest.raises(OrderChangeInvalid, match="manual"):
        room.hold(order_id, kind, text="", by="Kim")
    shipping.clock.advance(30 * MINUTE_MS)
    assert room.run() == 1


def test_a_customer_changes_within_the_grace(shipping):
    """Fewer units and another address; more units, nothing left, and later are refused."""
    publish(shipping, GRACE)
    order_id, _ = place(shipping, ("SKU-1", 3), ("SKU-2", 1))
    room = shipping.parts.central.waiting
    to = Destination(NOWHERE, "standard", 41.5, -81.7)
    document = room.change(order_id, Change({1: 1, 2: 0}, to), by="shop")
    assert [one["unsourced"] for one in document["lines"]] == [1, 0]
    assert document["status"] == "open"
    (hit,) = shipping.parts.central.reading.search(OrderFilter(status="open"), None, 9)[0]
    assert hit["id"] == order_id
    for quantities in ({1: 2}, {1: 0}, {9: 1}):
        with pytest.raises(OrderChangeInvalid):
            room.change(order_id, Change(quantities), by="shop")
    shipping.clock.advance(30 * MINUTE_MS)
    room.run()
    (part,) = shipping.fulfillments(order_id)
    assert (part.location_id, part.total("allocated")) == ("S003", 1)
    assert part.shipment is not None
    assert part.shipment.address.line1 == "1 No Street"
    with pytest.raises(NotHeld):
        room.change(order_id, Change({1: 1}), by="shop")


def test_a_hold_is_cleared_by_a_person_and_the_last_one_releases(shipping):
    """Fraud and address are looked at by two people; grace may be over long before."""
    publish(shipping, FRAUD, GRACE)
    cheap, dear = place(shipping, ("SKU-1", 1))[0], place(shipping, ("SKU-1", 6))[0]
    room = shipping.parts.central.waiting
    assert [(one["order_id"], one["kind"]) for one in room.page(None, 10)] == [
        (cheap, "grace"), (dear, "fraud"),
    ] or {one["order_id"] for one in room.page(None, 10)} == {cheap, dear}  # fmt: skip
    room.hold(dear, HoldKind.ADDRESS, text="No such street.", by="Kim")
    assert room.clear(dear, HoldKind.FRAUD, note="known customer", by="Lee")["status"] == "open"
    assert shipping.fulfillments(dear) == []
    done = room.clear(dear, HoldKind.ADDRESS, note="corrected", by="Lee")
    assert [one["location_id"] for one in done["fulfillments"]] == ["S001"]
    assert room.clear(dear, HoldKind.ADDRESS, note="corrected", by="Lee") == done
    with pytest.raises(NotHeld):
        room.hold(dear, HoldKind.MANUAL, text="", by="Kim")
    with pytest.raises(NotHeld):
        room.clear(cheap, HoldKind.FRAUD, note="", by="Kim")


def test_two_workers_release_an_order_once(workers):
    """Both run at the same moment; each order is given to one store once."""
    world = workers.first
    world.parts.intake.carriers(CARRIERS)
    publish(world, GRACE)
    orders = [place(world, ("SKU-1", 1))[0] for _ in range(4)]
    world.clock.advance(30 * MINUTE_MS)

    def run(number: int) -> int:
        return workers.at(number).parts.central.waiting.run()

    with ThreadPoolExecutor(4) as pool:
        released = sum(pool.map(run, range(4)))
    assert released == 4
    assert [len(world.fulfillments(one)) for one in orders] == [1, 1, 1, 1]
    world.check_books()


def test_a_kit_that_is_held_is_changed_as_a_whole(shipping):
    """Two of one and one of the other are a kit: one part less would be none."""
    shipping.parts.intake.products([Product("KIT", "Gift set")])
    shipping.parts.intake.prices([Price("EAST", "KIT", 2499, "USD")])
    shipping.parts.central.supply.set_bundle("KIT", {"SKU-1": 2, "SKU-2": 1})
    publish(shipping, GRACE)
    order_id, _ = place(shipping, ("KIT", 3), ("SKU-3", 1))
    first, second, other = (int(one["line"]) for one in shipping.order(order_id)["lines"])
    room = shipping.parts.central.waiting
    for quantities in ({first: 4}, {second: 2}, {first: 4, second: 1}, {first: 0},
                       {first: 5, second: 2}, {first: 1, second: 1}):  # fmt: skip
        with pytest.raises(OrderChangeInvalid, match="a kit KIT is 2 of line"):
            room.change(order_id, Change(quantities), by="shop")
    room.change(order_id, Change({other: 0}), by="shop")
    document = room.change(order_id, Change({first: 4, second: 2}), by="shop")
    assert [one["unsourced"] for one in document["lines"]] == [4, 2, 0]


def unfillable(world: World, units: int = 2) -> str:
    """Return an order of which no store has anything any more."""
    order_id, _ = place(world, ("SKU-1", units))
    for name in ("S001", "S002", "S003"):
        (current,) = [one for one in world.fulfillments(order_id) if one.total("open")]
        assert current.location_id == name
        device = world.device(name)
        device.do(op.FulfillmentRejected(current.id, ShortReason.DISPLAY_ONLY))
        device.push()
    return order_id


def test_what_nobody_can_send_is_listed_and_routed_again(shipping):
    """After the pauses the same stores may have it; the list and the exception end."""
    order_id = unfillable(shipping)
    desk = shipping.parts.central.unfillable
    (listed,) = desk.page(10)
    assert listed["lines"] == [
        {"line": 1, "sku": "SKU-1", "name": "Thing SKU-1", "unsourced": 2},
    ]  # fmt: skip
    assert "unsourced" in exceptions(shipping)
    with pytest.raises(InsufficientStock):
        desk.route_again(order_id, by="Kim")
    shipping.clock.advance(8 * 24 * 60 * MINUTE_MS)
    done = desk.route_again(order_id, by="Kim")
    assert done["lines"][0]["unsourced"] == 0
    assert desk.page(10) == []
    assert "unsourced" not in exceptions(shipping)
    with pytest.raises(NothingUnsourced):
        desk.route_again(order_id, by="Kim")
    shipping.check_books()


def test_another_product_is_sent_instead(shipping):
    """At the price of the line, as a line of its own; the old one is given up."""
    order_id = unfillable(shipping)
    done = shipping.parts.central.unfillable.substitute(order_id, 1, "SKU-2", by="Kim")
    old, new = done["lines"]
    assert (old["unsourced"], old["cancelled"]) == (0, 2)
    assert (new["sku"], new["ordered"], new["unsourced"]) == ("SKU-2", 2, 0)
    assert new["unit_price"]["amount_minor"] == 1000
    skus = [part["sku"] for one in done["fulfillments"] for part in one["lines"]]
    assert skus.count("SKU-2") == 1
    assert "unsourced" not in exceptions(shipping)
    kinds = [one["kind"] for one in shipping.order(order_id)["timeline"]]
    assert "substituted" in kinds


def test_a_part_is_cancelled_and_the_rest_goes_on(shipping):
    """Only the units that nobody has end; with nothing else left the order is cancelled."""
    order_id = unfillable(shipping)
    done = shipping.parts.central.unfillable.cancel(order_id, None, by="Kim")
    assert (done["status"], done["lines"][0]["cancelled"]) == ("cancelled", 2)
    assert shipping.parts.central.unfillable.page(10) == []


def test_it_waits_for_goods_that_are_on_their_way(shipping):
    """Back-ordered on a receipt, and released to whoever has it once the receipt is closed."""
    order_id = unfillable(shipping)
    desk, supply = shipping.parts.central.unfillable, shipping.parts.central.supply
    with pytest.raises(InsufficientStock):
        desk.back_order(order_id, by="Kim")
    due = shipping.clock.now_ms() + 8 * 24 * 60 * MINUTE_MS
    supply.expect(Receipt("PO-1", "S002", "SKU-1", 5, due))
    desk.back_order(order_id, by="Kim")
    assert desk.page(10) == []
    shipping.clock.advance(8 * 24 * 60 * MINUTE_MS)
    supply.close("PO-1")
    shipping.parts.backorders.run()
    document = shipping.order(order_id)
    assert document["lines"][0]["unsourced"] == 0
    shipping.check_books()


def test_a_pickup_that_no_store_accepts_goes_elsewhere(shipping):
    """By a rule for pickups: who accepted in time keeps the order, and parcels have no limit."""
    shipping.open_stores()
    publish(shipping, RoutingRule("quick", ROUTE, methods=("pickup",), accept_minutes=15))
    order_id = shipping.place(("SKU-1", 2), at="S001").order_id
    kept_id = shipping.place(("SKU-2", 2), at="S001").order_id
    parcel_id, _ = place(shipping)
    device = shipping.device("S001")
    device.do(op.FulfillmentAccepted(shipping.fulfillments(kept_id)[0].id))
    device.push()
    shipping.clock.advance(15 * MINUTE_MS + 1)
    assert shipping.parts.promises.run() == 1
    assert [one.location_id for one in shipping.fulfillments(order_id) if one.total("open")] == [
        "S002"
    ]
    assert [one.location_id for one in shipping.fulfillments(kept_id)] == ["S001"]
    assert [one.location_id for one in shipping.fulfillments(parcel_id)] == ["S001"]
    shipping.clock.advance(15 * MINUTE_MS + 1)
    assert shipping.parts.promises.run() == 1
    shipping.check_books()


def test_an_order_that_no_store_accepts_goes_elsewhere(shipping):
    """After its minutes it is taken from the store that left it, and given to the next."""
    shipping.open_stores()
    publish(shipping, RoutingRule("quick", ROUTE, accept_minutes=20))
    order_id, (order,) = place(shipping)
    accepted_id, (accepted,) = place(shipping)
    device = shipping.device("S001")
    device.do(op.FulfillmentAccepted(accepted.id))
    device.push()
    shipping.clock.advance(20 * MINUTE_MS + 1)
    assert shipping.parts.promises.run() == 1
    assert shipping.parts.promises.run() == 0
    parts = shipping.fulfillments(order_id)
    assert [one.location_id for one in parts if one.total("open")] == ["S002"]
    assert parts[0].total("short") == order.total("allocated")
    assert [one.location_id for one in shipping.fulfillments(accepted_id)] == ["S001"]
    shipping.clock.advance(20 * MINUTE_MS + 1)
    assert shipping.parts.promises.run() == 1
    assert [one.location_id for one in shipping.fulfillments(order_id) if one.total("open")] == [
        "S003"
    ]
    shipping.check_books()


def test_one_order_that_cannot_be_released_keeps_no_other(shipping, monkeypatch):
    """Whatever is wrong with it: the others are released, and that it is stuck is said."""
    publish(shipping, GRACE)
    orders = [place(shipping, ("SKU-1", 1))[0] for _ in range(3)]
    shipping.clock.advance(30 * MINUTE_MS)
    released = order_release.release_or_open

    def fails_once(unit, order, *arguments, **how):
        if order.id == orders[0]:
            raise ValueError("poison")
        return released(unit, order, *arguments, **how)

    monkeypatch.setattr(waiting_room, "release_or_open", fails_once)
    room = shipping.parts.central.waiting
    assert room.run() == 2
    assert [len(shipping.fulfillments(one)) for one in orders] == [0, 1, 1]
    with shipping.database.read() as view:
        (told,) = view.exceptions.list_open()
    assert (told.kind, told.order_id) == ("work_failed", orders[0])
    monkeypatch.undo()
    assert (room.run(), room.problem) == (1, "")
    with shipping.database.read() as view:
        assert view.exceptions.list_open() == ()
    shipping.check_books()
