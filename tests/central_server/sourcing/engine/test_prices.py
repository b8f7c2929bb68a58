"""What a unit is worth where it lies, and how likely it is found."""

from itertools import pairwise
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central_server.sourcing.engine.learning import Picks, fill_probability
from central_server.sourcing.engine.model import Rules, Stock
from central_server.sourcing.engine.prices import Shelf, at_least, shelf_prices, worth_of


def test_last_unit_is_worth_the_margin_of_who_would_come():
    """One unit, a mean of one visitor: margin x P(W >= 1) - markdown x P(W = 0)."""
    stock = Stock(1, walk_ins_per_day=0.5, horizon_days=2, walk_in_margin_minor=2000,
                  markdown_minor=300)  # fmt: skip
    assert shelf_prices(stock, 5) == pytest.approx((2000 * (1 - exp(-1)) - 300 * exp(-1),))


@given(st.integers(1, 60), st.floats(0, 30), st.floats(0, 5000), st.floats(0, 5000))
def test_prices_never_fall_with_the_units_taken(units, mean, margin, markdown):
    """The fewer units are left, the more each is worth, between saved markdown and margin."""
    stock = Stock(units, walk_ins_per_day=mean, horizon_days=1, walk_in_margin_minor=margin,
                  markdown_minor=markdown)  # fmt: skip
    prices = shelf_prices(stock, units)
    assert len(prices) == units
    assert all(a <= b + 1e-6 for a, b in pairwise(prices))
    assert all(-markdown - 1e-6 <= price <= margin + 1e-6 for price in prices)


def test_much_stock_and_many_visitors_are_reckoned_too():
    """A million units cost no time; a mean in the thousands is near the middle at its mean."""
    spare = Stock(1_000_000, walk_ins_per_day=3, horizon_days=1, walk_in_margin_minor=1000)
    assert shelf_prices(spare, 3) == (0, 0, 0)
    assert at_least(499.9, 480) == pytest.approx(at_least(500.1, 480), abs=0.01)
    assert at_least(5000, 5000) == pytest.approx(0.5, abs=0.01)
    assert at_least(5000, 6000) < 1e-9


def test_given_prices_go_on_with_the_last():
    """A list that is too short holds on; one that falls is held up."""
    assert shelf_prices(Stock(5, prices_minor=(1.0, 4.0, 3.0)), 5) == (1, 4, 4, 4, 4)


@given(st.integers(1, 9), st.floats(0, 9), st.floats(0, 900), st.floats(0, 90), st.floats(0, 1))
def test_short_cut_for_the_first_unit_changes_nothing(units, mean, margin, markdown, found):
    """What the first unit is worth is the same by the short way and by the long one."""
    rules = Rules({}, stock_weight=0.7, failed_pick_minor=300)
    stock = Stock(units, walk_ins_per_day=mean, horizon_days=1, walk_in_margin_minor=margin,
                  markdown_minor=markdown, fill_probability=found)  # fmt: skip
    assert Shelf(stock, rules).first == pytest.approx(worth_of(stock, rules, 1)[0], abs=1e-6)


def test_dual_counts_where_it_is_higher():
    """The price for orders to come and that for walk-ins are of the same unit: the higher holds."""
    stock = Stock(2, prices_minor=(), walk_ins_per_day=1, horizon_days=1,
                  walk_in_margin_minor=1000, dual_minor=500)  # fmt: skip
    assert shelf_prices(stock, 2) == pytest.approx((500, 1000 * (1 - exp(-1))))


def test_category_counts_before_the_store():
    """A new store is judged by the category; many picks of its own change that."""
    bad = Picks(600, 400)
    assert fill_probability(Picks(), Picks()) == pytest.approx(0.95)
    assert fill_probability(bad, Picks()) < 0.65
    assert fill_probability(bad, Picks(2000, 0)) > 0.95


def test_old_picks_fade():
    """After one half-life a pick counts half."""
    assert Picks(10, 2, 0).plus(0, 0, 60) == Picks(5, 1, 60)


def test_picks_that_are_told_late_count_as_old():
    """Days that come out of order (a clock was set back) give what they give in order."""
    assert Picks(10, 2, 60).plus(4, 2, 0) == Picks(12, 3, 60)
    assert Picks(0, 0, 0).plus(4, 2, 0).plus(10, 2, 60) == Picks(12, 3, 60)
