"""How many units of a receipt came, as whoever closed it said."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of those that are closed nobody said it."""
    op.add_column("receipts", sa.Column("received", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("receipts", "received")
