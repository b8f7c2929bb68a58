"""A network comes back: many stores in the same second, and central must not drown in them."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import storm_stores
from tests.support.network import location_of, sku_of
from tests.support.real_central import RealCentral
from tests.support.real_store import kill
from tests.support.storm import Journaled, not_drained, prepare, read_devices, write_devices
from tests.support.told_figures import Tell
from tests.support.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(240)]

STORES = 200
SECONDS_MAX = 120.0
Begin = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def central(tmp_path: Path) -> Iterator[RealCentral]:
    """Central with two hundred stores that have work to send, not serving yet."""
    central = RealCentral(tmp_path / "central")
    with central.opened() as parts:
        parts.migrate()
        write_devices(tmp_path / "devices.jsonl", prepare(parts, STORES))
        central.key = parts.central.keys.create("storm", ("admin",))
    try:
        yield central
    finally:
        central.stop()


@pytest.fixture
def devices(central: RealCentral, tmp_path: Path) -> list[Journaled]:
    """The devices of these stores."""
    return read_devices(tmp_path / "devices.jsonl")


@pytest.fixture
def begin(central: RealCentral, tmp_path: Path) -> Iterator[Begin]:
    """Lets the storm break; it is over at the end of the test at the latest."""
    began: list[subprocess.Popen[bytes]] = []

    def begin() -> "subprocess.Popen[bytes]":
        command = storm_stores.command(tmp_path, central.port, SECONDS_MAX)
        began.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))
        return began[-1]

    yield begin
    for process in began:
        kill(process)


def test_all_stores_are_served_and_none_hears_more_than_wait(
    central: RealCentral, devices: list[Journaled], begin: Begin, tmp_path: Path, tell: Tell
) -> None:
    """Two hundred at once: 429 or an answer, nothing else; orders are taken meanwhile."""
    central.start()
    storm = begin()
    placed = 0
    while storm.poll() is None:
        placed += 1
        central.place(1_000_000 + placed, [(sku_of(1), 1)], at=location_of(placed % STORES + 1))
    told = storm_stores.told_in(tmp_path)
    tell(f"{STORES} stores at once: {max(told.drained_s):.1f} s, {told.busy} told to wait of"
         f" {told.calls} calls, {placed} orders meanwhile")  # fmt: skip
    assert (len(told.drained_s), dict(told.errors), told.broken) == (STORES, {}, 0)
    assert told.busy > 0
    assert placed > 0
    with central.opened() as parts:
        assert not_drained(parts, devices) == []


def test_a_central_that_dies_in_the_storm_finds_the_stores_again(
    central: RealCentral, devices: list[Journaled], begin: Begin, tmp_path: Path, tell: Tell
) -> None:
    """SIGKILL in the middle and a new start: what broke is repeated, nothing lost or twice."""
    central.start()
    storm = begin()
    until(lambda: _taken(central), "the storm is under way")
    central.kill()
    assert 0 < _taken(central) < STORES
    central.start()
    storm.wait(timeout=SECONDS_MAX)
    told = storm_stores.told_in(tmp_path)
    tell(f"central killed: {told.broken} broken, {told.busy} told to wait of {told.calls} calls;"
         f" all drained after {max(told.drained_s):.1f} s")  # fmt: skip
    assert (len(told.drained_s), dict(told.errors)) == (STORES, {})
    assert told.broken > 0
    with central.opened() as parts:
        assert not_drained(parts, devices) == []


def _taken(central: RealCentral) -> int:
    """Return how many stores' work central has."""
    with central.opened() as parts, parts.database.read() as view:
        return sum(one.last_seq > 0 for one in view.replicas.all())
