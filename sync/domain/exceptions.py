"""What a person must look at: kinds, owners, due times, and what to do, in one table.

An exception is a row with an owner and a due time that people work off; nothing
that went wrong is only a line of a log. A kind stands here only if something
opens it. Some end by themselves, when their cause is gone; the others when a
person says what was done.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Literal

from sync.domain.errors import OperationRefused

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
CLOCK_OFFSET_MS_MAX = 2 * MINUTE_MS
"""A device whose clock is further off than this is told, and somebody mends it."""
NOTE_LENGTH_MAX = 500
ASSIGNEE_LENGTH_MAX = 60
AGGREGATE_PREFIX = "exception:"


class ExceptionOwner(StrEnum):
    """Who has to act."""

    CENTRAL = "central"
    STORE = "store"


class ExceptionKind(StrEnum):
    """What happened."""

    UNSOURCED = "unsourced"
    PROMISE_BROKEN = "promise_broken"
    REFUND_TO_VOID = "refund_to_void"
    DOUBLE_FULFILLMENT = "double_fulfillment"
    MAIL_FAILED = "mail_failed"
    QUARANTINED = "quarantined"
    PUT_BACK_DUE = "put_back_due"
    CLOCK_WRONG = "clock_wrong"
    COUNT_DUE = "count_due"
    LABEL_REFUSED = "label_refused"
    VALUE_OVERDRAWN = "value_overdrawn"
    CARD_NOT_SETTLED = "card_not_settled"
    DRAWER_DIFFERENCE = "drawer_difference"
    WORK_LOST = "work_lost"
    WORK_FAILED = "work_failed"
    FOLLOW_UP = "follow_up"
    MONEY_OWED = "money_owed"
    RECEIPT_DISCREPANCY = "receipt_discrepancy"
    RECEIPT_LATE = "receipt_late"


@dataclass(frozen=True, slots=True)
class ExceptionPolicy:
    """How exceptions of one kind are worked off."""

    owner: ExceptionOwner
    """Who has to act unless it is assigned to the other side."""
    due_in_ms: int
    title: str
    to_do: str
    ends: str = ""
    """What ends it by itself, in words; empty where a person says that it is done."""
    shown_to_store: bool = False
    """Whether the store sees it though central owns it."""

    def due_ms(self, opened_ms: int) -> int:
        """Return until when it has to be settled."""
        return opened_ms + self.due_in_ms


_CENTRAL, _STORE = ExceptionOwner.CENTRAL, ExceptionOwner.STORE

POLICIES: dict[ExceptionKind, ExceptionPolicy] = {
    ExceptionKind.UNSOURCED: ExceptionPolicy(
        _CENTRAL, 4 * HOUR_MS, "No store gives the goods",
        "Ask the customer: wait, another product, or the money back.",
    ),
    ExceptionKind.PROMISE_BROKEN: ExceptionPolicy(
        _STORE, 4 * HOUR_MS, "Tell the customer",
        "No message could be sent: tell the customer when they come or call.",
    ),
    ExceptionKind.REFUND_TO_VOID: ExceptionPolicy(
        _CENTRAL, 24 * HOUR_MS, "A refund must not go out",
        "Void the refund, or charge again: the customer has the goods.",
    ),
    ExceptionKind.DOUBLE_FULFILLMENT: ExceptionPolicy(
        _CENTRAL, 24 * HOUR_MS, "The same goods from two stores",
        "Stop the other store, or agree with the customer on what they keep.",
    ),
    ExceptionKind.MAIL_FAILED: ExceptionPolicy(
        _CENTRAL, 4 * HOUR_MS, "A message did not go out",
        "Tell the customer in another way.",
    ),
    ExceptionKind.QUARANTINED: ExceptionPolicy(
        _CENTRAL, 4 * HOUR_MS, "Operation held back",
        "Central mends the cause and retries it, or skips it with a reason.",
        ends="it ends when the operation is retried or skipped", shown_to_store=True,
    ),
    ExceptionKind.PUT_BACK_DUE: ExceptionPolicy(
        _STORE, 8 * HOUR_MS, "Goods to put back",
        "Open the order and put its goods back on the shelf.",
        ends="it ends when the goods are put back in the order itself",
    ),
    ExceptionKind.CLOCK_WRONG: ExceptionPolicy(
        _STORE, 24 * HOUR_MS, "Clock is wrong",
        "Set date and time of this machine, or have it done.",
        ends="it ends when the clock is right again",
    ),
    ExceptionKind.COUNT_DUE: ExceptionPolicy(
        _STORE, 24 * HOUR_MS, "Count these goods",
        "Look for them everywhere, count them, and write down how many there are.",
    ),
    ExceptionKind.LABEL_REFUSED: ExceptionPolicy(
        _STORE, 4 * HOUR_MS, "The carrier gives no label",
        "Open the order: ask again, or write down the number of a label bought otherwise.",
    ),
    ExceptionKind.VALUE_OVERDRAWN: ExceptionPolicy(
        _CENTRAL, 48 * HOUR_MS, "Gift card overdrawn",
        "A store accepted more than was on it while it was away: write it off, or ask for it.",
    ),
    ExceptionKind.CARD_NOT_SETTLED: ExceptionPolicy(
        _CENTRAL, 24 * HOUR_MS, "Card declined afterwards",
        "The goods are gone and the card was declined: ask the customer for the money.",
        shown_to_store=True,
    ),
    ExceptionKind.DRAWER_DIFFERENCE: ExceptionPolicy(
        _STORE, 24 * HOUR_MS, "Drawer does not add up",
        "Look at the tender report of that session and say what was found.",
    ),
    ExceptionKind.WORK_LOST: ExceptionPolicy(
        _CENTRAL, 24 * HOUR_MS, "Work of a store is lost",
        "Have goods counted and drawers checked there, and ask about its orders of that time.",
    ),
    ExceptionKind.WORK_FAILED: ExceptionPolicy(
        _CENTRAL, 4 * HOUR_MS, "Central could not do a piece of its work",
        "Mend what the text names; central tries it again by itself.",
        ends="it ends when the work is done, or nobody waits for it any more",
    ),
    ExceptionKind.MONEY_OWED: ExceptionPolicy(
        _STORE, 24 * HOUR_MS, "Money to give back",
        "Open the payment of the order and give back what was paid for goods that are not sent.",
        ends="it ends when the money is given back in the order itself",
    ),
    ExceptionKind.RECEIPT_DISCREPANCY: ExceptionPolicy(
        _CENTRAL, 48 * HOUR_MS, "Not as many came as were sent",
        "Ask who sent them and who counted them; correct the stock there, or write it off.",
    ),
    ExceptionKind.RECEIPT_LATE: ExceptionPolicy(
        _CENTRAL, 24 * HOUR_MS, "Goods that orders wait for",
        "Ask who sends them; say when and how many come, or close the receipt with what came.",
        ends="it ends when they come in time and number, or nobody waits for them",
    ),
    ExceptionKind.FOLLOW_UP: ExceptionPolicy(
        _STORE, 24 * HOUR_MS, "Follow-up", "Somebody here wrote it down: do what it says.",
    ),
}  # fmt: skip
"""The one table. A kind without a row is an error of the table, and a test says so."""


def known_policy(kind: str) -> ExceptionPolicy | None:
    """Return the policy of `kind`; None for one that only another version knows."""
    try:
        return POLICIES[ExceptionKind(kind)]
    except ValueError:
        return None


def shown_to_store(kind: str, owner: str) -> bool:
    """Return whether an exception of `kind` that `owner` has travels to its store."""
    if owner == ExceptionOwner.STORE:
        return True
    policy = known_policy(kind)
    return policy is not None and policy.shown_to_store


class NotEndedByPeople(OperationRefused):
    """This exception ends by itself, when its cause is gone."""

    code = "not_ended_by_people"

    def __init__(self, kind: str, ends: str) -> None:
        self.kind = kind
        super().__init__(f"nobody can call this done: {ends}")


class NoteMissing(OperationRefused):
    """Whoever closes an exception says in a few words what was done."""

    code = "note_missing"

    def __init__(self) -> None:
        super().__init__(f"say what was done, in at most {NOTE_LENGTH_MAX} characters")


def check_closable(kind: str, note: str) -> None:
    """Raise `OperationRefused` where a person cannot close an exception of `kind` like this."""
    policy = known_policy(kind)
    if policy is not None and policy.ends:
        raise NotEndedByPeople(kind, policy.ends)
    if not note.strip() or len(note) > NOTE_LENGTH_MAX:
        raise NoteMissing


@dataclass(frozen=True, slots=True)
class ExceptionResolved:
    """The store did what one of its exceptions asked for, and says what it did."""

    is_request: ClassVar[bool] = False
    exception_id: str
    note: str
    kind: Literal["exception_resolved"] = "exception_resolved"

    @property
    def aggregate(self) -> str:
        """What it is about."""
        return exception_aggregate(self.exception_id)


@dataclass(frozen=True, slots=True)
class FollowUpOpened:
    """Somebody at the store wrote down what is to be done, until when, and by whom."""

    is_request: ClassVar[bool] = False
    exception_id: str
    text: str
    due_ms: int
    assignee: str = ""
    """A person or a role; empty: whoever comes first."""
    about: str = ""
    """The fulfillment order that it is about, if it is about one."""
    order_number: str = ""
    kind: Literal["follow_up_opened"] = "follow_up_opened"

    @property
    def aggregate(self) -> str:
        """What it is about."""
        return exception_aggregate(self.exception_id)


@dataclass(frozen=True, slots=True)
class ExceptionAssigned:
    """One of the store's exceptions is now this person's or this role's; empty: anybody's."""

    is_request: ClassVar[bool] = False
    exception_id: str
    assignee: str
    kind: Literal["exception_assigned"] = "exception_assigned"

    @property
    def aggregate(self) -> str:
        """What it is about."""
        return exception_aggregate(self.exception_id)


Task = FollowUpOpened | ExceptionAssigned | ExceptionResolved
"""Operations on what people of a store must look at."""


class TaskRefused(OperationRefused):
    """A follow-up that nobody could act on."""

    code = "task_refused"


def check_task(operation: FollowUpOpened | ExceptionAssigned) -> None:
    """Raise `OperationRefused` for a follow-up without words, or with too many."""
    if len(operation.assignee) > ASSIGNEE_LENGTH_MAX:
        raise TaskRefused(f"name a person or a role in {ASSIGNEE_LENGTH_MAX} characters")
    if isinstance(operation, FollowUpOpened):
        text = operation.text.strip()
        if not text or len(text) > NOTE_LENGTH_MAX:
            raise TaskRefused(f"say what is to be done, in at most {NOTE_LENGTH_MAX} characters")


def exception_aggregate(exception_id: str) -> str:
    """Return the aggregate of operations on one exception."""
    return AGGREGATE_PREFIX + exception_id
