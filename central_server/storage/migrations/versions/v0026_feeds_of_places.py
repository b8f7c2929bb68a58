"""Published availability of single places."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table: nothing of single places was published before."""
    op.create_table(
        "availability_feed_places",
        sa.Column("location_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["location_id"],
            ["locations.id"],
            name="fk_availability_feed_places_location_id_locations",
        ),
        sa.PrimaryKeyConstraint(
            "location_id", "channel", "method", "sku", name="pk_availability_feed_places"
        ),
    )
    op.create_index(
        "ix_availability_feed_places_location_id_channel_method_rev",
        "availability_feed_places",
        ["location_id", "channel", "method", "rev"],
        unique=True,
    )


def downgrade() -> None:
    """Forget it."""
    op.drop_table("availability_feed_places")
