"""What goes wrong with a store's files at the command line: a sentence, never a traceback."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from store_client.cli import FAILURE, REFUSED, TRY_LATER, USAGE, app
from store_client.replica.keys import key_of, make_key
from store_client.replica.store import Files, Store
from sync.edge.journal import Identity
from tests.support.builders import ManualClock
from tests.support.failing_disk import limit_files_to

NOBODY = 65_534
Run = Callable[..., Result]


@pytest.fixture
def files(tmp_path: Path, monkeypatch) -> Files:
    """A store that was enrolled."""
    made = Files(tmp_path / "store")
    make_key(made)
    store = Store(made, ManualClock(), key=key_of(made), boot_id="b")
    store.journal.enrol(
        Identity("R1", "S001", 1, "nonce", "00" * 32, "central", "http://central.invalid")
    )
    store.close()
    monkeypatch.setenv("HOLDSHELF_STORE_DATA_DIR", str(made.folder))
    return made


@pytest.fixture
def run(files: Files) -> Run:
    return lambda *arguments: CliRunner().invoke(app, [str(one) for one in arguments])


def is_told(answer: Result, code: int, *words: str) -> bool:
    said = all(word in answer.stderr for word in words)
    return answer.exit_code == code and said and answer.stderr.startswith("store-client: ")


@pytest.fixture
def limited() -> Iterator[Callable[[int], None]]:
    """Limits the files of this process, for a test."""
    yield limit_files_to
    limit_files_to(-1)


@pytest.fixture
def as_nobody(files: Files) -> Iterator[None]:
    """Be somebody to whom the store's folder is closed."""
    files.folder.chmod(0o600)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    yield
    if is_root:
        os.seteuid(0)
    files.folder.chmod(0o700)


@pytest.mark.usefixtures("as_nobody")
def test_a_folder_of_somebody_else_is_told(run: Run):
    """Typed by the wrong user: which file it is."""
    assert is_told(run("status"), USAGE, "store.toml", "Permission denied")


@pytest.mark.parametrize("command", [("status",), ("doctor",), ("sync", "--once"), ("digest",)])
def test_a_key_that_cannot_be_read_is_told(run: Run, files: Files, command: tuple[str, ...]):
    """As one of another user's, in a folder that is open."""
    files.key.unlink()
    files.key.mkdir()
    assert is_told(run(*command), FAILURE, "store.key")


def test_a_copy_on_a_disk_without_room_is_told_and_leaves_nothing(run: Run, tmp_path, limited):
    """Nothing is written to it that nobody can use."""
    limited(60_000)
    answer = run("backup", tmp_path / "copy")
    limited(-1)
    assert is_told(answer, TRY_LATER, "journal.db.partial")
    assert list((tmp_path / "copy").iterdir()) == []


def test_a_copy_into_the_stores_own_folder_is_refused(run: Run, files: Files):
    """A copy beside the journal is none."""
    assert is_told(run("backup", files.folder), REFUSED, "another folder")


def test_a_restore_without_room_is_told_and_leaves_nothing(
    run: Run, files: Files, tmp_path: Path, monkeypatch
):
    """The journal stays in its place, and the full disk is not filled further."""
    run("backup", tmp_path / "copy")

    def full(_: object, target: object) -> None:
        Path(str(target)).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(shutil, "copyfile", full)
    answer = run("restore", tmp_path / "copy", "--force")
    assert is_told(answer, TRY_LATER, "restoring.db", "No space left")
    assert not (files.folder / "restoring.db").exists()
    assert run("status", "--json").exit_code == 0


def test_what_is_no_copy_leaves_nothing_beside_the_journal(run: Run, files: Files, tmp_path: Path):
    """It was copied to be looked at."""
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "journal.db").write_bytes(b"no journal" * 1000)
    assert is_told(run("restore", tmp_path / "copy", "--force"), REFUSED, "cannot be used")
    assert not list(files.folder.glob("restoring*"))


@pytest.mark.parametrize(
    "command",
    [("enrol", "--anew", "--central", "https://central.invalid"), ("ship", "offers")],
)
def test_an_authority_that_is_not_there_is_named(run: Run, monkeypatch, command: tuple[str, ...]):
    """`ca_file` leads nowhere: that file is what has to be mended."""
    monkeypatch.setenv("HOLDSHELF_STORE_CA_FILE", "/nowhere.pem")
    monkeypatch.setenv("HOLDSHELF_ENROLMENT_CODE", "code")
    assert is_told(run(*command), FAILURE, "/nowhere.pem")
