"""The tables of journal.db, as named migrations (sqlite-utils)."""

from sqlite_utils import Database, Migrations

from sync.edge.journal_reading import MONEY_KINDS

migrations = Migrations("holdshelf.journal")

_TABLES = (
    """CREATE TABLE identity (
        id INTEGER PRIMARY KEY CHECK (id = 1), replica_id TEXT NOT NULL,
        location_id TEXT NOT NULL, epoch INTEGER NOT NULL, install_nonce TEXT NOT NULL,
        private_key TEXT NOT NULL, server_id TEXT NOT NULL, central_url TEXT NOT NULL) STRICT""",
    """CREATE TABLE operations (
        epoch INTEGER NOT NULL, seq INTEGER NOT NULL, line BLOB NOT NULL, hash BLOB NOT NULL,
        kind TEXT NOT NULL, aggregate TEXT NOT NULL, actor TEXT NOT NULL, at_ms INTEGER NOT NULL,
        PRIMARY KEY (epoch, seq)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX operations_by_aggregate ON operations (aggregate, epoch, seq)",
    """CREATE TABLE stock_effects (
        epoch INTEGER NOT NULL, seq INTEGER NOT NULL, sku TEXT NOT NULL,
        on_hand INTEGER NOT NULL, allocated INTEGER NOT NULL,
        FOREIGN KEY (epoch, seq) REFERENCES operations (epoch, seq) ON DELETE CASCADE) STRICT""",
    "CREATE INDEX stock_effects_by_sku ON stock_effects (sku, epoch, seq)",
    "CREATE INDEX stock_effects_by_seq ON stock_effects (epoch, seq)",
    """CREATE TABLE verdicts (
        epoch INTEGER NOT NULL, seq INTEGER NOT NULL, status TEXT NOT NULL, code TEXT NOT NULL,
        text TEXT NOT NULL, consequences TEXT NOT NULL,
        PRIMARY KEY (epoch, seq)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE progress (
        id INTEGER PRIMARY KEY CHECK (id = 1), acked_seq INTEGER NOT NULL) STRICT""",
    "INSERT INTO progress (id, acked_seq) VALUES (1, 0)",
    """CREATE TABLE lockouts (
        subject TEXT PRIMARY KEY, failures INTEGER NOT NULL, until_ms INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE escrow (
        sku TEXT PRIMARY KEY, generation INTEGER NOT NULL, granted INTEGER NOT NULL,
        sold INTEGER NOT NULL, over INTEGER NOT NULL) STRICT, WITHOUT ROWID""",
)


@migrations(transactional=True)
def m0001_first(database: Database) -> None:
    """Identity, operations with their stock effects, verdicts, progress, lock-outs, escrow."""
    for statement in _TABLES:
        database.execute(statement)


@migrations(transactional=True)
def m0002_escrow(database: Database) -> None:
    """What this store granted central, by SKU, in the generation that is open."""
    database.execute("DROP TABLE escrow")
    database.execute(
        """CREATE TABLE rights (
            sku TEXT PRIMARY KEY, generation INTEGER NOT NULL, granted INTEGER NOT NULL,
            recalled_seq INTEGER NOT NULL) STRICT, WITHOUT ROWID"""
    )
    database.execute(
        "CREATE INDEX operations_sold ON operations (epoch, seq) WHERE kind = 'floor_sold'"
    )
    database.execute("ALTER TABLE progress ADD COLUMN generation INTEGER NOT NULL DEFAULT 1")


_RECOVERY = (
    """CREATE TABLE lives (
        epoch INTEGER PRIMARY KEY, replica_id TEXT NOT NULL, base INTEGER NOT NULL,
        certain INTEGER NOT NULL, opened INTEGER NOT NULL, begun_ms INTEGER NOT NULL) STRICT""",
    """INSERT INTO lives (epoch, replica_id, base, certain, opened, begun_ms)
        SELECT epoch, replica_id, 0, 1, 1, 0 FROM identity""",
    "ALTER TABLE operations ADD COLUMN forked_from TEXT",
    "ALTER TABLE progress ADD COLUMN rival_ms INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE progress ADD COLUMN is_duplicate INTEGER NOT NULL DEFAULT 0",
)
"""`lives`: the epochs of this journal. `base` is the place before the first operation of one."""


@migrations(transactional=True)
def m0003_recovery(database: Database) -> None:
    """Epochs with where they begin, operations that were sequenced anew, rivals."""
    for statement in _RECOVERY:
        database.execute(statement)


_ACKNOWLEDGED = (
    """CREATE TABLE acknowledged (
        seq INTEGER PRIMARY KEY, central_ms INTEGER NOT NULL, here_ms INTEGER NOT NULL) STRICT""",
    "ALTER TABLE progress ADD COLUMN central_ms INTEGER NOT NULL DEFAULT 0",
)
"""Up to `seq` central had everything at `central_ms` by its clock and `here_ms` by this one."""


@migrations(transactional=True)
def m0004_acknowledged(database: Database) -> None:
    """When central had how much. What was acknowledged before counts from the next answer on."""
    for statement in _ACKNOWLEDGED:
        database.execute(statement)


SOLD_OF_BEFORE = """INSERT INTO sold (sku, seq, epoch, before_units, after_units)
    SELECT sku, seq, epoch, total - units, total FROM
        (SELECT sku, seq, epoch, units, sum(units) OVER (PARTITION BY sku ORDER BY seq) AS total
         FROM (SELECT e.sku, e.seq, e.epoch, sum(e.on_hand) AS units
               FROM stock_effects e JOIN operations o USING (epoch, seq)
               WHERE o.kind = 'floor_sold' GROUP BY e.sku, e.seq, e.epoch))"""
"""The sums of the sales that a journal holds already."""
_SOLD = (
    """CREATE TABLE sold (
        sku TEXT NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL,
        before_units INTEGER NOT NULL, after_units INTEGER NOT NULL, PRIMARY KEY (sku, seq),
        FOREIGN KEY (epoch, seq) REFERENCES operations (epoch, seq) ON DELETE CASCADE
        ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX sold_by_operation ON sold (epoch, seq)",
    SOLD_OF_BEFORE,
)
"""How far a SKU's book had moved by sales, before and after each; only differences count."""


@migrations(transactional=True)
def m0005_sold(database: Database) -> None:
    """Running sums of what was sold, so that nobody adds up thousands of sales at each look."""
    for statement in _SOLD:
        database.execute(statement)


@migrations(transactional=True)
def m0006_money(database: Database) -> None:
    """Find what moves money without walking through everything else."""
    kinds = ", ".join(f"'{kind}'" for kind in MONEY_KINDS)
    database.execute(
        f"CREATE INDEX operations_of_money ON operations (epoch, seq) WHERE kind IN ({kinds})"
    )


@migrations(transactional=True)
def m0007_next_generation(database: Database) -> None:
    """The generation of rights that is to begin once central's promises are known here."""
    database.execute("ALTER TABLE progress ADD COLUMN next_generation INTEGER NOT NULL DEFAULT 0")


@migrations(transactional=True)
def m0008_follow_ups(database: Database) -> None:
    """Find what people wrote down to be done without walking through everything else."""
    database.execute(
        "CREATE INDEX operations_follow_up ON operations (epoch, seq)"
        " WHERE kind = 'follow_up_opened'"
    )


@migrations(transactional=True)
def m0009_late_verdicts(database: Database) -> None:
    """Which verdicts came after their answer: a restored central may not know them any more."""
    database.execute("ALTER TABLE verdicts ADD COLUMN late INTEGER NOT NULL DEFAULT 0")


@migrations(transactional=True)
def m0010_held_back(database: Database) -> None:
    """Find what no row of central's includes, which is rarely anything, at each look at stock."""
    database.execute(
        "CREATE INDEX verdicts_held ON verdicts (epoch, seq)"
        " WHERE (status = 'quarantined' OR late = 2)"
    )


@migrations(transactional=True)
def m0011_sale_numbers(database: Database) -> None:
    """Numbers and items of sales whose operations are forgotten."""
    database.execute(
        """CREATE TABLE sale_numbers (
            aggregate TEXT PRIMARY KEY, items TEXT NOT NULL, forgotten_ms INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID"""
    )


@migrations(transactional=True)
def m0012_central_life(database: Database) -> None:
    """Which life of central's this store's rights were given to; 0 is not known."""
    database.execute("ALTER TABLE progress ADD COLUMN central_life INTEGER NOT NULL DEFAULT 0")


@migrations(transactional=True)
def m0013_lease_terms(database: Database) -> None:
    """By which lease and confirmation time this store has said that it goes; 0: nothing said."""
    for column in ("lease_ms", "confirm_ms"):
        database.execute(f"ALTER TABLE progress ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0")


@migrations(transactional=True)
def m0014_voids(database: Database) -> None:
    """Cards that a payment terminal was asked to give back, until that is recorded."""
    database.execute(
        """CREATE TABLE voids (
            fulfillment_id TEXT NOT NULL, tender INTEGER NOT NULL, device TEXT NOT NULL,
            PRIMARY KEY (fulfillment_id, tender)) STRICT, WITHOUT ROWID"""
    )


def migrate(database: Database) -> None:
    """Bring a journal to this version's tables."""
    migrations.apply(database)
