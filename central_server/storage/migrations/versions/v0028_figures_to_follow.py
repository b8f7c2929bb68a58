"""The figures of locations that changed, and that the stock there does not follow yet."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was changed before is followed with the next count, as it was."""
    op.create_table(
        "figures_to_follow",
        sa.Column("location_id", sa.Text(), nullable=False),
        sa.Column("safety_stock", sa.BigInteger(), nullable=False),
        sa.Column("floor_percent", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["location_id"],
            ["locations.id"],
            name=op.f("fk_figures_to_follow_location_id_locations"),
        ),
        sa.PrimaryKeyConstraint("location_id", name=op.f("pk_figures_to_follow")),
    )


def downgrade() -> None:
    """Let the next count follow them."""
    op.drop_table("figures_to_follow")
