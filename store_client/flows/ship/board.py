"""What to do next for a parcel order, and in which order to work through the board.

0  put back    goods in our hands that nobody expects, money to give back
1  to do       accept, pick, pack, label, list; the earliest cut-off first
3  waiting     listed: the carrier takes it, where it is paid here once it is paid
9  closed

What is due is the cut-off of the carrier by which the order was promised to leave.
"""

from dataclasses import dataclass
from enum import StrEnum

from store_client.flows.ship.paying import due_here
from store_client.ports import BoardRow
from store_client.services.board import BoardEntry, Group
from store_client.services.due import NOTHING, NOW, due_said
from store_client.services.words import MINUTE_MS, STATUS, Said, clock_time, day_time, money
from sync.domain.flows.ship import shipment_of, status_of, to_pack
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.paying import owed_back, unpaid
from sync.domain.shipping import Box
from sync.protocol.rows import StoreRow

SOON_MS = 30 * MINUTE_MS
S = FulfillmentStatus


class Step(StrEnum):
    """The next thing to do for a parcel order."""

    PUT_BACK = "put back"
    ACCEPT = "accept"
    PICK = "pick"
    PACK = "pack"
    LABEL = "label"
    WAIT_FOR_LABEL = "wait for label"
    LIST = "list"
    PAY = "pay"
    GIVE_BACK = "give back"
    HAND_OVER = "hand over"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the next step follows from; from a board's row or from a whole order."""

    status: FulfillmentStatus
    to_pick: int
    to_put_back: int
    ship_by_ms: int
    is_waiting_for_label: bool = False
    """All boxes without a label wait for central's; unknown (False) for a board's row."""
    unpaid_minor: int | None = None
    """What is not paid yet, or not clear; None where it is not paid here, or a row is not listed.
    """
    owes: bool = False
    """More is paid than is sent; unknown (False) for a board's row of an order that goes on."""


def facts_of(order: FulfillmentOrder) -> Facts:
    """Return the facts of a whole order."""
    bare = unlabeled(order)
    waits = bool(bare) and all(box.requested_at_ms is not None for box in bare)
    return Facts(
        status_of(order), order.total("to_pick"), order.total("to_put_back"),
        order.promised_by_ms, waits, unpaid(order), owed_back(order) > 0,
    )  # fmt: skip


def facts_of_row(row: BoardRow) -> Facts:
    """Return the facts of a board's row."""
    return Facts(
        row.status, row.units_to_pick, row.units_to_put_back, row.promised_by_ms,
        unpaid_minor=row.unpaid_minor,
    )  # fmt: skip


def unlabeled(order: FulfillmentOrder) -> list[Box]:
    """Return the boxes that are here and have no label."""
    return [box for box in shipment_of(order).boxes if box.is_here and not box.tracking]


def next_step(facts: Facts) -> Step:
    """Return what to do next: goods without an owner first, then the customer's."""
    if facts.to_put_back:
        return Step.PUT_BACK
    if facts.owes or facts.status is S.REFUND_DUE:
        return Step.GIVE_BACK
    if facts.status is S.PACKED and facts.is_waiting_for_label:
        return Step.WAIT_FOR_LABEL
    if facts.status is S.MANIFESTED and facts.unpaid_minor:
        return Step.PAY
    return {
        S.NEW: Step.ACCEPT,
        S.ACCEPTED: Step.PICK,
        S.PICKING: Step.PICK,
        S.PICKED: Step.PACK,
        S.PACKED: Step.LABEL,
        S.LABELED: Step.LIST,
        S.MANIFESTED: Step.HAND_OVER,
    }.get(facts.status, Step.NOTHING)


def step_words(facts: Facts) -> Said:
    """Return the next step as glyph and words."""
    step = next_step(facts)
    return {
        Step.PUT_BACK: Said("↶", f"Put back {facts.to_put_back}", "bad"),
        Step.ACCEPT: Said("★", f"Ship: pick {facts.to_pick}", "new"),
        Step.PICK: Said("◐", f"Ship: pick {facts.to_pick}", "work"),
        Step.PACK: Said("▤", "Pack and weigh", "work"),
        Step.LABEL: Said("▥", "Label the box", "work"),
        Step.WAIT_FOR_LABEL: Said("…", "Label asked of central", "warn"),
        Step.LIST: Said("▦", "Put on the manifest", "work"),
        Step.PAY: Said("◐", "To be paid, then it leaves", "warn", short="To be paid here"),
        Step.GIVE_BACK: Said("!", "Give the money back", "bad"),
        Step.HAND_OVER: Said("⇥", "Waits for the carrier", "good")
        if facts.unpaid_minor is None
        else Said("⇥", "Paid: waits for the carrier", "good", short="Paid: for the carrier"),
        Step.NOTHING: STATUS[facts.status],
    }[step]


def due_words(facts: Facts, store: StoreRow | None, now_ms: int) -> Said:
    """Return until when it has to leave, as its carrier's cut-off."""
    step = next_step(facts)
    if step in {Step.PUT_BACK, Step.GIVE_BACK}:
        return NOW
    if step is Step.NOTHING:
        return NOTHING
    return due_said(store, facts.ship_by_ms, now_ms, soon_ms=SOON_MS)


_GROUPS = {
    Step.PUT_BACK: (Group.PUT_BACK, 0),
    Step.ACCEPT: (Group.TO_DO, 1),
    Step.PICK: (Group.TO_DO, 1),
    Step.PACK: (Group.TO_PACK, 1),
    Step.LABEL: (Group.TO_PACK, 1),
    Step.WAIT_FOR_LABEL: (Group.TO_PACK, 1),
    Step.LIST: (Group.TO_PACK, 1),
    Step.PAY: (Group.WAITING, 3),
    Step.GIVE_BACK: (Group.PUT_BACK, 0),
    Step.HAND_OVER: (Group.WAITING, 3),
    Step.NOTHING: (Group.CLOSED, 9),
}


def describe(row: BoardRow, store: StoreRow | None, now_ms: int) -> BoardEntry:
    """Return the board's entry for one order."""
    facts = facts_of_row(row)
    step = next_step(facts)
    group, urgency = _GROUPS[step]
    return BoardEntry(
        id=row.id,
        order_number=row.order_number,
        customer=row.customer_name,
        step=step_words(facts),
        due=due_words(facts, store, now_ms),
        units=row.units_open or row.units_to_put_back,
        spot="",
        group=group,
        rank=(urgency, row.promised_by_ms, row.order_number),
        late=urgency == 1 and row.promised_by_ms < now_ms,
        provisional=row.provisional,
    )


def banner_words(order: FulfillmentOrder, store: StoreRow | None, noticed_ms: int | None) -> str:
    """Return what must not be overlooked about an order, empty where there is nothing."""
    due = order.total("to_put_back")
    at = "" if noticed_ms is None else f" {clock_time(store, noticed_ms)}"
    todo = f"take {due} out and put them back" if due else "nothing to put back"
    status = status_of(order)
    if owed_back(order):
        back = f"; {todo}" if due else ""
        return f"{money(owed_back(order), order.currency)} of the customer's to give back{back}"
    if status is S.CANCELLED:
        return f"Cancelled{at}: {todo}"
    if due:
        return f"{STATUS[status].words}, but not all is expected any more: {todo}"
    if due_here(order) and order.total("open") and order.expires_at_ms is not None:
        until = day_time(store, order.expires_at_ms, order.placed_at_ms)
        return f"Paid here before it leaves: {money(due_here(order), order.currency)} until {until}"
    problems = [f"box {box.number}: {box.problem}" for box in unlabeled(order) if box.problem]
    return f"No label for {'; '.join(problems)}" if problems else ""


def how_words(order: FulfillmentOrder, step: Step) -> str:
    """Return how to do the next step."""
    left = sum(to_pack(order, line) for line in order.lines)
    return {
        Step.PUT_BACK: "Scan each item as it goes back, or Enter when all are back.",
        Step.ACCEPT: "Enter accepts. Scanning the first item accepts too.",
        Step.PICK: "Scan each item. F4 picks the line under the cursor by hand.",
        Step.PACK: f"Enter packs all {left}; F6 only some of them. Then weigh the box.",
        Step.LABEL: label_words(order),
        Step.WAIT_FOR_LABEL: "It comes by itself. F7 takes the request back.",
        Step.LIST: "Enter puts it on its carrier's manifest.",
        Step.PAY: "Its boxes stay here until it is paid. Enter takes the payment.",
        Step.GIVE_BACK: "Enter shows what was paid; give it back there.",
        Step.HAND_OVER: "Enter when the carrier has taken it.",
        Step.NOTHING: "Nothing is left to do. Esc goes back.",
    }[step]


def label_words(order: FulfillmentOrder) -> str:
    """Return where the next label comes from: a number is here already, or central buys one."""
    free = len(shipment_of(order).free_numbers)
    if free:
        return f"Enter prints the label: its number is here already ({free} left)."
    return "Enter asks central for a label: this carrier sells each one."
