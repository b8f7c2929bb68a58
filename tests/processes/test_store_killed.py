"""A store that is cut off while its terminal and its daemon are killed at random moments."""

import sys
import threading
from random import Random
from time import monotonic

import pytest

from sync.transport.switch import LinkMode
from tests.processes.acknowledged import Said
from tests.processes.conftest import Site
from tests.processes.reckoning import reckon
from tests.support.real_store import kill
from tests.support.told_figures import Tell
from tests.support.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(300)]

PICKUPS = 200
OPERATIONS_MIN = 1_000
DRAIN_KILLS = 4
SEEDS = (11,)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_acknowledged_operation_is_lost_or_applied_twice(
    site: Site, seed: int, tell: Tell
) -> None:
    """Killed at random while cut off, and again while sending: central has each step once."""
    random = Random(seed)
    placed = site.place(PICKUPS)
    assert site.store.sync_once()["ok"]
    site.cut()
    acknowledged, kills = work_while_killed(site, random)
    assert kills >= 8
    assert len(acknowledged) >= OPERATIONS_MIN
    assert site.backlog >= len(acknowledged)
    site.restore()
    drain_while_killed(site, random, kills=DRAIN_KILLS)
    site.store.start_daemon()
    began = monotonic()
    site.until_in_step()
    took = monotonic() - began
    count = reckon(site.central, site.store, acknowledged, placed, site.size)
    tell(f"{kills} kills while cut off, {DRAIN_KILLS} while sending; {count.words()};"
         f" in step {took:.1f} s after the last")  # fmt: skip


def work_while_killed(site: Site, random: Random) -> tuple[dict[int, str], int]:
    """Work the queue off; drivers and daemons are killed in mid-work. Return what was said."""
    acknowledged: dict[int, str] = {}
    kills = 0
    daemon = site.store.start_daemon()
    while True:
        driver = start_driver(site, random.getrandbits(16))
        said = Said(driver)
        lines = random.randint(20, 160)
        until(lambda s=said, n=lines: s.is_done or len(s.lines) >= n, "the driver works")  # type: ignore[misc]
        threading.Event().wait(random.uniform(0, 0.02))
        worked_off = "done" in (said.lines or [{}])[-1]
        kill(driver)
        acknowledged.update(said.finish())
        if worked_off:
            kill(daemon)
            return acknowledged, kills
        kills += 1
        if random.random() < 0.5:
            kill(daemon)
            daemon = site.store.start_daemon()


def start_driver(site: Site, seed: int):
    command = [
        sys.executable, "-m", "tests.processes.driver",
        "--data-dir", str(site.store.folder), "--seed", str(seed),
    ]  # fmt: skip
    return site.store.start(command, stdout=-1)


def drain_while_killed(site: Site, random: Random, kills: int) -> None:
    """Kill the daemon right after it has begun to send, so that answers are lost."""
    for _ in range(kills):
        before = site.network.proxy.bytes_up
        daemon = site.store.start_daemon()
        until(lambda b=before: site.network.proxy.bytes_up > b, "the daemon calls central")  # type: ignore[misc]
        threading.Event().wait(random.uniform(0, 0.15))
        kill(daemon)


def test_a_daemon_that_is_killed_holds_nothing_up(site: Site, tell: Tell) -> None:
    """After SIGKILL of the daemon the next one starts at once and sends what the first did not."""
    site.place(3)
    daemon = site.store.start_daemon()
    until(site.in_step, "the orders are at the store")
    site.set_network(LinkMode.CUT)
    assert site.store.run("practice", "--steps", "5").returncode == 0
    kill(daemon)
    waiting = site.backlog
    assert waiting > 0
    site.restore()
    began = monotonic()
    site.store.start_daemon()
    site.until_in_step()
    tell(f"1 kill, {waiting} operations waited; in step {monotonic() - began:.1f} s after the start"
         " of the next daemon")  # fmt: skip
