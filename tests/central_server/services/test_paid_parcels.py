"""Parcels that are paid where they leave, at central: who is asked, who is told, what waits."""

from dataclasses import replace

from central_server.services.catalogue_intake import StockItem
from central_server.services.idempotency import RequestIdentity
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain import reserve_operations as res
from sync.domain.fulfillment import FulfillmentOrder, RefusalReason, ShortReason
from sync.domain.orders import PaymentPlace
from sync.domain.tenders import TenderKind
from tests.central_server.services.test_parcels import exceptions
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import World
from tests.support.parcels import listed_parcel, parcel_order, sold_box

DAY_MS, MINUTE_MS = 86_400_000, 60_000


def place(world: World, units: int = 2) -> tuple[str, list[FulfillmentOrder]]:
    new = replace(parcel_order(("SKU-1", units)), payment=PaymentPlace.IN_STORE)
    world.keys += 1
    placed = world.parts.central.orders.place(new, RequestIdentity("t", f"p{world.keys}", "b"))
    return placed.order_id, world.fulfillments(placed.order_id)


def test_every_store_that_sends_a_part_asks_for_its_part(shipping):
    """Twelve from two stores: one letter of each, with its own amount; the sum is the order's."""
    order_id, parts = place(shipping, 12)
    due = [one["payment"]["due_minor"] for one in shipping.order(order_id)["fulfillments"]]
    assert sorted(due) == [2_000, 10_000]
    assert all(one.expires_at_ms and one.reserve for one in parts)
    said = sorted(one.text for one in shipping.mails())
    assert sorted("100.00 USD" in text for text in said) == [False, True]
    assert sorted(" 20.00 USD" in text for text in said) == [False, True]


def test_it_is_still_to_be_paid_after_it_waited(shipping):
    """Held before release, it is due at the store that gets it then."""
    publish(shipping, RoutingRule("grace", RoutingRuleKind.ROUTE, grace_minutes=30))
    order_id, parts = place(shipping)
    assert parts == []
    shipping.clock.advance(30 * MINUTE_MS)
    assert shipping.parts.central.waiting.run() == 1
    (part,) = shipping.fulfillments(order_id)
    assert part.reserve is not None
    assert shipping.mails()[-1].subject.endswith("to be paid")


def test_who_takes_no_money_is_left_out_and_that_is_said(shipping):
    """A center nearby has it all; the store farther away gets it. A dry run says the same."""
    with shipping.database.read() as view:
        near = view.locations.get_many(["S001"])["S001"]
    shipping.parts.intake.locations([replace(near, kind="dc")])
    new = replace(parcel_order(("SKU-1", 2)), payment=PaymentPlace.IN_STORE)
    dry = shipping.parts.central.routing.dry_run(new)
    assert dry["taken"] == "S002"
    found = {one["location_id"]: one["finding"] for one in dry["candidates"]}
    assert found["S001"] == "excluded"
    assert shipping.parts.central.routing.dry_run(parcel_order(("SKU-1", 2)))["taken"] == "S001"
    order_id, (part,) = place(shipping)
    assert part.location_id == "S002"
    assert shipping.parts.central.routing.why(order_id)["decisions"][0]["taken"] == "S002"


def test_not_wanted_it_gives_its_place_in_the_day_back(shipping):
    """The store's one place of today is free for another order."""
    day = RoutingRule("day", RoutingRuleKind.CAPACITY, locations=("S001",), orders=1)
    publish(shipping, day)
    _, (part,) = place(shipping)
    assert [one.location_id for one in place(shipping)[1]] == ["S002"]
    store = shipping.device("S001")
    store.do(res.ReservationReleased(part.id, RefusalReason.CHANGED_MIND))
    store.push()
    assert [one.location_id for one in place(shipping)[1]] == ["S001"]
    shipping.check_books()


def test_a_paid_order_does_not_end_in_time(shipping):
    """While money is here nothing expires, however late the box is."""
    order_id, (part,) = place(shipping)
    store = shipping.device("S001")
    for one in (*listed_parcel(part), res.TenderTaken(part.id, 1, TenderKind.CASH, 2_000)):
        store.do(one)
    store.push()
    shipping.clock.advance(9 * DAY_MS)
    assert shipping.parts.holds.run() == 0
    store.do(sold_box(part))
    store.push()
    assert shipping.order(order_id)["status"] == "fulfilled"
    assert "is on its way" in shipping.mails()[-1].subject


def test_what_nobody_has_any_more_may_be_routed_again_and_is_due_there(shipping):
    """Given up everywhere it waits for a person; with stock again it goes on, unpaid as it was."""
    order_id, (part,) = place(shipping)
    items = [StockItem(name, "SKU-1", 0) for name in ("S002", "S003")]
    shipping.parts.intake.stock(items, "count")
    store = shipping.device("S001")
    store.do(op.FulfillmentRejected(part.id, ShortReason.NOT_FOUND))
    store.push()
    assert "unsourced" in exceptions(shipping)
    shipping.parts.intake.stock([StockItem("S003", "SKU-1", 5)], "delivery")
    shipping.parts.central.unfillable.route_again(order_id, by="Kim")
    moved = [one for one in shipping.fulfillments(order_id) if one.total("open")]
    assert [(one.location_id, one.reserve is not None) for one in moved] == [("S003", True)]


def test_late_money_of_a_cancelled_order_is_owed(shipping):
    """The store was paid while central cancelled: it hears so, and somebody has to give it back."""
    order_id, (part,) = place(shipping)
    store = shipping.device("S001")
    store.do(op.LinePicked(part.id, 1, 2))
    store.do(res.TenderTaken(part.id, 1, TenderKind.CASH, 2_000))
    shipping.parts.central.cancelling.cancel(order_id, reason="", actor="shop")
    answer = store.push()
    assert any("give the money back" in text for text in _texts(answer))
    assert "money_owed" in exceptions(shipping)
    store.do(res.TenderReturned(part.id, 1))
    store.push()
    assert "money_owed" not in exceptions(shipping)


def _texts(answer) -> list[str]:
    return [one.text for result in answer.verdicts for one in result.consequences]
