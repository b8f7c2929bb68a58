"""The tables of central. Times are BIGINT milliseconds UTC, ids text, documents JSON as text."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ROW_ID = BigInteger().with_variant(Integer, "sqlite")
"""A growing number: SQLite knows only INTEGER as such."""


def _text(name: str, *, primary_key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=primary_key, nullable=False)


def _int(name: str, *, primary_key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=primary_key, autoincrement=False, nullable=False)


def _zero(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


def _maybe(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=True)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _row_id() -> Column[int]:
    return Column("id", _ROW_ID, primary_key=True, autoincrement=True, nullable=False)


META = Table(
    "meta", METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _text("server_id"), _int("incarnation"), _text("secret"), _zero("clock_ms"),
    CheckConstraint("id = 1", name="one_row"),
    CheckConstraint("incarnation >= 1", name="incarnation"),
)  # fmt: skip

LOCATIONS = Table(
    "locations", METADATA,
    _text("id", primary_key=True), _text("name"), _text("kind"),
    Column("latitude", Float, nullable=False), Column("longitude", Float, nullable=False),
    _text("timezone"), _text("region"), _text("price_zone"),
    _text("address_line"), _text("city"), _text("state"), _text("postal_code"), _text("country"),
    _flag("pickup_enabled"), _text("spots"), _text("hours"), _text("closures"),
    _int("hold_days"), _int("floor_percent"), _int("safety_stock"),
    Column("escrow", Text, nullable=False, server_default=""),
    Column("reserve", Text, nullable=False, server_default=""),
    Column("pickup", Text, nullable=False, server_default=""),
    Column("carriers", Text, nullable=False, server_default="[]"),
    CheckConstraint("kind IN ('store', 'dc')", name="kind"),
    CheckConstraint("hold_days >= 0", name="hold_days"),
    CheckConstraint("floor_percent BETWEEN 0 AND 100", name="floor_percent"),
    CheckConstraint("safety_stock >= 0", name="safety_stock"),
    Index(None, "price_zone"),
)  # fmt: skip

FIGURES_TO_FOLLOW = Table(
    "figures_to_follow", METADATA,
    Column("location_id", Text, ForeignKey("locations.id"), primary_key=True),
    _int("safety_stock", primary_key=True), _int("floor_percent", primary_key=True),
)  # fmt: skip
"""By which figures of its location the stock there was told, where they have changed since."""

PRODUCTS = Table(
    "products", METADATA,
    _text("sku", primary_key=True), _text("name"), _text("brand"), _text("category"),
    Column("weight_grams", BigInteger, nullable=True),
    Column("style", Text, nullable=True),
    Column("release_ms", BigInteger, nullable=True),
    Index(None, "style"),
    Index("ix_products_release", "release_ms", sqlite_where=text("release_ms IS NOT NULL"),
          postgresql_where=text("release_ms IS NOT NULL")),
)  # fmt: skip

PRODUCT_BARCODES = Table(
    "product_barcodes", METADATA,
    _text("gtin14", primary_key=True),
    Column("sku", Text, ForeignKey("products.sku", ondelete="CASCADE"), primary_key=True),
    Index(None, "sku"),
)  # fmt: skip

PRICES = Table(
    "prices", METADATA,
    _text("zone", primary_key=True), _text("sku", primary_key=True),
    _int("amount_minor"), _text("currency"), _int("version"), _int("effective_from_ms"),
    CheckConstraint("amount_minor >= 0", name="amount_minor"),
)  # fmt: skip

STOCK = Table(
    "stock", METADATA,
    Column("location_id", Text, ForeignKey("locations.id"), primary_key=True),
    _text("sku", primary_key=True),
    _int("on_hand"), _int("allocated"), _int("floor"), _int("safety_stock"), _text("aisle"),
    *(_zero(name) for name in ("generation", "granted", "promised", "returned")),
    Column("op_replica", Text, nullable=False, server_default=""),
    _zero("op_epoch"), _zero("op_seq"), _zero("weekly_milli"),
    Column("silence", Text, nullable=False, server_default=""),
    CheckConstraint("allocated >= 0", name="allocated"),
    CheckConstraint("floor >= 0", name="floor"),
    CheckConstraint("safety_stock >= 0", name="safety_stock"),
    CheckConstraint("promised >= 0 AND returned >= 0 AND promised + returned <= granted",
                    name="rights"),
    Index(None, "sku"),
)  # fmt: skip
"""`on_hand` may be negative: facts are never refused.

`floor` is what the store keeps under a fixed share, and what it should keep under
escrow, where the rights count. `op_*` is up to which stock operation of the store
the row includes everything. `weekly_milli` is the demand, in thousandths of a unit a week.
"""

LEASES = Table(
    "leases", METADATA,
    Column("location_id", Text, ForeignKey("locations.id"), primary_key=True),
    _int("generation"), _int("token_ms"), _int("until_ms"), _int("confirm_by_ms"),
)  # fmt: skip
"""A location that shares its stock by escrow: which generation, and until when central promises."""

ESCROW_POLICIES = Table(
    "escrow_policies", METADATA,
    _text("location_id", primary_key=True), _int("effective_from_ms", primary_key=True),
    _text("escrow"), _int("service_percent"),
    CheckConstraint("service_percent BETWEEN 50 AND 99", name="service_percent"),
)  # fmt: skip
"""`location_id` is `*` for what holds where a location has no policy of its own."""

CONTACT_GAPS = Table(
    "contact_gaps", METADATA,
    Column("location_id", Text, ForeignKey("locations.id"), primary_key=True),
    _int("from_ms", primary_key=True), _int("to_ms"),
)  # fmt: skip
"""When a store was cut off: what its floor is sized by."""

STOCK_LEDGER = Table(
    "stock_ledger", METADATA,
    _row_id(), _text("location_id"), _text("sku"), _int("on_hand"), _int("allocated"),
    _text("reason"), _text("source"), _int("at_ms"), _maybe("happened_ms"),
    Index(None, "location_id", "sku"),
    Index(None, "source"),
)  # fmt: skip
"""Append-only. The sums by (location, SKU) are what `stock` says.

`happened_ms` is null where a movement happened when central heard of it (`at_ms`).
"""

CUSTOMERS = Table(
    "customers", METADATA,
    _text("id", primary_key=True), _text("name"), _text("email"), _text("phone"),
    Column("latitude", Float), Column("longitude", Float), _text("postal_code"),
    Index(None, "email"),
)  # fmt: skip

ORDERS = Table(
    "orders", METADATA,
    _text("id", primary_key=True), _text("number"), _text("channel"), _text("external_id"),
    _text("customer_id"), _text("customer_name"), _text("customer_email"), _text("customer_phone"),
    Column("latitude", Float), Column("longitude", Float), _text("proxy_name"),
    _text("pickup_location_id"), _text("pickup_code"), _text("currency"), _int("total_minor"),
    _int("placed_at_ms"), _text("status"),
    *(
        Column(name, Text, nullable=False, server_default="")
        for name in ("ship_to", "ship_method", "customer_tier", "handover", "payment", "need_by")
    ),
    UniqueConstraint("number"),
    CheckConstraint("total_minor >= 0", name="total_minor"),
    Index(None, "placed_at_ms", "id"),
    Index(None, "pickup_location_id", "placed_at_ms"),
    Index(None, "status", "placed_at_ms"),
    Index(None, "customer_email", "placed_at_ms"),
)  # fmt: skip
"""`customer_email` is in lower case; `status` is a projection for search."""

ORDER_LINES = Table(
    "order_lines", METADATA,
    Column("order_id", Text, ForeignKey("orders.id"), primary_key=True),
    _int("line", primary_key=True), _text("sku"), _text("name"), _int("quantity"),
    _int("unit_price_minor"), _int("unsourced"), _int("dropped"), _text("kit"), _int("kit_units"),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint("unit_price_minor >= 0", name="unit_price_minor"),
    CheckConstraint("unsourced >= 0 AND dropped >= 0 AND unsourced + dropped <= quantity",
                    name="unsourced"),
    Index(None, "sku", "order_id"),
    Index("ix_order_lines_unsourced", "sku", sqlite_where=text("unsourced > 0"),
          postgresql_where=text("unsourced > 0")),
)  # fmt: skip

ORDER_EVENTS = Table(
    "order_events", METADATA,
    _row_id(), Column("order_id", Text, ForeignKey("orders.id"), nullable=False),
    _int("at_ms"), _text("kind"), _text("text"), _text("actor"), _text("data"),
    Index(None, "order_id", "at_ms"),
)  # fmt: skip

FULFILLMENT_ORDERS = Table(
    "fulfillment_orders", METADATA,
    _text("id", primary_key=True),
    Column("order_id", Text, ForeignKey("orders.id"), nullable=False),
    Column("location_id", Text, ForeignKey("locations.id"), nullable=False),
    _text("flow"), _text("status"), _flag("is_open"), _int("promised_by_ms"), _text("body"),
    _int("revision"), _maybe("confirm_by_ms"), _maybe("hold_until_ms"), _maybe("accept_by_ms"),
    _maybe("pickup_by_ms"),
    CheckConstraint("revision >= 1", name="revision"),
    Index(None, "order_id"),
    Index(None, "location_id", "is_open", "promised_by_ms"),
    Index("ix_fulfillment_orders_unconfirmed", "confirm_by_ms",
          sqlite_where=text("confirm_by_ms IS NOT NULL"),
          postgresql_where=text("confirm_by_ms IS NOT NULL")),
    Index("ix_fulfillment_orders_held", "hold_until_ms",
          sqlite_where=text("hold_until_ms IS NOT NULL"),
          postgresql_where=text("hold_until_ms IS NOT NULL")),
    Index("ix_fulfillment_orders_idle", "accept_by_ms",
          sqlite_where=text("accept_by_ms IS NOT NULL"),
          postgresql_where=text("accept_by_ms IS NOT NULL")),
    Index("ix_fulfillment_orders_pickup_by", "pickup_by_ms",
          sqlite_where=text("pickup_by_ms IS NOT NULL"),
          postgresql_where=text("pickup_by_ms IS NOT NULL")),
)  # fmt: skip
"""`body` is the JSON of `FulfillmentRow`, the same as the feed row's; the rest is for search.

`accept_by_ms` is by when somebody there has to accept it, where rules of routing say so.
`confirm_by_ms` is set only while the promise is open and unconfirmed, `hold_until_ms` only
while a reservation is held, or waits, and nobody is paying, `pickup_by_ms` only while paid
goods wait for their customer.
"""

SHIPPING_CARRIERS = Table(
    "shipping_carriers", METADATA,
    _text("id", primary_key=True), _text("name"), _text("number_prefix"), _int("next_number"),
    _text("days"),
    CheckConstraint("next_number >= 1", name="next_number"),
)  # fmt: skip

SHIPPING_RATES = Table(
    "shipping_rates", METADATA,
    Column("carrier", Text, ForeignKey("shipping_carriers.id"), primary_key=True),
    _text("service", primary_key=True), _int("weight_grams_max", primary_key=True),
    _int("amount_minor"), _text("currency"), _int("days"),
    CheckConstraint("amount_minor >= 0 AND weight_grams_max > 0", name="amounts"),
)  # fmt: skip

ROUTING_PAUSES = Table(
    "routing_pauses", METADATA,
    Column("location_id", Text, ForeignKey("locations.id"), primary_key=True),
    _text("order_id", primary_key=True), _text("sku", primary_key=True),
    _int("until_ms"), _text("reason"),
    Index(None, "until_ms"),
)  # fmt: skip
"""Until when a location is not asked: of `order_id` and `sku` one is empty."""

ROUTING_TRACES = Table(
    "routing_traces", METADATA,
    _row_id(), _text("order_id"), _int("at_ms"), _text("trace"),
    Index(None, "order_id", "at_ms"),
)  # fmt: skip

REPLICAS = Table(
    "replicas", METADATA,
    _text("replica_id", primary_key=True),
    Column("location_id", Text, ForeignKey("locations.id"), nullable=False),
    _int("epoch"), _int("last_seq"), Column("last_hash", LargeBinary, nullable=False),
    _text("install_nonce"), _flag("enabled"), _text("public_key"), _text("app_version"),
    _int("enrolled_at_ms"), _maybe("last_contact_ms"), _int("backlog"), _int("clock_offset_ms"),
    Column("base_seq", BigInteger, nullable=False, server_default=text("0")),
    _maybe("pushed_ms"), _maybe("followed_rev"),
    Column("follows", Text, nullable=False, server_default=""),
    CheckConstraint("epoch >= 1 AND last_seq >= 0", name="position"),
    Index(None, "location_id"),
)  # fmt: skip

REPLICA_EPOCHS = Table(
    "replica_epochs", METADATA,
    Column("replica_id", Text, ForeignKey("replicas.replica_id"), primary_key=True),
    _int("epoch", primary_key=True), _int("base_seq"), _int("begun_ms"),
)  # fmt: skip
"""Where each epoch of a replica begins: the place before its first operation."""

STOCK_REPORTS = Table(
    "stock_reports", METADATA,
    Column("location_id", Text, ForeignKey("locations.id"), primary_key=True),
    _int("at_ms"), _text("source"), _text("gaps"),
)  # fmt: skip
"""When a file told a location's stock last, which one, and how far the last ones were apart."""

ENROLMENT_CODES = Table(
    "enrolment_codes", METADATA,
    _text("hash", primary_key=True),
    Column("location_id", Text, ForeignKey("locations.id"), nullable=False),
    _int("expires_at_ms"), _maybe("used_at_ms"),
)  # fmt: skip

OP_LOG = Table(
    "op_log", METADATA,
    _text("replica_id", primary_key=True), _int("epoch", primary_key=True),
    _int("seq", primary_key=True),
    Column("line", LargeBinary, nullable=False), Column("hash", LargeBinary, nullable=False),
    _text("kind"), _text("aggregate"), _text("by_associate"), _int("at_ms"), _int("received_ms"),
    _text("status"), Column("verdict", Text),
    CheckConstraint("status IN ('accepted', 'amended', 'refused', 'quarantined')", name="status"),
    Index(None, "aggregate", "replica_id"),
    Index("ix_op_log_quarantined", "replica_id", "aggregate",
          sqlite_where=text("status = 'quarantined'"),
          postgresql_where=text("status = 'quarantined'")),
    Index("ix_op_log_notable", "replica_id", "epoch", "seq",
          sqlite_where=text("verdict IS NOT NULL"), postgresql_where=text("verdict IS NOT NULL")),
)  # fmt: skip
"""The primary key is an operation's identity. `verdict` is null where it was plainly accepted."""

EXCEPTIONS = Table(
    "exceptions", METADATA,
    _text("id", primary_key=True), _text("kind"), _text("owner"), _int("due_ms"),
    _text("order_id"), _text("fulfillment_id"), _text("location_id"), _text("detail"),
    _int("opened_ms"), _maybe("closed_ms"),
    _text("cause"), _text("assignee"), _text("note"), _text("closed_by"),
    Index("ix_exceptions_open", "owner", "due_ms", sqlite_where=text("closed_ms IS NULL"),
          postgresql_where=text("closed_ms IS NULL")),
    Index("ux_exceptions_open_cause", "cause", unique=True,
          sqlite_where=text("closed_ms IS NULL"), postgresql_where=text("closed_ms IS NULL")),
    Index(None, "order_id"),
    Index(None, "fulfillment_id"),
)  # fmt: skip
"""At most one is open for each cause."""

FEED_SCOPES = Table(
    "feed_scopes", METADATA,
    _text("scope", primary_key=True), _int("rev"), _int("floor_rev"), _int("checksum"),
    _int("rows_live"),
    CheckConstraint("floor_rev <= rev AND rows_live >= 0", name="counters"),
)  # fmt: skip

FEED_ROWS = Table(
    "feed_rows", METADATA,
    _text("scope", primary_key=True), _text("entity", primary_key=True),
    _text("key", primary_key=True), _int("rev"), Column("body", Text),
    Index(None, "scope", "rev", unique=True),
)  # fmt: skip
"""`body` is null for a tombstone."""

IDEMPOTENCY_KEYS = Table(
    "idempotency_keys", METADATA,
    _text("principal", primary_key=True), _text("key", primary_key=True),
    _text("body_hash"), _int("status"), _text("response"), _int("created_ms"),
    Index(None, "created_ms"),
)  # fmt: skip

API_KEYS = Table(
    "api_keys", METADATA,
    _text("id", primary_key=True), _text("prefix"), _text("hash"), _text("scopes"), _text("name"),
    _int("created_ms"), _maybe("revoked_ms"),
    UniqueConstraint("prefix"),
)  # fmt: skip

ASSOCIATES = Table(
    "associates", METADATA,
    _text("id", primary_key=True),
    Column("location_id", Text, ForeignKey("locations.id"), nullable=False),
    _text("name"), _text("role"), _text("pin_hash"), _flag("active"),
    Index(None, "location_id"),
)  # fmt: skip

OUTBOX = Table(
    "outbox", METADATA,
    _text("id", primary_key=True), _text("kind"), _text("key"), _text("payload"),
    _int("created_ms"), _int("attempts"), _int("not_before_ms"), _text("last_error"),
    _maybe("done_ms"),
    UniqueConstraint("key"),
    Index("ix_outbox_waiting", "not_before_ms", sqlite_where=text("done_ms IS NULL"),
          postgresql_where=text("done_ms IS NULL")),
)  # fmt: skip

IMPORT_JOBS = Table(
    "import_jobs", METADATA,
    _text("id", primary_key=True), _text("source_hash"), _text("kind"), _int("offset"),
    _int("ok"), _int("bad"), _flag("done"),
    UniqueConstraint("kind", "source_hash"),
)  # fmt: skip

MONEY_LEDGER = Table(
    "money_ledger", METADATA,
    _row_id(), _text("location_id"), _text("account"), _int("amount_minor"), _text("currency"),
    _text("source"), _text("drawer"), _text("associate"), _int("at_ms"),
    Index(None, "location_id", "at_ms"),
    Index(None, "source"),
)  # fmt: skip
"""Append-only, derived from operations. The entries of one source add up to zero."""

STORED_VALUES = Table(
    "stored_values", METADATA,
    _text("account", primary_key=True), _text("means"), _text("currency"), _int("balance_minor"),
    _int("created_ms"),
    CheckConstraint("means IN ('gift_card', 'store_credit')", name="means"),
)  # fmt: skip
"""Gift cards and credits by the hash of their code. A balance may be negative: facts count."""

STORED_VALUE_ENTRIES = Table(
    "stored_value_entries", METADATA,
    _row_id(), Column("account", Text, ForeignKey("stored_values.account"), nullable=False),
    _int("amount_minor"), _text("source"), _int("at_ms"),
    Index(None, "account"),
)  # fmt: skip
"""Append-only. The sum by account is its balance."""
