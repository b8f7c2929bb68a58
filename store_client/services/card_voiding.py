"""Cards whose money goes back by their payment terminal, and what must wait until that is clear.

That it is asked is noted durably first. Until the return is recorded nobody knows
whether the card has paid: goods stay here, and giving it back goes on where it stopped.
"""

from collections.abc import Mapping

from store_client.devices import TerminalSilent
from store_client.services.desk import Desk, Judge, Refusal
from store_client.services.words import money
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.paying import reservation_of
from sync.domain.tenders import Tender, TenderState, find_tender


class CardUnclear(Refusal):
    """Giving a card back has begun, and the payment terminal that does it says nothing here.

    A lead or manager who knows that the card has its money back may say so (`giving_back`).
    """

    code = "card_unclear"

    def __init__(self, tender: int, message: str, todo: str) -> None:
        self.tender = tender
        super().__init__(message, todo)


def payment_name(order_id: str, tender: int) -> str:
    """Return the name under which a payment terminal charges once."""
    return f"{order_id}/{tender}"


def void_card(desk: Desk, key: str, tender: Tender, judge: Judge) -> None:
    """Let the payment terminal give a card its money back, unless `judge` calls it off.

    The note of it stands when this returns; see `voided`. Raises `CardUnclear` where that has
    begun before, and this payment terminal cannot say what became of it.
    """
    before = desk.store.voids_begun(key).get(tender.number)
    desk.store.begin_void(key, tender.number, dev=desk.device, judge=judge)
    try:
        done = desk.devices.payment_terminal.void(payment_name(key, tender.number))
    except TerminalSilent as problem:
        words = (
            "The payment terminal does not answer: NOT CLEAR whether the card has its money back."
        )
        todo = "Give it back again once it answers: ^Z. The goods stay here until then."
        if before is None:  # it may only be slow
            raise Refusal(words, todo) from problem
        raise CardUnclear(tender.number, words, todo) from problem
    if not done:
        begun = desk.store.voids_begun(key).get(tender.number)
        if begun is None:  # whoever began it has just come to an end
            raise Refusal("It was answered this very moment.", "Look at it, then decide again.")
        if begun != desk.device:  # by hand its money might go back a second time
            raise CardUnclear(
                tender.number,
                f"Terminal {begun} began to give it back: NOT CLEAR whether the card has its money"
                " back. This payment terminal does not know.",
                "Give it back there: ^Z. The goods stay here until then.",
            )
        voided(desk, key, tender.number)  # this device has not done it before, either
        raise Refusal(
            f"The payment terminal does not know payment {tender.reference}.",
            "Give the money back on the payment terminal by hand; tell a manager.",
        )


def voided(desk: Desk, key: str, number: int) -> None:
    """Forget that a card was being given back: it is recorded, or was not done."""
    desk.store.end_void(key, number)


def unclear_card(order: FulfillmentOrder, begun: Mapping[int, str]) -> Tender | None:
    """Return a card that counts as paid and is being given back, by what `voids_begun`."""
    tenders = reservation_of(order).tenders
    taken = (one for one in tenders if one.state is TenderState.TAKEN)
    return next((one for one in taken if one.number in begun), None)


def require_no_void(desk: Desk, order: FulfillmentOrder) -> None:
    """Refuse to let goods go for a card that may have its money back already."""
    begun = desk.store.voids_begun(order.id)
    one = unclear_card(order, begun)
    if one is not None:
        amount = money(one.amount_minor, order.currency)
        raise Refusal(
            f"Terminal {begun[one.number]} began to give {amount} back to a card: NOT CLEAR"
            " whether it has its money back.",
            "Give that payment back there: ^Z. Then take another one.",
        )


def undo_late_charge(desk: Desk, key: str, number: int) -> None:
    """Give back what a card was charged after it was recorded that it was charged nothing."""
    order = desk.store.fulfillment(key)
    tender = None if order is None else find_tender(reservation_of(order).tenders, number)
    if tender is None or tender.state not in {TenderState.DECLINED, TenderState.RETURNED}:
        return
    try:
        done = desk.devices.payment_terminal.void(payment_name(key, number))
    except TerminalSilent:
        done = False
    if not done:
        raise Refusal(
            "The card was charged after this payment had been recorded as charging nothing.",
            "Give the money back on the payment terminal by hand; tell a manager.",
        )
    raise Refusal(
        "The card was charged after this payment had been recorded as charging nothing: it has its"
        " money back.",
        "See what is due, and take the payment anew.",
    )
