"""Central is killed in the middle of batches while a store drains what an outage left behind."""

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from time import monotonic
from typing import Any

import httpx
import pytest

from tests.processes.acknowledged import Said
from tests.processes.conftest import Site
from tests.processes.reckoning import reckon
from tests.support.databases import BOTH_ENGINES
from tests.support.real_store import kill
from tests.support.told_figures import Tell
from tests.support.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(300)]

ORDERS = 400
KILLS = 4
PUSH_BYTES = 3_000
"""So much of a push has gone to central when the clock of the killing starts."""
KILL_SECONDS_MAX = 0.06
"""About what a full batch takes to be applied."""
STOP_SECONDS = 10.0


@pytest.mark.parametrize("engine", BOTH_ENGINES)
def test_central_killed_in_mid_batch_takes_each_operation_once(
    engine: str, make_site: Callable[[str], Site], request: pytest.FixtureRequest, tell: Tell
) -> None:
    """SIGKILL while a batch is being applied, again and again: nothing lost, nothing twice."""
    url = request.getfixturevalue(f"make_{engine}_url")()
    site = make_site(url)
    random = Random(7)
    work = Backlog(site)
    killed_while_behind = 0
    for _ in range(KILLS):
        work.ensure()
        killed_while_behind += kill_central_while_it_applies(site, random)
    assert killed_while_behind >= KILLS // 2
    assert len(work.acknowledged) > 2_000
    site.store.start_daemon()
    began = monotonic()
    site.until_in_step()
    took = monotonic() - began
    count = reckon(site.central, site.store, work.acknowledged, work.placed, site.size)
    tell(f"{KILLS} kills, {killed_while_behind} of them with work left; {count.words()};"
         f" in step {took:.1f} s after the last")  # fmt: skip


class Backlog:
    """Work that was done while the network was cut, made anew whenever all of it was sent."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.placed: list[dict[str, Any]] = []
        self.acknowledged: dict[int, str] = {}

    def ensure(self) -> None:
        """Have something to send: a quick central may have taken everything before it died."""
        if self._site.backlog:
            return
        first = len(self.placed) + 1
        with ThreadPoolExecutor(8) as pool:
            numbers = range(first, first + ORDERS)
            self.placed += pool.map(lambda number: self._site.place(1, number)[0], numbers)
        assert self._site.store.sync_once()["ok"]
        self._site.cut()
        self.acknowledged |= work_off(self._site)
        self._site.restore()


def work_off(site: Site) -> dict[int, str]:
    """Let a driver work the whole queue off, undisturbed."""
    command = [
        sys.executable, "-m", "tests.processes.driver",
        "--data-dir", str(site.store.folder), "--seed", "1",
    ]  # fmt: skip
    said = Said(site.store.start(command, stdout=-1))
    until(lambda: said.is_done, "the driver has worked everything off", within_s=150)
    return said.finish()


def kill_central_while_it_applies(site: Site, random: Random) -> bool:
    """Kill central a random moment after a push has reached it; return whether work was left."""
    before = site.network.proxy.bytes_up
    daemon = site.store.start_daemon()
    until(lambda: site.network.proxy.bytes_up > before + PUSH_BYTES, "a push is under way")
    threading.Event().wait(random.uniform(0, KILL_SECONDS_MAX))
    site.central.kill()
    kill(daemon)
    behind = site.backlog > 0
    site.central.start()
    return behind


def test_sigterm_ends_central_soon_and_keeps_what_it_acknowledged(site: Site, tell: Tell) -> None:
    """Told to stop under load, with a store listening: it drains, ends in 10 s, loses nothing."""
    site.store.start_daemon()
    acknowledged: list[str] = []
    stopping = threading.Event()

    def shop(first: int) -> None:
        number = first
        while not stopping.is_set():
            try:
                acknowledged.append(site.place(1, number)[0]["id"])
            except httpx.HTTPError:
                return
            number += 1

    shoppers = [threading.Thread(target=shop, args=(start * 10_000,)) for start in range(1, 5)]
    for shopper in shoppers:
        shopper.start()
    until(lambda: len(acknowledged) >= 20, "orders flow")
    began = monotonic()
    code = site.central.terminate()
    took = monotonic() - began
    stopping.set()
    for shopper in shoppers:
        shopper.join()
    assert code == 0
    assert took < STOP_SECONDS
    with site.central.opened() as parts, parts.database.read() as view:
        kept = view.orders.get_many(acknowledged)
    lost = set(acknowledged) - set(kept)
    assert lost == set()
    tell(f"ended {took:.1f} s after SIGTERM; {len(acknowledged)} orders acknowledged,"
         f" lost {len(lost)}")  # fmt: skip
    site.central.start()
    site.until_in_step()
