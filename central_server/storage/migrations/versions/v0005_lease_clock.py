"""How late it was when central last looked: a clock that is set back ends every lease."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    seen = sa.Column("clock_ms", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    op.add_column("meta", seen)


def downgrade() -> None:
    """Drop it."""
    op.drop_column("meta", "clock_ms")
