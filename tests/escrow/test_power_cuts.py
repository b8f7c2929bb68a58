"""What the journal says for good, it says of rows that no power cut takes any more."""

import errno
import shutil
from pathlib import Path

import pytest

from tests.escrow.test_shares import pass_time
from tests.support.central_world import World
from tests.support.store_side import POLICY, StoreSide

REPLICA = "replica.db"


class Disk:
    """What a power cut leaves of replica.db: as it was when it was flushed last."""

    def __init__(self, store: StoreSide, folder: Path) -> None:
        self._store, self._folder = store, folder
        self.flushed: list[str] = []
        self._keep()
        store.store._database.flush_path = self._flush

    def _flush(self, path: Path) -> None:
        self.flushed.append(path.name)
        self._keep()

    def _keep(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        for file in self._store.folder.glob(f"{REPLICA}*"):
            shutil.copy(file, self._folder)

    def cut_power(self) -> None:
        """Take away what was not flushed, and the line; start the machine anew."""
        self._store.store.close()
        for file in self._store.folder.glob(f"{REPLICA}*"):
            file.unlink()
        for file in self._folder.iterdir():
            shutil.copy(file, self._store.folder)
        self._store.cut()
        self._store.reboot("after the cut")


def test_a_generation_that_began_is_not_there_without_the_rows_that_it_began_with(
    world: World, store: StoreSide, tmp_path: Path
):
    """Its rights are subtracted from what the store may sell, whenever the power goes."""
    world.place(("SKU-1", 3))
    store.enrol_anew()
    disk = Disk(store, tmp_path / "platter")
    store.settle()
    assert store.share().floor == 2
    disk.cut_power()
    assert store.share().floor == 2


def test_an_order_that_was_confirmed_is_on_the_board_after_a_power_cut(
    world: World, store: StoreSide, tmp_path: Path
):
    """Central counts on it: alone for long, the store sells none of its units by right."""
    disk = Disk(store, tmp_path / "platter")
    (work,) = world.fulfillments(world.place(("SKU-1", 3)).order_id)
    assert work.location_id == "S001"
    store.settle()
    (work,) = world.fulfillments(work.order_id)
    assert work.confirmed_at_ms
    disk.cut_power()
    assert store.store.fulfillment(work.id) is not None
    for _ in range(2):
        pass_time(world, POLICY.reclaim_after_ms, store)
        store.round()
    assert store.share().floor == 7
    store.sell(10)
    store.settle()
    assert store.differences() == []


def test_rows_are_flushed_when_some_came_and_else_not(
    world: World, store: StoreSide, tmp_path: Path
):
    """A round that brings nothing costs no flush; the folder is flushed once."""
    store.store.close()
    store.open()
    disk = Disk(store, tmp_path / "platter")
    store.settle()
    assert disk.flushed == [f"{REPLICA}-wal", store.folder.name]
    world.place(("SKU-1", 3))
    store.round()
    assert disk.flushed[2:] == [f"{REPLICA}-wal"]


def test_nothing_is_built_on_rows_that_the_disk_did_not_take(
    world: World, store: StoreSide, monkeypatch: pytest.MonkeyPatch
):
    """The round ends there. The next one trusts no second flush: it writes them anew."""
    (work,) = world.fulfillments(world.place(("SKU-1", 3)).order_id)
    database = store.store._database
    head = store.store.journal.head()

    def fails(path: Path) -> None:
        raise OSError(errno.EIO, "the disk fails", path.name)

    with monkeypatch.context() as fault:
        fault.setattr(database, "flush_path", fails)
        report = store.round()
    assert (report.ok, report.error[:20]) == (False, "this store's files: ")
    assert store.store.journal.head() == head
    log = store.folder / f"{REPLICA}-wal"
    sizes: list[int] = []
    monkeypatch.setattr(database, "flush_path", lambda _: sizes.append(log.stat().st_size))
    assert store.round().ok
    assert sizes[0] == 0
    store.settle()
    (work,) = world.fulfillments(work.order_id)
    assert work.confirmed_at_ms
