"""Labels that central buys, where the box has become another one meanwhile."""

from random import Random

from central_server.jobs.labels import LEASE_MS, LabelDesk
from central_server.ports import CarrierRefused, Parcel
from sync.domain import operations as op
from sync.domain import ship_operations as so
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.shipping import Box
from tests.central_server.services.test_parcels import carriers_of, exceptions, packed, place
from tests.support.central_world import World

HOUR_MS = 3_600_000


def repacked(world: World) -> str:
    """Ask for a label of 900 grams; pack the box anew at 2,000 before the carrier answers."""
    order_id, (order,) = place(world, method="express")
    device = world.device("S001")
    packed(device, order)
    device.do(
        so.LabelRequested(order.id, 1, "harbor", "express"),
        so.BoxUnpacked(order.id, 1),
        so.BoxPacked(order.id, 1, 2_000, _all(order)),
        so.LabelRequested(order.id, 1, "harbor", "express"),
    )
    device.push()
    return order_id


def _all(order: FulfillmentOrder) -> tuple[op.LineQuantity, ...]:
    return tuple(op.LineQuantity(one.line, one.allocated) for one in order.lines)


def the_box(world: World, order_id: str) -> Box:
    (order,) = world.fulfillments(order_id)
    assert order.shipment is not None
    (box,) = order.shipment.boxes
    return box


def test_a_label_is_for_the_box_that_it_was_bought_for(shipping: World):
    """The number on the box is the one that its own weight was told for; the other is void."""
    order_id = repacked(shipping)
    weights: dict[str, int] = {}
    carriers = carriers_of(shipping)
    buy = carriers.buy

    def weighed(parcel: Parcel) -> str:
        number = buy(parcel)
        weights[number] = parcel.weight_grams
        return number

    carriers.buy = weighed  # type: ignore[method-assign]
    for _ in range(3):
        shipping.parts.labels.run()
    assert weights[the_box(shipping, order_id).tracking] == 2_000
    assert {weights[number] for number in carriers.void_numbers} == {900}


def test_a_refusal_of_an_earlier_request_does_not_end_the_later_one(shipping: World):
    """The carrier said no to what the box was; what it is gets its label."""
    order_id = repacked(shipping)
    carriers = carriers_of(shipping)
    buy = carriers.buy

    def heavy_only(parcel: Parcel) -> str:
        if parcel.weight_grams < 1_000:
            raise CarrierRefused("too light for this service")
        return buy(parcel)

    carriers.buy = heavy_only  # type: ignore[method-assign]
    for _ in range(3):
        shipping.parts.labels.run()
    box = the_box(shipping, order_id)
    assert (bool(box.tracking), box.problem) == (True, "")
    assert carriers.void_numbers == set()


def test_a_number_that_its_carrier_refuses_is_somebodys_business(shipping: World):
    """It is on a box already: the store hears of it, and nobody waits at the door in vain."""
    order_id, (order,) = place(shipping)
    assert order.shipment is not None
    device = shipping.device("S001")
    packed(device, order)
    device.do(so.LabelPrinted(order.id, 1, "swift", "standard", order.shipment.numbers[0]))
    device.push()

    def refused(parcel: Parcel) -> None:
        raise CarrierRefused(f"no such number {parcel.number}")

    carriers_of(shipping).announce = refused  # type: ignore[method-assign]
    shipping.parts.labels.run()
    assert exceptions(shipping) == ["label_refused"]
    assert "label_refused" in [one["kind"] for one in shipping.order(order_id)["timeline"]]
    assert the_box(shipping, order_id).tracking == order.shipment.numbers[0]


def test_a_customer_hears_of_the_box_that_left_though_the_other_stays(shipping: World):
    """Both were on one manifest; the second was unpacked at the door: the first is told of then."""
    _, (order,) = place(shipping)
    assert order.shipment is not None
    key, numbers = order.id, order.shipment.numbers
    device = shipping.device("S001")
    device.do(*(op.LinePicked(key, one.line, one.allocated) for one in order.lines))
    for box in (1, 2):
        device.do(
            so.BoxPacked(key, box, 900, (op.LineQuantity(1, 1),)),
            so.LabelPrinted(key, box, "swift", "standard", numbers[box - 1]),
            so.Manifested(key, box, "swift-1"),
        )
    device.do(so.HandedToCarrier(key, 1))
    device.push()
    assert [mail.subject for mail in shipping.mails() if "on its way" in mail.subject] == []
    device.do(so.BoxUnpacked(key, 2))
    device.push(len(device.lines))
    (mail,) = [mail for mail in shipping.mails() if "on its way" in mail.subject]
    assert numbers[0] in mail.text
    assert "The rest follows" in mail.text


def test_a_clock_that_is_set_back_keeps_no_label_waiting(shipping: World):
    """Asked for before central's clock went back a day: bought now, not when the day has passed."""
    order_id, (order,) = place(shipping, method="express")
    device = shipping.device("S001")
    packed(device, order)
    device.do(so.LabelRequested(order.id, 1, "harbor", "express"))
    device.push()
    shipping.clock.advance(-24 * HOUR_MS)
    assert shipping.parts.labels.run() == 1
    assert the_box(shipping, order_id).tracking


def test_a_label_that_the_program_stumbles_over_holds_up_no_other(shipping: World):
    """The others are bought; that it was not is somebody's, until it went after all."""
    order_id = repacked(shipping)
    carriers = carriers_of(shipping)
    buy = carriers.buy

    def stumbles(parcel: Parcel) -> str:
        if parcel.weight_grams == 900:
            raise KeyError("country")
        return buy(parcel)

    carriers.buy = stumbles  # type: ignore[method-assign]
    for _ in range(3):
        shipping.parts.labels.run()
    assert the_box(shipping, order_id).tracking
    assert exceptions(shipping) == ["work_failed"]
    carriers.buy = buy  # type: ignore[method-assign]
    shipping.clock.advance(2 * 60_000)
    shipping.parts.labels.run()
    assert exceptions(shipping) == []


def second_desk(world: World) -> LabelDesk:
    """Return the label desk of another process, with the same carriers."""
    parts = world.parts
    return LabelDesk(
        world.database, carriers_of(world), clock=world.clock, random=Random(2),
        pokes=parts.labels._pokes,
    )  # fmt: skip


def asked(world: World) -> str:
    """Ask for one label of a box and return its order."""
    order_id, (order,) = place(world, method="express")
    device = world.device("S001")
    packed(device, order)
    device.do(so.LabelRequested(order.id, 1, "harbor", "express"))
    device.push()
    return order_id


def test_a_label_that_two_processes_ask_for_stays_on_its_box(shipping: World):
    """The carrier took longer than the claim: both hear the same number, and nobody voids it."""
    order_id = asked(shipping)
    other, carriers = second_desk(shipping), carriers_of(shipping)
    buy = carriers.buy

    def slowly(parcel: Parcel) -> str:
        carriers.buy = buy  # type: ignore[method-assign]
        number = buy(parcel)
        shipping.clock.advance(LEASE_MS + 1_000)
        assert other.run() == 1
        return number

    carriers.buy = slowly  # type: ignore[method-assign]
    for _ in range(2):
        shipping.parts.labels.run()
    assert the_box(shipping, order_id).tracking == carriers.bought.popitem()[1]
    assert carriers.void_numbers == set()
    events = [one["kind"] for one in shipping.order(order_id)["timeline"]]
    assert events.count("label_bought") == 1


def test_a_label_that_came_after_a_refusal_is_void(shipping: World):
    """The second of two processes was told no: the number that the first hears is on no box."""
    order_id = asked(shipping)
    other, carriers = second_desk(shipping), carriers_of(shipping)
    buy = carriers.buy

    def refuses(parcel: Parcel) -> str:
        raise CarrierRefused("not today")

    def slowly(parcel: Parcel) -> str:
        carriers.buy = refuses  # type: ignore[method-assign]
        shipping.clock.advance(LEASE_MS + 1_000)
        assert other.run() == 1
        return buy(parcel)

    carriers.buy = slowly  # type: ignore[method-assign]
    for _ in range(2):
        shipping.parts.labels.run()
    box = the_box(shipping, order_id)
    assert (box.tracking, box.problem) == ("", "not today")
    assert carriers.void_numbers == set(carriers.bought.values())


def test_a_number_that_two_processes_announce_is_somebodys_business_once(shipping: World):
    """The first was told that it is used; what the carrier says to the second is no news."""
    _, (order,) = place(shipping)
    assert order.shipment is not None
    device = shipping.device("S001")
    packed(device, order)
    device.do(so.LabelPrinted(order.id, 1, "swift", "standard", order.shipment.numbers[0]))
    device.push()
    other, carriers = second_desk(shipping), carriers_of(shipping)
    announce = carriers.announce

    def slowly(parcel: Parcel) -> None:
        carriers.announce = announce  # type: ignore[method-assign]
        shipping.clock.advance(LEASE_MS + 1_000)
        assert other.run() == 1
        raise CarrierRefused(f"{parcel.number} is used")

    carriers.announce = slowly  # type: ignore[method-assign]
    shipping.parts.labels.run()
    assert exceptions(shipping) == []
