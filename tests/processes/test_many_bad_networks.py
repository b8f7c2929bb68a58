"""Six stores, each with a network that is bad in its own way, all at the same time."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from sync.transport.chaos_proxy import in_thread
from sync.transport.switch import LinkMode, Switch
from tests.processes.conftest import SIZE, Site, lines_of
from tests.support.network import location_of
from tests.support.real_central import RealCentral
from tests.support.real_store import RealStore
from tests.support.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(280)]

NETWORKS = {
    "slow": Switch(latency_ms=250, bytes_per_second=20_000),
    "streams held": Switch(holds_streams=True),
    "cut": Switch(LinkMode.CUT),
    "silent": Switch(LinkMode.HALF_OPEN),
    "breaks off": Switch(drop_after_bytes=1_500),
    "captive": Switch(LinkMode.CAPTIVE),
}
WORKING = ("slow", "streams held")
"""Bad, but everything arrives in the end without anybody mending it."""
AWAY = ("cut", "silent", "captive")
POLL_SECONDS = "2"
ROUNDS = 2
STEPS = "6"


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[list[Site]]:
    """One central, and six enrolled stores behind a network of their own each."""
    size = replace(SIZE, stores=len(NETWORKS))
    central = RealCentral(
        tmp_path / "central", settings_extra={"HOLDSHELF_CENTRAL_POLL_SECONDS": POLL_SECONDS}
    )
    central.prepare(size)
    with ExitStack() as opened:
        opened.callback(central.stop)
        central.start()
        sites = []
        for number in range(1, len(NETWORKS) + 1):
            network = opened.enter_context(in_thread("127.0.0.1", central.port))
            store = RealStore(tmp_path / f"store-{number}", f"http://127.0.0.1:{network.port}")
            opened.callback(store.stop)
            store.enrol(central.enrolment_code(location_of(number)))
            store.start_daemon()
            sites.append(Site(central, store, network, size, location_of(number)))
        yield sites


def test_stores_on_bad_networks_agree_with_central_in_the_end(sites: list[Site]) -> None:
    """Slow, held, cut, silent, broken off, captive at once, and each network bad in two ways."""
    names = list(NETWORKS)
    for turn in range(ROUNDS):
        place_everywhere(sites, first=1 + turn * 100)
        for site in sites:
            site.until_in_step(within_s=90)
        kinds = names[turn:] + names[:turn]
        for site, kind in zip(sites, kinds, strict=True):
            site.network.apply(NETWORKS[kind])
        place_everywhere(sites, first=51 + turn * 100)
        for site in sites:
            assert site.store.run("practice", "--steps", STEPS).returncode == 0
        for site, kind in zip(sites, kinds, strict=True):
            if kind in AWAY:
                assert site.backlog > 0, kind
            if kind in WORKING:
                until(site.in_step, f"a store agrees although its network is {kind}", within_s=90)
        for site in sites:
            site.restore()
    for site in sites:
        site.until_in_step(within_s=90)
        assert site.backlog == 0
        assert len(site.store.digest().orders) == 2 * ROUNDS


def place_everywhere(sites: list[Site], first: int) -> None:
    """Place one order at each store."""
    for number, site in enumerate(sites, first):
        site.central.place(number, lines_of(number), at=site.location_id)
