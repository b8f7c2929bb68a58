"""Takes products and prices into the replica in bulk, search index included."""

from collections.abc import Sequence

from store_client.replica.database import chunks, placeholders
from sync.edge.sqlite import Connection
from sync.protocol.rows import PRICES_PREFIX
from sync.protocol.snapshot import FTS_SHADOW_TABLES

Row = tuple[str, int, dict[str, object] | None]
"""(key, rev, body), body None for a tombstone."""


def apply_products(connection: Connection, rows: Sequence[Row]) -> dict[str, int]:
    """Insert, replace or remove products; return the revs that were replaced, by SKU."""
    before = _existing(connection, [key for key, _, _ in rows])
    for sku, old in before.items():
        connection.execute(
            "INSERT INTO products_fts (products_fts, rowid, sku, name, brand, category, gtins)"
            " VALUES ('delete', ?, ?, ?, ?, ?, ?)",
            (old[0], sku, *old[2:]),
        )
    gone = list(before)
    for part in chunks(gone):
        connection.execute(f"DELETE FROM barcodes WHERE sku IN ({placeholders(part)})", part)
        connection.execute(f"DELETE FROM products WHERE sku IN ({placeholders(part)})", part)
    _insert(connection, rows, {sku: old[0] for sku, old in before.items()})
    return {sku: old[1] for sku, old in before.items()}


def _existing(
    connection: Connection, skus: Sequence[str]
) -> dict[str, tuple[int, int, str, str, str, str]]:
    found: dict[str, tuple[int, int, str, str, str, str]] = {}
    for part in chunks(skus):
        for sku, *rest in connection.execute(
            "SELECT sku, id, rev, name, brand, category, gtins FROM products"
            f" WHERE sku IN ({placeholders(part)})",
            part,
        ):
            found[sku] = tuple(rest)
    return found


def _insert(connection: Connection, rows: Sequence[Row], ids: dict[str, int]) -> None:
    next_id = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM products").fetchone()[0]
    products = []
    barcodes = []
    for sku, rev, body in rows:
        if body is None:
            continue
        number = ids.get(sku)
        if number is None:
            number, next_id = next_id, next_id + 1
        gtins = body.get("gtins") or ()
        barcodes += [(gtin, sku) for gtin in gtins]  # type: ignore[attr-defined]
        products.append((number, sku, body["name"], body.get("brand", ""),
                         body.get("category", ""), " ".join(gtins), rev))  # type: ignore[arg-type]  # fmt: skip
    connection.executemany("INSERT INTO products VALUES (?, ?, ?, ?, ?, ?, ?)", products)
    connection.executemany("INSERT OR IGNORE INTO barcodes VALUES (?, ?)", barcodes)
    connection.executemany(
        "INSERT INTO products_fts (rowid, sku, name, brand, category, gtins)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [product[:6] for product in products],
    )


def apply_prices(connection: Connection, zone: str, rows: Sequence[Row]) -> dict[str, int]:
    """Insert, replace or remove prices of one zone; return the revs that were replaced."""
    before: dict[str, int] = {}
    for part in chunks([key for key, _, _ in rows]):
        before.update(
            connection.execute(
                f"SELECT sku, rev FROM prices WHERE zone = ? AND sku IN ({placeholders(part)})",
                (zone, *part),
            ).fetchall()
        )
    connection.executemany(
        "DELETE FROM prices WHERE zone = ? AND sku = ?",
        [(zone, key) for key, _, body in rows if body is None],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO prices (zone, sku, amount_minor, currency, version, rev)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (zone, key, body["amount_minor"], body["currency"], body.get("version", 1), rev)
            for key, rev, body in rows
            if body is not None
        ],
    )
    return before


def clear_products(connection: Connection) -> None:
    """Forget the catalogue."""
    connection.execute("DELETE FROM products")
    connection.execute("DELETE FROM barcodes")
    connection.execute("INSERT INTO products_fts (products_fts) VALUES ('delete-all')")


def copy_snapshot(connection: Connection, scope: str) -> None:
    """Copy the attached snapshot in, in place of what there is. The index comes ready-made."""
    if scope.startswith(PRICES_PREFIX):
        zone = scope.removeprefix(PRICES_PREFIX)
        connection.execute("DELETE FROM prices WHERE zone = ?", (zone,))
        connection.execute(
            "INSERT INTO prices (zone, sku, amount_minor, currency, version, rev)"
            " SELECT zone, sku, amount_minor, currency, version, rev FROM snapshot.prices"
        )
        return
    connection.execute("DELETE FROM products")
    connection.execute("DELETE FROM barcodes")
    connection.execute("INSERT INTO products SELECT * FROM snapshot.products")
    connection.execute("INSERT INTO barcodes SELECT * FROM snapshot.barcodes")
    for suffix in FTS_SHADOW_TABLES:
        connection.execute(f"DELETE FROM products_fts_{suffix}")
        connection.execute(
            f"INSERT INTO products_fts_{suffix} SELECT * FROM snapshot.products_fts_{suffix}"
        )
