"""Rules of promising with their audit, future receipts, bundles, and the published feed."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _big(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=null, autoincrement=False)


def _text(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _id() -> sa.Column[Any]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", kind, primary_key=True, autoincrement=True, nullable=False)


def upgrade() -> None:
    """Create the tables; add what weeks of supply and unsourced demand are asked by."""
    _rules()
    _supply()
    op.create_table(
        "availability_feed", *_text("channel", "method", "sku"),
        _big("level"), _big("units"), _big("rev"), _big("at_ms"),
        sa.PrimaryKeyConstraint("channel", "method", "sku", name="pk_availability_feed"),
    )  # fmt: skip
    op.create_index(
        "ix_availability_feed_channel_method_rev",
        "availability_feed",
        ["channel", "method", "rev"],
        unique=True,
    )
    demand = sa.Column("weekly_milli", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("stock", demand)
    some = sa.text("unsourced > 0")
    op.create_index(
        "ix_order_lines_unsourced", "order_lines", ["sku"], sqlite_where=some,
        postgresql_where=some,
    )  # fmt: skip


def _rules() -> None:
    op.create_table(
        "promise_rules", _big("version"), *_text("rules", "note", "created_by"),
        _big("created_ms"), *_text("published_by"), _big("published_ms", null=True),
        _big("effective_from_ms", null=True), _big("effective_until_ms", null=True),
        sa.PrimaryKeyConstraint("version", name="pk_promise_rules"),
        sa.CheckConstraint("effective_until_ms >= effective_from_ms",
                           name=op.f("ck_promise_rules_order")),
    )  # fmt: skip
    op.create_index("ix_promise_rules_effective_from_ms", "promise_rules", ["effective_from_ms"])
    op.create_table(
        "promise_rule_audit", _id(), _big("at_ms"), *_text("actor", "action"), _big("version"),
        *_text("note"),
    )  # fmt: skip
    op.create_index("ix_promise_rule_audit_version", "promise_rule_audit", ["version"])
    op.create_table(
        "promise_revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False), _big("revision"),
        sa.PrimaryKeyConstraint("id", name="pk_promise_revision"),
        sa.CheckConstraint("id = 1", name=op.f("ck_promise_revision_one_row")),
    )  # fmt: skip
    op.execute("INSERT INTO promise_revision (id, revision) VALUES (1, 1)")


def _supply() -> None:
    op.create_table(
        "bundles", *_text("sku", "component"), _big("units"),
        sa.PrimaryKeyConstraint("sku", "component", name="pk_bundles"),
        sa.CheckConstraint("units > 0", name=op.f("ck_bundles_units")),
    )  # fmt: skip
    op.create_index("ix_bundles_component", "bundles", ["component"])
    op.create_table(
        "receipts", *_text("id", "location_id", "sku"), _big("units"), _big("due_ms"),
        *_text("reference"), _big("closed_ms", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_receipts"),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"],
                                name="fk_receipts_location_id_locations"),
        sa.CheckConstraint("units > 0", name=op.f("ck_receipts_units")),
    )  # fmt: skip
    still = sa.text("closed_ms IS NULL")
    op.create_index(
        "ix_receipts_open", "receipts", ["sku", "due_ms"], sqlite_where=still,
        postgresql_where=still,
    )  # fmt: skip
    op.create_table(
        "backorders", *_text("order_id"), _big("line"), *_text("receipt_id"), _big("units"),
        _big("promised_by_ms"), _big("closed_ms", null=True),
        sa.PrimaryKeyConstraint("order_id", "line", "receipt_id", name="pk_backorders"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_backorders_order_id_orders"),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.id"],
                                name="fk_backorders_receipt_id_receipts"),
        sa.CheckConstraint("units > 0", name=op.f("ck_backorders_units")),
    )  # fmt: skip
    op.create_index("ix_backorders_receipt_id", "backorders", ["receipt_id"])


def downgrade() -> None:
    """Forget them."""
    op.drop_index("ix_order_lines_unsourced", table_name="order_lines")
    op.drop_column("stock", "weekly_milli")
    for table in (
        "availability_feed", "backorders", "receipts", "bundles", "promise_revision",
        "promise_rule_audit", "promise_rules",
    ):  # fmt: skip
        op.drop_table(table)
