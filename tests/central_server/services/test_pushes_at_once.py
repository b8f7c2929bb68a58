"""Pushes of one device that meet, and a database server that goes away in the middle."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy.exc import DBAPIError

from central_server.storage.database import Database
from sync.domain.stock_operations import FloorSold, SkuUnits
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
            with pytest.raises(DBAPIError):
                sending.result(30)
        server.start()
        assert acked <= journaled(world, device) <= acked + 1
        done = device.push(acked + 1).acked_seq
        assert journaled(world, device) == done == len(device.lines)
        assert world.stock("S001") == (ON_HAND - done, 0)
        world.check_books()
    finally:
        world.database.close()
