"""kill9_runs and kill9_lost: SIGKILL for whoever is at work, for a minute, and what was lost by it.

Central, a store's daemon and an associate work in processes of their own, and
shops order all the while. At random moments one of the three is killed and
started again. What each had said was done before it died is compared at the end
with what central has; nothing may be missing or different.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from subprocess import PIPE

import httpx

from tests.benchmarks.measure import Figure
from tests.benchmarks.site import a_central, a_store, temporary
from tests.processes.acknowledged import Said
from tests.support.network import Size, sku_of
from tests.support.real_central import RealCentral
from tests.support.real_store import RealStore, kill
from tests.support.waiting import until

SECONDS = 70.0
PAUSE_S_MAX = 0.6
"""Somebody dies at the latest so long after the last one is back."""
ORDER_EVERY_S = 0.05
SETTLE_SECONDS = 60.0
SIZE = Size(stores=1, skus=60, stocked=60, on_hand=100_000)
EPOCH = 1


def measure() -> Iterator[Figure]:
    """Kill for a little more than a minute, let everything settle, and count."""
    with (
        temporary() as folder,
        a_central(folder, SIZE) as central,
        a_store(folder, central) as machine,
    ):
        killing = Killing(central, machine, seed=9)
        with shopping(central) as ordered:
            killing.go_on_for(SECONDS)
        killing.settle()
        lost = killing.lost() + lost_orders(central, ordered)
    said = len(killing.acknowledged)
    yield Figure("kill9_runs", killing.runs, "kills", "operations acknowledged meanwhile", said)
    yield Figure("kill9_lost", lost, "lost", "orders acknowledged meanwhile", len(ordered))


class Killing:
    """The three processes, and what was acknowledged by those that died."""

    def __init__(self, central: RealCentral, machine: RealStore, seed: int) -> None:
        self.acknowledged: dict[int, str] = {}
        self.runs = 0
        self._central = central
        self._machine = machine
        self._random = Random(seed)
        self._daemon = machine.start_daemon()
        self._associate = self._an_associate()
        self._coming_back: threading.Thread | None = None

    def go_on_for(self, seconds: float) -> None:
        """Kill one after the other; who has nothing left to do is started again as well."""
        victims = (self._kill_central, self._kill_daemon, self._kill_associate)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            threading.Event().wait(self._random.uniform(0, PAUSE_S_MAX))
            self._random.choice(victims)()
            self.runs += 1
            if self._associate.is_done:
                self._end_associate()

    def _an_associate(self) -> Said:
        seed = str(self._random.getrandbits(16))
        return Said(self._machine.start(_driver(self._machine, seed), stdout=PIPE))

    def _end_associate(self) -> None:
        kill(self._associate.process)
        self.acknowledged |= self._associate.finish()
        self._associate = self._an_associate()

    def _kill_central(self) -> None:
        """The others go on, and may die too, while central comes back."""
        self._wait_for_central()
        self._central.kill()
        self._coming_back = threading.Thread(target=self._central.start)
        self._coming_back.start()

    def _wait_for_central(self) -> None:
        if self._coming_back is not None:
            self._coming_back.join()

    def _kill_daemon(self) -> None:
        kill(self._daemon)
        self._daemon = self._machine.start_daemon()

    def _kill_associate(self) -> None:
        until(lambda: self._associate.lines or self._associate.is_done, "the associate works")
        self._end_associate()

    def settle(self) -> None:
        """Let the associate go, and the daemon send everything."""
        kill(self._associate.process)
        self.acknowledged |= self._associate.finish()
        self._kill_daemon()
        self._wait_for_central()
        until(self._is_in_step, "store and central agree", within_s=SETTLE_SECONDS, every_s=0.2)

    def _is_in_step(self) -> bool:
        return self._machine.digest() == self._central.digest("S001")

    def lost(self) -> int:
        """Return how many acknowledged operations central lacks or has otherwise."""
        with (
            self._machine.opened() as files,
            self._central.opened() as parts,
            parts.database.read() as view,
        ):
            known = {
                seq: view.journal.hash_at(files.replica_id, EPOCH, seq) for seq in self.acknowledged
            }
        return sum(known[seq] != bytes.fromhex(said) for seq, said in self.acknowledged.items())


def _driver(machine: RealStore, seed: str) -> list[str]:
    return [
        sys.executable, "-m", "tests.processes.driver",
        "--data-dir", str(machine.folder), "--seed", seed,
    ]  # fmt: skip


@contextmanager
def shopping(central: RealCentral) -> Iterator[list[str]]:
    """Place orders at an even pace; give the ids of those that central has confirmed."""
    confirmed: list[str] = []
    is_over = threading.Event()

    def shop() -> None:
        number = 0
        while not is_over.wait(ORDER_EVERY_S):
            number += 1
            try:
                order = central.place(number, [(sku_of(number % SIZE.skus + 1), 1)])
            except httpx.HTTPError:
                continue  # central is dead, or has not been granted enough yet
            confirmed.append(order["id"])

    shopper = threading.Thread(target=shop)
    shopper.start()
    try:
        yield confirmed
    finally:
        is_over.set()
        shopper.join()


def lost_orders(central: RealCentral, confirmed: list[str]) -> int:
    """Return how many confirmed orders central does not have."""
    with central.opened() as parts, parts.database.read() as view:
        kept: set[str] = set()
        for start in range(0, len(confirmed), 500):
            kept |= set(view.orders.get_many(confirmed[start : start + 500]))
    return len(set(confirmed) - kept)
