"""Rules of routing with their audit, and the capacity that orders take of locations."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"
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
    """Create the tables; orders may say which tier their customer is of."""
    op.create_table(
        "routing_rules", _big("version"), *_text("rules", "note", "created_by"),
        _big("created_ms"), *_text("published_by"), _big("published_ms", null=True),
        _big("effective_from_ms", null=True), _big("effective_until_ms", null=True),
        sa.PrimaryKeyConstraint("version", name="pk_routing_rules"),
        sa.CheckConstraint("effective_until_ms >= effective_from_ms",
                           name=op.f("ck_routing_rules_order")),
    )  # fmt: skip
    op.create_index("ix_routing_rules_effective_from_ms", "routing_rules", ["effective_from_ms"])
    op.create_table(
        "routing_rule_audit", _id(), _big("at_ms"), *_text("actor", "action"), _big("version"),
        *_text("note"),
    )  # fmt: skip
    op.create_index("ix_routing_rule_audit_version", "routing_rule_audit", ["version"])
    op.create_table(
        "capacity_use", *_text("location_id"), _big("starts_ms"), _big("units"), _big("orders"),
        _big("labor_seconds"),
        sa.PrimaryKeyConstraint("location_id", "starts_ms", name="pk_capacity_use"),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"],
                                name="fk_capacity_use_location_id_locations"),
        sa.CheckConstraint("units >= 0 AND orders >= 0 AND labor_seconds >= 0",
                           name=op.f("ck_capacity_use_amounts")),
    )  # fmt: skip
    op.create_table(
        "capacity_claims", *_text("fulfillment_id", "location_id"), _big("starts_ms"),
        _big("units"), _big("labor_seconds"),
        sa.PrimaryKeyConstraint("fulfillment_id", name="pk_capacity_claims"),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"],
                                name="fk_capacity_claims_location_id_locations"),
    )  # fmt: skip
    tier = sa.Column("customer_tier", sa.Text(), nullable=False, server_default="")
    op.add_column("orders", tier)


def downgrade() -> None:
    """Forget them."""
    op.drop_column("orders", "customer_tier")
    for table in ("capacity_claims", "capacity_use", "routing_rule_audit", "routing_rules"):
        op.drop_table(table)
