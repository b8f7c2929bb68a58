"""Parcel orders at central: promised, divided, rejected with consequences, labeled, shipped."""

from dataclasses import replace

import pytest

from central_server.adapters.carriers import SimulatedCarriers
from central_server.records import ShippingRate
from central_server.services.carrier_file import BadCarriers, read_carriers
from central_server.services.errors import ShippingNotOffered
from central_server.services.idempotency import RequestIdentity
from central_server.services.shipping import point_of
from central_server.sourcing.shipping import cost_of
from sync.domain import operations as op
from sync.domain import ship_operations as so
from sync.domain.errors import InsufficientStock
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus, ShortReason
from sync.protocol.verdicts import VerdictStatus
from tests.support.central_world import Device, World
from tests.support.parcels import CARRIERS, HOME, NOWHERE, parcel_order, whole_parcel

HOUR_MS = 3_600_000


def place(world: World, *lines: tuple[str, int], **how) -> tuple[str, list[FulfillmentOrder]]:
    world.keys += 1
    identity = RequestIdentity("test", f"parcel-{world.keys}", "body")
    placed = world.parts.central.orders.place(parcel_order(*lines, **how), identity)
    return placed.order_id, world.fulfillments(placed.order_id)


def consequences(answer) -> str:
    return " ".join(one.text for verdict in answer.verdicts for one in verdict.consequences)


def carriers_of(world: World) -> SimulatedCarriers:
    found = world.parts.labels._carriers
    assert isinstance(found, SimulatedCarriers)
    return found


def exceptions(world: World) -> list[str]:
    with world.database.read() as view:
        from central_server.records import ExceptionFilter

        found, _ = view.exceptions.page(ExceptionFilter(), None, 100)
    return sorted(one.kind for one in found)


def test_a_parcel_order_goes_to_the_nearest_store_with_its_label_numbers(shipping: World):
    """The store gets the address, the carrier, the cut-off, and numbers for its labels."""
    order_id, (order,) = place(shipping)
    shipment = order.shipment
    assert shipment is not None
    assert (order.flow, order.location_id) == ("ship_from_store", "S001")
    assert (shipment.carrier, shipment.method) == ("swift", "standard")
    assert len(set(shipment.numbers)) == 4
    assert order.promised_by_ms > shipping.clock.now_ms()
    assert order.pickup_code_hash == ""
    document = shipping.order(order_id)
    assert document["location_id"] == ""
    assert document["fulfillments"][0]["shipment"]["to"][1] == "12 Elm Street"
    assert "by" in shipping.mails()[-1].text


def test_label_numbers_are_never_given_twice(shipping: World):
    """Each order has numbers of its own, out of the carrier's range."""
    numbers = [
        number
        for _ in range(3)
        for order in place(shipping)[1]
        if order.shipment
        for number in order.shipment.numbers
    ]
    assert len(set(numbers)) == 12


def test_one_order_is_divided_over_stores_where_no_store_has_it_all(shipping: World):
    """Fifteen pieces of a SKU of which each store has ten come from two stores."""
    _, parts = place(shipping, ("SKU-1", 15), ("SKU-2", 1))
    assert [part.location_id for part in parts] == ["S001", "S002"]
    assert [part.total("allocated") for part in parts] == [11, 5]
    shipping.check_books()


def test_what_nobody_can_promise_is_refused_and_nothing_is_kept(shipping: World):
    """More than three stores have: no part of it stays reserved."""
    with pytest.raises(InsufficientStock):
        place(shipping, ("SKU-1", 31))
    assert shipping.stock("S001") == (10, 0)


def test_a_method_that_no_carrier_has_is_refused_in_words(shipping: World):
    """The shop learns that nobody ships like that."""
    with pytest.raises(ShippingNotOffered, match="by_drone"):
        place(shipping, method="by_drone")


def test_the_whole_way_to_the_carrier(shipping: World):
    """Picked, packed, labeled, listed, gone: stock left the book, the customer has the number."""
    order_id, (order,) = place(shipping)
    device = shipping.device("S001")
    device.do(*whole_parcel(order))
    answer = device.push()
    assert {one.status for one in answer.verdicts} <= {VerdictStatus.ACCEPTED}
    (after,) = shipping.fulfillments(order_id)
    assert status_of(after) is FulfillmentStatus.SHIPPED
    assert shipping.stock("S001") == (8, 0)
    assert order.shipment is not None
    assert order.shipment.numbers[0] in shipping.mails()[-1].text
    assert shipping.order(order_id)["status"] == "fulfilled"
    shipping.parts.labels.run()
    assert carriers_of(shipping).announced == {order.shipment.numbers[0]: "swift"}
    shipping.check_books()


@pytest.mark.parametrize(
    ("reason", "on_hand", "counted"),
    [
        (ShortReason.NOT_FOUND, 8, True),
        (ShortReason.DAMAGED, 8, False),
        (ShortReason.DISPLAY_ONLY, 10, False),
        (ShortReason.STORE_BUSY, 10, False),
    ],
)
def test_each_reason_has_its_effect_on_stock_and_its_pause(
    shipping: World, reason: ShortReason, on_hand: int, counted: bool
):
    """The ledger, the count and the pause follow the reason; the order goes elsewhere."""
    order_id, (order,) = place(shipping)
    device = shipping.device("S001")
    device.do(op.FulfillmentRejected(order.id, reason))
    said = consequences(device.push())
    assert shipping.stock("S001") == (on_hand, 0)
    assert ("count_due" in exceptions(shipping)) is counted
    assert "S002 sends 2 pieces" in said
    assert "not asked for" in said
    assert [one.location_id for one in shipping.fulfillments(order_id)] == ["S001", "S002"]
    shipping.check_books()


def test_a_store_without_the_goods_is_asked_again_after_the_stated_time(shipping: World):
    """Not found: no order for these goods goes there for a day, then they do again."""
    _, (order,) = place(shipping)
    device = shipping.device("S001")
    device.do(op.LineShortPicked(order.id, 1, 1, ShortReason.NOT_FOUND))
    device.push()
    assert place(shipping)[1][0].location_id == "S002"
    assert place(shipping, ("SKU-2", 1))[1][0].location_id == "S001"
    shipping.clock.advance(25 * HOUR_MS)
    assert place(shipping)[1][0].location_id == "S001"


def test_a_busy_store_gets_other_orders_but_not_this_one(shipping: World):
    """Busy is about this order: the next customer's goes there."""
    order_id, (order,) = place(shipping)
    first, second = shipping.device("S001"), shipping.device("S002")
    first.do(op.FulfillmentRejected(order.id, ShortReason.STORE_BUSY))
    first.push()
    assert place(shipping)[1][0].location_id == "S001"
    moved = next(one for one in shipping.fulfillments(order_id) if one.location_id == "S002")
    second.do(op.FulfillmentRejected(moved.id, ShortReason.STORE_BUSY))
    second.push()
    assert [one.location_id for one in shipping.fulfillments(order_id)] == ["S001", "S002", "S003"]


def test_what_nobody_else_has_waits_for_a_person(shipping: World):
    """A part that nobody can send is left unsourced, and the customer is told."""
    order_id, parts = place(shipping, ("SKU-1", 30))
    device = shipping.device("S003")
    device.do(op.LineShortPicked(parts[2].id, 1, 2, ShortReason.DAMAGED))
    device.push()
    assert "unsourced" in exceptions(shipping)
    assert shipping.order(order_id)["lines"][0]["unsourced"] == 2
    assert "we cannot send a part of order" in shipping.mails()[-1].text


def packed(device: Device, order: FulfillmentOrder) -> None:
    lines = tuple(op.LineQuantity(one.line, one.allocated) for one in order.lines)
    device.do(*(op.LinePicked(order.id, one.line, one.allocated) for one in order.lines))
    device.do(so.BoxPacked(order.id, 1, 900, lines))


def test_a_label_that_was_asked_for_is_bought_once_and_comes_to_the_store(shipping: World):
    """The number stands on the box; doing the job again buys nothing."""
    order_id, (order,) = place(shipping, method="express")
    assert order.shipment is not None
    assert order.shipment.numbers == ()
    device = shipping.device("S001")
    packed(device, order)
    device.do(so.LabelRequested(order.id, 1, "harbor", "express"))
    device.push()
    carriers_of(shipping).is_away = True
    assert shipping.parts.labels.run() == 0
    carriers_of(shipping).is_away = False
    shipping.clock.advance(HOUR_MS)
    assert shipping.parts.labels.run() == 1
    assert shipping.parts.labels.run() == 0
    (after,) = shipping.fulfillments(order_id)
    assert after.shipment is not None
    assert status_of(after) is FulfillmentStatus.LABELED
    assert [box.tracking for box in after.shipment.boxes] == [
        *carriers_of(shipping).bought.values()
    ]


def test_a_carrier_that_refuses_tells_the_store_why(shipping: World):
    """The box says why it has no label, and somebody at the store has to do something."""
    order_id, (order,) = place(shipping, method="express", to=NOWHERE)
    device = shipping.device("S001")
    packed(device, order)
    device.do(so.LabelRequested(order.id, 1, "harbor", "express"))
    device.push()
    shipping.parts.labels.run()
    (after,) = shipping.fulfillments(order_id)
    assert after.shipment is not None
    assert "00012" in after.shipment.boxes[0].problem
    assert exceptions(shipping) == ["label_refused"]


def test_a_label_that_nobody_waits_for_any_more_is_void(shipping: World):
    """The store unpacked meanwhile: what was bought is not paid for."""
    _, (order,) = place(shipping, method="express")
    device = shipping.device("S001")
    packed(device, order)
    device.do(so.LabelRequested(order.id, 1, "harbor", "express"), so.BoxUnpacked(order.id, 1))
    device.push()
    shipping.parts.labels.run()
    shipping.parts.labels.run()
    carriers = carriers_of(shipping)
    assert carriers.void_numbers == set(carriers.bought.values())


@pytest.mark.parametrize("how", ["void", "unpack", "put_back"])
def test_a_void_label_is_told_to_its_carrier(shipping: World, how: str):
    """However a label ends, its number is not billed."""
    order_id, (order,) = place(shipping)
    assert order.shipment is not None
    device = shipping.device("S001")
    packed(device, order)
    number = order.shipment.numbers[0]
    device.do(so.LabelPrinted(order.id, 1, "swift", "standard", number))
    device.push()
    ends: dict[str, tuple[object, ...]] = {
        "void": (so.LabelVoided(order.id, 1),),
        "unpack": (so.BoxUnpacked(order.id, 1),),
        "put_back": (op.PutBack(order.id, 1, 2),),
    }
    if how == "put_back":
        shipping.parts.central.cancelling.cancel(order_id, reason="", actor="test")
    device.do(*ends[how])
    device.push(len(device.lines))
    shipping.parts.labels.run()
    assert carriers_of(shipping).void_numbers == {number}


def test_shipped_while_central_cancelled_counts_as_shipped(shipping: World):
    """The fact wins: the line is fulfilled, the refund must not go out."""
    order_id, (order,) = place(shipping)
    device = shipping.device("S001")
    device.do(*whole_parcel(order))
    shipping.parts.central.cancelling.cancel(order_id, reason="changed mind", actor="test")
    answer = device.push()
    assert answer.verdicts[-1].status is VerdictStatus.AMENDED
    assert shipping.order(order_id)["status"] == "fulfilled"
    assert "refund_to_void" in exceptions(shipping)
    assert shipping.stock("S001") == (8, 0)
    shipping.check_books()


def test_a_carrier_document_with_a_mistake_is_refused_in_words():
    """The operator learns what is wrong, and nothing is set."""
    with pytest.raises(BadCarriers, match="unknown carriers: gull"):
        read_carriers(
            '{"carriers": [], "pickups": {}, "rates": [{"carrier": "gull", "service": "x",'
            ' "weight_grams_max": 1, "amount_minor": 1, "currency": "USD", "days": 1}]}'
        )
    with pytest.raises(BadCarriers):
        read_carriers('{"carriers": 3}')


@pytest.mark.parametrize(
    ("was", "typed", "said"),
    [
        ('"16:30"', '"16:75"', "no time of day"),
        ('"16:30"', '"17:-5"', "no time of day"),
        ("2000", '"2000"', "weight_grams_max is a number from 1"),
        ("690", "-690", "amount_minor is a number from 0"),
        ("690", "6.9", "amount_minor is a number from 0"),
    ],
)
def test_a_number_with_a_slip_in_it_is_no_other_number(was: str, typed: str, said: str):
    """75 minutes past four are not a quarter past five, and nobody is paid for a parcel."""
    text = (
        '{"carriers": [{"id": "swift", "name": "Swift"}], "rates": [{"carrier": "swift",'
        ' "service": "standard", "weight_grams_max": 2000, "amount_minor": 690,'
        ' "currency": "USD", "days": 3}], "pickups": {"*": [{"carrier": "swift",'
        ' "services": ["standard"], "cutoffs": ["16:30", "", "", "", "", "", ""]}]}}'
    )
    assert read_carriers(text).pickups["*"][0].cutoffs[0] == 990
    with pytest.raises(BadCarriers, match=said):
        read_carriers(text.replace(was, typed))


def test_an_order_heavier_than_one_parcel_goes_in_several(world: World):
    """What is shown is what may be sent: five pieces at a rate for two kilos, at two parcels."""
    rates = (
        ShippingRate("swift", "standard", 1_000, 500, "USD", 3),
        ShippingRate("swift", "standard", 2_000, 900, "USD", 3),
    )
    world.parts.intake.carriers(replace(CARRIERS, rates=rates))
    _, orders = place(world, ("SKU-1", 5))
    assert [order.total("allocated") for order in orders] == [5]
    assert cost_of(rates, "swift", "standard", 2_500) == 900 + 500
    assert cost_of(rates, "swift", "standard", 4_000) == 2 * 900
    assert cost_of(rates, "swift", "express", 1) is None


def test_a_postal_code_is_one_of_its_country(shipping):
    """10115 is Berlin's, and 10118 is New York's: a parcel to Berlin is near the German store."""
    with shipping.database.read() as view:
        first, second, _ = view.locations.get_many(("S001", "S002", "S003")).values()
    york = replace(first, postal_code="10118", state="BE", country="US")
    berlin = replace(second, postal_code="80331", state="BY", country="DE",
                     latitude=48.1, longitude=11.6)  # fmt: skip
    shipping.parts.intake.locations([york, berlin])
    to = replace(HOME, city="Berlin", postal_code="10115", state="BE", country="DE")
    with shipping.database.read() as view:
        assert point_of(view, to) == (48.1, 11.6)
        assert point_of(view, replace(to, country="US")) == (york.latitude, york.longitude)
        assert point_of(view, replace(to, country=""))[0] == york.latitude
