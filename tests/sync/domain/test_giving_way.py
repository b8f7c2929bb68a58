"""Which promise gives way when a unit is not there any more: one rule for store and central."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sync.domain.escrow import giving_way, sacrifice_rank
from sync.domain.fulfillment import FulfillmentOrder, evolve_line
from tests.support.builders import an_order


def order(number: int, units: int = 2, **more: Any) -> FulfillmentOrder:
    return replace(an_order(number, units), **more)


def given_way(orders, units: int, named: str = "") -> list[tuple[str, int]]:
    return [(one.order.id, one.units) for one in giving_way(orders, "SKU-1", units, named)]


def test_the_least_urgent_promise_gives_way_first():
    """The customer who comes last is told first: there is most time to find another store."""
    orders = [order(1), order(3), order(2)]
    assert given_way(orders, 5) == [("F00003", 2), ("F00002", 2), ("F00001", 1)]


def test_an_unconfirmed_promise_gives_way_before_a_later_one():
    """Nobody has looked at it yet, and central may move it anyway."""
    orders = [order(1, confirm_by_ms=1), order(2), order(3, confirm_by_ms=1, confirmed_at_ms=1)]
    assert given_way(orders, 3) == [("F00001", 2), ("F00003", 1)]


def test_the_named_promise_gives_way_before_all():
    """Somebody answered for it."""
    orders = [order(1), order(2), order(3, confirm_by_ms=1)]
    assert given_way(orders, 3, "F00001") == [("F00001", 2), ("F00003", 1)]


def test_goods_in_hand_never_give_way():
    """What is picked is off the shelf: the till cannot have sold it."""
    picked = order(2)
    picked = picked.with_line(evolve_line(picked.lines[0], picked=2))
    assert given_way([order(1), picked], 9) == [("F00001", 2)]


def test_other_goods_of_the_order_stay():
    """Only lines of the SKU that is missing."""
    orders = [an_order(1, 1, 3)]
    assert [(one.line.line, one.units) for one in giving_way(orders, "SKU-2", 2)] == [(2, 2)]


@given(st.lists(st.integers(0, 4), max_size=6), st.integers(-3, 12), st.randoms())
def test_as_many_units_give_way_as_are_missing_and_there(sizes, units, random):
    """Never more than is missing, never more than an order has, in whatever order they come."""
    orders = [order(number, size) for number, size in enumerate(sizes)]
    found = given_way(orders, units)
    assert sum(count for _, count in found) == max(0, min(units, sum(sizes)))
    random.shuffle(orders)
    assert given_way(orders, units) == found
    assert len({sacrifice_rank(one) for one in orders}) == len(orders)
