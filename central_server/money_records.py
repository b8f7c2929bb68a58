"""What central keeps about money, as plain values. Amounts in minor units, times in ms UTC."""

from dataclasses import dataclass

from sync.domain.tenders import TenderKind

VALUE_MINOR_MAX = 100_000_000
"""What a gift card or credit may be issued with."""


@dataclass(frozen=True, slots=True)
class MoneyEntry:
    """One entry of the money ledger, never changed afterwards."""

    location_id: str
    account: str
    amount_minor: int
    currency: str
    source: str
    """The operation's id."""
    drawer: str
    associate: str
    at_ms: int
    """The store's claim: a day of a drawer is its own."""


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A gift card or credit, by the hash of its code."""

    account: str
    means: TenderKind
    currency: str
    balance_minor: int
    created_ms: int


@dataclass(frozen=True, slots=True)
class ValueEntry:
    """One movement on a gift card or credit, never changed afterwards."""

    amount_minor: int
    source: str
    """An operation's id, or in words who did what."""
    at_ms: int

    @property
    def is_blocking(self) -> bool:
        """Whether it set an amount aside, or gave one back that had been."""
        return self.source.startswith(BLOCKED)


BLOCKED = "blocked: "
"""How sources begin of amounts that are set aside: a value is blocked while they do not add up to
zero, so that whether it is follows from its entries."""
