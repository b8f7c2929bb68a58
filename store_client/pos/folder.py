"""Takes the sales that the point of sale leaves in a folder: each once, none lost.

A file stays where it is until every sale in it is in the journal, or is written
down in `failed/` with the reason; only then it moves to `done/`. Whatever
happens in between, the file is read again from its beginning, and sales that
the journal knows are not journaled again. So every step may be the last one of
a machine that loses its power.

A sale that left a trace here has happened: it is never refused for what it breaks.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path, PurePath

from store_client.ports import Store
from store_client.pos.batch import WHOLE, Batch, Entry, Failed, is_sales_file, read_batch
from store_client.pos.disk import Disk, Mark
from store_client.services.calendar import zone_of
from store_client.services.sales import keep, what_is_sold
from sync.clock import Clock
from sync.domain.errors import OperationRefused

LOOK_SECONDS = 1.0
PRUNE_SECONDS = 6 * 3600.0
SALES_PER_LOOK = 200
"""So that one look ends within about a second, however much is there."""
FILE_BYTES_MAX = 4 * 1024 * 1024
SETTLED_MS = 800
"""A file that has not changed for so long is read."""
DOUBT_MS = 10_000
"""One that cannot be read wholly may still be written: it is left alone for so long."""
KEEP_DAYS = 45
DAY_MS = 86_400_000
REASONS_MAX = 1_000
REASON = ".reason.txt"
DONE, FAILED = "done", "failed"
AGAIN_MS = 10 * 60_000
"""A file that could not be put away is tried again after so long."""
NAME_BYTES_MAX = 200
"""Of a file that is put aside: what is written beside it has a longer name."""


@dataclass
class _Seen:
    """A file as it was when it last changed."""

    mark: Mark
    since_ms: int
    doubtful: bool = False


@dataclass
class _Job:
    """The file in work."""

    name: str
    mark: Mark
    digest: str
    batch: Batch
    done: int = 0
    kept: int = 0
    failed: list[Failed] = field(default_factory=list)


class SalesFolder:
    """One folder. `look` is called every second, by one thread."""

    def __init__(self, folder: Path, store: Store, clock: Clock, disk: Disk | None = None) -> None:
        self.folder = folder
        self._store = store
        self._clock = clock
        self._disk = disk or Disk()
        self._seen: dict[str, _Seen] = {}
        self._job: _Job | None = None
        self._stuck: dict[str, tuple[Mark, int]] = {}
        """Files that could not be put away: as they are, and until when they are passed over."""
        self._are_made = False
        self._trouble = ""
        """What kept the folder itself from being read at the last look."""

    @property
    def done(self) -> Path:
        """Where files go of which everything is in the journal or in `failed`."""
        return self.folder / DONE

    @property
    def failed(self) -> Path:
        """Where goes what cannot be read, with the reason beside it."""
        return self.folder / FAILED

    def look(self) -> int:
        """Take what has come, up to `SALES_PER_LOOK`; return how many sales were looked at.

        Raises `OSError` where the folder itself cannot be read, when people are told of it.
        """
        try:
            if not self._is_ready():
                return 0
            waiting = self._settled_names()
        except OSError as problem:
            if self._trouble != str(problem):  # not each second
                self._trouble = str(problem)
                where = shown(str(self.folder))
                self._store.alert(f"Sales of the till are not read: {where}: {problem.strerror}.")
            raise
        self._trouble = ""
        left = SALES_PER_LOOK
        while left > 0:
            if self._job is None:
                name = next(waiting, None)
                if name is None:
                    break
                self._job = self._open(name)
                left -= 1
                continue
            left -= self._work(self._job, left)
            if self._job.done == len(self._job.batch.entries):
                job, self._job = self._job, None
                self._put_away(job)
        return SALES_PER_LOOK - left

    def prune(self) -> int:
        """Forget files that were done long ago; return how many."""
        if not self.done.is_dir():
            return 0
        old = list(self._disk.older(self.done, self._clock.now_ms() - KEEP_DAYS * DAY_MS))
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    # --- which files ----------------------------------------------------------------------

    def _is_ready(self) -> bool:
        """Make the folders; wait for the store's data, or every code would be unknown."""
        if not self._are_made:
            for folder in (self.folder, self.done, self.failed):
                folder.mkdir(parents=True, exist_ok=True)
            self._are_made = True
        return self._store.sync_state().bootstrapped

    def _settled_names(self) -> Iterator[str]:
        """Return the sales files that nobody writes to any more, by name."""
        now_ms = self._clock.monotonic_ms()
        seen: dict[str, _Seen] = {}
        ready = []
        for name in self._disk.names(self.folder, is_sales_file):
            mark = self._disk.mark(self.folder / name)
            if mark is None:
                continue
            known = self._seen.get(name)
            if known is None or known.mark != mark:
                known = _Seen(mark, now_ms)
            seen[name] = known
            stuck, until_ms = self._stuck.get(name, (None, 0))
            if stuck == mark and now_ms < until_ms:
                continue
            quiet_ms = DOUBT_MS if known.doubtful else SETTLED_MS
            if now_ms - known.since_ms >= quiet_ms:
                ready.append(name)
        self._seen = seen
        self._stuck = {name: stuck for name, stuck in self._stuck.items() if name in seen}
        if self._job is not None and self._job.name in ready:
            ready.remove(self._job.name)
        return iter(ready)

    def _open(self, name: str) -> _Job | None:
        """Read a file; None where it is to be left alone for now."""
        seen, path = self._seen[name], self.folder / name
        try:
            content = self._disk.read(path, FILE_BYTES_MAX + 1)
        except OSError as problem:
            self._store.alert(f"Sales file {shown(name)} cannot be opened: {problem.strerror}.")
            return None
        if len(content) > FILE_BYTES_MAX:
            why = f"the file is larger than {FILE_BYTES_MAX} bytes: split it"
            batch = Batch(failed=(Failed(WHOLE, b"", why),))
        elif len(content) != seen.mark.size:
            return None  # it changed just now: the next look sees it anew
        else:
            batch = read_batch(name, content, zone_of(self._store.store_row()))
        if batch.is_doubtful and self._clock.monotonic_ms() - seen.since_ms < DOUBT_MS:
            seen.doubtful = True
            return None
        digest = blake2b(content, digest_size=4).hexdigest()
        return _Job(name, seen.mark, digest, batch, failed=list(batch.failed))

    # --- what is in them ------------------------------------------------------------------

    def _work(self, job: _Job, most: int) -> int:
        """Journal the next sales of a file; return how many."""
        entries = job.batch.entries[job.done : job.done + most]
        for entry in entries:
            try:
                self._keep(entry)
                job.kept += 1
            except OperationRefused as refusal:
                job.failed.append(Failed(entry.number, entry.raw, str(refusal)))
            job.done += 1
        return len(entries)

    def _keep(self, entry: Entry) -> None:
        told = entry.sale
        units = what_is_sold(self._store, told.transaction, told.coded())
        keep(self._store, told.as_sale(units))

    def _put_away(self, job: _Job) -> None:
        """Put a file away; one that cannot be is told of and passed over: the others go on.

        Its sales are kept. It is read again after a while, and adds nothing then.
        """
        try:
            self._finish(job)
        except OSError as problem:
            self._stuck[job.name] = (job.mark, self._clock.monotonic_ms() + AGAIN_MS)
            self._store.alert(
                f"Sales file {shown(job.name)} was read and cannot be put away:"
                f" {problem.strerror}. Let this program move files in its folder."
            )
        else:
            self._stuck.pop(job.name, None)

    def _finish(self, job: _Job) -> None:
        """Put the file where it belongs, after what was wrong with it is written down."""
        path = self.folder / job.name
        if self._disk.mark(path) != job.mark:
            return  # more was written to it: it is read anew, and what is known is left out
        target = self.done / job.name
        if job.failed:
            kept_aside = self.failed / _named(job.name, job.digest)
            self._disk.write(kept_aside.with_name(kept_aside.name + REASON), _reasons(job))
            if job.kept:
                self._disk.write(kept_aside, _lines(job))
            else:
                target = kept_aside
            name, where = shown(job.name), shown(str(kept_aside))
            self._store.alert(f"{name}: {len(job.failed)} not taken. See {where}.")
        if self._disk.mark(target) is not None:
            target = target.with_name(_named(job.name, job.digest))
        self._disk.move(path, target)
        if self._disk.mark(target) != job.mark:
            self._disk.move(target, path)  # somebody wrote to it while it was moved
        else:
            self._seen.pop(job.name, None)


def failed_files(folder: Path) -> list[str]:
    """Return the names of files that somebody has to correct and drop again."""
    failed = folder / FAILED
    if not failed.is_dir():
        return []
    reasons = [name for name in Disk().names(failed) if name.endswith(REASON)]
    return [name.removesuffix(REASON) for name in reasons]


def problem_of(folder: Path) -> str:
    """Return what keeps sales from being taken out of a folder; empty for nothing."""
    for one in (folder, folder / DONE, folder / FAILED):
        if one.is_dir() and not os.access(one, os.R_OK | os.W_OK | os.X_OK):
            return f"{one} may not be read and written"
    return "" if folder.parent.is_dir() else f"{folder.parent} is not there"


def _named(name: str, digest: str) -> str:
    """Return a name that the same content always gets, and other content never."""
    path = PurePath(name)
    most = NAME_BYTES_MAX - len(os.fsencode(path.suffix))
    stem = os.fsencode(path.stem)[:most].decode("utf-8", errors="ignore")
    return f"{stem or 'sales'}-{digest}{path.suffix}"


def shown(name: str) -> str:
    """Return a name as people can read it: not every name of a file is UTF-8."""
    return name.encode(errors="replace").decode()


def _reasons(job: _Job) -> bytes:
    lines = [f"{shown(job.name)}: {len(job.failed)} not taken. Correct them and drop them again."]
    for one in sorted(job.failed, key=lambda failed: failed.number)[:REASONS_MAX]:
        where = (
            "" if one.number == WHOLE or one.reason.startswith("line") else f"line {one.number}: "
        )
        lines.append(where + one.reason)
    return ("\n".join(lines) + "\n").encode(errors="replace")


def _lines(job: _Job) -> bytes:
    raw = sorted(job.failed, key=lambda failed: failed.number)
    return job.batch.title + b"".join(
        one.raw if one.raw.endswith(b"\n") else one.raw + b"\n" for one in raw
    )
