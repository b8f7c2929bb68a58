"""What paying needs: a payment terminal, a receipt printer, and the store's record of money.

Ports in the terminal's own words. A payment terminal is a device of its own: it
sees the card, we never do. Whatever it charges has a name that we give it
before, so that asking again is never charging again.
"""

from collections.abc import Callable, Mapping, Sequence
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
        """Give back what a payment charged; True where it is given back now or was already.

        Raises `TerminalSilent`.
        """
        ...

    def settlements(self) -> Sequence[Settlement]:
        """Return what has become of offline payments; each until `settled` was called for it."""
        ...

    def settled(self, reference: str) -> None:
        """Forget a settlement that was recorded."""
        ...


class ReceiptPrinter(Protocol):
    """Puts receipts and reports on paper, or wherever they go."""

    def print(self, name: str, text: str, code: str = "") -> str:
        """Print `text`, and `code` as a code to scan; return where it can be found.

        Raises `OSError`.
        """
        ...

    def kept(self, name: str) -> str:
        """Return the text that was printed under that name here. Raises `OSError`."""
        ...


class PrintKind(StrEnum):
    """What is printed; a printer says which of these it takes."""

    RECEIPT = "receipt"
    REPORT = "report"
    LABEL = "label"
    SLIP = "slip"
    MANIFEST = "manifest"
    PICK_LIST = "pick_list"


class PrintState(StrEnum):
    """Where a print job stands."""

    WAITING = "waiting"
    PRINTING = "printing"
    PRINTED = "printed"
    DOUBTFUL = "doubtful"
    """It may be on paper, and another print could not be told from it: a person decides."""
    CANCELLED = "cancelled"


OPEN_STATES = frozenset({PrintState.WAITING, PrintState.PRINTING, PrintState.DOUBTFUL})


class PrintForm(StrEnum):
    """What the body of a job is."""

    TEXT = "text"
    ZPL = "zpl"
    PDF = "pdf"


CAN_BE_MARKED = frozenset({PrintForm.TEXT, PrintForm.ZPL})
"""Forms that a printer can put the word COPY on."""


@dataclass(frozen=True, slots=True)
class PrintJob:
    """One thing that is to be on paper once."""

    kind: PrintKind
    name: str
    """What people call it, such as `receipt-K7Q2-0042-1`."""
    form: PrintForm
    body: bytes
    """UTF-8 text, ZPL or a PDF file."""
    code: str = ""
    """Printed under a text as a code to scan."""
    by: str = ""
    """Who wanted it."""
    id: int = 0
    printer: str = ""
    state: PrintState = PrintState.WAITING
    is_copy: bool = False
    """It may be on paper already: what is printed now says COPY."""
    tries: int = 0
    problem: str = ""
    """Why it is not on paper yet."""
    created_ms: int = 0


class PrintQueue(Protocol):
    """What waits for a printer of this machine: durable, and the daemon prints it."""

    def add(self, job: PrintJob, now_ms: int) -> bool:
        """Keep a job durably; False where no printer takes its kind, and nothing is kept.

        Raises `OSError` where it cannot be kept.
        """
        ...

    def jobs(self, limit: int = 200) -> Sequence[PrintJob]:
        """Return the jobs without their bodies: open ones first, then the newest."""
        ...

    def printers(self) -> Sequence[str]:
        """Return the names of the printers of this machine."""
        ...

    def again(self, job_id: int, printer: str = "") -> bool:
        """Print a job again, or now: one that may be on paper as COPY. False if it cannot."""
        ...

    def cancel(self, job_id: int) -> bool:
        """Print it no more; False where it is being printed or has been."""
        ...


class PrinterAway(Exception):
    """The printer cannot be reached: nothing of the job is on paper."""


class PrinterBroke(Exception):
    """The printer failed while it was being sent to: some of it may be on paper."""


class Printer(Protocol):
    """One printer. Raises `PrinterAway` or `PrinterBroke`."""

    def print(self, job: PrintJob) -> None:
        """Send a job; one that `is_copy` says so on the paper."""
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
        self,
        operation: Any,
        *,
        by: str,
        dev: str,
        approval: Approval | None = None,
        judge: Callable[[object], object] = ...,
    ) -> None:
        """Record an operation on a drawer or a settled card durably; `judge` may call it off."""
        ...

    def begin_void(
        self,
        fulfillment_id: str,
        tender: int,
        *,
        dev: str,
        judge: Callable[[FulfillmentOrder], object],
    ) -> None:
        """Note durably that a tender is to be given back by a device; `judge` may call it off."""
        ...

    def end_void(self, fulfillment_id: str, tender: int) -> None:
        """Forget that a tender is being given back."""
        ...

    def voids_begun(self, fulfillment_id: str) -> Mapping[int, str]:
        """Return the tenders of an order that are being given back, each with its terminal."""
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

    def print(self, name: str, text: str, code: str = "") -> str:
        """Print nowhere."""
        del name, text, code
        return ""

    def kept(self, name: str) -> str:
        """Have kept nothing."""
        raise FileNotFoundError(f"{name} was not printed here")


class NoQueue:
    """A machine without printers: implements `PrintQueue` by keeping nothing."""

    def add(self, job: PrintJob, now_ms: int) -> bool:
        """Take nothing."""
        del job, now_ms
        return False

    def jobs(self, limit: int = 200) -> Sequence[PrintJob]:
        """Have nothing."""
        del limit
        return ()

    def printers(self) -> Sequence[str]:
        """Know no printer."""
        return ()

    def again(self, job_id: int, printer: str = "") -> bool:
        """Have nothing to print."""
        del job_id, printer
        return False

    def cancel(self, job_id: int) -> bool:
        """Have nothing to cancel."""
        del job_id
        return False


@dataclass(frozen=True, slots=True)
class Devices:
    """What stands beside the terminal."""

    payment_terminal: PaymentTerminal = field(default_factory=NoTerminal)
    receipts: ReceiptPrinter = field(default_factory=NoPrinter)
    queue: PrintQueue = field(default_factory=NoQueue)


NO_DEVICES = Devices()
