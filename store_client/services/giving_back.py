"""Giving a payment back before the goods have left, and what a person has to say of a card.

A card goes back by the payment terminal that charged it. Where that has begun and can
say nothing any more (it is broken, or gone with its till), a lead or manager makes sure
elsewhere that the card has its money back, and says so: only then is it recorded.
"""

from store_client.services.card_settling import issuers_said
from store_client.services.card_voiding import void_card, voided
from store_client.services.desk import Desk, Refusal
from store_client.services.drawer_book import require_cash, require_session
from store_client.services.tendering import MEANS, Paid
from store_client.services.words import money
from sync.domain.flows import flow_named
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.paying import balance_of, reservation_of
from sync.domain.people import Action
from sync.domain.reserve_operations import TenderReturned
from sync.domain.tenders import Tender, TenderKind, TenderState, find_tender
from sync.domain.transitions import decide


def give_back(desk: Desk, key: str, number: int) -> Paid:
    """Give a tender back before the goods have left; a card by its payment terminal.

    Raises `CardUnclear` where nobody here can know whether a card has its money back.
    """
    desk.require(Action.GIVE_MONEY_BACK)
    order = desk.store.fulfillment(key)
    tender = _to_give_back(desk, order, number)
    assert order is not None
    amount = money(tender.amount_minor + tender.rounding_minor, order.currency)
    declined = issuers_said(desk, order).get(number, False)

    def unanswered(now: FulfillmentOrder) -> None:
        is_as_it_was = _to_give_back(desk, now, number).state is tender.state
        if not is_as_it_was or issuers_said(desk, now).get(number, False) is not declined:
            raise Refusal("It was answered this very moment.", "Look at it, then decide again.")

    is_charged = tender.means is TenderKind.CARD and tender.state is TenderState.TAKEN
    if is_charged and not declined:
        void_card(desk, key, tender, unanswered)
    after = desk.perform(TenderReturned(key, number, declined), judge=unanswered)
    if is_charged:
        voided(desk, key, number)
    if declined:
        return Paid(after, f"Card: {amount} taken out: its issuer has paid nothing")
    if tender.state is TenderState.ASKED:
        return Paid(after, f"{MEANS[tender.means]} taken out of the payment")
    says = {
        TenderKind.CASH: f"Give {amount} back from the drawer",
        TenderKind.CARD: f"Card: {amount} given back",
    }
    return Paid(after, says.get(tender.means, f"{MEANS[tender.means]}: {amount} go back onto it"))


def made_sure(desk: Desk, key: str, number: int) -> Paid:
    """Record that a card has its money back, as a person has made sure of. No device is asked.

    Refused for a card that nobody has begun to give back: its payment terminal can.
    """
    desk.require(Action.GIVE_MONEY_BACK)

    def is_begun(now: FulfillmentOrder | None) -> Tender:
        tender = _to_give_back(desk, now, number)
        if tender.state is not TenderState.TAKEN or number not in desk.store.voids_begun(key):
            raise Refusal(
                "Nobody has begun to give that payment back.",
                "Give it back here: its payment terminal does it.",
            )
        assert now is not None
        if issuers_said(desk, now).get(number):
            raise Refusal(
                "That card was declined: its issuer has paid nothing.",
                "Give it back as any payment: it is taken out, and no device is asked.",
            )
        return tender

    tender = is_begun(desk.store.fulfillment(key))
    after = desk.perform(TenderReturned(key, number), judge=is_begun)
    voided(desk, key, number)
    amount = money(tender.amount_minor, after.currency)
    return Paid(after, f"Card: {amount} recorded as given back")


def _to_give_back(desk: Desk, order: FulfillmentOrder | None, number: int) -> Tender:
    """Return what can be given back now, out of the drawer that is open, or refuse it."""
    tender = None if order is None else find_tender(reservation_of(order).tenders, number)
    is_here = tender is not None and tender.state in {TenderState.TAKEN, TenderState.ASKED}
    if order is None or tender is None or not is_here:
        raise Refusal("There is nothing of it to give back.", "Choose a payment from the list.")
    session = require_session(desk, order.currency)
    if tender.means is TenderKind.CASH:
        require_cash(session, tender.amount_minor + tender.rounding_minor)
    # What the rules refuse no payment terminal may have done.
    decide(flow_named(order.flow), order, TenderReturned(order.id, number), desk.clock.now_ms())
    return tender


def can_go_back(order: FulfillmentOrder, tender: Tender) -> bool:
    """Return whether a tender may be given back: of what has left with goods nothing is."""
    if tender.state is TenderState.TAKEN:
        return tender.amount_minor <= balance_of(order)
    return tender.state is TenderState.ASKED
