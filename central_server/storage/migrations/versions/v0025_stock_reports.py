"""When a file told a location's stock, and how far apart such files are."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table: of files that came before nobody knows when."""
    op.create_table(
        "stock_reports",
        sa.Column("location_id", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("gaps", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["location_id"], ["locations.id"], name="fk_stock_reports_location_id_locations"
        ),
        sa.PrimaryKeyConstraint("location_id", name="pk_stock_reports"),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("stock_reports")
