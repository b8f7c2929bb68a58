"""Of which style a product is a size."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: products that are there belong to no style."""
    op.add_column("products", sa.Column("style", sa.Text(), nullable=True))
    op.create_index("ix_products_style", "products", ["style"])


def downgrade() -> None:
    """Forget it."""
    op.drop_index("ix_products_style", "products")
    op.drop_column("products", "style")
