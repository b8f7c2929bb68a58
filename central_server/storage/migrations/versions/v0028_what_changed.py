"""On which due date an order that waits counts; figures of locations that stock is to follow."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Who waits counts on the dates that are known now; figures are as they were told."""
    op.add_column("backorders", sa.Column("due_ms", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE backorders SET due_ms ="
        " (SELECT receipts.due_ms FROM receipts WHERE receipts.id = backorders.receipt_id)"
    )
    op.create_table(
        "figures_to_follow",
        sa.Column("location_id", sa.Text(), nullable=False),
        sa.Column("safety_stock", sa.BigInteger(), nullable=False),
        sa.Column("floor_percent", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["location_id"],
            ["locations.id"],
            name=op.f("fk_figures_to_follow_location_id_locations"),
        ),
        sa.PrimaryKeyConstraint(
            "location_id", "safety_stock", "floor_percent", name=op.f("pk_figures_to_follow")
        ),
    )


def downgrade() -> None:
    """Let the next count follow the figures."""
    op.drop_table("figures_to_follow")
    op.drop_column("backorders", "due_ms")
