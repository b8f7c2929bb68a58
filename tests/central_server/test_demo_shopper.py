"""The demo's shopper: orders of every kind, as the public API takes them."""

from random import Random

import httpx

from central_server.api.order_bodies import OrderBody
from central_server.demo.run import STORES
from central_server.demo.shopper import WAYS, Shopper, Way
from sync.domain.orders import PaymentPlace


def test_a_newcomer_finds_work_of_every_flow() -> None:
    """Pickups, parcels, a reservation and a curbside order, all of them valid and at the store."""
    bodies: list[OrderBody] = []

    def central(request: httpx.Request) -> httpx.Response:
        bodies.append(OrderBody.model_validate_json(request.content))
        made = {"id": "O1", "number": "K7Q2-0001", "fulfillments": [{"location_id": STORES[0]}]}
        return httpx.Response(201, json=made)

    transport = httpx.MockTransport(central)
    with httpx.Client(base_url="http://central.invalid", transport=transport) as client:
        shopper = Shopper(client, Random(1))
        assert all(shopper.buy(STORES[0], way) for way in WAYS)
    orders = dict(zip(WAYS, bodies, strict=True))
    assert set(orders) == set(Way)
    parcel = orders[Way.PARCEL].ship_to
    assert parcel is not None
    assert (parcel.city, orders[Way.PARCEL].location_id) == ("Columbus", "")
    assert orders[Way.RESERVE].payment is PaymentPlace.IN_STORE
    assert orders[Way.CURBSIDE].curbside
    paid_there = orders[Way.PARCEL_PAID_THERE]
    assert paid_there.ship_to is not None
    assert (paid_there.payment, paid_there.location_id) == (PaymentPlace.IN_STORE, "")
    fetched = [way for way, order in orders.items() if order.ship_to is None]
    assert {orders[way].location_id for way in fetched} == {STORES[0]}
