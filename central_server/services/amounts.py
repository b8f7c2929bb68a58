"""Amounts in what people read: an inbox, a verdict, a timeline. Programs get minor units."""

from sync.domain.money import in_major


def amount_words(amount_minor: int, currency: str) -> str:
    """Return an amount as an associate counts it out: `20.00 USD`, `2,000 JPY`, `1.250 KWD`."""
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{in_major(abs(amount_minor), currency)} {currency}"
