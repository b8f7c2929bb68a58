"""An associate who ships by the book: for demos, training and soak tests.

The same commands as at the screen. Chance (handed in) decides what people
decide: a shelf that is empty, an order in two boxes, a label that is torn off.
"""

from dataclasses import dataclass
from random import Random

from store_client.flows.ship import commands, manifests
from store_client.flows.ship.board import Step, facts_of, next_step
from store_client.services import shelf, waves
from store_client.services.desk import Desk
from store_client.services.holder import take_over
from sync.domain import operations as op
from sync.domain.errors import OperationRefused
from sync.domain.flows.ship import NAME, shipment_of, to_pack
from sync.domain.fulfillment import FulfillmentOrder, ShortReason

LOOK_AT = 20
REASONS = (
    ShortReason.NOT_FOUND, ShortReason.DAMAGED, ShortReason.DISPLAY_ONLY, ShortReason.STORE_BUSY,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Habits:
    """How often things happen, as probabilities."""

    shelf_is_empty: float = 0.04
    order_rejected: float = 0.02
    in_a_wave: float = 0.3
    two_boxes: float = 0.3
    label_torn: float = 0.05
    carrier_comes: float = 0.6


def work_next(desk: Desk, random: Random, habits: Habits = Habits()) -> str | None:
    """Do one step of the most urgent parcel order; None when nothing is to do."""
    for row in desk.store.board(NAME, limit=LOOK_AT):
        order = desk.store.fulfillment(row.id)
        if order is None:
            continue
        try:
            done = _do(desk, order, random, habits)
        except OperationRefused as refusal:
            done = f"refused: {refusal}"
        if done:
            return f"{row.order_number}: {done}"
    return None


def _do(desk: Desk, order: FulfillmentOrder, random: Random, habits: Habits) -> str:
    step = next_step(facts_of(order))
    if step is Step.PUT_BACK:
        commands.put_back_all(desk, order.id)
        return "put back"
    if step is Step.ACCEPT:
        return _begin(desk, order, random, habits)
    if step is Step.PICK:
        return _pick(desk, order, random, habits)
    if step is Step.PACK:
        return _pack(desk, order, random, habits)
    if step is Step.LABEL:
        return commands.label(desk, order.id).says
    return _send(desk, order, step, random, habits)


def _send(desk: Desk, order: FulfillmentOrder, step: Step, random: Random, habits: Habits) -> str:
    if step is Step.LIST:
        if random.random() < habits.label_torn:
            box = next(box for box in shipment_of(order).boxes if box.is_here)
            undo = random.choice((commands.void, commands.unpack))
            undo(desk, order.id, box.number)
            return f"{undo.__name__} box {box.number}"
        manifests.list_box(desk, order)
        return "on the manifest"
    if step is Step.HAND_OVER and random.random() < habits.carrier_comes:
        manifests.hand_over_order(desk, order)
        return "with the carrier"
    return ""


def _begin(desk: Desk, order: FulfillmentOrder, random: Random, habits: Habits) -> str:
    if random.random() < habits.order_rejected:
        commands.reject(desk, order.id, random.choice(REASONS))
        return "rejected"
    if random.random() < habits.in_a_wave:
        return f"wave {waves.start(desk, order.flow, (order.id,)).name}"
    shelf.accept(desk, order.id)
    return "accepted"


def _pick(desk: Desk, order: FulfillmentOrder, random: Random, habits: Habits) -> str:
    line = next(line for line in order.lines if line.to_pick)
    desk = take_over(desk, order.id)
    if random.random() < habits.shelf_is_empty:
        commands.short(desk, order.id, line.line, line.to_pick, random.choice(REASONS))
        return f"shelf empty for {line.name}"
    commands.pick_by_hand(desk, order.id, line.line, line.to_pick)
    return f"picked {line.to_pick} × {line.name}"


def _pack(desk: Desk, order: FulfillmentOrder, random: Random, habits: Habits) -> str:
    line = next(line for line in order.lines if to_pack(order, line))
    units = to_pack(order, line)
    one = (op.LineQuantity(line.line, 1),)
    some = one if units > 1 and random.random() < habits.two_boxes else ()
    after = commands.pack(desk, order.id, str(random.randint(200, 4000)), some)
    return f"packed box {shipment_of(after).boxes[-1].number}"
