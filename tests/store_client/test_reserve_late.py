"""Reservations that are ready late: by how much, and until when they are held then."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from store_client.flows.reserve import board, commands
from store_client.services.desk import Desk
from sync.domain.people import Role
from sync.domain.reservations import Reservation
from tests.support.clocks import FrozenClock
from tests.support.fake_store import STORE, make_order, make_store
from tests.support.terminals import actor_of

WEEKDAYS = replace(STORE, hours=((540, 1260),) * 6 + ((0, 0),))


def at(day: int, hour: int, minute: int) -> int:
    """Return a moment of March 2026 at the store (the 7th is a Saturday), in ms."""
    moment = datetime(2026, 3, day, hour, minute, tzinfo=ZoneInfo(WEEKDAYS.timezone))
    return int(moment.timestamp() * 1000)


def test_a_reservation_is_late_by_the_hours_of_its_store():
    """Due before a Sunday, ready at Monday's opening: ten minutes more, while it is open."""
    clock = FrozenClock(at(7, 18, 55))
    store = make_store(clock)
    store.row = WEEKDAYS
    due_ms, until_ms = at(7, 20, 55), at(9, 21, 0)
    held = Reservation(until_ms, at(10, 18, 55))
    order = make_order(0, clock.now_ms(), quantities=(1,))
    store.add(replace(order, flow="reserve", promised_by_ms=due_ms, expires_at_ms=until_ms,
                      reserve=held, pickup_code_hash=""))  # fmt: skip
    clock.advance(at(9, 9, 5) - clock.now_ms())
    desk = Desk(store, clock, actor_of(Role.ASSOCIATE), "T1")
    commands.pick_by_hand(desk, order.id, 1, 1)
    commands.stage(desk, order.id, "A1")
    (row,) = store.board("reserve")
    entry = board.describe(row, WEEKDAYS, clock.now_ms())
    assert entry.due.words == "late 10 min"
    ready = commands.mark_ready(desk, order.id)
    assert ready.expires_at_ms == at(10, 9, 10)
