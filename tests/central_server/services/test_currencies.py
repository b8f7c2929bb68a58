"""Amounts of different currencies are never compared or added: it is refused, in words."""

from dataclasses import replace
from typing import Any

import pytest

from central_server.records import ExceptionFilter, Price
from central_server.services.carrier_file import BadCarriers, CarrierFile
from central_server.services.idempotency import RequestIdentity
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain import operations as op
from sync.domain.errors import CurrencyMismatch
from sync.domain.fulfillment import ShortReason
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import PLACES, SKUS, World
from tests.support.parcels import CARRIERS, parcel_order

ROUTE = RoutingRuleKind.ROUTE
HOUR_MS = 3_600_000
WORDS = "the order is in USD, what carriers take in EUR"


def rates_in(currency: str) -> CarrierFile:
    """Return the same carriers with rates in a currency."""
    rates = tuple(replace(one, currency=currency) for one in CARRIERS.rates)
    return replace(CARRIERS, rates=rates)


def price_in(world: World, currency: str, zone: str = "EAST") -> None:
    world.parts.intake.prices([Price(zone, sku, 1000, currency) for sku in SKUS])


def test_rates_of_one_file_have_one_currency():
    """The cheapest of them is chosen by the figure alone."""
    mixed = (CARRIERS.rates[0], replace(CARRIERS.rates[1], currency="EUR"))
    with pytest.raises(BadCarriers, match="rates in EUR and USD"):
        replace(CARRIERS, rates=mixed)
    with pytest.raises(BadCarriers, match="'usd' is no currency"):
        rates_in("usd")


def test_a_network_moves_to_another_currency_with_its_next_file(shipping):
    """No rate of the former one is kept, also where the file has fewer."""
    half = replace(rates_in("EUR"), rates=rates_in("EUR").rates[:1])
    shipping.parts.intake.carriers(half)
    with shipping.database.read() as view:
        assert view.shipping.rates() == half.rates


def test_an_order_in_another_currency_than_the_rates_is_refused(shipping):
    """When it is placed and when it is tried; nothing is kept of it."""
    shipping.parts.intake.carriers(rates_in("EUR"))
    with pytest.raises(CurrencyMismatch, match=WORDS):
        place(shipping)
    with pytest.raises(CurrencyMismatch, match=WORDS):
        shipping.parts.central.routing.dry_run(parcel_order())
    assert shipping.stock("S001") == (10, 0)
    price_in(shipping, "EUR")
    found = shipping.parts.central.routing.dry_run(replace(parcel_order(), currency="EUR"))
    assert found["taken"] == "S001"


def test_rates_of_several_currencies_that_are_kept_already_send_nothing(shipping):
    """They were taken before such files were refused; the words name both."""
    euro = [replace(CARRIERS.rates[0], currency="EUR"), *CARRIERS.rates[1:]]
    shipping.database.write(lambda unit: unit.shipping.save((), euro))
    with pytest.raises(CurrencyMismatch, match="in USD, what carriers take in EUR and USD"):
        place(shipping)


def test_what_a_store_gives_up_goes_to_a_person_where_the_currency_has_changed(shipping):
    """The store's push is taken; nobody is chosen by amounts of two currencies."""
    order_id, (work,) = place(shipping)
    shipping.parts.intake.carriers(rates_in("EUR"))
    device = shipping.device("S001")
    device.do(op.FulfillmentRejected(work.id, ShortReason.DAMAGED))
    device.push()
    assert [one.location_id for one in shipping.fulfillments(order_id)] == ["S001"]
    found, _ = shipping.parts.central.exceptions.page(ExceptionFilter(), None, 9)
    assert [one["kind"] for one in found] == ["unsourced"]
    assert WORDS in shipping.parts.central.routing.why(order_id)["sentence"]


def test_orders_that_wait_are_not_decided_together_across_currencies(shipping):
    """Both go to a person when their grace is over."""
    publish(shipping, RoutingRule("grace", ROUTE, grace_minutes=30))
    orders = [place(shipping, ("SKU-1", 1))[0] for _ in range(2)]
    shipping.parts.intake.carriers(rates_in("EUR"))
    shipping.clock.advance(HOUR_MS)
    assert shipping.parts.central.waiting.run() == 2
    for order_id in orders:
        assert shipping.fulfillments(order_id) == []
        assert WORDS in shipping.parts.central.routing.why(order_id)["sentence"]


def test_a_shelf_that_is_priced_in_another_currency_sends_nothing_where_its_worth_counts(shipping):
    """What its units earn cannot be set against freight; without worth only freight counts."""
    near = PLACES[0][0]
    with shipping.database.read() as view:
        store = view.locations.get_many([near])[near]
    shipping.parts.intake.locations([replace(store, price_zone="NORTH")])
    price_in(shipping, "CAD", "NORTH")
    order = parcel_order(("SKU-1", 1))
    assert order.ship_to is not None
    order = replace(order, ship_to=replace(order.ship_to, latitude=39.76, longitude=-84.0))
    desk = shipping.parts.central.routing
    publish(shipping, RoutingRule("r", ROUTE, except_locations=("S002",)))
    assert desk.dry_run(order)["taken"] == near
    worth: dict[str, Any] = {"horizon_days": 7.0, "walk_in_margin_percent": 40.0}
    publish(shipping, RoutingRule("r", ROUTE, except_locations=("S002",), **worth))
    found = desk.dry_run(order)
    assert found["taken"] == "S003"
    assert {"location_id": near, "finding": "excluded"}.items() <= found["candidates"][1].items()


def test_a_simulation_leaves_orders_of_other_currencies_out(shipping):
    """They are counted, and none of their cost is in the sums."""
    place(shipping, ("SKU-1", 1))
    shipping.clock.advance(1)
    shipping.parts.intake.carriers(rates_in("EUR"))
    price_in(shipping, "EUR")
    euro = replace(parcel_order(("SKU-1", 1)), currency="EUR")
    identity = RequestIdentity("t", "euro", "b")
    shipping.parts.central.orders.place(euro, identity)
    now = shipping.clock.now_ms()
    found = shipping.parts.central.simulation.run(None, from_ms=0, until_ms=now + 1)
    assert (found["orders"], found["orders_left_out"]) == (1, 1)
    assert found["happened"]["cost_minor"] == found["simulated"]["cost_minor"] == 690
