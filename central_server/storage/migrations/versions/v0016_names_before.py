"""Under which name a device's machine worked before it."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: of devices that are there it is not known."""
    op.add_column("replicas", sa.Column("follows", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("replicas", "follows")
