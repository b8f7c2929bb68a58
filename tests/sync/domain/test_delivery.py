"""Days of delivery: tables of the carrier's calendar, lanes and days off."""

from datetime import UTC, date, datetime

import pytest

from sync.domain.delivery import (
    CarrierDays,
    DeliveryDays,
    Lane,
    delivered_on,
    delivery_days,
    transit_days,
)

THURSDAY, FRIDAY, SATURDAY = date(2026, 12, 3), date(2026, 12, 4), date(2026, 12, 5)
LANES = (
    Lane("standard", 1, 2, 300.0), Lane("standard", 2, 4, 1000.0), Lane("standard", 3, 6),
    Lane("express", 1, 1, 800.0),
)  # fmt: skip
WEEK = (True,) * 7


@pytest.mark.parametrize(
    ("carrier", "collected", "days", "expected"),
    [
        (CarrierDays(), THURSDAY, 0, THURSDAY),
        (CarrierDays(), THURSDAY, 1, FRIDAY),
        (CarrierDays(), FRIDAY, 1, date(2026, 12, 7)),
        (CarrierDays(), SATURDAY, 1, date(2026, 12, 7)),
        (CarrierDays(), SATURDAY, 0, date(2026, 12, 7)),
        (CarrierDays(), FRIDAY, 6, date(2026, 12, 14)),
        (CarrierDays(WEEK), FRIDAY, 2, date(2026, 12, 6)),
        (CarrierDays((True,) * 6 + (False,)), FRIDAY, 2, date(2026, 12, 7)),
        (CarrierDays(days_off=("2026-12-07", "2026-12-08")), FRIDAY, 1, date(2026, 12, 9)),
        (CarrierDays(WEEK, ("2026-12-25",)), date(2026, 12, 24), 1, date(2026, 12, 26)),
        (CarrierDays(WEEK, ("2026-12-25",)), date(2026, 12, 25), 0, date(2026, 12, 26)),
    ],
)
def test_only_the_carriers_days_count(carrier, collected, days, expected):
    """Weekends and days off are passed over, and nothing is delivered on them."""
    assert delivered_on(carrier, collected, days) == expected


@pytest.mark.parametrize(
    ("service", "km", "expected"),
    [
        ("standard", 0.0, (1, 2)), ("standard", 300.0, (1, 2)), ("standard", 300.1, (2, 4)),
        ("standard", 5000.0, (3, 6)), ("standard", None, (1, 6)),
        ("express", 800.0, (1, 1)), ("express", 801.0, (9, 9)), ("freight", 1.0, (9, 9)),
    ],
)  # fmt: skip
def test_transit_is_by_service_and_distance(service, km, expected):
    """The first lane that reaches so far; the rate's days beyond all lanes."""
    assert transit_days(CarrierDays(lanes=LANES), service, km, 9) == expected


def test_a_carrier_that_never_travels_is_no_endless_search():
    """A calendar that somebody got wrong gives some day, not a hang."""
    assert delivered_on(CarrierDays((False,) * 7), THURSDAY, 3) > THURSDAY


@pytest.mark.parametrize(
    ("at", "timezone", "expected"),
    [
        (datetime(2026, 12, 3, 21, 30, tzinfo=UTC), "America/New_York", THURSDAY),
        (datetime(2026, 12, 4, 4, 30, tzinfo=UTC), "America/New_York", THURSDAY),
        (datetime(2026, 12, 3, 23, 30, tzinfo=UTC), "Europe/Berlin", FRIDAY),
    ],
)
def test_the_day_of_collection_is_the_senders(at, timezone, expected):
    """Late in the evening the date depends on where the parcel is collected."""
    found = delivery_days(CarrierDays(WEEK), round(at.timestamp() * 1000), timezone, (0, 0))
    assert found == DeliveryDays(expected, expected)
