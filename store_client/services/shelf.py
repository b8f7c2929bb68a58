"""What an associate does with promised goods, in any flow: pick, give up, shelve, put back.

One function a use case; no screen, no network. Each returns the order after it,
durably recorded, or raises an `OperationRefused` that says in words why not and
what to do instead. The rules are the flow's; what stands here is what only the
shop floor knows: barcodes and shelf spots.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import NoReturn

from store_client.ports import OperationFate
from store_client.services.desk import Desk, Refusal
from store_client.services.holder import PickedInWave, require_free
from store_client.services.printing import print_shelf_slip
from store_client.services.scanner import Code, clean
from store_client.services.spots import require_room
from sync.domain import operations as op
from sync.domain.flows import flow_named, status_of
from sync.domain.fulfillment import (
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentStatus,
    RefusalReason,
    ShortReason,
)
from sync.domain.ids import PICKUP_CODE_LENGTH
from sync.domain.transitions import decide
from sync.domain.waves import PickMode
from sync.protocol.rows import StoreRow

SPOT_CHARACTERS_MAX = 12
ITEMS_NAMED_MAX = 2
SPOTS_NAMED_MAX = 16


def load(desk: Desk, fulfillment_id: str) -> FulfillmentOrder:
    """Return the order as it stands here."""
    order = desk.store.fulfillment(fulfillment_id)
    if order is None:
        raise Refusal("This order is not here any more.", "Go back to Today.")
    return order


def accept(desk: Desk, fulfillment_id: str) -> FulfillmentOrder:
    """Take the work on."""
    return desk.perform(op.FulfillmentAccepted(fulfillment_id))


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scan did."""

    order: FulfillmentOrder
    line: FulfillmentLine
    says: str
    put_back: bool = False


def require_picker(desk: Desk, order: FulfillmentOrder) -> None:
    """Refuse to pick alone what somebody else picks in a wave, or what is sorted afterwards."""
    wave = order.wave
    if status_of(order) is FulfillmentStatus.PARTIALLY_PICKED_UP:
        return  # the walk is over: what came back to be picked is nobody's in particular
    if wave is None or (wave.picker == desk.actor.id and wave.mode is PickMode.SORT_WHILE_PICK):
        return
    raise PickedInWave(desk, wave)


def pick_by_scan(desk: Desk, fulfillment_id: str, code: Code) -> Scanned:
    """Pick one unit of the line whose barcode was scanned."""
    order = load(desk, fulfillment_id)
    lines = lines_with(desk, order, code)
    line = next((line for line in lines if line.to_pick), None)
    if line is None:
        refuse_over_scan(lines[0])
    require_picker(desk, order)
    picked = op.LinePicked(fulfillment_id, line.line, 1, gtin=code.gtin)
    after = desk.perform(picked, judge=partial(require_free, desk))
    return _scanned(after, line.line, "Picked")


def put_back_by_scan(desk: Desk, fulfillment_id: str, code: Code) -> Scanned:
    """Put one unit back on the shelf, of the line whose barcode was scanned."""
    order = load(desk, fulfillment_id)
    lines = lines_with(desk, order, code)
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
        lines = lines_with(desk, order, code)
        if any(line.to_put_back for line in lines) or not order.total("to_pick"):
            return put_back_by_scan(desk, fulfillment_id, code)
    return pick_by_scan(desk, fulfillment_id, code)


def _scanned(order: FulfillmentOrder, number: int, did: str) -> Scanned:
    line = order.line(number)
    if line is None:
        raise Refusal("This line is not part of the order any more.", "Go back and open it again.")
    count = f"{line.held + line.fulfilled} of {line.needed}" if did == "Picked" else "1"
    return Scanned(order, line, f"{did} {count}: {line.name}")


def lines_with(desk: Desk, order: FulfillmentOrder, code: Code) -> list[FulfillmentLine]:
    """Return the lines that a scanned code may mean, or refuse the code in words."""
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


def refuse_over_scan(line: FulfillmentLine) -> NoReturn:
    """Say that nothing more of a line is to be picked."""
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
    order = load(desk, fulfillment_id)
    found = order.line(line)
    if found is not None and not found.to_pick:
        refuse_over_scan(found)
    require_picker(desk, order)
    picked = op.LinePicked(fulfillment_id, line, quantity)
    return desk.perform(picked, judge=partial(require_free, desk))


def unpick(desk: Desk, fulfillment_id: str, line: int, quantity: int = 1) -> FulfillmentOrder:
    """Undo a pick: the units are back on the shelf and still to be picked."""
    unpicked = op.LineUnpicked(fulfillment_id, line, quantity)
    return desk.perform(unpicked, judge=partial(require_free, desk))


def own_picks(order: FulfillmentOrder, fates: Sequence[OperationFate], by: str) -> list[int]:
    """Return the lines of somebody's picks that are still in hand, one for each unit, oldest first.

    `fates` are the operations on the order, oldest first, whatever screen they were made on.
    """
    picks: list[int] = []
    for fate in fates:
        if fate.line is None or fate.state == "refused":
            continue
        if fate.kind == "line_picked" and fate.by == by:
            picks += [fate.line] * (fate.quantity or 1)
        elif fate.kind == "line_unpicked":
            for _ in range(min(fate.quantity or 1, picks.count(fate.line))):
                del picks[_last(picks, fate.line)]
    for line in order.lines:
        while picks.count(line.line) > max(0, line.held):
            picks.remove(line.line)  # the oldest have left, or went back otherwise
    return picks


def _last(picks: Sequence[int], line: int) -> int:
    return max(place for place, one in enumerate(picks) if one == line)


def undo_pick(desk: Desk, fulfillment_id: str) -> FulfillmentOrder:
    """Undo the last pick of who is signed in, on whichever screen it was made."""
    order = load(desk, fulfillment_id)
    picks = own_picks(order, desk.store.fates_of(fulfillment_id), desk.actor.id)
    if not picks:
        raise Refusal("No pick of yours to undo here.", "F7 takes a pick back.")
    return unpick(desk, fulfillment_id, picks[-1])


def short(
    desk: Desk, fulfillment_id: str, line: int, quantity: int, reason: ShortReason
) -> FulfillmentOrder:
    """Give units up that this store cannot find or sell; central looks for them elsewhere."""
    given_up = op.LineShortPicked(fulfillment_id, line, quantity, reason)
    return desk.perform(given_up, judge=partial(require_free, desk))


def reject(desk: Desk, fulfillment_id: str, reason: ShortReason) -> FulfillmentOrder:
    """Decline everything that is still open; central looks for it elsewhere."""
    rejected = op.FulfillmentRejected(fulfillment_id, reason)
    return desk.perform(rejected, judge=partial(require_free, desk))


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


def is_label(store: StoreRow | None, code: Code) -> bool:
    """Return whether a scan is an item's barcode, or a spot's label; of eight digits it may not be.

    A pickup code has eight characters and may be a GTIN-8 by chance.
    """
    is_item = bool(code.gtin) and len(code.text) > PICKUP_CODE_LENGTH
    return is_item or is_spot(store, code.text)


def stage(desk: Desk, fulfillment_id: str, spot: str) -> FulfillmentOrder:
    """Say at which spot of the hold shelf the packed goods lie; a full one is refused."""
    found = find_spot(desk.store.store_row(), spot)
    staged = desk.perform(
        op.Staged(fulfillment_id, found), judge=lambda order: require_room(desk, order.id, found)
    )
    with suppress(OSError):  # the goods lie there, slip or no slip
        print_shelf_slip(desk, staged)
    return staged


def may_unstage(order: FulfillmentOrder) -> bool:
    """Return whether what lies on the hold shelf can be taken back: nobody has come for it."""
    return status_of(order) in {FulfillmentStatus.STAGED, FulfillmentStatus.READY_FOR_PICKUP}


def unstage(desk: Desk, fulfillment_id: str) -> FulfillmentOrder:
    """Take an order back from the hold shelf: staged, or called ready, by mistake."""
    order = load(desk, fulfillment_id)
    if status_of(order) is FulfillmentStatus.CUSTOMER_WAITING:
        raise Refusal("The customer waits outside.", "Bring it out, or note that nobody is there.")
    if not may_unstage(order):
        raise Refusal("It does not wait on the hold shelf.", "See the next step at the top.")
    return desk.perform(op.Unstaged(fulfillment_id))


def quantity(text: str, most: int) -> int:
    """Return a typed quantity between 1 and `most`."""
    digits = clean(text)
    if not (digits.isascii() and digits.isdigit() and 1 <= int(digits) <= most):
        raise Refusal(f"“{digits[:8]}” does not fit.", f"Type a number from 1 to {most}.")
    return int(digits)


def customer_refuses(
    desk: Desk, fulfillment_id: str, line: int, quantity: int, reason: RefusalReason
) -> FulfillmentOrder:
    """Note that the customer at the counter does not take these units."""
    return desk.perform(op.LineRefused(fulfillment_id, line, quantity, reason))


def customer_refuses_some(
    desk: Desk, fulfillment_id: str, taken: Sequence[tuple[int, int]], reason: RefusalReason
) -> FulfillmentOrder:
    """Note that the customer does not take these units, of (line, units): all or none of them.

    Each is judged before the first is recorded: one operation a line.
    """
    order = load(desk, fulfillment_id)
    refused = [op.LineRefused(fulfillment_id, line, units, reason) for line, units in taken]
    flow, judged = flow_named(order.flow), order
    for one in refused:
        judged = decide(flow, judged, one, desk.clock.now_ms()).after
    for one in refused:
        order = desk.perform(one)
    return order


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
