"""What an associate can do with a pickup order. One function a use case; no screen, no network.

Each returns the order after it, durably recorded, or raises an
`OperationRefused` that says in words why not and what to do instead. The rules
themselves are `sync.domain.flows.pickup`; what stands here is what only the
counter knows: barcodes, shelf spots, pickup codes, who may do what.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from store_client.ports import Lockout
from store_client.services.calendar import extended_until_ms, hold_until_ms
from store_client.services.counter import DOCUMENTS, HandOver, refuse_doubtful
from store_client.services.desk import Actor, Desk, Refusal
from store_client.services.scanner import Code, clean
from store_client.services.sign_in import sign_in
from store_client.services.words import day_time
from sync.domain import operations as op
from sync.domain.flows import status_of
from sync.domain.flows.pickup import HOLD_DAYS_MAX
from sync.domain.fulfillment import (
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentStatus,
    PickupProof,
    ProofKind,
    RefusalReason,
    ShortReason,
)
from sync.domain.ids import pickup_code_matches
from sync.protocol.rows import StoreRow

WRONG_CODES_MAX = 5
SPOT_CHARACTERS_MAX = 12
NAME_CHARACTERS_MAX = 80
DIGITS_IN_A_NAME_MAX = 3
ITEMS_NAMED_MAX = 2
SPOTS_NAMED_MAX = 16
S = FulfillmentStatus


def load(desk: Desk, fulfillment_id: str) -> FulfillmentOrder:
    """Return the order as it stands here."""
    order = desk.store.fulfillment(fulfillment_id)
    if order is None:
        raise Refusal("This order is not here any more.", "Go back to Today.")
    return order


def accept(desk: Desk, fulfillment_id: str) -> FulfillmentOrder:
    """Take the work on."""
    return desk.perform(op.FulfillmentAccepted(fulfillment_id))


# --- picking ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scan did."""

    order: FulfillmentOrder
    line: FulfillmentLine
    says: str
    put_back: bool = False


def pick_by_scan(desk: Desk, fulfillment_id: str, code: Code) -> Scanned:
    """Pick one unit of the line whose barcode was scanned."""
    order = load(desk, fulfillment_id)
    lines = _lines_with(desk, order, code)
    line = next((line for line in lines if line.to_pick), None)
    if line is None:
        _refuse_over_scan(lines[0])
    after = desk.perform(op.LinePicked(fulfillment_id, line.line, 1, gtin=code.gtin))
    return _scanned(after, line.line, "Picked")


def put_back_by_scan(desk: Desk, fulfillment_id: str, code: Code) -> Scanned:
    """Put one unit back on the shelf, of the line whose barcode was scanned."""
    order = load(desk, fulfillment_id)
    lines = _lines_with(desk, order, code)
    line = next((line for line in lines if line.to_put_back), None)
    if line is None:
        raise Refusal(
            f"No {lines[0].name} of this order has to go back.",
            _still("To put back", order, "to_put_back"),
        )
    after = desk.perform(op.PutBack(fulfillment_id, line.line, 1))
    return replace(_scanned(after, line.line, "Put back"), put_back=True)


def scan_item(desk: Desk, fulfillment_id: str, code: Code) -> Scanned:
    """Do what scanning an item means now: put it back where that is due, else pick it."""
    order = load(desk, fulfillment_id)
    if order.total("to_put_back"):
        lines = _lines_with(desk, order, code)
        if any(line.to_put_back for line in lines) or not order.total("to_pick"):
            return put_back_by_scan(desk, fulfillment_id, code)
    return pick_by_scan(desk, fulfillment_id, code)


def _scanned(order: FulfillmentOrder, number: int, did: str) -> Scanned:
    line = order.line(number)
    if line is None:
        raise Refusal("This line is not part of the order any more.", "Go back and open it again.")
    count = f"{line.held + line.fulfilled} of {line.needed}" if did == "Picked" else "1"
    return Scanned(order, line, f"{did} {count}: {line.name}")


def _lines_with(desk: Desk, order: FulfillmentOrder, code: Code) -> list[FulfillmentLine]:
    hits = desk.store.product_by_code(code.lookup)
    skus = {hit.sku for hit in hits} | {code.text}
    lines = [line for line in order.lines if line.sku in skus]
    if lines:
        return lines
    wanted = _still("Still to pick", order, "to_pick")
    if hits:
        raise Refusal(f"Wrong item: {hits[0].name} is not in this order.", wanted)
    raise Refusal(
        f"Code {code.text} is not in the catalogue.",
        f"Check the label, or choose the line and pick by hand. {wanted}".strip(),
    )


def _refuse_over_scan(line: FulfillmentLine) -> NoReturn:
    if line.needed <= 0:
        raise Refusal(f"{line.name} is not wanted any more.", "Leave it on the shelf.")
    raise Refusal(
        f"All {line.needed} of {line.name} are picked already.", "Put this one back on the shelf."
    )


def _still(words: str, order: FulfillmentOrder, counter: str) -> str:
    counts = [(getattr(line, counter), line.name) for line in order.lines]
    left = [f"{count} × {name}" for count, name in counts if count]
    if not left:
        return ""
    hidden = len(left) - ITEMS_NAMED_MAX
    more = f" and {hidden} more" if hidden > 0 else ""
    return f"{words}: {', '.join(left[:ITEMS_NAMED_MAX])}{more}."


def pick_by_hand(desk: Desk, fulfillment_id: str, line: int, quantity: int = 1) -> FulfillmentOrder:
    """Pick units of a line whose barcode cannot be scanned."""
    found = load(desk, fulfillment_id).line(line)
    if found is not None and not found.to_pick:
        _refuse_over_scan(found)
    return desk.perform(op.LinePicked(fulfillment_id, line, quantity))


def unpick(desk: Desk, fulfillment_id: str, line: int, quantity: int = 1) -> FulfillmentOrder:
    """Undo a pick: the units are back on the shelf and still to be picked."""
    return desk.perform(op.LineUnpicked(fulfillment_id, line, quantity))


def short(
    desk: Desk, fulfillment_id: str, line: int, quantity: int, reason: ShortReason
) -> FulfillmentOrder:
    """Give units up that this store cannot find or sell; central looks for them elsewhere."""
    return desk.perform(op.LineShortPicked(fulfillment_id, line, quantity, reason))


def reject(desk: Desk, fulfillment_id: str, reason: ShortReason) -> FulfillmentOrder:
    """Decline everything that is still open; central looks for it elsewhere."""
    return desk.perform(op.FulfillmentRejected(fulfillment_id, reason))


# --- the hold shelf -----------------------------------------------------------------------


def find_spot(store: StoreRow | None, text: str) -> str:
    """Return the store's spelling of a spot, or raise a refusal that lists the spots."""
    wanted = clean(text).casefold()
    spots = store.spots if store else ()
    if not wanted:
        raise Refusal("No spot given.", _spots(spots))
    for spot in spots:
        if spot.casefold() == wanted:
            return spot
    if spots:
        raise Refusal(f"This store has no spot “{clean(text)[:20]}”.", _spots(spots))
    if len(wanted) > SPOT_CHARACTERS_MAX:
        raise Refusal("That is too long for a spot.", f"Use {SPOT_CHARACTERS_MAX} characters.")
    return clean(text).upper()


def _spots(spots: Sequence[str]) -> str:
    if not spots:
        return "Type where the goods lie, such as A1."
    more = " …" if len(spots) > SPOTS_NAMED_MAX else ""
    return f"Spots: {' '.join(spots[:SPOTS_NAMED_MAX])}{more}."


def is_spot(store: StoreRow | None, text: str) -> bool:
    """Return whether a scanned text is the label of one of the store's spots."""
    wanted = clean(text).casefold()
    return store is not None and any(spot.casefold() == wanted for spot in store.spots)


def stage(desk: Desk, fulfillment_id: str, spot: str) -> FulfillmentOrder:
    """Say at which spot of the hold shelf the packed goods lie."""
    return desk.perform(op.Staged(fulfillment_id, find_spot(desk.store.store_row(), spot)))


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


def quantity(text: str, most: int) -> int:
    """Return a typed quantity between 1 and `most`."""
    digits = clean(text)
    if not (digits.isascii() and digits.isdigit() and 1 <= int(digits) <= most):
        raise Refusal(f"“{digits[:8]}” does not fit.", f"Type a number from 1 to {most}.")
    return int(digits)


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
    """Return the desk as the approving lead or manager, where one typed their PIN."""
    asked = bool(told.document) or told.despite_doubt
    if not asked or told.approver is None or desk.actor.may_override:
        return desk
    actor: Actor = sign_in(desk.store, told.approver, desk.clock.now_ms())
    return replace(desk, actor=actor)


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
    if not desk.actor.may_override:
        raise Refusal(
            "Handing over on an ID check needs a lead or manager.",
            "Ask one to type their number and PIN here.",
        )
    return PickupProof(ProofKind.ID_CHECK, "", document=told.document)


def _code_key(fulfillment_id: str) -> str:
    return f"code:{fulfillment_id}"


def customer_refuses(
    desk: Desk, fulfillment_id: str, line: int, quantity: int, reason: RefusalReason
) -> FulfillmentOrder:
    """Note that the customer at the counter does not take these units."""
    return desk.perform(op.LineRefused(fulfillment_id, line, quantity, reason))


# --- when nobody comes, and goods that nobody expects -------------------------------------


def release(desk: Desk, fulfillment_id: str) -> FulfillmentOrder:
    """Release goods that nobody collected in time."""
    order = load(desk, fulfillment_id)
    now_ms = desk.clock.now_ms()
    if order.expires_at_ms is not None and order.expires_at_ms > now_ms:
        until = day_time(desk.store.store_row(), order.expires_at_ms, now_ms)
        raise Refusal(f"These goods are promised to wait until {until}.", "Leave them there.")
    return desk.perform(op.HoldExpired(fulfillment_id))


def put_back(desk: Desk, fulfillment_id: str, line: int, quantity: int) -> FulfillmentOrder:
    """Put units back on the shelf that nobody expects any more."""
    return desk.perform(op.PutBack(fulfillment_id, line, quantity))


def put_back_all(desk: Desk, fulfillment_id: str) -> FulfillmentOrder:
    """Put everything back that nobody expects any more: one operation a line."""
    order = load(desk, fulfillment_id)
    due = [(line.line, line.to_put_back) for line in order.lines if line.to_put_back]
    if not due:
        raise Refusal("Nothing has to go back.", "See the next step at the top.")
    for line, quantity in due:
        order = put_back(desk, fulfillment_id, line, quantity)
    return order


def may_hand_over(order: FulfillmentOrder) -> bool:
    """Return whether anything of the order can leave with a customer now."""
    return order.total("deliverable") > 0 and status_of(order) in {
        S.PICKED, S.STAGED, S.READY_FOR_PICKUP, S.PARTIALLY_PICKED_UP,
    }  # fmt: skip
