"""Fixtures: central as a process, a network that can be spoiled, an enrolled store machine."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import pytest

from sync.transport.chaos_proxy import ProxyHandle, in_thread
from sync.transport.switch import LinkMode, Switch
from tests.support.network import Size, sku_of
from tests.support.real_central import RealCentral
from tests.support.real_store import RealStore
from tests.support.waiting import until

pytest.register_assert_rewrite("tests.processes.reckoning")

SIZE = Size(stores=2, skus=60, stocked=60, on_hand=1_000)


@dataclass
class Site:
    """Central, one store, and the network between them."""

    central: RealCentral
    store: RealStore
    network: ProxyHandle
    size: Size = SIZE
    location_id: str = "S001"

    def cut(self) -> None:
        self.network.apply(Switch(LinkMode.CUT))

    def restore(self) -> None:
        self.network.apply(Switch())

    def set_network(self, mode: LinkMode) -> None:
        self.network.apply(Switch(mode))

    def place(self, count: int, first: int = 1) -> list[dict]:
        """Place orders of one to three lines at the store, through the public API."""
        return [
            self.central.place(number, lines_of(number)) for number in range(first, first + count)
        ]

    @property
    def backlog(self) -> int:
        with self.store.opened() as files:
            return files.journal.backlog()

    def in_step(self) -> bool:
        """Whether central has everything and the store has heard of everything."""
        here, there = self.store.digest(), self.central.digest(self.location_id)
        return here == there

    def until_in_step(self, within_s: float = 60.0) -> None:
        until(self.in_step, "store and central agree", within_s=within_s, every_s=0.1)


def lines_of(number: int) -> list[tuple[str, int]]:
    """Return the lines of order `number`: one to three SKUs, one or two units each."""
    return [
        (sku_of((number * 7 + line * 13) % SIZE.skus + 1), 1 + (number + line) % 2)
        for line in range(1 + number % 3)
    ]


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder on the disk: processes are killed while they write to one. Kept after a failure."""
    failed_before = request.session.testsfailed
    folder = Path(mkdtemp(prefix="holdshelf-processes-"))
    yield folder
    if request.session.testsfailed == failed_before:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[[str], Site]]:
    """Make a site on a database (empty: SQLite), served and with an enrolled store."""
    opened: list[Site] = []
    networks = []

    def make(database_url: str = "") -> Site:
        central = RealCentral(tmp_path / "central", database_url)
        central.prepare(SIZE)
        network = in_thread("127.0.0.1", central.port)
        networks.append(network)
        handle = network.__enter__()
        store = RealStore(tmp_path / "store", f"http://127.0.0.1:{handle.port}")
        site = Site(central, store, handle)
        opened.append(site)
        central.start()
        store.enrol(central.enrolment_code("S001"))
        return site

    try:
        yield make
    finally:
        for site in opened:
            site.store.stop()
            site.central.stop()
        for network in networks:
            network.__exit__(None, None, None)


@pytest.fixture
def site(make_site: Callable[[str], Site]) -> Site:
    """A site on SQLite."""
    return make_site("")
