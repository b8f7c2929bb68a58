"""The tables of routing: rules and their audit, capacity that is used, holds, what was learned."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from central_server.storage.promise_tables import METADATA

__all__ = [
    "CAPACITY_CLAIMS", "CAPACITY_USE", "FILL_RATES", "KEPT_UNITS", "METADATA", "ORDER_HOLDS",
    "ROUTING_RULES", "ROUTING_RULE_AUDIT", "UNIT_PRICES",
]  # fmt: skip

_ROW_ID = BigInteger().with_variant(Integer, "sqlite")


def _text(name: str, *, primary_key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=primary_key, nullable=False)


def _int(name: str, *, primary_key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=primary_key, autoincrement=False, nullable=False)


def _maybe(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=True)


def _float(name: str) -> Column[float]:
    return Column(name, Float, nullable=False)


ROUTING_RULES = Table(
    "routing_rules", METADATA,
    _int("version", primary_key=True), _text("rules"), _text("note"), _text("created_by"),
    _int("created_ms"), _text("published_by"), _maybe("published_ms"),
    _maybe("effective_from_ms"), _maybe("effective_until_ms"),
    CheckConstraint("effective_until_ms >= effective_from_ms", name="order"),
    Index(None, "effective_from_ms"),
)  # fmt: skip
"""One row a version; `rules` is JSON and never changes once it is published."""

ROUTING_RULE_AUDIT = Table(
    "routing_rule_audit", METADATA,
    Column("id", _ROW_ID, primary_key=True, autoincrement=True, nullable=False),
    _int("at_ms"), _text("actor"), _text("action"), _int("version"), _text("note"),
    Index(None, "version"),
)  # fmt: skip
"""Append-only: who did what with which version."""

CAPACITY_USE = Table(
    "capacity_use", METADATA,
    Column("location_id", Text, ForeignKey("locations.id"), primary_key=True),
    _int("starts_ms", primary_key=True), _int("units"), _int("orders"), _int("labor_seconds"),
    CheckConstraint("units >= 0 AND orders >= 0 AND labor_seconds >= 0", name="amounts"),
)  # fmt: skip
"""What is taken of each part of a location's day: the sums of the claims."""

CAPACITY_CLAIMS = Table(
    "capacity_claims", METADATA,
    Column("fulfillment_id", Text, primary_key=True, nullable=False),
    Column("location_id", Text, ForeignKey("locations.id"), nullable=False),
    _int("starts_ms"), _int("units"), _int("labor_seconds"),
)  # fmt: skip
"""What a fulfillment order takes; given back when it is given up or cancelled."""

ORDER_HOLDS = Table(
    "order_holds", METADATA,
    Column("order_id", Text, ForeignKey("orders.id"), primary_key=True),
    _text("kind", primary_key=True), _int("opened_ms"), _maybe("until_ms"), _text("text"),
    _text("data"), _maybe("closed_ms"), _text("closed_by"), _text("note"),
    Index("ix_order_holds_open", "until_ms", sqlite_where=text("closed_ms IS NULL"),
          postgresql_where=text("closed_ms IS NULL")),
)  # fmt: skip
"""Why an order is not released yet; several may be open, one of each kind."""

KEPT_UNITS = Table(
    "kept_units", METADATA,
    Column("order_id", Text, ForeignKey("orders.id"), primary_key=True),
    _text("sku", primary_key=True),
    Column("location_id", Text, ForeignKey("locations.id"), primary_key=True),
    _text("channel"), _int("units"), _int("rule_version"), _maybe("until_ms"),
    CheckConstraint("units > 0", name="units"),
    Index(None, "sku"),
)  # fmt: skip
"""Where an order that is held would leave, by the rules of that version until they change."""

FILL_RATES = Table(
    "fill_rates", METADATA,
    _text("location_id", primary_key=True), _text("category", primary_key=True),
    _text("sku", primary_key=True), _float("found"), _float("missed"), _int("at_day"),
    _int("seen_row"),
    Index(None, "category", "sku"),
)  # fmt: skip
"""Units found and missed, faded to a day. Of `location_id` and `sku` empty: all of them."""

UNIT_PRICES = Table(
    "unit_prices", METADATA,
    Column("location_id", Text, ForeignKey("locations.id"), primary_key=True),
    _text("sku", primary_key=True), _float("dual_minor"), _int("at_ms"),
    Index(None, "sku"),
)  # fmt: skip
"""What a unit is worth for online orders to come, by the last run of the program over them."""
