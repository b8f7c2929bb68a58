"""What an associate can do with a parcel order beside what all flows share.

One function a use case; no screen, no network.
Each returns the order after it, durably recorded, or raises an
`OperationRefused` in words. Paper comes after the record: where none can be
made that is said, and nothing is undone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from store_client.flows.ship.board import unlabeled
from store_client.paper import PackingSlip, PaperProblem, ParcelLabel, SlipLine
from store_client.services.desk import Desk, Refusal
from store_client.services.scanner import clean
from store_client.services.shelf import (
    load,
    pick_by_hand,
    put_back_all,
    quantity,
    reject,
    scan_item,
    short,
    unpick,
)
from sync.domain import operations as op
from sync.domain import ship_operations as so
from sync.domain.flows.ship import shipment_of, to_pack
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.people import Action
from sync.domain.shipping import WEIGHT_GRAMS_MAX, Box

__all__ = [
    "Labeled", "everything", "follow_up", "grams", "label", "label_by_hand", "label_of",
    "left_on_paper", "load", "pack",
    "pick_by_hand", "put_back_all", "quantity", "reject", "reprint", "scan_item", "short",
    "slip_of", "unpack", "unpick", "void",
]  # fmt: skip
NUMBER_CHARACTERS_MAX = 40


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


def left_on_paper(order: FulfillmentOrder, box: int) -> str:
    """Return what is to be done about the paper of a box whose label is to be void: it may be none.

    `order` is as it was before.
    """
    found = shipment_of(order).box(box)
    if found is None or not found.tracking:
        return ""
    listed = f" Manifest {found.manifest} has it: make that again." if found.manifest else ""
    return f"Tear label {found.tracking} off.{listed}"


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
    kept = clean(number).upper()
    if not kept:
        raise Refusal("No number given.", "Scan or type the number on the label.")
    if not (kept.isascii() and kept.isprintable()):
        raise Refusal(f"“{kept[:12]}” is no number of a label.", "Scan it once more.")
    if len(kept) > NUMBER_CHARACTERS_MAX:
        most = f"At most {NUMBER_CHARACTERS_MAX} characters."
        raise Refusal(f"“{kept[:12]}…” is too long for a label.", most)
    shipment = shipment_of(order)
    if kept in shipment.used:
        raise Refusal(f"Label {kept} is used already.", "Each box has a label of its own.")
    after = desk.perform(
        so.LabelPrinted(fulfillment_id, box, shipment.carrier, shipment.service, kept)
    )
    return Labeled(after, f"Box {box} has label {kept}", kept)


def void(desk: Desk, fulfillment_id: str, box: int) -> FulfillmentOrder:
    """Take a label off a box, or back the request for one."""
    found = shipment_of(load(desk, fulfillment_id)).box(box)
    if found is not None and not found.tracking and found.requested_at_ms is None:
        raise Refusal(f"Box {box} has no label: there is nothing to take off.", "Label it.")
    return desk.perform(so.LabelVoided(fulfillment_id, box))


def reprint(desk: Desk, fulfillment_id: str) -> Labeled:
    """Make labels and packing slips of all labeled boxes of an order that are here once more."""
    desk.require(Action.PRINT)
    order = load(desk, fulfillment_id)
    labeled = [box for box in shipment_of(order).boxes if box.tracking]
    if not labeled:
        raise Refusal("No box has a label yet.", "Label it first.")
    here = [box for box in labeled if box.is_here]
    if not here:
        raise Refusal("The carrier has all its boxes.", "A second parcel needs a label of its own.")
    says = [_on_paper(desk, order, box.number) for box in here]
    return Labeled(order, "; ".join(says), here[-1].tracking)


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
