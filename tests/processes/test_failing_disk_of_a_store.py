"""A store's daemon on a disk that is full or fails: it says so, goes on, and loses nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.transport.switch import LinkMode
from tests.processes.conftest import Site
from tests.processes.reckoning import reckon
from tests.processes.test_central_killed import work_off
from tests.support.spoiled_disk import mend, skip_unless_possible, spoil
from tests.support.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(240)]

ORDERS = 12
TRY_LATER = 75


@pytest.fixture
def switch(site: Site, tmp_path: Path) -> Iterator[Path]:
    """Let the site's store work on a disk that can be told to fail."""
    skip_unless_possible()
    site.store.switch = tmp_path / "switch"
    yield site.store.switch
    mend(site.store.switch)


def rounds(site: Site) -> list[dict[str, Any]]:
    """Return what the daemon said of its rounds so far."""
    text = (site.store.folder / "processes.log").read_text(encoding="utf-8")
    said = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [one for one in said if one.get("event") == "round"]


def failures(site: Site) -> set[str]:
    """Return what it said of its own files."""
    return {one["error"] for one in rounds(site) if one["error"].startswith("this store's files")}


def pushed(site: Site) -> int:
    """Return how many operations of the store central has."""
    with site.central.opened() as parts, parts.database.read() as view:
        return sum(one.last_seq for one in view.replicas.at_location("S001"))


@pytest.mark.parametrize("spoiled", [("full",), ("full", "replica.db"), ("fsync",)])
def test_a_daemon_on_a_failing_disk_says_so_and_goes_on_where_it_was(
    site: Site, switch: Path, spoiled: tuple[str, ...]
) -> None:
    """What was done goes out, what cannot be written is said; with room the pull goes on."""
    placed = site.place(ORDERS)
    daemon = site.store.start_daemon()
    site.until_in_step()
    site.cut()
    done = work_off(site)
    placed += site.place(ORDERS, first=ORDERS + 1)
    spoil(switch, *spoiled)
    site.restore()
    until(lambda: pushed(site) == len(done), "what was done has gone out", every_s=0.2)
    until(lambda: failures(site), "the daemon has said what fails")
    with site.store.opened() as files:
        assert files.journal.head().seq == len(done)
    assert daemon.poll() is None
    mend(switch)
    site.until_in_step()
    assert daemon.poll() is None
    said = failures(site)
    reckon(site.central, site.store, done, placed, site.size)
    print(f"a store's disk, {' '.join(spoiled)}: {len(done)} operations went out; said {said}")


def test_a_full_disk_without_central_ends_no_daemon(site: Site, switch: Path) -> None:
    """That central is not reached cannot even be noted: it is tried again, and found."""
    placed = site.place(ORDERS)
    daemon = site.store.start_daemon()
    site.until_in_step()
    spoil(switch, "full")
    site.set_network(LinkMode.CAPTIVE)
    before = site.network.proxy.connections
    until(lambda: site.network.proxy.connections > before + 3, "it has tried again and again")
    assert daemon.poll() is None
    mend(switch)
    placed += site.place(ORDERS, first=ORDERS + 1)
    site.restore()
    site.until_in_step()
    assert daemon.poll() is None
    reckon(site.central, site.store, {}, placed, site.size)
    print(f"full and cut off, and {len(placed)} orders found again")


def test_a_command_on_a_full_disk_says_that_and_not_that_the_files_are_damaged(
    site: Site, switch: Path
) -> None:
    """Nothing can be opened: the exit code is that of trying later; with room all is there."""
    placed = site.place(ORDERS)
    spoil(switch, "full")
    refused = site.store.run("sync", "--once")
    assert refused.returncode == TRY_LATER
    assert "the disk is full" in refused.stderr
    mend(switch)
    assert site.store.sync_once()["ok"]
    reckon(site.central, site.store, {}, placed, site.size)
    print(f"a command on a full disk: {refused.stderr.strip()!r}")
