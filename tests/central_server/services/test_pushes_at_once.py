"""Pushes of one device that meet, and a database server that goes away in the middle."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from central_server.services.follow_ups import PushFollowUps
from central_server.services.replication import Replication
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from central_server.storage.database import Database, Unavailable
from sync.domain.fulfillment import ShortReason
from sync.domain.operations import FulfillmentRejected
from sync.domain.stock_operations import FloorSold, SkuUnits
from sync.protocol.verdicts import VerdictStatus
from tests.central_server.services.test_routing_rules import publish
from tests.central_server.services.test_waiting_at_once import one_by_one
from tests.support.central_world import ON_HAND, Device, World, build_world
from tests.support.databases import prepare
from tests.support.postgresql import PostgresqlServer

SENDERS = 6
SALES = 30


def sell(device: Device, count: int) -> None:
    for number in range(len(device.lines), len(device.lines) + count):
        device.do(FloorSold(f"T{number}", (SkuUnits("SKU-1", 1),)))


def journaled(world: World, device: Device) -> int:
    """Return how many operations of a device central has, each once and in order."""
    with world.database.read() as view:
        found = view.journal.lines(device.replica_id, 1, 1, 1000)
    assert [one.line for one in found] == device.lines[: len(found)]
    return len(found)


def test_senders_of_one_name_at_once_count_once(database: Database, tmp_path: Path):
    """A process that was taken for dead and its successor send the same, from several places."""
    world = build_world(database, tmp_path)
    device = world.device("S001")
    sell(device, SALES)
    together = Barrier(SENDERS)

    def send(_: int) -> int:
        together.wait()
        return device.push(1).acked_seq

    with ThreadPoolExecutor(SENDERS) as pool:
        acked = list(pool.map(send, range(SENDERS)))
    assert acked == [SALES] * SENDERS
    assert journaled(world, device) == SALES
    assert world.stock("S001") == (ON_HAND - SALES, 0)
    world.check_books()


@pytest.fixture
def server() -> Iterator[PostgresqlServer]:
    """A server of one's own, to be killed."""
    server = PostgresqlServer()
    try:
        yield server
    finally:
        server.stop()


@pytest.mark.postgres
@pytest.mark.process
def test_a_server_that_is_killed_while_a_store_sends_loses_nothing(
    server: PostgresqlServer, tmp_path: Path
):
    """What was answered is there after its recovery; the rest is sent again, and counts once."""
    url = server.url(server.create())
    prepare(url)
    world = build_world(Database.open(url), tmp_path)
    device = world.device("S001")
    acked = 0

    def send_on() -> None:
        nonlocal acked
        while True:
            sell(device, 1)
            acked = device.push(acked + 1).acked_seq

    try:
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(send_on)
            while acked < SALES and not sending.done():
                pass
            server.kill()
            with pytest.raises(Unavailable):
                sending.result(30)
        server.start()
        assert acked <= journaled(world, device) <= acked + 1
        done = device.push(acked + 1).acked_seq
        assert journaled(world, device) == done == len(device.lines)
        assert world.stock("S001") == (ON_HAND - done, 0)
        world.check_books()
    finally:
        world.database.close()


@pytest.mark.postgres
@pytest.mark.parametrize("is_moved", [False, True], ids=["before it moved", "after"])
def test_a_deadlock_while_a_promise_moves_is_run_again(
    postgresql_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_moved: bool
):
    """Another transaction was in the way: no fault of the operation, so it is not held back.

    Of a transaction that PostgreSQL has ended nothing is given back by hand.
    """
    world = build_world(postgresql_database, tmp_path)
    placed = world.place(("SKU-1", 2))
    (work,) = world.fulfillments(placed.order_id)
    device = world.device("S001")
    device.do(FulfillmentRejected(work.id, ShortReason.STORE_BUSY))
    re_source, met = PushFollowUps.re_source, list[int]()

    def meets_another(ups: PushFollowUps, *asked: Any) -> Any:
        if met:
            return re_source(ups, *asked)
        met.append(1)
        if is_moved:
            re_source(ups, *asked)
        with suppress(DBAPIError):
            ups._unit.stock._connection.execute(text("SELECT 1 / 0"))
        raise OperationalError("SELECT", {}, psycopg.errors.DeadlockDetected("met"))

    monkeypatch.setattr(PushFollowUps, "re_source", meets_another)
    monkeypatch.setattr(psycopg.errors.DeadlockDetected, "sqlstate", "40P01")
    answer = device.push()
    assert (answer.acked_seq, met) == (1, [1])
    assert [one.status for one in answer.verdicts] == [VerdictStatus.AMENDED]
    moved = [one for one in world.fulfillments(placed.order_id) if one.total("open")]
    assert [one.location_id for one in moved] == ["S002"]
    world.check_books()


@pytest.mark.postgres
def test_an_order_and_a_store_that_gives_one_up_do_not_lock_each_other_out(
    postgresql_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Where the day of a store is limited, both take the day first, and then the stock."""
    world = build_world(postgresql_database, tmp_path)
    publish(world, RoutingRule("day", RoutingRuleKind.CAPACITY, locations=("S001",), orders=9))
    (work,) = world.fulfillments(world.place(("SKU-1", 2)).order_id)
    device = world.device("S001")
    device.do(FulfillmentRejected(work.id, ShortReason.STORE_BUSY))
    one_by_one(
        monkeypatch, (Replication, "_write_stock"), device.push, lambda: world.place(("SKU-1", 1))
    )
    world.check_books()
