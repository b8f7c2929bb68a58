"""Goods that orders wait for, and that come later or in smaller number than was said.

    told later   whoever waits for them is promised a later time; each customer is told
    overdue      nobody said that they came, nor when they will: a person asks who sends them
    too few      orders wait for more than will come: a person hears of it before they do

No promise moves to an earlier time: goods that come sooner are a good surprise. What a person
hears of ends by itself, as soon as it is not so any more.
"""

from typing import TYPE_CHECKING

from central_server.records import ExceptionFilter, ExceptionRecord, Order, OrderEvent
from central_server.services.exceptions import ITSELF, exception_record
from central_server.services.notice import delayed, local_time
from central_server.services.order_giving import Giving, tell
from central_server.services.piecework import OPEN_MAX
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
DAY_MS = 86_400_000
EVENT = "delayed"


def _cause(receipt_id: str) -> str:
    return f"{KIND}:{receipt_id}"


class LateReceipts:
    """Tells who has to know of goods that come late."""

    def __init__(self, database: "Database", clock: Clock, how: Giving) -> None:
        self._database = database
        self._clock = clock
        self._how = how

    def told(self, unit: "Unit", before: Receipt, after: Receipt, now_ms: int) -> None:
        """Follow what is said anew of a receipt that orders wait for."""
        if after.due_ms > before.due_ms:
            for order_id in sorted({claim[0] for claim in unit.supply.waiting_for(after.id)}):
                self._put_off(unit, order_id, before, now_ms)
        if _is_late(after, now_ms):
            self._open(unit, [after], now_ms)
        else:
            self.over(unit, after.id, now_ms)

    def over(self, unit: "Unit", receipt_id: str, now_ms: int) -> None:
        """Nobody has to ask about a receipt any more."""
        unit.exceptions.close_causes(
            [_cause(receipt_id)], now_ms, by=ITSELF, note="It came, or somebody said when it will."
        )

    def run(self) -> None:
        """Let a person hear of what is late now, and of nothing else."""
        now = self._clock.now_ms()
        with self._database.read() as view:
            is_other = any(self._changes(view, now))
        if is_other:
            self._database.write(lambda unit: self._look(unit, now))

    def _look(self, unit: "Unit", now_ms: int) -> None:
        news, over = self._changes(unit, now_ms)
        self._open(unit, news, now_ms)
        for receipt_id in over:
            self.over(unit, receipt_id, now_ms)

    def _changes(self, view: "View", now_ms: int) -> tuple[list[Receipt], list[str]]:
        """Return what a person has to hear of, or otherwise than before, and what is over."""
        page, _ = view.exceptions.page(ExceptionFilter(kind=KIND.value), None, OPEN_MAX)
        known = {_source(one): str(one.detail["text"]) for one in page}
        late = view.supply.late(now_ms - OVERDUE_AFTER_MS)
        news = [one for one in late if known.get(one.id) != _words(view, one)]
        return news, sorted(known.keys() - {one.id for one in late})

    def _open(self, unit: "Unit", receipts: list[Receipt], now_ms: int) -> None:
        for one in receipts:
            record = exception_record(
                KIND, _words(unit, one), cause=_cause(one.id), now_ms=now_ms,
                random=self._how.random, location_id=one.location_id, source=one.id,
            )  # fmt: skip
            if not unit.exceptions.open([record]):
                unit.exceptions.describe(record.cause, str(record.detail["text"]))

    def _put_off(self, unit: "Unit", order_id: str, before: Receipt, now_ms: int) -> None:
        """Promise an order for later, where what it waits for is late for its promise."""
        order = unit.orders.get(order_id, lock=True)
        said_ms = unit.supply.promised_by(order_id)
        if order is None or said_ms is None:
            return  # it was called off meanwhile
        claimed = unit.supply.claimed_by(order_id)
        place = unit.locations.get(order.pickup_location_id or before.location_id)
        assert place is not None
        due_ms = max((one.due_ms for one in claimed), default=0)
        if order.ship_to:
            was = [before if one.id == before.id else one for one in claimed]
            late_ms = due_ms - max((one.due_ms for one in was), default=due_ms)
            by_ms = said_ms + -(-late_ms // DAY_MS) * DAY_MS
        else:
            by_ms = promised_by(open_hours(place), due_ms, ready_in_ms(place, self._how.promise_ms))
        if by_ms > said_ms:
            unit.supply.put_off(order_id, by_ms)
            self._tell(unit, order, place, by_ms, now_ms)

    def _tell(self, unit: "Unit", order: Order, place: "Location", by_ms: int, now_ms: int) -> None:
        text = "What it waits for comes later than was said."
        data = {"location_id": place.id, "promised_by": rfc3339(by_ms)}
        unit.orders.append_events([OrderEvent(order.id, now_ms, EVENT, text, ITSELF, data)])
        notice = delayed(order.number, order.customer_name, local_time(by_ms, place.timezone))
        tell(unit, order, notice, now_ms, self._how, about=f"{order.id}:{by_ms}:{now_ms}")


def _is_late(one: Receipt, now_ms: int) -> bool:
    is_overdue = one.due_ms < now_ms - OVERDUE_AFTER_MS
    return bool(one.claimed) and (is_overdue or one.claimed > one.units)


def _source(record: ExceptionRecord) -> str:
    return str(record.detail["source"])


def _words(view: "View", one: Receipt) -> str:
    place = view.locations.get(one.location_id)
    due = local_time(one.due_ms, place.timezone) if place else rfc3339(one.due_ms)
    of = f" ({one.reference})" if one.reference else ""
    return (
        f"Receipt {one.id}, {one.sku} at {one.location_id}{of}: {one.units} units due {due};"
        f" orders wait for {one.claimed}."
    )
