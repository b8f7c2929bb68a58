"""Cards that were approved offline: which still wait for their issuers, and what became of them."""

from dataclasses import replace

from store_client.services.desk import Desk
from sync.domain.card_numbers import has_card_number
from sync.domain.money_operations import CardSettled
from sync.domain.reserve_operations import CardAnswered, CardAsked, TenderReturned
from sync.domain.tenders import OfflineCard

REFERENCE_END = 6


def kept_reference(reference: str) -> str:
    """Return what is kept of a device's name for a payment: of one like a card number, its end."""
    return reference[-REFERENCE_END:] if has_card_number(reference) else reference


def unsettled_cards(desk: Desk) -> list[OfflineCard]:
    """Return the cards approved offline at this terminal of which no issuer has said anything.

    One that was given back settles no more.
    """
    taken: dict[tuple[str, int], tuple[str, OfflineCard]] = {}
    asked: dict[tuple[str, int], int] = {}
    for move in desk.store.money_moves():
        done, is_here = move.operation, move.device == desk.device
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


def settle_cards(desk: Desk) -> int:
    """Record what has become of cards that were approved offline; return how many."""
    count = 0
    for one in desk.devices.payment_terminal.settlements():
        reference = kept_reference(one.reference)
        settled = CardSettled(reference, one.amount_minor, one.currency, one.declined)
        number = _order_number(desk, reference)
        desk.store.record_money(
            replace(settled, order_number=number), by=desk.actor.id, dev=desk.device
        )
        desk.devices.payment_terminal.settled(one.reference)
        count += 1
    return count


def _order_number(desk: Desk, reference: str) -> str:
    for move in desk.store.money_moves():
        if getattr(move.operation, "reference", "") == reference:
            order = desk.store.fulfillment(getattr(move.operation, "fulfillment_id", ""))
            return "" if order is None else order.order_number
    return ""
