"""Placing orders: one transaction, promised or refused, once however often it is sent."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from central_server.services.errors import (
    IdempotencyKeyReused,
    NotPriced,
    PickupNotOffered,
    PriceChanged,
    UnknownLocation,
    UnknownSkus,
)
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import NewLine
from sync.domain.errors import CurrencyMismatch, InsufficientStock
from sync.domain.ids import pickup_code_matches
from sync.protocol.rows import Entity


def test_order_is_promised_and_written_once(world):
    """Stock, ledger, feed, timeline, trace and mail agree about a placed order."""
    placed = world.place(("SKU-1", 2), ("SKU-2", 1))
    assert world.stock("S001") == (10, 2)
    (work,) = world.fulfillments(placed.order_id)
    assert (work.location_id, work.total("open")) == ("S001", 3)
    with world.database.read() as view:
        rows = view.feed.rows_after("store:S001", 0, 100)
    assert (Entity.FULFILLMENT.value, work.id) in {(row.entity, row.key) for row in rows}
    order = world.order(placed.order_id)
    assert order["status"] == "open"
    assert [entry["kind"] for entry in order["timeline"]] == ["placed"]
    assert order["routing"][0]["taken"] == "S001"
    world.check_books()


def test_pickup_code_is_only_in_the_message(world):
    """The store gets a hash; the clear code is in the customer's message and nowhere else."""
    placed = world.place()
    (mail,) = world.mails()
    code = mail.text.partition("pickup code: ")[2].split()[0]
    (work,) = world.fulfillments(placed.order_id)
    assert pickup_code_matches(work.id, code, work.pickup_code_hash)
    assert code not in placed.body
    assert code not in json.dumps(world.order(placed.order_id))


def test_promised_time_counts_opening_hours(world):
    """Two hours of the chosen store's working time."""
    placed = world.place()
    (work,) = world.fulfillments(placed.order_id)
    assert work.promised_by_ms >= world.clock.now_ms() + 2 * 3_600_000


def test_same_request_gets_the_same_answer(world):
    """A repetition after a lost answer places nothing and reserves nothing."""
    first = world.place(key="cart-1")
    again = world.place(key="cart-1")
    assert (again.body, again.order_id, again.is_replayed) == (first.body, first.order_id, True)
    assert world.stock("S001") == (10, 2)


def test_same_key_with_another_body_is_refused(world):
    """A key names one request: it never means another one."""
    world.place(key="cart-1")
    other = RequestIdentity("test", "cart-1", "another body")
    with pytest.raises(IdempotencyKeyReused):
        world.parts.central.orders.place(world.new_order(), other)


def test_refused_order_leaves_nothing_behind(world):
    """Nothing can promise: the caller hears what is missing, and the key is free again."""
    with pytest.raises(InsufficientStock) as refused:
        world.place(("SKU-1", 11), key="cart-1")
    assert refused.value.shortfall == {"SKU-1": 1}
    assert world.place(("SKU-1", 1), key="cart-1").status == 201
    world.check_books()


def test_other_store_takes_what_the_chosen_one_lacks(world):
    """The chosen store is out of it: the nearest that has all lines gets the order."""
    world.place(("SKU-1", 9))
    placed = world.place(("SKU-1", 2), ("SKU-2", 1))
    (work,) = world.fulfillments(placed.order_id)
    assert work.location_id == "S002"
    assert world.stock("S002") == (10, 2)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"location_id": "S999"}, UnknownLocation),
        ({"currency": "EUR"}, CurrencyMismatch),
        ({"lines": (NewLine("NOPE", 1),)}, UnknownSkus),
        ({"lines": (NewLine("SKU-1", 1, 999),)}, PriceChanged),
    ],
)
def test_what_is_wrong_is_said(world, change, error):
    """Each mistake in an order has its own refusal."""
    with pytest.raises(error):
        world.parts.central.orders.place(
            replace(world.new_order(), **change), RequestIdentity("test", "k", "b")
        )
    assert world.stock("S001") == (10, 0)


def test_unpriced_and_closed_are_refused(world):
    """A store without a price, or without pickups, takes no order."""
    with world.database.read() as view:
        location = view.locations.get("S003")
    world.parts.intake.locations([replace(location, price_zone="NOWHERE")])
    with pytest.raises(NotPriced):
        world.place(at="S003")
    world.parts.intake.locations([replace(location, pickup_enabled=False)])
    with pytest.raises(PickupNotOffered):
        world.place(at="S003")


def test_last_units_are_promised_once(world):
    """Two shoppers race for the last units: stock is never promised twice."""

    def buy(number: int) -> int:
        identity = RequestIdentity("test", f"race-{number}", "b")
        try:
            return world.parts.central.orders.place(
                world.new_order(("SKU-1", 3), email=""), identity
            ).status
        except InsufficientStock:
            return 409

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(buy, range(12)))
    # Ten units at each of three stores make three promises of three each.
    assert outcomes.count(201) == 9
    for name in ("S001", "S002", "S003"):
        assert world.stock(name) == (10, 9)
    world.check_books()


def test_one_request_sent_twice_at_once_is_one_order(world):
    """Concurrent repetitions get one answer."""
    with ThreadPoolExecutor(4) as pool:
        bodies = set(pool.map(lambda _: world.place(key="same").body, range(4)))
    assert len(bodies) == 1
    assert world.stock("S001") == (10, 2)
