"""Cancelling: open units are given up, goods in hand become work, facts are left alone."""

import pytest

from central_server.services.errors import AlreadyHandedOver, NotFound
from sync.domain import operations as op
from sync.domain.flows import status_of
from sync.domain.fulfillment import ShortReason
from tests.support.central_world import whole_pickup


def cancel(world, order_id):
    return world.parts.central.cancelling.cancel(order_id, reason="changed my mind", actor="web")


def test_cancel_frees_the_stock(world):
    """What nobody picked yet may be promised again at once."""
    placed = world.place(("SKU-1", 4))
    assert cancel(world, placed.order_id)["status"] == "cancelled"
    assert world.stock("S001") == (10, 0)
    (work,) = world.fulfillments(placed.order_id)
    assert status_of(work).value == "cancelled"
    assert [mail.subject for mail in world.mails()][-1].endswith("is cancelled")
    world.check_books()


def test_cancel_twice_is_the_same_answer(world):
    """A repetition changes nothing and says the same."""
    placed = world.place()
    first = cancel(world, placed.order_id)
    with world.database.read() as view:
        rev = view.feed.scope("store:S001").rev
    assert cancel(world, placed.order_id) == first
    with world.database.read() as view:
        assert view.feed.scope("store:S001").rev == rev


def test_goods_in_hand_stay_tied_until_they_are_put_back(world):
    """Picked units are not on the shelf, so they may not be promised yet."""
    placed = world.place(("SKU-1", 4))
    (work,) = world.fulfillments(placed.order_id)
    store = world.device("S001")
    store.do(op.LinePicked(work.id, 1, 3))
    store.push()
    cancel(world, placed.order_id)
    assert world.stock("S001") == (10, 3)
    store.do(op.PutBack(work.id, 1, 3))
    assert store.push().verdicts == ()
    assert world.stock("S001") == (10, 0)
    world.check_books()


def test_handed_over_order_cannot_be_cancelled(world):
    """The customer has the goods: that is a return."""
    placed = world.place()
    store = world.device("S001")
    store.do(*whole_pickup(world.fulfillments(placed.order_id)[0]))
    store.push()
    with pytest.raises(AlreadyHandedOver):
        cancel(world, placed.order_id)


def test_unsourced_units_are_dropped(world):
    """Units that no store has are given up with the rest."""
    placed = world.place(("SKU-1", 10))
    for other in ("S002", "S003"):
        world.place(("SKU-1", 10), at=other)
    (work,) = world.fulfillments(placed.order_id)
    store = world.device("S001")
    store.do(op.FulfillmentRejected(work.id, ShortReason.STORE_BUSY))
    store.push()
    assert world.order(placed.order_id)["status"] == "unfillable"
    answer = cancel(world, placed.order_id)
    assert (answer["status"], answer["lines"][0]["cancelled"]) == ("cancelled", 10)


def test_unknown_order_is_not_found(world):
    """There is nothing to cancel."""
    with pytest.raises(NotFound):
        cancel(world, "nope")
