"""The money ledger: what each operation means in balanced double entries. Pure, the same twice.

Store and central each derive the entries of an operation by `postings`, so that
their ledgers can be compared account by account. Positive is debit; the entries
of one operation add up to zero in its currency.

    cash:<drawer>    what is in the drawer          sales        what was sold, negative
    card             what acquirers owe             customers    paid, goods still here: negative
    gift_card        value redeemed                 rounding     made by the smallest coin
    store_credit     value redeemed                 safe         cash outside of the drawers
    over_short       counted less than expected     bad_debt     cards declined after the fact
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.money_operations import CardSettled, CashMoved, DrawerCounted, DrawerOpened
from sync.domain.reserve_operations import (
    CardAnswered,
    ReservationConverted,
    TenderReturned,
    TenderTaken,
    ValueAnswered,
)
from sync.domain.tenders import Tender, TenderKind, TenderState, find_tender

CASH_PREFIX = "cash:"
SALES, CUSTOMERS, ROUNDING = "sales", "customers", "rounding"
SAFE, OVER_SHORT, BAD_DEBT, CARD = "safe", "over_short", "bad_debt", "card"


@dataclass(frozen=True, slots=True)
class Posting:
    """One entry of the ledger."""

    account: str
    amount_minor: int


def cash_account(drawer: str) -> str:
    """Return the account of a drawer."""
    return CASH_PREFIX + drawer


def order_postings(
    before: FulfillmentOrder, after: FulfillmentOrder, operation: object, drawer: str
) -> tuple[Posting, ...]:
    """Return the entries of an operation on an order, done at `drawer`."""
    match operation:
        case (
            TenderTaken(tender=number) | CardAnswered(tender=number) | ValueAnswered(tender=number)
        ):
            return _moved(before, after, number, drawer, TenderState.TAKEN, 1)
        case TenderReturned(tender=number):
            moved = _moved(before, after, number, drawer, TenderState.RETURNED, -1)
            return of_return(operation, moved)
        case ReservationConverted(total_minor=total):
            return _both(CUSTOMERS, SALES, total)
        case _:
            return ()


def _moved(
    before: FulfillmentOrder,
    after: FulfillmentOrder,
    number: int,
    drawer: str,
    state: TenderState,
    sign: int,
) -> tuple[Posting, ...]:
    """Return the entries of a tender that has come into `state` by an operation."""
    old = _tender(before, number)
    new = _tender(after, number)
    if new is None or new.state is not state or (old is not None and old.state is state):
        return ()
    if sign < 0 and (old is None or old.state is not TenderState.TAKEN):
        return ()
    return tuple(
        Posting(one.account, sign * one.amount_minor) for one in tender_postings(new, drawer)
    )


def of_return(operation: TenderReturned, back: Iterable[Posting]) -> tuple[Posting, ...]:
    """Return the entries of a return; of a card that was declined afterwards a debt ends by it."""
    if not operation.declined:
        return tuple(back)
    return tuple(
        Posting(BAD_DEBT, one.amount_minor) if one.account == CARD else one for one in back
    )


def _tender(order: FulfillmentOrder, number: int) -> Tender | None:
    return None if order.reserve is None else find_tender(order.reserve.tenders, number)


def tender_postings(tender: Tender, drawer: str) -> tuple[Posting, ...]:
    """Return the entries of a tender that is taken."""
    amount, rounding = tender.amount_minor, tender.rounding_minor
    is_cash = tender.means is TenderKind.CASH
    account = cash_account(drawer) if is_cash else tender.means.value
    entries = (
        Posting(account, amount + rounding),
        Posting(CUSTOMERS, -amount),
        Posting(ROUNDING, -rounding),
    )
    return tuple(one for one in entries if one.amount_minor)


def money_postings(operation: object) -> tuple[Posting, ...]:
    """Return the entries of an operation that is about no order."""
    match operation:
        case DrawerOpened(drawer=drawer, float_minor=amount):
            return _both(cash_account(drawer), SAFE, amount)
        case CashMoved(drawer=drawer, amount_minor=amount):
            return _both(cash_account(drawer), SAFE, amount)
        case DrawerCounted(drawer=drawer, counted_minor=counted, expected_minor=expected):
            entries = (
                Posting(cash_account(drawer), -expected), Posting(SAFE, counted),
                Posting(OVER_SHORT, expected - counted),
            )  # fmt: skip
            return tuple(one for one in entries if one.amount_minor)
        case CardSettled(amount_minor=amount, declined=True):
            return _both(BAD_DEBT, CARD, amount)
        case _:
            return ()


def _both(debit: str, credit: str, amount_minor: int) -> tuple[Posting, ...]:
    if not amount_minor:
        return ()
    return Posting(debit, amount_minor), Posting(credit, -amount_minor)


def balances(postings: Iterable[Posting]) -> dict[str, int]:
    """Return the sum of each account; those that came to nothing are left out."""
    sums: dict[str, int] = {}
    for one in postings:
        sums[one.account] = sums.get(one.account, 0) + one.amount_minor
    return {account: amount for account, amount in sorted(sums.items()) if amount}
