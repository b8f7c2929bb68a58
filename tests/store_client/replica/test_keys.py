"""The key of a store's files: whole before there is a file, and never another one after."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from store_client import bootstrap
from store_client.config import StoreSettings
from store_client.replica.keys import key_of, make_key
from store_client.replica.store import Files, Store
from store_client.services.doctor import examine
from sync.edge.sqlite import UnsafeDatabase
from tests.support.builders import ManualClock
from tests.support.filled_store import open_filled

PLAIN = b"SQLite format 3"
ANSWER = SimpleNamespace(location_id="S001", location_name="Main Street", server_id="central")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path / "store")
    made.folder.mkdir()
    return made


def opened(files: Files, key: str) -> Store:
    return Store(files, ManualClock(), key=key, boot_id="b")


def enrol(files: Files, monkeypatch) -> None:
    monkeypatch.setattr("sync.transport.http.enrol", lambda *_, **__: ANSWER)
    settings = StoreSettings(data_dir=files.folder)
    assert bootstrap.enrol(settings, "http://central.invalid", "code") == "Main Street"


@pytest.mark.parametrize("left", ["", "ab12"])
def test_what_a_full_disk_left_of_a_key_is_no_key(files: Files, monkeypatch, left: str):
    """Enrolled again, the store is under a whole key; it was unencrypted for ever."""
    files.key.write_text(left)
    files.key.with_name("store.key.partial").write_text(left)
    enrol(files, monkeypatch)
    assert len(key_of(files)) == 64
    assert files.key.stat().st_mode & 0o777 == 0o600
    for file in (files.journal, files.replica):
        assert not file.read_bytes().startswith(PLAIN)
    assert not files.key.with_name("store.key.partial").exists()


def test_a_disk_that_fails_while_the_key_is_made_leaves_none(files: Files, monkeypatch):
    """The key has its name only when all of it is on the disk."""

    def fails(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(OSError, match="No space"):
        make_key(files)
    assert not files.key.exists()


def test_a_whole_key_is_never_made_anew(files: Files):
    """Whatever lies beside it: a backup may be under it."""
    make_key(files)
    key = key_of(files)
    make_key(files)
    assert key_of(files) == key


@pytest.mark.parametrize("left", ["", "ab12", "ä"])
def test_a_spoiled_key_beside_files_stops_in_words(files: Files, left: str):
    """They are under the key that it was: neither another one nor none opens them."""
    make_key(files)
    opened(files, key_of(files)).close()
    files.key.write_text(left)
    make_key(files)
    assert files.key.read_text() == left
    with pytest.raises(UnsafeDatabase, match="no whole key"):
        key_of(files)


def test_no_store_begins_in_files_without_a_key(files: Files, monkeypatch):
    """What an older version began from an empty key has to go first."""
    files.key.write_text("")
    opened(files, "").close()
    with pytest.raises(UnsafeDatabase, match=r"remove journal.db and replica.db"):
        enrol(files, monkeypatch)


def test_a_store_that_works_without_a_key_goes_on_and_its_doctor_says_so(files: Files):
    """Nobody in the shop may lose work by it; a technician has to hear of it."""
    files.key.write_text("")
    open_filled(files.folder, ManualClock()).close()
    store = bootstrap.open_store(StoreSettings(data_dir=files.folder))
    (found, *_) = examine(store)
    store.close()
    assert (found.ok, "NOT encrypted" in found.text) == (False, True)


def test_a_store_without_a_key_restores_its_journal(files: Files, tmp_path: Path):
    """It was begun so by an older version and works on: its own copy says that there was no key."""
    files.key.write_text("")
    store = open_filled(files.folder, ManualClock())
    head = store.journal.head()
    store.close()
    settings = StoreSettings(data_dir=files.folder)
    bootstrap.back_up(settings, tmp_path / "copy")
    files.journal.unlink()
    with pytest.raises(UnsafeDatabase):
        key_of(files)
    bootstrap.restore(settings, tmp_path / "copy", force=False)
    again = opened(files, key_of(files))
    assert again.journal.head().seq == head.seq
    again.close()
