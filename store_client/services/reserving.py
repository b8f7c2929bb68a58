"""Reserving at the counter: for a customer who stands there, with or without a network."""

from dataclasses import dataclass
from random import Random, SystemRandom

from store_client.ports import ProductHit
from store_client.services.desk import Desk, Refusal
from store_client.services.scanner import clean
from store_client.services.tendering import policy_of
from sync.domain.card_numbers import refuse_card_numbers
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.ids import new_id, new_order_number
from sync.domain.opening import OpenHours
from sync.domain.people import Action
from sync.domain.reservations import DAY_MS, hold_end_ms
from sync.domain.reserve_operations import (
    ReservationMade,
    ReservationTerms,
    ReservedLine,
    WaitRequested,
)

NAME_CHARACTERS_MAX = 80
PHONE_CHARACTERS_MAX = 24
QUANTITY_MAX = 999


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer at the counter wants held, and who they are."""

    name: str
    quantity: int
    phone: str = ""


def reserve(
    desk: Desk, hit: ProductHit, wish: Wish, random: Random | None = None
) -> FulfillmentOrder:
    """Hold units that are this store's to give. Raises `NotFree` where there are not so many."""
    random = random or SystemRandom()
    terms, reserved = _begun(desk, hit, wish, random, waits=False)
    key = new_id(desk.clock.now_ms(), random)
    operation = ReservationMade(key, terms, (reserved,))
    return desk.store.begin_order(operation, by=desk.actor.id, dev=desk.device)


def wait(desk: Desk, hit: ProductHit, wish: Wish, random: Random | None = None) -> FulfillmentOrder:
    """Put a customer on the waiting list: a request, which central answers."""
    random = random or SystemRandom()
    terms, reserved = _begun(desk, hit, wish, random, waits=True)
    key = new_id(desk.clock.now_ms(), random)
    operation = WaitRequested(key, terms, (reserved,))
    return desk.store.begin_order(operation, by=desk.actor.id, dev=desk.device)


def _begun(
    desk: Desk, hit: ProductHit, wish: Wish, random: Random, *, waits: bool
) -> tuple[ReservationTerms, ReservedLine]:
    desk.require(Action.RESERVE)
    row = desk.store.store_row()
    if row is None:
        raise Refusal("This store's calendar has not arrived yet.", "Connect once to central.")
    name = clean(wish.name)[:NAME_CHARACTERS_MAX]
    phone = clean(wish.phone)[:PHONE_CHARACTERS_MAX]
    if not name:
        raise Refusal("Nobody named.", "Type the customer's name.")
    refuse_card_numbers(name, phone)
    if not 1 <= wish.quantity <= QUANTITY_MAX:
        raise Refusal(f"{wish.quantity} cannot be held.", f"Type 1 to {QUANTITY_MAX}.")
    if not hit.price_minor:
        raise Refusal(f"{hit.name} has no price here.", "Ask a manager for one first.")
    policy, now_ms = policy_of(desk), desk.store.central_now_ms()
    opening = OpenHours(row.timezone, row.hours, row.closures)
    until_ms = hold_end_ms(opening, now_ms, policy.hours_for([hit.category]))
    latest_ms = hold_end_ms(opening, now_ms, policy.hold_hours_max)
    if waits:
        until_ms = now_ms + policy.waiting_days * DAY_MS
    number = new_order_number(random)
    terms = ReservationTerms(
        number, hit.currency, name, until_ms, max(until_ms, latest_ms), phone=phone
    )
    return terms, ReservedLine(1, hit.sku, hit.name, wish.quantity, hit.price_minor)
