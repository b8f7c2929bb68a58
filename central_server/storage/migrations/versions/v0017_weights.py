"""What a unit of a product weighs."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: of products that are there it is not known."""
    op.add_column("products", sa.Column("weight_grams", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("products", "weight_grams")
