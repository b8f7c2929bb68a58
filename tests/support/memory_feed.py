"""Feeds in memory: central's rows in dictionaries, as they travel, and as snapshots."""

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import sqlcipher3.dbapi2 as sqlite
from pydantic import TypeAdapter

from sync.hub.ports import Row, ScopeState, StoredRow
from sync.protocol.rows import PriceRow, ProductRow
from sync.protocol.snapshot import tables_for
from tests.support.scratch import scratch_folder


class MemoryFeed:
    """`FeedStore` over dictionaries."""

    def __init__(self) -> None:
        self.life = 1
        self.scopes: dict[str, ScopeState] = {}
        self.rows: dict[str, dict[tuple[str, str], StoredRow]] = {}

    def incarnation(self) -> int:
        return self.life

    def scope(self, scope: str) -> ScopeState:
        return self.scopes.get(scope, ScopeState(0, 0, 0, 0))

    def take_revs(
        self, keys: Mapping[str, Collection[Row]]
    ) -> tuple[dict[str, int], dict[tuple[str, Row], int]]:
        alive = {}
        for scope, some in keys.items():
            state = self.scope(scope)
            self.scopes[scope] = replace(state, rev=state.rev + len(some))
            rows = self.rows.get(scope, {})
            alive.update(
                {
                    (scope, key): rows[key].rev
                    for key in some
                    if key in rows and rows[key].body is not None
                }
            )
        return {scope: self.scopes[scope].rev for scope in keys}, alive

    def write(
        self, rows: Mapping[str, Sequence[StoredRow]], changes: Mapping[str, tuple[int, int]]
    ) -> None:
        for scope, some in rows.items():
            self.rows.setdefault(scope, {}).update({(row.entity, row.key): row for row in some})
        for scope, (checksum_xor, rows_delta) in changes.items():
            state = self.scopes[scope]
            self.scopes[scope] = replace(
                state,
                checksum=state.checksum ^ checksum_xor,
                rows_live=state.rows_live + rows_delta,
            )

    def rows_after(self, scope: str, after: int, limit: int) -> Sequence[StoredRow]:
        rows = sorted(self.rows.get(scope, {}).values(), key=lambda row: row.rev)
        return [row for row in rows if row.rev > after][:limit]


def row_line(row: StoredRow) -> bytes:
    """Return a feed row as it travels."""
    if row.body is None:
        return f'{{"e":"{row.entity}","k":"{row.key}","r":{row.rev},"d":true}}'.encode()
    return f'{{"e":"{row.entity}","k":"{row.key}","r":{row.rev},"b":{row.body}}}'.encode()


def build_snapshot(feed: MemoryFeed, scope: str) -> bytes:
    """Return the bytes of a snapshot file of the catalogue or of one price zone."""
    product_adapter: TypeAdapter[ProductRow] = TypeAdapter(ProductRow)
    price_adapter: TypeAdapter[PriceRow] = TypeAdapter(PriceRow)
    with tempfile.TemporaryDirectory(dir=scratch_folder()) as folder:
        path = Path(folder) / "snapshot.db"
        connection = sqlite.connect(str(path), isolation_level=None)
        connection.execute("BEGIN")
        for statement in tables_for(scope):
            connection.execute(statement)
        if scope == "catalogue":
            number = 0
            for row in feed.rows_after(scope, 0, 10**9):
                if row.body is None:
                    continue
                product = product_adapter.validate_json(row.body)
                number += 1
                connection.execute(
                    "INSERT INTO products VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (number, product.sku, product.name, product.brand, product.category,
                     " ".join(product.gtins), row.rev),
                )  # fmt: skip
                connection.executemany(
                    "INSERT INTO barcodes VALUES (?, ?)",
                    [(gtin, product.sku) for gtin in product.gtins],
                )
            connection.execute("INSERT INTO products_fts (products_fts) VALUES ('rebuild')")
        else:
            zone = scope.removeprefix("prices:")
            for row in feed.rows_after(scope, 0, 10**9):
                if row.body is not None:
                    price = price_adapter.validate_json(row.body)
                    connection.execute(
                        "INSERT INTO prices VALUES (?, ?, ?, ?, ?, ?)",
                        (zone, price.sku, price.amount_minor, price.currency, price.version,
                         row.rev),
                    )  # fmt: skip
        connection.execute("COMMIT")
        connection.close()
        return path.read_bytes()
