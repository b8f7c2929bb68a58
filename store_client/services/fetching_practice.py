"""An associate who works by the book: does the next step of the queue, for demos and soak tests.

The same commands as at the screen, the same refusals, the same journal. Chance
(handed in) decides what people decide: a shelf that is empty, a customer who
comes, one who changed their mind.
"""

from dataclasses import dataclass
from random import Random

from store_client.ports import BoardRow
from store_client.services import fetching as commands
from store_client.services import waves
from store_client.services.board import facts_of, facts_of_row
from store_client.services.counter import DOCUMENTS, DoubtfulPromise, HandOver
from store_client.services.desk import Desk
from store_client.services.fetching_board import Step, next_step
from store_client.services.holder import take_over
from store_client.services.scanner import Code
from store_client.services.shelf import may_unstage
from sync.domain.errors import OperationRefused
from sync.domain.fulfillment import FulfillmentOrder, RefusalReason, ShortReason
from sync.domain.waves import PickMode

LOOK_AT = 50
FLOW = "pickup"


@dataclass(frozen=True, slots=True)
class Habits:
    """How often things happen, as probabilities."""

    shelf_is_empty: float = 0.03
    order_rejected: float = 0.01
    customer_comes: float = 0.5
    changed_mind: float = 0.03
    in_a_wave: float = 0.15
    staged_by_mistake: float = 0.0


BY_THE_BOOK = Habits()


def work_next(
    desk: Desk, random: Random, habits: Habits = Habits(), flow: str = FLOW
) -> str | None:
    """Do one step of a flow's most urgent order, and say what; None when nothing is to do."""
    now_ms = desk.clock.now_ms()
    for row in desk.store.board(flow, limit=LOOK_AT):
        step = next_step(facts_of_row(row), now_ms)
        if step is Step.HAND_OVER and random.random() >= habits.customer_comes:
            continue
        try:
            done = _do(desk, row, random, habits)
        except DoubtfulPromise:
            continue  # by the book: it waits for the network
        except OperationRefused as refusal:
            done = f"refused: {refusal}"
        if done:
            return f"{row.order_number}: {done}"
    return None


def _do(desk: Desk, row: BoardRow, random: Random, habits: Habits) -> str:
    order = commands.load(desk, row.id)
    step = next_step(facts_of(order), desk.clock.now_ms())
    if step is Step.ACCEPT:
        return _begin(desk, order, random, habits)
    if step is Step.PICK:
        return _pick(desk, order, random, habits)
    if step is Step.SORT:
        return _sort(desk, order)
    if step is Step.STAGE:
        spot = _spot(desk, random)
        commands.stage(desk, order.id, spot)
        return f"staged at {spot}"
    on_the_shelf = step in {Step.READY, Step.HAND_OVER} and may_unstage(order)
    if on_the_shelf and random.random() < habits.staged_by_mistake:
        commands.unstage(desk, order.id)
        return "taken off the shelf: not ready after all"
    if step is Step.HAND_OVER:
        return _hand_over(desk, order, random, habits)
    return _end(desk, order, step)


def _begin(desk: Desk, order: FulfillmentOrder, random: Random, habits: Habits) -> str:
    if random.random() < habits.order_rejected:
        commands.reject(desk, order.id, ShortReason.STORE_BUSY)
        return "rejected"
    if random.random() < habits.in_a_wave:
        mode = random.choice(list(PickMode))
        return f"wave {waves.start(desk, order.flow, size=3, mode=mode).name}"
    commands.accept(desk, order.id)
    return "accepted"


def _end(desk: Desk, order: FulfillmentOrder, step: Step) -> str:
    """Do what takes no choice: tell the customer, release, put back."""
    if step is Step.PUT_BACK:
        commands.put_back_all(desk, order.id)
        return "put back"
    if step is Step.READY:
        commands.mark_ready(desk, order.id)
        return "ready"
    if step is Step.RELEASE:
        commands.no_show(desk, order.id)
        return "no-show: put back"
    return ""


def _pick(desk: Desk, order: FulfillmentOrder, random: Random, habits: Habits) -> str:
    line = next(line for line in order.lines if line.to_pick)
    desk = take_over(desk, order.id)
    if random.random() < habits.shelf_is_empty:
        commands.short(desk, order.id, line.line, line.to_pick, ShortReason.NOT_FOUND)
        return f"shelf empty for {line.name}"
    if order.wave is not None:
        key = waves.WaveName(order.flow, order.wave.name)
        if order.wave.picker != desk.actor.id:
            waves.take_over(desk, key)
        return waves.pick_row(desk, key, line.sku).says
    commands.pick_by_hand(desk, order.id, line.line, line.to_pick)
    return f"picked {line.to_pick} × {line.name}"


def _sort(desk: Desk, order: FulfillmentOrder) -> str:
    line = next(line for line in order.lines if order.to_sort(line))
    name = order.wave.name if order.wave is not None else ""
    return waves.sort_scan(desk, waves.WaveName(order.flow, name), Code(line.sku)).says


def _spot(desk: Desk, random: Random) -> str:
    store = desk.store.store_row()
    return random.choice(store.spots) if store is not None and store.spots else "A1"


def _hand_over(desk: Desk, order: FulfillmentOrder, random: Random, habits: Habits) -> str:
    if random.random() < habits.changed_mind:
        line = next(line for line in order.lines if line.deliverable)
        commands.customer_refuses(
            desk, order.id, line.line, line.deliverable, RefusalReason.CHANGED_MIND
        )
        return f"customer refused {line.name}"
    told = HandOver(commands.everything(order), document=random.choice(DOCUMENTS))
    commands.hand_over(desk, order.id, told)
    return "handed over"
