"""Networks that lie or fall silent: the daemon neither hangs nor loses anything."""

from time import monotonic

import pytest

from sync.transport.switch import LinkMode
from tests.processes.conftest import Site
from tests.support.told_figures import Tell
from tests.support.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(240)]

STEPS = "12"


@pytest.mark.parametrize(
    "mode", [LinkMode.CAPTIVE, LinkMode.HALF_OPEN], ids=lambda mode: mode.value
)
def test_a_network_that_does_not_reach_central_delays_and_loses_nothing(
    site: Site, mode: LinkMode, tell: Tell
) -> None:
    """A captive portal's page or a silent link counts as out of reach; then everything is sent."""
    placed = site.place(4)
    site.store.start_daemon()
    until(site.in_step, "the orders are at the store")
    site.set_network(mode)
    began = monotonic()
    assert site.store.run("practice", "--steps", STEPS).returncode == 0
    until(lambda: _says_unreachable(site), "the store says what is wrong", within_s=90)
    noticed = monotonic() - began
    assert site.store.has_daemon
    head = site.backlog
    assert head > 0
    site.restore()
    began = monotonic()
    site.until_in_step(within_s=90)
    until(lambda: site.backlog == 0, "the store has heard that central has everything", within_s=90)
    lost = len(placed) - len(site.store.digest().orders)
    assert lost == 0
    tell(f"said to be out of reach after {noticed:.1f} s, {head} operations waited; all sent"
         f" {monotonic() - began:.1f} s after it was mended, {len(placed)} orders, lost {lost}"
    )  # fmt: skip


def _says_unreachable(site: Site) -> bool:
    with site.store.opened() as files:
        state = files.sync_state()
    return bool(state.last_error) and not state.halted


def test_a_link_that_fell_silent_wakes_up_by_itself(site: Site, tell: Tell) -> None:
    """Half open for a moment and open again: what waited arrives, without a restart."""
    site.store.start_daemon()
    site.place(1)
    until(site.in_step, "the order is at the store")
    site.set_network(LinkMode.HALF_OPEN)
    before = site.network.proxy.connections
    site.place(1, first=2)
    assert site.store.run("practice", "--steps", "2").returncode == 0
    assert site.network.proxy.connections >= before
    waiting = site.backlog
    site.restore()
    began = monotonic()
    site.until_in_step(within_s=90)
    tell(f"{waiting} operations waited; in step {monotonic() - began:.1f} s after it was open")
