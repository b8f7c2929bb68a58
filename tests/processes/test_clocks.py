"""Wall clocks that are wrong, and jump while everything runs: work arrives whole all the same."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from store_client.replica.models import Sale
from sync.domain.escrow import EscrowPolicy
from sync.domain.stock_operations import SkuUnits
from sync.protocol.lines import decode_line
from tests.processes import clocked as faketime
from tests.processes.clocked import set_clock
from tests.processes.conftest import SIZE, lines_of
from tests.support.network import sku_of
from tests.support.real_central import RealCentral
from tests.support.real_store import RealStore
from tests.support.told_figures import Tell
from tests.support.waiting import until

pytestmark = [
    pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(240),
    pytest.mark.skipif(not faketime.is_there(), reason="no libfaketime for this machine"),
]  # fmt: skip

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
STEPS = "4"
POLICY = EscrowPolicy(enabled=True, lease_ms=3_000, confirm_ms=1_000, margin_ms=1_000)


def year(number: int) -> int:
    """Return how far from now the first of January of that year is, in milliseconds."""
    there = datetime(number, 1, 1, tzinfo=UTC).timestamp()
    return int((there - time.time()) * 1000)


JUMPS = {
    "a second behind": -SECOND, "a day ahead": DAY, "a day behind": -DAY,
    "2099": year(2099), "1970": year(1970) + DAY, "right again": 0,
}  # fmt: skip


class ClockedStore(RealStore):
    """A store's machine whose wall clock can be moved."""

    @property
    def clock_file(self) -> Path:
        return self.folder.parent / "store-clock"

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, **faketime.environment(self.clock_file)}


class ClockedCentral(RealCentral):
    """A central whose wall clock can be moved."""

    @property
    def clock_file(self) -> Path:
        return self.folder.parent / "central-clock"

    def _environment(self) -> dict[str, str]:
        return {**super()._environment(), **faketime.environment(self.clock_file)}


@pytest.fixture
def clocked(tmp_path: Path) -> Iterator[tuple[ClockedCentral, ClockedStore]]:
    """Central and an enrolled store, each with a clock of its own, both right."""
    every_second = {"HOLDSHELF_CENTRAL_POLL_SECONDS": "1"}
    central = ClockedCentral(tmp_path / "central", settings_extra=every_second)
    central.prepare(SIZE)
    store = ClockedStore(tmp_path / "store", central.url)
    for file in (central.clock_file, store.clock_file):
        set_clock(file, 0)
    try:
        central.start()
        store.enrol(central.enrolment_code("S001"))
        yield central, store
    finally:
        store.stop()
        central.stop()
        faketime.tidy()


def work_and_agree(central: RealCentral, store: RealStore, number: int, when: str) -> float:
    """Place an order, work, and wait until both sides have the same; return how long (s)."""
    began = time.monotonic()
    central.place(number, lines_of(number))
    until(lambda: _open_orders(store) > 0, f"the order is at the store: {when}")
    done = store.run("practice", "--steps", STEPS)
    assert done.returncode == 0, f"{when}: {done.stderr}"
    until(
        lambda: store.digest() == central.digest("S001"),
        f"store and central agree: {when}", within_s=60, every_s=0.1,
    )  # fmt: skip
    return time.monotonic() - began


def _open_orders(store: RealStore) -> int:
    with store.opened() as files:
        return len(files.board("pickup", limit=10))


def test_a_stores_clock_may_jump_anywhere_while_it_works(
    clocked: tuple[ClockedCentral, ClockedStore], tell: Tell
) -> None:
    """A second to decades, forwards and back, with the daemon running: nothing stops or is lost."""
    central, store = clocked
    store.start_daemon()
    before, took = 0, []
    for number, (when, offset_ms) in enumerate(JUMPS.items(), 1):
        set_clock(store.clock_file, offset_ms)
        took.append(work_and_agree(central, store, number, when))
        with store.opened() as files:
            head = files.journal.head().seq
            claimed_ms = files.journal.history(1, 0)[0][0].at_ms
        assert head > before, when
        assert abs(claimed_ms - time.time() * 1000 - offset_ms) < MINUTE, "the clock has not moved"
        before = head
    tell(f"{len(JUMPS)} jumps, {before} operations, all at central; at most {max(took):.1f} s from"
         " order to agreement")  # fmt: skip


@pytest.mark.parametrize("when", ["2099", "1970"])
def test_a_store_that_starts_with_a_wrong_clock_gets_its_session(
    clocked: tuple[ClockedCentral, ClockedStore], when: str, tell: Tell
) -> None:
    """Central times sessions alone: a machine whose battery is empty says hello and works."""
    central, store = clocked
    set_clock(store.clock_file, JUMPS[when])
    store.start_daemon()
    took = work_and_agree(central, store, 1, when)
    tell(f"in step {took:.1f} s after its first order")


def test_centrals_clock_may_jump_by_a_day_in_both_directions(
    clocked: tuple[ClockedCentral, ClockedStore], tell: Tell
) -> None:
    """Sessions end early or late: the store says hello again where it must, and goes on."""
    central, store = clocked
    store.start_daemon()
    offsets, took = (DAY, -HOUR, 0), []
    for number, offset_ms in enumerate(offsets, 1):
        set_clock(central.clock_file, offset_ms)
        took.append(work_and_agree(central, store, number, f"central at {offset_ms} ms"))
    tell(f"{len(offsets)} jumps; at most {max(took):.1f} s from order to agreement")


def _sell(central: RealCentral, store: RealStore, number: int, when: str) -> None:
    """Sell a unit at the store's till, and wait until central has heard of it."""
    with store.opened() as files:
        sale = Sale(f"till-{number}", (SkuUnits(sku_of(number), 1),))
        assert files.sell(sale, by="A1", dev="POS", breaks="") is not None
    until(
        lambda: store.digest() == central.digest("S001"),
        f"the sale is at central: {when}", within_s=30, every_s=0.3,
    )  # fmt: skip


def _closed(store: RealStore) -> Mapping[int, int]:
    """Return at which monotonic time the store closed generations of rights, by generation."""
    with store.opened() as files:
        rows = files.journal._all("SELECT line FROM operations WHERE kind = 'generation_closed'")
    records = [decode_line(bytes(line)) for (line,) in rows]
    return {one.op.generation: one.mono for one in records}


def test_leases_end_by_monotonic_time_whatever_the_wall_clock_does(
    clocked: tuple[ClockedCentral, ClockedStore], tell: Tell
) -> None:
    """A day forward, a day back, far too fast: rights go back when they should, and not before."""
    central, store = clocked
    with central.opened() as parts, parts.database.read() as view:
        places = [replace(one, escrow=POLICY, floor_percent=20) for one in view.locations.all()]
    with central.opened() as parts:
        parts.intake.locations(places)
    store.start_daemon()
    clocks = {"a day ahead": (DAY, 1), "a day behind": (-DAY, 1), "far too fast": (0, 50)}
    for number, (when, (offset_ms, speed)) in enumerate(clocks.items(), 1):
        set_clock(store.clock_file, offset_ms, speed)
        _sell(central, store, number, when)
    assert not _closed(store), "taken back while central was there"
    cut_ms = time.monotonic() * 1000
    central.kill()
    set_clock(store.clock_file, 30 * DAY, 50)
    until(lambda: bool(_closed(store)), "the store takes its rights back", within_s=40, every_s=0.5)
    (closed_ms,) = _closed(store).values()
    waited_ms = closed_ms - cut_ms
    assert waited_ms > POLICY.reclaim_after_ms - 2 * SECOND, "by another clock, too soon"
    assert waited_ms < POLICY.reclaim_after_ms + 20 * SECOND, "by another clock, too late"
    central.start()
    _sell(central, store, 9, "central is back")
    waited_s, due_s = waited_ms / SECOND, POLICY.reclaim_after_ms / SECOND
    tell(f"{len(clocks) + 1} clocks, {len(clocks) + 1} sales; rights taken back after"
         f" {waited_s:.1f} s, due after {due_s:.1f} s")  # fmt: skip
