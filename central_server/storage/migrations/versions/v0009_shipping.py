"""Parcels: where orders go, which carriers come where, their rates, and pauses of routing."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def _text(name: str, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=default)


def _int(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False)


def upgrade() -> None:
    """Add the columns and the tables."""
    op.add_column("locations", _text("carriers", "[]"))
    op.add_column("orders", _text("ship_to", ""))
    op.add_column("orders", _text("ship_method", ""))
    op.create_table(
        "shipping_carriers",
        _text("id"), _text("name"), _text("number_prefix"), _int("next_number"),
        sa.PrimaryKeyConstraint("id", name="pk_shipping_carriers"),
        sa.CheckConstraint("next_number >= 1", name="ck_shipping_carriers_next_number"),
    )  # fmt: skip
    op.create_table(
        "shipping_rates",
        _text("carrier"), _text("service"), _int("weight_grams_max"),
        _int("amount_minor"), _text("currency"), _int("days"),
        sa.ForeignKeyConstraint(
            ["carrier"], ["shipping_carriers.id"],
            name="fk_shipping_rates_carrier_shipping_carriers",
        ),
        sa.PrimaryKeyConstraint(
            "carrier", "service", "weight_grams_max", name="pk_shipping_rates"
        ),
        sa.CheckConstraint(
            "amount_minor >= 0 AND weight_grams_max > 0", name="ck_shipping_rates_amounts"
        ),
    )  # fmt: skip
    op.create_table(
        "routing_pauses",
        _text("location_id"), _text("order_id"), _text("sku"), _int("until_ms"), _text("reason"),
        sa.ForeignKeyConstraint(
            ["location_id"], ["locations.id"], name="fk_routing_pauses_location_id_locations"
        ),
        sa.PrimaryKeyConstraint("location_id", "order_id", "sku", name="pk_routing_pauses"),
    )  # fmt: skip


def downgrade() -> None:
    """Drop them."""
    op.drop_table("routing_pauses")
    op.drop_table("shipping_rates")
    op.drop_table("shipping_carriers")
    op.drop_column("orders", "ship_method")
    op.drop_column("orders", "ship_to")
    op.drop_column("locations", "carriers")
