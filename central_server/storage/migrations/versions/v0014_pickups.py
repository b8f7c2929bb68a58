"""Pickups: policy of a store, how they are handed over, and until when they wait."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_WAITS = sa.text("pickup_by_ms IS NOT NULL")


def upgrade() -> None:
    """Add columns. Goods that wait already are reminded of after their next operation."""
    op.add_column("locations", sa.Column("pickup", sa.Text(), nullable=False, server_default=""))
    op.add_column("fulfillment_orders", sa.Column("pickup_by_ms", sa.BigInteger(), nullable=True))
    op.add_column("orders", sa.Column("handover", sa.Text(), nullable=False, server_default=""))
    op.create_index(
        "ix_fulfillment_orders_pickup_by", "fulfillment_orders", ["pickup_by_ms"],
        sqlite_where=_WAITS, postgresql_where=_WAITS,
    )  # fmt: skip


def downgrade() -> None:
    """Forget them: orders keep their pickup-by dates."""
    op.drop_index("ix_fulfillment_orders_pickup_by", table_name="fulfillment_orders")
    op.drop_column("orders", "handover")
    op.drop_column("fulfillment_orders", "pickup_by_ms")
    op.drop_column("locations", "pickup")
