"""When carriers travel, and for how long; of which kit an order's line is a part."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns: nothing is known of the carriers and lines that are there."""
    op.add_column(
        "shipping_carriers", sa.Column("days", sa.Text(), nullable=False, server_default="")
    )
    op.add_column("order_lines", sa.Column("kit", sa.Text(), nullable=False, server_default=""))
    op.add_column(
        "order_lines", sa.Column("kit_units", sa.BigInteger(), nullable=False, server_default="0")
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_column("order_lines", "kit_units")
    op.drop_column("order_lines", "kit")
    op.drop_column("shipping_carriers", "days")
