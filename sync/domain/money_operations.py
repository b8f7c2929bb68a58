"""Operations on a store's money that are about no single order: drawers, and cards that settle.

A drawer's day is its session: it is opened with a float, takes and gives cash,
and is counted. What was counted is a fact, and what it should have been is too.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Literal

DRAWER_PREFIX = "drawer:"


class CashReason(StrEnum):
    """Why cash was put into a drawer or taken out of it beside sales."""

    CHANGE = "change"
    DEPOSIT = "deposit"
    EXPENSE = "expense"


@dataclass(frozen=True, slots=True)
class DrawerOpened:
    """A drawer begins a session with this float."""

    is_request: ClassVar[bool] = False
    drawer: str
    session: int
    """1, 2, 3 … of this drawer."""
    float_minor: int
    currency: str
    kind: Literal["drawer_opened"] = "drawer_opened"

    @property
    def aggregate(self) -> str:
        """What it is about."""
        return DRAWER_PREFIX + self.drawer


@dataclass(frozen=True, slots=True)
class CashMoved:
    """Cash was put into a drawer (positive) or taken out of it (negative), beside sales."""

    is_request: ClassVar[bool] = False
    drawer: str
    session: int
    amount_minor: int
    currency: str
    reason: CashReason
    kind: Literal["cash_moved"] = "cash_moved"

    @property
    def aggregate(self) -> str:
        """What it is about."""
        return DRAWER_PREFIX + self.drawer


@dataclass(frozen=True, slots=True)
class DrawerCounted:
    """A drawer was counted, which ends its session; its cash goes to the safe."""

    is_request: ClassVar[bool] = False
    drawer: str
    session: int
    counted_minor: int
    expected_minor: int
    """What should have been in it, as the store knew then."""
    currency: str
    kind: Literal["drawer_counted"] = "drawer_counted"

    @property
    def aggregate(self) -> str:
        """What it is about."""
        return DRAWER_PREFIX + self.drawer


@dataclass(frozen=True, slots=True)
class CardSettled:
    """What became of a card payment that was approved offline."""

    is_request: ClassVar[bool] = False
    reference: str
    """The payment terminal's own."""
    amount_minor: int
    currency: str
    declined: bool
    order_number: str = ""
    kind: Literal["card_settled"] = "card_settled"

    @property
    def aggregate(self) -> str:
        """What it is about."""
        return f"card:{self.reference}"


MoneyOperation = DrawerOpened | CashMoved | DrawerCounted | CardSettled
