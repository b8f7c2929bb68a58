"""Boxes, cut-offs, and what follows from a reason."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from sync.domain.errors import OperationRefused
from sync.domain.flows import ship, status_of
from sync.domain.fulfillment import SHRINKING_REASONS, FulfillmentStatus, ShortReason
from sync.domain.operations import (
    FulfillmentRejected,
    LinePicked,
    LineQuantity,
    LineShortPicked,
    PutBack,
)
from sync.domain.rejections import REJECT_EFFECTS
from sync.domain.ship_operations import (
    BoxPacked,
    BoxUnpacked,
    HandedToCarrier,
    LabelPrinted,
    LabelRequested,
    LabelVoided,
    Manifested,
)
from sync.domain.shipping import Box, CarrierPickup, PackedUnits, next_cutoff_ms, without_units
from sync.domain.transitions import decide
from tests.support.builders import NOON_MS, an_order

ZONE = "America/New_York"
SWIFT = CarrierPickup("swift", "Swift Parcel", (990, 990, 990, 990, 990, 720, 0))


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)


def do(order, *operations):
    for operation in operations:
        order = decide(ship.FLOW, order, operation, NOON_MS).after
    return order


def packed(boxes=((1, 2),)):
    """Return an order of two units, all picked, in these boxes of (number, units)."""
    order = do(an_order(1, 2, flow=ship.NAME), LinePicked("F00001", 1, 2))
    for number, units in boxes:
        order = do(order, BoxPacked("F00001", number, 500, (LineQuantity(1, units),)))
    return order


def box_of(order, number=1):
    found = ship.shipment_of(order).box(number)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-02T10:00", "2026-03-02T16:30"),
        ("2026-03-02T16:30", "2026-03-03T16:30"),
        ("2026-03-06T17:00", "2026-03-07T12:00"),
        ("2026-03-07T12:30", "2026-03-10T16:30"),
    ],
)
def test_the_next_cutoff_follows_the_carriers_week_and_the_stores_closures(now, expected):
    """A cut-off that has passed is over; Sundays and closed days are skipped."""
    assert next_cutoff_ms(SWIFT, ZONE, frozenset({"2026-03-09"}), at(now)) == at(expected)


def test_a_cutoff_is_local_time_on_both_sides_of_a_clock_change():
    """The clocks go forward in the night to 8 March 2026: 16:30 stays 16:30."""
    monday = next_cutoff_ms(SWIFT, ZONE, frozenset(), at("2026-03-07T13:00"))
    assert monday == at("2026-03-09T16:30")


def test_a_carrier_that_never_comes_has_no_cutoff():
    """No pickup day is not a pickup some day."""
    assert next_cutoff_ms(replace(SWIFT, cutoffs=(0,) * 7), ZONE, frozenset(), NOON_MS) is None


def test_a_box_that_loses_units_loses_its_label():
    """Another weight, another content: what is printed on it is not true any more."""
    full = Box(1, 900, (PackedUnits(1, 2),), "swift", "standard", "N1", manifest="M1")
    (left,) = without_units((full,), 1, 1)
    assert (left.units, left.tracking, left.manifest) == (1, "", "")
    assert without_units((full,), 1, 2) == ()


def test_units_come_out_of_the_newest_box_first():
    """What was packed last lies on top."""
    boxes = (Box(1, 1, (PackedUnits(1, 1),)), Box(2, 1, (PackedUnits(1, 2),)))
    assert [(box.number, box.units) for box in without_units(boxes, 1, 2)] == [(1, 1)]


def test_one_order_leaves_in_two_boxes():
    """Each box has its own label, and the status is that of what is still here."""
    order = packed(((1, 1), (2, 1)))
    assert status_of(order) is FulfillmentStatus.PACKED
    order = do(
        order,
        LabelPrinted("F00001", 1, "swift", "standard", "N1"),
        Manifested("F00001", 1, "M1"),
        HandedToCarrier("F00001", 1),
    )
    assert status_of(order) is FulfillmentStatus.PACKED
    assert order.total("fulfilled") == 1
    order = do(
        order,
        LabelPrinted("F00001", 2, "swift", "standard", "N2"),
        Manifested("F00001", 2, "M1"),
        HandedToCarrier("F00001", 2),
    )
    assert status_of(order) is FulfillmentStatus.SHIPPED


def test_a_number_is_used_once_even_after_a_void():
    """A carrier bills a number once: a new label takes the next one."""
    order = packed()
    shipment = replace(ship.shipment_of(order), numbers=("N1", "N2"))
    order = do(
        replace(order, shipment=shipment),
        LabelPrinted("F00001", 1, "swift", "standard", "N1"),
        LabelVoided("F00001", 1),
    )
    assert ship.shipment_of(order).free_numbers == ("N2",)
    assert box_of(order).tracking == ""


def test_unpacking_voids_and_frees_the_goods():
    """An emptied box is not there any more; its goods wait to be packed."""
    order = do(
        packed(), LabelPrinted("F00001", 1, "swift", "standard", "N1"), BoxUnpacked("F00001", 1)
    )
    assert status_of(order) is FulfillmentStatus.PICKED
    assert ship.shipment_of(order).boxes == ()


@pytest.mark.parametrize(
    "operation",
    [
        BoxPacked("F00001", 1, 500, (LineQuantity(1, 1),)),
        BoxPacked("F00001", 2, 0, (LineQuantity(1, 1),)),
        BoxPacked("F00001", 2, 500, ()),
        BoxPacked("F00001", 2, 500, (LineQuantity(1, 2),)),
        Manifested("F00001", 1, "M1"),
        HandedToCarrier("F00001", 1),
        BoxUnpacked("F00001", 7),
        LabelPrinted("F00001", 1, "swift", "standard", ""),
    ],
)
def test_what_a_box_does_not_allow_is_refused_in_words(operation):
    """A used number, no weight, nothing in it, too much, no label, no manifest, no box."""
    with pytest.raises(OperationRefused, match=r"\w{3}"):
        do(packed(((1, 1),)), operation)


def test_a_label_that_is_on_its_way_blocks_another_one():
    """Two labels for one box would be two bills."""
    order = do(packed(), LabelRequested("F00001", 1, "swift", "standard"))
    with pytest.raises(OperationRefused, match="void"):
        do(order, LabelPrinted("F00001", 1, "swift", "standard", "N1"))
    arrived = ship.label_arrived(order, 1, "N9")
    assert arrived is not None
    assert status_of(arrived) is FulfillmentStatus.LABELED
    assert ship.label_arrived(do(order, LabelVoided("F00001", 1)), 1, "N9") is None


def test_why_there_is_no_label_stands_at_the_box():
    """The associate sees what the carrier said, and may ask again."""
    order = do(packed(), LabelRequested("F00001", 1, "swift", "standard"))
    failed = ship.label_failed(order, 1, "no such street")
    assert failed is not None
    assert box_of(failed).problem == "no such street"
    again = do(failed, LabelRequested("F00001", 1, "swift", "standard"))
    assert box_of(again).problem == ""


def test_what_is_rejected_after_packing_comes_out_of_its_box():
    """Put back means out of the box, and the box is not shipped by mistake."""
    order = do(packed(), FulfillmentRejected("F00001", ShortReason.DAMAGED))
    assert order.total("to_put_back") == 2
    with pytest.raises(OperationRefused):
        do(order, HandedToCarrier("F00001", 1))
    order = do(order, PutBack("F00001", 1, 2))
    assert ship.shipment_of(order).boxes == ()


@pytest.mark.parametrize("reason", list(ShortReason))
def test_every_reason_says_what_follows(reason: ShortReason):
    """No reason without its row, and the row agrees with what the ledger does."""
    effect = REJECT_EFFECTS[reason]
    order = an_order(1, 2, flow=ship.NAME)
    outcome = decide(ship.FLOW, order, LineShortPicked("F00001", 1, 2, reason), NOON_MS)
    assert effect.pause_ms > 0
    assert effect.leaves_book is (reason in SHRINKING_REASONS)
    assert sum(one.on_hand for one in outcome.effects) == (-2 if effect.leaves_book else 0)
