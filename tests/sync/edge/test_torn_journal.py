"""journal.db after a power cut in mid-write, and after bits have turned over on the disk.

The write-ahead log is damaged at every byte of its last frame, in every way that
matters; the file is opened as after a crash, without the shared index that only
lives as long as the machine.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from sync.edge.journal import Journal
from sync.edge.sqlite import DatabaseError, UnsafeDatabase
from tests.support.scratch import scratch_folder
from tests.sync.edge.test_journal import KEY, add, check_chain, journal_in, record

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

OPERATIONS = 12
WAL_HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
PAGE_BYTES = 4096
FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES
DAMAGES = 300


@dataclass(frozen=True)
class Crashed:
    """The files of a journal as a machine left them that lost its power."""

    file: bytes
    wal: bytes
    last_frame: int
    """Where the last frame of the log begins."""

    def reopened(self, folder: Path, *, file: bytes | None = None, wal: bytes | None = None) -> int:
        """Put the files there and open them; return how many operations are in a whole chain."""
        (folder / "journal.db").write_bytes(self.file if file is None else file)
        (folder / "journal.db-wal").write_bytes(self.wal if wal is None else wal)
        (folder / "journal.db-shm").unlink(missing_ok=True)
        journal = Journal(folder / "journal.db", KEY)
        try:
            return check_chain(journal)
        finally:
            journal.close()


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Crashed:
    """Twelve operations in an encrypted journal, eleven of them before the last transaction."""
    folder = tmp_path_factory.mktemp("living")
    journal = journal_in(folder, *map(record, range(1, OPERATIONS)), key=KEY)
    before = (folder / "journal.db-wal").stat().st_size
    add(journal, record(OPERATIONS))
    file = (folder / "journal.db").read_bytes()
    wal = (folder / "journal.db-wal").read_bytes()
    journal.close()
    assert len(wal) > before
    assert (len(wal) - WAL_HEADER_BYTES) % FRAME_BYTES == 0
    return Crashed(file, wal, len(wal) - FRAME_BYTES)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: ten thousand files are opened, none must last."""
    with TemporaryDirectory(prefix="holdshelf-", dir=scratch_folder()) as name:
        yield Path(name)


def test_the_crashed_files_are_whole(crashed: Crashed, folder: Path) -> None:
    """Undamaged, they hold every operation: a killed process loses nothing."""
    assert crashed.reopened(folder) == OPERATIONS


def test_a_log_that_ends_anywhere_in_its_last_frame_keeps_all_before(
    crashed: Crashed, folder: Path
) -> None:
    """Cut off at each of its bytes: the last operation was not done, those before it were."""
    kept = {
        crashed.reopened(folder, wal=crashed.wal[: crashed.last_frame + length])
        for length in range(FRAME_BYTES)
    }
    assert kept == {OPERATIONS - 1}


def test_a_bit_that_turns_over_anywhere_in_the_last_frame_is_noticed(
    crashed: Crashed, folder: Path
) -> None:
    """Each byte with one bit turned over: nothing before is lost, nothing damaged is believed."""
    random = Random(3)
    found: dict[int, int] = {}
    for place in range(crashed.last_frame, len(crashed.wal)):
        wal = bytearray(crashed.wal)
        wal[place] ^= 1 << random.randrange(8)
        kept = crashed.reopened(folder, wal=bytes(wal))
        found[kept] = found.get(kept, 0) + 1
    print(f"bit flips in the last frame: operations kept -> cases {found}")
    assert set(found) <= {OPERATIONS - 1, OPERATIONS}


def test_a_bit_that_turned_over_further_back_leaves_no_hole(crashed: Crashed, folder: Path) -> None:
    """The log is believed up to the damage: what is left is a beginning, or is refused."""
    random = Random(4)
    kept: dict[int, int] = {}
    for _ in range(DAMAGES):
        wal = bytearray(crashed.wal)
        wal[random.randrange(crashed.last_frame)] ^= 1 << random.randrange(8)
        try:
            count = crashed.reopened(folder, wal=bytes(wal))
        except (UnsafeDatabase, DatabaseError, LookupError):
            count = -1
        kept[count] = kept.get(count, 0) + 1
    print(f"bit flips further back: operations kept (-1: refused) -> cases {kept}")
    assert set(kept) <= {-1, *range(OPERATIONS + 1)}


def test_the_next_operation_goes_on_behind_what_was_kept(crashed: Crashed, folder: Path) -> None:
    """After a torn tail the chain is continued from the last whole operation, not beside it."""
    crashed.reopened(folder, wal=crashed.wal[: crashed.last_frame + 1000])
    journal = Journal(folder / "journal.db", KEY)
    assert add(journal, record(77)) == OPERATIONS
    assert check_chain(journal) == OPERATIONS
    journal.close()


def _truncated(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content))]


def _flipped(content: bytes, random: Random) -> bytes:
    damaged = bytearray(content)
    damaged[random.randrange(len(content))] ^= 1 << random.randrange(8)
    return bytes(damaged)


def _zeroed(content: bytes, random: Random) -> bytes:
    start = random.randrange(0, len(content), 512)
    return content[:start] + bytes(min(512, len(content) - start)) + content[start + 512 :]


@pytest.mark.parametrize("damage", [_truncated, _flipped, _zeroed])
def test_a_damaged_file_is_refused_or_unharmed(
    crashed: Crashed, folder: Path, damage: Callable[[bytes, Random], bytes]
) -> None:
    """Whatever happens to the file itself: a sentence, or every operation, unbroken."""
    random = Random(5)
    whole = _checkpointed(crashed, folder)
    refusals: dict[str, int] = {}
    for _ in range(DAMAGES):
        try:
            kept = crashed.reopened(folder, file=damage(whole, random), wal=b"")
        except (UnsafeDatabase, DatabaseError) as refusal:
            refusals[str(refusal)] = refusals.get(str(refusal), 0) + 1
        else:
            assert kept == OPERATIONS
    print(f"damaged files refused: {refusals}")
    assert sum(refusals.values()) > DAMAGES // 5  # other pages hold nothing of the chain
    assert all(refusals)


def _checkpointed(crashed: Crashed, folder: Path) -> bytes:
    """Return the bytes of the file once everything of the log is in it."""
    crashed.reopened(folder)
    return (folder / "journal.db").read_bytes()
