"""What an associate can do with a parcel order. One function a use case; no screen, no network.

Each returns the order after it, durably recorded, or raises an
`OperationRefused` in words. Paper comes after the record: where none can be
made that is said, and nothing is undone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from store_client.flows.ship.board import unlabeled
from store_client.paper import PackingSlip, PaperProblem, ParcelLabel, SlipLine
from store_client.services.desk import Desk, Refusal
from store_client.services.scanner import Code, clean
from store_client.services.shelf import Scanned, load
from sync.domain import operations as op
from sync.domain import ship_operations as so
from sync.domain.flows.ship import shipment_of, to_pack
from sync.domain.fulfillment import FulfillmentLine, FulfillmentOrder, ShortReason
from sync.domain.shipping import WEIGHT_GRAMS_MAX, Box

NUMBER_CHARACTERS_MAX = 40
ITEMS_NAMED_MAX = 2


# --- picking ------------------------------------------------------------------------------


def scan_item(desk: Desk, fulfillment_id: str, code: Code) -> Scanned:
    """Do what scanning an item means now: put it back where that is due, else pick it."""
    order = load(desk, fulfillment_id)
    lines = lines_with(desk, order, code)
    due = next((line for line in lines if line.to_put_back), None)
    if due is not None:
        after = desk.perform(op.PutBack(fulfillment_id, due.line, 1))
        return Scanned(after, _line(after, due.line), f"Put back 1: {due.name}", put_back=True)
    line = next((line for line in lines if line.to_pick), None)
    if line is None:
        refuse_over_scan(lines[0])
    after = desk.perform(op.LinePicked(fulfillment_id, line.line, 1, gtin=code.gtin))
    now = _line(after, line.line)
    return Scanned(after, now, f"Picked {now.held + now.fulfilled} of {now.needed}: {now.name}")


def _line(order: FulfillmentOrder, number: int) -> FulfillmentLine:
    line = order.line(number)
    if line is None:
        raise Refusal("This line is not part of the order any more.", "Go back and open it again.")
    return line


def lines_with(desk: Desk, order: FulfillmentOrder, code: Code) -> list[FulfillmentLine]:
    """Return the lines that a scanned code may mean, or refuse the code in words."""
    hits = desk.store.product_by_code(code.lookup)
    skus = {hit.sku for hit in hits} | {code.text}
    lines = [line for line in order.lines if line.sku in skus]
    if not lines:
        refuse_unknown(code, hits[0].name if hits else "", order)
    return lines


def refuse_unknown(code: Code, name: str, order: FulfillmentOrder) -> NoReturn:
    """Say what was scanned, and what is still to be picked."""
    counts = [(line.to_pick, line.name) for line in order.lines if line.to_pick]
    shown = ", ".join(f"{count} × {what}" for count, what in counts[:ITEMS_NAMED_MAX])
    wanted = f"Still to pick: {shown}." if shown else ""
    if name:
        raise Refusal(f"Wrong item: {name} is not in this order.", wanted)
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


def pick_by_hand(desk: Desk, fulfillment_id: str, line: int, quantity: int = 1) -> FulfillmentOrder:
    """Pick units of a line whose barcode cannot be scanned."""
    found = load(desk, fulfillment_id).line(line)
    if found is not None and not found.to_pick:
        refuse_over_scan(found)
    return desk.perform(op.LinePicked(fulfillment_id, line, quantity))


def unpick(desk: Desk, fulfillment_id: str, line: int, quantity: int = 1) -> FulfillmentOrder:
    """Undo a pick: the units are back on the shelf and still to be picked."""
    return desk.perform(op.LineUnpicked(fulfillment_id, line, quantity))


def short(
    desk: Desk, fulfillment_id: str, line: int, quantity: int, reason: ShortReason
) -> FulfillmentOrder:
    """Give units up that this store cannot find or send; central looks for them elsewhere."""
    return desk.perform(op.LineShortPicked(fulfillment_id, line, quantity, reason))


def reject(desk: Desk, fulfillment_id: str, reason: ShortReason) -> FulfillmentOrder:
    """Decline everything that is still open; central looks for it elsewhere."""
    return desk.perform(op.FulfillmentRejected(fulfillment_id, reason))


def put_back_all(desk: Desk, fulfillment_id: str) -> FulfillmentOrder:
    """Put everything back that nobody expects any more, out of its boxes: one operation a line."""
    order = load(desk, fulfillment_id)
    due = [(line.line, line.to_put_back) for line in order.lines if line.to_put_back]
    if not due:
        raise Refusal("Nothing has to go back.", "See the next step at the top.")
    for line, quantity in due:
        order = desk.perform(op.PutBack(fulfillment_id, line, quantity))
    return order


# --- boxes --------------------------------------------------------------------------------


def grams(text: str) -> int:
    """Return a typed weight in grams: `1250`, `1.25 kg`, `1,25kg`."""
    plain = clean(text).lower().replace(" ", "").replace(",", ".")
    number, factor = (plain[:-2], 1000) if plain.endswith("kg") else (plain.removesuffix("g"), 1)
    whole, dot, part = number.partition(".")
    digits = whole + part
    if not (digits.isascii() and digits.isdigit()) or (dot and factor == 1):
        raise Refusal(f"“{text[:10]}” is no weight.", "Type grams, or kilos such as 1.25 kg.")
    weight = int(whole or "0") * factor + (int((part + "000")[:3]) if factor > 1 else 0)
    if not 0 < weight <= WEIGHT_GRAMS_MAX:
        raise Refusal(f"A box weighs 1 g to {WEIGHT_GRAMS_MAX // 1000} kg.", "Weigh it again.")
    return weight


def everything(order: FulfillmentOrder) -> tuple[op.LineQuantity, ...]:
    """Return all units that wait to be packed."""
    counts = [(line.line, to_pack(order, line)) for line in order.lines]
    return tuple(op.LineQuantity(line, units) for line, units in counts if units)


def pack(
    desk: Desk, fulfillment_id: str, weight: str, lines: Sequence[op.LineQuantity] = ()
) -> FulfillmentOrder:
    """Pack units (all that wait, unless said otherwise) into the next box and note its weight."""
    order = load(desk, fulfillment_id)
    packed = tuple(lines) or everything(order)
    if not packed:
        raise Refusal("Nothing waits to be packed.", "Pick it first.")
    box = shipment_of(order).next_box
    return desk.perform(so.BoxPacked(fulfillment_id, box, grams(weight), packed))


def unpack(desk: Desk, fulfillment_id: str, box: int) -> FulfillmentOrder:
    """Empty a box; its label is void."""
    return desk.perform(so.BoxUnpacked(fulfillment_id, box))


# --- labels -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Labeled:
    """What became of asking for a label."""

    order: FulfillmentOrder
    says: str
    number: str = ""
    """Empty: central was asked, and the number comes by itself."""


def label(desk: Desk, fulfillment_id: str, box: int | None = None) -> Labeled:
    """Give a box (the next one without a label) its label: by a number that is here, or asked."""
    order = load(desk, fulfillment_id)
    shipment, found = shipment_of(order), _bare_box(order, box)
    if shipment.free_numbers:
        number = shipment.free_numbers[0]
        after = desk.perform(
            so.LabelPrinted(
                fulfillment_id, found.number, shipment.carrier, shipment.service, number
            )
        )
        return Labeled(after, _on_paper(desk, after, found.number), number)
    after = desk.perform(
        so.LabelRequested(fulfillment_id, found.number, shipment.carrier, shipment.service)
    )
    says = f"Box {found.number}: label asked of central; it comes by itself"
    return Labeled(after, says)


def label_by_hand(desk: Desk, fulfillment_id: str, box: int, number: str) -> Labeled:
    """Note the number of a label that was bought otherwise."""
    order = load(desk, fulfillment_id)
    kept = clean(number).upper()[:NUMBER_CHARACTERS_MAX]
    if not kept:
        raise Refusal("No number given.", "Scan or type the number on the label.")
    if not (kept.isascii() and kept.isprintable()):
        raise Refusal(f"“{kept[:12]}” is no number of a label.", "Scan it once more.")
    shipment = shipment_of(order)
    if kept in shipment.used:
        raise Refusal(f"Label {kept} is used already.", "Each box has a label of its own.")
    after = desk.perform(
        so.LabelPrinted(fulfillment_id, box, shipment.carrier, shipment.service, kept)
    )
    return Labeled(after, f"Box {box} has label {kept}", kept)


def void(desk: Desk, fulfillment_id: str, box: int) -> FulfillmentOrder:
    """Take a label off a box, or back the request for one."""
    return desk.perform(so.LabelVoided(fulfillment_id, box))


def reprint(desk: Desk, fulfillment_id: str, box: int) -> Labeled:
    """Make label and packing slip of a box once more."""
    order = load(desk, fulfillment_id)
    found = shipment_of(order).box(box)
    if found is None or not found.tracking:
        raise Refusal(f"Box {box} has no label yet.", "Label it first.")
    return Labeled(order, _on_paper(desk, order, box), found.tracking)


def _bare_box(order: FulfillmentOrder, number: int | None) -> Box:
    bare = [
        box
        for box in unlabeled(order)
        if number in {None, box.number} and box.requested_at_ms is None
    ]
    if not bare:
        raise Refusal("No box waits for a label.", "Pack one first.")
    return bare[0]


def _on_paper(desk: Desk, order: FulfillmentOrder, box: int) -> str:
    """Make label and slip; say where they are, or why they are not: the label counts anyway."""
    try:
        made = [*desk.paper.label(label_of(desk, order, box)), *desk.paper.slip(
            slip_of(desk, order, box)
        )]  # fmt: skip
    except PaperProblem as problem:
        return f"Box {box} is labeled, but not on paper: {problem}"
    names = ", ".join(path.name for path in made)
    return f"Box {box}: {names}" if made else f"Box {box} is labeled"


def label_of(desk: Desk, order: FulfillmentOrder, box: int) -> ParcelLabel:
    """Return what stands on the label of a box."""
    shipment, store = shipment_of(order), desk.store.store_row()
    found = shipment.box(box)
    if found is None:
        raise Refusal(f"There is no box {box}.", "Open the order again.")
    names = {one.carrier: one.name for one in store.carriers} if store else {}
    return ParcelLabel(
        found.tracking, names.get(found.carrier, found.carrier), found.service,
        shipment.address.lines(), store.name if store else "", order.order_number, box,
        len(shipment.boxes), found.weight_grams,
    )  # fmt: skip


def slip_of(desk: Desk, order: FulfillmentOrder, box: int) -> PackingSlip:
    """Return the packing slip of a box."""
    shipment, store = shipment_of(order), desk.store.store_row()
    found = shipment.box(box)
    if found is None:
        raise Refusal(f"There is no box {box}.", "Open the order again.")
    lines = tuple(
        SlipLine(entry.quantity, line.sku, line.name)
        for entry in found.lines
        if (line := order.line(entry.line)) is not None
    )
    rest = sum(line.needed for line in order.lines) - found.units
    return PackingSlip(
        order.order_number, box, store.name if store else "", shipment.address.lines(), lines,
        max(0, rest),
    )  # fmt: skip


def follow_up(desk: Desk, orders: Iterable[FulfillmentOrder]) -> list[str]:
    """Put on paper what is not yet: labels that central bought meanwhile. Say what was made."""
    bare = [
        (order, box.number)
        for order in orders
        for box in shipment_of(order).boxes
        if box.is_here and box.tracking and not desk.paper.has_label(box.tracking)
    ]
    return [f"{order.order_number}: {_on_paper(desk, order, box)}" for order, box in bare]


def quantity(text: str, most: int) -> int:
    """Return a typed quantity between 1 and `most`."""
    digits = clean(text)
    if not (digits.isascii() and digits.isdigit() and 1 <= int(digits) <= most):
        raise Refusal(f"“{digits[:8]}” does not fit.", f"Type a number from 1 to {most}.")
    return int(digits)
