"""Plain words for people: durations, times, statuses, reasons, connection, operation fates.

A tone is the name of a color role (see `app.tcss`); it only ever repeats what
the glyph and the word already say.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from store_client.ports import OperationFate, ProductHit, SyncState
from store_client.services.calendar import local
from sync.domain.errors import IllegalTransition, QuantityRefused, UnknownLine
from sync.domain.exceptions import AGGREGATE_PREFIX
from sync.domain.fulfillment import FulfillmentStatus, RefusalReason, ShortReason
from sync.domain.money import amount_words, in_major
from sync.domain.ship_effects import BoxRefused
from sync.domain.tenders import TenderRefused
from sync.protocol.rows import StoreRow

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WEEK_DAYS = 7
YEAR_DAYS = 366
OFFLINE_AFTER_MS = 75_000
"""Two polls and a half without an answer."""
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}


@dataclass(frozen=True, slots=True)
class Said:
    """A glyph, words, and a tone that repeats them in color."""

    glyph: str
    words: str
    tone: str = ""
    short: str = ""
    """The same words for a narrow screen; empty where `words` are short enough."""

    def __str__(self) -> str:
        """Return glyph and words."""
        return f"{self.glyph} {self.words}".strip()


STATUS: dict[FulfillmentStatus, Said] = {
    FulfillmentStatus.NEW: Said("★", "New", "new"),
    FulfillmentStatus.ACCEPTED: Said("○", "Accepted", "work"),
    FulfillmentStatus.PICKING: Said("◐", "Picking", "work"),
    FulfillmentStatus.PICKED: Said("●", "Picked", "work"),
    FulfillmentStatus.STAGED: Said("▣", "On the shelf", "work"),
    FulfillmentStatus.READY_FOR_PICKUP: Said("✓", "Ready for pickup", "good"),
    FulfillmentStatus.PARTIALLY_PICKED_UP: Said("◑", "Partly picked up", "good"),
    FulfillmentStatus.PICKED_UP: Said("■", "Picked up", "done"),
    FulfillmentStatus.REJECTED: Said("✗", "Rejected by this store", "done"),
    FulfillmentStatus.CANCELLED: Said("✗", "Cancelled by the customer", "bad"),
    FulfillmentStatus.EXPIRED: Said("◷", "No-show: not collected", "done"),
    FulfillmentStatus.REFUSED: Said("✗", "Refused at the counter", "done"),
    FulfillmentStatus.PACKED: Said("▤", "Packed", "work"),
    FulfillmentStatus.LABELED: Said("▥", "Labeled", "work"),
    FulfillmentStatus.MANIFESTED: Said("▦", "Waits for the carrier", "good"),
    FulfillmentStatus.SHIPPED: Said("■", "Shipped", "done"),
    FulfillmentStatus.WAITLISTED: Said("◌", "On the waiting list", "dim"),
    FulfillmentStatus.TENDERING: Said("◐", "Being paid", "work"),
    FulfillmentStatus.PARTIALLY_CONVERTED: Said("◑", "Partly sold", "good"),
    FulfillmentStatus.CONVERTED: Said("■", "Sold", "done"),
    FulfillmentStatus.RELEASED: Said("✗", "Not wanted any more", "done"),
    FulfillmentStatus.CUSTOMER_WAITING: Said("⚑", "Customer waits outside", "bad"),
    FulfillmentStatus.REFUND_DUE: Said("!", "Money to give back", "bad"),
}

SHORT_REASONS: dict[ShortReason, str] = {
    ShortReason.NOT_FOUND: "Not found on the shelf",
    ShortReason.DAMAGED: "Damaged",
    ShortReason.DISPLAY_ONLY: "Only the display piece is left",
    ShortReason.STORE_BUSY: "The store is too busy",
}
REFUSAL_REASONS: dict[RefusalReason, str] = {
    RefusalReason.CHANGED_MIND: "Changed their mind",
    RefusalReason.WRONG_ITEM: "Not what they ordered",
    RefusalReason.DAMAGED: "Damaged",
    RefusalReason.PRICE: "The price",
}

DONE: dict[str, str] = {
    "promise_confirmed": "Confirmed by this machine",
    "rights_granted": "Stock shared with central",
    "rights_recalled": "Shared stock asked back",
    "generation_closed": "Shared stock taken back",
    "floor_sold": "Sold at the till",
    "fulfillment_accepted": "Accepted",
    "line_picked": "Picked",
    "line_unpicked": "Pick undone",
    "line_short_picked": "Short",
    "fulfillment_rejected": "Rejected",
    "staged": "Put on the hold shelf",
    "marked_ready": "Marked ready",
    "unstaged": "Taken off the hold shelf",
    "handed_over": "Handed over",
    "line_refused": "Refused by the customer",
    "hold_expired": "Closed: nobody came",
    "put_back": "Put back on the shelf",
    "extension_requested": "Asked to wait longer",
    "exception_resolved": "Inbox: said done",
    "exception_assigned": "Inbox: given to somebody",
    "follow_up_opened": "Inbox: follow-up written down",
    "wave_assigned": "Put into a wave",
    "customer_arrived": "Customer waits outside",
    "customer_left": "Nobody waits outside",
    "units_sorted": "Sorted into its tote",
    "box_packed": "Box packed",
    "box_unpacked": "Box unpacked",
    "label_printed": "Label printed",
    "label_requested": "Label asked of central",
    "label_voided": "Label void",
    "manifested": "Put on the manifest",
    "handed_to_carrier": "Given to the carrier",
    "reservation_made": "Reserved at the counter",
    "wait_requested": "Put on the waiting list",
    "wait_served": "Stock has come: held now",
    "reservation_released": "Not wanted any more",
    "tender_taken": "Payment taken",
    "card_asked": "Payment terminal asked",
    "card_answered": "Payment terminal answered",
    "value_asked": "Central asked about a gift card",
    "value_answered": "Central answered about a gift card",
    "tender_returned": "Payment given back",
    "reservation_converted": "Paid and handed over",
    "drawer_opened": "Drawer opened",
    "cash_moved": "Cash put in or taken out",
    "drawer_counted": "Drawer counted",
    "card_settled": "Offline card settled",
}
"""What an operation did, by its kind."""

FATE: dict[str, Said] = {
    "waiting": Said("…", "Waiting to be sent", "warn"),
    "accepted": Said("✓", "Central has it", "good"),
    "amended": Said("±", "Taken, with a consequence", "warn"),
    "refused": Said("✗", "Refused by central", "bad"),
    "quarantined": Said("!", "Held for a person at central", "bad"),
}


def duration(ms: int) -> str:
    """Return a duration as a person would say it: 40 s, 12 min, 3 h 05, 2 days."""
    ms = max(0, ms)
    if ms < MINUTE_MS:
        return f"{ms // 1000} s"
    if ms < HOUR_MS:
        return f"{ms // MINUTE_MS} min"
    if ms < DAY_MS:
        return f"{ms // HOUR_MS} h {ms % HOUR_MS // MINUTE_MS:02}"
    days = ms // DAY_MS
    return f"{days} day{'s' if days > 1 else ''}"


def clock_time(store: StoreRow | None, at_ms: int) -> str:
    """Return the store's local time, such as 14:32."""
    return f"{_moment(store, at_ms):%H:%M}"


def day_time(store: StoreRow | None, at_ms: int, now_ms: int) -> str:
    """Return 14:32, Fri 18:00 within six days, 24 Dec 18:00 within a year, or 24 Dec 2031."""
    moment, today = _moment(store, at_ms), _moment(store, now_ms)
    distance = (moment.date() - today.date()).days
    if distance == 0:
        return f"{moment:%H:%M}"
    if abs(distance) < WEEK_DAYS:
        return f"{moment:%a %H:%M}"
    if abs(distance) > YEAR_DAYS:
        return f"{moment.day} {moment:%b} {moment.year}"
    return f"{moment.day} {moment:%b %H:%M}"


_PLAIN = StoreRow("", "", "UTC", "")


def _moment(store: StoreRow | None, at_ms: int) -> dt.datetime:
    return local(store or _PLAIN, at_ms)


def units(count: int, noun: str = "item") -> str:
    """Return a count with its noun: 1 item, 2 items."""
    many = "es" if noun.endswith("x") else "s"
    return f"{count} {noun}{'' if count == 1 else many}"


def money(amount_minor: int | None, currency: str) -> str:
    """Return an amount for a screen, without going through floats."""
    if amount_minor is None:
        return "no price"
    symbol = SYMBOLS.get(currency)
    if symbol is None:
        return amount_words(amount_minor, currency)
    return f"{'-' if amount_minor < 0 else ''}{symbol}{in_major(abs(amount_minor), currency)}"


def stock(hit: ProductHit) -> Said:
    """Return what may be sold now."""
    if hit.on_hand is None:
        return Said("–", "not carried here", "dim")
    if hit.online > 0:
        walk_ins = max(0, hit.available - hit.online)
        glyph, tone = ("✓", "good") if walk_ins else ("!", "warn")
        return Said(glyph, f"{walk_ins} for walk-ins", tone)
    if hit.available > 0:
        return Said("✓", f"{hit.available} free", "good")
    if hit.on_hand > 0:
        return Said("!", "all promised", "warn")
    return Said("✗", "none", "bad")


def stock_terms(hit: ProductHit) -> str:
    """Return who may have the units in the book."""
    if hit.on_hand is None:
        return "this store does not carry it"
    if hit.online > 0:
        walk_ins = max(0, hit.available - hit.online)
        shares = f"{walk_ins} for walk-ins, {hit.online} online, {hit.allocated} promised"
        return f"{hit.on_hand} in the book: {shares}"
    return f"{hit.on_hand} in the book − {hit.allocated} promised = {hit.available} free"


def connection(state: SyncState, now_ms: int, *, cut: bool = False) -> Said:
    """Return how the connection stands, in words that need no color."""
    waiting = f", {state.backlog} waiting" if state.backlog else ""
    if cut:
        return Said("╳", f"NETWORK CUT (demo){waiting}", "bad")
    for fits, glyph, said, tone in (
        (not state.bootstrapped, "◌", "LOADING STORE DATA", "warn"),
        (state.halted, "✗", f"STOPPED BY CENTRAL{waiting}", "bad"),
        (not state.daemon_alive, "✗", f"SYNC NOT RUNNING{waiting}", "bad"),
    ):
        if fits:
            return Said(glyph, said, tone)
    if state.last_contact_ms is None:
        return Said("○", f"NEVER CONNECTED{waiting}", "bad")
    away_ms = now_ms - state.last_contact_ms
    if state.last_error or away_ms > OFFLINE_AFTER_MS:
        return Said("○", f"OFFLINE {duration(away_ms)}{waiting}", "warn")
    if state.backlog:
        return Said("↑", f"SENDING {state.backlog}", "good")
    if state.quarantined:
        return Said("!", f"ONLINE, {state.quarantined} held", "warn")
    return Said("●", "ONLINE", "good")


def reaches_central(state: SyncState, now_ms: int, *, cut: bool = False) -> bool:
    """Return whether what is recorded now is soon at central."""
    if cut or state.halted or not state.daemon_alive or state.last_error:
        return False
    return state.last_contact_ms is not None and now_ms - state.last_contact_ms <= OFFLINE_AFTER_MS


def fate(operation: OperationFate) -> Said:
    """Return what became of an operation."""
    return FATE.get(operation.state, Said("?", operation.state, "warn"))


def done(operation: OperationFate) -> str:
    """Return what an operation did, with its units."""
    what = DONE.get(operation.kind, operation.kind.replace("_", " ").capitalize())
    return f"{what} ({operation.quantity})" if operation.quantity else what


def about(operation: OperationFate) -> str:
    """Return what an operation is about: an order's number, a sale's, or stock."""
    if operation.fulfillment_id.startswith(AGGREGATE_PREFIX):
        return ""
    if operation.order_number:
        return f" for {operation.order_number}"
    what, _, number = operation.fulfillment_id.partition(":")
    return f" in sale {number}" if what == "sale" else ""


def last_recorded(store: StoreRow | None, operation: OperationFate, now_ms: int) -> str:
    """Return the newest operation as one line, for whoever comes back after a crash."""
    what = done(operation)
    when = day_time(store, operation.at_ms, now_ms)
    return f"Last recorded here: {what}{about(operation)}, {when}"


def refusal(error: Exception) -> tuple[str, str]:
    """Return why something was refused and what to do, as two sentences."""
    why, todo = getattr(error, "why", ""), getattr(error, "todo", "")
    if isinstance(error, TenderRefused):
        todo = "See what is due at the top."
    if why:
        return why, todo
    if isinstance(error, IllegalTransition):
        return _illegal(error)
    if isinstance(error, QuantityRefused):
        left = f"only {error.allowed} left" if error.allowed else "nothing left"
        return f"Cannot {error.what} {error.asked}: {left} on this line.", "Check the line."
    if isinstance(error, UnknownLine):
        return "This line is not part of the order.", "Choose a line from the list."
    if isinstance(error, BoxRefused):
        return f"Box {error.box}: {error.reason}.", "Look at the boxes of the order."
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}.".replace("..", "."), ""


def _illegal(error: IllegalTransition) -> tuple[str, str]:
    try:
        status = STATUS[FulfillmentStatus(error.status)].words
    except ValueError:
        status = error.status.replace("_", " ")
    what = DONE.get(error.kind, error.kind.replace("_", " ")).lower()
    why = f"“{what}” does not fit: the order stands at “{status}”."
    return why, "See the next step at the top."


def who_did(operation: OperationFate, names: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return who did it, and who approved it where somebody had to."""
    by, approved = operation.by, operation.approved_by
    by, approved = names.get(by, by), names.get(approved, approved)
    return f"{by}, approved by {approved}" if approved else by
