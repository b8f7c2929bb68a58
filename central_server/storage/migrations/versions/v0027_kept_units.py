"""Where the units of orders that are held would leave; and the claims that are open, by index."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of orders that are held already the network keeps the units, as before."""
    op.create_table(
        "kept_units",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("location_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("rule_version", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("units > 0", name=op.f("ck_kept_units_units")),
        sa.ForeignKeyConstraint(
            ["location_id"], ["locations.id"], name=op.f("fk_kept_units_location_id_locations")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_kept_units_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("order_id", "sku", "location_id", name=op.f("pk_kept_units")),
    )
    op.create_index("ix_kept_units_sku", "kept_units", ["sku"])
    still = sa.text("closed_ms IS NULL")
    op.create_index(
        "ix_backorders_open", "backorders", ["receipt_id", "units"], sqlite_where=still,
        postgresql_where=still,
    )  # fmt: skip


def downgrade() -> None:
    """Let the network keep them."""
    op.drop_index("ix_backorders_open", "backorders")
    op.drop_index("ix_kept_units_sku", "kept_units")
    op.drop_table("kept_units")
