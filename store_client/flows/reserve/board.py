"""What to do next for a reservation, and in which order to work through the board.

0  money to give back, goods to put back
1  to do       set aside, shelve, tell the customer; somebody is paying
2  release     the hold is over
3  waiting     for the customer, or for stock
9  closed
"""

from enum import StrEnum

from store_client.ports import BoardRow
from store_client.services.board import BoardEntry, Facts, Group, facts_of_row
from store_client.services.due import calendar_of
from store_client.services.words import MINUTE_MS, STATUS, Said, clock_time, day_time, duration
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.opening import open_between_ms
from sync.protocol.rows import StoreRow

SOON_MS = 30 * MINUTE_MS
LATER_TODAY_MS = 12 * 60 * MINUTE_MS
S = FulfillmentStatus
HELD = frozenset({S.PICKED, S.STAGED, S.READY_FOR_PICKUP, S.PARTIALLY_CONVERTED})


class Step(StrEnum):
    """The next thing to do for a reservation."""

    REFUND = "refund"
    PUT_BACK = "put back"
    PAY = "pay"
    ACCEPT = "accept"
    PICK = "pick"
    STAGE = "stage"
    READY = "ready"
    RELEASE = "release"
    SELL = "sell"
    WAIT = "wait"
    NOTHING = "nothing"


_FIRST = {S.REFUND_DUE: Step.REFUND, S.WAITLISTED: Step.WAIT, S.TENDERING: Step.PAY}


def next_step(facts: Facts, now_ms: int) -> Step:
    """Return what to do next: the customer's money first, then goods, then the customer."""
    if facts.status in _FIRST:
        return _FIRST[facts.status]
    if facts.to_put_back:
        return Step.PUT_BACK
    is_over = facts.expires_at_ms is not None and facts.expires_at_ms <= now_ms
    if facts.units_open and is_over:
        return Step.RELEASE
    if facts.status is S.NEW:
        return Step.ACCEPT
    if facts.to_pick:
        return Step.PICK
    if facts.status is S.PICKED:
        return Step.STAGE
    if facts.status is S.STAGED:
        return Step.READY
    return Step.SELL if facts.status in HELD else Step.NOTHING


def step_words(facts: Facts, store: StoreRow | None, now_ms: int) -> Said:
    """Return the next step as glyph and words."""
    step = next_step(facts, now_ms)
    if step is Step.SELL:
        return _held_words(facts, store, now_ms)
    return {
        Step.REFUND: Said("!", "Give the money back", "bad"),
        Step.PUT_BACK: Said("↶", f"Put back {facts.to_put_back}", "bad"),
        Step.PAY: Said("◐", "Being paid", "work"),
        Step.ACCEPT: Said("★", f"Reserved: set aside {facts.to_pick}", "new",
                          short=f"Set aside {facts.to_pick}"),
        Step.PICK: Said("◐", f"Set aside {facts.to_pick}", "work"),
        Step.STAGE: Said("▣", "Put on the hold shelf", "work"),
        Step.READY: Said("✓", "Tell the customer", "work"),
        Step.RELEASE: Said("◷", "Hold is over: release", "warn"),
        Step.WAIT: Said("◌", "Waits for stock", "dim"),
        Step.NOTHING: STATUS[facts.status],
    }[step]  # fmt: skip


def _held_words(facts: Facts, store: StoreRow | None, now_ms: int) -> Said:
    what = "Rest held" if facts.status is S.PARTIALLY_CONVERTED else "Held to be paid"
    if facts.expires_at_ms is None:
        return Said("✓", what, "good")
    until = f"until {day_time(store, facts.expires_at_ms, now_ms)}"
    return Said("✓", f"{what} {until}", "good", short=f"Held {until}")


def due_words(facts: Facts, store: StoreRow | None, now_ms: int) -> Said:
    """Return by when the next step is due."""
    step = next_step(facts, now_ms)
    if step in {Step.REFUND, Step.PUT_BACK, Step.PAY}:
        return Said(
            "!" if step is not Step.PAY else "", "now", "bad" if step is not Step.PAY else ""
        )
    if step is Step.NOTHING or facts.expires_at_ms is None:
        return Said("", "–", "dim")
    left_ms = facts.expires_at_ms - now_ms
    if step in {Step.ACCEPT, Step.PICK, Step.STAGE, Step.READY}:
        return _work_words(facts, store, now_ms)
    if left_ms <= 0:
        return Said("!", f"over {duration(-left_ms)}", "warn")
    mark = "?" if facts.provisional else ""
    tone = "warn" if left_ms < SOON_MS and step is Step.SELL else "dim"
    return Said("▲" if tone == "warn" else "", f"{duration(left_ms)} left{mark}", tone)


def _work_words(facts: Facts, store: StoreRow | None, now_ms: int) -> Said:
    left_ms = facts.promised_by_ms - now_ms
    if left_ms < 0:
        late_ms = open_between_ms(calendar_of(store), facts.promised_by_ms, now_ms)
        return Said("!", f"late {duration(late_ms)}", "bad")
    if left_ms < LATER_TODAY_MS:
        return Said("", f"by {clock_time(store, facts.promised_by_ms)}", "")
    return Said("", f"by {day_time(store, facts.promised_by_ms, now_ms)}", "")


_GROUPS = {
    Step.REFUND: (Group.PUT_BACK, 0),
    Step.PUT_BACK: (Group.PUT_BACK, 0),
    Step.PAY: (Group.TO_DO, 1),
    Step.ACCEPT: (Group.TO_DO, 1),
    Step.PICK: (Group.TO_DO, 1),
    Step.STAGE: (Group.TO_SHELF, 1),
    Step.READY: (Group.TO_SHELF, 1),
    Step.RELEASE: (Group.WAITING, 2),
    Step.SELL: (Group.WAITING, 3),
    Step.WAIT: (Group.WAITING, 3),
    Step.NOTHING: (Group.CLOSED, 9),
}


def describe(row: BoardRow, store: StoreRow | None, now_ms: int) -> BoardEntry:
    """Return the board's entry for one reservation."""
    facts = facts_of_row(row)
    step = next_step(facts, now_ms)
    group, urgency = _GROUPS[step]
    waiting = step in {Step.SELL, Step.RELEASE, Step.WAIT}
    when = (row.expires_at_ms or 0) if waiting else row.promised_by_ms
    is_work = step in {Step.ACCEPT, Step.PICK, Step.STAGE, Step.READY}
    return BoardEntry(
        id=row.id,
        order_number=row.order_number,
        customer=row.customer_name,
        step=step_words(facts, store, now_ms),
        due=due_words(facts, store, now_ms),
        units=row.units_open or row.units_to_put_back,
        spot=row.staging_spot,
        group=group,
        rank=(urgency, when, row.order_number),
        late=is_work and row.promised_by_ms < now_ms,
        provisional=row.provisional,
    )


def banner_words(order: FulfillmentOrder) -> str:
    """Return what must not be overlooked about a reservation, empty where there is nothing."""
    status = status_of(order)
    back = order.total("to_put_back")
    goods = f"; put back {back}" if back else ""
    if status is S.REFUND_DUE:
        return f"It has ended, and the customer's money is here: give it back{goods}"
    if status is S.CANCELLED:
        return f"Cancelled by the customer: {f'put back {back}' if back else 'nothing to put back'}"
    if status in {S.EXPIRED, S.RELEASED, S.REJECTED} and back:
        return f"{STATUS[status].words}: put back {back}"
    return f"Not expected any more: put back {back}" if back else ""


def how_words(order: FulfillmentOrder, step: Step) -> str:
    """Return how to do the next step."""
    spot = order.staging_spot or "the shelf"
    return {
        Step.REFUND: "Enter shows what was paid; give each payment back there.",
        Step.PUT_BACK: "Scan each item as it goes back, or Enter when all are back.",
        Step.PAY: "Enter goes on with the payment.",
        Step.ACCEPT: "Enter accepts. Scanning the first item accepts too.",
        Step.PICK: "Scan each item. F4 takes the line under the cursor by hand.",
        Step.STAGE: "Scan the label of the shelf spot. F6: the customer pays right now.",
        Step.READY: f"It lies at {spot}. Enter: the customer is told to come and pay.",
        Step.RELEASE: "Nobody came in time. Enter releases it; then put it back.",
        Step.SELL: f"Take it from {spot}. Enter: the customer pays.",
        Step.WAIT: "It is held by itself when stock comes. F7 takes it off the list.",
        Step.NOTHING: "Nothing is left to do. Esc goes back.",
    }[step]
