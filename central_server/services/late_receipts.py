"""Goods that orders wait for, and that come later or in smaller number than was said.

    told later   whoever counted on an earlier date is promised a later time, order by order; each
                 customer is told, unless it is by less than an hour
    overdue      nobody said that they came, nor when they will: a person asks who sends them
    too few      orders wait for more than will come: a person hears of it before they do

No promise moves to an earlier time: goods that come sooner are a good surprise. What a person
hears of ends by itself, as soon as it is not so any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from central_server.records import ExceptionFilter, Order, OrderEvent
from central_server.services.catalogue_intake import batches
from central_server.services.exceptions import ITSELF, announce, close_causes, exception_record
from central_server.services.notice import delayed, last_day, local_time
from central_server.services.order_giving import Giving, tell
from central_server.services.piecework import Piece, Piecework
from central_server.services.pre_orders import KIND as PRE_ORDER
from central_server.services.pre_orders import told_for
from central_server.services.promising import open_hours, ready_in_ms
from central_server.services.times import rfc3339
from central_server.sourcing.calendar import promised_by
from central_server.sourcing.receipts import Receipt
from sync.clock import Clock
from sync.domain.exceptions import ExceptionKind

if TYPE_CHECKING:
    from central_server.records import Location
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit, View

KIND = ExceptionKind.RECEIPT_LATE
OVERDUE_AFTER_MS = 2 * 3_600_000
"""So long after it was due a receipt may be closed without anybody having been asked."""
SLACK_MS = 3_600_000
"""By less than this a promise moves for nobody: dates of lorries are told anew all the time."""
DAY_MS = 86_400_000
PAGE = 500
AT_ONCE = 100
"""Exceptions that are written in one transaction."""
EVENT = "delayed"


def _cause(receipt_id: str) -> str:
    return f"{KIND}:{receipt_id}"


def over(unit: "Unit", receipt_ids: Sequence[str], now_ms: int) -> None:
    """Nobody has to ask about receipts any more; a store that was to do it forgets it."""
    feed = unit.feed_writer()
    note = "It came, or somebody said when it will, or nobody waits for it."
    close_causes(unit, feed, [_cause(one) for one in receipt_ids], now_ms, note=note)
    feed.flush()


@dataclass(frozen=True, slots=True)
class _Counts:
    """By when an order is promised, and on which moments that counts."""

    said_ms: int
    on_ms: int
    """The latest of what it was promised by: due dates and its release date."""
    now_ms: int
    """The latest of the same as it is known now."""


class LateReceipts:
    """Tells who has to know of goods that come late."""

    def __init__(self, database: "Database", clock: Clock, how: Giving) -> None:
        self._database = database
        self._clock = clock
        self._how = how
        self._pieces = Piecework(
            database, clock, how.random, job="late receipts", words="was not promised anew"
        )

    def run(self) -> None:
        """Promise anew what comes later; let people hear of what is late now, and of no more."""
        now = self._clock.now_ms()
        with self._database.read() as view:
            late = view.supply.to_put_off(SLACK_MS)
        self._pieces.each((Piece(one, order_id=one) for one in late), self._promise_anew)
        with self._database.read() as view:
            news, ended = self._changes(view, now)
        for some in batches(news, AT_ONCE):
            self._database.write(partial(self._open, some, now))
        for names in batches(ended, AT_ONCE):
            self._database.write(partial(self._end, names, now))

    # --- customers ----------------------------------------------------------------------

    def _promise_anew(self, piece: Piece) -> int:
        now = self._clock.now_ms()
        return self._database.write(lambda unit: self._put_off(unit, piece.order_id, now))

    def _put_off(self, unit: "Unit", order_id: str, now_ms: int) -> int:
        """Let an order count on the dates as they are, and promise it for later where it must."""
        order = unit.orders.get(order_id, lock=True)
        if order is None or (counts := _counts(unit, order)) is None:
            return 0  # it was called off, or is released
        place = _place_of(unit, order)
        by_ms, on_ms = self._by(order, place, counts)
        unit.supply.count_on(order_id, on_ms)
        if by_ms - counts.said_ms < SLACK_MS:
            return 0
        unit.supply.put_off(order_id, by_ms)
        self._tell(unit, order, place, by_ms, now_ms)
        return 1

    def _by(self, order: Order, place: "Location", counts: _Counts) -> tuple[int, int]:
        """Return by when an order is promised now, and on which moment that counts."""
        late_ms = counts.now_ms - counts.on_ms
        if late_ms < SLACK_MS:
            return counts.said_ms, counts.on_ms
        if order.ship_to:  # how many days it travels is what it was
            days_ms = -(-late_ms // DAY_MS) * DAY_MS
            return counts.said_ms + days_ms, counts.on_ms + days_ms
        ready_ms = ready_in_ms(place, self._how.promise_ms)
        return promised_by(open_hours(place), counts.now_ms, ready_ms), counts.now_ms

    def _tell(self, unit: "Unit", order: Order, place: "Location", by_ms: int, now_ms: int) -> None:
        text = "What it waits for comes later than was said."
        data = {"location_id": place.id, "promised_by": rfc3339(by_ms)}
        unit.orders.append_events([OrderEvent(order.id, now_ms, EVENT, text, ITSELF, data)])
        words = last_day if order.ship_to else local_time
        notice = delayed(order.number, order.customer_name, words(by_ms, place.timezone))
        tell(unit, order, notice, now_ms, self._how, about=f"{order.id}:{by_ms}:{now_ms}")

    # --- people -------------------------------------------------------------------------

    def _changes(self, view: "View", now_ms: int) -> tuple[list[Receipt], list[str]]:
        """Return what a person has to hear of, or otherwise than before, and what is over."""
        known = _known(view)
        late = view.supply.late(now_ms - OVERDUE_AFTER_MS)
        news = [one for one in late if known.get(one.id) != _words(view, one)]
        return news, sorted(known.keys() - {one.id for one in late})

    def _open(self, receipts: Sequence[Receipt], now_ms: int, unit: "Unit") -> None:
        feed = unit.feed_writer()
        late = {one.id: one for one in unit.supply.late(now_ms - OVERDUE_AFTER_MS)}
        for one in (late[receipt.id] for receipt in receipts if receipt.id in late):
            record = exception_record(
                KIND, _words(unit, one), cause=_cause(one.id), now_ms=now_ms,
                random=self._how.random, location_id=one.location_id, source=one.id,
            )  # fmt: skip
            opened = unit.exceptions.open([record])
            told = opened[0] if opened else None
            told = told or unit.exceptions.describe(record.cause, str(record.detail["text"]))
            if told is not None:
                announce(feed, told)
        heads = feed.flush()
        unit.after_commit(lambda: self._how.pokes.publish(heads))

    def _end(self, receipt_ids: Sequence[str], now_ms: int, unit: "Unit") -> None:
        late = {one.id for one in unit.supply.late(now_ms - OVERDUE_AFTER_MS)}
        over(unit, [one for one in receipt_ids if one not in late], now_ms)


def _counts(view: "View", order: Order) -> _Counts | None:
    """Return what an order counts on; None where it waits for no receipt any more."""
    said_ms, claims = view.supply.promised_by(order.id), view.supply.counted_on(order.id)
    if said_ms is None or not claims:
        return None
    holds = [one for one in view.holds.of(order.id)
             if one.kind == PRE_ORDER and one.closed_ms is None]  # fmt: skip
    release_ms = max((int(str(one.data["release_ms"])) for one in holds), default=0)
    told_ms = max((int(str(one.data["promised_by_ms"])) for one in holds), default=0)
    on_ms = max(release_ms, *(on for on, _ in claims))
    now_ms = max(release_ms, *(due for _, due in claims))
    return _Counts(max(said_ms, told_ms), on_ms, now_ms)


def _place_of(unit: "Unit", order: Order) -> "Location":
    """Return where an order is fetched, or by whose days it is promised."""
    told = told_for(unit, order) if order.ship_to else None
    places = order.pickup_location_id, *unit.supply.came(order.id)[1]
    place = told or unit.locations.get(next(one for one in places if one))
    assert place is not None, "receipts and orders name locations that exist (foreign keys)"
    return place


def _known(view: "View") -> dict[str, str]:
    """Return the words of what is open, by receipt."""
    found: dict[str, str] = {}
    cursor, wanted = None, ExceptionFilter(kind=KIND.value)
    while True:
        page, cursor = view.exceptions.page(wanted, cursor, PAGE)
        found |= {str(one.detail["source"]): str(one.detail["text"]) for one in page}
        if cursor is None:
            return found


def _words(view: "View", one: Receipt) -> str:
    place = view.locations.get(one.location_id)
    due = local_time(one.due_ms, place.timezone) if place else rfc3339(one.due_ms)
    of = f" ({one.reference})" if one.reference else ""
    return (
        f"Receipt {one.id}, {one.sku} at {one.location_id}{of}: {one.units} units due {due};"
        f" orders wait for {one.claimed}."
    )
