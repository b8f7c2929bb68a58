"""What an associate can do with a pickup order. One function a use case; no screen, no network.

Each returns the order after it, durably recorded, or raises an
`OperationRefused` that says in words why not and what to do instead. The rules
themselves are `sync.domain.flows.pickup`; what stands here is what only the
counter knows: barcodes, shelf spots, pickup codes, who may do what.
"""

import re
from dataclasses import replace
from typing import NoReturn

from store_client.ports import Lockout
from store_client.services.calendar import extended_until_ms, hold_until_ms
from store_client.services.counter import DOCUMENTS, HandOver, refuse_doubtful
from store_client.services.desk import Desk, Refusal
from store_client.services.scanner import clean
from store_client.services.shelf import (
    Scanned,
    accept,
    customer_refuses,
    find_spot,
    is_spot,
    load,
    pick_by_hand,
    pick_by_scan,
    put_back,
    put_back_all,
    put_back_by_scan,
    quantity,
    reject,
    scan_item,
    short,
    stage,
    unpick,
)
from store_client.services.sign_in import approve
from store_client.services.words import day_time
from sync.domain import operations as op
from sync.domain.flows import status_of
from sync.domain.flows.pickup import HOLD_DAYS_MAX
from sync.domain.fulfillment import (
    FulfillmentOrder,
    FulfillmentStatus,
    PickupProof,
    ProofKind,
)
from sync.domain.ids import pickup_code_matches
from sync.domain.people import Action

__all__ = [
    "Scanned",
    "accept",
    "customer_refuses",
    "everything",
    "extend",
    "extend_by",
    "find_spot",
    "hand_over",
    "is_spot",
    "load",
    "mark_ready",
    "may_hand_over",
    "pick_by_hand",
    "pick_by_scan",
    "put_back",
    "put_back_all",
    "put_back_by_scan",
    "quantity",
    "reject",
    "release",
    "scan_item",
    "short",
    "stage",
    "unpick",
    "wrong_codes",
]

WRONG_CODES_MAX = 5
NAME_CHARACTERS_MAX = 80
DIGITS_IN_A_NAME_MAX = 3
S = FulfillmentStatus


def mark_ready(desk: Desk, fulfillment_id: str) -> FulfillmentOrder:
    """Let the customer come; goods wait for the store's number of open days."""
    store = desk.store.store_row()
    if store is None:
        raise Refusal("This store's calendar has not arrived yet.", "Connect once to central.")
    now_ms = desk.clock.now_ms()
    return desk.perform(op.MarkedReady(fulfillment_id, now_ms, hold_until_ms(store, now_ms)))


def extend(desk: Desk, fulfillment_id: str, days: int) -> FulfillmentOrder:
    """Ask central to let the goods wait longer. A request: the answer may be no."""
    order = load(desk, fulfillment_id)
    store = desk.store.store_row()
    if order.expires_at_ms is None or store is None:
        raise Refusal("Nothing waits for the customer yet.", "Mark the order ready first.")
    if days < 1:
        raise Refusal("Wait at least one day longer.", "Type a number of open days.")
    until_ms = extended_until_ms(store, order.expires_at_ms, days)
    return desk.perform(op.ExtensionRequested(fulfillment_id, until_ms))


def extend_by(desk: Desk, fulfillment_id: str, text: str) -> FulfillmentOrder:
    """Ask for as many more open days as `text` says."""
    return extend(desk, fulfillment_id, quantity(text, most=HOLD_DAYS_MAX))


# --- the counter --------------------------------------------------------------------------


def wrong_codes(desk: Desk, fulfillment_id: str) -> int:
    """Return how many wrong pickup codes were tried on this order in a row."""
    return desk.store.lockout(_code_key(fulfillment_id)).failures


def hand_over(desk: Desk, fulfillment_id: str, told: HandOver) -> FulfillmentOrder:
    """Hand goods over on a pickup code that matches, or on an ID check."""
    order = load(desk, fulfillment_id)
    quantities = tuple(op.LineQuantity(line, count) for line, count in told.quantities if count)
    if not quantities:
        raise Refusal("Nothing chosen to hand over.", "Set how many of each line go out.")
    recipient = _recipient(order, told)
    desk = _approved(desk, told)
    refuse_doubtful(desk, order, told)
    proof = _id_proof(desk, told) if told.document else _code_proof(desk, order, told.code)
    proof = replace(proof, recipient=recipient, is_proxy=told.is_proxy)
    after = desk.perform(op.HandedOver(fulfillment_id, quantities, proof))
    desk.store.clear_failures(_code_key(fulfillment_id))
    return after


def everything(order: FulfillmentOrder) -> tuple[tuple[int, int], ...]:
    """Return all units that can be handed over now, as (line, units)."""
    return tuple((line.line, line.deliverable) for line in order.lines if line.deliverable)


def _approved(desk: Desk, told: HandOver) -> Desk:
    """Return the desk with the approval of a lead or manager, where one typed their PIN."""
    asked = bool(told.document) or told.despite_doubt
    if not asked or told.approver is None or desk.actor.may_override:
        return desk
    doubt = told.despite_doubt
    action = Action.HAND_OVER_IN_DOUBT if doubt else Action.HAND_OVER_ON_ID
    why = "not confirmed by central" if doubt else f"ID check: {told.document}"
    approval = approve(
        desk.store, told.approver, action, why, asker=desk.actor, now_ms=desk.clock.now_ms()
    )
    return replace(desk, approval=approval)


def _recipient(order: FulfillmentOrder, told: HandOver) -> str:
    name = clean(told.recipient)[:NAME_CHARACTERS_MAX]
    if not name and not told.is_proxy:
        name = order.customer_name
    if not name:
        raise Refusal("Nobody named.", "Type the name of the person who takes the goods.")
    if len(re.findall(r"\d", name)) > DIGITS_IN_A_NAME_MAX:
        raise Refusal("That looks like a number, not a name.", "Never type the number of an ID.")
    return name


def _code_proof(desk: Desk, order: FulfillmentOrder, code: str) -> PickupProof:
    if not order.pickup_code_hash:
        raise Refusal("This order has no pickup code.", "Check an ID instead.")
    if wrong_codes(desk, order.id) >= WRONG_CODES_MAX:
        _refuse_codes()
    if not clean(code):
        raise Refusal("No pickup code given.", "Scan or type it, or check an ID instead.")
    if not pickup_code_matches(order.id, code, order.pickup_code_hash):
        _count_wrong_code(desk, order.id)
    return PickupProof(ProofKind.PICKUP_CODE, "")


def _count_wrong_code(desk: Desk, fulfillment_id: str) -> NoReturn:
    lockout: Lockout = desk.store.record_failure(_code_key(fulfillment_id), desk.clock.now_ms())
    left = WRONG_CODES_MAX - lockout.failures
    if left <= 0:
        _refuse_codes()
    raise Refusal(
        "This is not the pickup code of this order.",
        f"Check the order number with the customer. {left} of {WRONG_CODES_MAX} tries left.",
    )


def _refuse_codes() -> NoReturn:
    raise Refusal(
        f"{WRONG_CODES_MAX} wrong codes were tried on this order.",
        "A lead or manager must check an ID.",
    )


def _id_proof(desk: Desk, told: HandOver) -> PickupProof:
    if sum(character.isdigit() for character in told.document) > 0:
        raise Refusal("The number of an ID is never kept.", "Choose the kind of document only.")
    if told.document not in DOCUMENTS:
        raise Refusal("Unknown kind of document.", f"Choose one of: {', '.join(DOCUMENTS)}.")
    if not desk.is_led:
        raise Refusal(
            "Handing over on an ID check needs a lead or manager.",
            "Ask one to type their number and PIN here.",
        )
    return PickupProof(ProofKind.ID_CHECK, "", document=told.document)


def _code_key(fulfillment_id: str) -> str:
    return f"code:{fulfillment_id}"


# --- when nobody comes, and goods that nobody expects -------------------------------------


def release(desk: Desk, fulfillment_id: str) -> FulfillmentOrder:
    """Release goods that nobody collected in time."""
    order = load(desk, fulfillment_id)
    now_ms = desk.clock.now_ms()
    if order.expires_at_ms is not None and order.expires_at_ms > now_ms:
        until = day_time(desk.store.store_row(), order.expires_at_ms, now_ms)
        raise Refusal(f"These goods are promised to wait until {until}.", "Leave them there.")
    return desk.perform(op.HoldExpired(fulfillment_id))


def may_hand_over(order: FulfillmentOrder) -> bool:
    """Return whether anything of the order can leave with a customer now."""
    return order.total("deliverable") > 0 and status_of(order) in {
        S.PICKED, S.STAGED, S.READY_FOR_PICKUP, S.PARTIALLY_PICKED_UP,
    }  # fmt: skip
