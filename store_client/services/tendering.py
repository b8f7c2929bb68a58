"""Paying here: cash, card, gift card and store credit, alone or together; and the sale.

Each step is recorded before anything outside of this machine is asked, and what
is not known is shown as not known. A card is charged on a payment terminal of its
own; stored value beyond the store's limit is asked of central, and the goods stay
here until it has answered.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from store_client.devices import CardAnswer, CardOutcome, TerminalSilent
from store_client.services.card_settling import (
    cards_at_risk,
    kept_reference,
    require_none_declined,
)
from store_client.services.card_voiding import (
    payment_name,
    require_no_void,
    undo_late_charge,
)
from store_client.services.desk import Desk, Refusal, anything_goes
from store_client.services.drawer_book import require_session
from store_client.services.receipt_copies import receipt_name
from store_client.services.receipts import receipt_text
from store_client.services.stored_value import left_offline, read_account, within_limit
from store_client.services.words import day_time, money, reaches_central
from sync.domain.errors import OperationRefused
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.operations import LineQuantity
from sync.domain.paying import balance_of, due_of, next_tender, price_of, reservation_of
from sync.domain.reservations import ReservePolicy
from sync.domain.reserve_operations import (
    CardAnswered,
    CardAsked,
    ReservationConverted,
    TenderTaken,
    ValueAsked,
)
from sync.domain.tenders import (
    Tender,
    TenderKind,
    TenderState,
    find_tender,
    goes_back_whole,
    offline_card_refusal,
    take_cash,
)

S = FulfillmentStatus
MEANS: dict[TenderKind, str] = {
    TenderKind.CASH: "Cash",
    TenderKind.CARD: "Card",
    TenderKind.GIFT_CARD: "Gift card",
    TenderKind.STORE_CREDIT: "Store credit",
}


@dataclass(frozen=True, slots=True)
class Paid:
    """The order after a payment, and what to say."""

    order: FulfillmentOrder
    says: str
    change_minor: int = 0


def policy_of(desk: Desk) -> ReservePolicy:
    """Return what this store may do; the most careful where that has not arrived."""
    row = desk.store.store_row()
    return ReservePolicy() if row is None else row.reserve


def is_over(desk: Desk, order: FulfillmentOrder) -> bool:
    """Return whether the hold of an order has ended, by central's time, and nobody is paying."""
    is_paying = order.is_unsettled and order.total("open") > 0
    if order.expires_at_ms is None or is_paying:
        return False
    return desk.store.central_now_ms() >= order.expires_at_ms


def _order_to_pay(desk: Desk, key: str) -> FulfillmentOrder:
    """Return an order for which money may be taken now."""
    desk.require_worker()
    order = desk.store.fulfillment(key)
    if order is None:
        raise Refusal("This reservation is not here any more.", "Go back to Today.")
    require_session(desk, order.currency)
    if is_over(desk, order):
        now_ms = desk.store.central_now_ms()
        until = day_time(desk.store.store_row(), order.expires_at_ms or 0, now_ms)
        raise Refusal(
            f"It was held until {until} and is over.",
            "Release it; the customer can still buy at today's price.",
        )
    _require_goods(order)
    require_none_declined(desk, order)
    if _open_card(order) is not None:
        raise Refusal(
            "A card payment is not clear yet.", "Ask the payment terminal again first: F5."
        )
    if due_of(order) <= 0:
        asked = reservation_of(order).asked_minor
        if asked:
            waits = f"{money(asked, order.currency)} hang on an answer."
            raise Refusal(waits, "^Z takes that out of the payment; then take another one.")
        raise Refusal("All of it is paid.", "Hand the goods over, or give a payment back.")
    return order


def _require_goods(order: FulfillmentOrder) -> None:
    """Refuse money and goods where nothing can leave; say whether that has an end."""
    if not order.total("open"):
        raise Refusal("This reservation has ended: nothing of it goes out.", "Go back to Today.")
    if not order.total("deliverable"):
        raise Refusal("Nothing of it is in hand.", "Pick it first.")


def _in_session(desk: Desk, order: FulfillmentOrder) -> None:
    """Call off what moves money while no drawer is open: somebody has counted it meanwhile."""
    require_session(desk, order.currency)


def deliverable_due(order: FulfillmentOrder) -> int:
    """Return what is due for the units that can leave now."""
    here = sum(line.unit_price_minor * line.deliverable for line in order.lines)
    return min(due_of(order), here - balance_of(order) - reservation_of(order).asked_minor)


# --- cash -------------------------------------------------------------------------------------


def pay_cash(desk: Desk, key: str, given_minor: int, most_minor: int | None = None) -> Paid:
    """Take cash for what is due, or for `most_minor` of it, and say the change."""
    order = _order_to_pay(desk, key)
    due = _bounded(order, most_minor)
    cash = take_cash(due, given_minor, policy_of(desk).cash_step_minor)
    after = desk.perform(
        TenderTaken(key, next_tender(order), TenderKind.CASH, cash.amount_minor,
                    cash.rounding_minor),
        judge=partial(_in_session, desk),
    )  # fmt: skip
    change = money(cash.change_minor, order.currency)
    says = f"Cash {money(cash.amount_minor, order.currency)} taken. Change: {change}"
    return Paid(after, says, cash.change_minor)


def _bounded(order: FulfillmentOrder, most_minor: int | None) -> int:
    """Return what may be paid: for what is in hand, or for the part of it that goes out now."""
    due = deliverable_due(order)
    if due <= 0:
        if reservation_of(order).asked_minor:
            raise Refusal(
                "What is in hand hangs on an answer.", "^Z takes that payment out; or wait."
            )
        raise Refusal("What is in hand is paid.", "Pick the rest first, or hand this over.")
    if most_minor is None or most_minor > 0:
        return due if most_minor is None else min(due, most_minor)
    if reservation_of(order).asked_minor:
        raise Refusal("What goes out hangs on an answer.", "^Z takes that payment out; or wait.")
    if most_minor == 0:
        raise Refusal("What goes out now is paid.", "Enter hands it over.")
    raise Refusal(
        f"{money(-most_minor, order.currency)} more is paid than goes out now.",
        "Hand more of it over, or give a payment back: ^Z.",
    )


# --- cards ------------------------------------------------------------------------------------


def pay_card(
    desk: Desk, key: str, amount_minor: int | None = None, most_minor: int | None = None
) -> Paid:
    """Let the payment terminal charge what is due, or a part of it; `most_minor` as with cash.

    That it is asked is recorded first: whatever happens then, nobody charges twice.
    """
    order = _order_to_pay(desk, key)
    due = _bounded(order, most_minor)
    amount = due if amount_minor is None else amount_minor
    if not 0 < amount <= due:
        raise Refusal(f"{money(due, order.currency)} are due.", "Type at most that.")
    number = next_tender(order)
    _require_new_name(desk, key, number)
    desk.perform(CardAsked(key, number, amount), judge=partial(_in_session, desk))
    # After that is recorded: of two processes that ask at once each sees the other's card.
    refusal = offline_card_refusal(
        policy_of(desk).cards_offline, cards_at_risk(desk, (key, number)), amount,
        desk.store.central_now_ms(),
    )  # fmt: skip
    try:
        answer = desk.devices.payment_terminal.charge(
            payment_name(key, number), amount, order.currency, allow_offline=not refusal
        )
    except TerminalSilent:
        return _unclear(desk, key)
    return _answered(desk, key, number, answer)


def _require_new_name(desk: Desk, key: str, number: int) -> None:
    """Refuse a payment whose name the payment terminal has used for one that is not here.

    A journal that was put back counts its payments anew, and the device would answer for the
    old one: the goods would leave for money that may long be back.
    """
    try:
        known = desk.devices.payment_terminal.recall(payment_name(key, number))
    except TerminalSilent as problem:
        raise Refusal(
            "The payment terminal does not answer: nothing was charged.",
            "Try again, or take the payment another way.",
        ) from problem
    if known.outcome is CardOutcome.UNKNOWN or next_tender(_order_to_pay(desk, key)) != number:
        return  # new; or another process has recorded it meanwhile, and this one is out of turn
    raise Refusal(
        f"The payment terminal knows a payment {number} of this order which is not recorded here:"
        " nothing was charged now.",
        "Take it another way, or a part of it in cash first and the rest by card; tell a manager.",
    )


def ask_card_again(desk: Desk, key: str) -> Paid:
    """Ask the payment terminal what became of a payment that is not clear. Charges nothing."""
    desk.require_worker()
    order = desk.store.fulfillment(key)
    asked = None if order is None else _open_card(order)
    if order is None or asked is None:
        raise Refusal("No card payment is open.", "See what is due at the top.")
    require_session(desk, order.currency)
    try:
        answer = desk.devices.payment_terminal.recall(payment_name(key, asked.number))
    except TerminalSilent:
        return _unclear(desk, key)
    where = _asked_at(desk, key, asked.number)
    if answer.outcome is CardOutcome.UNKNOWN and where not in {"", desk.device}:
        raise Refusal(
            f"This payment terminal never heard of it: terminal {where} asked for the card.",
            "Ask again there. Whether it was charged is not known yet.",
        )
    return _answered(desk, key, asked.number, answer)


def _asked_at(desk: Desk, key: str, number: int) -> str:
    """Return the terminal at which a card was asked for; empty where that is not known."""
    moves = desk.store.money_moves()
    asked = [
        move.device
        for move in moves
        if isinstance(move.operation, CardAsked)
        and (move.operation.fulfillment_id, move.operation.tender) == (key, number)
    ]
    return asked[-1] if asked else ""


def _unclear(desk: Desk, key: str) -> Paid:
    order = desk.store.fulfillment(key)
    assert order is not None
    return Paid(order, "NOT CLEAR whether the card was charged. F5 asks the terminal again")


def _answered(desk: Desk, key: str, number: int, answer: CardAnswer) -> Paid:
    approved = answer.outcome is CardOutcome.APPROVED
    reference = kept_reference(answer.reference or payment_name(key, number))
    try:
        after = desk.perform(
            CardAnswered(key, number, approved, reference if approved else "",
                         approved and answer.is_offline),
            judge=partial(_in_session, desk) if approved else anything_goes,
        )  # fmt: skip
    except OperationRefused:
        if approved:
            undo_late_charge(desk, key, number)
        raise
    tender = find_tender(reservation_of(after).tenders, number)
    amount = money(tender.amount_minor if tender else 0, after.currency)
    if not approved:
        if answer.outcome is CardOutcome.UNKNOWN:
            return Paid(after, "The payment terminal charged nothing. Try again")
        return Paid(after, f"Card declined: nothing was charged. {answer.text}".strip())
    offline = ", OFFLINE: the issuer may decline it later" if answer.is_offline else ""
    return Paid(after, f"Card {amount} approved{offline}")


def _open_card(order: FulfillmentOrder) -> Tender | None:
    return next(
        (
            one
            for one in reservation_of(order).tenders
            if one.state is TenderState.ASKED and one.means is TenderKind.CARD
        ),
        None,
    )


# --- gift cards and store credit ----------------------------------------------------------------


def pay_value(
    desk: Desk,
    key: str,
    means: TenderKind,
    code: str,
    amount_minor: int | None = None,
    most_minor: int | None = None,
) -> Paid:
    """Let a gift card or credit pay: within the store's limit at once, else central is asked."""
    order = _order_to_pay(desk, key)
    account = read_account(code)
    due = _bounded(order, most_minor)
    amount = due if amount_minor is None else amount_minor
    if not 0 < amount <= due:
        raise Refusal(f"{money(due, order.currency)} are due.", "Type at most that.")
    number, name = next_tender(order), MEANS[means]
    is_near = reaches_central(desk.store.sync_state(), desk.clock.now_ms())
    limits = policy_of(desk).value_offline
    left = left_offline(desk, limits, account)
    if not is_near and amount <= left:
        after = desk.perform(
            TenderTaken(key, number, means, amount, account=account),
            judge=partial(within_limit, desk, limits, account, amount),
        )
        words = f"{name} {money(amount, order.currency)} taken within this store's limit"
        return Paid(after, f"{words}: central checks it when it is reached")
    after = desk.perform(
        ValueAsked(key, number, means, amount, account), judge=partial(_in_session, desk)
    )
    if is_near:
        return Paid(after, f"Asked central about the {name.lower()}: wait for the answer")
    limit = f" (limit left: {money(left, order.currency)})" if left else ""
    return Paid(
        after,
        f"Central cannot be reached{limit}: the {name.lower()} is asked about when it is. Take"
        " another payment, or let the goods wait here",
    )


# --- the sale --------------------------------------------------------------------------------


def may_leave(desk: Desk, order: FulfillmentOrder) -> None:
    """Refuse a sale without an open drawer, or by money that may be back where it came from."""
    require_session(desk, order.currency)
    require_no_void(desk, order)
    require_none_declined(desk, order)


@dataclass(frozen=True, slots=True)
class Sold:
    """A sale: the order after it, and where its receipt is."""

    order: FulfillmentOrder
    receipt: str
    text: str
    says: str


def sell(desk: Desk, key: str, quantities: Sequence[tuple[int, int]]) -> Sold:
    """Hand paid goods over and print the receipt. The receipt comes after the record."""
    desk.require_worker()
    order = desk.store.fulfillment(key)
    if order is None:
        raise Refusal("This reservation is not here any more.", "Go back to Today.")
    if order.shipment is not None:
        raise Refusal(
            "A parcel leaves with its carrier.", "Put it on the manifest: it is sold then."
        )
    may_leave(desk, order)
    lines = tuple(LineQuantity(line, count) for line, count in quantities if count)
    if not lines:
        _require_goods(order)
        raise Refusal("Nothing chosen to hand over.", "Set how many of each line go out.")
    total, balance = price_of(order, lines), balance_of(order)
    if balance < total:
        missing = money(total - balance, order.currency)
        if reservation_of(order).asked_minor:
            raise Refusal(f"{missing} hang on an answer.", "The goods stay here until it is given.")
        raise Refusal(f"{missing} are still due.", "Take a payment first.")
    if not goes_back_whole(reservation_of(order).tenders, balance - total):
        left = money(balance - total, order.currency)
        raise Refusal(
            f"{left} of what was paid would stay here, and no payment is just that.",
            "Give one back and take it anew for what goes out.",
        )
    after = desk.perform(ReservationConverted(key, lines, total), judge=partial(may_leave, desk))
    where, text = printed(desk, after, lines)
    rest = after.total("open")
    says = f"Sold for {money(total, after.currency)}: all done"
    if rest:
        says = f"Sold for {money(total, after.currency)}. {rest} still held"
    elif balance > total:
        says += f". {money(balance - total, after.currency)} to give back"
    return Sold(after, where, text, says if where else f"{says}. NO RECEIPT: no printer")


def printed(desk: Desk, after: FulfillmentOrder, lines: Sequence[LineQuantity]) -> tuple[str, str]:
    """Print the receipt of a sale that was just recorded; return where it is (if), and its text."""
    text, where = receipt_text(desk, after, lines), ""
    with suppress(OSError):
        where = desk.devices.receipts.print(receipt_name(desk, after), text, after.order_number)
    return where, text
