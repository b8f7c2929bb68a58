"""Transforms, one by one."""

import datetime as dt
from typing import Any

import pytest

from central_server.importing.problems import ImportFailed, ValueRefused
from central_server.importing.transforms import LeftOut, transform_named


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("strip", "  a ", "a"),
        ("upper", "ab", "AB"),
        ("text", None, ""),
        ("text", 12.0, "12"),
        ("zero_pad:14", "123", "00000000000123"),
        ("zero_pad:5", "", ""),
        ("prefix:IA-", "7", "IA-7"),
        ("cents_from_decimal", "1,234.5", 123450),
        ("cents_from_decimal", "-1,234,567.", -123456700),
        ("cents_from_decimal", "12,34,567", 123456700),
        ("cents_from_decimal:3", "1,234.5", 1234500),
        ("cents_from_decimal", 7.23, 723),
        ("cents_from_decimal", "$0.125", 12),
        ("cents_from_decimal:0", "980", 980),
        ("cents_from_decimal", "", ""),
        ("gtin", "80686842019", "00080686842019"),
        ("gtin", 877448001674, "00877448001674"),
        ("gtin", "7032069804988", "07032069804988"),
        ("gtin", "", ""),
        ("split:|", "a| b|", ("a", "b")),
        ("flag", "Yes", True),
        ("flag", "", False),
        ("date:%m/%d/%Y", "04/20/2012", "2012-04-20"),
        ("datetime", "2017-01-28T19:06:53Z", 1485630413000),
        ("datetime:Europe/London", dt.datetime(2011, 7, 1, 8, 26), 1309505160000),  # noqa: DTZ001
    ],
)
def test_a_transform_gives(name, value, expected):
    """Each transform does what its name says."""
    assert transform_named(name)(value) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gtin", "7032069804989"),
        ("gtin", "12AB56789012"),
        ("gtin", "1"),
        ("gtin", "123456789012345"),
        ("cents_from_decimal", "a lot"),
        ("cents_from_decimal", "NaN"),
        ("cents_from_decimal", float("inf")),
        ("cents_from_decimal", "12,50"),
        ("cents_from_decimal", "0,500"),
        ("cents_from_decimal", "-0,129"),
        ("cents_from_decimal", "1e999999"),
        ("cents_from_decimal", "1.299,00"),
        ("cents_from_decimal", "1234,567"),
        ("cents_from_decimal", "1,2345"),
        ("cents_from_decimal:3", "1,250"),
        ("flag", "perhaps"),
        ("date", "20/04/2012"),
        ("datetime", "yesterday"),
        ("hours", "Someday: 9-17"),
        ("hours", "Mon: 17-9"),
        ("hours", "Mon: 9 to 5"),
    ],
)
def test_a_value_that_is_not_what_it_says_is_refused(name, value):
    """A wrong value is a problem of its row, never a guess."""
    with pytest.raises(ValueRefused):
        transform_named(name)(value)


def test_a_wrong_gtin_can_be_left_out():
    """`gtin:drop` says that the product is wanted even where its barcode is wrong."""
    with pytest.raises(LeftOut):
        transform_named("gtin:drop")("7032069804989")


@pytest.mark.parametrize("name", ["nothing", "zero_pad", "gtin:maybe", "datetime:Mars/Base"])
def test_a_transform_that_does_not_exist_stops_the_import(name):
    """A mistake in the mapping is told before the first row."""
    with pytest.raises(ImportFailed):
        transform_named(name)


def test_hours_read_our_own_way_of_writing():
    """`mon=09:00-21:00` is minutes after midnight; a day that is not listed is closed."""
    week = transform_named("hours")("mon=09:00-21:00;sun=11:00-18:30")
    assert week == ((540, 1260), *[(0, 0)] * 5, (660, 1110))


def test_hours_without_am_and_pm_close_after_noon():
    """`hours:12` reads `10-9:30` as from ten in the morning to half past nine at night."""
    read = transform_named("hours:12")
    week: Any = read("Mon: 10-9:30; Tues: 0-11:59; Wed: 12-8; Thurs: 9-12; Fri: closed")
    assert week[:5] == ((600, 1290), (0, 1439), (720, 1200), (540, 1440), (0, 0))


def test_hours_read_am_and_pm():
    """Where am and pm stand, they decide."""
    week: Any = transform_named("hours")("Sat: 8am-12:30 pm")
    assert week[5] == (480, 750)
