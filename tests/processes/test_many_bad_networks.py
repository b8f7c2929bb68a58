"""Six stores, each with a network that is bad in its own way, all at the same time."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from sync.transport.chaos_proxy import in_thread
from sync.transport.switch import LinkMode, Switch
from tests.processes.conftest import SIZE, Site, lines_of
from tests.support.network import location_of
from tests.support.real_central import RealCentral
from tests.support.real_store import RealStore
from tests.support.told_figures import Tell
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
BREAKING = "breaks off"
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


def test_stores_on_bad_networks_agree_with_central_in_the_end(
    sites: list[Site], tell: Tell
) -> None:
    """Slow, held, cut, silent, broken off, captive at once, and each network bad in two ways."""
    names = list(NETWORKS)
    took, through = [], []
    for turn in range(ROUNDS):
        kinds = names[turn:] + names[:turn]
        arrived = work_on_bad_networks(dict(zip(kinds, sites, strict=True)), turn)
        through.append(str(arrived))
        for site in sites:
            site.restore()
        began = monotonic()
        for site in sites:
            site.until_in_step(within_s=90)
        took.append(monotonic() - began)
    for site in sites:
        until(lambda s=site: s.backlog == 0, "the store has heard of everything", within_s=90)  # type: ignore[misc]
        assert len(site.store.digest().orders) == 2 * ROUNDS
    operations = sum(map(taken_once, sites))
    tell(f"{len(sites)} stores, {ROUNDS} rounds, {operations} operations, all at central once;"
         f" where answers break off, {' and '.join(through)} of them before it was mended; in step"
         f" at most {max(took):.1f} s after it was")  # fmt: skip


def work_on_bad_networks(sites: Mapping[str, Site], turn: int) -> int:
    """Let each store work on the network of that name; return what arrived where it breaks off."""
    place_everywhere(sites.values(), first=1 + turn * 100)
    for site in sites.values():
        site.until_in_step(within_s=90)
    for kind, site in sites.items():
        site.network.apply(NETWORKS[kind])
    place_everywhere(sites.values(), first=51 + turn * 100)
    for site in sites.values():
        assert site.store.run("practice", "--steps", STEPS).returncode == 0
    for kind in AWAY:
        assert sites[kind].backlog > 0, kind
    arrived = work_goes_on(sites[BREAKING])
    for kind in WORKING:
        until(sites[kind].in_step, f"a store agrees although its network is {kind}", within_s=90)
    return arrived


def work_goes_on(site: Site) -> int:
    """Assert what holds while answers break off; return how much central has by then.

    The store says in words that it hears nothing, works on, and what central has of it is its
    journal, each operation once: the rest still waits.
    """
    until(lambda: says_broken(site), "the store says that answers break off", within_s=60)
    assert site.store.has_daemon
    with site.store.opened() as files:
        before = files.journal.head().seq
    assert site.store.run("practice", "--steps", "2").returncode == 0
    with site.store.opened() as files:
        assert files.journal.head().seq > before
    return taken_once(site)


def says_broken(site: Site) -> bool:
    """Whether the last round failed, in words, and the store is going to try again."""
    with site.store.opened() as files:
        state = files.sync_state()
    return bool(state.last_error) and not state.halted


def taken_once(site: Site) -> int:
    """Assert that what central has is how the store's journal begins; return how much that is."""
    with site.central.opened() as parts, parts.database.read() as view:
        (replica,) = [one for one in view.replicas.all() if one.location_id == site.location_id]
        theirs = [
            view.journal.hash_at(replica.id, replica.epoch, seq)
            for seq in range(1, replica.last_seq + 1)
        ]
        sums = view.stock_ledger.sums()
        for row in view.stock.rows(site.location_id):
            assert sums[site.location_id, row.sku] == (row.on_hand, row.allocated), row.sku
    with site.store.opened() as files:
        journal = files.journal
        assert [journal.hash_at(seq) for seq in range(1, replica.last_seq + 1)] == theirs
        assert journal.head().seq - replica.last_seq <= journal.backlog(), "what is missing waits"
    return replica.last_seq


def place_everywhere(sites: Iterable[Site], first: int) -> None:
    """Place one order at each store."""
    for number, site in enumerate(sites, first):
        site.central.place(number, lines_of(number), at=site.location_id)
