"""What paying needs: a payment terminal, a receipt printer, and the store's record of money.

Ports in the terminal's own words. A payment terminal is a device of its own: it
sees the card, we never do. Whatever it charges has a name that we give it
before, so that asking again is never charging again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.people import Approval


class CardOutcome(StrEnum):
    """What a payment terminal says of one payment."""

    APPROVED = "approved"
    DECLINED = "declined"
    UNKNOWN = "unknown"
    """It never heard of it: nothing was charged."""


@dataclass(frozen=True, slots=True)
class CardAnswer:
    """An answer, with the payment terminal's own name for the payment."""

    outcome: CardOutcome
    reference: str = ""
    is_offline: bool = False
    """Approved by the device alone: the issuer may decline it later."""
    text: str = ""
    """What stands on its display."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a payment that was approved offline."""

    reference: str
    amount_minor: int
    currency: str
    declined: bool


class TerminalSilent(Exception):
    """The payment terminal did not answer: whether it has charged is not known."""


class PaymentTerminal(Protocol):
    """A device that charges cards. Calls may take as long as a customer does."""

    def charge(
        self, payment: str, amount_minor: int, currency: str, *, allow_offline: bool
    ) -> CardAnswer:
        """Charge once for each name `payment`, however often it is asked.

        Without `allow_offline` it must not approve without the issuer. Raises `TerminalSilent`.
        """
        ...

    def recall(self, payment: str) -> CardAnswer:
        """Return what became of a payment, without charging. Raises `TerminalSilent`."""
        ...

    def void(self, payment: str) -> bool:
        """Give back what a payment charged; True where it is given back now or was already."""
        ...

    def settlements(self) -> Sequence[Settlement]:
        """Return what has become of offline payments; each until `settled` was called for it."""
        ...

    def settled(self, reference: str) -> None:
        """Forget a settlement that was recorded."""
        ...


class ReceiptPrinter(Protocol):
    """Puts receipts and reports on paper, or wherever they go."""

    def print(self, name: str, text: str) -> str:
        """Print `text`; return where it can be found. Raises `OSError`."""
        ...


class MoneyMove(Protocol):
    """An operation of this store that moves money."""

    @property
    def seq(self) -> int:
        """Its place in the journal."""
        ...

    @property
    def by(self) -> str:
        """The associate."""
        ...

    @property
    def device(self) -> str:
        """The terminal, whose drawer it is."""
        ...

    @property
    def at_ms(self) -> int:
        """When, by this machine's clock."""
        ...

    @property
    def operation(self) -> Any:
        """What was done."""
        ...

    @property
    def is_known(self) -> bool:
        """Whether central has acknowledged it."""
        ...


class TillStore(Protocol):
    """The part of the store's data that is about money and what begins at the counter."""

    def begin_order(self, operation: Any, *, by: str, dev: str) -> FulfillmentOrder:
        """Record an order that begins here durably, and return it, or raise."""
        ...

    def record_money(
        self, operation: Any, *, by: str, dev: str, approval: Approval | None = None
    ) -> None:
        """Record an operation on a drawer or a settled card durably."""
        ...

    def money_moves(self) -> Sequence[MoneyMove]:
        """Return the newest operations that move money, oldest first."""
        ...

    def currency(self) -> str:
        """Return the currency of this store's prices; empty before there are any."""
        ...

    def central_now_ms(self) -> int:
        """Return what central's clock shows now, as well as this machine can tell."""
        ...

    def knows_central_time(self) -> bool:
        """Return whether `central_now_ms` stands on what nobody can set."""
        ...


class NoTerminal:
    """A machine without a payment terminal: nothing is ever charged."""

    def charge(
        self, payment: str, amount_minor: int, currency: str, *, allow_offline: bool
    ) -> CardAnswer:
        """Decline."""
        del payment, amount_minor, currency, allow_offline
        return CardAnswer(CardOutcome.DECLINED, text="No payment terminal is set up here.")

    def recall(self, payment: str) -> CardAnswer:
        """Know of nothing."""
        del payment
        return CardAnswer(CardOutcome.UNKNOWN)

    def void(self, payment: str) -> bool:
        """Have nothing to give back."""
        del payment
        return False

    def settlements(self) -> Sequence[Settlement]:
        """Settle nothing."""
        return ()

    def settled(self, reference: str) -> None:
        """Settle nothing."""


class NoPrinter:
    """A machine without a printer: nothing is printed, and nobody is stopped by that."""

    def print(self, name: str, text: str) -> str:
        """Print nowhere."""
        del name, text
        return ""


@dataclass(frozen=True, slots=True)
class Devices:
    """What stands beside the terminal."""

    payment_terminal: PaymentTerminal = field(default_factory=NoTerminal)
    receipts: ReceiptPrinter = field(default_factory=NoPrinter)


NO_DEVICES = Devices()
