"""Amounts in sentences: what an associate counts out, whatever coins the currency has."""

import pytest

from sync.domain.money import amount_words


@pytest.mark.parametrize(
    ("minor", "currency", "words"),
    [
        (2000, "USD", "20.00 USD"), (2000, "JPY", "2,000 JPY"), (1250, "KWD", "1.250 KWD"),
        (-5, "USD", "-0.05 USD"), (123_456_789, "KRW", "123,456,789 KRW"),
    ],
)  # fmt: skip
def test_nobody_has_to_know_of_minor_units(minor, currency, words):
    """2000 dinars where 2.000 are owed is a thousand times too much."""
    assert amount_words(minor, currency) == words
