"""A drawer's session from its float to its count, and the tender report of it. To the minor unit.

Everything is derived from the journal: what moved money, at which terminal, by
whom. The report's debits are its credits; what was counted beside what should
have been there is the one figure that people bring in.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from store_client.devices import MoneyMove
from store_client.ports import Store
from store_client.services.desk import Desk, Refusal
from store_client.services.words import money, units
from sync.domain.card_numbers import refuse_card_numbers
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.money import decimals
from sync.domain.money_ledger import (
    Posting,
    balances,
    cash_account,
    money_postings,
    tender_postings,
)
from sync.domain.money_operations import (
    CardSettled,
    CashMoved,
    CashReason,
    DrawerCounted,
    DrawerOpened,
)
from sync.domain.people import Action
from sync.domain.reserve_operations import (
    CardAnswered,
    ReservationConverted,
    TenderReturned,
    TenderTaken,
    ValueAsked,
)
from sync.domain.tenders import Tender, TenderKind, TenderState, find_tender

DEFAULT_CURRENCY = "USD"
"""Of a store that has no prices yet."""
WIDTH = 42
RULE = "-" * WIDTH


@dataclass(frozen=True, slots=True)
class Entry:
    """A move with what it means in the ledger."""

    move: MoneyMove
    postings: tuple[Posting, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """A session of one drawer."""

    drawer: str
    number: int
    float_minor: int
    currency: str
    opened_ms: int
    entries: tuple[Entry, ...] = ()
    counted: DrawerCounted | None = None
    closed_ms: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it has not been counted yet."""
        return self.counted is None

    @property
    def unsent(self) -> int:
        """Operations of it, before its count, that central has not heard of."""
        moves = [entry.move for entry in self.entries]
        return sum(
            not move.is_known and not isinstance(move.operation, DrawerCounted) for move in moves
        )

    @property
    def expected_minor(self) -> int:
        """What should be in the drawer."""
        account = cash_account(self.drawer)
        return sum(
            posting.amount_minor
            for entry in self.entries
            if not isinstance(entry.move.operation, DrawerCounted)
            for posting in entry.postings
            if posting.account == account
        )


# --- the ledger of this store, as its own journal has it --------------------------------------


def entries_of(store: Store) -> list[Entry]:
    """Return all moves of money that are known, with their entries, oldest first."""
    orders: dict[str, FulfillmentOrder | None] = {}
    returned: set[tuple[str, int]] = set()
    found = []
    for move in store.money_moves():
        key = getattr(move.operation, "fulfillment_id", "")
        if isinstance(move.operation, TenderReturned):
            if (key, move.operation.tender) in returned:
                continue  # it had gone back already: nothing moved
            returned.add((key, move.operation.tender))
        if key and key not in orders:
            orders[key] = store.fulfillment(key)
        postings = _postings(move, orders.get(key))
        if postings or not key:
            found.append(Entry(move, postings))
    return found


def _postings(move: MoneyMove, order: FulfillmentOrder | None) -> tuple[Posting, ...]:
    """Return what an operation means, by the order as it stands: its tenders say how they ended."""
    operation = move.operation
    match operation:
        case TenderTaken():
            taken = Tender(
                operation.tender, operation.means, operation.amount_minor, TenderState.TAKEN,
                rounding_minor=operation.rounding_minor,
            )  # fmt: skip
            return tender_postings(taken, move.device)
        case CardAnswered(approved=True) | ValueAsked() | TenderReturned():
            return _of_tender(operation, _tender(order, operation.tender), move.device)
        case ReservationConverted(total_minor=total):
            return Posting("customers", total), Posting("sales", -total)
        case _:
            return money_postings(operation)


def _of_tender(operation: object, tender: Tender | None, drawer: str) -> tuple[Posting, ...]:
    if tender is None:
        return ()
    if isinstance(operation, ValueAsked):
        # What came of it is central's word. What was given back was taken then, so that a
        # session that is counted already stays as it was; taken out unanswered, both cancel.
        is_taken = tender.state in {TenderState.TAKEN, TenderState.RETURNED}
        return tender_postings(tender, drawer) if is_taken else ()
    if isinstance(operation, TenderReturned):
        if tender.state is not TenderState.RETURNED:
            return ()
        back = tender_postings(tender, drawer)
        return tuple(Posting(one.account, -one.amount_minor) for one in back)
    return tender_postings(tender, drawer)


def _tender(order: FulfillmentOrder | None, number: int) -> Tender | None:
    if order is None or order.reserve is None:
        return None
    return find_tender(order.reserve.tenders, number)


# --- sessions ---------------------------------------------------------------------------------


def sessions(store: Store, drawer: str) -> list[Session]:
    """Return the sessions of a drawer that are known, oldest first."""
    found: list[Session] = []
    for entry in entries_of(store):
        operation = entry.move.operation
        if isinstance(operation, DrawerOpened) and operation.drawer == drawer:
            found.append(
                Session(
                    drawer, operation.session, operation.float_minor, operation.currency,
                    entry.move.at_ms, (entry,),
                )
            )  # fmt: skip
        elif found and found[-1].is_open and entry.move.device == drawer:
            found[-1] = _with(found[-1], entry)
    return found


def _with(session: Session, entry: Entry) -> Session:
    operation = entry.move.operation
    counted = operation if isinstance(operation, DrawerCounted) else None
    return Session(
        session.drawer, session.number, session.float_minor, session.currency, session.opened_ms,
        (*session.entries, entry), counted, entry.move.at_ms if counted else 0,
    )  # fmt: skip


def open_session(store: Store, drawer: str) -> Session | None:
    """Return the session that is open now."""
    found = sessions(store, drawer)
    return found[-1] if found and found[-1].is_open else None


def require_session(desk: Desk, currency: str = "") -> Session:
    """Return the open session of this terminal's drawer, or say how to begin one.

    What is in `currency` goes into no drawer of another one: its report is one sum.
    """
    found = open_session(desk.store, desk.device)
    if found is None:
        raise Refusal("The drawer of this terminal is not open.", "Open it first: F8 on Today.")
    if currency not in {"", found.currency}:
        raise Refusal(
            f"This drawer is in {found.currency}, and this is paid in {currency}.",
            f"Count it, and open it anew in {currency}.",
        )
    return found


def currency_of(store: Store) -> str:
    """Return the currency in which this store sells."""
    return store.currency() or DEFAULT_CURRENCY


def require_cash(session: Session, amount_minor: int) -> None:
    """Refuse to take out more than there should be in the drawer."""
    if amount_minor > session.expected_minor:
        left = money(session.expected_minor, session.currency)
        raise Refusal(f"There are only {left} in the drawer.", "Put cash in first, or count it.")


# --- what people do with a drawer -------------------------------------------------------------


def open_drawer(desk: Desk, float_minor: int, currency: str = "") -> Session:
    """Begin a session with a float, in the store's currency unless another one is said."""
    desk.require(Action.RUN_DRAWER)
    _refuse_less_than_nothing(float_minor)
    known = sessions(desk.store, desk.device)
    if known and known[-1].is_open:
        raise Refusal("This drawer is open already.", "Count it before it is opened anew.")
    number = known[-1].number + 1 if known else 1
    opened = DrawerOpened(desk.device, number, float_minor, currency or currency_of(desk.store))
    desk.record_money(opened)
    return require_session(desk)


def move_cash(desk: Desk, amount_minor: int, reason: CashReason) -> Session:
    """Put cash into the drawer (positive) or take it out, for a reason."""
    action = Action.TAKE_CASH_OUT if amount_minor < 0 else Action.RUN_DRAWER
    desk.require(action)
    session = require_session(desk)
    require_cash(session, -amount_minor)
    moved = CashMoved(desk.device, session.number, amount_minor, session.currency, reason)
    desk.record_money(moved, action)
    return require_session(desk)


def count_drawer(desk: Desk, counted_minor: int) -> Session:
    """End the session with what was counted, and print its report."""
    desk.require(Action.RUN_DRAWER)
    _refuse_less_than_nothing(counted_minor)
    session = require_session(desk)
    counted = DrawerCounted(
        desk.device, session.number, counted_minor, session.expected_minor, session.currency
    )
    desk.record_money(counted)
    ended = sessions(desk.store, desk.device)[-1]
    with suppress(OSError):  # it is counted, on paper or not; F7 prints it again
        desk.devices.receipts.print(
            f"tenders-{desk.device}-{ended.number}", report_text(report_of(ended), desk.store)
        )
    return ended


def _refuse_less_than_nothing(amount_minor: int) -> None:
    if amount_minor < 0:
        raise Refusal("There is never less than nothing in a drawer.", "Type what is in it.")


# --- the report -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TenderLine:
    """What one means brought: taken, given back, and together, in minor units."""

    means: str
    count: int
    taken_minor: int
    returned_minor: int

    @property
    def net_minor(self) -> int:
        """What is left of it."""
        return self.taken_minor - self.returned_minor


@dataclass(frozen=True, slots=True)
class Report:
    """The tender report of a session. All amounts in minor units of its currency."""

    drawer: str
    session: int
    currency: str
    opened_ms: int
    closed_ms: int
    float_minor: int
    cash_moved_minor: int
    tenders: tuple[TenderLine, ...]
    by_associate: dict[str, tuple[TenderLine, ...]] = field(default_factory=dict)
    sales_minor: int = 0
    prepaid_minor: int = 0
    """Taken for goods that have not left yet; negative: goods left that were paid before."""
    rounding_minor: int = 0
    expected_minor: int = 0
    counted_minor: int | None = None
    unsent: int = 0
    """Operations of it that central has not heard of: they are kept here, and go by themselves."""

    @property
    def difference_minor(self) -> int:
        """Counted beyond what was expected; negative: missing."""
        return 0 if self.counted_minor is None else self.counted_minor - self.expected_minor

    @property
    def is_balanced(self) -> bool:
        """Whether tenders are sales, prepayments and rounding, to the minor unit."""
        tendered = sum(one.net_minor for one in self.tenders)
        return tendered == self.sales_minor + self.prepaid_minor + self.rounding_minor


def report_of(session: Session) -> Report:
    """Return the report of a session, open or ended."""
    people = sorted({entry.move.by for entry in session.entries})
    sums = balances(posting for entry in session.entries for posting in entry.postings)
    moved = sum(
        entry.move.operation.amount_minor
        for entry in session.entries
        if isinstance(entry.move.operation, CashMoved)
    )
    return Report(
        drawer=session.drawer,
        session=session.number,
        currency=session.currency,
        opened_ms=session.opened_ms,
        closed_ms=session.closed_ms,
        float_minor=session.float_minor,
        cash_moved_minor=moved,
        tenders=_lines(session.entries, session.drawer),
        by_associate={
            one: lines
            for one in people
            if (
                lines := _lines(
                    [entry for entry in session.entries if entry.move.by == one], session.drawer
                )
            )
        },
        sales_minor=-sums.get("sales", 0),
        prepaid_minor=-sums.get("customers", 0),
        rounding_minor=-sums.get("rounding", 0),
        expected_minor=session.expected_minor,
        counted_minor=None if session.counted is None else session.counted.counted_minor,
        unsent=session.unsent,
    )


def _lines(entries: Iterable[Entry], drawer: str) -> tuple[TenderLine, ...]:
    accounts = {cash_account(drawer): TenderKind.CASH.value}
    accounts |= {one.value: one.value for one in TenderKind if one is not TenderKind.CASH}
    sums: dict[str, list[int]] = {}
    for entry in entries:
        operation = entry.move.operation
        if isinstance(operation, DrawerOpened | CashMoved | DrawerCounted | CardSettled):
            continue
        for posting in entry.postings:
            means = accounts.get(posting.account)
            if means is not None:
                line = sums.setdefault(means, [0, 0, 0])
                line[0] += 1
                line[1 if posting.amount_minor > 0 else 2] += abs(posting.amount_minor)
    order = [one.value for one in TenderKind]
    return tuple(TenderLine(means, *sums[means]) for means in order if means in sums)


def report_text(report: Report, store: Store) -> str:
    """Return the report as a page of 42 columns."""
    row = store.store_row()
    names = {one.id: one.name for one in store.associates()}

    def amount(minor: int) -> str:
        return money(minor, report.currency)

    lines = [
        (row.name if row else "").center(WIDTH).rstrip(),
        "TENDER REPORT".center(WIDTH).rstrip(),
        _pair(f"Drawer {report.drawer}", f"session {report.session}"),
        RULE,
        *_tender_text(report.tenders, amount),
        _pair("Tendered", amount(sum(one.net_minor for one in report.tenders))),
        RULE,
        _pair("Sales", amount(report.sales_minor)),
        _pair("Paid, goods still here", amount(report.prepaid_minor)),
        _pair("Rounding", amount(report.rounding_minor)),
        RULE,
        _pair("Float", amount(report.float_minor)),
        _pair("Put in or taken out", amount(report.cash_moved_minor)),
        _pair("Expected in the drawer", amount(report.expected_minor)),
    ]
    if report.counted_minor is not None:
        lines += [
            _pair("Counted", amount(report.counted_minor)),
            _pair("Difference", amount(report.difference_minor)),
        ]
    for person, tenders in report.by_associate.items():
        lines += [RULE, names.get(person, person), *_tender_text(tenders, amount)]
    verdict = "Balances to the minor unit." if report.is_balanced else "DOES NOT BALANCE."
    unsent = [f"{unsent_words(report.unsent)}.", "Kept here; sent by itself."]
    return "\n".join([*lines, RULE, *(unsent if report.unsent else ()), verdict, ""])


def unsent_words(count: int) -> str:
    """Return that so many operations are not at central yet; nothing where all are."""
    if not count:
        return ""
    are = "is" if count == 1 else "are"
    return f"{units(count, 'operation')} {are} not sent yet"


def _tender_text(tenders: Sequence[TenderLine], amount: Callable[[int], str]) -> list[str]:
    return [
        _pair(f"{one.means.replace('_', ' ').capitalize()} ({one.count})", amount(one.net_minor))
        for one in tenders
    ]


def _pair(left: str, right: str) -> str:
    return f"{left[: WIDTH - len(right) - 1]:<{WIDTH - len(right)}}{right}"


# --- amounts that people type -----------------------------------------------------------------

_AMOUNT = re.compile(r"(-?)(\d{1,7})(?:[.,](\d{1,3}))?")


def read_amount(text: str, currency: str) -> int:
    """Return a typed amount in minor units: 48.99, 48,99 or 48; as many digits as there are."""
    found = _AMOUNT.fullmatch(text.strip().lstrip("$€£ "))
    if found is None:
        refuse_card_numbers(text)
        raise Refusal(f"“{text.strip()[:8]}” is no amount.", "Type it like 48.99.")
    sign, whole, part = found[1], found[2], found[3] or ""
    digits = decimals(currency)
    if part and not digits:
        raise Refusal("This currency has no smaller coins.", "Type a whole amount.")
    if len(part) > digits:
        raise Refusal(f"“{text.strip()[:12]}” is no amount.", f"At most {digits} digits follow.")
    minor: int = int(whole) * 10**digits + int(part.ljust(digits, "0") or "0")
    return -minor if sign else minor
