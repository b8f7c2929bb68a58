"""What sizing goes by: when a movement of stock happened, and what a silent store needs.

And up to where a store has its rows, by which the feed knows what it may forget.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. What is there happened when central heard of it, for all that is known."""
    op.add_column("stock_ledger", sa.Column("happened_ms", sa.BigInteger(), nullable=True))
    silence = sa.Column("silence", sa.Text(), nullable=False, server_default="")
    op.add_column("stock", silence)
    op.add_column("replicas", sa.Column("followed_rev", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("replicas", "followed_rev")
    op.drop_column("stock", "silence")
    op.drop_column("stock_ledger", "happened_ms")
