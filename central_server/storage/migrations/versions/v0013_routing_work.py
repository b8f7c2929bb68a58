"""Why orders are not released yet, how often units are found, and what units are worth."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def _big(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=null, autoincrement=False)


def _text(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _float(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Float(), nullable=False)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "order_holds", *_text("order_id", "kind"), _big("opened_ms"), _big("until_ms", null=True),
        *_text("text", "data"), _big("closed_ms", null=True), *_text("closed_by", "note"),
        sa.PrimaryKeyConstraint("order_id", "kind", name="pk_order_holds"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"],
                                name="fk_order_holds_order_id_orders"),
    )  # fmt: skip
    still = sa.text("closed_ms IS NULL")
    op.create_index(
        "ix_order_holds_open", "order_holds", ["until_ms"], sqlite_where=still,
        postgresql_where=still,
    )  # fmt: skip
    accept_by = sa.Column("accept_by_ms", sa.BigInteger(), nullable=True)
    op.add_column("fulfillment_orders", accept_by)
    some = sa.text("accept_by_ms IS NOT NULL")
    op.create_index(
        "ix_fulfillment_orders_idle", "fulfillment_orders", ["accept_by_ms"], sqlite_where=some,
        postgresql_where=some,
    )  # fmt: skip
    op.create_table(
        "fill_rates", *_text("location_id", "category", "sku"), _float("found"), _float("missed"),
        _big("at_day"), _big("seen_row"),
        sa.PrimaryKeyConstraint("location_id", "category", "sku", name="pk_fill_rates"),
    )  # fmt: skip
    op.create_table(
        "unit_prices", *_text("location_id", "sku"), _float("dual_minor"), _big("at_ms"),
        sa.PrimaryKeyConstraint("location_id", "sku", name="pk_unit_prices"),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"],
                                name="fk_unit_prices_location_id_locations"),
    )  # fmt: skip
    op.create_index("ix_unit_prices_sku", "unit_prices", ["sku"])


def downgrade() -> None:
    """Forget them."""
    op.drop_index("ix_fulfillment_orders_idle", table_name="fulfillment_orders")
    op.drop_column("fulfillment_orders", "accept_by_ms")
    for table in ("unit_prices", "fill_rates", "order_holds"):
        op.drop_table(table)
