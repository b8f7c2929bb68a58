"""Parcels that are paid in the store that sends them: what is due, what leaves, how they end."""

from dataclasses import replace

import pytest

from sync.domain import operations as op
from sync.domain import reserve_operations as res
from sync.domain import ship_operations as so
from sync.domain.errors import IllegalTransition, OperationRefused, QuantityRefused
from sync.domain.flows import ship
from sync.domain.fulfillment import (
    FulfillmentOrder,
    FulfillmentStatus,
    RefusalReason,
    ShortReason,
    cancel_open,
)
from sync.domain.money_ledger import balances, order_postings
from sync.domain.operations import LineQuantity
from sync.domain.paying import balance_of, due_of, reservation_of
from sync.domain.tenders import TenderKind, TenderRefused
from sync.domain.transitions import advance, decide
from tests.support.builders import NOON_MS, an_order, paid_here

S = FulfillmentStatus
KEY = "F00001"
CASH = TenderKind.CASH


def do(order: FulfillmentOrder, *operations: object) -> FulfillmentOrder:
    for one in operations:
        order = decide(ship.FLOW, order, one, NOON_MS).after  # type: ignore[arg-type]
    return order


def boxed(*quantities: int) -> FulfillmentOrder:
    """Return an order with a listed box for each line; 10.00 a unit."""
    order = paid_here(an_order(1, *quantities, flow=ship.NAME))
    for line in order.lines:
        units = line.allocated
        order = do(
            order,
            op.LinePicked(KEY, line.line, units),
            so.BoxPacked(KEY, line.line, 500, (LineQuantity(line.line, units),)),
            so.LabelPrinted(KEY, line.line, "swift", "standard", f"SW{line.line}"),
            so.Manifested(KEY, line.line, "swift-1"),
        )
    return order


def sale(box: int, units: int) -> res.ReservationConverted:
    return res.ReservationConverted(KEY, (LineQuantity(box, units),), units * 1000, box)


def test_giving_back_what_central_has_not_is_no_fact_that_it_refuses():
    """It had taken the unit away that the store did not find: new to it, begun at the store."""
    order = paid_here(an_order(1, 1, 1, flow=ship.NAME))
    missing = op.LineShortPicked(KEY, 1, 1, ShortReason.NOT_FOUND)
    returned = res.TenderReturned(KEY, 1, declined=True)
    at_store = do(order, missing, returned)
    assert ship.status_of(at_store) is S.ACCEPTED
    lost = replace(missing, reason=ShortReason.SOLD_ON_FLOOR)
    central = advance(ship.FLOW, order, lost, NOON_MS).after
    for fact in (missing, returned):
        central = advance(ship.FLOW, central, fact, NOON_MS).after
    assert reservation_of(central).tenders == ()


def test_an_unpaid_box_does_not_leave():
    """Neither as a sale nor without one; once it is paid it does, and that is the sale."""
    order = boxed(2)
    with pytest.raises(TenderRefused, match="Not all of it is paid"):
        do(order, sale(1, 2))
    with pytest.raises(TenderRefused, match="It is paid here"):
        do(order, so.HandedToCarrier(KEY, 1))
    paid = do(order, res.TenderTaken(KEY, 1, CASH, 2000))
    with pytest.raises(TenderRefused, match="It is paid here"):
        do(paid, so.HandedToCarrier(KEY, 1))
    sold = do(paid, sale(1, 2))
    assert (ship.status_of(sold), balance_of(sold), due_of(sold)) == (S.SHIPPED, 0, 0)
    assert sold.shipment is not None
    assert sold.shipment.boxes[0].shipped_at_ms == NOON_MS
    postings = order_postings(paid, sold, sale(1, 2), "till-1")
    assert balances(postings) == {"customers": 2000, "sales": -2000}


def test_boxes_leave_as_far_as_they_are_paid():
    """Of two boxes the paid one leaves; the other waits for its payment."""
    order = do(boxed(2, 1), res.TenderTaken(KEY, 1, CASH, 2000), sale(1, 2))
    assert (ship.status_of(order), due_of(order)) == (S.MANIFESTED, 1000)
    with pytest.raises(TenderRefused):
        do(order, sale(2, 1))
    order = do(order, res.TenderTaken(KEY, 2, CASH, 1000), sale(2, 1))
    assert ship.status_of(order) is S.SHIPPED


@pytest.mark.parametrize(
    "other",
    [
        res.ReservationConverted(KEY, (LineQuantity(1, 1),), 1000, 1),
        res.ReservationConverted(KEY, (LineQuantity(1, 2),), 1999, 1),
        res.ReservationConverted(KEY, (LineQuantity(1, 2),), 2000, 7),
        res.ReservationConverted(KEY, (LineQuantity(1, 2),), 2000),
    ],
)
def test_a_sale_is_of_what_lies_in_the_box_at_its_price(other):
    """Other units, another price, another box or none at all: refused."""
    order = do(boxed(2), res.TenderTaken(KEY, 1, CASH, 2000))
    with pytest.raises(OperationRefused):
        do(order, other)


def test_no_more_is_taken_than_is_due_and_nothing_before_goods_are_in_hand():
    """What is paid is in hand; a parcel that is paid elsewhere takes no money at all."""
    new = paid_here(an_order(1, 2, flow=ship.NAME))
    with pytest.raises(IllegalTransition):
        do(new, res.TenderTaken(KEY, 1, CASH, 1000))
    with pytest.raises(QuantityRefused):
        do(boxed(2), res.TenderTaken(KEY, 1, CASH, 2001))
    elsewhere = replace(boxed(2), reserve=None)
    for operation in (res.TenderTaken(KEY, 1, CASH, 1), op.HoldExpired(KEY),
                      res.ReservationReleased(KEY, RefusalReason.PRICE)):  # fmt: skip
        with pytest.raises(TenderRefused, match="paid elsewhere"):
            do(elsewhere, operation)
    assert ship.status_of(do(elsewhere, so.HandedToCarrier(KEY, 1))) is S.SHIPPED


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (op.HoldExpired(KEY), S.EXPIRED),
        (res.ReservationReleased(KEY, RefusalReason.CHANGED_MIND), S.RELEASED),
    ],
)
def test_what_nobody_pays_goes_back_on_the_shelf(end, status):
    """Not in time, or not at all: its goods are put back, out of their boxes; stock is free."""
    ended = do(boxed(2), end)
    assert (ship.status_of(ended), ended.total("to_put_back")) == (status, 2)
    back = do(ended, op.PutBack(KEY, 1, 2))
    assert (back.total("tied"), ship.shipment_of(back).boxes) == (0, ())


@pytest.mark.parametrize(
    "paying",
    [
        res.TenderTaken(KEY, 1, CASH, 500),
        res.CardAsked(KEY, 1, 2000),
        res.ValueAsked(KEY, 1, TenderKind.GIFT_CARD, 2000, "A1"),
    ],
)
def test_nothing_ends_in_time_while_somebody_pays(paying):
    """Money that is here, or an answer that is awaited, keeps it; it is given back first."""
    order = do(boxed(2), paying)
    for end in (op.HoldExpired(KEY), res.ReservationReleased(KEY, RefusalReason.PRICE)):
        with pytest.raises(TenderRefused, match="give it back first"):
            do(order, end)


@pytest.mark.parametrize("ends", ["rejected", "cancelled", "short"])
def test_money_of_what_has_ended_is_to_be_given_back(ends):
    """Whoever ended it: paid goods that do not leave are a refund that is due, then it is over."""
    paid = do(boxed(2), res.TenderTaken(KEY, 1, CASH, 2000))
    ended = {
        "rejected": lambda: do(paid, op.FulfillmentRejected(KEY, ShortReason.DAMAGED)),
        "cancelled": lambda: cancel_open(paid),
        "short": lambda: do(paid, op.LineShortPicked(KEY, 1, 2, ShortReason.DAMAGED)),
    }[ends]()
    assert ship.status_of(ended) is S.REFUND_DUE
    over = do(ended, res.TenderReturned(KEY, 1))
    assert ship.status_of(over) is (S.CANCELLED if ends == "cancelled" else S.REJECTED)
    assert balance_of(over) == 0


def test_paid_and_gone_wins_over_a_cancellation():
    """Central had cancelled it; the store had been paid and the carrier came: it counts as sold."""
    store = do(boxed(2), res.TenderTaken(KEY, 1, CASH, 2000))
    central = cancel_open(boxed(2))
    for operation in (res.TenderTaken(KEY, 1, CASH, 2000), sale(1, 2)):
        outcome = advance(ship.FLOW, central, operation, NOON_MS)
        assert outcome.consequences
        central = outcome.after
    assert ship.status_of(central) is S.SHIPPED
    assert do(store, sale(1, 2)).shipment == central.shipment
