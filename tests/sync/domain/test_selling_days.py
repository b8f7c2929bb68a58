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
        ([*range(900, 987), 1000], 900),
        ([*range(900, 986), 1000], None),
    ],
    ids=["none", "the first", "nine days", "ten days", "five days a week", "by hand once a week",
         "silent by now", "one by hand before", "two weeks without", "more than two weeks",
         "open again after two weeks", "open again after more"],
)  # fmt: skip
def test_a_store_is_known_by_ten_days_with_sales_of_the_last_28(days, since):
    """A sale now and then says nothing of demand, nor what was before a long pause."""
    assert connected_since(list(days), TODAY) == since


def test_a_store_that_sells_seldom_is_not_one_day_this_and_one_day_that():
    """Sales on every third day are nine or ten in four weeks; known once, it stays so."""
    days = range(0, 1000, 3)
    said, is_known = [], False
    for today in range(900, 960):
        past = [day for day in days if day <= today]
        is_known = connected_since(past, today, is_known=is_known) is not None
        said.append(is_known)
    assert said == sorted(said)
    assert said[-1]
    assert connected_since([*range(900, 941, 3)], 954, is_known=True) == 900
    assert connected_since([*range(900, 941, 3)], 955, is_known=True) is None, "it fell silent"
