"""When carriers travel, and for how long."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: nothing is known of the carriers that are there."""
    op.add_column(
        "shipping_carriers", sa.Column("days", sa.Text(), nullable=False, server_default="")
    )


def downgrade() -> None:
    """Forget it."""
    op.drop_column("shipping_carriers", "days")
