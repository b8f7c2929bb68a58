"""What central keeps about money, as plain values. Amounts in minor units, times in ms UTC."""

from dataclasses import dataclass

from sync.domain.tenders import TenderKind


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
