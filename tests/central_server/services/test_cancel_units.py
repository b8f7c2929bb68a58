"""Cancelling units of an order that goes on: who gives them up, and who is told what."""

import json
from dataclasses import replace
from typing import Any

import pytest

from central_server.services.catalogue_intake import StockItem
from central_server.services.errors import (
    AlreadyHandedOver,
    IdempotencyKeyReused,
    NotFound,
    OrderChangeInvalid,
    ReservedInStore,
)
from central_server.services.idempotency import RequestIdentity
from central_server.sourcing.receipts import Receipt
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain.flows import status_of
from sync.domain.fulfillment import PickupProof, ProofKind, ShortReason
from sync.domain.inventory import StockReason
from sync.domain.orders import PaymentPlace
from tests.central_server.services.test_kits_in_parcels import stock_kit
from tests.central_server.services.test_parcels import exceptions, place
from tests.central_server.services.test_routing_rules import publish
from tests.central_server.services.test_why import placed
from tests.support.central_world import World
from tests.support.parcels import parcel_order

DAY_MS = 86_400_000
CODE = PickupProof(ProofKind.PICKUP_CODE, "Jo")


def cancel(world: World, order_id: str, units: dict[int, int], key: str = "") -> dict[str, Any]:
    """Cancel units as the shop does."""
    world.keys += 1
    identity = RequestIdentity("shop", key or f"cancel-{world.keys}", str(sorted(units.items())))
    done = world.parts.central.cancelling_units.cancel(
        order_id, units, identity, reason="", actor="web"
    )
    answer: dict[str, Any] = json.loads(done.body)
    return answer


def counts(answer: dict[str, Any]) -> list[tuple[int, int, int]]:
    """Return (ordered, cancelled, unsourced) by line."""
    return [(one["ordered"], one["cancelled"], one["unsourced"]) for one in answer["lines"]]


def test_units_that_are_not_picked_are_free_at_once(world: World):
    """The store has fewer to pick; the customer reads what is gone, and what still comes."""
    order_id = world.place(("SKU-1", 3), ("SKU-2", 1)).order_id
    answer = cancel(world, order_id, {1: 2})
    assert (answer["status"], counts(answer)) == ("open", [(3, 2, 0), (1, 0, 0)])
    (work,) = world.fulfillments(order_id)
    assert (work.total("to_pick"), work.total("cancelled")) == (2, 2)
    assert (world.stock("S001"), world.stock("S001", "SKU-2")) == ((10, 1), (10, 1))
    mail = world.mails()[-1]
    assert mail.subject.endswith("a part of it is cancelled")
    assert "  2 x Thing SKU-1\n\n20.00 USD for it are not charged, or given back." in mail.text
    assert mail.text.endswith("Still yours:\n\n  1 x Thing SKU-1\n  1 x Thing SKU-2\n")
    entry = world.order(order_id)["timeline"][-1]
    assert (entry["kind"], entry["by"]) == ("partly_cancelled", "web")
    assert entry["text"].startswith("Cancelled: 2 x Thing SKU-1. 20.00 USD are not charged")
    assert world.order(order_id) == world.order(order_id) | answer
    assert exceptions(world) == []
    world.check_books()


def test_units_in_hand_are_put_back_and_stay_tied_until_then(world: World):
    """What is still to be picked goes first; the rest is the store's work, which ends by itself."""
    order_id = world.place(("SKU-1", 4)).order_id
    (work,) = world.fulfillments(order_id)
    device = world.device("S001")
    device.do(op.LinePicked(work.id, 1, 3))
    device.push()
    cancel(world, order_id, {1: 2})
    assert world.stock("S001") == (10, 3)
    assert exceptions(world) == ["put_back_due"]
    with world.database.read() as view:
        (record,) = view.exceptions.of_order(order_id)
    assert "Some goods of order" in str(record.detail["text"])
    assert "1 to put back" in str(record.detail["text"])
    device.do(op.PutBack(work.id, 1, 1))
    assert device.push(2).verdicts == ()
    assert world.stock("S001") == (10, 2)
    assert exceptions(world) == []
    device.do(
        op.Staged(work.id, "A1"), op.MarkedReady(work.id, 0, 7 * DAY_MS),
        op.HandedOver(work.id, (op.LineQuantity(1, 2),), CODE),
    )  # fmt: skip
    assert device.push(3).verdicts == ()
    after = world.order(order_id)
    assert (after["status"], counts(after)) == ("fulfilled", [(4, 2, 0)])
    world.check_books()


def test_the_same_request_cancels_once(world: World):
    """Repeated, it gets the same answer; its key with other units is refused."""
    order_id = world.place(("SKU-1", 3)).order_id
    first = cancel(world, order_id, {1: 1}, "k")
    assert cancel(world, order_id, {1: 1}, "k") == first
    assert counts(world.order(order_id)) == [(3, 1, 0)]
    with pytest.raises(IdempotencyKeyReused):
        cancel(world, order_id, {1: 2}, "k")
    assert len([one for one in world.mails() if "a part of it" in one.subject]) == 1
    assert counts(cancel(world, order_id, {1: 1})) == [(3, 2, 0)]
    assert len([one for one in world.mails() if "a part of it" in one.subject]) == 2


def test_all_that_is_left_is_the_whole_order(world: World):
    """It ends as if it had been cancelled, and its customer is told that."""
    order_id = world.place(("SKU-1", 2), ("SKU-2", 1)).order_id
    cancel(world, order_id, {1: 2})
    assert cancel(world, order_id, {2: 1})["status"] == "cancelled"
    assert world.mails()[-1].subject.endswith("is cancelled")
    assert world.stock("S001") == (10, 0)


@pytest.mark.parametrize(
    ("units", "words"),
    [({}, "say which"), ({9: 1}, "no line 9"), ({1: 4}, "line 1 has 3 that are still to come")],
)
def test_what_there_is_not_is_not_cancelled(world: World, units: dict[int, int], words: str):
    """Refused with what there is, and nothing changes."""
    order_id = world.place(("SKU-1", 3)).order_id
    with pytest.raises(OrderChangeInvalid, match=words):
        cancel(world, order_id, units)
    assert world.stock("S001") == (10, 3)
    with pytest.raises(NotFound):
        cancel(world, "nope", {1: 1})


def test_what_the_customer_has_is_a_return(world: World):
    """Of three, two were fetched: one can be cancelled, not two."""
    order_id = world.place(("SKU-1", 3)).order_id
    (work,) = world.fulfillments(order_id)
    device = world.device("S001")
    device.do(
        op.LinePicked(work.id, 1, 3), op.Staged(work.id, "A1"),
        op.MarkedReady(work.id, 0, 7 * DAY_MS),
        op.HandedOver(work.id, (op.LineQuantity(1, 2),), CODE),
    )  # fmt: skip
    device.push()
    with pytest.raises(AlreadyHandedOver):
        cancel(world, order_id, {1: 2})
    assert cancel(world, order_id, {1: 1})["status"] == "fulfilled"


def test_units_that_nobody_carries_go_first(shipping: World):
    """No store hears of it; where nothing is left that nobody has, nobody has to look for it."""
    order_id, (part,) = place(shipping, ("SKU-1", 6))
    for other in ("S002", "S003"):
        shipping.place(("SKU-1", 10), at=other)
    device = shipping.device("S001")
    device.do(op.LineShortPicked(part.id, 1, 2, ShortReason.NOT_FOUND))
    device.push()
    assert "unsourced" in exceptions(shipping)
    answer = cancel(shipping, order_id, {1: 3})
    assert counts(answer) == [(6, 3, 0)]
    assert shipping.fulfillments(order_id)[0].total("cancelled") == 1
    assert "unsourced" not in exceptions(shipping)
    shipping.check_books()


def test_of_two_stores_the_one_that_has_not_picked_gives_them_up(shipping: World):
    """Goods in hand are not put back while others still lie on a shelf."""
    order_id, parts = place(shipping, ("SKU-1", 15))
    assert [one.total("allocated") for one in parts] == [10, 5]
    device = shipping.device("S001")
    device.do(op.LinePicked(parts[0].id, 1, 9))
    device.push()
    cancel(shipping, order_id, {1: 4})
    assert [one.total("cancelled") for one in shipping.fulfillments(order_id)] == [0, 4]
    cancel(shipping, order_id, {1: 2})
    first, second = shipping.fulfillments(order_id)
    assert (first.total("open"), first.total("to_put_back")) == (9, 0)
    assert status_of(second).value == "cancelled"
    assert exceptions(shipping) == []
    shipping.check_books()


def test_a_part_that_ends_gives_its_room_back(shipping: World):
    """The day of a store whose part is cancelled takes another order."""
    publish(shipping, RoutingRule("one", RoutingRuleKind.CAPACITY, orders=1))
    order_id, parts = place(shipping, ("SKU-1", 10), ("SKU-2", 1), ("SKU-1", 1))
    assert len(parts) == 2
    freed = next(one for one in parts if one.location_id == "S002")
    cancel(shipping, order_id, {one.line: one.allocated for one in freed.lines})
    _, (other,) = place(shipping, ("SKU-3", 1))
    assert other.location_id == "S002"


def test_kits_are_cancelled_whole_and_where_they_are(shipping: World):
    """Half a kit is refused; one of two leaves the store that has not picked it, whole."""
    stock_kit(shipping, S001=(2, 1), S002=(2, 1), S003=(0, 0))
    order_id, parts = place(shipping, ("KIT", 2))
    assert [one.location_id for one in parts] == ["S001", "S002"]
    device = shipping.device("S001")
    device.do(op.LinePicked(parts[0].id, 1, 1))
    device.push()
    with pytest.raises(OrderChangeInvalid, match="change them together"):
        cancel(shipping, order_id, {1: 2})
    answer = cancel(shipping, order_id, {1: 2, 2: 1})
    assert counts(answer) == [(4, 2, 0), (2, 1, 0)]
    assert [one.total("open") for one in shipping.fulfillments(order_id)] == [3, 0]
    shipping.check_books()


def test_a_kit_of_which_a_component_lies_elsewhere_is_cancelled_all_the_same(shipping: World):
    """One of its components was given up and moved: each is cancelled where it is."""
    stock_kit(shipping, S001=(4, 2), S002=(0, 2), S003=(0, 0))
    publish(shipping, RoutingRule("parts", RoutingRuleKind.ROUTE, splits_kits=True))
    order_id, (part,) = place(shipping, ("KIT", 2))
    device = shipping.device("S001")
    device.do(op.LineShortPicked(part.id, 2, 2, ShortReason.STORE_BUSY))
    device.push()
    assert [one.total("open") for one in shipping.fulfillments(order_id)] == [4, 2]
    cancel(shipping, order_id, {1: 2, 2: 1})
    assert [one.total("open") for one in shipping.fulfillments(order_id)] == [2, 1]
    shipping.check_books()


def test_what_is_paid_in_a_store_is_not_cancelled_in_part(shipping: World):
    """Its money is at the store: it is cancelled whole, or reserved anew."""
    new = replace(shipping.new_order(("SKU-1", 2)), payment=PaymentPlace.IN_STORE)
    with pytest.raises(ReservedInStore):
        cancel(shipping, placed(shipping, new), {1: 1})
    sent = replace(parcel_order(("SKU-1", 2)), payment=PaymentPlace.IN_STORE)
    with pytest.raises(ReservedInStore):
        cancel(shipping, placed(shipping, sent), {1: 1})


def test_what_waits_for_goods_on_their_way_is_not_cancelled_in_part(world: World):
    """Its receipts are claimed as a whole."""
    due = world.clock.now_ms() + DAY_MS
    world.parts.central.supply.expect(Receipt("R-7", "S001", "SKU-1", 50, due))
    order_id = placed(world, replace(world.new_order(("SKU-1", 40)), accept_later=True))
    with pytest.raises(OrderChangeInvalid, match="on their way"):
        cancel(world, order_id, {1: 1})


def test_units_that_stores_have_are_cancelled_while_others_wait(shipping: World):
    """What waits for goods on their way goes on waiting; only that is not cancelled in part."""
    order_id, parts = place(shipping, ("SKU-1", 13))
    first = next(one for one in parts if one.total("open") == 3)
    others = {"S001", "S002", "S003"} - {one.location_id for one in parts}
    items = [StockItem(name, "SKU-1", 0) for name in others]
    shipping.parts.intake.stock(items, "count", StockReason.IMPORT)
    device = shipping.device(first.location_id)
    device.do(op.FulfillmentRejected(first.id, ShortReason.NOT_FOUND))
    device.push()
    due = shipping.clock.now_ms() + DAY_MS
    shipping.parts.central.supply.expect(Receipt("R-8", "S003", "SKU-1", 50, due))
    shipping.parts.central.unfillable.back_order(order_id, by="Kim")
    assert counts(shipping.order(order_id)) == [(13, 0, 3)]
    assert counts(cancel(shipping, order_id, {1: 2})) == [(13, 2, 3)]
    assert sum(one.total("open") for one in shipping.fulfillments(order_id)) == 8
    with pytest.raises(OrderChangeInvalid, match="on their way"):
        cancel(shipping, order_id, {1: 9})


def test_an_order_that_is_held_loses_units_too(shipping: World):
    """Nobody has heard of it yet; the rest is released in its time."""
    publish(shipping, RoutingRule("grace", RoutingRuleKind.ROUTE, grace_minutes=20))
    order_id, _ = place(shipping, ("SKU-1", 3))
    assert counts(cancel(shipping, order_id, {1: 1})) == [(3, 1, 2)]
    shipping.clock.advance(20 * 60_000)
    shipping.parts.central.waiting.run()
    (part,) = shipping.fulfillments(order_id)
    assert part.total("allocated") == 2
