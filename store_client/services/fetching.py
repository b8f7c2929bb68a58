"""What an associate does with goods that customers fetch. One function a use case; no network.

Each returns the order after it, durably recorded, or raises an
`OperationRefused` that says in words why not and what to do instead. The rules
themselves are `sync.domain.hold_shelf`; what stands here is what only the
counter knows: barcodes, shelf spots, pickup codes, who may do what.
"""

from dataclasses import replace
from typing import NoReturn

from store_client.ports import Lockout
from store_client.services.calendar import extended_until_ms, hold_until_ms
from store_client.services.counter import (
    DOCUMENTS,
    SIGNED,
    HandOver,
    looks_like_id_number,
    refuse_doubtful,
)
from store_client.services.desk import Desk, Refusal
from store_client.services.receipts import RULE, WIDTH, pair
from store_client.services.scanner import Code, clean
from store_client.services.shelf import (
    Scanned,
    accept,
    customer_refuses,
    customer_refuses_some,
    find_spot,
    is_spot,
    lines_with,
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
    unstage,
)
from store_client.services.sign_in import approve
from store_client.services.words import day_time
from sync.domain import operations as op
from sync.domain.flows import status_of
from sync.domain.fulfillment import (
    FulfillmentOrder,
    FulfillmentStatus,
    PickupProof,
    ProofKind,
    RefusalReason,
)
from sync.domain.hold_shelf import READY, latest_wait_ms
from sync.domain.ids import pickup_code_matches
from sync.domain.people import Action
from sync.domain.pickups import WAIT_DAYS_MAX

__all__ = [
    "Scanned",
    "accept",
    "customer_refuses",
    "customer_refuses_some",
    "everything",
    "extend",
    "extend_by",
    "find_spot",
    "hand_over",
    "is_spot",
    "load",
    "mark_ready",
    "may_hand_over",
    "no_show",
    "no_show_scan",
    "pick_by_hand",
    "pick_by_scan",
    "put_back",
    "put_back_all",
    "put_back_by_scan",
    "quantity",
    "refuse_everything",
    "reject",
    "release",
    "scan_item",
    "short",
    "slip",
    "stage",
    "unpick",
    "unstage",
    "wrong_codes",
]

Quantities = tuple[tuple[int, int], ...]
"""(line, units)."""
WRONG_CODES_MAX = 5
NAME_CHARACTERS_MAX = 80
S = FulfillmentStatus


def mark_ready(desk: Desk, fulfillment_id: str) -> FulfillmentOrder:
    """Let the customer come; goods wait for the store's number of open days."""
    store = desk.store.store_row()
    if store is None:
        raise Refusal("This store's calendar has not arrived yet.", "Connect once to central.")
    now_ms = desk.store.central_now_ms()  # by which its end is counted, here and at central
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
    latest_ms = latest_wait_ms(order)
    if until_ms > latest_ms:
        latest = day_time(store, latest_ms, desk.clock.now_ms())
        raise Refusal(
            f"Goods wait {order.wait_days_max} days in all here, until {latest} at the latest.",
            "Ask for fewer days, or let the customer order again.",
        )
    return desk.perform(op.ExtensionRequested(fulfillment_id, until_ms))


def extend_by(desk: Desk, fulfillment_id: str, text: str) -> FulfillmentOrder:
    """Ask for as many more open days as `text` says."""
    return extend(desk, fulfillment_id, quantity(text, most=WAIT_DAYS_MAX))


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
    if told.document:
        _require_named(order, recipient)
        proof = _id_proof(desk, told)
    else:
        proof = _code_proof(desk, order, told.code)
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
    proof = "signed for" if told.document == SIGNED else f"ID check: {told.document}"
    why = "not confirmed by central" if doubt else proof
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
    if looks_like_id_number(name):
        raise Refusal("That looks like a number, not a name.", "Never type the number of an ID.")
    return name


def _require_named(order: FulfillmentOrder, recipient: str) -> None:
    """Refuse a document or signature of somebody whom the order does not name."""
    named = [name for name in (order.customer_name, order.proxy_name) if name]
    if named and recipient.casefold() not in {name.casefold() for name in named}:
        raise Refusal(
            f"This order names {' and '.join(named)}, nobody else.",
            "Without that name, only the pickup code will do.",
        )


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
    if told.document == SIGNED:
        _require_lead(desk, "a signature")
        return PickupProof(ProofKind.SIGNATURE, "")
    if sum(character.isdigit() for character in told.document) > 0:
        raise Refusal("The number of an ID is never kept.", "Choose the kind of document only.")
    if told.document not in DOCUMENTS:
        raise Refusal("Unknown kind of document.", f"Choose one of: {', '.join(DOCUMENTS)}.")
    _require_lead(desk, "an ID check")
    return PickupProof(ProofKind.ID_CHECK, "", document=told.document)


def _require_lead(desk: Desk, proof: str) -> None:
    if not desk.is_led:
        raise Refusal(
            f"Handing over on {proof} needs a lead or manager.",
            "Ask one to type their number and PIN here.",
        )


def slip(desk: Desk, fulfillment_id: str, quantities: Quantities) -> str:
    """Print the slip that the customer signs; return where it is, empty where nothing prints."""
    desk.require(Action.PRINT)
    order = load(desk, fulfillment_id)
    try:
        return desk.devices.receipts.print(
            f"slip-{order.order_number}", slip_text(desk, order, quantities)
        )
    except OSError as problem:
        raise Refusal(f"The slip cannot be printed: {problem}.", "Check an ID instead.") from None


def slip_text(desk: Desk, order: FulfillmentOrder, quantities: Quantities) -> str:
    """Return the slip: what goes out, from whom, and lines to sign on."""
    row, now_ms = desk.store.store_row(), desk.clock.now_ms()
    given = [(order.line(number), units) for number, units in quantities if units]
    lines = [f"{units:>3} × {line.name}"[:WIDTH] for line, units in given if line is not None]
    return "\n".join(
        [
            (row.name if row else desk.store.location_id).center(WIDTH).rstrip(),
            pair(f"Order {order.order_number}", day_time(row, now_ms, now_ms)),
            RULE, *lines, RULE,
            "I have received the goods above.", "", f"Name       {'_' * 28}", "",
            f"Signature  {'_' * 28}", "",
        ]
    )  # fmt: skip


def refuse_everything(desk: Desk, fulfillment_id: str, reason: RefusalReason) -> FulfillmentOrder:
    """Note that the customer at the counter takes nothing: one operation a line."""
    order = load(desk, fulfillment_id)
    due = everything(order)
    if not due:
        raise Refusal("Nothing of this order is in hand.", "See the next step at the top.")
    return customer_refuses_some(desk, fulfillment_id, due, reason)


def _code_key(fulfillment_id: str) -> str:
    return f"code:{fulfillment_id}"


# --- when nobody comes, and goods that nobody expects -------------------------------------


def release(desk: Desk, fulfillment_id: str) -> FulfillmentOrder:
    """Release goods that nobody collected in time: the order is closed as a no-show.

    By central's time, where this machine knows it: a clock that is wrong ends nobody's wait.
    """
    order = load(desk, fulfillment_id)
    if status_of(order) is S.CUSTOMER_WAITING:
        raise Refusal("The customer waits outside.", "Bring it out, or note that nobody is there.")
    store = desk.store
    now_ms = store.central_now_ms() if store.knows_central_time() else desk.clock.now_ms()
    if order.expires_at_ms is not None and order.expires_at_ms > now_ms:
        until = day_time(desk.store.store_row(), order.expires_at_ms, now_ms)
        raise Refusal(f"These goods are promised to wait until {until}.", "Leave them there.")
    return desk.perform(op.HoldExpired(fulfillment_id))


def no_show(desk: Desk, fulfillment_id: str) -> FulfillmentOrder:
    """Close an order that nobody came for, and put everything of it back on the shelf."""
    if load(desk, fulfillment_id).total("open"):
        release(desk, fulfillment_id)
    return put_back_all(desk, fulfillment_id)


def no_show_scan(desk: Desk, fulfillment_id: str, code: Code) -> Scanned:
    """Put one unit back of an order that nobody came for; the first one closes the order."""
    order = load(desk, fulfillment_id)
    lines = lines_with(desk, order, code)  # a wrong item closes nothing
    if any(line.held for line in lines):  # nor does one that the customer has already
        release(desk, fulfillment_id)
    return put_back_by_scan(desk, fulfillment_id, code)


def may_hand_over(order: FulfillmentOrder) -> bool:
    """Return whether anything of the order can leave with a customer now."""
    in_hand = {S.PICKED, S.STAGED, S.CUSTOMER_WAITING, *READY}
    return order.total("deliverable") > 0 and status_of(order) in in_hand
