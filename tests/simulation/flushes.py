"""What of a store's files a power cut takes: mark, evidence, and the rows of `replica.db`.

`journal.db` is on the disk when its commit returns: it asks for that at each one.
`replica.db` is flushed before the journal builds on what came into it; of its commits
since then the disk may have none. The
mark is flushed only before something is sent, and evidence after the commit that it
speaks of, so that power may go in between. What a file had when it was flushed last
is safe; of what was written since, each sector may be there or not.
"""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random

from store_client.replica.database import ReplicaDatabase
from sync.edge.evidence import SUFFIX, Evidence
from sync.edge.journal import Journal
from sync.edge.mark import SLOT_BYTES
from tests.simulation.faults import StoreFuse

MARK = "journal.mark"
REPLICA, LOG = "replica.db", "replica.db-wal"


ROWS_LOST_SHARE = 0.5


class Flushes:
    """Stands between a store's files and its disk."""

    def __init__(self, fuse: StoreFuse, folder: Path, evidence: Path | None) -> None:
        self._fuse = fuse
        self._mark = folder / MARK
        self._evidence = evidence
        self._safe: dict[Path, bytes] = {}
        """What a file had when it was flushed last, by whichever process."""
        self._folder = folder
        self._rows: dict[str, bytes] = {}
        """The same of `replica.db` and its log, by their names."""
        self._is_over = self._is_killed = False
        self.settle()

    def settle(self, *, beside: bool = True) -> None:
        """Take what is there for flushed: the disk is another one, or was shut down.

        What lies beside it, on a disk of its own, only with `beside`.
        """
        kept = {path: safe for path, safe in self._safe.items() if path != self._mark}
        files = [path for path in self._files() if beside or path == self._mark]
        self._safe = {**({} if beside else kept), **{path: path.read_bytes() for path in files}}
        self._rows = self._rows_now()

    def watch(self, journal: Journal) -> None:
        """Stand behind a process's journal from its first flush on.

        What a process before it wrote and did not flush is as unsafe as it was.
        """
        self._is_over = self._is_killed = False
        journal.mark_file.flush = self._flush
        if journal.evidence is not None:
            journal.evidence.flush = self._flush

    def watch_rows(self, database: ReplicaDatabase) -> None:
        """Stand behind what a process flushes of its rows."""
        database.flush_path = self._flush_rows

    def safe_evidence(self, evidence: Evidence) -> set[tuple[str, int, int, bytes]]:
        """Return of which operations (replica, epoch, seq, hash) records are on the disk."""
        lines = [line for path, safe in self._safe.items() if path != self._mark
                 for line in safe.split(b"\n")]  # fmt: skip
        found = [one for one in map(evidence._decoded, lines) if one is not None]
        return {(one.replica_id, one.epoch, one.seq, one.hash) for one in found}

    def end(self, *, is_killed: bool = False) -> None:
        """Let nothing fall any more: the process ends. One that is killed flushes nothing."""
        self._is_over, self._is_killed = True, self._is_killed or is_killed

    def _files(self) -> list[Path]:
        beside = [] if self._evidence is None else self._evidence.glob(f"*{SUFFIX}")
        return [path for path in (self._mark, *sorted(beside)) if path.exists()]

    def _flush(self, descriptor: int) -> None:
        def reach_the_disk() -> None:
            here = os.fstat(descriptor).st_ino
            for path in self._files():
                if path.stat().st_ino == here:
                    self._safe[path] = path.read_bytes()

        self._flushed(reach_the_disk)

    def _flushed(self, reach_the_disk: Callable[[], None]) -> None:
        """Flush, where a process is alive that may fall before it, or after."""
        if self._is_killed:
            return
        if not self._is_over:
            self._fuse.flushes(before=True)
        reach_the_disk()
        if not self._is_over:
            self._fuse.flushes(before=False)

    def _rows_now(self) -> dict[str, bytes]:
        files = [self._folder / name for name in (REPLICA, LOG)]
        return {path.name: path.read_bytes() for path in files if path.exists()}

    def _flush_rows(self, path: Path) -> None:
        def reach_the_disk() -> None:
            if path.name == LOG:
                self._rows = self._rows_now()

        self._flushed(reach_the_disk)

    def _lose_rows(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            (self._folder / f"{REPLICA}{suffix}").unlink(missing_ok=True)
        for name, content in self._rows.items():
            (self._folder / name).write_bytes(content)

    def lose_power(self, random: Random, *, rows_too: bool = False) -> int:
        """Let go of what was not flushed, of each file by chance; return of how many anything.

        Of `replica.db` with `rows_too`: then no process has it open.
        """
        torn = 0
        if rows_too and random.random() < ROWS_LOST_SHARE and self._rows_now() != self._rows:
            self._lose_rows()
            torn += 1
        for path in self._files():
            now, safe = path.read_bytes(), self._safe.get(path, b"")
            if now == safe:
                continue
            torn += 1
            lose = _overwritten if path == self._mark else _cut
            times = path.stat()
            path.write_bytes(lose(now, safe, random))
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # nobody wrote to it
        self.settle()  # what a disk has after the dark it keeps
        return torn


def _overwritten(now: bytes, safe: bytes, random: Random) -> bytes:
    """Return a mark of which each slot is new, old, or new up to some byte only."""
    left = bytearray(safe.ljust(len(now), b"\0"))
    for at in range(0, len(now), SLOT_BYTES):
        end = at + random.choice((0, SLOT_BYTES, random.randrange(SLOT_BYTES)))
        left[at:end] = now[at:end]
    return bytes(left)


def _cut(now: bytes, safe: bytes, random: Random) -> bytes:
    """Return evidence that ends somewhere behind what was flushed."""
    return now[: random.randint(min(len(safe), len(now)), len(now))]
