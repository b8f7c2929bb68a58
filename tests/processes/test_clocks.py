"""Wall clocks that are wrong, and jump while everything runs: work arrives whole all the same."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.processes.clocked import set_offset
from tests.processes.conftest import SIZE, lines_of
from tests.support.real_central import RealCentral
from tests.support.real_store import RealStore
from tests.support.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(240)]

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
STEPS = "4"


def year(number: int) -> int:
    """Return how far from now the first of January of that year is, in milliseconds."""
    there = datetime(number, 1, 1, tzinfo=UTC).timestamp()
    return int((there - time.time()) * 1000)


JUMPS = {
    "a second ahead": SECOND, "a second behind": -SECOND, "an hour ahead": HOUR,
    "an hour behind": -HOUR, "a day ahead": DAY, "a day behind": -DAY,
    "2099": year(2099), "1970": year(1970) + DAY, "right again": 0,
}  # fmt: skip


class ClockedStore(RealStore):
    """A store's machine whose wall clock can be moved."""

    @property
    def clock_file(self) -> Path:
        return self.folder.parent / "store-clock"

    def command(self, *arguments: str) -> list[str]:
        python, _, module, *rest = super().command(*arguments)
        return [python, "-m", "tests.processes.clocked", str(self.clock_file), module, *rest]


class ClockedCentral(RealCentral):
    """A central whose wall clock can be moved."""

    @property
    def clock_file(self) -> Path:
        return self.folder.parent / "central-clock"

    def command(self) -> list[str]:
        python, _, module, *rest = super().command()
        return [python, "-m", "tests.processes.clocked", str(self.clock_file), module, *rest]


@pytest.fixture
def clocked(tmp_path: Path) -> Iterator[tuple[ClockedCentral, ClockedStore]]:
    """Central and an enrolled store, each with a clock of its own, both right."""
    central = ClockedCentral(tmp_path / "central")
    central.prepare(SIZE)
    store = ClockedStore(tmp_path / "store", central.url)
    for file in (central.clock_file, store.clock_file):
        set_offset(file, 0)
    try:
        central.start()
        store.enrol(central.enrolment_code("S001"))
        yield central, store
    finally:
        store.stop()
        central.stop()


def work_and_agree(central: RealCentral, store: RealStore, number: int, when: str) -> None:
    """Place an order, do some steps of the queue, and wait until both sides have the same."""
    central.place(number, lines_of(number))
    until(lambda: _open_orders(store) > 0, f"the order is at the store: {when}")
    done = store.run("practice", "--steps", STEPS)
    assert done.returncode == 0, f"{when}: {done.stderr}"
    until(
        lambda: store.digest() == central.digest("S001"),
        f"store and central agree: {when}", within_s=60, every_s=0.1,
    )  # fmt: skip


def _open_orders(store: RealStore) -> int:
    with store.opened() as files:
        return len(files.board("pickup", limit=10))


def test_a_stores_clock_may_jump_anywhere_while_it_works(
    clocked: tuple[ClockedCentral, ClockedStore],
) -> None:
    """A second to decades, forwards and back, with the daemon running: nothing stops or is lost."""
    central, store = clocked
    store.start_daemon()
    before = 0
    for number, (when, offset_ms) in enumerate(JUMPS.items(), 1):
        set_offset(store.clock_file, offset_ms)
        work_and_agree(central, store, number, when)
        with store.opened() as files:
            head = files.journal.head().seq
            claimed_ms = files.journal.history(1, 0)[0][0].at_ms
        assert head > before, when
        assert abs(claimed_ms - time.time() * 1000 - offset_ms) < MINUTE, "the clock has not moved"
        before = head


@pytest.mark.parametrize("when", ["2099", "1970"])
def test_a_store_that_starts_with_a_wrong_clock_gets_its_session(
    clocked: tuple[ClockedCentral, ClockedStore], when: str
) -> None:
    """Central times sessions alone: a machine whose battery is empty says hello and works."""
    central, store = clocked
    set_offset(store.clock_file, JUMPS[when])
    store.start_daemon()
    work_and_agree(central, store, 1, when)


def test_centrals_clock_may_jump_by_a_day_in_both_directions(
    clocked: tuple[ClockedCentral, ClockedStore],
) -> None:
    """Sessions end early or late: the store says hello again where it must, and goes on."""
    central, store = clocked
    store.start_daemon()
    for number, offset_ms in enumerate((0, HOUR, DAY, 0, -HOUR, 0), 1):
        set_offset(central.clock_file, offset_ms)
        work_and_agree(central, store, number, f"central at {offset_ms} ms")
