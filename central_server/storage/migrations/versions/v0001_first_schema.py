"""The first schema: orders, stock, devices, operations, feed.

Written out in full and never changed: later revisions alter what it made.
"""

# fmt: off
# ruff: noqa: E501 - the names of constraints are written out

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=nullable)


def flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def blob(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def row_id() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", kind, autoincrement=True, nullable=False)


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        text("id"), text("prefix"), text("hash"), text("scopes"), text("name"),
        number("created_ms"), number("revoked_ms", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_keys_prefix")),
    )


def _customers() -> None:
    op.create_table(
        "customers",
        text("id"), text("name"), text("email"), text("phone"),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True), text("postal_code"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
    )
    op.create_index(op.f("ix_customers_email"), "customers", ["email"])


def _escrow_counters() -> None:
    op.create_table(
        "escrow_counters",
        text("location_id"), text("sku"), number("generation"), number("granted"), number("sold"),
        number("over"),
        sa.PrimaryKeyConstraint("location_id", "sku", name=op.f("pk_escrow_counters")),
    )


def _exceptions() -> None:
    op.create_table(
        "exceptions",
        text("id"), text("kind"), text("owner"), number("due_ms"), text("order_id"),
        text("fulfillment_id"), text("location_id"), text("detail"), number("opened_ms"),
        number("closed_ms", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exceptions")),
    )
    op.create_index(op.f("ix_exceptions_fulfillment_id"), "exceptions", ["fulfillment_id"])
    op.create_index("ix_exceptions_open", "exceptions", ["owner", "due_ms"],
        sqlite_where=sa.text("closed_ms IS NULL"),
        postgresql_where=sa.text("closed_ms IS NULL"))
    op.create_index(op.f("ix_exceptions_order_id"), "exceptions", ["order_id"])


def _feed_rows() -> None:
    op.create_table(
        "feed_rows",
        text("scope"), text("entity"), text("key"), number("rev"), text("body", nullable=True),
        sa.PrimaryKeyConstraint("scope", "entity", "key", name=op.f("pk_feed_rows")),
    )
    op.create_index(op.f("ix_feed_rows_scope_rev"), "feed_rows", ["scope", "rev"], unique=True)


def _feed_scopes() -> None:
    op.create_table(
        "feed_scopes",
        text("scope"), number("rev"), number("floor_rev"), number("checksum"),
        number("rows_live"),
        sa.CheckConstraint("floor_rev <= rev AND rows_live >= 0", name=op.f("ck_feed_scopes_counters")),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_feed_scopes")),
    )


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        text("principal"), text("key"), text("body_hash"), number("status"), text("response"),
        number("created_ms"),
        sa.PrimaryKeyConstraint("principal", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_ms"), "idempotency_keys", ["created_ms"])


def _import_jobs() -> None:
    op.create_table(
        "import_jobs",
        text("id"), text("source_hash"), text("kind"), number("offset"), number("ok"),
        number("bad"), flag("done"), sa.PrimaryKeyConstraint("id", name=op.f("pk_import_jobs")),
        sa.UniqueConstraint("kind", "source_hash", name=op.f("uq_import_jobs_kind_source_hash")),
    )


def _locations() -> None:
    op.create_table(
        "locations",
        text("id"), text("name"), text("kind"), sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False), text("timezone"), text("region"),
        text("price_zone"), text("address_line"), text("city"), text("state"),
        text("postal_code"), text("country"), flag("pickup_enabled"), text("spots"),
        text("hours"), text("closures"), number("hold_days"), number("floor_percent"),
        number("safety_stock"),
        sa.CheckConstraint("kind IN ('store', 'dc')", name=op.f("ck_locations_kind")),
        sa.CheckConstraint("floor_percent BETWEEN 0 AND 100", name=op.f("ck_locations_floor_percent")),
        sa.CheckConstraint("hold_days >= 0", name=op.f("ck_locations_hold_days")),
        sa.CheckConstraint("safety_stock >= 0", name=op.f("ck_locations_safety_stock")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_locations")),
    )
    op.create_index(op.f("ix_locations_price_zone"), "locations", ["price_zone"])


def _meta() -> None:
    op.create_table(
        "meta",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False), text("server_id"),
        number("incarnation"), text("secret"),
        sa.CheckConstraint("id = 1", name=op.f("ck_meta_one_row")),
        sa.CheckConstraint("incarnation >= 1", name=op.f("ck_meta_incarnation")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meta")),
    )


def _op_log() -> None:
    op.create_table(
        "op_log",
        text("replica_id"), number("epoch"), number("seq"), blob("line"), blob("hash"),
        text("kind"), text("aggregate"), text("by_associate"), number("at_ms"),
        number("received_ms"), text("status"), text("verdict", nullable=True),
        sa.CheckConstraint("status IN ('accepted', 'amended', 'refused', 'quarantined')", name=op.f("ck_op_log_status")),
        sa.PrimaryKeyConstraint("replica_id", "epoch", "seq", name=op.f("pk_op_log")),
    )
    op.create_index(op.f("ix_op_log_aggregate"), "op_log", ["aggregate"])
    op.create_index("ix_op_log_notable", "op_log", ["replica_id", "epoch", "seq"],
        sqlite_where=sa.text("verdict IS NOT NULL"),
        postgresql_where=sa.text("verdict IS NOT NULL"))
    op.create_index("ix_op_log_quarantined", "op_log", ["replica_id", "aggregate"],
        sqlite_where=sa.text("status = 'quarantined'"),
        postgresql_where=sa.text("status = 'quarantined'"))


def _orders() -> None:
    op.create_table(
        "orders",
        text("id"), text("number"), text("channel"), text("external_id"), text("customer_id"),
        text("customer_name"), text("customer_email"), text("customer_phone"),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True), text("proxy_name"),
        text("pickup_location_id"), text("pickup_code"), text("currency"), number("total_minor"),
        number("placed_at_ms"), text("status"),
        sa.CheckConstraint("total_minor >= 0", name=op.f("ck_orders_total_minor")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
    )
    op.create_index(op.f("ix_orders_customer_email_placed_at_ms"), "orders", ["customer_email", "placed_at_ms"])
    op.create_index(op.f("ix_orders_pickup_location_id_placed_at_ms"), "orders", ["pickup_location_id", "placed_at_ms"])
    op.create_index(op.f("ix_orders_placed_at_ms_id"), "orders", ["placed_at_ms", "id"])
    op.create_index(op.f("ix_orders_status_placed_at_ms"), "orders", ["status", "placed_at_ms"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        text("id"), text("kind"), text("key"), text("payload"), number("created_ms"),
        number("attempts"), number("not_before_ms"), text("last_error"),
        number("done_ms", nullable=True), sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    op.create_index("ix_outbox_waiting", "outbox", ["not_before_ms"],
        sqlite_where=sa.text("done_ms IS NULL"),
        postgresql_where=sa.text("done_ms IS NULL"))


def _prices() -> None:
    op.create_table(
        "prices",
        text("zone"), text("sku"), number("amount_minor"), text("currency"), number("version"),
        number("effective_from_ms"),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_prices_amount_minor")),
        sa.PrimaryKeyConstraint("zone", "sku", name=op.f("pk_prices")),
    )


def _products() -> None:
    op.create_table(
        "products",
        text("sku"), text("name"), text("brand"), text("category"),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_products")),
    )


def _routing_traces() -> None:
    op.create_table(
        "routing_traces",
        row_id(), text("order_id"), number("at_ms"), text("trace"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_traces")),
    )
    op.create_index(op.f("ix_routing_traces_order_id_at_ms"), "routing_traces", ["order_id", "at_ms"])


def _stock_ledger() -> None:
    op.create_table(
        "stock_ledger",
        row_id(), text("location_id"), text("sku"), number("on_hand"), number("allocated"),
        text("reason"), text("source"), number("at_ms"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_ledger")),
    )
    op.create_index(op.f("ix_stock_ledger_location_id_sku"), "stock_ledger", ["location_id", "sku"])
    op.create_index(op.f("ix_stock_ledger_source"), "stock_ledger", ["source"])


def _associates() -> None:
    op.create_table(
        "associates",
        text("id"), text("location_id"), text("name"), text("role"), text("pin_hash"),
        flag("active"),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_associates_location_id_locations")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_associates")),
    )
    op.create_index(op.f("ix_associates_location_id"), "associates", ["location_id"])


def _enrolment_codes() -> None:
    op.create_table(
        "enrolment_codes",
        text("hash"), text("location_id"), number("expires_at_ms"),
        number("used_at_ms", nullable=True),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_enrolment_codes_location_id_locations")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_enrolment_codes")),
    )


def _fulfillment_orders() -> None:
    op.create_table(
        "fulfillment_orders",
        text("id"), text("order_id"), text("location_id"), text("flow"), text("status"),
        flag("is_open"), number("promised_by_ms"), text("body"), number("revision"),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_fulfillment_orders_revision")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_fulfillment_orders_location_id_locations")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_fulfillment_orders_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fulfillment_orders")),
    )
    op.create_index(op.f("ix_fulfillment_orders_location_id_is_open_promised_by_ms"), "fulfillment_orders", ["location_id", "is_open", "promised_by_ms"])
    op.create_index(op.f("ix_fulfillment_orders_order_id"), "fulfillment_orders", ["order_id"])


def _order_events() -> None:
    op.create_table(
        "order_events",
        row_id(), text("order_id"), number("at_ms"), text("kind"), text("text"), text("actor"),
        text("data"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_events_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_events")),
    )
    op.create_index(op.f("ix_order_events_order_id_at_ms"), "order_events", ["order_id", "at_ms"])


def _order_lines() -> None:
    op.create_table(
        "order_lines",
        text("order_id"), number("line"), text("sku"), text("name"), number("quantity"),
        number("unit_price_minor"), number("unsourced"), number("dropped"),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_lines_quantity")),
        sa.CheckConstraint("unit_price_minor >= 0", name=op.f("ck_order_lines_unit_price_minor")),
        sa.CheckConstraint("unsourced >= 0 AND dropped >= 0 AND unsourced + dropped <= quantity", name=op.f("ck_order_lines_unsourced")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id_orders")),
        sa.PrimaryKeyConstraint("order_id", "line", name=op.f("pk_order_lines")),
    )
    op.create_index(op.f("ix_order_lines_sku_order_id"), "order_lines", ["sku", "order_id"])


def _product_barcodes() -> None:
    op.create_table(
        "product_barcodes",
        text("gtin14"), text("sku"),
        sa.ForeignKeyConstraint(["sku"], ["products.sku"], name=op.f("fk_product_barcodes_sku_products"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("gtin14", "sku", name=op.f("pk_product_barcodes")),
    )
    op.create_index(op.f("ix_product_barcodes_sku"), "product_barcodes", ["sku"])


def _replicas() -> None:
    op.create_table(
        "replicas",
        text("replica_id"), text("location_id"), number("epoch"), number("last_seq"),
        blob("last_hash"), text("install_nonce"), flag("enabled"), text("public_key"),
        text("app_version"), number("enrolled_at_ms"), number("last_contact_ms", nullable=True),
        number("backlog"), number("clock_offset_ms"),
        sa.CheckConstraint("epoch >= 1 AND last_seq >= 0", name=op.f("ck_replicas_position")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_replicas_location_id_locations")),
        sa.PrimaryKeyConstraint("replica_id", name=op.f("pk_replicas")),
    )
    op.create_index(op.f("ix_replicas_location_id"), "replicas", ["location_id"])


def _stock() -> None:
    op.create_table(
        "stock",
        text("location_id"), text("sku"), number("on_hand"), number("allocated"), number("floor"),
        number("safety_stock"), text("aisle"),
        sa.CheckConstraint("allocated >= 0", name=op.f("ck_stock_allocated")),
        sa.CheckConstraint("floor >= 0", name=op.f("ck_stock_floor")),
        sa.CheckConstraint("safety_stock >= 0", name=op.f("ck_stock_safety_stock")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_stock_location_id_locations")),
        sa.PrimaryKeyConstraint("location_id", "sku", name=op.f("pk_stock")),
    )
    op.create_index(op.f("ix_stock_sku"), "stock", ["sku"])


def upgrade() -> None:
    """Make every table, those that others refer to first."""
    _api_keys()
    _customers()
    _escrow_counters()
    _exceptions()
    _feed_rows()
    _feed_scopes()
    _idempotency_keys()
    _import_jobs()
    _locations()
    _meta()
    _op_log()
    _orders()
    _outbox()
    _prices()
    _products()
    _routing_traces()
    _stock_ledger()
    _associates()
    _enrolment_codes()
    _fulfillment_orders()
    _order_events()
    _order_lines()
    _product_barcodes()
    _replicas()
    _stock()


def downgrade() -> None:
    """Drop every table."""
    for name in (
        "stock", "replicas", "product_barcodes", "order_lines", "order_events",
        "fulfillment_orders", "enrolment_codes", "associates", "stock_ledger", "routing_traces",
        "products", "prices", "outbox", "orders", "op_log", "meta", "locations", "import_jobs",
        "idempotency_keys", "feed_scopes", "feed_rows", "exceptions", "escrow_counters",
        "customers", "api_keys",
    ):
        op.drop_table(name)
