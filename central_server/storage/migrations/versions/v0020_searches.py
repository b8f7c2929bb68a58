"""What every order that is routed asks for, found without reading all that ever was."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the indexes."""
    op.create_index("ix_fill_rates_category_sku", "fill_rates", ["category", "sku"])
    op.create_index("ix_routing_pauses_until_ms", "routing_pauses", ["until_ms"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_routing_pauses_until_ms", "routing_pauses")
    op.drop_index("ix_fill_rates_category_sku", "fill_rates")
