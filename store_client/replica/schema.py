"""The tables of replica.db, as named migrations. Disposable: rebuilt from central when in doubt."""

from sqlite_utils import Database, Migrations

from sync.protocol.snapshot import CATALOGUE_TABLES, PRICE_TABLES

migrations = Migrations("holdshelf.replica")

_TABLES = (
    """CREATE TABLE scopes (
        scope TEXT PRIMARY KEY, incarnation INTEGER NOT NULL, rev INTEGER NOT NULL,
        checksum INTEGER NOT NULL, rows_live INTEGER NOT NULL) STRICT, WITHOUT ROWID""",
    """CREATE TABLE fulfillments (
        id TEXT PRIMARY KEY, rev INTEGER NOT NULL, base TEXT NOT NULL,
        base_seq INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0, view TEXT NOT NULL,
        pending INTEGER NOT NULL, provisional INTEGER NOT NULL, flow TEXT NOT NULL,
        status TEXT NOT NULL, active INTEGER NOT NULL, urgency INTEGER NOT NULL,
        order_number TEXT NOT NULL, customer_name TEXT NOT NULL, promised_by_ms INTEGER NOT NULL,
        expires_at_ms INTEGER, staging_spot TEXT NOT NULL, units_open INTEGER NOT NULL,
        units_to_pick INTEGER NOT NULL, units_to_put_back INTEGER NOT NULL) STRICT""",
    "CREATE INDEX fulfillments_by_urgency ON fulfillments (flow, active, urgency, promised_by_ms)",
    "CREATE INDEX fulfillments_by_number ON fulfillments (order_number)",
    "CREATE INDEX fulfillments_pending ON fulfillments (id) WHERE pending > 0",
    """CREATE TABLE stock (
        sku TEXT PRIMARY KEY, on_hand INTEGER NOT NULL, allocated INTEGER NOT NULL,
        floor INTEGER NOT NULL, safety_stock INTEGER NOT NULL, aisle TEXT NOT NULL,
        rev INTEGER NOT NULL) STRICT, WITHOUT ROWID""",
    """CREATE TABLE documents (
        entity TEXT NOT NULL, key TEXT NOT NULL, rev INTEGER NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (entity, key)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE unknown_rows (
        scope TEXT NOT NULL, entity TEXT NOT NULL, key TEXT NOT NULL, rev INTEGER NOT NULL,
        body TEXT, PRIMARY KEY (scope, entity, key)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE included (
        id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL, seq INTEGER NOT NULL
        ) STRICT""",
    "INSERT INTO included (id, epoch, seq) VALUES (1, 0, 0)",
    """CREATE TABLE connection (
        id INTEGER PRIMARY KEY CHECK (id = 1), last_contact_ms INTEGER, last_error TEXT NOT NULL,
        halted INTEGER NOT NULL, clock_offset_ms INTEGER NOT NULL) STRICT""",
    "INSERT INTO connection (id, last_error, halted, clock_offset_ms) VALUES (1, '', 0, 0)",
    """CREATE TABLE alerts (
        at_ms INTEGER NOT NULL, scope TEXT NOT NULL, text TEXT NOT NULL) STRICT""",
)


@migrations(transactional=True)
def m0001_first(database: Database) -> None:
    """Scopes, catalogue, prices, fulfillment orders with their view, stock, documents."""
    for statement in (*CATALOGUE_TABLES, *PRICE_TABLES, *_TABLES):
        database.execute(statement)


@migrations(transactional=True)
def m0002_escrow(database: Database) -> None:
    """Rights by SKU, promises to confirm, and the newest lease token."""
    columns = (
        ("stock", "generation"), ("stock", "promised"), ("stock", "returned"),
        ("stock", "op_epoch"), ("stock", "op_seq"),
        ("fulfillments", "unconfirmed"), ("fulfillments", "base_unconfirmed"),
        ("connection", "token_ms"), ("connection", "token_mono_ms"),
    )  # fmt: skip
    for table, name in columns:
        database.execute(f"ALTER TABLE {table} ADD COLUMN {name} INTEGER NOT NULL DEFAULT 0")
    for table, name in (("stock", "op_replica"), ("connection", "token_boot")):
        database.execute(f"ALTER TABLE {table} ADD COLUMN {name} TEXT NOT NULL DEFAULT ''")
    database.execute("CREATE INDEX stock_by_rev ON stock (rev)")
    database.execute("CREATE INDEX unconfirmed ON fulfillments (id) WHERE unconfirmed = 1")
    database.execute(
        """CREATE TABLE shared (
            id INTEGER PRIMARY KEY CHECK (id = 1), rev INTEGER NOT NULL, epoch INTEGER NOT NULL,
            seq INTEGER NOT NULL, generation INTEGER NOT NULL) STRICT"""
    )
    database.execute("INSERT INTO shared (id, rev, epoch, seq, generation) VALUES (1, 0, 0, 0, 0)")


@migrations(transactional=True)
def m0003_pending_effects(database: Database) -> None:
    """What folded operations do to stock, and the SKUs for which that changed."""
    database.execute(
        """CREATE TABLE pending_effects (
            fulfillment_id TEXT NOT NULL, sku TEXT NOT NULL, on_hand INTEGER NOT NULL,
            allocated INTEGER NOT NULL, PRIMARY KEY (fulfillment_id, sku)) STRICT, WITHOUT ROWID"""
    )
    database.execute("CREATE INDEX pending_effects_by_sku ON pending_effects (sku)")
    database.execute("CREATE TABLE refolded (sku TEXT PRIMARY KEY) STRICT, WITHOUT ROWID")
    # Everything is folded anew: until now effects were read from the journal.
    database.execute("UPDATE included SET epoch = 0, seq = 0")


@migrations(transactional=True)
def m0004_board(database: Database) -> None:
    """The board in its order: the first rows of thousands of orders without sorting all."""
    database.execute(
        "CREATE INDEX fulfillments_board ON fulfillments (flow, active, urgency,"
        " CASE WHEN urgency = 2 THEN expires_at_ms ELSE promised_by_ms END, id)"
    )
    database.execute("DROP INDEX fulfillments_by_urgency")


@migrations(transactional=True)
def m0005_heard(database: Database) -> None:
    """Up to which own operation central's rows are known to include everything."""
    database.execute("ALTER TABLE connection ADD COLUMN heard_seq INTEGER NOT NULL DEFAULT 0")


@migrations(transactional=True)
def m0006_included_hash(database: Database) -> None:
    """The hash of the last operation that views include: epochs of restored journals may repeat."""
    database.execute("ALTER TABLE included ADD COLUMN hash TEXT NOT NULL DEFAULT ''")


@migrations(transactional=True)
def m0007_spots(database: Database) -> None:
    """What lies where, without a look at what lies nowhere."""
    database.execute(
        "CREATE INDEX fulfillments_by_spot ON fulfillments (staging_spot)"
        " WHERE active = 1 AND staging_spot <> ''"
    )


@migrations(transactional=True)
def m0008_included_held(database: Database) -> None:
    """Which held operations the views were folded with: what is held may change by itself."""
    database.execute("ALTER TABLE included ADD COLUMN held TEXT NOT NULL DEFAULT ''")


@migrations(transactional=True)
def m0009_program(database: Database) -> None:
    """With which knowledge the rows were last read. Until now nobody wrote that down."""
    database.execute(
        "CREATE TABLE program (id INTEGER PRIMARY KEY CHECK (id = 1), knows TEXT NOT NULL) STRICT"
    )
    database.execute("INSERT INTO program (id, knows) VALUES (1, '')")


def migrate(database: Database) -> None:
    """Bring a replica to this version's tables."""
    migrations.apply(database)
