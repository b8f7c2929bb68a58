"""What central holds back of a silent store's rights: ever more, and never more than all."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.domain.silence import USUAL_MS, FloorBySilence, floors_when_silent, held_back, moments
from sync.domain.sizing import OutageHistory, floor_units_over, hours_when_silent

HOUR_MS = 3_600_000
LEASE_MS = 2 * HOUR_MS
OWN = OutageHistory().after([0.2, 0.3, 1.0, 6.0], 24 * 90)


def grown(rate: float = 2.0, lease_ms: int = LEASE_MS) -> FloorBySilence:
    ((_, found),) = floors_when_silent(OWN, [("A", rate, 1.3)], 0.95, lease_ms).items()
    return found


@pytest.mark.parametrize(
    ("online", "floor", "wanted", "expected"),
    [
        (8, 2, 2, 0),
        (8, 2, 5, 3),
        (8, 2, 50, 8),
        (0, 2, 50, 0),
        (8, -1, 2, 3),
        (8, 5, 2, 0),
    ],
)
def test_held_back_is_what_the_floor_lacks(online, floor, wanted, expected):
    """Held back = min(O, max(0, wanted - F))."""
    assert held_back(online, floor, wanted) == expected


def test_a_store_that_answers_as_usual_has_nothing_held_back():
    """A late answer is not an outage."""
    assert grown().wanted(0) == 0
    assert grown().wanted(USUAL_MS) == 0
    assert grown().wanted(USUAL_MS + 1) > 0


@given(st.floats(0, 20), st.lists(st.floats(0.1, 48), max_size=6), st.integers(0, LEASE_MS))
def test_longer_silence_never_asks_for_less(rate, lengths, silent_ms):
    """Central may learn that an outage is long, never that it is short."""
    history = OutageHistory().after(lengths, 24 * 90)
    ((_, found),) = floors_when_silent(history, [("A", rate, 1.3)], 0.95, LEASE_MS).items()
    units = [wanted for _, wanted in found.steps]
    assert all(one < two for one, two in pairwise(units))
    assert found.wanted(silent_ms) <= found.wanted(silent_ms + 60_000)


def test_the_floor_is_the_quantile_over_outages_that_are_as_long():
    """At each moment that is looked at: the formula itself, silence rounded up to the next one."""
    for before, after in pairwise(moments(LEASE_MS)):
        hours = hours_when_silent(OWN, after / HOUR_MS, 2.0)
        expected = floor_units_over(2.0, hours, 0.95, 1.3)
        assert grown().wanted(before + 1) == grown().wanted(after) == expected


def test_moments_reach_from_the_usual_to_the_end_of_the_lease():
    """After it central promises nothing anyway."""
    found = moments(LEASE_MS)
    assert (found[0], found[-1]) == (USUAL_MS, LEASE_MS)
    assert all(one < two <= one * 1.5 + 1 for one, two in pairwise(found))
    assert moments(60_000) == [USUAL_MS]


def test_what_does_not_sell_is_never_held_back():
    """A floor of nothing needs no line in the books."""
    assert grown(rate=0.0) == FloorBySilence()
    assert FloorBySilence().text == ""


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 99)), max_size=5))
def test_what_is_written_is_read_again(steps):
    """The books keep it as text."""
    kept = FloorBySilence(tuple(sorted(steps)))
    assert FloorBySilence.of(kept.text) == kept


def test_thousands_of_skus_share_a_few_hundred_answers():
    """Rates are rounded up to three digits, so most SKUs of a store are looked up."""
    known = floors_when_silent(OWN, [("A", 1.0001, 1.3), ("B", 1.0002, 1.3)], 0.95, LEASE_MS)
    assert known["A"] is known["B"]
