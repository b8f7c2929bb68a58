"""Receives what changed: pages of the feed, or a scope's snapshot when there is nothing yet."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import zstandard

from sync.edge.ports import ReplicaWriter, ScopeCursor
from sync.edge.sqlite import DatabaseError, IntegrityError, UnsafeDatabase, is_of_the_content
from sync.edge.whole_pulls import WholePulls
from sync.protocol import errors
from sync.protocol.endpoint import SyncEndpoint
from sync.protocol.rows import is_store_scope
from sync.protocol.session import ROWS_PER_PULL_MAX, PullHeader, ScopeHead, SnapshotManifest
from sync.protocol.snapshot import has_snapshot

RESETS_MAX = 2
"""Resets of one scope in one round: a difference that survives them is reported, not chased."""
PAGES_MAX = 10_000
CHUNK_BYTES = 1 << 20
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, IntegrityError)
"""What a row leads to that is not what this version expects: JSON, fields, types."""


class LifeOver(errors.Unreachable):
    """Central was restored while it was being read: it has to be greeted anew first."""


@dataclass(frozen=True, slots=True)
class PullReport:
    """What one round of receiving did."""

    rows: int = 0
    snapshots: int = 0
    resets: int = 0


def pull_all(
    endpoint: SyncEndpoint,
    replica: ReplicaWriter,
    heads: tuple[ScopeHead, ...],
    parts_folder: Path,
    rows_max: int = ROWS_PER_PULL_MAX,
    *,
    incarnation: int,
    then: Callable[[], object] = bool,
    pulls: WholePulls | None = None,
) -> PullReport:
    """Bring every scope up to its head; scopes that are not listed any more are forgotten.

    The store's own scope goes first, and what is to be done with it (`then`): the
    work of the day does not wait for a catalogue. `incarnation` is central's, as it
    said hello: a restored central may stand at the same rev with other rows. An
    answer that lists no scope at all says nothing, least of all that a store should
    forget everything. `pulls` keeps what has come of a pull that breaks off, for the next.
    """
    if heads:
        replica.keep_only([head.scope for head in heads])
    fetching = _Fetching(endpoint, pulls or WholePulls(), rows_max)
    ours = [head for head in heads if is_store_scope(head.scope)]
    others = sorted({*heads}.difference(ours), key=lambda head: head.scope)

    def pull(head: ScopeHead) -> PullReport:
        return _pull_scope(fetching, replica, head, parts_folder, incarnation)

    reports = [pull(head) for head in ours]
    then()
    reports += [pull(head) for head in others]
    return PullReport(
        rows=sum(one.rows for one in reports),
        snapshots=sum(one.snapshots for one in reports),
        resets=sum(one.resets for one in reports),
    )


class _Fetching(NamedTuple):
    """Where pages come from, and how large they are."""

    endpoint: SyncEndpoint
    pulls: WholePulls
    rows_max: int


def _pull_scope(
    fetching: _Fetching,
    replica: ReplicaWriter,
    head: ScopeHead,
    parts_folder: Path,
    incarnation: int,
) -> PullReport:
    rows = snapshots = resets = 0
    reason = ""
    for _ in range(PAGES_MAX):
        cursor = ScopeCursor(head.scope) if reason else replica.cursor(head.scope)
        if cursor.rev == 0 and head.rev > 0 and has_snapshot(head.scope) and not snapshots:
            bootstrap(fetching.endpoint, replica, head.scope, parts_folder, reason)
            snapshots += 1
            reason = ""
            continue
        if cursor.rev == head.rev and cursor.incarnation == incarnation:
            break
        page, reason = _next_page(fetching, replica, cursor, reason, incarnation)
        if page is None:
            resets += 1
            if resets > RESETS_MAX:
                raise errors.FrameUnreadable(f"{head.scope} stays different from central")
            continue
        rows += page.count
        if not page.more:
            break
    return PullReport(rows, snapshots, resets)


def _next_page(
    fetching: _Fetching,
    replica: ReplicaWriter,
    cursor: ScopeCursor,
    reset_for: str,
    incarnation: int,
) -> tuple[PullHeader | None, str]:
    """Fetch and take in one page; (None, why) where the scope must be read from the start.

    What a store has is forgotten only when its replacement has arrived
    (`reset_for`): the network may go at any moment, and the work goes on.
    """
    try:
        page = fetching.pulls.fetch(fetching.endpoint, cursor, fetching.rows_max)
    except errors.CursorExpired:
        return None, "the cursor expired"
    if is_store_scope(cursor.scope) and page.header.incarnation != incarnation:
        raise LifeOver("central was restored a moment ago")
    if reset_for:
        replica.reset(cursor.scope, reset_for)
    try:
        same = replica.apply_page(page)
    except UNREADABLE as problem:
        raise errors.FrameUnreadable(f"a row of {cursor.scope} cannot be read") from problem
    if not same:
        return None, "the checksum differed from central's"
    return page.header, ""


def bootstrap(
    endpoint: SyncEndpoint,
    replica: ReplicaWriter,
    scope: str,
    parts_folder: Path,
    reset_for: str = "",
) -> None:
    """Fetch a scope's snapshot part by part, verify it and install it.

    Parts are kept as they come, so that a broken download goes on where it was;
    those of an older snapshot are thrown away. A disk that is full or busy, which the
    caller hears of, costs no second download.
    """
    manifest = endpoint.manifest(scope)
    folder = parts_folder / folder_name(scope) / manifest.sha256
    folder.mkdir(parents=True, exist_ok=True)
    for older in folder.parent.iterdir():
        if older != folder:
            shutil.rmtree(older)
    for number, expected in enumerate(manifest.part_sha256):
        part = folder / f"part-{number}"
        if not part.exists() or _sha256(part) != expected:
            _fetch(endpoint, manifest, number, part)
    unpacked = folder / "snapshot.db"
    try:
        _unpack(folder, manifest, unpacked)
        if reset_for:
            replica.reset(scope, reset_for)
        replica.install(manifest, unpacked)
    except (zstandard.ZstdError, UnsafeDatabase, DatabaseError) as problem:
        if not is_of_the_content(problem):
            raise
        shutil.rmtree(folder)
        raise errors.Unreachable(f"the snapshot of {scope} cannot be used: {problem}") from problem
    finally:
        unpacked.unlink(missing_ok=True)
    shutil.rmtree(folder)


def folder_name(scope: str) -> str:
    """Return the name of the folder for a scope's parts: one folder, whatever a zone is called."""
    return quote(scope.replace(":", "-"), safe="")


def _fetch(endpoint: SyncEndpoint, manifest: SnapshotManifest, number: int, part: Path) -> None:
    content = endpoint.snapshot_part(manifest, number)
    if hashlib.sha256(content).hexdigest() != manifest.part_sha256[number]:
        raise errors.Unreachable(f"part {number} of {manifest.scope} arrived damaged")
    partial = part.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(part)


def _unpack(folder: Path, manifest: SnapshotManifest, target: Path) -> None:
    """Join and decompress the parts; raise where the whole is not what was announced."""
    whole = hashlib.sha256()
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    with target.open("wb") as output:
        for number in range(len(manifest.part_sha256)):
            with (folder / f"part-{number}").open("rb") as part:
                while chunk := part.read(CHUNK_BYTES):
                    whole.update(chunk)
                    output.write(decompressor.decompress(chunk))
    if whole.hexdigest() != manifest.sha256:
        raise UnsafeDatabase("it arrived damaged")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
