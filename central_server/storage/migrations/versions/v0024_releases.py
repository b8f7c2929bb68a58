"""From when on a product may be sold."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: products that are there may be sold."""
    op.add_column("products", sa.Column("release_ms", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_products_release",
        "products",
        ["release_ms"],
        sqlite_where=sa.text("release_ms IS NOT NULL"),
        postgresql_where=sa.text("release_ms IS NOT NULL"),
    )


def downgrade() -> None:
    """Forget it."""
    op.drop_index("ix_products_release", "products")
    op.drop_column("products", "release_ms")
