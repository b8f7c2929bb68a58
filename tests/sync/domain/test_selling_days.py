"""Since when a store's tills are connected: its days with sales say it."""

import pytest

from sync.domain.selling_days import connected_since

TODAY = 1000
MONTH = range(970, 1001)


@pytest.mark.parametrize(
    ("days", "since"),
    [
        ((), None),
        ((1000,), None),
        (range(992, 1001), None),
        (range(991, 1001), 991),
        ([day for day in MONTH if day % 7 < 5], 970),
        (range(930, 1001, 7), None),
        (range(800, 960), None),
        ([900, *range(985, 1001)], 985),
        ([*range(900, 977), *range(990, 1001)], 900),
        ([*range(900, 975), *range(990, 1001)], 990),
    ],
    ids=["none", "the first", "nine days", "ten days", "five days a week", "by hand once a week",
         "silent by now", "one by hand before", "two weeks without", "more than two weeks"],
)  # fmt: skip
def test_a_store_is_known_by_ten_days_with_sales_of_the_last_28(days, since):
    """A sale now and then says nothing of demand, nor what was before a long pause."""
    assert connected_since(list(days), TODAY) == since
