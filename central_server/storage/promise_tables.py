"""The tables of promising: rules and their audit, future receipts, bundles, the published feed."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from central_server.storage.tables import METADATA

__all__ = [
    "AVAILABILITY_FEED", "AVAILABILITY_FEED_PLACES", "BACKORDERS", "BUNDLES", "METADATA",
    "PROMISE_REVISION", "PROMISE_RULES", "PROMISE_RULE_AUDIT", "RECEIPTS",
]  # fmt: skip

_ROW_ID = BigInteger().with_variant(Integer, "sqlite")


def _text(name: str, *, primary_key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=primary_key, nullable=False)


def _int(name: str, *, primary_key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=primary_key, autoincrement=False, nullable=False)


def _maybe(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=True)


PROMISE_RULES = Table(
    "promise_rules", METADATA,
    _int("version", primary_key=True), _text("rules"), _text("note"), _text("created_by"),
    _int("created_ms"), _text("published_by"), _maybe("published_ms"),
    _maybe("effective_from_ms"), _maybe("effective_until_ms"),
    CheckConstraint("effective_until_ms >= effective_from_ms", name="order"),
    Index(None, "effective_from_ms"),
)  # fmt: skip
"""One row a version; `rules` is JSON and never changes once it is published."""

PROMISE_RULE_AUDIT = Table(
    "promise_rule_audit", METADATA,
    Column("id", _ROW_ID, primary_key=True, autoincrement=True, nullable=False),
    _int("at_ms"), _text("actor"), _text("action"), _int("version"), _text("note"),
    Index(None, "version"),
)  # fmt: skip
"""Append-only: who did what with which version."""

PROMISE_REVISION = Table(
    "promise_revision", METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _int("revision"),
    CheckConstraint("id = 1", name="one_row"),
)  # fmt: skip
"""Rises with what promises depend on and no feed of a store tells: rules, bundles, demand."""

BUNDLES = Table(
    "bundles", METADATA,
    _text("sku", primary_key=True), _text("component", primary_key=True), _int("units"),
    CheckConstraint("units > 0", name="units"),
    Index(None, "component"),
)  # fmt: skip
"""A SKU that is sold as one and kept as its components."""

RECEIPTS = Table(
    "receipts", METADATA,
    _text("id", primary_key=True),
    Column("location_id", Text, ForeignKey("locations.id"), nullable=False),
    _text("sku"), _int("units"), _int("due_ms"), _text("reference"), _maybe("closed_ms"),
    _maybe("received"),
    CheckConstraint("units > 0", name="units"),
    Index("ix_receipts_open", "sku", "due_ms", sqlite_where=text("closed_ms IS NULL"),
          postgresql_where=text("closed_ms IS NULL")),
)  # fmt: skip
"""What will come; `closed_ms` is set once it came or will not come."""

BACKORDERS = Table(
    "backorders", METADATA,
    Column("order_id", Text, ForeignKey("orders.id"), primary_key=True),
    _int("line", primary_key=True),
    Column("receipt_id", Text, ForeignKey("receipts.id"), primary_key=True),
    _int("units"), _int("promised_by_ms"), _maybe("closed_ms"), _maybe("due_ms"),
    CheckConstraint("units > 0", name="units"),
    Index(None, "receipt_id"),
    Index("ix_backorders_open", "receipt_id", "units", sqlite_where=text("closed_ms IS NULL"),
          postgresql_where=text("closed_ms IS NULL")),
)  # fmt: skip
"""Which units of an order wait for which receipt; `closed_ms` is set once they do not any more.

`due_ms` is the moment on which its promise counts: of the receipt as it was due then, or later.
"""

AVAILABILITY_FEED = Table(
    "availability_feed", METADATA,
    _text("channel", primary_key=True), _text("method", primary_key=True),
    _text("sku", primary_key=True), _int("level"), _int("units"), _int("rev"), _int("at_ms"),
    Index(None, "channel", "method", "rev", unique=True),
)  # fmt: skip
"""What was published last: one row a SKU and channel, in the order of `rev`."""

AVAILABILITY_FEED_PLACES = Table(
    "availability_feed_places", METADATA,
    Column("location_id", Text, ForeignKey("locations.id"), primary_key=True),
    _text("channel", primary_key=True), _text("method", primary_key=True),
    _text("sku", primary_key=True), _int("level"), _int("units"), _int("rev"), _int("at_ms"),
    Index(None, "location_id", "channel", "method", "rev", unique=True),
)  # fmt: skip
"""The same of single places, of those that are published by themselves."""
