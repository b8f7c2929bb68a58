"""Where an order is paid."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: of orders that are there, reservations say so themselves."""
    op.add_column("orders", sa.Column("payment", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget it: parcels that are to be paid go on so, and come paid where they are moved."""
    op.drop_column("orders", "payment")
