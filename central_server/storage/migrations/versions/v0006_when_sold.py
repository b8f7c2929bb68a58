"""When a movement of stock happened, where that is not when central heard of it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what is there happened when central heard of it, for all that is known."""
    op.add_column("stock_ledger", sa.Column("happened_ms", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("stock_ledger", "happened_ms")
