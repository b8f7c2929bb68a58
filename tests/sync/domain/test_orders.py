"""The status of an order: a total function of its quantities."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.domain.flows import pickup
from sync.domain.fulfillment import cancel_open
from sync.domain.orders import OrderProgress, OrderStatus, progress_of
from tests.support.builders import an_order
from tests.sync.domain import samples

some = st.integers(0, 20)


@given(st.builds(OrderProgress, some, some, some, some, some))
def test_every_progress_has_a_status(progress: OrderProgress):
    """Any quantities have a status, also those that a double fulfillment leads to."""
    assert progress.status in OrderStatus
    if progress.pending <= 0:
        assert progress.status in {OrderStatus.FULFILLED, OrderStatus.CANCELLED}


@pytest.mark.parametrize(
    ("progress", "status"),
    [
        (OrderProgress(3, 0, 0, 0, 0), OrderStatus.OPEN),
        (OrderProgress(3, 1, 0, 0, 0), OrderStatus.IN_FULFILLMENT),
        (OrderProgress(3, 3, 0, 0, 0), OrderStatus.READY),
        (OrderProgress(3, 2, 0, 1, 0), OrderStatus.READY),
        (OrderProgress(3, 0, 1, 0, 0), OrderStatus.PARTIALLY_FULFILLED),
        (OrderProgress(3, 0, 2, 1, 0), OrderStatus.FULFILLED),
        (OrderProgress(3, 0, 0, 3, 0), OrderStatus.CANCELLED),
        (OrderProgress(3, 0, 0, 1, 2), OrderStatus.UNFILLABLE),
        (OrderProgress(1, 0, 2, 0, 0), OrderStatus.FULFILLED),
    ],
)
def test_the_status_of_an_order(progress: OrderProgress, status: OrderStatus):
    """Each status by an example; the last is an order that two stores handed over."""
    assert progress.status is status


def test_units_of_an_order_are_counted_once():
    """Each unit is pending, fulfilled, given up, or short and hence elsewhere."""
    for order in samples.reachable(pickup.FLOW, 2, 1):
        short = order.total("short")
        progress = progress_of(3, short, 0, (order,))
        assert progress.pending == order.total("open") + short
        assert 0 <= progress.in_hand <= progress.pending


def test_dropped_units_are_given_up_for_good():
    """Units cancelled while no location carried them count as cancelled."""
    assert progress_of(2, 0, 2, ()).status is OrderStatus.CANCELLED


def test_a_note_of_a_flow_is_kept_and_replaced():
    """What only one flow needs has room without a field of its own."""
    order = an_order().with_note("spot", "P1").with_note("spot", "P2").with_note("car", "red")
    assert (order.note("spot"), order.note("car"), order.note("plate")) == ("P2", "red", "")
    assert len(order.notes) == 2


def test_cancelling_twice_changes_nothing_more():
    """Central may repeat its decision."""
    order = cancel_open(replace(an_order(), notes=()))
    assert cancel_open(order) == order
