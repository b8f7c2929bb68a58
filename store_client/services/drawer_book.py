"""Sessions of drawers, each from its float to its count, as this store's journal has them.

Everything is derived: what moved money, at which terminal, by whom.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from store_client.devices import MoneyMove
from store_client.ports import Store
from store_client.services.desk import Desk, Refusal
from store_client.services.words import money
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.money_ledger import (
    Posting,
    cash_account,
    money_postings,
    of_return,
    tender_postings,
)
from sync.domain.money_operations import (
    DrawerCounted,
    DrawerOpened,
)
from sync.domain.reserve_operations import (
    CardAnswered,
    CardAsked,
    ReservationConverted,
    TenderReturned,
    TenderTaken,
    ValueAsked,
)
from sync.domain.tenders import Tender, TenderKind, TenderState, evolve_tender, find_tender

DEFAULT_CURRENCY = "USD"
"""Of a store that has no prices yet."""


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
    found, moved = [], dict[tuple[str, int], Tender]()
    for move in store.money_moves():
        key = getattr(move.operation, "fulfillment_id", "")
        _note_tender(moved, move.operation)
        if isinstance(move.operation, TenderReturned):
            if (key, move.operation.tender) in returned:
                continue  # it had gone back already: nothing moved
            returned.add((key, move.operation.tender))
        if key and key not in orders:
            orders[key] = store.fulfillment(key)
        order = orders.get(key)
        postings = _postings(move, _tender(moved, order, move.operation))
        if postings or not key:
            found.append(Entry(move, postings))
    return found


def _note_tender(moved: dict[tuple[str, int], Tender], operation: object) -> None:
    """Take in what an operation says of its tender, for orders that are not here (any more)."""
    match operation:
        case TenderTaken():
            moved[operation.fulfillment_id, operation.tender] = Tender(
                operation.tender, operation.means, operation.amount_minor, TenderState.TAKEN,
                rounding_minor=operation.rounding_minor,
            )  # fmt: skip
        case CardAsked():
            moved[operation.fulfillment_id, operation.tender] = Tender(
                operation.tender, TenderKind.CARD, operation.amount_minor, TenderState.ASKED
            )
        case CardAnswered() | TenderReturned():
            name = operation.fulfillment_id, operation.tender
            if name in moved:
                state = _after(operation, moved[name].state)
                moved[name] = evolve_tender(moved[name], state=state)
        case _:
            pass


def _after(operation: CardAnswered | TenderReturned, state: TenderState) -> TenderState:
    if isinstance(operation, CardAnswered):
        return TenderState.TAKEN if operation.approved else TenderState.DECLINED
    return TenderState.RETURNED if state is TenderState.TAKEN else state


def _postings(move: MoneyMove, tender: Tender | None) -> tuple[Posting, ...]:
    """Return what an operation means, by its tender as it stands: that says how it ended."""
    operation = move.operation
    match operation:
        case TenderTaken():
            taken = Tender(
                operation.tender, operation.means, operation.amount_minor, TenderState.TAKEN,
                rounding_minor=operation.rounding_minor,
            )  # fmt: skip
            return tender_postings(taken, move.device)
        case CardAnswered(approved=True) | ValueAsked() | TenderReturned():
            return _of_tender(operation, tender, move.device)
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
        return of_return(operation, (Posting(one.account, -one.amount_minor) for one in back))
    return tender_postings(tender, drawer)


def _tender(
    moved: Mapping[tuple[str, int], Tender], order: FulfillmentOrder | None, operation: object
) -> Tender | None:
    """Return the tender of an operation: by its order, or by what moved, where that is not here."""
    number = getattr(operation, "tender", 0)
    if order is None:
        return moved.get((getattr(operation, "fulfillment_id", ""), number))
    return None if order.reserve is None else find_tender(order.reserve.tenders, number)


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
