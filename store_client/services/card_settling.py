"""Cards that were approved offline: which still wait for their issuers, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from store_client.devices import MoneyMove
from store_client.services.desk import MACHINE, Desk, Refusal
from store_client.services.words import money
from sync.domain.card_numbers import has_card_number
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.money_operations import CardSettled
from sync.domain.paying import balance_of, reservation_of
from sync.domain.reserve_operations import CardAnswered, CardAsked, TenderReturned
from sync.domain.tenders import OfflineCard, Tender, TenderKind, TenderState

REFERENCE_END = 6
LOOK_SECONDS = 15.0


def kept_reference(reference: str) -> str:
    """Return what is kept of a device's name for a payment: of one like a card number, its end."""
    return reference[-REFERENCE_END:] if has_card_number(reference) else reference


def unsettled_cards(desk: Desk) -> list[OfflineCard]:
    """Return the cards approved offline at this terminal of which no issuer has said anything.

    One that was given back settles no more.
    """
    return _unsettled(desk.store.money_moves(), desk.device)


def _unsettled(moves: Sequence[MoneyMove], device: str) -> list[OfflineCard]:
    taken: dict[tuple[str, int], tuple[str, OfflineCard]] = {}
    asked: dict[tuple[str, int], int] = {}
    for move in moves:
        done, is_here = move.operation, move.device == device
        match done:
            case CardAsked():
                asked[done.fulfillment_id, done.tender] = done.amount_minor
            case CardAnswered(approved=True, is_offline=True) if is_here:
                name = done.fulfillment_id, done.tender
                card = OfflineCard(asked.get(name, 0), move.at_ms)
                taken[name] = (done.reference, card)
            case TenderReturned():
                taken.pop((done.fulfillment_id, done.tender), None)
            case CardSettled() if is_here:
                taken = {n: one for n, one in taken.items() if one[0] != done.reference}
            case _:
                pass
    return [card for _, card in taken.values()]


def cards_at_risk(desk: Desk, own: tuple[str, int]) -> list[OfflineCard]:
    """Return what counts against this terminal's caps for one more card, `own` (order, tender).

    Beside the unsettled ones each that another process is charging here right now, or of
    which nothing was heard: it may be approved offline while this one is asked for.
    """
    under_way: dict[tuple[str, int], OfflineCard] = {}
    now_ms, moves = desk.store.central_now_ms(), desk.store.money_moves()
    for move in moves:
        done = move.operation
        match done:
            case CardAsked() if move.device == desk.device:
                card = OfflineCard(done.amount_minor, now_ms)
                under_way[done.fulfillment_id, done.tender] = card
            case CardAnswered():
                under_way.pop((done.fulfillment_id, done.tender), None)
            case _:
                pass
    under_way.pop(own, None)
    return [*_unsettled(moves, desk.device), *under_way.values()]


def issuers_said(desk: Desk, order: FulfillmentOrder) -> dict[int, bool]:
    """Return of which offline cards of an order it is known by now whether they were declined."""
    waiting = {
        one.number
        for one in reservation_of(order).tenders
        if one.means is TenderKind.CARD and one.is_offline and one.state is TenderState.TAKEN
    }
    if not waiting:
        return {}
    taken: dict[tuple[str, str], int] = {}
    said: dict[int, bool] = {}
    for move in desk.store.money_moves():
        done = move.operation
        match done:
            case CardAnswered(approved=True) if done.fulfillment_id == order.id:
                taken[move.device, done.reference] = done.tender
            case CardSettled() if done.order_number in {"", order.order_number}:
                number = taken.get((move.device, done.reference))
                if number in waiting:
                    said[number] = done.declined
            case _:
                pass
    return said


def declined_card(order: FulfillmentOrder, said: Mapping[int, bool]) -> Tender | None:
    """Return a card that counts as paid and was declined, by what `issuers_said`.

    One whose goods have left is a debt and somebody's task: it cannot be taken out any more,
    and the rest of the order is paid, and goes out, without it.
    """
    for one in reservation_of(order).tenders:
        is_taken = one.state is TenderState.TAKEN and one.amount_minor <= balance_of(order)
        if is_taken and said.get(one.number):
            return one
    return None


def require_none_declined(desk: Desk, order: FulfillmentOrder) -> None:
    """Refuse to go on with a card of which it is known that its issuer has declined it."""
    tender = declined_card(order, issuers_said(desk, order))
    if tender is not None:
        amount = money(tender.amount_minor, order.currency)
        raise Refusal(
            f"The card of {amount} was declined by its issuer: that is not paid.",
            "Take it out of the payment: ^Z on its row. Then take another one.",
        )


def settle_cards(desk: Desk) -> int:
    """Record what has become of cards that were approved offline; return how many.

    It is the machine's to say, at whichever desk, and belongs to the terminal that
    took the card.
    """
    count = 0
    for one in desk.devices.payment_terminal.settlements():
        reference = kept_reference(one.reference)
        settled = CardSettled(reference, one.amount_minor, one.currency, one.declined)
        device, number = _taken_at(desk, reference)
        desk.store.record_money(replace(settled, order_number=number), by=MACHINE, dev=device)
        desk.devices.payment_terminal.settled(one.reference)
        count += 1
    return count


def _taken_at(desk: Desk, reference: str) -> tuple[str, str]:
    """Return the terminal that took a card, this one if it did, and the order's number."""
    device, key = desk.device, ""
    for move in desk.store.money_moves():
        done, is_here = move.operation, move.device == desk.device
        if isinstance(done, CardAnswered) and done.reference == reference and (is_here or not key):
            device, key = move.device, done.fulfillment_id
    order = desk.store.fulfillment(key) if key else None
    return device, "" if order is None else order.order_number
