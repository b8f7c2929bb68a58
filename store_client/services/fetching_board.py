"""What to do next for what a customer fetches, and in which order to work through the board.

0  put back    goods in our hands that nobody expects: they could be sold
1  to do       accept, pick, stage, mark ready; the earliest promise first
2  release     nobody came in time: the goods go back, the order is closed as a no-show
3  waiting     ready for the customer; the first to expire first
9  closed
"""

from enum import StrEnum

from store_client.ports import BoardRow
from store_client.services.board import BoardEntry, Facts, Group, facts_of, facts_of_row
from store_client.services.desk import Refusal
from store_client.services.due import NOTHING, NOW, calendar_of, due_said
from store_client.services.words import STATUS, Said, clock_time, day_time, duration, units
from sync.domain.flows import status_of
from sync.domain.fulfillment import FulfillmentOrder, FulfillmentStatus
from sync.domain.hold_shelf import READY
from sync.protocol.rows import StoreRow

S = FulfillmentStatus
WAITING = READY | {S.CUSTOMER_WAITING}


class Step(StrEnum):
    """The next thing to do for it."""

    PUT_BACK = "put back"
    ACCEPT = "accept"
    PICK = "pick"
    SORT = "sort"
    STAGE = "stage"
    READY = "ready"
    RELEASE = "release"
    HAND_OVER = "hand over"
    NOTHING = "nothing"


def next_step(facts: Facts, now_ms: int) -> Step:
    """Return what to do next: goods without an owner first, then the customer's."""
    if facts.to_put_back:
        return Step.PUT_BACK
    if facts.to_pick and facts.status is not S.NEW:
        return Step.PICK
    if facts.status in WAITING:
        return _waiting_step(facts, now_ms)
    return _NEXT.get(facts.status, Step.NOTHING)


_NEXT = {
    S.NEW: Step.ACCEPT,
    S.PICKING: Step.SORT,
    S.PICKED: Step.STAGE,
    S.STAGED: Step.READY,
}
"""What comes next where nothing is to be picked or put back and no customer may come yet."""


def _is_expired(facts: Facts, now_ms: int) -> bool:
    over = facts.expires_at_ms is not None and facts.expires_at_ms <= now_ms
    return over and facts.status is not S.CUSTOMER_WAITING


def _waiting_step(facts: Facts, now_ms: int) -> Step:
    expired = _is_expired(facts, now_ms)
    if not facts.staging_spot and not expired:
        return Step.STAGE  # a pick was taken back and done again: it lies nowhere yet
    return Step.RELEASE if expired else Step.HAND_OVER


def step_words(facts: Facts, store: StoreRow | None, now_ms: int) -> Said:
    """Return the next step as glyph and words."""
    step = next_step(facts, now_ms)
    if step is Step.HAND_OVER:
        return _waiting_words(facts, store, now_ms)
    return {
        Step.PUT_BACK: Said("↶", f"Put back {facts.to_put_back}", "bad"),
        Step.ACCEPT: Said("★", f"New: pick {facts.to_pick}", "new"),
        Step.PICK: Said("◐", f"Pick {facts.to_pick}", "work"),
        Step.SORT: Said("◑", "Sort: it lies among others", "work", short="Sort it"),
        Step.STAGE: Said("▣", "Put on the hold shelf", "work"),
        Step.READY: Said("✓", "Mark ready", "work"),
        Step.RELEASE: Said("◷", f"No-show: put back {facts.units_open}", "warn"),
        Step.NOTHING: STATUS[facts.status],
    }[step]


def _waiting_words(facts: Facts, store: StoreRow | None, now_ms: int) -> Said:
    what = "Rest waiting" if facts.status is S.PARTIALLY_PICKED_UP else "Waiting for customer"
    if facts.expires_at_ms is None:
        return Said("✓", what, "good")
    until = f"until {day_time(store, facts.expires_at_ms, now_ms)}"
    return Said("✓", f"{what} {until}", "good", short=f"Waits {until}")


def due_words(facts: Facts, store: StoreRow | None, now_ms: int) -> Said:
    """Return by when the next step is due."""
    step = next_step(facts, now_ms)
    if step is Step.PUT_BACK:
        return NOW
    if step is Step.NOTHING:
        return NOTHING
    if step in {Step.HAND_OVER, Step.RELEASE}:
        return _hold_words(facts, now_ms)
    return due_said(store, facts.promised_by_ms, now_ms, calendar=calendar_of(store))


def _hold_words(facts: Facts, now_ms: int) -> Said:
    if facts.expires_at_ms is None:
        return NOTHING
    left_ms = facts.expires_at_ms - now_ms
    if left_ms <= 0:
        return Said("!", f"over {duration(-left_ms)}", "warn")
    return Said("", f"{duration(left_ms)} left", "dim")


_GROUPS = {
    Step.PUT_BACK: (Group.PUT_BACK, 0),
    Step.ACCEPT: (Group.TO_DO, 1),
    Step.PICK: (Group.TO_DO, 1),
    Step.SORT: (Group.TO_DO, 1),
    Step.STAGE: (Group.TO_SHELF, 1),
    Step.READY: (Group.TO_SHELF, 1),
    Step.RELEASE: (Group.PUT_BACK, 2),
    Step.HAND_OVER: (Group.WAITING, 3),
    Step.NOTHING: (Group.CLOSED, 9),
}


def describe(row: BoardRow, store: StoreRow | None, now_ms: int) -> BoardEntry:
    """Return the board's entry for one order."""
    facts = facts_of_row(row)
    step = next_step(facts, now_ms)
    group, urgency = _GROUPS[step]
    waiting = step in {Step.HAND_OVER, Step.RELEASE}
    when = (row.expires_at_ms or 0) if waiting else row.promised_by_ms
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
        late=urgency == 1 and row.promised_by_ms < now_ms,
        provisional=row.provisional,
    )


def banner_words(order: FulfillmentOrder, store: StoreRow | None, noticed_ms: int | None) -> str:
    """Return what must not be overlooked about an order, empty where there is nothing.

    `noticed_ms` is when the cancellation arrived while somebody had the order open.
    """
    due = order.total("to_put_back")
    at = "" if noticed_ms is None else f" {clock_time(store, noticed_ms)}"
    todo = f"put back {due}" if due else "nothing to put back"
    status = status_of(order)
    if status is S.CANCELLED:
        return f"Cancelled by the customer{at}: {todo}"
    if status in {S.EXPIRED, S.REFUSED, S.REJECTED} and due:
        return f"{STATUS[status].words}: {todo}"
    if order.total("cancelled") and (due or noticed_ms is not None):
        return f"Partly cancelled by the customer{at}: {todo}"
    return f"Not expected any more: {todo}" if due else ""


def code_refusal(order: FulfillmentOrder, store: StoreRow | None, now_ms: int) -> Refusal | None:
    """Return why the customer's code leads to no counter now; None where it does."""
    facts = facts_of(order)
    if not facts.units_open:
        if order.total("fulfilled"):
            return Refusal("Handed over already: nothing else waits.", "When and how: Ctrl+T.")
        return Refusal("Nothing of it waits for a customer.", "See what happened: Ctrl+T.")
    expires_at_ms = facts.expires_at_ms
    if _is_expired(facts, now_ms) and expires_at_ms is not None:
        since = day_time(store, expires_at_ms, now_ms)
        return Refusal(f"Its time is over since {since}.", "F6 hands it over all the same.")
    if facts.status in WAITING:
        return None
    why = "Not ready for the customer yet"
    if facts.to_pick:
        return Refusal(f"{why}: {units(facts.to_pick)} to pick.", "See the next step at the top.")
    return Refusal(f"{why}.", "F6 hands it over all the same.")


def how_words(order: FulfillmentOrder, step: Step) -> str:
    """Return how to do the next step."""
    return {
        Step.PUT_BACK: "Scan each item as it goes back, or Enter when all are back.",
        Step.ACCEPT: "Enter accepts. Scanning the first item accepts too.",
        Step.PICK: "Scan each item. F4 picks the line under the cursor by hand.",
        Step.SORT: "It was picked together with others: Enter opens its wave.",
        Step.STAGE: "Pack, then scan the label of the shelf spot, or Enter to type it.",
        Step.READY: f"It lies at {order.staging_spot}. Enter: the customer may come.",
        Step.RELEASE: "Nobody came in time. Scan each item as it goes back, or Enter for all.",
        Step.HAND_OVER: f"Take it from {order.staging_spot or 'the shelf'}. Enter or the code.",
        Step.NOTHING: "Nothing is left to do. Esc goes back.",
    }[step]
