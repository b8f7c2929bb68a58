"""Backups and restores as people do them: by command, between processes that were killed."""

import shutil
from collections.abc import Callable
from time import monotonic

import pytest

from store_client.bootstrap import files_of
from sync.protocol.digest import differences
from tests.processes.conftest import Site
from tests.processes.test_central_killed import work_off
from tests.support.databases import BOTH_ENGINES
from tests.support.real_store import RealStore, kill
from tests.support.told_figures import Tell
from tests.support.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(300)]

ORDERS = 12
KILLS = 4


def serve(site: Site, first: int) -> None:
    """Place orders, hear of them, and work the queue off with the network cut."""
    site.place(ORDERS, first)
    assert site.store.sync_once()["ok"]
    site.cut()
    work_off(site)
    site.restore()


def in_step(site: Site) -> str:
    """Sync, and assert that both sides agree and central's data is true to itself; say how long."""
    began = monotonic()
    site.store.start_daemon()
    site.until_in_step()
    took = monotonic() - began
    apart = differences(site.store.digest(), site.central.digest("S001"))
    assert apart == []
    site.store.stop()
    with site.central.opened() as parts:
        wrong = parts.verify()
    assert wrong == []
    with site.store.opened() as files:
        count = files.journal.head().seq
    return (
        f"{count} operations, in step after {took:.1f} s; {len(apart)} differences, {len(wrong)}"
        " faults in central's books and chains"
    )


@pytest.mark.parametrize("engine", BOTH_ENGINES)
def test_a_store_machine_is_lost_and_comes_back(
    engine: str, make_site: Callable[[str], Site], request: pytest.FixtureRequest, tell: Tell
) -> None:
    """Backup, work, the disk is gone, restore from the copy and the key: both sides are one."""
    site = make_site(request.getfixturevalue(f"make_{engine}_url")())
    serve(site, 1)
    backup = site.store.folder.parent / "backup"
    assert site.store.run("backup", str(backup)).returncode == 0
    shutil.copy(files_of(site.store.settings).key, backup)
    serve(site, 1 + ORDERS)
    assert site.store.sync_once()["ok"]
    serve(site, 1 + 2 * ORDERS)
    shutil.rmtree(site.store.folder)
    site.store.folder.mkdir(mode=0o700)
    shutil.copy(backup / "store.key", site.store.folder)
    assert site.store.run("restore", str(backup)).returncode == 0
    serve_again(site)
    tell(in_step(site))


def serve_again(site: Site) -> None:
    """The first round recovers; the orders whose work was lost are simply done again."""
    assert site.store.sync_once()["ok"]
    site.cut()
    work_off(site)
    site.restore()


def test_a_journal_that_is_swapped_for_an_older_file_is_noticed(site: Site, tell: Tell) -> None:
    """No command was used, only files copied: the mark beside the journal tells."""
    serve(site, 1)
    files = files_of(site.store.settings)
    copy = site.store.folder.parent / "journal.db"
    shutil.copy(files.journal, copy)
    serve(site, 1 + ORDERS)
    assert site.store.sync_once()["ok"]
    for name in ("journal.db-wal", "journal.db-shm"):
        files.journal.with_name(name).unlink(missing_ok=True)
    shutil.copy(copy, files.journal)
    tell(in_step(site))
    with site.store.opened() as store:
        assert store.identity.epoch > 1
        assert store.sync_state().alerts == ()


def test_central_is_killed_and_put_back_to_an_earlier_copy(site: Site, tell: Tell) -> None:
    """Backup while it serves, more work, SIGKILL, restore: stores send what it lost."""
    site.place(2 * ORDERS)
    assert site.store.sync_once()["ok"]
    copy = site.central.folder.parent / "central-copy.db"
    assert site.central.run("backup", str(copy)).returncode == 0
    assert site.central.run("restore", str(copy)).returncode == 4
    site.store.start_daemon()
    work_off(site)
    site.until_in_step()
    before = site.central.digest("S001")
    site.central.kill()
    done = site.central.run("restore", str(copy), "--verify")
    assert done.returncode == 0, done.stderr
    began = monotonic()
    site.central.start()
    until(lambda: site.central.digest("S001") == before, "central knows everything again")
    site.until_in_step()
    orders = site.central.digest("S001").orders
    tell(f"1 kill, {len(orders)} orders worked on after the copy; central knows all again"
         f" {monotonic() - began:.1f} s after its start")  # fmt: skip


def test_the_daemon_is_killed_in_mid_recovery(site: Site, tell: Tell) -> None:
    """Again and again, whenever it calls central: in the end each operation is there once."""
    serve(site, 1)
    assert site.store.run("backup", str(site.store.folder.parent / "backup")).returncode == 0
    serve(site, 1 + ORDERS)
    assert site.store.sync_once()["ok"]
    done = site.store.run("restore", str(site.store.folder.parent / "backup"), "--force")
    assert done.returncode == 0, done.stderr
    for _ in range(KILLS):
        before = site.network.proxy.bytes_up
        daemon = site.store.start_daemon()
        until(lambda b=before: site.network.proxy.bytes_up > b, "the daemon calls central")  # type: ignore[misc]
        kill(daemon)
    tell(f"{KILLS} kills in recovery; {in_step(site)}")


def test_a_cloned_machine_is_enrolled_anew_with_its_work(site: Site, tell: Tell) -> None:
    """A copy of the disk beside the original: refused, kept working, and then let in by a code."""
    serve(site, 1)
    assert site.store.sync_once()["ok"]
    site.place(ORDERS, 1 + ORDERS)
    assert site.store.sync_once()["ok"]
    folder = site.store.folder.parent / "clone"
    shutil.copytree(site.store.folder, folder)
    clone = RealStore(folder, site.store.central_url)
    assert site.store.run("practice", "--steps", "20").returncode == 0
    assert site.store.sync_once()["ok"]
    assert clone.run("practice", "--steps", "5").returncode == 0
    report = clone.sync_once()
    assert not report["ok"]
    assert "under this store's name" in str(report["error"])
    assert clone.run("practice", "--steps", "1").returncode == 0
    answer = site.central.client.post(
        "/v1/admin/enrolment-codes", json={"location_id": "S001", "replace": True}
    )
    clone.enrol(answer.raise_for_status().json()["code"])
    with clone.opened() as files:
        waiting = files.journal.backlog()
    began = monotonic()
    clone.start_daemon()
    until(lambda: clone.digest() == site.central.digest("S001"), "the clone is the store now")
    took = monotonic() - began
    clone.stop()
    assert not site.store.sync_once()["ok"]
    with site.central.opened() as parts:
        wrong = parts.verify()
    assert wrong == []
    tell(f"refused, then enrolled anew with {waiting} operations of its own; in step after"
         f" {took:.1f} s, {len(wrong)} faults in central's books and chains")  # fmt: skip
