"""Cash, splits, caps and limits, to the minor unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.domain.tenders import (
    HOUR_MS,
    CardCaps,
    Cash,
    OfflineCard,
    TenderRefused,
    UnheardValue,
    ValueLimits,
    account_of,
    offline_card_refusal,
    rounded,
    take_cash,
    value_left,
)

amounts = st.integers(1, 10_000_000)
steps = st.sampled_from([1, 5, 10, 50])


@given(amounts, amounts, steps)
def test_cash_adds_up(due, given_units, step):
    """Given - change = amount + rounding, and neither side gains more than half a coin."""
    given_minor = given_units * step
    cash = take_cash(due, given_minor, step)
    assert given_minor - cash.change_minor == cash.amount_minor + cash.rounding_minor
    assert 0 < cash.amount_minor <= due
    assert cash.change_minor >= 0
    assert cash.change_minor % step == 0
    assert abs(cash.rounding_minor) * 2 <= step
    if cash.amount_minor < due:
        assert (cash.change_minor, cash.rounding_minor) == (0, 0)


@given(amounts, steps)
def test_what_can_be_paid_in_cash_is_a_number_of_coins(due, step):
    """The payable amount is the nearest one that exists."""
    payable = rounded(due, step)
    assert payable % step == 0
    assert abs(payable - due) * 2 <= step


def test_what_rounds_to_no_coin_is_settled_by_none():
    """Two cents are left and the smallest coin is five: nothing is given, and it is paid."""
    assert take_cash(2, 0, 5) == Cash(2, -2, 0)
    with pytest.raises(TenderRefused):
        take_cash(3, 0, 5)


@pytest.mark.parametrize(("due", "given_minor", "step"), [(0, 100, 1), (100, 0, 1), (100, 102, 5)])
def test_cash_that_makes_no_sense_is_refused(due, given_minor, step):
    """Nothing due, nothing given, a coin that does not exist."""
    with pytest.raises(TenderRefused):
        take_cash(due, given_minor, step)


cards = st.lists(st.integers(1, 20_000), max_size=60)


@given(cards, st.booleans())
def test_the_risk_of_offline_cards_is_bounded(wanted, enabled):
    """However cards come: never above the caps of payment, terminal and count; off takes none."""
    caps = CardCaps(enabled, 15_000, 100_000, 9)
    taken: list[OfflineCard] = []
    for now, amount in enumerate(wanted):
        if not offline_card_refusal(caps, taken, amount, now):
            taken.append(OfflineCard(amount, now))
    assert enabled or not taken
    assert sum(one.amount_minor for one in taken) <= caps.device_minor_max
    assert len(taken) <= caps.count_max
    assert all(one.amount_minor <= caps.payment_minor_max for one in taken)


def test_an_old_offline_card_stops_new_ones():
    """A payment that has waited a day says that something is wrong with settling."""
    caps = CardCaps(enabled=True)
    old = [OfflineCard(100, 0)]
    assert offline_card_refusal(caps, old, 100, 24 * HOUR_MS) == ""
    assert "waited too long" in offline_card_refusal(caps, old, 100, 24 * HOUR_MS + 1)


def test_offline_cards_are_off_unless_somebody_switches_them_on():
    """The risk is the retailer's own decision."""
    assert offline_card_refusal(CardCaps(), [], 1, 0) != ""


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 4_000)), max_size=30))
def test_stored_value_is_accepted_up_to_the_limits(wanted):
    """In total and for each card, until central has heard of what was accepted."""
    limits = ValueLimits(10_000, 6_000)
    unheard: list[UnheardValue] = []
    for account, amount in wanted:
        unheard.append(UnheardValue(account, min(amount, value_left(limits, unheard, account))))
    assert sum(one.amount_minor for one in unheard) <= limits.total_minor
    for account in "ab":
        of_it = [one.amount_minor for one in unheard if one.account == account]
        assert sum(of_it) <= limits.each_minor


def test_an_account_is_the_same_however_its_code_is_typed():
    """Upper or lower case, with or without dashes; and the code cannot be read back."""
    assert account_of("gc7q-29zx-mk0o") == account_of("GC7Q29ZXMK00")
    assert "GC7Q" not in account_of("gc7q-29zx-mk0o").upper()
