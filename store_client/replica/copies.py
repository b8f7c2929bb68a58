"""Copies of a store's journal: made while it works, put back while nothing does.

Only journal.db is copied: what central said comes back from central. A copy is
under the key of the store's files, which is not copied. The mark beside the
journal stays where it is when a copy is put back, because it tells that the
journal is older than the store's work.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from store_client.replica.locks import InUse, alone
from store_client.replica.store import Files, Store
from sync.clock import Clock
from sync.edge.journal import Journal
from sync.edge.recovery import begin_epoch
from sync.edge.sqlite import NoRoom, UnsafeDatabase, copy_database

NAME = "journal.db"
BESIDE = ("", "-wal", "-shm")

__all__ = ["BadCopy", "Copied", "InUse", "NotOlder", "back_up", "restore"]


class BadCopy(Exception):
    """There is no whole copy of a journal there, or it is under another key."""


class NotOlder(Exception):
    """The journal in place is whole and has everything that the copy has."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds."""

    path: Path
    replica_id: str
    epoch: int
    seq: int
    """Of the newest operation in it."""


def back_up(store: Store, key: str, folder: Path) -> Copied:
    """Write a copy of the journal into `folder`; it appears only when it is whole."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = folder / NAME
    if folder.samefile(store.files.folder) or _are_one(target, store.files.journal):
        # Terminals and the daemon would go on in a file that has no name any more.
        raise BadCopy(f"{target} is the journal itself: name another folder for its copy")
    partial = folder / f"{NAME}.partial"
    with _made(partial):
        with store.journal.reading():
            copy_database(store.journal.connection, partial, key)
        copied = look_at(partial, key)
        partial.replace(target)
    return Copied(target, copied.replica_id, copied.epoch, copied.seq)


@contextmanager
def _made(path: Path) -> Iterator[None]:
    """Leave nothing under a name that a copy has only while it is made."""
    path.unlink(missing_ok=True)
    try:
        yield
    finally:
        for suffix in (*BESIDE, "-journal"):
            with suppress(OSError):
                _beside(path, suffix).unlink(missing_ok=True)


def look_at(path: Path, key: str) -> Copied:
    """Return what a copy holds, after reckoning its chain anew; raise `BadCopy`."""
    if not path.is_file():
        raise BadCopy(f"there is no copy of a journal at {path}")
    try:
        journal = Journal(path, key)
    except UnsafeDatabase as problem:
        raise BadCopy(f"{path} cannot be used: {problem}") from problem
    try:
        if problem_text := journal.broken():
            raise BadCopy(f"{path} cannot be used: {problem_text}")
        identity, head = journal.identity, journal.head()
        return Copied(path, identity.replica_id, identity.epoch, head.seq)
    except LookupError as problem:
        raise BadCopy(f"{path} is of a store that was never enrolled") from problem
    finally:
        journal.close()
        for suffix in (*BESIDE[1:], ".mark"):
            (path.with_suffix(suffix) if suffix == ".mark" else _beside(path, suffix)).unlink(
                missing_ok=True
            )


def restore(
    files: Files,
    clock: Clock,
    key: str,
    folder: Path,
    *,
    force: bool = False,
    evidence_folder: Path | None = None,
) -> Copied:
    """Put a copy in the journal's place. The store goes on in a new epoch.

    What was there is kept in a folder beside it. Raises `InUse` while a terminal
    or a daemon works, `NotOlder` where the journal in place is whole and not
    behind the copy, and `BadCopy`.
    """
    with alone(files.in_use_lock):
        incoming = files.folder / "restoring.db"
        source = folder / NAME
        if not source.is_file():
            raise BadCopy(f"there is no copy of a journal at {source}")
        with _made(incoming):
            shutil.copyfile(source, incoming)
            copied = look_at(incoming, key)
            if not force:
                _refuse_if_older(files, key, copied)
            _put_aside(files, clock)
            incoming.replace(files.journal)
    store = Store(files, clock, key=key, boot_id="restore", evidence_folder=evidence_folder)
    try:
        newest = store.journal.lives.newest
        if newest.epoch == copied.epoch:  # a mark or the other disk has begun one behind it else
            # Also behind one that the copy has not begun: central may have begun it since.
            begin_epoch(store.journal, newest.epoch, store.journal.head().seq, clock.now_ms())
            store.journal.write_mark()
    finally:
        store.close()
    return Copied(files.journal, copied.replica_id, copied.epoch, copied.seq)


def _refuse_if_older(files: Files, key: str, copied: Copied) -> None:
    """Raise `NotOlder` unless the journal in place is missing, broken, or behind the copy."""
    if not files.journal.exists():
        return
    try:
        present = Journal(files.journal, key)
    except NoRoom:
        raise  # it may be whole, and newer
    except UnsafeDatabase:
        return
    try:
        identity, head = present.identity, present.head()
        is_newer = (identity.epoch, head.seq) >= (copied.epoch, copied.seq)
        names = {life.replica_id for life in present.lives}  # epochs go on from name to name
        if is_newer and copied.replica_id in names and not present.broken():
            raise NotOlder(
                f"the journal here is whole and has operation {head.seq};"
                f" the copy ends at {copied.seq}: restoring it would only lose work"
            )
    except LookupError:
        return
    finally:
        present.close()


def _put_aside(files: Files, clock: Clock) -> None:
    kept = files.folder / f"before-restore-{clock.now_ms()}"
    for suffix in BESIDE:
        file = _beside(files.journal, suffix)
        if file.exists():
            kept.mkdir(exist_ok=True, mode=0o700)
            file.replace(kept / file.name)


def _are_one(one: Path, other: Path) -> bool:
    return one.exists() and one.samefile(other)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
