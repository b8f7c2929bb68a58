"""The tables of a catalogue or price snapshot: the same at central and in a replica.

Central builds them once per revision, search index included, and a store copies
them in as they are; so bootstrapping 100,000 SKUs costs a copy, not an import.
"""

from sync.protocol.rows import CATALOGUE_SCOPE, PRICES_PREFIX

CATALOGUE_TABLES: tuple[str, ...] = (
    """CREATE TABLE products (
        id INTEGER PRIMARY KEY, sku TEXT NOT NULL UNIQUE, name TEXT NOT NULL, brand TEXT NOT NULL,
        category TEXT NOT NULL, gtins TEXT NOT NULL, rev INTEGER NOT NULL) STRICT""",
    """CREATE TABLE barcodes (
        gtin TEXT NOT NULL, sku TEXT NOT NULL, PRIMARY KEY (gtin, sku)) STRICT, WITHOUT ROWID""",
    """CREATE VIRTUAL TABLE products_fts USING fts5(
        sku, name, brand, category, gtins, content='products', content_rowid='id',
        tokenize='unicode61 remove_diacritics 2', prefix='2 3')""",
)
PRICE_TABLES: tuple[str, ...] = (
    """CREATE TABLE prices (
        zone TEXT NOT NULL, sku TEXT NOT NULL, amount_minor INTEGER NOT NULL,
        currency TEXT NOT NULL, version INTEGER NOT NULL, rev INTEGER NOT NULL,
        PRIMARY KEY (zone, sku)) STRICT, WITHOUT ROWID""",
)
FTS_SHADOW_TABLES: tuple[str, ...] = ("data", "idx", "docsize", "config")
"""Suffixes of the tables behind `products_fts` (FTS5 with external content)."""


def has_snapshot(scope: str) -> bool:
    """Return whether a scope is bootstrapped from a file; the others are simply pulled."""
    return scope == CATALOGUE_SCOPE or scope.startswith(PRICES_PREFIX)


def tables_for(scope: str) -> tuple[str, ...]:
    """Return the DDL of the snapshot of `scope`."""
    return CATALOGUE_TABLES if scope == CATALOGUE_SCOPE else PRICE_TABLES
