"""Copies of a store's journal: whole, encrypted, and put back only where that loses nothing."""

from pathlib import Path

import pytest

from store_client.replica import copies
from store_client.replica.store import Files, Store
from sync.edge import recovery
from sync.edge.journal import Identity
from sync.edge.sqlite import UnsafeDatabase, open_database
from tests.support.builders import ManualClock
from tests.sync.edge.test_journal import add, record

KEY = "ab" * 32
CLOCK = ManualClock()


def a_store(folder: Path, *, operations: int = 3) -> Store:
    store = Store(Files(folder), CLOCK, key=KEY, boot_id="b")
    try:
        store.identity  # noqa: B018 - raises in a fresh journal
    except LookupError:
        store.journal.enrol(
            Identity("R1", "S001", 1, "nonce", "00" * 32, "central", "http://central.invalid")
        )
    for number in range(operations):
        add(store.journal, record(number))
    return store


@pytest.fixture
def store(tmp_path: Path):
    made = a_store(tmp_path / "store")
    yield made
    made.close()


def test_a_copy_is_whole_and_encrypted_and_private(store: Store, tmp_path: Path):
    """It holds everything up to the moment it was made, under the key of the store's files."""
    copied = copies.back_up(store, KEY, tmp_path / "backup")
    assert (copied.seq, copied.replica_id) == (3, "R1")
    assert copied.path.stat().st_mode & 0o777 == 0o600
    assert not copied.path.read_bytes().startswith(b"SQLite format 3")
    with pytest.raises(UnsafeDatabase):
        open_database(copied.path, key="cd" * 32, synchronous="FULL")
    assert [one.name for one in (tmp_path / "backup").iterdir()] == ["journal.db"]


def test_a_later_copy_takes_the_place_of_the_earlier(store: Store, tmp_path: Path):
    """There is a whole copy at every moment."""
    copies.back_up(store, KEY, tmp_path / "backup")
    add(store.journal, record(9))
    assert copies.back_up(store, KEY, tmp_path / "backup").seq == 4


@pytest.mark.parametrize("named", ["itself", "a link", "a linked file"])
def test_the_journal_is_no_place_for_its_own_copy(store: Store, tmp_path: Path, named: str):
    """A copy there would take its name away: what the terminal records meanwhile would be lost."""
    folder = tmp_path / "store" if named == "itself" else tmp_path / "named"
    if named == "a link":
        folder.symlink_to(tmp_path / "store")
    if named == "a linked file":
        folder.mkdir()
        (folder / "journal.db").hardlink_to(store.files.journal)
    with pytest.raises(copies.BadCopy, match="another folder"):
        copies.back_up(store, KEY, folder)
    add(store.journal, record(9))
    store.close()
    again = a_store(tmp_path / "store", operations=0)
    assert again.journal.head().seq == 4
    again.close()


def test_nothing_is_put_back_while_somebody_works(store: Store, tmp_path: Path):
    """A terminal that is open would go on in a file that is not there any more."""
    copies.back_up(store, KEY, tmp_path / "backup")
    with pytest.raises(copies.InUse):
        copies.restore(store.files, CLOCK, KEY, tmp_path / "backup")


def test_a_copy_of_a_former_name_does_not_replace_what_came_after(store: Store, tmp_path: Path):
    """The machine was enrolled anew since: what it did under its new name is newer."""
    copies.back_up(store, KEY, tmp_path / "backup")
    who = Identity("R2", "S001", 1, "nonce-2", "00" * 32, "central", "http://central.invalid")
    recovery.take_over(store.journal, who, 0)
    add(store.journal, record(9))
    store.close()
    with pytest.raises(copies.NotOlder):
        copies.restore(store.files, CLOCK, KEY, tmp_path / "backup")


def test_a_whole_journal_is_not_replaced_by_an_older_one(store: Store, tmp_path: Path):
    """Restoring over work that is there would only lose it; forced, it is kept beside."""
    copies.back_up(store, KEY, tmp_path / "backup")
    add(store.journal, record(9))
    store.close()
    with pytest.raises(copies.NotOlder):
        copies.restore(store.files, CLOCK, KEY, tmp_path / "backup")
    copies.restore(store.files, CLOCK, KEY, tmp_path / "backup", force=True)
    (kept,) = (tmp_path / "store").glob("before-restore-*")
    assert (kept / "journal.db").exists()
    again = a_store(tmp_path / "store", operations=0)
    assert (again.identity.epoch > 1, again.journal.head().seq) == (True, 4)
    again.close()


@pytest.mark.parametrize("damage", ["missing", "torn", "another key"])
def test_what_is_no_copy_is_refused_and_nothing_is_touched(
    store: Store, tmp_path: Path, damage: str
):
    """Missing, cut off, or of another store: the journal in place stays as it is."""
    path = copies.back_up(store, KEY, tmp_path / "backup").path
    if damage == "missing":
        path.unlink()
    if damage == "torn":
        path.write_bytes(path.read_bytes()[:9000])
    store.close()
    with pytest.raises(copies.BadCopy):
        copies.restore(
            store.files, CLOCK, "cd" * 32 if damage == "another key" else KEY,
            tmp_path / "backup", force=True,
        )  # fmt: skip
    again = a_store(tmp_path / "store", operations=0)
    assert (again.identity.epoch, again.journal.head().seq) == (1, 3)
    again.close()


def test_a_machine_with_a_new_disk_needs_its_key_and_its_copy(store: Store, tmp_path: Path):
    """Without a mark the command itself says that this is a restore: a new epoch begins."""
    copies.back_up(store, KEY, tmp_path / "backup")
    fresh = Files(tmp_path / "new")
    copies.restore(fresh, CLOCK, KEY, tmp_path / "backup")
    again = Store(fresh, CLOCK, key=KEY, boot_id="b")
    newest = again.journal.lives.newest
    assert (newest.epoch, bool(newest.certain), bool(newest.opened)) == (2, True, False)
    assert again.journal.head().seq == 3
    again.close()
