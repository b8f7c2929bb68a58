"""Snapshots: verified files that a store can copy in, kept until they are too old."""

import hashlib
from pathlib import Path

import pytest
import sqlcipher3.dbapi2 as driver
import zstandard

from central_server.storage import snapshots as module
from central_server.storage.snapshots import NoSnapshot, Snapshots
from sync.hub.feed import FeedWriter
from sync.protocol.rows import (
    CATALOGUE_SCOPE,
    Entity,
    PriceRow,
    ProductRow,
    prices_scope,
    row_digest,
)


def _publish(database, *skus: str, gone: tuple[str, ...] = ()) -> None:
    def command(unit):
        feed = FeedWriter(unit.feed)
        for sku in skus:
            product = ProductRow(sku, f"Café {sku}", "Brand", "Mugs", (f"{int(sku):014d}",))
            feed.put(CATALOGUE_SCOPE, Entity.PRODUCT, sku, product)
            feed.put(prices_scope("Z"), Entity.PRICE, sku, PriceRow(sku, 199, "USD", 3))
        for sku in gone:
            feed.remove(CATALOGUE_SCOPE, Entity.PRODUCT, sku)
        feed.flush()

    database.write(command)


def _fetch(snapshots: Snapshots, scope: str, to: Path):
    manifest = snapshots.manifest(scope)
    parts = [snapshots.part(manifest, n) for n in range(len(manifest.part_sha256))]
    assert tuple(hashlib.sha256(part).hexdigest() for part in parts) == manifest.part_sha256
    packed = b"".join(parts)
    assert len(packed) == manifest.bytes_compressed
    assert hashlib.sha256(packed).hexdigest() == manifest.sha256
    to.write_bytes(zstandard.ZstdDecompressor().decompress(packed))
    connection = driver.connect(str(to))
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return manifest, connection


def test_a_catalogue_snapshot_is_searchable_and_adds_up(database, tmp_path):
    """The file holds the living rows with their search index; the manifest their checksum."""
    _publish(database, "1", "2", "3", gone=("2",))
    manifest, file = _fetch(Snapshots(database, tmp_path / "s"), CATALOGUE_SCOPE, tmp_path / "f")
    rows = file.execute("SELECT sku, name, gtins, rev FROM products ORDER BY sku").fetchall()
    assert [row[0] for row in rows] == ["1", "3"]
    assert rows[0][1:3] == ("Café 1", "00000000000001")
    assert file.execute("SELECT count(*) FROM barcodes").fetchone() == (2,)
    found = file.execute(
        "SELECT p.sku FROM products_fts f JOIN products p ON p.id = f.rowid"
        " WHERE products_fts MATCH 'cafe AND 3'"
    )
    assert found.fetchall() == [("3",)]
    checksum = row_digest("product", "1", rows[0][3]) ^ row_digest("product", "3", rows[1][3])
    assert (manifest.rows_live, manifest.checksum, manifest.rev) == (2, checksum, 3)
    file.close()


def test_a_price_snapshot_holds_its_zone(database, tmp_path):
    """Prices travel with zone, currency and version."""
    _publish(database, "1")
    manifest, file = _fetch(Snapshots(database, tmp_path / "s"), prices_scope("Z"), tmp_path / "f")
    assert file.execute("SELECT * FROM prices").fetchall() == [
        ("Z", "1", 199, "USD", 3, manifest.rev)
    ]
    file.close()


def test_a_snapshot_is_served_until_it_is_too_old(database, tmp_path):
    """A snapshot that is a little behind is as good as new; one that is not is built again."""
    _publish(database, "1")
    snapshots = Snapshots(database, tmp_path / "s", rows_behind_max=2)
    first = snapshots.manifest(CATALOGUE_SCOPE)
    _publish(database, "2", "3")
    assert snapshots.manifest(CATALOGUE_SCOPE) == first
    _publish(database, "4")
    second = snapshots.manifest(CATALOGUE_SCOPE)
    assert (first.rev, second.rev) == (1, 4)
    assert snapshots.part(first, 0)
    _publish(database, "5", "6", "7")
    snapshots.manifest(CATALOGUE_SCOPE)
    with pytest.raises(NoSnapshot):
        snapshots.part(first, 0)
    assert Snapshots(database, tmp_path / "s").manifest(CATALOGUE_SCOPE).rev == 7


@pytest.mark.parametrize("left", [b"", b"{"])
@pytest.mark.parametrize("name", ["manifest.json", "snapshot.zst"])
def test_what_a_power_cut_left_half_written_is_built_anew(sqlite_database, tmp_path, name, left):
    """A file that is not whole is neither served nor in the way; whoever asks gets a whole one."""
    _publish(sqlite_database, "1")
    first = Snapshots(sqlite_database, tmp_path / "s").manifest(CATALOGUE_SCOPE)
    (damaged,) = (tmp_path / "s").rglob(name)
    damaged.write_bytes(left)
    snapshots = Snapshots(sqlite_database, tmp_path / "s")
    again, file = _fetch(snapshots, CATALOGUE_SCOPE, tmp_path / "f")
    assert (again.rev, file.execute("SELECT sku FROM products").fetchall()) == (1, [("1",)])
    assert again.rev == first.rev
    file.close()


def test_a_snapshot_has_its_name_once_it_is_on_the_disk(sqlite_database, tmp_path, monkeypatch):
    """A power cut may not leave a name without what it names: files first, then their folder."""
    flushed: list[str] = []

    def flush(path: Path) -> None:
        assert path.exists()
        flushed.append("folder" if path.is_dir() else path.name)
        assert not list((tmp_path / "s").glob("*/1-*"))

    monkeypatch.setattr(module, "flush", flush)
    _publish(sqlite_database, "1")
    Snapshots(sqlite_database, tmp_path / "s").manifest(CATALOGUE_SCOPE)
    assert flushed == ["snapshot.zst", "manifest.json", "folder"]


def test_a_new_life_of_central_builds_new_snapshots(database, tmp_path):
    """After a restore no snapshot of the former life is served."""
    _publish(database, "1")
    snapshots = Snapshots(database, tmp_path / "s")
    assert snapshots.manifest(CATALOGUE_SCOPE).incarnation == 1
    database.write(lambda unit: unit.meta.begin_new_life())
    assert snapshots.manifest(CATALOGUE_SCOPE).incarnation == 2


def test_large_snapshots_come_in_parts(sqlite_database, tmp_path, monkeypatch):
    """A file larger than a part is cut; each part is verified by itself."""
    monkeypatch.setattr(module, "PART_BYTES", 512)
    _publish(sqlite_database, *(str(n) for n in range(200)))
    snapshots = Snapshots(sqlite_database, tmp_path / "s")
    manifest, file = _fetch(snapshots, CATALOGUE_SCOPE, tmp_path / "f")
    file.close()
    assert len(manifest.part_sha256) > 3
    for part in (-1, len(manifest.part_sha256)):
        with pytest.raises(NoSnapshot):
            snapshots.part(manifest, part)


def test_a_store_scope_has_no_snapshot(database, tmp_path):
    """What belongs to one store is simply pulled; a scope's name leads nowhere on the disk."""
    snapshots = Snapshots(database, tmp_path / "s")
    with pytest.raises(NoSnapshot):
        snapshots.manifest("store:L1")
    assert snapshots.manifest("prices:../../x").rows_live == 0
    assert not (tmp_path / "x").exists()


def test_the_empty_catalogue_has_a_snapshot(database, tmp_path):
    """A network without products still bootstraps."""
    manifest, file = _fetch(Snapshots(database, tmp_path / "s"), CATALOGUE_SCOPE, tmp_path / "f")
    assert (manifest.rev, manifest.rows_live) == (0, 0)
    file.close()
