"""Escrow: rights per position, leases and contact gaps per location, promises to be confirmed."""

# fmt: off
# ruff: noqa: E501 - the names of constraints are written out

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UNCONFIRMED = sa.text("confirm_by_ms IS NOT NULL")


def number(name: str, *, nullable: bool = False, default: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=nullable, server_default=default)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")


def _stock() -> None:
    with op.batch_alter_table("stock") as table:
        for name in ("generation", "granted", "promised", "returned", "op_epoch", "op_seq"):
            table.add_column(number(name, default="0"))
        table.add_column(text("op_replica"))
        table.create_check_constraint(
            op.f("ck_stock_rights"), "promised >= 0 AND returned >= 0 AND promised + returned <= granted"
        )


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("location_id", sa.Text(), nullable=False),
        number("generation"), number("token_ms"), number("until_ms"), number("confirm_by_ms"),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_leases_location_id_locations")),
        sa.PrimaryKeyConstraint("location_id", name=op.f("pk_leases")),
    )
    op.create_table(
        "escrow_policies",
        sa.Column("location_id", sa.Text(), nullable=False), number("effective_from_ms"),
        sa.Column("escrow", sa.Text(), nullable=False), number("service_percent"),
        sa.CheckConstraint("service_percent BETWEEN 50 AND 99", name=op.f("ck_escrow_policies_service_percent")),
        sa.PrimaryKeyConstraint("location_id", "effective_from_ms", name=op.f("pk_escrow_policies")),
    )
    op.create_table(
        "contact_gaps",
        sa.Column("location_id", sa.Text(), nullable=False), number("from_ms"), number("to_ms"),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_contact_gaps_location_id_locations")),
        sa.PrimaryKeyConstraint("location_id", "from_ms", name=op.f("pk_contact_gaps")),
    )


def upgrade() -> None:
    """Add what escrow needs; a location shares by a fixed floor until its policy says otherwise."""
    op.add_column("locations", text("escrow"))
    _stock()
    _leases()
    op.add_column("fulfillment_orders", number("confirm_by_ms", nullable=True))
    op.create_index(
        "ix_fulfillment_orders_unconfirmed", "fulfillment_orders", ["confirm_by_ms"],
        sqlite_where=_UNCONFIRMED, postgresql_where=_UNCONFIRMED,
    )
    op.drop_table("escrow_counters")


def downgrade() -> None:
    """Go back to a fixed floor; rights and leases are lost, stock and promises are not."""
    op.create_table(
        "escrow_counters",
        sa.Column("location_id", sa.Text(), nullable=False), sa.Column("sku", sa.Text(), nullable=False),
        number("generation"), number("granted"), number("sold"), number("over"),
        sa.PrimaryKeyConstraint("location_id", "sku", name=op.f("pk_escrow_counters")),
    )
    op.drop_index("ix_fulfillment_orders_unconfirmed", "fulfillment_orders")
    op.drop_column("fulfillment_orders", "confirm_by_ms")
    op.drop_table("contact_gaps")
    op.drop_table("escrow_policies")
    op.drop_table("leases")
    with op.batch_alter_table("stock") as table:
        table.drop_constraint(op.f("ck_stock_rights"), type_="check")
        for name in ("generation", "granted", "promised", "returned", "op_epoch", "op_seq", "op_replica"):
            table.drop_column(name)
    op.drop_column("locations", "escrow")
