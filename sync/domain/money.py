"""Money: integer minor units and a currency. Never a float."""

from dataclasses import dataclass

from sync.domain.errors import CurrencyMismatch

DECIMALS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
         "XAF", "XOF", "XPF"), 0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}  # fmt: skip
"""Digits after the point of currencies that have not two (ISO 4217, list one)."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents, pence, yen) of one ISO 4217 currency."""

    amount_minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        """Return the sum; both must be of one currency."""
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """Return the difference; both must be of one currency."""
        return Money(self.amount_minor - self._same(other), self.currency)

    def times(self, quantity: int) -> "Money":
        """Return the price of `quantity` units."""
        return Money(self.amount_minor * quantity, self.currency)

    def split(self, weights: tuple[int, ...]) -> tuple["Money", ...]:
        """Split by `weights` so that the parts add up exactly (largest remainder method)."""
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise ValueError("weights must not be negative and must not all be zero")
        shares = [self.amount_minor * weight // total for weight in weights]
        remainders = [self.amount_minor * weight % total for weight in weights]
        order = sorted(range(len(weights)), key=lambda i: (-remainders[i], i))
        for index in order[: self.amount_minor - sum(shares)]:
            shares[index] += 1
        return tuple(Money(share, self.currency) for share in shares)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other.amount_minor


def decimals(currency: str) -> int:
    """Return how many digits a currency has after the point."""
    return DECIMALS.get(currency, 2)


def amount_words(amount_minor: int, currency: str) -> str:
    """Return an amount as an associate counts it out: `20.00 USD`, `2,000 JPY`, `-1.250 KWD`."""
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{in_major(abs(amount_minor), currency)} {currency}"


def in_major(amount_minor: int, currency: str) -> str:
    """Return an amount that is not negative as people write it: 1,234.50, or 1,234 of yen."""
    digits = decimals(currency)
    whole, part = divmod(amount_minor, 10**digits)
    return f"{whole:,}.{part:0{digits}}" if digits else f"{whole:,}"
