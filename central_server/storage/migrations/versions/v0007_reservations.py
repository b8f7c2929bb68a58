"""Reservations: policy of a store, until when they are held, the money ledger, stored value."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_HELD = sa.text("hold_until_ms IS NOT NULL")
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _int(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def upgrade() -> None:
    """Add columns and tables. Nothing is held by then."""
    op.add_column("locations", sa.Column("reserve", sa.Text(), nullable=False, server_default=""))
    op.add_column("fulfillment_orders", sa.Column("hold_until_ms", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_fulfillment_orders_held", "fulfillment_orders", ["hold_until_ms"],
        sqlite_where=_HELD, postgresql_where=_HELD,
    )  # fmt: skip
    op.create_table(
        "money_ledger",
        sa.Column("id", _ROW_ID, primary_key=True, autoincrement=True, nullable=False),
        _text("location_id"), _text("account"), _int("amount_minor"), _text("currency"),
        _text("source"), _text("drawer"), _text("associate"), _int("at_ms"),
    )  # fmt: skip
    op.create_index("ix_money_ledger_location_id_at_ms", "money_ledger", ["location_id", "at_ms"])
    op.create_index("ix_money_ledger_source", "money_ledger", ["source"])
    op.create_table(
        "stored_values",
        sa.Column("account", sa.Text(), primary_key=True, nullable=False),
        _text("means"), _text("currency"), _int("balance_minor"), _int("created_ms"),
        sa.CheckConstraint("means IN ('gift_card', 'store_credit')", name="means"),
    )  # fmt: skip
    op.create_table(
        "stored_value_entries",
        sa.Column("id", _ROW_ID, primary_key=True, autoincrement=True, nullable=False),
        sa.Column("account", sa.Text(), sa.ForeignKey("stored_values.account"), nullable=False),
        _int("amount_minor"), _text("source"), _int("at_ms"),
    )  # fmt: skip
    op.create_index("ix_stored_value_entries_account", "stored_value_entries", ["account"])


def downgrade() -> None:
    """Forget them: money and balances are lost, orders and stock are not."""
    for table in ("stored_value_entries", "stored_values", "money_ledger"):
        op.drop_table(table)
    op.drop_index("ix_fulfillment_orders_held", table_name="fulfillment_orders")
    op.drop_column("fulfillment_orders", "hold_until_ms")
    op.drop_column("locations", "reserve")
