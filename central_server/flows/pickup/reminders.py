"""Reminds customers of goods that wait for them, before the pickup-by date: once each."""

from collections.abc import Collection
from random import Random
from typing import TYPE_CHECKING

from central_server.records import Location, OutboxItem
from central_server.services import fetching_notices as notices
from central_server.services.mail import mail_item
from central_server.services.notice import local_time
from central_server.services.piecework import Piece, Piecework
from sync.clock import Clock
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.pickups import HOUR_MS, reminder_due

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit

WINDOW_MS = 14 * 24 * HOUR_MS
"""No reminder is sent longer than this before the end."""


class PickupReminders:
    """Looks for goods whose pickup-by date comes near, and writes into the outbox.

    The key of a message is order, date and reminder: writing it again changes
    nothing, and an extension begins anew. It leaves after the commit, as all mail does.
    """

    def __init__(self, database: "Database", clock: Clock, random: Random) -> None:
        self._database = database
        self._clock = clock
        self._random = random
        self._pieces = Piecework(
            database, clock, random, job="reminders", words="has a reminder that was not written"
        )

    def run(self) -> int:
        """Write what is due; return how many reminders were looked at as due."""
        now_ms = self._clock.now_ms()
        with self._database.read() as view:
            waiting = view.fulfillments.waiting_until(now_ms, now_ms + WINDOW_MS)
        pieces = [
            Piece(one.row.order.id, one.row.order.order_id, one.row.order.location_id)
            for one in waiting
        ]
        return self._pieces.in_groups(
            [pieces] if pieces else [],
            lambda group: self._database.write(
                lambda unit: self._write(unit, now_ms, {one.key for one in group})
            ),
        )

    def _write(self, unit: "Unit", now_ms: int, keys: Collection[str]) -> int:
        waiting = unit.fulfillments.waiting_until(now_ms, now_ms + WINDOW_MS)
        orders = [one.row.order for one in waiting if one.row.order.id in keys]
        places = unit.locations.get_many({one.location_id for one in orders})
        due = [(one, self._due(one, places, now_ms)) for one in orders]
        heads = unit.orders.heads({one.order_id for one, hours in due if hours is not None})
        items = [
            self._item(one, places[one.location_id], hours, heads[one.order_id].customer_email)
            for one, hours in due
            if hours is not None and heads[one.order_id].customer_email
        ]
        unit.outbox.add(items)
        return len(items)

    def _due(self, order: FulfillmentOrder, places: dict[str, Location], now_ms: int) -> int | None:
        hours = places[order.location_id].pickup.reminder_hours
        return reminder_due(hours, order.ready_at_ms or 0, order.expires_at_ms or 0, now_ms)

    def _item(self, order: FulfillmentOrder, place: Location, hours: int, email: str) -> OutboxItem:
        until = local_time(order.expires_at_ms or 0, place.timezone)
        name = order.customer_name or "customer"
        notice = notices.reminder(order.order_number, name, place.name, until)
        return mail_item(
            key=f"{notice.kind}:{order.id}:{order.expires_at_ms}:{hours}", to=email,
            notice=notice, now_ms=self._clock.now_ms(),
            random=self._random,
        )  # fmt: skip
