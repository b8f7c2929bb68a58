"""How much floor to keep: the published figures, exactness, and which way things must move."""

import time
from fractions import Fraction
from itertools import pairwise
from math import exp, factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.domain.distribution import (
    expected_shortfall,
    mixed_step_by_step,
    units_of,
)
from sync.domain.sizing import (
    ALL_DAY,
    PRIOR_LENGTHS,
    HourProfile,
    Mixture,
    OutageHistory,
    SaleSizes,
    Velocity,
    critical_ratio,
    floor_target,
    floor_units,
    floor_units_over,
    hours_until_reclaim,
    hours_when_silent,
    sold_when_ms,
    whole_length_hours,
)

rates = st.floats(0, 5)
hours = st.floats(0, 100)
ratios = st.floats(0.01, 0.999)
dispersions = st.floats(1, 5)
mixtures = st.lists(st.tuples(hours, st.floats(0.01, 1)), min_size=1, max_size=6).map(Mixture.of)


@pytest.mark.parametrize(
    ("rate", "outage_hours", "units"),
    [(0.05, 30 / 3600, 0), (0.05, 8, 2), (0.05, 72, 9), (0.5, 30 / 3600, 0), (0.5, 8, 9),
     (0.5, 72, 51), (3, 8, 36)],
)  # fmt: skip
def test_the_floor_reproduces_the_design_figures(rate, outage_hours, units):
    """At a risk of 1 % the newsvendor's floor is what the design worked out by hand."""
    assert floor_units(rate, outage_hours, 0.99) == units


@pytest.mark.parametrize("mean", [0.1, 1.0, 3.6, 20.0])
def test_probabilities_agree_with_the_formula_in_whole_fractions(mean):
    """P(N <= f) is the sum of mean^n e^-mean / n!, to the last digits of a float."""
    for units in range(40):
        terms = sum(Fraction(mean) ** n / factorial(n) for n in range(units + 1))
        assert units_of(mean).cdf(units) == pytest.approx(float(terms) * exp(-mean), rel=1e-12)


@pytest.mark.parametrize(
    ("mean", "probability", "units"),
    [(0.0, 0.999, 0), (1e-9, 0.5, 0), (10_000.0, 0.5, 10_000), (10_000.0, 0.99, 10_233)],
)
def test_the_smallest_and_the_largest_means_are_computed(mean, probability, units):
    """Means of 0 to 10,000 neither underflow nor overflow."""
    assert units_of(mean).quantile(probability) == units


@given(st.floats(0, 10_000), ratios)
def test_a_quantile_is_the_least_that_suffices(mean, probability):
    """P(N <= f) reaches the probability at the quantile and not one unit before it."""
    units = units_of(mean).quantile(probability)
    assert units_of(mean).cdf(units) >= probability - 1e-12
    assert units == 0 or units_of(mean).cdf(units - 1) < probability + 1e-12


@given(rates, rates, hours, ratios, dispersions)
def test_more_sales_never_need_less_floor(one, other, outage_hours, ratio, dispersion):
    """The floor is monotone in the rate."""
    slow, fast = sorted((one, other))
    assert floor_units(slow, outage_hours, ratio, dispersion) <= floor_units(
        fast, outage_hours, ratio, dispersion
    )


@given(rates, hours, hours, ratios, dispersions)
def test_a_longer_outage_never_needs_less_floor(rate, one, other, ratio, dispersion):
    """The floor is monotone in the outage."""
    short, long = sorted((one, other))
    assert floor_units(rate, short, ratio, dispersion) <= floor_units(rate, long, ratio, dispersion)


@given(rates, mixtures, ratios, ratios, dispersions)
def test_a_dearer_broken_promise_never_needs_less_floor(rate, mixture, one, other, dispersion):
    """The floor is monotone in the critical ratio, over any mixture of outages."""
    low, high = sorted((one, other))
    assert floor_units_over(rate, mixture, low, dispersion) <= floor_units_over(
        rate, mixture, high, dispersion
    )


@given(rates, mixtures, ratios, dispersions)
def test_a_mixture_lies_between_its_shortest_and_its_longest_outage(
    rate, mixture, ratio, dispersion
):
    """Uncertainty about the length never asks for more than the worst or less than the best."""
    alone = [floor_units_over(rate, Mixture.of([(hour, 1)]), ratio, dispersion)
             for hour, _ in mixture.parts]  # fmt: skip
    assert min(alone) <= floor_units_over(rate, mixture, ratio, dispersion) <= max(alone)


@given(st.floats(0, 50), ratios, dispersions)
def test_both_ways_of_adding_up_agree(mean, ratio, dispersion):
    """Step by step from 0, or from the mode outwards: the same but where the sum is a tie."""
    outwards = units_of(mean, dispersion)
    units = mixed_step_by_step([(mean, 1.0)], dispersion, ratio)
    assert outwards.cdf(units) >= ratio - 1e-12
    assert outwards.cdf(units - 1) < ratio + 1e-12


@given(st.floats(0, 500), st.integers(0, 600), dispersions)
def test_a_shortfall_falls_by_what_one_more_unit_saves(mean, units, dispersion):
    """E[(N-f)+] is at least mean - f, never negative, and convex in f."""
    first, second, third = (expected_shortfall(mean, units + n, dispersion) for n in range(3))
    assert first >= max(0.0, mean - units) - 1e-9
    assert first - second >= second - third - 1e-9
    assert second - third >= -1e-9


def test_customers_who_take_several_need_more_floor():
    """With the same mean, a wider distribution has a higher quantile."""
    assert floor_units(0.5, 8, 0.99, 3.0) > floor_units(0.5, 8, 0.99)


def test_the_ratio_weighs_a_broken_promise_against_a_lost_sale():
    """Underage / (underage + overage), in minor units."""
    assert critical_ratio(900, 100) == 0.9
    with pytest.raises(ValueError, match="no ratio"):
        critical_ratio(0, 0)


@given(st.integers(-5, 60), rates, mixtures, ratios, dispersions)
def test_a_target_is_never_more_than_there_is(free, rate, mixture, ratio, dispersion):
    """The book less what is promised caps the floor; below zero nothing can be kept."""
    target = floor_target(free, rate, mixture, ratio, dispersion)
    assert target == min(max(0, free), floor_units_over(rate, mixture, ratio, dispersion))


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_what_is_no_mean_is_refused(value):
    """A negative or endless expectation is a mistake of the caller's."""
    with pytest.raises(ValueError, match="no mean"):
        expected_shortfall(value, 1)


@pytest.mark.parametrize("ratio", [-0.1, 1.0])
def test_certainty_cannot_be_bought(ratio):
    """No floor makes it certain that no promise breaks."""
    with pytest.raises(ValueError, match="no probability"):
        floor_units(1, 1, ratio)


def test_a_new_store_takes_its_category_s_rate():
    """Without history the prior is the estimate; with much of it the SKU's own sales are."""
    fresh = Velocity()
    assert fresh.rate_per_hour(0.2) == pytest.approx(0.2)
    learned = fresh
    for _ in range(200):
        learned = learned.after(24)
    assert learned.rate_per_hour(0.2) == pytest.approx(1.0, rel=0.1)


def test_after_a_half_life_half_is_forgotten():
    """What was sold four weeks ago counts half of what is sold today."""
    learned = Velocity(units=100, hours=1000)
    for _ in range(28):
        learned = learned.after(0, 0)
    assert learned.units == pytest.approx(50)


def test_one_customer_in_many_takes_several():
    """E[q^2] / E[q] is 1 where everybody takes one, and grows with the large sales."""
    single = SaleSizes().after([1] * 10_000)
    mixed = SaleSizes().after([1, 1, 1, 3] * 10_000)
    assert single.dispersion() == pytest.approx(1.0, abs=0.001)
    assert mixed.dispersion() == pytest.approx(2.0, abs=0.001)


def test_a_store_s_own_outages_outweigh_the_prior():
    """A store with long outages keeps more; one whose outages are short keeps less."""
    bad = good = OutageHistory()
    for _ in range(30):
        bad, good = bad.after([24.0]), good.after([0.1])
    new = OutageHistory()
    lengths = [one.length_hours().mean() for one in (good, new, bad)]
    assert lengths == sorted(lengths)
    keeps = [floor_units_over(0.3, one.length_hours(), 0.9) for one in (good, bad)]
    assert keeps[0] < keeps[1]
    assert bad.outages_per_hour() > new.outages_per_hour()


def test_outages_known_by_their_age_count_as_those_that_were_learned_day_by_day():
    """One of a quarter ago counts half of one of today, among half as many hours or so."""
    learned = OutageHistory()
    for day in range(180):
        learned = learned.after([5.0] if day % 20 == 0 else [])
    known = OutageHistory.of(((5.0, 24.0 * (179 - day)) for day in range(0, 180, 20)), 24.0 * 180)
    assert known.lengths[0] == pytest.approx(learned.lengths[0])
    assert known.count == pytest.approx(learned.count)
    assert known.hours == pytest.approx(learned.hours, rel=0.01)
    old, young = (OutageHistory.of([(5.0, 24.0 * age)], 4320.0) for age in (90, 0))
    assert old.count == pytest.approx(young.count / 2)


def test_a_history_stays_small():
    """Any number of outages fits on a grid of fewer than 70 lengths."""
    history = OutageHistory().after(minutes / 60 for minutes in range(1, 43_200))
    assert len(history.lengths) < 70
    assert all(later > earlier for (earlier, _), (later, _) in pairwise(history.lengths))


def test_the_longer_the_silence_the_longer_the_outage():
    """Given its age, an outage is one of the longer ones; past all of them it doubles."""
    lengths = Mixture.of(PRIOR_LENGTHS)
    means = [whole_length_hours(lengths, silent).mean() for silent in (0, 0.5, 2, 10, 30, 100)]
    assert means == sorted(means)
    assert means[-1] == 200


@given(st.floats(0.01, 60), st.floats(0.01, 60), rates, ratios)
def test_the_floor_that_central_leaves_grows_with_the_silence(one, other, rate, ratio):
    """A store that has been silent for longer is promised from no more."""
    early, late = sorted((one, other))
    first, second = (hours_when_silent(OutageHistory(), silent, 1.0) for silent in (early, late))
    assert floor_units_over(rate, first, ratio) <= floor_units_over(rate, second, ratio)


def test_a_known_bad_store_keeps_more_before_it_drops():
    """In contact the chance and the length of the store's outages are in its floor already."""
    bad = OutageHistory()
    for _ in range(60):
        bad = bad.after([8.0], observed_hours=9.0)
    usual, wary = (hours_until_reclaim(one, 1.0, 2.25) for one in (OutageHistory(), bad))
    assert floor_units_over(0.3, wary, 0.95) > floor_units_over(0.3, usual, 0.95)
    assert max(hour for hour, _ in wary.parts) <= 3.25


def test_closed_hours_do_not_count():
    """An outage over night costs nothing; one over two days counts their open hours."""
    opening = HourProfile((0.0,) * 8 + (1.0,) * 12 + (0.0,) * 4)
    assert opening.hours_that_count(20, 12) == 0
    assert opening.hours_that_count(19.5, 13) == pytest.approx(1.0)
    assert opening.hours_that_count(0, 48) == 24
    assert ALL_DAY.hours_that_count(5, 72) == 72


@pytest.mark.parametrize(
    ("by_hour", "busy"),
    [
        ([0] * 24, 1.0),
        ([1] + [0] * 23, 1.0),
        ([1] * 24, 1.0),
        ([0] * 9 + [1000] * 12 + [0] * 3, 2.0),
        ([0] * 9 + [1000] * 12 + [3] * 3, 2.0),
        ([0] * 9 + [1500, *[900] * 9, 1500, 900] + [0] * 3, 2.1),
        ([9] + [0] * 23, 3.0),
    ],
    ids=["none", "one", "one an hour", "nine to nine", "strays", "peaks", "told once a day"],
)  # fmt: skip
def test_open_hours_are_those_in_which_sales_are(by_hour, busy):
    """What a sale's hour counts; few sales, and a till that tells all at once, say nothing."""
    day = HourProfile.from_opening(by_hour)
    assert day.weights[0] == busy
    assert sum(day.weights) == pytest.approx(24.0)
    assert list(day.weights) == sorted(day.weights, reverse=True)


@pytest.mark.slow
def test_a_large_store_is_sized_in_two_seconds():
    """50,000 SKUs, each with a rate of its own, over a mixture of outages."""
    mixture = hours_until_reclaim(OutageHistory(), 1.0, 2.25)
    began = time.process_time()
    total = sum(
        floor_target(20, 1.0 / (5 + number % 7_919), mixture, 0.98, 1.0 + number % 10 / 10)
        for number in range(50_000)
    )
    assert total > 0
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ((900, 950), 900),
        ((0, 950), 950),
        ((1_001, 950), 950),
        ((1_001, 1_002), 1_000),
        ((0, 0), 1_000),
        ((-5, 0), 1_000),
    ],
)
def test_a_sale_counts_when_it_can_have_been(claims, expected):
    """The till's word first, then its machine's, and never a time that is yet to come."""
    assert sold_when_ms(claims, 1_000) == expected


def test_a_sale_from_long_ago_has_no_time():
    """A till in 1970 would otherwise make a store look as if it had sold nothing for decades."""
    now, day = 1_763_900_000_000, 86_400_000
    assert sold_when_ms((now - 45 * day,), now) == now - 45 * day
    assert sold_when_ms((now - 45 * day - 1,), now) == now
