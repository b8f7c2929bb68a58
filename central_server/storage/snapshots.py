"""Snapshots of a scope: one SQLite file, search index included, compressed, in parts.

Built from the feed's rows at one read snapshot and kept in a folder by
(incarnation, scope, rev). A store pulls from the snapshot's rev on afterwards,
so one that is a little old is as good as new, and costs nothing.
"""

import hashlib
import json
import shutil
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlcipher3.dbapi2 as driver
import zstandard

from central_server.storage.database import Database
from sync.disk import flush
from sync.hub.ports import ScopeState, StoredRow
from sync.protocol.rows import CATALOGUE_SCOPE, PRICES_PREFIX
from sync.protocol.session import SnapshotManifest
from sync.protocol.snapshot import has_snapshot, tables_for

PART_BYTES = 4 * 1024 * 1024
ROWS_BEHIND_MAX = 2_000
"""A snapshot is served until the scope has moved on by more than this."""
KEPT = 2
"""How many snapshots of a scope are kept: a store may be in the middle of the older one."""
ROWS_PER_READ = 10_000
LEVEL = 6
_BUILDING = "building-"


class NoSnapshot(Exception):
    """The scope is simply pulled, or the snapshot asked for is gone."""


class Snapshots:
    """Builds and serves snapshots. Thread-safe; two builds of one scope do not run at once."""

    def __init__(
        self, database: Database, folder: Path, *, rows_behind_max: int = ROWS_BEHIND_MAX
    ) -> None:
        self._database = database
        self._folder = folder
        self._rows_behind_max = rows_behind_max
        self._lock = threading.Lock()

    def manifest(self, scope: str) -> SnapshotManifest:
        """Return the manifest of a usable snapshot of `scope`; build one where there is none."""
        if not has_snapshot(scope):
            raise NoSnapshot(f"scope {scope!r} has no snapshot: pull it")
        with self._lock:
            with self._database.read() as view:
                incarnation, state = view.feed.incarnation(), view.feed.scope(scope)
            newest = self._newest(scope, incarnation)
            if newest is not None and self._is_usable(newest, state):
                return newest
            return self._build(scope)

    def kept(self, scope: str, sha256: str) -> SnapshotManifest | None:
        """Return the manifest of the snapshot with this hash; None where it can't be used."""
        with self._database.read() as view:
            incarnation, state = view.feed.incarnation(), view.feed.scope(scope)
        for one in self._all(scope):
            if one.sha256 == sha256 and one.incarnation == incarnation and _is_known(one, state):
                return one
        return None

    def part(self, manifest: SnapshotManifest, part: int) -> bytes:
        """Return one part of the file that `manifest` describes."""
        return self.part_of(manifest.scope, manifest.incarnation, manifest.rev, part)

    def part_of(self, scope: str, incarnation: int, rev: int, part: int) -> bytes:
        """Return one part of a snapshot's file, or raise `NoSnapshot` if it is gone."""
        path = self._place(scope, incarnation, rev) / "snapshot.zst"
        if part < 0 or not path.is_file():
            raise NoSnapshot(f"there is no snapshot of {scope!r} at {rev}")
        with path.open("rb") as file:
            file.seek(part * PART_BYTES)
            content = file.read(PART_BYTES)
        if not content:
            raise NoSnapshot(f"the snapshot of {scope!r} has no part {part}")
        return content

    def _is_usable(self, manifest: SnapshotManifest, state: ScopeState) -> bool:
        return _is_known(manifest, state) and state.rev - manifest.rev <= self._rows_behind_max

    def _newest(self, scope: str, incarnation: int) -> SnapshotManifest | None:
        found = [one for one in self._all(scope) if one.incarnation == incarnation]
        return max(found, key=lambda one: one.rev, default=None)

    def _all(self, scope: str) -> list[SnapshotManifest]:
        """Return what is there and whole: a file that a failing disk cut short is built anew."""
        places = self._scope_folder(scope).glob("*")
        found = (_manifest_in(one) for one in places if not one.name.startswith(_BUILDING))
        return [manifest for manifest in found if manifest is not None]

    def _scope_folder(self, scope: str) -> Path:
        return self._folder / quote(scope, safe="").replace(".", "%2E")

    def _place(self, scope: str, incarnation: int, rev: int) -> Path:
        return self._scope_folder(scope) / f"{incarnation}-{rev}"

    def _build(self, scope: str) -> SnapshotManifest:
        home = self._scope_folder(scope)
        home.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=home))
        try:
            incarnation, state = self._write_file(scope, work / "snapshot.db")
            manifest = _compress(work, scope, incarnation, state)
            (work / "manifest.json").write_text(manifest.model_dump_json())
            for path in (work / "snapshot.zst", work / "manifest.json", work):
                flush(path)  # a power cut may not leave the name without what it names
            place = self._place(scope, incarnation, state.rev)
            if place.exists() and _manifest_in(place) is None:
                shutil.rmtree(place)
            try:
                work.rename(place)
            except OSError:
                # Another worker built the same one meanwhile: its file is the one that is served.
                manifest = self._newest(scope, incarnation) or manifest
        finally:
            shutil.rmtree(work, ignore_errors=True)
        self._drop_old(scope, manifest)
        return manifest

    def _write_file(self, scope: str, path: Path) -> tuple[int, ScopeState]:
        """Write the rows of `scope` at one read snapshot; return the state that they are."""
        connection = driver.connect(str(path), isolation_level=None)
        try:
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "page_size = 4096"):
                connection.execute(f"PRAGMA {pragma}").fetchall()
            connection.execute("BEGIN")
            for statement in tables_for(scope):
                connection.execute(statement)
            with self._database.read() as view:
                incarnation, state = view.feed.incarnation(), view.feed.scope(scope)
                after = 0
                while rows := view.feed.rows_after(scope, after, ROWS_PER_READ):
                    _insert(connection, scope, rows)
                    after = rows[-1].rev
            if scope == CATALOGUE_SCOPE:
                connection.execute("INSERT INTO products_fts (products_fts) VALUES ('rebuild')")
                connection.execute("INSERT INTO products_fts (products_fts) VALUES ('optimize')")
            connection.execute("COMMIT")
        finally:
            connection.close()
        return incarnation, state

    def _drop_old(self, scope: str, newest: SnapshotManifest) -> None:
        lived = [one for one in self._all(scope) if one.incarnation == newest.incarnation]
        kept = sorted(lived, key=lambda one: one.rev)[-KEPT:]
        names = {f"{one.incarnation}-{one.rev}" for one in kept}
        for place in self._scope_folder(scope).iterdir():
            if place.name not in names and not place.name.startswith(_BUILDING):
                shutil.rmtree(place, ignore_errors=True)


def _is_known(manifest: SnapshotManifest, state: ScopeState) -> bool:
    """Return whether a store that has this snapshot can pull from there on."""
    return state.floor_rev <= manifest.rev <= state.rev


def _manifest_in(place: Path) -> SnapshotManifest | None:
    """Return the manifest of the snapshot in a folder; None where it is not whole."""
    try:
        manifest = SnapshotManifest.model_validate_json((place / "manifest.json").read_bytes())
        size = (place / "snapshot.zst").stat().st_size
    except (OSError, ValueError):
        return None
    return manifest if size == manifest.bytes_compressed else None


def _insert(connection: Any, scope: str, rows: Iterable[StoredRow]) -> None:
    living = [(row.rev, json.loads(row.body)) for row in rows if row.body is not None]
    if scope != CATALOGUE_SCOPE:
        zone = scope.removeprefix(PRICES_PREFIX)
        connection.executemany(
            "INSERT INTO prices VALUES (?, ?, ?, ?, ?, ?)",
            [
                (zone, b["sku"], b["amount_minor"], b["currency"], b.get("version", 1), rev)
                for rev, b in living
            ],
        )
        return
    connection.executemany(
        "INSERT INTO products (sku, name, brand, category, gtins, rev) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                b["sku"], b["name"], b.get("brand", ""), b.get("category", ""),
                " ".join(b.get("gtins", ())), rev,
            )
            for rev, b in living
        ],
    )  # fmt: skip
    connection.executemany(
        "INSERT OR IGNORE INTO barcodes VALUES (?, ?)",
        [(gtin, b["sku"]) for _, b in living for gtin in b.get("gtins", ())],
    )


def _compress(work: Path, scope: str, incarnation: int, state: ScopeState) -> SnapshotManifest:
    plain, packed = work / "snapshot.db", work / "snapshot.zst"
    with plain.open("rb") as source, packed.open("wb") as target:
        zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).copy_stream(
            source, target, size=plain.stat().st_size
        )
    plain.unlink()
    whole = hashlib.sha256()
    parts = []
    with packed.open("rb") as file:
        while content := file.read(PART_BYTES):
            whole.update(content)
            parts.append(hashlib.sha256(content).hexdigest())
    return SnapshotManifest(
        incarnation=incarnation,
        scope=scope,
        rev=state.rev,
        checksum=state.checksum,
        rows_live=state.rows_live,
        bytes_compressed=packed.stat().st_size,
        sha256=whole.hexdigest(),
        part_bytes=PART_BYTES,
        part_sha256=tuple(parts),
    )
