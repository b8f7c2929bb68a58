"""By which day an order must be there."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of those that were placed before, nobody said it."""
    op.add_column("orders", sa.Column("need_by", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("orders", "need_by")
